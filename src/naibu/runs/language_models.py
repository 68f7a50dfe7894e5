"""The networks of runs, where only a language model will do."""

from __future__ import annotations

from naibu.errors import OptionError
from naibu.models.language_model import LanguageModel
from naibu.models.model import Model
from naibu.runs import load as any_kind
from naibu.runs.run import Run


def load(run: Run) -> LanguageModel:
    """Return the run's model as `naibu.load` does. Raises OptionError where it is no language model."""
    return _language_model(run, any_kind.load(run))


def untrained(run: Run) -> LanguageModel:
    """Return the same as it was before its first step."""
    return _language_model(run, any_kind.untrained(run))


def _language_model(run: Run, model: Model) -> LanguageModel:
    if not isinstance(model, LanguageModel):
        raise OptionError(f"{run.path}: a network of the task {run.task}; this is for language models")
    return model
