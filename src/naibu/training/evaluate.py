"""How good a trained network is on its own held-out data or on other files, and what it tells of other files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from naibu.config import PartName
from naibu.data.examples import Examples
from naibu.errors import OptionError
from naibu.progress import Report, silent
from naibu.runs import Run
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.tasks.task import Predicted, Trained
from naibu.training.threads import threads
from naibu.training.validation import measured, windows_of


def evaluate(
    run: Run,
    files: Sequence[str | Path] = (),
    *,
    part: PartName = "test",
    progress: Report = silent,
    **options: Any,
) -> dict[str, Any]:
    """Return the scores of a trained network by name: `loss` (nats a predicted step), `examples`, `steps`, the task's.

    files: what it is scored on, by default the test part of what it was trained on. part: "validation" for that.
    options: those that only the task has, the fields of its `evaluation`: `cache=True` of text, for example.

    Raises StoredError for a run that is not finished or is damaged, CorpusError for files that cannot be used,
    OptionError where the task has no such thing.
    """
    task = task_named(run.task)
    asked, trained = asked_of(task.evaluation, options, run), trained_by(run)
    if files:
        examples: Examples = task.examples_of([Path(file) for file in files], run.options, run.path)
    else:
        examples = task.scored(trained, getattr(trained.data(), part), asked)
    windows = windows_of(task, examples, run.training, progress)
    with threads(run.training.threads):
        found = measured(trained.model, windows, task.measures(examples))
        scores = {**found, "examples": len(examples), "steps": int(examples.lengths.sum())}
        scores |= task.scores(examples, found)
        return scores | task.evaluated(trained, examples, asked, progress)


def predict(run: Run, files: Sequence[str | Path] = (), *, progress: Report = silent, **options: Any) -> Predicted:
    """Return what a trained network tells of files: its forecasts, tags or classes, as `rows()` and as `lines()`.

    options: those that only the task has, the fields of its `prediction`.

    Raises StoredError for a run that is not finished or is damaged, CorpusError for files that cannot be used,
    OptionError where the task has no such thing.
    """
    task = task_named(run.task)
    asked, trained = asked_of(task.prediction, options, run), trained_by(run)
    with threads(run.training.threads):
        return task.predict(trained, [Path(file) for file in files], asked, progress)


def trained_by(run: Run) -> Trained:
    """Return the network of a run as its task meets it again. Raises StoredError as `load` does."""
    return Trained(load(run), run.path, run.options, run.training, run.data)


def asked_of(kind: type[Any], options: dict[str, Any], run: Run) -> Any:
    """Return options as an instance of what a task knows. Raises OptionError for one that only other tasks have."""
    unknown = sorted(options.keys() - {each.name for each in fields(kind)})
    if unknown:
        raise not_of(unknown[0], run.task)
    return kind(**options)


def not_of(option: str, task: str) -> OptionError:
    """Return the error of an option that is not for the networks of a task."""
    typed = "--" + option.replace("_", "-")
    return OptionError(f"{typed}: is not for a network of the task {task}; leave it away")
