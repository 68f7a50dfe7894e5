"""Results on disk: the rows as csv for other programs, everything as json to be read back."""

from __future__ import annotations

import csv
import io
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from naibu.errors import StoredError
from naibu.probes.results import Row
from naibu.storage import read_json, write_json, write_text

Result = TypeVar("Result")


def save(result: Any, folder: str | Path, name: str) -> None:
    """Write `name.csv`, the rows of a result, and `name.json`, all of it; each is whole or absent.

    Raises StoredError where the folder cannot be written or the disk is full.
    """
    write_text(Path(folder) / f"{name}.csv", csv_text(result.rows()))
    write_json(Path(folder) / f"{name}.json", {"result": type(result).__name__, "value": encode(result)})


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
        return decode(stored["value"], cls)  # type: ignore[no-any-return]
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


def encode(value: Any) -> Any:
    """A result as lists, dictionaries, numbers and strings; an array keeps its type and shape."""
    if isinstance(value, np.ndarray):
        return {"type": str(value.dtype), "shape": list(value.shape), "values": value.ravel().tolist()}
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [encode(v) for v in value]
    return value


def decode(value: Any, kind: Any) -> Any:
    """What `encode` made of a value of the annotated type `kind`."""
    if get_origin(kind) in (Union, UnionType):
        if value is None:
            return None
        (kind,) = (k for k in get_args(kind) if k is not type(None))
    if kind is np.ndarray:
        return np.array(value["values"], np.dtype(value["type"])).reshape(value["shape"])
    if is_dataclass(kind):
        value = kind.of_old(value) if hasattr(kind, "of_old") else value
        hints = get_type_hints(kind)
        # An older file lacks the fields that were added since, which all have a default.
        there = [f for f in fields(kind) if f.name in value or f.default is MISSING]
        return kind(**{f.name: decode(value[f.name], hints[f.name]) for f in there})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(decode(v, k) for v, k in zip(value, kinds, strict=True))
    return kind(value)
