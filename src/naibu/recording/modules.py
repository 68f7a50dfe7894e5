"""Recording anybody's network: an unmodified torch module with recurrent layers somewhere inside."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from naibu.cells.allocator import settle_allocator
from naibu.errors import OptionError, StoredError
from naibu.models.weights import digest_of_tensors, stored
from naibu.recording import store
from naibu.recording.assemble import Staging, bytes_of, check_dtype, fingerprint
from naibu.recording.examples import Progress
from naibu.recording.files import Manifest
from naibu.recording.given import Given, flat_lengths, given_column, given_splits, seen_in_training
from naibu.recording.index import FIXED, INPUT, LABEL, Array, fixed_columns, narrowed
from naibu.recording.listeners import Heard, Listener, find_listeners, listening
from naibu.recording.recording import Recording
from naibu.recording.store import Key
from naibu.recording.streams import MAIN, Grouping, one_run
from naibu.recording.symbols import Embeddings
from naibu.recording.writer import Sink, open_sink

SYMBOL = INPUT + "symbol"


def record_module(
    module: nn.Module,
    inputs: Any,
    *,
    keep: Collection[str] = (),
    labels: Mapping[str, Any] | None = None,
    lengths: Any = None,
    symbols: Any = None,
    split: Any = None,
    layers: Sequence[str] | None = None,
    streams: Mapping[str, str] | None = None,
    out: str | Path | None = None,
    dtype: str = "float16",
    progress: Progress | None = None,
) -> Recording:
    """Return a recording of every recurrent layer in a torch module while it reads `inputs`.

    The module is called as it is: a tensor, a packed sequence, a tuple (`*args`) or a mapping (`**kwargs`) is
    one call; a list or a loader gives one call after another. Its layers' batch dimension counts sequences,
    numbered through all calls. For every sequence there may be given
    `lengths`  how many steps count (the rest is padding; packed input knows its own),
    `labels`   name -> values: an array `[sequence time]`, one array a sequence, or, where lengths are given, a
               `Column` of all steps; strings become codes,
    `symbols`  what was read, numbers or strings, in the same shapes; where they are not given, what reached an
               embedding of the module whose vectors the layer read, and -1 where that cannot be known,
    `split`    train, validation or test, or 0, 1, 2; all are train without it.
    `keep` names signals, all where it is empty (layers without one are left out of it), `layers` the modules to record,
    all by default. A layer is called by its path in the module, with index and direction: ("encoder.lstm.0", "cell"),
    ("lstm.1.reverse", "cell"), ("cell.0", "cell") for an LSTMCell. The recording, and what is given, is of the layers
    that read the same steps as the one that ran last in the first call; others lie `beside`, called by their first
    layer, or as `streams` (layer -> stream) has it. `out` is a folder to write to, to be resumed where it is there in
    part; each call is held in memory whole.
    Raises OptionError where there is no recurrent layer, where shapes do not fit, and for a stack in training
    mode with dropout between its layers.
    """
    check_dtype(dtype)
    settle_allocator()
    embeddings = Embeddings(module)
    listeners = find_listeners(module, keep, layers, embeddings=embeddings)
    known = flat_lengths(lengths)
    columns = {name: given_column(f"label {name!r}", values, known) for name, values in (labels or {}).items()}
    read = None if symbols is None else given_column("symbols", symbols)
    splits = given_splits(split)
    table = _Table(known, columns, read, splits, seen_in_training(read, splits, known))
    said = [bytes_of(part) for part in (known, splits) if part is not None]
    said += [each.digest() for each in (*columns.values(), *([read] if read else []))]
    made_from = fingerprint(module, [*sorted(columns), *said, layers, streams, sorted(keep)])
    job = _Job(module, listeners, Grouping(streams), table, dtype, made_from, out)
    with listening(module, listeners), embeddings.listening():
        return _run(job, inputs, progress)


class _Job(NamedTuple):
    module: nn.Module
    listeners: list[Listener]
    grouping: Grouping
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

    @property
    def of_sequences(self) -> tuple[Array | None, Array | None]:
        """What was given for whole sequences, their splits and whether they occur in training."""
        return self._splits, self._seen

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
        first, stop = self.sequences, self.sequences + len(lengths)
        self.sequences = stop
        split, seen = self._next("split", self._splits, first, stop), self._next("seen", self._seen, first, stop)
        found = fixed_columns(first, lengths, split, seen)
        if self.symbols is not None:
            found[SYMBOL] = self.symbols.take(first, lengths)
        else:
            found[SYMBOL] = np.full(len(found["sequence"]), -1, np.int32) if ids is None else narrowed("symbols", ids)
        for name, given in self.labels.items():
            found[LABEL + name] = given.take(first, lengths)
        return found

    @property
    def kinds(self) -> dict[str, str]:
        """The numpy type of each column."""
        found = {**FIXED, SYMBOL: np.int32 if self.symbols is None else self.symbols.dtype}
        found |= {LABEL + name: given.dtype for name, given in self.labels.items()}
        return {name: str(np.dtype(kind)) for name, kind in found.items()}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names of the codes of categorical columns."""
        given = {SYMBOL: self.symbols, **{LABEL + name: label for name, label in self.labels.items()}}
        return {name: each.names for name, each in given.items() if each is not None and each.names is not None}

    @property
    def describes(self) -> bool:
        """Whether something was given for each step, which has to lie where the layer read it."""
        return bool(self.labels) or self.symbols is not None

    def check_all_used(self) -> None:
        """Raise OptionError where more sequences were described than were read."""
        said = {"lengths": self._lengths, "split": self._splits, "symbols": self.symbols}
        for name, given in {**said, **{f"label {name!r}": label for name, label in self.labels.items()}}.items():
            if given is not None and len(given) != self.sequences:
                raise OptionError(f"{name}: given for {len(given)} sequences, but the inputs have {self.sequences}")

    def _next(self, name: str, given: Array | None, first: int, stop: int) -> Array | int:
        if given is None:
            return 0
        if stop > len(given):
            raise OptionError(f"{name}: given for {len(given)} sequences, but the inputs have at least {stop}")
        return given[first:stop]


