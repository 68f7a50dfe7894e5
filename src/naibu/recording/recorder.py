"""The one recorder for every kind of network: a run, a model of this project, anybody's torch module."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from naibu.data.examples import Data, Examples
from naibu.errors import OptionError
from naibu.models.model import Model
from naibu.recording.examples import Progress, record_examples
from naibu.recording.modules import record_module
from naibu.recording.recording import Recording
from naibu.runs import Run


def record(
    what: Run | Model | nn.Module,
    inputs: Any,
    *,
    keep: Collection[str] = (),
    labels: Mapping[str, Any] | Sequence[str] | None = None,
    lengths: Any = None,
    symbols: Any = None,
    split: Any = None,
    layers: Sequence[str] | None = None,
    streams: Mapping[str, str] | None = None,
    out: str | Path | None = None,
    dtype: str = "float16",
    live: bool = False,
    progress: Progress | None = None,
) -> Recording:
    """Return a recording of a network: of this project's, from a run or a model, or of anybody's torch module.

    A run or a model reads `Data`, one split of `Examples` (taken as the test split) or a mapping of split to examples;
    `labels` then are names. See `record_examples`. Any other module reads `inputs`: a tensor, a list of calls or a
    loader; `labels` then maps names to values, `lengths`, `symbols`, `split`, `layers` and `streams` are as in
    `record_module`. A program that calls its module itself is recorded by `listen`.
    `keep` names the signals, all of them where it is empty, `out` a folder to write to, `dtype` the type of the values,
    "float16" or "float32". Raises OptionError for what does not fit, StoredError where `out` cannot be used.
    """
    splits = _splits(inputs)
    if splits is None and not isinstance(what, nn.Module):
        raise OptionError(f"inputs: a {type(inputs).__name__}; a run reads data or a mapping of split to examples")
    if splits is not None:
        given = {"lengths": lengths, "symbols": symbols, "split": split, "layers": layers, "streams": streams}
        _refuse_given(given, "for modules of others; data brings its own")
        names = None if labels is None else list(labels)
        model = _model(what)
        return record_examples(
            model, splits, keep=keep, labels=names, out=out, dtype=dtype, live=live, progress=progress
        )
    assert isinstance(what, nn.Module)
    _refuse_given({"live": live or None}, "for runs and models that read data")
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
        streams=streams,
        out=out,
        dtype=dtype,
        progress=progress,
    )


def _splits(inputs: Any) -> Mapping[str, Examples] | None:
    if isinstance(inputs, Data):
        return {"train": inputs.train, "validation": inputs.validation, "test": inputs.test}
    if isinstance(inputs, Examples):
        return {"test": inputs}
    if isinstance(inputs, Mapping) and inputs and all(isinstance(split, Examples) for split in inputs.values()):
        return inputs
    return None


def _model(what: object) -> Model:
    if isinstance(what, Run):
        from naibu.runs.load import load

        return load(what)
    if isinstance(what, Model):
        return what
    raise OptionError(f"a {type(what).__name__} reads no data; give a run, a model of ours, or tensors as inputs")


def _refuse_given(options: Mapping[str, Any], whom: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise OptionError(f"{name}: is {whom}; leave it out here")
