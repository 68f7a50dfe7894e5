"""Compare everything that is stored with its checksums: runs, recordings, results, pages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from naibu.errors import NaibuError, StoredError
from naibu.looking.places import Places
from naibu.progress import Report, silent
from naibu.recording.files import Manifest, OnDisk, column_file, compared_columns, intact, read_names
from naibu.runs import is_run, open_run
from naibu.runs.load import load
from naibu.storage import digest_of_file, is_sealed_page, read_json
from naibu.training import checkpoints

Compared = tuple[Path, str]
"""A file, and what is wrong with it; nothing where it is as it was written."""


def compare(path: Path, progress: Report = silent, *, stale: bool = True) -> Iterator[Compared]:
    """Yield every file of ours under a path, each with what is wrong with it; `stale`: also what it was made from.

    Files without a checksum, which older versions wrote, are opened as every command opens them. Nothing is written.
    """
    folders = [Path(place) for place, *_ in os.walk(path)]
    for done, folder in enumerate(folders):
        progress(done, len(folders), folder.name)
        if is_run(folder):
            yield from _run(folder)
        elif (folder / "manifest.json").exists():
            yield from _recording(folder)
        for page in sorted(folder.glob("report.html")):
            whole = is_sealed_page(page)
            yield page, "" if whole else f"{page}: not as it was written; make it again: naibu look, or naibu report"
        for file in sorted(folder.glob("*.json")):
            if file.name not in ("manifest.json", "names.json", "finished.json", "config.json"):
                yield from _json(file, stale)
    progress(len(folders), len(folders), "")


def refuse_damaged(path: Path) -> None:
    """Raise StoredError for the first file of ours under a path that is damaged; pages and tables are written anew."""
    for file, wrong in compare(path, stale=False):
        if wrong and file.suffix not in (".html", ".csv"):
            raise StoredError(wrong)


def _tried(file: Path, read: Callable[..., object], *given: object) -> Iterator[Compared]:
    try:
        read(*given)
    except NaibuError as error:
        yield file, str(error)
    else:
        yield file, ""


def _run(folder: Path) -> Iterator[Compared]:
    settings = folder / "settings.toml"
    try:
        run = open_run(folder)
    except NaibuError as error:
        yield settings, str(error)
        return
    yield settings, ""
    for name in run.files:
        yield from _tried(folder / name, run.check_file, name)
    if run.finished:
        yield from _tried(folder / "finished.json", run.ended)
    if run.finished or run.weights.exists():
        yield from _tried(run.weights, load, run)
    if run.checkpoint.exists():
        yield from _tried(run.checkpoint, checkpoints.read, run.checkpoint, run.identity)
    if run.finished or (folder / "metrics.jsonl").exists():
        yield from _tried(folder / "metrics.jsonl", run.metrics)


def _recording(folder: Path) -> Iterator[Compared]:
    try:
        manifest = Manifest.read(folder)
    except NaibuError as error:
        yield folder / "manifest.json", str(error)
        return
    yield folder / "manifest.json", ""
    if manifest.version > 1:
        yield from _tried(folder / "index" / "names.json", read_names, folder, manifest)
    if not manifest.finished:
        whole, listed = intact(folder, manifest), len(manifest.shards)
        yield folder, "" if whole == listed else f"{folder}: {listed - whole} of {listed} shards are damaged"
        return
    for name, kind in manifest.columns.items():
        only = Manifest(**{**vars(manifest), "columns": {name: kind}})
        yield from _tried(folder / "index" / column_file(name), compared_columns, folder, only)
    store = OnDisk(folder, manifest)
    for number in range(len(manifest.shards)):
        for key in manifest.units:
            yield from _tried(store.path(number, key), store.read, number, key)


def _json(file: Path, stale: bool) -> Iterator[Compared]:
    try:
        found = read_json(file, "a file of naibu's", object)
    except StoredError as error:
        yield file, str(error)
        return
    run, wrong = file.parent.parent, ""
    found = found if isinstance(found, dict) else {}
    if stale and isinstance(found.get("made_from"), dict) and file.parent.name == "results" and is_run(run):
        wrong = _result(file, found, run)
    yield file, wrong


def _result(file: Path, found: Mapping[str, Any], run: Path) -> str:
    """Return what is wrong with a result that is undamaged: made from something else, or its table is another."""
    try:
        now, before = Places(open_run(run)).made_from(), found["made_from"]
    except NaibuError:
        return ""  # said of the run
    for kind in now.keys() & before.keys():
        if now[kind] != before[kind]:
            return f"{file}: made from other {kind} than there are now; make it again: naibu {_command(file)} {run}"
    table = file.with_suffix(".csv")
    if "csv" in found and digest_of_file(table) != found["csv"]:
        return f"{table}: missing, or not as it was written; make it again: naibu {_command(file)} {run}"
    return ""


def _command(file: Path) -> str:
    return {"holding": "intervene", "ternary": "intervene --ternary"}.get(file.stem, "probe")
