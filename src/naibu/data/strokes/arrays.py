"""Drawings from arrays of numpy, `.npz` and `.npy`: rows of all drawings end to end, padded, or an array each."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import FREE, RATIO, SourceFile
from naibu.data.strokes.drawings import Drawing, of_rows
from naibu.errors import CorpusError
from naibu.memory import check_memory

KNOWN = (
    "known are: rows [point 3] or [point 5] of all drawings with their starts [drawing + 1]; [drawing point 5]; "
    "[drawing point 3] with lengths [drawing]; an array [point 3] or [point 5] for each drawing"
)


def array_drawings(file: SourceFile) -> Iterator[Drawing]:
    """Yield the drawings of a file of arrays, with what arrays `[drawing]` of numbers or texts say of each as labels.

    Raises CorpusError for arrays of another shape, and for what would have to be unpickled, which is never done.
    """
    arrays = _loaded(file)
    numbers = {key: value for key, value in arrays.items() if value.dtype.kind in "iufb"}
    deep = [key for key, value in numbers.items() if value.ndim == 3 and value.shape[2] in (3, 5)]
    flat = [key for key, value in numbers.items() if value.ndim == 2 and value.shape[1] in (3, 5)]
    if len(deep) == 1 and not flat:
        yield from _padded(file.name, deep[0], arrays)
    elif len(flat) == 1 and not deep and (key := _starts(numbers, flat[0])):
        yield from _ragged(file.name, flat[0], key, arrays)
    elif flat and not deep and all(value.ndim == 2 for value in numbers.values()) and len(flat) == len(numbers):
        for key in flat:
            yield of_rows(numbers[key], {}, f"{file.name}:{key}")
    else:
        shapes = ", ".join(f"{key} {list(value.shape)}" for key, value in list(arrays.items())[:8]) or "nothing"
        raise CorpusError(f"arrays of a shape that is not known ({shapes}); {KNOWN}", file.name)


def _loaded(file: SourceFile) -> dict[str, Array]:
    data = file.read()
    if not data.startswith(b"\x93NUMPY" if file.extension == ".npy" else b"PK"):
        raise CorpusError("no arrays of numpy", file.name)
    try:
        if file.extension == ".npy":
            return {"array": np.asarray(np.load(io.BytesIO(data), allow_pickle=False))}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(item.file_size for item in archive.infolist())
        if size > FREE + RATIO * len(data):
            raise CorpusError(f"it unpacks to more than {RATIO} times its size", file.name)
        check_memory(size)
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            return {key: np.asarray(loaded[key]) for key in loaded}
    except ValueError as error:
        if "allow_pickle" in str(error) or "ickled" in str(error):
            told = "it would have to be unpickled, which lets a file run code; save arrays of numbers: " + KNOWN
            raise CorpusError(told, file.name) from None
        raise CorpusError(f"no arrays of numpy: {error}", file.name) from None
    except (OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise CorpusError(f"no arrays of numpy: {error}", file.name) from None


def _starts(numbers: Mapping[str, Array], rows: str) -> str | None:
    """Return the array that says where drawings begin among so many rows, None where there is none."""
    for key, value in numbers.items():
        if value.ndim == 1 and value.dtype.kind in "iu" and len(value) > 1:
            ascending = bool((np.diff(value.astype(np.int64)) >= 0).all())
            if ascending and value[0] == 0 and value[-1] == len(numbers[rows]):
                return key
    return None


def _ragged(name: str, rows: str, starts: str, arrays: Mapping[str, Array]) -> Iterator[Drawing]:
    at = arrays[starts].astype(np.int64).tolist()
    labels = _labels(arrays, len(at) - 1)
    for number, (begin, end) in enumerate(pairwise(at)):
        said = {key: values[number] for key, values in labels.items()}
        yield of_rows(arrays[rows][begin:end], said, f"{name}:{rows}", first=begin)


def _padded(name: str, rows: str, arrays: Mapping[str, Array]) -> Iterator[Drawing]:
    whole = arrays[rows]
    lengths = arrays.get("lengths")
    if lengths is None and whole.shape[2] == 3:
        raise CorpusError(f"{rows} {list(whole.shape)}: nothing says where a drawing ends; {KNOWN}", name)
    if lengths is not None and (
        lengths.shape != whole.shape[:1]
        or lengths.dtype.kind not in "iu"
        or (lengths < 0).any()
        or (lengths > whole.shape[1]).any()
    ):
        raise CorpusError(f"lengths: must be whole numbers [drawing] from 0 to {whole.shape[1]}", name)
    labels = _labels({key: value for key, value in arrays.items() if key != "lengths"}, len(whole))
    for number, some in enumerate(whole):
        said = {key: values[number] for key, values in labels.items()}
        end = len(some) if lengths is None else int(lengths[number])
        yield of_rows(some[:end], said, f"{name}:{rows}[{number}]")


def _labels(arrays: Mapping[str, Array], drawings: int) -> dict[str, list[str]]:
    """Return what arrays with a whole number or a text for each drawing say."""
    there = {key: value for key, value in arrays.items() if value.shape == (drawings,) and value.dtype.kind in "iuUb"}
    return {key: [str(each) for each in value.tolist()] for key, value in there.items()}
