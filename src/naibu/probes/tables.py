"""Results on disk: the rows as csv for other programs, everything as json to be read back."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, TypeVar

from naibu.errors import StoredError
from naibu.probes.results import Row
from naibu.storage import as_json, from_json, read_json, write_json, write_text

Result = TypeVar("Result")


def save(result: Any, folder: str | Path, name: str) -> None:
    """Write `name.csv`, the rows of a result, and `name.json`, all of it; each is whole or absent.

    Raises StoredError where the folder cannot be written or the disk is full.
    """
    write_text(Path(folder) / f"{name}.csv", csv_text(result.rows()))
    write_json(Path(folder) / f"{name}.json", {"result": type(result).__name__, "value": as_json(result)})


def load(cls: type[Result], folder: str | Path, name: str) -> Result:
    """Read a result that `save` wrote, equal in every digit and type.

    Raises StoredError where the file is missing, damaged, or holds another kind of result.
    """
    path = Path(folder) / f"{name}.json"
    what = f"a {cls.__name__} result (results are made by: naibu probe)"
    stored = read_json(path, what)
    try:
        if stored["result"] != cls.__name__:
            raise StoredError(f"{path}: holds a {stored['result']} result, not {what}; probe again")
        return from_json(cls, stored["value"])  # type: ignore[no-any-return]
    except (KeyError, TypeError, ValueError) as error:
        raise StoredError(f"{path}: damaged ({error!r}); this should be {what}; remove it and probe again") from None


def csv_text(rows: list[Row]) -> str:
    """Rows as csv, with the union of their columns in order of appearance; an absent value is empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
