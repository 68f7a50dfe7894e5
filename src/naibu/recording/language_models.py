"""Recording this project's language models: what is inside, what they predict, and how surprised they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from naibu.cells.allocator import settle_allocator
from naibu.data.examples import Column
from naibu.data.sequences import Sequences
from naibu.errors import OptionError
from naibu.models.language_model import LanguageModel
from naibu.recording.assemble import Staging, check_options, fingerprint
from naibu.recording.files import Manifest
from naibu.recording.index import COLUMNS, SPLITS, Array, Index
from naibu.recording.recording import Key, Live, Recording, plan_spans
from naibu.recording.writer import Finish, open_sink

Progress = Callable[..., None]
"""Called with the tokens done and the tokens in all, as `naibu.progress.Report` is."""
LONGEST = 2_000
"""Steps in one pass of the layers; longer sequences are cut there and carry their state on."""
WIDTHS = (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
"""How many sequences a batch may have: few different sizes, for oneDNN keeps a megabyte of code for each."""
_LOGITS = 2**21


class Reading(NamedTuple):
    """What is recorded and how: a model, the sequences of all splits end to end, and the options."""

    model: LanguageModel
    texts: Texts
    units: dict[Key, int]
    keep: tuple[str, ...]
    dtype: str
    batch_tokens: int


class Texts:
    """Several splits end to end, read in pieces: nothing as long as the corpus is made."""

    def __init__(
        self, splits: Mapping[str, Sequences], labels: Sequence[str] | None, seen: Array | Mapping[str, Array] | None
    ) -> None:
        for name in splits:
            if name not in SPLITS:
                raise OptionError(f"split {name!r}: must be one of {', '.join(SPLITS)}")
        self._splits = [(SPLITS.index(name), splits[name]) for name in SPLITS if name in splits]
        lengths = [0, *(sequences.tokens for _, sequences in self._splits)]
        self._offsets = [int(offset) for offset in np.cumsum(lengths)]
        self._first = np.cumsum([0, *(len(sequences) for _, sequences in self._splits)])
        self.tokens = self._offsets[-1]
        parts = [s.starts[:-1] + offset for (_, s), offset in zip(self._splits, self._offsets, strict=False)]
        self.starts = np.concatenate([*parts, [self.tokens]]).astype(np.int64)  # [sequence + 1]
        self.symbols = self._splits[0][1].vocabulary.symbols if self._splits else ()
        self._seen = self._seen_by_sequence({"test": seen} if isinstance(seen, np.ndarray) else dict(seen or {}))
        if labels is None:
            there = self._splits[0][1].label_names if self._splits else ()
            labels = [name for name in there if ":" not in name]
        self.label_names = tuple(labels)
        self._labels = {name: _joined([split.label(name) for _, split in self._splits]) for name in labels}

    def names(self, label: str) -> tuple[str, ...] | None:
        """Return the names of a label's codes, those of all splits, or None for a numeric label."""
        return self._labels[label].names

    def ids(self, start: int, stop: int) -> Array:
        """Return the symbols of tokens `start` to `stop`, int32."""
        return self._cut(start, stop, [split.ids for _, split in self._splits])

    def columns(self, start: int, stop: int) -> dict[str, Array]:
        """Return every column but `predicted` and `loss`, `[token]`, of tokens `start` to `stop`."""
        first, last = np.searchsorted(self.starts, [start, stop])
        lengths = np.diff(self.starts[first : last + 1])
        numbers = np.arange(first, last)
        codes = np.array([code for code, _ in self._splits], np.int8)
        of_split = np.searchsorted(self._first, numbers, side="right") - 1
        found = {
            "sequence": np.repeat(numbers, lengths),
            "position": np.arange(stop - start) - np.repeat(self.starts[first:last] - start, lengths),
            "symbol": self.ids(start, stop),
            "split": np.repeat(codes[of_split], lengths) if len(codes) else np.zeros(0, np.int8),
            "seen": np.repeat(self._seen[first:last], lengths),
        }
        for name in self.label_names:
            label = self._labels[name]
            found[f"label.{name}"] = self._cut(start, stop, label.parts).astype(label.dtype, copy=False)
        return {name: column.astype(COLUMNS.get(name, column.dtype), copy=False) for name, column in found.items()}

    def label_kinds(self) -> dict[str, str]:
        """Return the numpy type of each label, by the name of its column."""
        return {f"label.{name}": str(self._labels[name].dtype) for name in self.label_names}

    def _cut(self, start: int, stop: int, columns: Sequence[Array]) -> Array:
        parts = []
        for column, offset in zip(columns, self._offsets, strict=False):
            begin, end = max(start - offset, 0), min(stop - offset, len(column))
            if begin < end:
                parts.append(column[begin:end])
        return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else np.zeros(0, np.int32)

    def _seen_by_sequence(self, seen: Mapping[str, Array]) -> Array:
        parts = []
        for code, split in self._splits:
            marked = np.asarray(seen.get(SPLITS[code], np.zeros(len(split), bool)), bool)
            if marked.shape != (len(split),):
                raise OptionError(f"seen: shape {marked.shape} for the {len(split)} sequences of {SPLITS[code]}")
            parts.append(marked)
        return np.concatenate(parts) if parts else np.zeros(0, bool)


