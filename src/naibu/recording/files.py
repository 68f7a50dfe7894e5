"""The recording's format on disk: npy files and a manifest. docs/recording-format.md says it for readers.

manifest.json                 what there is; a shard exists once it is listed here
index/sequence.npy ...        one column [token] each; index/label.depth.npy, index/symbols.json
shards/00000/lstm.0.cell.npy  values [token unit] of the shard's tokens
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from naibu.data.examples import Column
from naibu.errors import StoredError
from naibu.recording.index import Array, Index
from naibu.recording.recording import Key, Recording, Store
from naibu.storage import read_json, write_json

VERSION = 1
"""Version of the format; a folder of a newer one is refused."""
FORMAT = "naibu-recording"


@dataclass
class Manifest:
    """What `manifest.json` says."""

    dtype: str
    """float16 or float32."""
    units: dict[Key, int]
    """Layer and signal -> units."""
    columns: dict[str, str]
    """Column of the index -> its numpy type; labels are columns named label.NAME."""
    labels: dict[str, tuple[str, ...] | None]
    """Label -> names of its codes, None for a numeric one."""
    made_from: str
    """Hash of weights, inputs and options: a recording is only resumed from the same."""
    shards: list[dict[str, int]] = field(default_factory=list)
    """start, stop (tokens), sequences and what the recorder notes, in reading order."""
    clipped: dict[str, int] = field(default_factory=dict)
    """layer/signal -> values beyond the range of float16, stored as its ends."""
    finished: bool = False

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
                "labels": [{"label": name, "names": names} for name, names in self.labels.items()],
                "shards": [{"folder": f"{number:05d}", **shard} for number, shard in enumerate(self.shards)],
                "clipped": self.clipped,
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
                {e["label"]: None if e["names"] is None else tuple(e["names"]) for e in found["labels"]},
                found["made_from"],
                [{name: n for name, n in shard.items() if name != "folder"} for shard in found["shards"]],
                found["clipped"],
                found["finished"],
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


def open_recording(folder: Path) -> Recording:
    """Return the recording in a folder. Raises StoredError: none, unfinished, damaged, or of a newer format."""
    manifest = Manifest.read(folder)
    if not manifest.finished:
        raise StoredError(
            f"{folder}: the recording is unfinished ({manifest.tokens:,} tokens so far); "
            "run the same recording again: it goes on from there"
        )
    columns = {name: mapped(folder / "index" / column_file(name), manifest.tokens) for name in manifest.columns}
    labels = {name: Column(columns.pop(f"label.{name}"), names) for name, names in manifest.labels.items()}
    symbols = read_json(folder / "index" / "symbols.json", "the symbols of a recording")
    index = Index(columns, labels, symbols)
    return Recording(index, manifest.units, OnDisk(folder, manifest.shards, manifest.dtype), folder)
