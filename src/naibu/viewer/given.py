"""What a live network reads: one sequence, typed, or put together again from what was recorded of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch

from naibu.data.batch import Batch, Stream
from naibu.data.examples import Column, Data, Examples
from naibu.errors import OptionError
from naibu.recording.index import INPUT, LABEL, SPLITS, Array, Index
from naibu.recording.recording import Recording
from naibu.recording.store import Key


class Given(NamedTuple):
    """One sequence as a network reads it, and what is known of its steps."""

    batch: Batch
    columns: Mapping[str, Array]  # input.NAME and label.NAME [step]
    names: Mapping[str, tuple[str, ...]]  # of the codes of categorical ones
    begin: Mapping[Key, Array] = MappingProxyType({})
    """Values `[unit]` of the first step where that was not read from a state of zeros: it is set to these, and the
    network goes on from there."""
    difference: float = 0.0
    """The largest difference between values as recorded and as read again; beyond the rounding of float16 something
    else was read, or from another state."""


def from_examples(examples: Examples, number: int = 0) -> Given:
    """Return one example with what is known of the steps of its last stream, labels of single categories aside."""
    stream = examples.streams[-1]
    one = examples.subset(np.array([number]))
    known = {INPUT + name: column for name, column in one.inputs(stream).items()}
    known |= {LABEL + name: one.label(name, stream) for name in one.labels(stream) if ":" not in name}
    batch = one.batch(np.arange(1))
    return _given(batch, known, slice(0, len(batch.target)))


def from_columns(recording: Recording, rows: slice) -> Given:
    """Return a recorded sequence from its columns alone: one symbol a step, or numbers, and the class that was told.

    Raises OptionError where what was recorded does not suffice: another stream was read besides, or no class is known.
    """
    index = recording.index
    if recording.beside:
        raise OptionError(f"the network read {', '.join(recording.beside)} besides")
    if index.gold is None or index.gold.dtype.kind == "f":
        raise OptionError("what was to be told is no class")
    known = _known(index)
    target = np.asarray(index.gold[rows]).astype(np.int64)
    x = _read([np.asarray(index.input(name).values[rows]) for name in index.input_names], index.input_names)
    batch = Batch({"input": Stream(x, torch.tensor([len(target)]))}, torch.from_numpy(target)[:, None])
    return _given(batch, known, rows)


def from_data(data: Data, recording: Recording, rows: slice) -> Given:
    """Return a recorded sequence as the data have it, found there by what was read; see `from_columns` for what is
    quicker. Raises OptionError where the data have no such sequence."""
    found = from_examples(*example_of(data, recording, rows))
    return _given(found.batch, _known(recording.index), rows)


def example_of(data: Data, recording: Recording, rows: slice) -> tuple[Examples, int]:
    """Return the examples that a recorded sequence is one of, and its number. Raises OptionError where the data have no
    such sequence."""
    index = recording.index
    examples: Examples = getattr(data, SPLITS[int(index.split[rows.start])])
    stream = examples.streams[-1]
    lengths, inputs = examples.lengths_of(stream), examples.inputs(stream)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    names = [name for name in index.input_names if name in inputs]
    for number in np.flatnonzero(lengths == rows.stop - rows.start).tolist():
        there = slice(int(starts[number]), int(starts[number + 1]))
        if all(_same(index.input(name), rows, inputs[name], there) for name in names):
            return examples, number
    raise OptionError("the data have no such sequence")


def _same(recorded: Column, rows: slice, known: Column, there: slice) -> bool:
    """Return whether two columns have the same values; codes of different names are compared by their names."""
    one, other = np.asarray(recorded.values[rows]), np.asarray(known.values[there])
    if recorded.names == known.names or recorded.names is None or known.names is None:
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    first, second = recorded.names, known.names
    return all(
        (first[a] if a >= 0 else None) == (second[b] if b >= 0 else None)
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    )


def _known(index: Index) -> dict[str, Column]:
    inputs = {INPUT + name: index.input(name) for name in index.input_names}
    return inputs | {LABEL + name: index.label(name) for name in index.label_names}


def _given(batch: Batch, known: Mapping[str, Column], rows: slice) -> Given:
    columns = {name: np.asarray(column.values[rows]) for name, column in known.items()}
    return Given(batch, columns, {name: column.names for name, column in known.items() if column.names is not None})


def _read(parts: list[Array], names: tuple[str, ...]) -> torch.Tensor:
    """Return what is read `[step 1]`, symbols, or `[step 1 feature]`, numbers."""
    if names == ("symbol",):
        if (parts[0] < 0).any():
            raise OptionError("some symbols of this sequence are not known")
        return torch.from_numpy(parts[0].astype(np.int64))[:, None]
    if "symbol" in names or not parts:
        raise OptionError("what was read is not all in this recording")
    return torch.from_numpy(np.stack(parts, -1).astype(np.float32))[:, None]