class _Joined(NamedTuple):
    """One label over all splits, held in the smallest type."""

    parts: list[Array]  # [token] of each split
    names: tuple[str, ...] | None
    dtype: np.dtype[Any]  # of the column that is recorded


def _joined(found: Sequence[Column]) -> _Joined:
    """Return a label over all splits; a categorical one with the names of all."""
    if all(each.names is None for each in found):
        dtype = np.result_type(*(each.values.dtype for each in found)) if found else np.dtype(np.int32)
        return _Joined([_small(each.values) for each in found], None, dtype)
    names = tuple(dict.fromkeys(name for each in found for name in each.names or ()))
    place = {name: code for code, name in enumerate(names)}
    # The last entry is for -1, none.
    moved = [np.array([*(place[name] for name in each.names or ()), -1], np.int32) for each in found]
    parts = [_small(codes[each.values]) for codes, each in zip(moved, found, strict=True)]
    return _Joined(parts, names, np.dtype(np.int32))


def _small(values: Array) -> Array:
    """Return whole numbers in the smallest type that holds them; other values as they are."""
    if values.dtype.kind not in "iu" or not len(values):
        return values
    return values.astype(np.result_type(np.min_scalar_type(values.min()), np.min_scalar_type(values.max())))


def record_language_model(
    model: LanguageModel,
    sequences_by_split: Mapping[str, Sequences],
    *,
    keep: Collection[str] = ("cell", "hidden"),
    labels: Sequence[str] | None = None,
    seen: Array | Mapping[str, Array] | None = None,
    out: str | Path | None = None,
    dtype: str = "float16",
    live: bool = False,
    progress: Progress | None = None,
    batch_tokens: int = 8_192,
) -> Recording:
    """Return a recording of a language model reading every sequence of the splits, from the zero state each.

    `sequences_by_split` maps train, validation and test, or some of them, to sequences; `keep` names signals
    (those that the model's cells do not have are left out); `labels` names labels, all but those of single
    categories by default; `seen [sequence]`, for the test split or by split, says which sequences occur in
    training. `out` is a folder: the recording is written there in the background and, if it is there in part,
    completed; without it the recording is in memory, or with `live` computed anew on every pass. `dtype` is
    that of the values, "float16" or "float32", wherever they are.
    Raises OptionError for an unknown signal, label, split or type, StoredError where `out` cannot be used.
    """
    asked = check_options(keep, dtype)
    settle_allocator()
    if live and out is not None:
        raise OptionError("live: a live recording is not written; leave out either live or out")
    texts = Texts(sequences_by_split, labels, seen)
    units = _units(model, asked)
    kept = tuple(dict.fromkeys(signal for _, signal in units))
    reading = Reading(model, texts, units, kept, dtype, batch_tokens)
    itemsize = np.dtype(dtype).itemsize
    spans = plan_spans(texts.starts, sum(units.values()) * itemsize)
    if live:
        return _live(reading, spans, progress)
    kinds = {name: str(np.dtype(kind)) for name, kind in COLUMNS.items()} | texts.label_kinds()
    names = {name: texts.names(name) for name in texts.label_names}
    said = [texts.starts, *(texts.ids(a, b) for a, b in spans), str(sorted(units)), dtype]
    manifest = Manifest(dtype, units, kinds, names, fingerprint(model, said))
    sink = open_sink(out, manifest, texts.symbols)
    try:
        for start, stop in spans[len(sink.manifest.shards) :]:
            finish, found = read_shard(reading, start, stop, progress)
            columns = texts.columns(start, stop) | found
            sink.write(finish, columns, {"sequences": len(np.unique(columns["sequence"]))})
    except BaseException:
        sink.abandon()
        raise
    return sink.close()


