"""The recording's format on disk: npy files and a manifest. docs/recording-format.md says it for readers.

manifest.json                 what there is; a shard exists once it is listed here
index/sequence.npy ...        one column [token] each: index/input.symbol.npy, label.depth.npy, outcome.loss.npy
index/names.json              the names of the codes of categorical columns
shards/00000/lstm.0.cell.npy  values [token unit] of the shard's tokens
beside/source/                another stream of the same sequences, a recording in the same format
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

import numpy as np

from naibu.errors import StoredError
from naibu.recording.index import FIXED, INPUT, LABEL, OUTCOME, Array, Index
from naibu.recording.store import Key, Store
from naibu.storage import MALFORMED, damaged, digest_of, from_json, open_regular, read_json, seal_of, write_json

VERSION = 3
"""Version of the format; a folder of a newer one is refused. Versions 1 and 2, without checksums, are read."""
FORMAT = "naibu-recording"
MOST_ROWS = 2**20
"""Rows of a column that are looked at in one go."""
HEADER = re.compile(rb"\{'descr': '([^']{1,20})', 'fortran_order': (True|False), 'shape': \(([\d, ]{0,60})\), \}\s*")
"""What stands before the values in an npy file, as numpy writes it for plain types."""


@dataclass
class Manifest:
    """What `manifest.json` says."""

    dtype: str
    """float16 or float32."""
    units: dict[Key, int]
    """Layer and signal -> units."""
    columns: dict[str, str]
    """Column of the index -> its numpy type; but for the fixed ones they are named input., label. or outcome.NAME."""
    made_from: str
    """Hash of weights, inputs and options: a recording is only resumed from the same."""
    weights: str = ""
    """Checksum of the weights of the network that was recorded."""
    shards: list[dict[str, Any]] = field(default_factory=list)
    """In reading order: start, stop (tokens), what the recorder notes, and by layer/signal how many values were
    `clipped` (beyond float16, stored as its ends) and are `undefined` (NaN); `digests` are the checksums of its values
    by file, and of its rows of every column."""
    beside: tuple[str, ...] = ()
    """Other streams, each a recording in beside/NAME."""
    finished: bool = False
    names: str = ""
    """Checksum of the names of codes."""
    version: int = VERSION

    @property
    def digest(self) -> str:
        """The checksum of all that is listed, "" where an older version has listed it."""
        return digest_of(json.dumps(self._listed())) if self.version == VERSION else ""

    @property
    def tokens(self) -> int:
        """Rows of the finished shards."""
        return int(self.shards[-1]["stop"]) if self.shards else 0

    @property
    def clipped(self) -> dict[str, int]:
        """layer/signal -> values beyond the range of float16, stored as its ends."""
        return self._total("clipped")

    @property
    def undefined(self) -> dict[str, int]:
        """layer/signal -> values that are NaN."""
        return self._total("undefined")

    def _total(self, what: str) -> dict[str, int]:
        found: Counter[str] = Counter()
        for shard in self.shards:
            found.update(shard[what])
        return dict(found)

    def write(self, folder: Path) -> None:
        """Write `manifest.json`, whole or not at all."""
        write_json(folder / "manifest.json", self._listed())

    def _listed(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "finished": self.finished,
            "tokens": self.tokens,
            "dtype": self.dtype,
            "arrays": [
                {"layer": layer, "signal": signal, "units": units, "file": file_of((layer, signal))}
                for (layer, signal), units in self.units.items()
            ],
            "index": [
                {"column": name, "dtype": kind, "file": column_file(name)} for name, kind in self.columns.items()
            ],
            "shards": [{"folder": f"{number:05d}", **shard} for number, shard in enumerate(self.shards)],
            "clipped": self.clipped,
            "undefined": self.undefined,
            "beside": list(self.beside),
            "made_from": self.made_from,
            "weights": self.weights,
            "names": self.names,
        }

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return what a folder's manifest says. Raises StoredError: none, damaged, or of a newer format."""
        path, what = folder / "manifest.json", "a recording's manifest (a recording is made by: naibu record)"
        found = read_json(path, what, sealed=lambda found: found["version"] >= VERSION)
        if found.get("format") != FORMAT or type(found.get("version")) is not int:
            raise StoredError(f"{path}: not the manifest of a recording")
        if found["version"] > VERSION:
            raise StoredError(
                f"{path}: format version {found['version']}, written by a newer naibu; this one reads up to "
                f"{VERSION}: upgrade naibu, or record again into another folder"
            )
        try:
            return cls._of(found)
        except (*MALFORMED, SyntaxError) as error:  # numpy parses the names of types
            raise damaged(path, what, error) from None

    @classmethod
    def _of(cls, found: Mapping[str, Any]) -> Manifest:
        """Return what plain values say; raises one of MALFORMED where they are no manifest."""
        old = found["version"] < VERSION
        parts = ("clipped", "undefined", "digests")
        shards = [{**shard, **{part: {} for part in parts if part not in shard}} for shard in found["shards"]]
        if old and shards:  # they were said of all shards together
            shards[0] |= {"clipped": found["clipped"], "undefined": found.get("undefined", {})}
        files = {file_of(_key(entry)) for entry in found["arrays"]} | {entry["column"] for entry in found["index"]}
        for shard in shards:
            del shard["folder"]
            for part in ("clipped", "undefined"):
                shard[part] = {from_json(str, name): from_json(int, n) for name, n in shard[part].items()}
            if shard["digests"].keys() != (set() if old else files):
                raise ValueError("a shard without checksums")
        ends = [from_json(int, shard[end]) for shard in shards for end in ("start", "stop")]
        follow = all(a == b for a, b in zip(ends[1::2], ends[2::2], strict=False))
        if ends and (ends[0] != 0 or not follow or sorted(ends) != ends):
            raise ValueError("the shards do not follow each other")
        if np.dtype(found["dtype"]) not in (np.float16, np.float32):
            raise ValueError(f"values of type {found['dtype']}")
        columns = {from_json(str, entry["column"]): from_json(str, entry["dtype"]) for entry in found["index"]}
        if not FIXED.keys() <= columns.keys() or any(np.dtype(kind).kind not in "bif" for kind in columns.values()):
            raise ValueError(f"the columns are {columns}")
        return cls(
            from_json(str, found["dtype"]),
            {_key(entry): _count(entry["units"]) for entry in found["arrays"]},
            columns,
            from_json(str, found["made_from"]),
            found.get("weights", ""),
            shards,
            from_json(tuple[str, ...], list(found.get("beside", ()))),
            from_json(bool, found["finished"]),
            found.get("names", ""),
            found["version"],
        )


