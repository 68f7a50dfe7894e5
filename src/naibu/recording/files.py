"""The recording's format on disk: npy files and a manifest. docs/recording-format.md says it for readers.

manifest.json                 what there is; a shard exists once it is listed here
index/sequence.npy ...        one column [token] each: index/input.symbol.npy, label.depth.npy, outcome.loss.npy
index/names.json              the names of the codes of categorical columns
shards/00000/lstm.0.cell.npy  values [token unit] of the shard's tokens
beside/source/                another stream of the same sequences, a recording in the same format
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from naibu.errors import StoredError
from naibu.recording.index import INPUT, LABEL, OUTCOME, Array, Index
from naibu.recording.store import Key, Store
from naibu.storage import read_json, write_json

VERSION = 2
"""Version of the format; a folder of a newer one is refused, one of version 1 is read."""
FORMAT = "naibu-recording"


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
    shards: list[dict[str, int]] = field(default_factory=list)
    """start, stop (tokens), sequences and what the recorder notes, in reading order."""
    clipped: dict[str, int] = field(default_factory=dict)
    """layer/signal -> values beyond the range of float16, stored as its ends."""
    undefined: dict[str, int] = field(default_factory=dict)
    """layer/signal -> values that are NaN."""
    beside: tuple[str, ...] = ()
    """Other streams, each a recording in beside/NAME."""
    finished: bool = False
    version: int = VERSION

    @property
    def tokens(self) -> int:
        """Rows of the finished shards."""
        return self.shards[-1]["stop"] if self.shards else 0

    def write(self, folder: Path) -> None:
        """Write `manifest.json`, whole or not at all."""
        write_json(
            folder / "manifest.json",
            {
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
            },
        )

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return what a folder's manifest says. Raises StoredError: none, damaged, or of a newer format."""
        path = folder / "manifest.json"
        found = read_json(path, "a recording's manifest (a recording is made by: naibu record)")
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise StoredError(f"{path}: not the manifest of a recording")
        if found.get("version", 0) > VERSION:
            raise StoredError(
                f"{path}: format version {found['version']}, written by a newer naibu; this one reads up to "
                f"{VERSION}: upgrade naibu, or record again into another folder"
            )
        try:
            return cls(
                found["dtype"],
                {(entry["layer"], entry["signal"]): entry["units"] for entry in found["arrays"]},
                {entry["column"]: entry["dtype"] for entry in found["index"]},
                found["made_from"],
                [{name: n for name, n in shard.items() if name != "folder"} for shard in found["shards"]],
                found["clipped"],
                found.get("undefined", {}),
                tuple(found.get("beside", ())),
                found["finished"],
                found["version"],
            )
        except (KeyError, TypeError) as error:
            raise StoredError(f"{path}: damaged ({error}); remove {folder} and record again") from None


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


def write_array(path: Path, values: Array) -> None:
    """Write an npy file and see it to the disk."""
    values = np.ascontiguousarray(values)
    with path.open("wb") as file:
        file.write(npy_header(values.shape, values.dtype))
        file.write(values.data.cast("B") if values.size else b"")
        file.flush()
        os.fsync(file.fileno())


def write_rows(path: Path, start: int, values: Array) -> None:
    """Write `values [token]` at row `start` of a growing npy file, and see them to the disk."""
    values = np.ascontiguousarray(values)
    header = npy_header((start + len(values),), values.dtype)
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(header)
        file.seek(len(header) + start * values.itemsize)
        file.write(values.data.cast("B") if values.size else b"")
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


class OnDisk(Store):
    """Values in the shards of a folder, memory-mapped when they are read."""

    def __init__(self, folder: Path, shards: Sequence[Mapping[str, int]], dtype: str) -> None:
        self._folder, self.dtype = folder, np.dtype(dtype)
        self.spans = [(shard["start"], shard["stop"]) for shard in shards]

    def read(self, number: int, key: Key) -> Array:
        """Return the values `[token unit]` of one key in one shard."""
        start, stop = self.spans[number]
        return mapped(self._folder / "shards" / f"{number:05d}" / file_of(key), stop - start)


def mapped(path: Path, rows: int) -> Array:
    """Return an npy file mapped into memory, read only. Raises StoredError where it is missing or too short."""
    try:
        values: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoredError(f"{path}: missing or damaged ({error}); remove the recording and record again") from None
    if len(values) != rows:
        raise StoredError(f"{path}: {len(values)} rows, not {rows} as listed; remove the recording and record again")
    return values


class Opened(NamedTuple):
    """What a folder holds."""

    columns: Index
    units: dict[Key, int]
    store: Store
    beside: tuple[str, ...]
    undefined: dict[str, int]


def opened(folder: Path) -> Opened:
    """Return what a folder holds. Raises StoredError: none, unfinished, damaged, or of a newer format."""
    manifest = Manifest.read(folder)
    if not manifest.finished:
        raise StoredError(
            f"{folder}: the recording is unfinished ({manifest.tokens:,} tokens so far); "
            "run the same recording again: it goes on from there"
        )
    columns = {name: mapped(folder / "index" / column_file(name), manifest.tokens) for name in manifest.columns}
    store = OnDisk(folder, manifest.shards, manifest.dtype)
    index = _index_of_1(folder, columns) if manifest.version == 1 else Index(columns, read_names(folder))
    return Opened(index, manifest.units, store, manifest.beside, manifest.undefined)


def write_names(folder: Path, names: Mapping[str, Sequence[str]]) -> None:
    """Write the names of the codes of categorical columns, those that several columns share once."""
    written: dict[str, Any] = {}
    first: dict[tuple[str, ...], str] = {}
    for column, some in names.items():
        same = first.setdefault(tuple(some), column)
        written[column] = list(some) if same == column else same
    write_json(folder / "index" / "names.json", written)


def read_names(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the names of the codes of categorical columns."""
    path = folder / "index" / "names.json"
    found = read_json(path, "the names of a recording's columns")
    try:
        return {name: tuple(found[some] if isinstance(some, str) else some) for name, some in found.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise StoredError(f"{path}: damaged ({error}); remove {folder} and record again") from None


def _index_of_1(folder: Path, columns: Mapping[str, Array]) -> Index:
    """Return the index of a recording in format 1: one symbol read, the next one told, names of labels listed."""
    moved = {"symbol": INPUT + "symbol", "predicted": OUTCOME + "predicted", "loss": OUTCOME + "loss"}
    listed = read_json(folder / "manifest.json", "a recording's manifest")["labels"]
    names = {LABEL + entry["label"]: tuple(entry["names"]) for entry in listed if entry["names"] is not None}
    names[INPUT + "symbol"] = tuple(read_json(folder / "index" / "symbols.json", "the symbols of a recording"))
    return Index({moved.get(name, name): column for name, column in columns.items()}, names)
