"""Series with classes in the format `.ts` of sktime and the UEA/UCR archives: several channels, missing values, other
lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from naibu.data.classes.rows import Row
from naibu.data.classes.texts import read_text
from naibu.data.events import Array
from naibu.data.files import SourceFile
from naibu.errors import CorpusError

Head = dict[str, list[str]]


def ts_rows(file: SourceFile, notes: list[tuple[str, str]], *, class_known: bool = False) -> Iterator[Row]:
    """Yield a row for each line of data: channels parted by colons, values by commas, the class last; `?` and NaN are
    missing values.

    Channels of one example may end at different places; the shorter ones are missing after their end. With
    `class_known`, a file whose head says `@classLabel false` has series without a class. Raises CorpusError with the
    line for what is no number, no class of the head, and another number of channels than before it.
    """
    head: Head = {}
    begun, channels = False, None
    for number, line in enumerate(read_text(file, notes).split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            word, *values = line[1:].split()
            head[word.lower()] = values
            begun = begun or word.lower() == "data"
            continue
        if not begun:
            raise CorpusError("data before the line @data", file.name, number)
        if channels is None:
            _check_head(head, file.name, class_known)
        row = _row(line, head, file.name, number)
        if channels is not None and row.value.shape[1] != channels:  # type: ignore[union-attr]
            raise CorpusError(
                f"{row.value.shape[1]} channels, where the first series has {channels}",  # type: ignore[union-attr]
                file.name,
                number,
            )
        channels = row.value.shape[1]  # type: ignore[union-attr]
        yield row


def _check_head(head: Head, name: str, class_known: bool) -> None:
    if head.get("timestamps", ["false"])[0].lower() == "true":
        raise CorpusError(
            "@timeStamps true: series with time stamps are read from a table of points (--id, --time)", name
        )
    labelled = head.get("classlabel", ["true"])[0].lower() == "true"
    if not labelled and not class_known:
        said = "@targetLabel: these are for regression" if "targetlabel" in head else "@classLabel false"
        raise CorpusError(f"{said}; there are no classes to learn", name)


def _row(line: str, head: Head, name: str, number: int) -> Row:
    labelled, *classes = head.get("classlabel", ["true"])
    parts, label = line.split(":"), None
    if labelled.lower() == "true":
        *parts, label = parts
        label = label.strip()
        if not parts:
            raise CorpusError("no class after a colon at the end of the line", name, number)
        if classes and label not in classes:
            raise CorpusError(f"the class {label!r} is none of those of the head: {', '.join(classes)}", name, number)
    read = [_numbers(part, name, number) for part in parts]
    values = np.full((max(map(len, read)), len(read)), np.nan)
    for channel, found in enumerate(read):
        values[: len(found), channel] = found
    return Row(values, label, name, number)


def _numbers(part: str, name: str, number: int) -> Array:
    cells: Sequence[str] = part.split(",")
    try:
        found = np.array([np.nan if cell.strip() in ("?", "NaN", "nan", "") else float(cell) for cell in cells])
    except ValueError:
        bad = next(cell for cell in cells if not _is_number(cell))
        raise CorpusError(f"{bad.strip()!r} is no number", name, number) from None
    if np.isinf(found).any():
        raise CorpusError("an infinite value", name, number)
    return found


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip() in ("?", "")
    return True