def _key(entry: Mapping[str, Any]) -> Key:
    return from_json(str, entry["layer"]), from_json(str, entry["signal"])


def _count(units: Any) -> int:
    if type(units) is not int or not 0 < units < 2**31:
        raise ValueError(f"{units} units")
    return units


def file_of(key: Key) -> str:
    """Return the name of the file of a layer and signal in each shard's folder."""
    return quote(".".join(key), safe="") + ".npy"


def column_file(name: str) -> str:
    """Return the name of a column's file in `index/`; what a file system may not take is written %3A."""
    return quote(name, safe="") + ".npy"


def npy_header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return what stands before the values in an npy file; of equal length for any number of rows."""
    header = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


@cache
def _header_size(units: int, dtype: np.dtype[Any]) -> int:
    return len(npy_header((0, units), dtype))


def write_array(path: Path, values: Array) -> str:
    """Write an npy file and see it to the disk; return the checksum of the values."""
    data = _bytes(values)
    with path.open("wb") as file:
        file.write(npy_header(values.shape, values.dtype))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return digest_of(data)


def write_rows(path: Path, start: int, values: Array) -> str:
    """Write `values [token]` at row `start` of a growing npy file, and see them to the disk; return their checksum."""
    data = _bytes(values)
    header = npy_header((start + len(values),), values.dtype)
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(header)
        file.seek(len(header) + start * values.itemsize)
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    return digest_of(data)


def _bytes(values: Array) -> Any:
    values = np.ascontiguousarray(values)
    return values.data.cast("B") if values.size else b""


class OnDisk(Store):
    """Values in the shards of a folder, memory-mapped; a file is compared with its checksum when it is first read.

    Where the shard before was read too, the next one's file is compared by a thread meanwhile, so that whoever reads
    one after the other seldom waits.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder, self._manifest, self.dtype = folder, manifest, np.dtype(manifest.dtype)
        self.spans = [(shard["start"], shard["stop"]) for shard in manifest.shards]
        self._compared = set[tuple[int, Key]]()
        self._ahead = dict[tuple[int, Key], Future[Array]]()
        self._thread: ThreadPoolExecutor | None = None
        self._process = os.getpid()

    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard. Raises StoredError where they are damaged."""
        if (number, key) in self._compared:
            return self.mapped(number, key)
        if self._process != os.getpid():  # forked: its thread is not here
            self._ahead, self._thread, self._process = {}, None, os.getpid()
        begun = self._ahead.pop((number, key), None)
        following = (number + 1, key)
        passes = (number - 1, key) in self._compared and number + 1 < len(self.spans)
        if passes and following not in self._compared and following not in self._ahead:
            self._thread = self._thread or ThreadPoolExecutor(1, "naibu-compares")
            self._ahead[following] = self._thread.submit(self._whole, *following)
        values = self._whole(number, key) if begun is None else begun.result()
        self._compared.add((number, key))
        return values

    def mapped(self, number: int, key: Key) -> Array:
        """Return the same without comparing it."""
        start, stop = self.spans[number]
        return mapped(self.path(number, key), (stop - start, self._manifest.units[key]), self.dtype)

    def check(self, number: int, key: Key) -> None:
        """Raise StoredError where the file of one key in one shard is missing or of another size; it is not opened."""
        (start, stop), path = self.spans[number], self.path(number, key)
        units = self._manifest.units[key]
        size = _header_size(units, self.dtype) + (stop - start) * units * self.dtype.itemsize
        try:
            found = path.stat().st_size
        except OSError as error:
            raise _other(path, error.strerror or "missing") from None
        if found != size:
            raise _other(path, f"{found} bytes, not {size} as listed")

    def path(self, number: int, key: Key) -> Path:
        """Return the file of one key in one shard."""
        return self._folder / "shards" / f"{number:05d}" / file_of(key)

    def _whole(self, number: int, key: Key) -> Array:
        """Return values that are compared with their checksum."""
        values, digests = self.mapped(number, key), self._manifest.shards[number]["digests"]
        if digests and digest_of(_bytes(values)) != digests[file_of(key)]:
            raise _other(self.path(number, key))
        return values


def mapped(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an npy file mapped into memory, read only.

    Raises StoredError where it is missing, or not of the shape, type and size that are listed. A file that is cut while
    it is mapped ends the process, as it does with every program.
    """
    try:
        with open_regular(path) as file:
            found, begin = _header_of(file), file.tell()
            size = os.fstat(file.fileno()).st_size
            if found != (dtype.str, False, shape) or size != begin + math.prod(shape) * dtype.itemsize:
                raise ValueError(
                    f"{found[0]} {list(found[2])} in {size} bytes, not {dtype.str} {list(shape)} as listed"
                )
            if 0 in shape:
                return np.empty(shape, dtype)
            values: Array = np.memmap(file, dtype, "r", begin, shape)
            return values
    except (*MALFORMED, OSError) as error:
        raise _other(path, str(error).partition("\n")[0][:200] or "empty") from None


