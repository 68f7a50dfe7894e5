"""Results on disk: the rows as csv for other programs, everything as json to be read back."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from naibu.errors import StoredError
from naibu.probes.result import KINDS, Row
from naibu.storage import (
    MALFORMED,
    as_json,
    damaged,
    digest_of,
    digest_of_file,
    from_json,
    read_json,
    write_json,
    write_text,
)

Some = TypeVar("Some")


def save(result: Any, folder: str | Path, name: str, made_from: Mapping[str, str] | None = None) -> None:
    """Write `name.csv`, the rows of a result, and `name.json`, all of it; each is whole or absent.

    `made_from` are checksums of what it was made from, by kind (weights, recording); where they are given empty, it is
    said that they were not known. Raises StoredError where the folder cannot be written or the disk is full.
    """
    stored: dict[str, Any] = {"result": type(result).__name__, "made_from": dict(made_from or {})}
    if made_from is not None:
        stored["verified"] = bool(made_from)
    rows = csv_text(result.rows())
    stored["csv"] = digest_of(rows)
    write_text(Path(folder) / f"{name}.csv", rows)
    write_json(Path(folder) / f"{name}.json", {**stored, "value": as_json(result)})


def is_made_from(folder: str | Path, name: str, made_from: Mapping[str, str]) -> bool:
    """Return whether a result that `save` wrote has its table, and was made from the same, as far as both are known.

    Raises StoredError where it is missing or damaged.
    """
    path = Path(folder) / f"{name}.json"
    found = read_json(path, "a result", sealed=lambda found: "made_from" in found)
    before = found.get("made_from", {})
    if "csv" in found and digest_of_file(path.with_suffix(".csv")) != found["csv"]:
        return False
    return all(before[kind] == made_from[kind] for kind in before.keys() & made_from.keys())


def load(cls: type[Some], folder: str | Path, name: str, made_from: Mapping[str, str] | None = None) -> Some:
    """Read a result that `save` wrote, equal in every digit and type.

    Raises StoredError where the file is missing, damaged, holds another kind of result, or was made from something else
    than `made_from` says, as far as both are known.
    """
    path = Path(folder) / f"{name}.json"
    what = f"a {cls.__name__} result (results are made by: naibu probe)"
    stored = read_json(path, what, sealed=lambda found: "made_from" in found)
    try:
        if stored["result"] != cls.__name__:
            raise StoredError(f"{path}: holds a {stored['result']} result, not {what}; probe again")
        before, now = stored.get("made_from", {}), made_from or {}
        for kind in before.keys() & now.keys():
            if before[kind] != now[kind]:
                raise StoredError(f"{path}: made from other {kind} than there are now; make it again: naibu probe")
        return from_json(cls, stored["value"])  # type: ignore[no-any-return]
    except MALFORMED as error:
        raise damaged(path, what, error) from None


def load_result(path: Any, folder: str | Path | None = None, name: str = "") -> Any:
    """Return the result that lies in a .json file, of whatever kind it is; or, as `load`, one of a kind in a folder.

    Raises StoredError as `load`.
    """
    if folder is not None:
        return load(path, folder, name)
    path = Path(path)
    kind = read_json(path, "a result (results are made by: naibu probe)").get("result")
    for room in ("naibu.probes", "naibu.interventions"):
        importlib.import_module(room)
    if not isinstance(kind, str) or kind not in KINDS:
        raise StoredError(f"{path}: no result; there are {', '.join(sorted(KINDS))}")
    return load(KINDS[kind], path.parent, path.stem)


def csv_text(rows: list[Row]) -> str:
    """Rows as csv, with the union of their columns in order of appearance; an absent value is empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
