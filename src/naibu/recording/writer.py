"""Where finished shards go: to disk, by a thread in the background, or into memory."""

from __future__ import annotations

import os
import queue
import re
import shutil
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from naibu.errors import StoredError
from naibu.locks import only_writer
from naibu.recording.files import (
    VERSION,
    Manifest,
    column_file,
    digest_of_names,
    file_of,
    intact,
    read_names,
    write_array,
    write_names,
    write_rows,
)
from naibu.recording.index import Array, Index
from naibu.recording.recording import Recording
from naibu.recording.store import Held, Key
from naibu.storage import cannot_write

Values = Mapping[Key, Array]


class Finished(NamedTuple):
    """A shard in reading order."""

    values: Values  # [token unit] by key
    clipped: Mapping[Key, int]  # how many float16 could not hold
    undefined: Mapping[Key, int]  # how many are NaN


Finish = Callable[[], Finished]
"""Puts a shard in reading order."""
SHARD = re.compile(r"\d{5,}|\.\d{5,}\.part")
"""Names of the folders of shards, finished and half-written."""
WAITING = 2
"""Shards that may wait for the disk; then recording waits too, so that memory stays bounded."""


class Sink(ABC):
    """Takes a recording shard by shard, in reading order."""

    def __init__(self, manifest: Manifest, names: Mapping[str, tuple[str, ...]]) -> None:
        """`names`: of the codes of categorical columns, by column."""
        self.manifest, self.names = manifest, dict(names)

    @abstractmethod
    def write(self, finish: Finish, columns: Mapping[str, Array], notes: Mapping[str, int]) -> None:
        """Take one shard: its values, its columns `[token]`, and numbers to be noted in the manifest."""

    @abstractmethod
    def close(self, beside: Mapping[str, Recording] | None = None) -> Recording:
        """Return the recording, after the last shard; `beside` are the other streams, closed before it."""

    def go_back(self, shards: int) -> None:
        """Forget all but the first so many shards: another stream of the same recording has no more."""
        if len(self.manifest.shards) > shards:
            self.manifest.shards, self.manifest.finished = self.manifest.shards[:shards], False

    @abstractmethod
    def abandon(self) -> None:
        """Stop, because recording failed; what is finished stays finished."""

    def _listed(
        self, tokens: int, notes: Mapping[str, int], found: Finished, digests: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        counts = {"clipped": found.clipped, "undefined": found.undefined}
        said = {name: {"/".join(key): count for key, count in each.items()} for name, each in counts.items()}
        start = self.manifest.tokens
        self.manifest.shards.append({"start": start, "stop": start + tokens, **notes, **said, "digests": digests})

    def _warn_of_clipped(self) -> None:
        for name, count in self.manifest.clipped.items():
            warnings.warn(
                f"{count} values of {name} were beyond the range of float16 and are stored as 65504 or -65504; "
                "record with dtype='float32' to have them as they were",
                stacklevel=2,
            )


class MemorySink(Sink):
    """Keeps every shard in memory."""

    def __init__(self, manifest: Manifest, names: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(manifest, names)
        self._shards: list[Values] = []
        self._columns: list[Mapping[str, Array]] = []

    def write(self, finish: Finish, columns: Mapping[str, Array], notes: Mapping[str, int]) -> None:
        """Take one shard."""
        found = finish()
        self._shards.append(found.values)
        self._columns.append(columns)
        self._listed(len(columns["sequence"]), notes, found)

    def close(self, beside: Mapping[str, Recording] | None = None) -> Recording:
        """Return the recording."""
        manifest = self.manifest
        columns = {
            name: np.concatenate([part[name] for part in self._columns]) if self._columns else np.empty(0, kind)
            for name, kind in manifest.columns.items()
        }
        spans = [(shard["start"], shard["stop"]) for shard in manifest.shards]
        self._warn_of_clipped()
        store = Held(self._shards, spans, manifest.dtype)
        return Recording(Index(columns, self.names), manifest.units, store, beside=beside, undefined=manifest.undefined)

    def abandon(self) -> None:
        """Let go of everything."""
        self._shards.clear()
        self._columns.clear()


class DiskSink(Sink):
    """Writes shards in the background: files first, then the manifest that lists them, each whole or absent.

    A recording that was stopped goes on after its last finished shard; one that is damaged, after the last that is
    whole. Raises StoredError where `folder` holds anything else than a recording of the same weights, sequences,
    signals and type, and where another process writes into it.
    """

    def __init__(self, folder: Path, manifest: Manifest, names: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(manifest, names)
        self.folder = folder
        self._queue: queue.Queue[tuple[Finish, Mapping[str, Array], Mapping[str, int]] | None] = queue.Queue(WAITING)
        self._failure: BaseException | None = None
        manifest.names = digest_of_names(names)
        _check_place(folder)
        with ExitStack() as held:
            held.enter_context(only_writer(folder))
            self.manifest = _resumed(folder, manifest, names)
            self.go_back(_whole(folder, self.manifest))
            try:
                if not self.manifest.finished:
                    self.manifest.write(folder)
                if self.manifest.version == VERSION:
                    write_names(folder, names)
                (folder / "shards").mkdir(exist_ok=True)
                _clear_unlisted(folder / "shards", len(self.manifest.shards))
            except OSError as error:
                raise cannot_write(folder, error) from error
            self._held = held.pop_all()
        self._thread = threading.Thread(target=self._run, name="naibu-recording-writer", daemon=True)
        self._thread.start()

    def go_back(self, shards: int) -> None:
        """Forget all but the first so many shards, on disk too."""
        if len(self.manifest.shards) > shards:
            super().go_back(shards)
            self.manifest.write(self.folder)
            _clear_unlisted(self.folder / "shards", shards)

    def write(self, finish: Finish, columns: Mapping[str, Array], notes: Mapping[str, int]) -> None:
        """Hand one shard to the thread; waits while two are waiting."""
        self._raise()
        if self.manifest.finished:
            raise StoredError(f"{self.folder}: there is a recording of fewer sequences here; choose another folder")
        self._queue.put((finish, columns, notes))

    def close(self, beside: Mapping[str, Recording] | None = None) -> Recording:
        """Wait for the thread, mark the recording finished, and open it."""
        self._stop()
        with self._held:
            self._raise()
            if not self.manifest.finished:
                self._complete_columns()
                self.manifest.finished = True
                self.manifest.write(self.folder)
        self._warn_of_clipped()
        return Recording.open(self.folder)

    def abandon(self) -> None:
        """Write what was handed over, then stop."""
        self._stop()
        self._held.close()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _raise(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            if isinstance(failure, OSError):
                raise cannot_write(self.folder, failure) from failure
            raise failure

    def _run(self) -> None:
        failed = False
        while (item := self._queue.get()) is not None:
            if failed:  # keep taking, so that whoever writes is never left waiting
                continue
            try:
                self._write_shard(*item)
            except BaseException as error:  # handed to the recording thread, which raises it
                self._failure, failed = error, True
            del item

    def _write_shard(self, finish: Finish, columns: Mapping[str, Array], notes: Mapping[str, int]) -> None:
        number, start = len(self.manifest.shards), self.manifest.tokens
        folder = self.folder / "shards" / f"{number:05d}"
        beside = folder.with_name(f".{folder.name}.part")
        found = finish()
        try:
            beside.mkdir()
            digests = {file_of(key): write_array(beside / file_of(key), array) for key, array in found.values.items()}
            for name, column in columns.items():
                digests[name] = write_rows(self.folder / "index" / column_file(name), start, column)
            os.replace(beside, folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        self._listed(len(columns["sequence"]), notes, found, digests)
        self.manifest.write(self.folder)

    def _complete_columns(self) -> None:
        for name, kind in self.manifest.columns.items():  # a recording without tokens has empty columns
            path = self.folder / "index" / column_file(name)
            if not path.exists():
                write_rows(path, 0, np.empty(0, kind))


def _check_place(folder: Path) -> None:
    """Raise StoredError, before a folder is made or held, where something else is there."""
    if folder.exists() and not folder.is_dir():
        raise StoredError(f"{folder}: is a file; choose a folder")
    if not (folder / "manifest.json").exists() and not _is_empty(folder):
        raise StoredError(f"{folder}: there is something else in this folder; choose another one, or remove it")


def _is_empty(folder: Path) -> bool:
    """Return whether nothing is in a folder but hidden files; another stream may lie within, or a folder for it."""
    return not folder.exists() or all(entry.name.startswith(".") for entry in folder.iterdir())


def _resumed(folder: Path, manifest: Manifest, names: Mapping[str, tuple[str, ...]]) -> Manifest:
    """Return the manifest to go on with: the one in the folder if it is of the same recording."""
    if not (folder / "manifest.json").exists():
        return manifest
    found = Manifest.read(folder)
    if found.version < VERSION and not found.finished:
        raise StoredError(f"{folder}: begun by an older naibu, without checksums; remove it to record again")
    same_names = found.names == manifest.names if found.names else read_names(folder, found) == dict(names)
    reasons = {
        "other signals or layers": found.units != manifest.units,
        f"values in {found.dtype}": found.dtype != manifest.dtype,
        "other labels": found.columns != manifest.columns or not same_names,
        "other weights, sequences or files of labels": found.made_from != manifest.made_from,
    }
    for reason, differs in reasons.items():
        if differs:
            raise StoredError(f"{folder}: there is a recording with {reason} here; choose another folder, or remove it")
    return found


def _whole(folder: Path, manifest: Manifest) -> int:
    """Return how many of the listed shards are whole, and say so where some are not."""
    count = intact(folder, manifest) if manifest.version == VERSION else len(manifest.shards)
    if count < len(manifest.shards):
        damaged = f"{len(manifest.shards) - count} of {len(manifest.shards)} shards"
        warnings.warn(f"{folder}: {damaged} are recorded again, for one is damaged or missing", stacklevel=4)
    return count


def _clear_unlisted(shards: Path, finished: int) -> None:
    """Remove shards that are not listed, and half-written ones; nothing else."""
    listed = {f"{number:05d}" for number in range(finished)}
    for left in shards.iterdir():
        if left.name not in listed and SHARD.fullmatch(left.name):
            shutil.rmtree(left, ignore_errors=True)


def open_sink(out: str | Path | None, manifest: Manifest, names: Mapping[str, tuple[str, ...]]) -> Sink:
    """Return a sink that writes to the folder `out`, or keeps everything in memory where it is None."""
    return MemorySink(manifest, names) if out is None else DiskSink(Path(out), manifest, names)