def _header_of(file: BinaryIO) -> tuple[str, bool, tuple[int, ...]]:
    """Return type, order and shape of an npy file; read by hand, for numpy asks Python's parser, which two threads of
    some versions of Python may not use at once."""
    begin = file.read(10)
    if begin[:8] != b"\x93NUMPY\x01\x00":
        raise ValueError("no npy file of version 1.0")
    written = file.read(int.from_bytes(begin[8:], "little"))
    found = HEADER.fullmatch(written)
    if found is None:
        raise ValueError("a header that is none of npy")
    shape = tuple(int(number) for number in found[3].decode().replace(",", " ").split())
    return found[1].decode(), found[2] == b"True", shape


def _other(path: Path, reason: str = "its content does not match its checksum") -> StoredError:
    return StoredError(f"{path}: missing or damaged ({reason}); run the same recording again: it makes it anew")


def compared_columns(folder: Path, manifest: Manifest) -> dict[str, Array]:
    """Return the columns `[token]`. Raises StoredError where one is missing or damaged."""
    return {name: compared_column(folder, name, manifest) for name in manifest.columns}


def compared_column(folder: Path, name: str, manifest: Manifest) -> Array:
    """Return one column `[token]`. Raises StoredError where it is missing or damaged."""
    path = folder / "index" / column_file(name)
    column = mapped(path, (manifest.tokens,), np.dtype(manifest.columns[name]))
    for shard in manifest.shards:
        rows = _bytes(column[shard["start"] : shard["stop"]])
        if shard["digests"] and shard["digests"].get(name) != digest_of(rows):
            raise _other(path)
    return column