def read_shard(
    reading: Reading, start: int, stop: int, progress: Progress | None = None
) -> tuple[Finish, dict[str, Array]]:
    """Return the values of tokens `start` to `stop`, still to be put in order, and `predicted` and `loss`."""
    texts = reading.texts
    first, last = np.searchsorted(texts.starts, [start, stop])
    begins = texts.starts[first:last] - start
    lengths = np.diff(texts.starts[first : last + 1])
    batches = list(plan_batches(lengths, reading.batch_tokens))
    ids = torch.from_numpy(texts.ids(start, stop).astype(np.int64))
    rows = sum(len(steps) * len(batch) for batch in batches for steps in cuts(int(lengths[batch].max())))
    staging = Staging(reading.units, rows, reading.dtype)
    order = np.empty(stop - start, np.int64)
    predicted = torch.zeros(stop - start, dtype=torch.int64)
    loss = torch.full((stop - start,), torch.nan)
    done = start
    with evaluating(reading.model), torch.no_grad():
        for batch in batches:
            _read_batch(reading, ids, begins[batch], lengths[batch], staging, order, predicted, loss)
            done += int(lengths[batch].sum())
            if progress is not None:
                progress(done, texts.tokens)
    columns = {"predicted": predicted.numpy().astype(np.int32), "loss": loss.numpy()}
    return lambda: staging.finish(order), columns


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


def cuts(longest: int) -> Iterator[range]:
    """Yield the steps of each pass of the layers over a batch whose longest sequence has `longest` steps.

    Passes are padded to few different numbers of steps: multiples of 4, then of an eighth of a power of two.
    """
    for start in range(0, longest, LONGEST):
        steps = min(LONGEST, longest - start)
        grain = max(4, 2 ** (steps.bit_length() - 4))
        yield range(start, start + min(-(-steps // grain) * grain, LONGEST))


def _read_batch(
    reading: Reading,
    ids: Tensor,
    begins: Array,
    lengths: Array,
    staging: Staging,
    order: Array,
    predicted: Tensor,
    loss: Tensor,
) -> None:
    model, batch = reading.model, len(lengths)
    device = next(model.parameters()).device
    state = None
    for cut in cuts(int(lengths.max())):
        steps = np.arange(cut.start, cut.stop)[:, None]
        rows = begins + np.minimum(steps, lengths - 1)  # [time batch], padded with each sequence's last symbol
        there = steps < lengths
        x = model.embed(ids[torch.from_numpy(rows)].to(device))
        output, state, signals = model.layers.signals(x, state, keep=reading.keep)
        place = staging.put(signals)
        order[rows[there]] = place + (np.arange(batch) * len(steps) + (steps - cut.start))[there]
        inside = np.flatnonzero(steps < lengths - 1)
        tokens = torch.from_numpy(rows.reshape(-1)[inside])
        flat = output.reshape(len(steps) * batch, -1)
        size = max(64, _LOGITS // model.vocabulary)
        for at, token in zip(torch.split(torch.from_numpy(inside), size), torch.split(tokens, size), strict=True):
            best, surprise = score(model.logits(flat.index_select(0, at.to(device))), ids[token + 1].to(device))
            predicted[token], loss[token] = best.cpu(), surprise.float().cpu()


def score(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the most probable symbol and -ln p(target), `[token]` each; `logits [token vocabulary]` are used up."""
    highest, best = logits.max(-1)
    of_target = logits.gather(-1, targets[:, None])[:, 0]
    surprise = logits.sub_(highest[:, None]).exp_().sum(-1).log_() + (highest - of_target)
    return best, surprise


def _live(reading: Reading, spans: Sequence[tuple[int, int]], progress: Progress | None) -> Recording:
    texts = reading.texts
    columns = texts.columns(0, texts.tokens)
    labels = {name: Column(columns.pop(f"label.{name}"), texts.names(name)) for name in texts.label_names}
    late: dict[str, Array] = {name: np.empty(texts.tokens, COLUMNS[name]) for name in ("predicted", "loss")}
    read: set[int] = set()

    def compute(number: int) -> Mapping[Key, Array]:
        start, stop = spans[number]
        finish, found = read_shard(reading, start, stop, progress)
        for name, column in found.items():
            late[name][start:stop] = column
        read.add(number)
        return finish()[0]

    def complete() -> Mapping[str, Array]:
        for number in range(len(spans)):
            if number not in read:
                compute(number)
        return late

    index = Index(columns, labels, texts.symbols, complete)
    return Recording(index, reading.units, Live(compute, spans, reading.dtype))


def _units(model: LanguageModel, keep: tuple[str, ...]) -> dict[Key, int]:
    """Return what there is to record, and how many units each has."""
    there = model.layers.cell_type.signals
    kept = tuple(name for name in there if name in keep)
    if not kept:
        raise OptionError(f"keep: this model's cells have no {' or '.join(keep)}; they have {', '.join(there)}")
    layers = [name for _, _, name in model.layers.directions()]
    return {(layer, signal): model.layers.hidden_size for layer in layers for signal in kept}


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and every part of it back afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
