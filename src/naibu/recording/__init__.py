"""Recording networks: every gate, update, cell and output of every unit at every step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from naibu.data.corpus import Corpus
from naibu.data.sequences import Sequences
from naibu.errors import OptionError
from naibu.models.language_model import LanguageModel
from naibu.recording.anybody import record_module
from naibu.recording.language_models import Progress, record_language_model
from naibu.recording.recording import Recording, Shard, StoredArray
from naibu.runs import Run

__all__ = ["Recording", "Shard", "StoredArray", "record", "record_language_model", "record_module"]


def record(
    what: Run | LanguageModel | nn.Module,
    inputs: Any,
    *,
    keep: Collection[str] = ("cell", "hidden"),
    labels: Mapping[str, Any] | Sequence[str] | None = None,
    lengths: Any = None,
    symbols: Any = None,
    split: Any = None,
    layers: Sequence[str] | None = None,
    seen: Any = None,
    out: str | Path | None = None,
    dtype: str = "float16",
    live: bool = False,
    progress: Progress | None = None,
) -> Recording:
    """Return a recording of a network: of this project's, from a run or a model, or of anybody's torch module.

    A run or a language model reads a `Corpus`, one `Sequences` (taken as the test split) or a mapping of split to
    `Sequences`; `labels` then are names, and `seen` says which sequences occur in training. See
    `record_language_model`. Any other module reads `inputs`: a tensor, a list of calls or a loader; `labels` then
    maps names to values, `lengths`, `symbols`, `split` and `layers` are as in `record_module`.
    `keep` names the signals, `out` a folder to write to, `dtype` the type of the values, "float16" or "float32".
    Raises OptionError for what does not fit, StoredError where `out` cannot be used.
    """
    texts = _texts(inputs)
    if texts is None and not isinstance(what, nn.Module):
        kind = type(inputs).__name__
        raise OptionError(f"inputs: a {kind}; a run reads a corpus or a mapping of split to sequences")
    if texts is not None:
        given = {"lengths": lengths, "symbols": symbols, "split": split, "layers": layers}
        _refuse_given(given, "for modules of others; a corpus brings its own")
        splits, known = texts
        return record_language_model(
            _language_model(what),
            splits,
            keep=keep,
            labels=None if labels is None else list(labels),
            seen=known if seen is None else seen,
            out=out,
            dtype=dtype,
            live=live,
            progress=progress,
        )
    assert isinstance(what, nn.Module)
    _refuse_given({"seen": seen, "live": live or None}, "for runs and language models that read a corpus")
    if labels is not None and not isinstance(labels, Mapping):
        raise OptionError("labels: names alone; a module needs name -> values, [batch time] or one array a sequence")
    return record_module(
        what,
        inputs,
        keep=keep,
        labels=labels,
        lengths=lengths,
        symbols=symbols,
        split=split,
        layers=layers,
        out=out,
        dtype=dtype,
        progress=progress,
    )


def _texts(inputs: Any) -> tuple[Mapping[str, Sequences], Any] | None:
    if isinstance(inputs, Corpus):
        return {"train": inputs.train, "validation": inputs.validation, "test": inputs.test}, inputs.seen
    if isinstance(inputs, Sequences):
        return {"test": inputs}, None
    if isinstance(inputs, Mapping) and inputs and all(isinstance(split, Sequences) for split in inputs.values()):
        return inputs, None
    return None


def _language_model(what: object) -> LanguageModel:
    if isinstance(what, Run):
        from naibu.runs.language_models import load

        return load(what)
    if isinstance(what, LanguageModel):
        return what
    raise OptionError(f"a {type(what).__name__} reads no corpus; give a run, a language model, or tensors as inputs")


def _refuse_given(options: Mapping[str, Any], whom: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise OptionError(f"{name}: is {whom}; leave it out here")
