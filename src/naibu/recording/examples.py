"""Recording this project's networks: what is inside while they read examples, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu.cells.allocator import settle_allocator
from naibu.cells.signalling import signalling_parts
from naibu.data.examples import Examples
from naibu.errors import OptionError
from naibu.models.model import Model, evaluating, state_before
from naibu.models.weights import digest_of_tensors, stored
from naibu.recording.assemble import Staging, check_dtype, fingerprint
from naibu.recording.columns import StreamTable, ordered
from naibu.recording.files import Manifest
from naibu.recording.index import INPUT, OUTCOME, Array, Index
from naibu.recording.listeners import Listener, find_listeners, listening
from naibu.recording.recording import Recording
from naibu.recording.store import Key, Live, plan_spans
from naibu.recording.writer import Finish, Finished, Sink, open_sink

Progress = Callable[..., None]
"""Called with the tokens done and the tokens in all, as `naibu.progress.Report` is."""
Columns = dict[str, Array]
LONGEST = 2_000
"""Steps in one pass of the layers; longer examples of one stream are cut there and carry their state on."""
WIDTHS = (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
"""How many examples a batch may have: few different sizes, for oneDNN keeps a megabyte of code for each."""


def record_examples(
    model: Model,
    splits: Mapping[str, Examples],
    *,
    keep: Collection[str] = (),
    labels: Sequence[str] | None = None,
    out: str | Path | None = None,
    dtype: str = "float16",
    live: bool = False,
    progress: Progress | None = None,
    batch_tokens: int = 8_192,
) -> Recording:
    """Return a recording of a network of ours reading every example of the splits, from the zero state each, or where
    something stands before it (`Examples.before`), from the state that this leaves.

    `splits` maps train, validation and test, or some of them, to examples; `keep` names signals, all where it is empty
    (those that the model's cells do not have are left out); `labels` names labels, all but those of single categories
    by default. `out` is a folder: the recording is written there in the background and, if it is there in part,
    completed; without it the recording is in memory, or with `live` computed anew on every pass. `dtype` is that of the
    values, "float16" or "float32", wherever they are. It is of the predicted stream; the others lie `beside` it.
    Raises OptionError for an unknown signal, label, split or type, StoredError where `out` cannot be used.
    """
    check_dtype(dtype)
    settle_allocator()
    if live and out is not None:
        raise OptionError("live: a live recording is not written; leave out either live or out")
    ordered(splits)
    reading = Reading(model, splits, keep, labels, dtype, batch_tokens)
    if live:
        return _live(reading, progress)
    sinks: dict[str, Sink] = {}
    try:
        for name in reversed(reading.streams):  # the others lie within the main one
            sinks[name] = reading.sink(name, out)
        begin = min(len(sink.manifest.shards) for sink in sinks.values())
        for sink in sinks.values():
            sink.go_back(begin)
        for first, last in reading.spans[begin:]:
            for name, (finish, columns) in reading.read(first, last, progress).items():
                sinks[name].write(finish, columns, {"sequences": last - first})
        beside = {name: sinks[name].close() for name in reading.streams[:-1]}
        return sinks[reading.streams[-1]].close(beside)
    except BaseException:
        for sink in sinks.values():
            sink.abandon()
        raise


def size_of(model: Model, splits: Mapping[str, Examples], keep: Collection[str], dtype: str) -> int:
    """Return how many bytes of values a recording will have, before it is made."""
    size = 0
    for layer in find_listeners(model, keep, copy=False, widths=widths_of(model, splits)):
        for examples in splits.values():
            stream = stream_of(model, layer.name, examples.streams)
            if stream is not None:
                size += int(examples.lengths_of(stream).sum()) * sum(layer.units().values())
    return size * np.dtype(dtype).itemsize


def stream_of(model: Model, layer: str, streams: tuple[str, ...]) -> str | None:
    """Return the stream that a layer reads, the last where its network does not say; None where it reads none."""
    said = (stream for path, stream in model.reads.items() if layer == path or layer.startswith(path + "."))
    return next(said, streams[-1])


def widths_of(model: Model, splits: Mapping[str, Examples]) -> dict[str, int]:
    """Return the units of parts that have signals: always as many, or one for each step of a stream, as many as its
    longest example has."""
    always = {name: part.units for name, part in signalling_parts(model) if part.units is not None}
    return always | {
        part: max((int(each.lengths_of(stream).max(initial=0)) for each in splits.values()), default=0)
        for part, stream in model.attends.items()
    }


class Reading:
    """A network, the examples of all splits end to end, and what is kept of each stream."""

    def __init__(
        self,
        model: Model,
        splits: Mapping[str, Examples],
        keep: Collection[str],
        labels: Sequence[str] | None,
        dtype: str,
        batch_tokens: int,
    ) -> None:
        self.model, self.dtype, self.batch_tokens = model, dtype, batch_tokens
        self._examples = list(splits.values())
        self.streams = self._examples[0].streams if self._examples else ("input",)
        self.tables = {name: StreamTable(splits, name, labels) for name in self.streams}
        self.main = self.tables[self.streams[-1]]
        self.listeners: dict[str, list[Listener]] = {name: [] for name in self.streams}
        for listener in find_listeners(model, keep, copy=False, widths=widths_of(model, splits)):
            if (stream := stream_of(model, listener.name, self.streams)) is not None:
                self.listeners[stream].append(listener)
        self.units = {name: _units(self.listeners[name]) for name in self.streams}
        size = np.dtype(dtype).itemsize * sum(self.units[self.streams[-1]].values())
        places = {int(start): number for number, start in enumerate(self.main.starts)}
        self.spans = [(places[a], places[b]) for a, b in plan_spans(self.main.starts, size)]
        self.longest = None if model.whole or len(self.streams) > 1 else LONGEST
        self.outcomes = self._outcomes()

    def sink(self, stream: str, out: str | Path | None) -> Sink:
        """Return where the recording of a stream goes."""
        table, names = self.tables[stream], self.tables[stream].names
        kinds = table.kinds
        if table is self.main:
            kinds |= {OUTCOME + name: str(kind) for name, kind in self.outcomes.items()}
            names |= self._class_names()
        beside = self.streams[:-1] if table is self.main else ()
        read = (table.column(name, a, b) for a, b in self.spans for name in kinds if name.startswith(INPUT))
        said = [table.starts, *read, str(sorted(self.units[stream])), self.dtype, *table.made_from]
        made_from, weights = fingerprint(self.model, said), digest_of_tensors(stored(self.model))
        manifest = Manifest(self.dtype, self.units[stream], kinds, made_from, weights, beside=beside)
        folder = None if out is None else Path(out) if table is self.main else Path(out) / "beside" / stream
        return open_sink(folder, manifest, names)

    def read(self, first: int, last: int, progress: Progress | None = None) -> dict[str, tuple[Finish, Columns]]:
        """Return, stream by stream, the values of examples `first` to `last`, still to be put in order, and columns."""
        batches = list(self._batches(first, last))
        parts = {name: _Part(self, name, first, last, batches) for name in self.streams}
        done = int(self.main.starts[first])
        every = [listener for some in self.listeners.values() for listener in some]
        with evaluating(self.model), listening(self.model, every):
            for which in batches:
                self._read_batch(which, parts)
                done += int(self.main.lengths[which].sum())
                if progress is not None:
                    progress(done, self.main.tokens)
        columns = {name: table.columns(first, last) for name, table in self.tables.items()}
        return {name: (part.finish, columns[name] | part.outcomes) for name, part in parts.items()}

    def _batches(self, first: int, last: int) -> Iterator[Array]:
        for code in np.unique(self.main.split[first:last]):
            here = first + np.flatnonzero(self.main.split[first:last] == code)
            for batch in plan_batches(self.main.lengths[here], self.batch_tokens):
                yield here[batch]

    def _read_batch(self, which: Array, parts: Mapping[str, _Part]) -> None:
        examples, numbers = self.main.batch(which)
        batch, state = examples.batch(numbers), state_before(self.model, examples, numbers)
        for listener in (each for some in self.listeners.values() for each in some):
            listener.forget()
        for window in cuts(len(batch.target), self.longest):
            piece = batch.cut(window.start, window.stop)
            piece = piece.padded(len(window) - len(piece.target)).to(self.model.device)
            outcomes, state = self.model.outcomes(piece, state)
            for name, part in parts.items():
                heard = [run for listener in self.listeners[name] for run in listener.runs()]
                part.put({key: value for run in heard for key, value in run.values.items()}, which, window.start)
            parts[self.streams[-1]].put_outcomes(outcomes, which, window.start)

    def _outcomes(self) -> dict[str, np.dtype[Any]]:
        """Return the columns that come out with their types, from what comes out of the first example."""
        examples = next((some for some in self._examples if len(some)), None)
        if examples is None:
            return {"loss": np.dtype(np.float32)}
        with evaluating(self.model), torch.no_grad():
            found, _ = self.model.outcomes(examples.batch(np.arange(1)).to(self.model.device))
        return {name: _kind(column) for name, column in found.items()}

    def _class_names(self) -> dict[str, tuple[str, ...]]:
        classes = self._examples[0].classes() if self._examples else None
        told = [OUTCOME + name for name in ("gold", "predicted") if name in self.outcomes]
        return {} if classes is None else dict.fromkeys(told, classes)


class _Part:
    """Some examples of one stream: their values as they come, and where each belongs."""

    def __init__(self, reading: Reading, stream: str, first: int, last: int, batches: Sequence[Array]) -> None:
        starts, self._lengths = reading.tables[stream].starts, reading.tables[stream].lengths
        self._begins = starts[:-1] - starts[first]
        tokens = int(starts[last] - starts[first])
        rows = sum(
            len(window) * len(which)
            for which in batches
            for window in cuts(int(self._lengths[which].max()), reading.longest)
        )
        self._staging = Staging(reading.units[stream], rows, reading.dtype)
        self._order = np.empty(tokens, np.int64)
        main = stream == reading.streams[-1]
        self._kinds = reading.outcomes if main else {}
        self.outcomes = {OUTCOME + name: np.empty(tokens, kind) for name, kind in self._kinds.items()}

    def put(self, values: Mapping[Key, Tensor], which: Array, start: int) -> None:
        """Take values `[time batch unit]` of examples, from step `start` of each on."""
        if not values:
            return
        steps = next(iter(values.values())).shape[0]
        place = self._staging.put(values)
        rows, there = self._rows(which, start, steps)
        inside = np.arange(len(which)) * steps + np.arange(steps)[:, None]
        self._order[rows[there]] = place + inside[there]

    def put_outcomes(self, outcomes: Mapping[str, Tensor], which: Array, start: int) -> None:
        """Take what came out, `[time batch]` each, of examples from step `start` of each on."""
        rows, there = self._rows(which, start, len(outcomes["loss"]))
        for name, column in outcomes.items():
            self.outcomes[OUTCOME + name][rows[there]] = column.cpu().numpy()[there]

    def finish(self) -> Finished:
        """Return the values in reading order."""
        return self._staging.finish(self._order)

    def _rows(self, which: Array, start: int, steps: int) -> tuple[Array, Array]:
        """Return the rows of steps `[time batch]` in the part, and which steps there are."""
        time = np.arange(start, start + steps)[:, None]
        return self._begins[which] + time, time < self._lengths[which]


def _units(listeners: Sequence[Listener]) -> dict[Key, int]:
    return {key: count for listener in listeners for key, count in listener.units().items()}


def _kind(column: Tensor) -> np.dtype[Any]:
    return np.dtype(np.float32 if column.is_floating_point() else np.int32)


def plan_batches(lengths: Array, batch_tokens: int) -> Iterator[Array]:
    """Yield the numbers of sequences to be read side by side: of similar length, the longest first.

    A batch has at most `batch_tokens` tokens in one pass of the layers, one of WIDTHS sequences, and none that
    is shorter by more than a quarter, or 8 steps, than its longest.
    """
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    begin = 0
    while begin < len(order):
        longest = int(lengths[order[begin]])
        most = max(1, min(WIDTHS[0], batch_tokens // min(longest, LONGEST)))
        shortest = min(longest - 8, longest * 3 // 4)
        alike = int(np.searchsorted(-lengths[order[begin : begin + most]], -shortest, side="right"))
        width = next(width for width in WIDTHS if width <= max(alike, 1))
        yield order[begin : begin + width]
        begin += width


def cuts(longest: int, most: int | None = LONGEST) -> Iterator[range]:
    """Yield the steps of each pass of the layers over a batch whose longest example has `longest` steps.

    Passes have `most` steps at most, and are padded to few different numbers of them: multiples of 4, then of an
    eighth of a power of two.
    """
    for start in range(0, longest, most or max(1, longest)):
        steps = min(most or longest, longest - start)
        grain = max(4, 2 ** (steps.bit_length() - 4))
        padded = -(-steps // grain) * grain
        yield range(start, start + (min(padded, most) if most else padded))


def _live(reading: Reading, progress: Progress | None) -> Recording:
    if len(reading.streams) > 1:
        raise OptionError("live: only a network that reads one stream is recorded so; give out, or leave live away")
    table, stream = reading.main, reading.streams[0]
    late = {OUTCOME + name: np.empty(table.tokens, kind) for name, kind in reading.outcomes.items()}
    read: set[int] = set()

    def compute(number: int) -> Mapping[Key, Array]:
        first, last = reading.spans[number]
        finish, columns = reading.read(first, last, progress)[stream]
        for name, column in late.items():
            column[table.starts[first] : table.starts[last]] = columns[name]
        read.add(number)
        return finish().values

    def complete() -> Mapping[str, Array]:
        for number in range(len(reading.spans)):
            if number not in read:
                compute(number)
        return late

    index = Index(table.columns(0, len(table.starts) - 1), table.names | reading._class_names(), complete)
    spans = [(int(table.starts[a]), int(table.starts[b])) for a, b in reading.spans]
    return Recording(index, reading.units[stream], Live(compute, spans, reading.dtype))