class _Stream:
    """One stream of the recording: its table, where it goes, and the calls that wait to become a shard."""

    def __init__(self, job: _Job, name: str, heard: Heard, beside: tuple[str, ...]) -> None:
        main = name == MAIN
        self.name, self.dtype = name, job.dtype
        self.table = job.table if main else _Table(None, {}, None, *job.table.of_sequences)
        units: dict[Key, int] = {key: value.shape[-1] for key, value in heard.values.items()}
        weights = digest_of_tensors(stored(job.module)) if job.out is not None else ""
        manifest = Manifest(job.dtype, units, self.table.kinds, job.made_from, weights, beside=beside if main else ())
        out = None if job.out is None else Path(job.out) if main else Path(job.out) / "beside" / name
        self.sink: Sink = open_sink(out, manifest, self.table.names)
        self._staging: Staging | None = None  # of the calls that wait
        self._order: list[Array] = []
        self._columns: list[dict[str, Array]] = []
        self._tokens = 0
        self._most = max(1, store.SHARD_BYTES // max(1, sum(units.values()) * np.dtype(job.dtype).itemsize))

    @property
    def full(self) -> bool:
        """Whether what waits makes a shard."""
        return self._tokens >= self._most

    def take(self, call: Any, heard: Heard) -> None:
        """Take what was heard in one call."""
        lengths = self.table.lengths_of(heard)
        if self.table.describes:
            _refuse_another_order(call, heard, lengths)
        if self._staging is None:
            self._staging = Staging(self.sink.manifest.units, heard.steps * heard.batch, self.dtype)
        there = np.arange(heard.steps) < lengths[:, None]  # [batch time]
        self._order.append(self._staging.put(heard.values) + np.flatnonzero(there))
        ids = None if heard.symbols is None else heard.symbols.T[there]
        self._columns.append(self.table.columns(lengths, ids))
        self._tokens += int(lengths.sum())

    def flush(self, digests: Sequence[bytes]) -> None:
        """Hand the waiting calls over as one shard."""
        if self._staging is None:
            return
        staging, order = self._staging, np.concatenate(self._order)
        columns = {name: np.concatenate([part[name] for part in self._columns]) for name in self._columns[0]}
        notes = {"sequences": int((columns["position"] == 0).sum()), "calls": len(self._order)}
        self._staging, self._order, self._columns, self._tokens = None, [], [], 0
        self.sink.write(lambda: staging.finish(order), columns, notes | {"inputs": _number(digests)})


def _run(job: _Job, inputs: Any, progress: Progress | None) -> Recording:
    """Return the recording; the listeners are hooked in."""
    streams: dict[str, _Stream] = {}
    finished: list[dict[str, Any]] = []  # shards that an earlier, stopped recording wrote
    digests: list[bytes] = []  # of the calls since the last shard
    total = len(inputs) if isinstance(inputs, Sized) and not _is_one_call(inputs) else 1
    try:
        for done, call in enumerate(_calls(inputs), 1):
            digests.append(_digest(call) if job.out is not None else b"")
            heard = {} if streams and finished else job.grouping.streams(_listen(job, call))
            if not streams:
                # The main one first: the others lie within its folder.
                for name in reversed(heard):
                    streams[name] = _Stream(job, name, heard[name], job.grouping.beside)
                finished = _begun(streams)
            if finished:
                if len(digests) == finished[0]["calls"]:
                    _pass_over(job, streams, finished.pop(0), digests)
                    digests = []
            else:
                for name, stream in streams.items():
                    stream.take(call, heard[name])
                if streams[MAIN].full:
                    _flush(streams, digests)
                    digests = []
            if progress is not None:
                progress(done, max(total, done))
        if not streams:
            raise OptionError("inputs: empty; give at least one call")
        if finished:
            raise _of_other_inputs(job)
        job.table.check_all_used()
        _flush(streams, digests)
        beside = {name: stream.sink.close() for name, stream in streams.items() if name != MAIN}
        return streams[MAIN].sink.close(beside)
    except BaseException:
        for stream in streams.values():
            stream.sink.abandon()
        raise


def _begun(streams: Mapping[str, _Stream]) -> list[dict[str, Any]]:
    """Return the shards that are there of all streams."""
    count = min(len(stream.sink.manifest.shards) for stream in streams.values())
    for stream in streams.values():
        stream.sink.go_back(count)
    return list(streams[MAIN].sink.manifest.shards)


def _flush(streams: Mapping[str, _Stream], digests: Sequence[bytes]) -> None:
    for stream in streams.values():
        stream.flush(digests)


def _calls(inputs: Any) -> Iterator[Any]:
    if _is_one_call(inputs):
        yield inputs
    elif isinstance(inputs, Iterable):
        yield from inputs
    else:
        raise OptionError(f"inputs: a {type(inputs).__name__}; give a tensor, a list of calls, or a loader")


def _is_one_call(inputs: Any) -> bool:
    return isinstance(inputs, Tensor | PackedSequence | tuple | Mapping)


def _listen(job: _Job, call: Any) -> dict[str, Heard]:
    """Return what every layer did in one call of the module."""
    if isinstance(call, Mapping):
        job.module(**call)
    elif isinstance(call, tuple | list) and not isinstance(call, PackedSequence):
        job.module(*call)
    else:
        job.module(call)
    heard = {each.name: one_run(each.name, runs) for each in job.listeners if (runs := each.runs())}
    if not heard:
        names = ", ".join(listener.name for listener in job.listeners)
        raise OptionError(f"module(inputs) ran none of its recurrent layers ({names}) through their __call__")
    return heard


def _refuse_another_order(call: Any, heard: Heard, lengths: Array) -> None:
    """Raise OptionError where the module moved its sequences, or their steps, before the layer read them: what is given
    for each step would lie beside other steps."""
    x = call[0] if isinstance(call, tuple | list) and call and not isinstance(call, PackedSequence) else call
    if heard.symbols is None or not isinstance(x, Tensor) or x.is_floating_point() or x.dim() != 2:
        return
    given = x.detach().cpu().numpy()
    if given.shape[0] != heard.batch:
        given = given.T
    if given.shape[0] != heard.batch:
        return
    rows = [heard.symbols[:length, b] for b, length in enumerate(lengths)]
    if all(np.array_equal(row, some[: len(row)]) for row, some in zip(rows, given, strict=True)):
        return
    for row, own in zip(rows, given, strict=True):
        elsewhere = any(np.array_equal(row, some[: len(row)]) for some in given)
        if not np.array_equal(row, own[: len(row)]) and (elsewhere or np.array_equal(row, own[len(own) - len(row) :])):
            raise OptionError(
                "labels, symbols: the module moves sequences or their steps before its layer reads them (sorted, or "
                "padded at the other end), so they would lie beside other steps; give inputs as the layer reads them"
            )


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


def _pass_over(job: _Job, streams: Mapping[str, _Stream], shard: Mapping[str, int], digests: Sequence[bytes]) -> None:
    """Go past the calls of a finished shard. Raises StoredError where they were others."""
    if shard["inputs"] != _number(digests):
        raise _of_other_inputs(job)
    for stream in streams.values():
        stream.table.sequences += shard["sequences"]


def _of_other_inputs(job: _Job) -> StoredError:
    return StoredError(f"{job.out}: there is a recording of other inputs here; choose another folder, or remove it")
