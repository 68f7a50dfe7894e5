"""Recording anybody's network: an unmodified torch module with recurrent layers somewhere inside."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from naibu.cells.allocator import settle_allocator
from naibu.errors import OptionError, StoredError
from naibu.recording import recording as recordings
from naibu.recording.assemble import Staging, bytes_of, check_options, fingerprint
from naibu.recording.files import Manifest
from naibu.recording.given import Given, flat_lengths, given_column, given_splits, seen_in_training
from naibu.recording.index import COLUMNS, Array
from naibu.recording.language_models import Progress
from naibu.recording.listeners import Heard, Listener, find_listeners, listening
from naibu.recording.recording import Key, Recording
from naibu.recording.writer import Finish, Sink, Values, open_sink


def record_module(
    module: nn.Module,
    inputs: Any,
    *,
    keep: Collection[str] = ("cell", "hidden"),
    labels: Mapping[str, Any] | None = None,
    lengths: Any = None,
    symbols: Any = None,
    split: Any = None,
    layers: Sequence[str] | None = None,
    out: str | Path | None = None,
    dtype: str = "float16",
    progress: Progress | None = None,
) -> Recording:
    """Return a recording of every recurrent layer in a torch module while it reads `inputs`.

    The module is called as it is: a tensor, a packed sequence, a tuple (`*args`) or a mapping (`**kwargs`) is
    one call; a list or a loader gives one call after another. Its layers' batch dimension counts sequences,
    numbered through all calls. For every sequence there may be given
    `lengths`  how many steps count (the rest is padding; packed input knows its own),
    `labels`   name -> values: an array `[sequence time]`, or one array a sequence; strings become codes,
    `symbols`  what was read, numbers or strings, in the same shapes (integer inputs are taken by themselves),
    `split`    train, validation or test, or 0, 1, 2; all are train without it.
    `keep` names signals (layers without one are left out of it), `layers` the modules to record, all by
    default. A layer is called by its path in the module, with index and direction: ("encoder.lstm.0", "cell"),
    ("lstm.1.reverse", "cell"), ("cell.0", "cell") for an LSTMCell. `out` is a folder to write to, to be resumed
    where it is there in part; each call is held in memory whole.
    Raises OptionError where there is no recurrent layer, where shapes do not fit, and for a stack in training
    mode with dropout between its layers.
    """
    keep = check_options(keep, dtype)
    settle_allocator()
    listeners = find_listeners(module, keep, layers)
    known = flat_lengths(lengths)
    columns = {name: given_column(f"label {name!r}", values) for name, values in (labels or {}).items()}
    read = None if symbols is None else given_column("symbols", symbols)
    splits = given_splits(split)
    table = _Table(known, columns, read, splits, seen_in_training(read, splits, known))
    said = [bytes_of(part) for part in (known, splits) if part is not None]
    said += [each.digest() for each in (*columns.values(), *([read] if read else []))]
    job = _Job(module, listeners, table, dtype, fingerprint(module, [*sorted(columns), *said, layers]), out)
    with listening(module, listeners):
        return _run(job, inputs, progress)


class _Job(NamedTuple):
    module: nn.Module
    listeners: list[Listener]
    table: _Table
    dtype: str
    made_from: str
    out: str | Path | None


class _Table:
    """The columns of the sequences, handed out call by call."""

    def __init__(
        self,
        lengths: Array | None,
        labels: Mapping[str, Given],
        symbols: Given | None,
        splits: Array | None,
        seen: Array | None,
    ) -> None:
        self.labels, self.symbols = labels, symbols
        self._lengths, self._splits, self._seen = lengths, splits, seen
        self.sequences = 0

    def lengths_of(self, heard: Heard) -> Array:
        """Return the lengths `[batch]` of the next sequences. Raises OptionError where they do not fit."""
        own = None if heard.lengths is None else heard.lengths.cpu().numpy()
        first, last = self.sequences, self.sequences + heard.batch
        if self._lengths is None:
            return np.full(heard.batch, heard.steps) if own is None else own
        if last > len(self._lengths):
            raise OptionError(f"lengths: {len(self._lengths)} are given, but the inputs have at least {last} sequences")
        given = self._lengths[first:last]
        most = np.full(heard.batch, heard.steps) if own is None else own
        wrong = np.flatnonzero((given < 1) | (given > most) | ((given != most) & (own is not None)))
        if len(wrong):
            s = int(wrong[0])
            allowed = f"1 to {most[s]}, the steps of its batch" if own is None else f"{most[s]}, as it is packed"
            raise OptionError(f"lengths: sequence {first + s} has length {given[s]}; it must be {allowed}")
        return given

    def columns(self, lengths: Array, ids: Array | None) -> dict[str, Array]:
        """Return the columns `[token]` of the next sequences, as long as `lengths` says."""
        first, count = self.sequences, len(lengths)
        self.sequences += count
        numbers = np.arange(first, first + count)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        tokens = int(starts[-1])
        found = {
            "sequence": np.repeat(numbers, lengths),
            "position": np.arange(tokens) - np.repeat(starts[:-1], lengths),
            "split": np.repeat(self._column("split", self._splits, numbers, 0), lengths),
            "seen": np.repeat(self._column("seen", self._seen, numbers, False), lengths),
        }
        if self.symbols is not None:
            found["symbol"] = self.symbols.take(first, lengths)
        else:
            found["symbol"] = np.full(tokens, -1) if ids is None else ids
        for name, given in self.labels.items():
            found[f"label.{name}"] = given.take(first, lengths)
        return {name: column.astype(COLUMNS.get(name, column.dtype), copy=False) for name, column in found.items()}

    def check_all_used(self) -> None:
        """Raise OptionError where more sequences were described than were read."""
        said = {"lengths": self._lengths, "split": self._splits, "symbols": self.symbols}
        for name, given in {**said, **{f"label {name!r}": label for name, label in self.labels.items()}}.items():
            if given is not None and len(given) != self.sequences:
                raise OptionError(f"{name}: given for {len(given)} sequences, but the inputs have {self.sequences}")

    def _column(self, name: str, given: Array | None, numbers: Array, default: int) -> Array:
        if given is None:
            return np.full(len(numbers), default)
        if numbers[-1] >= len(given):
            there = numbers[-1] + 1
            raise OptionError(f"{name}: given for {len(given)} sequences, but the inputs have at least {there}")
        return given[numbers]


class _Piece(NamedTuple):
    """One call, ready to become part of a shard."""

    staging: Staging
    order: Array
    columns: dict[str, Array]
    digest: bytes


def _run(job: _Job, inputs: Any, progress: Progress | None) -> Recording:
    """Return the recording; the listeners are hooked in."""
    sink: Sink | None = None
    waiting: list[_Piece] = []
    finished: list[dict[str, int]] = []  # shards that an earlier, stopped recording wrote
    passed: list[bytes] = []
    total = len(inputs) if isinstance(inputs, Sized) and not _is_one_call(inputs) else 1
    try:
        for done, call in enumerate(_calls(inputs), 1):
            digest = _digest(call) if job.out is not None else b""
            if sink is None or not finished:
                heard = _listen(job, call)
            if sink is None:
                sink = _open(job, heard)
                finished = list(sink.manifest.shards)
            if finished:
                passed.append(digest)
                if len(passed) == finished[0]["calls"]:
                    _pass_over(job, finished.pop(0), passed)
                    passed = []
            else:
                waiting.append(_piece(job, call, heard, digest))
                if sum(len(each.order) for each in waiting) >= _shard_tokens(sink.manifest):
                    _flush(sink, waiting)
                    waiting = []
            if progress is not None:
                progress(done, max(total, done))
        if sink is None:
            raise OptionError("inputs: empty; give at least one call")
        if finished:
            raise _of_other_inputs(job)
        job.table.check_all_used()
        if waiting:
            _flush(sink, waiting)
    except BaseException:
        if sink is not None:
            sink.abandon()
        raise
    return sink.close()


def _calls(inputs: Any) -> Iterator[Any]:
    if _is_one_call(inputs):
        yield inputs
    elif isinstance(inputs, Iterable):
        yield from inputs
    else:
        raise OptionError(f"inputs: a {type(inputs).__name__}; give a tensor, a list of calls, or a loader")


def _is_one_call(inputs: Any) -> bool:
    return isinstance(inputs, Tensor | PackedSequence | tuple | Mapping)


def _listen(job: _Job, call: Any) -> Heard:
    """Return what all layers did in one call of the module, under one roof."""
    if isinstance(call, Mapping):
        job.module(**call)
    elif isinstance(call, tuple | list) and not isinstance(call, PackedSequence):
        job.module(*call)
    else:
        job.module(call)
    heard = {each.name: found for each in job.listeners if (found := each.heard()) is not None}
    if not heard:
        names = ", ".join(listener.name for listener in job.listeners)
        raise OptionError(f"module(inputs) ran none of its recurrent layers ({names}) through their __call__")
    first_name, first = next(iter(heard.items()))
    for name, each in heard.items():
        if (each.steps, each.batch) != (first.steps, first.batch):
            raise OptionError(
                f"{first_name} ran {first.steps} steps of {first.batch} sequences and {name} {each.steps} of "
                f"{each.batch}; one recording holds layers that read the same tokens: choose layers=[{first_name!r}]"
            )
    lengths = next((each.lengths for each in heard.values() if each.lengths is not None), None)
    values = {key: value for each in heard.values() for key, value in each.values.items()}
    return Heard(values, first.steps, first.batch, lengths)


def _piece(job: _Job, call: Any, heard: Heard, digest: bytes) -> _Piece:
    lengths = job.table.lengths_of(heard)
    units = {key: value.shape[-1] for key, value in heard.values.items()}
    staging = Staging(units, heard.steps * heard.batch, job.dtype)
    staging.put(heard.values)
    there = np.arange(heard.steps) < lengths[:, None]  # [batch time]
    ids = _ids_of(call, heard, job.listeners[0].batch_first)
    columns = job.table.columns(lengths, None if ids is None else ids.T[there])
    return _Piece(staging, np.flatnonzero(there), columns, digest)


def _ids_of(call: Any, heard: Heard, batch_first: bool) -> Array | None:
    """Return the symbols `[time batch]` where the module was given one tensor of whole numbers of that shape."""
    x = call[0] if isinstance(call, tuple | list) and call and not isinstance(call, PackedSequence) else call
    if not isinstance(x, Tensor) or x.is_floating_point() or x.dtype == torch.bool:
        return None
    ids: Array = x.detach().cpu().numpy()
    if ids.ndim == 1 and heard.batch == 1:
        ids = ids[:, None]
    elif batch_first:
        ids = ids.T
    return ids if ids.shape == (heard.steps, heard.batch) else None


def _open(job: _Job, heard: Heard) -> Sink:
    units: dict[Key, int] = {key: value.shape[-1] for key, value in heard.values.items()}
    columns = {name: str(np.dtype(kind)) for name, kind in COLUMNS.items() if name not in ("predicted", "loss")}
    columns |= {f"label.{name}": str(given.dtype) for name, given in job.table.labels.items()}
    names = {name: given.names for name, given in job.table.labels.items()}
    symbols = job.table.symbols
    return open_sink(
        job.out,
        Manifest(job.dtype, units, columns, names, job.made_from),
        (symbols.names or ()) if symbols is not None else (),
    )


def _shard_tokens(manifest: Manifest) -> int:
    return max(1, recordings.SHARD_BYTES // (sum(manifest.units.values()) * np.dtype(manifest.dtype).itemsize))


def _flush(sink: Sink, pieces: list[_Piece]) -> None:
    """Hand the waiting calls over as one shard."""
    columns = {name: np.concatenate([piece.columns[name] for piece in pieces]) for name in pieces[0].columns}
    sequences = len(np.unique(columns["sequence"]))
    digest = _number([piece.digest for piece in pieces])
    sink.write(_joined(pieces), columns, {"sequences": sequences, "calls": len(pieces), "inputs": digest})


def _joined(pieces: list[_Piece]) -> Finish:
    """Return what puts the values of several calls end to end."""

    def finish() -> tuple[Values, Mapping[Key, int]]:
        found = [piece.staging.finish(piece.order) for piece in pieces]
        clipped: dict[Key, int] = {}
        for _, counts in found:
            for key, count in counts.items():
                clipped[key] = clipped.get(key, 0) + count
        return {key: np.concatenate([values[key] for values, _ in found]) for key in found[0][0]}, clipped

    return finish


def _digest(call: Any) -> bytes:
    """Return a checksum of what the module was called with: it tells other inputs, not forged ones, and costs a
    fifth of what a hash does."""
    if isinstance(call, Mapping):
        parts: Iterable[Any] = [part for name in call for part in (name, call[name])]
    else:
        parts = call if isinstance(call, tuple | list) else [call]
    checksum, size = 0, 0
    for part in parts:
        seen = bytes_of(part)
        checksum, size = zlib.crc32(seen, checksum), size + len(seen)
    return checksum.to_bytes(4, "big") + size.to_bytes(8, "big")


def _number(digests: Sequence[bytes]) -> int:
    return int.from_bytes(hashlib.blake2b(b"".join(digests), digest_size=6).digest(), "big")


def _pass_over(job: _Job, shard: Mapping[str, int], digests: Sequence[bytes]) -> None:
    """Go past the calls of a finished shard. Raises StoredError where they were others."""
    if shard["inputs"] != _number(digests):
        raise _of_other_inputs(job)
    job.table.sequences += shard["sequences"]


def _of_other_inputs(job: _Job) -> StoredError:
    return StoredError(f"{job.out}: there is a recording of other inputs here; choose another folder, or remove it")