class LaterColumns(MutableMapping[str, Array]):
    """The columns of a folder, each compared with its checksums when it is first asked for.

    That a file is there, of its type and size, is seen at once. Raises StoredError as `compared_columns`, later.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder, self._manifest = folder, manifest
        self._found: dict[str, Array | None] = dict.fromkeys(manifest.columns)
        for name, kind in manifest.columns.items():
            mapped(folder / "index" / column_file(name), (manifest.tokens,), np.dtype(kind))

    def __getitem__(self, name: str) -> Array:
        found = self._found[name]
        if found is None:
            found = self._found[name] = compared_column(self._folder, name, self._manifest)
            if name == "sequence":
                _check_ascending(self._folder, found)
        return found

    def __setitem__(self, name: str, column: Array) -> None:
        self._found[name] = column

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _check_ascending(folder: Path, sequence: Array) -> None:
    """Raise StoredError where the numbers of sequences do not ascend."""
    for start in range(0, len(sequence), MOST_ROWS):
        if (np.diff(sequence[start : start + MOST_ROWS + 1]) < 0).any():
            raise StoredError(f"{folder}: damaged (its sequences do not ascend); record again")


def intact(folder: Path, manifest: Manifest) -> int:
    """Return how many shards at the beginning are whole, values and columns; all of them are compared."""
    store = OnDisk(folder, manifest)
    try:
        columns = {name: _begun_column(folder, name, manifest) for name in manifest.columns}
    except StoredError:
        return 0
    for number, shard in enumerate(manifest.shards):
        rows = slice(shard["start"], shard["stop"])
        try:
            for key in manifest.units:
                store.read(number, key)
        except StoredError:
            return number
        digests = shard["digests"]
        if digests and any(digests[name] != digest_of(_bytes(column[rows])) for name, column in columns.items()):
            return number
    return len(manifest.shards)


def _begun_column(folder: Path, name: str, manifest: Manifest) -> Array:
    """Return the rows of a column that are listed; of an unfinished recording more may have been written."""
    path, dtype = folder / "index" / column_file(name), np.dtype(manifest.columns[name])
    begin = len(npy_header((0,), dtype))
    if manifest.finished or not manifest.tokens:
        return mapped(path, (manifest.tokens,), dtype)
    try:
        values: Array = np.memmap(path, dtype, "r", begin, (manifest.tokens,))
        return values
    except (*MALFORMED, OSError) as error:
        raise StoredError(f"{path}: missing or damaged ({error})") from None


class Opened(NamedTuple):
    """What a folder holds."""

    columns: Index
    store: Store
    manifest: Manifest


def opened(folder: Path, *, later: bool = False) -> Opened:
    """Return what a folder holds; with `later` columns are compared with their checksums when they are first read.

    Raises StoredError: none, unfinished, damaged, or of a newer format.
    """
    manifest = Manifest.read(folder)
    if not manifest.finished:
        raise StoredError(
            f"{folder}: the recording is unfinished ({manifest.tokens:,} tokens so far); "
            "run the same recording again: it goes on from there"
        )
    store = OnDisk(folder, manifest)
    if later and manifest.version > 1:
        return Opened(Index(LaterColumns(folder, manifest), read_names(folder, manifest)), store, manifest)
    columns = compared_columns(folder, manifest)
    _check_ascending(folder, columns["sequence"])
    index = _index_of_1(folder, columns) if manifest.version == 1 else Index(columns, read_names(folder, manifest))
    return Opened(index, store, manifest)


def write_names(folder: Path, names: Mapping[str, Sequence[str]]) -> None:
    """Write the names of the codes of categorical columns, those that several columns share once."""
    write_json(folder / "index" / "names.json", _written_names(names))


def digest_of_names(names: Mapping[str, Sequence[str]]) -> str:
    """Return the checksum of the names of the codes of categorical columns."""
    return seal_of("names", _written_names(names))


def _written_names(names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    first: dict[tuple[str, ...], str] = {}
    for column, some in names.items():
        same = first.setdefault(tuple(some), column)
        written[column] = list(some) if same == column else same
    return written


def read_names(folder: Path, manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """Return the names of the codes of categorical columns. Raises StoredError where they are not those listed."""
    path, what = folder / "index" / "names.json", "the names of a recording's columns"
    found = read_json(path, what)
    try:
        listed = {name: found[some] if isinstance(some, str) else some for name, some in found.items()}
        names = {name: from_json(tuple[str, ...], list(some)) for name, some in listed.items()}
        if manifest.names and manifest.names != digest_of_names(names):
            raise ValueError("the names are of another recording")
        return names
    except MALFORMED as error:
        raise damaged(path, what, error) from None


def _index_of_1(folder: Path, columns: Mapping[str, Array]) -> Index:
    """Return the index of a recording in format 1: one symbol read, the next one told, names of labels listed."""
    moved = {"symbol": INPUT + "symbol", "predicted": OUTCOME + "predicted", "loss": OUTCOME + "loss"}
    path = folder / "manifest.json"
    try:
        listed = read_json(path, "a recording's manifest")["labels"]
        names = {LABEL + entry["label"]: tuple(entry["names"]) for entry in listed if entry["names"] is not None}
    except MALFORMED as error:
        raise damaged(path, "a recording's manifest", error) from None
    names[INPUT + "symbol"] = tuple(read_json(folder / "index" / "symbols.json", "the symbols of a recording", list))
    return Index({moved.get(name, name): column for name, column in columns.items()}, names)
