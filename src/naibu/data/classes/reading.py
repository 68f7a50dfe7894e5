"""Which layout files of classes have, found from their content, and their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from naibu.data.classes import drawings, geolife, lines, ngsim, points, tables, trees, ts
from naibu.data.classes.rows import FORMATS, Asked, FormatName, Row, Rows
from naibu.data.classes.texts import numbered_lines, read_text
from naibu.data.files import SourceFile, is_many, open_files
from naibu.errors import CorpusError, OptionError

NUMBERS: tuple[FormatName, ...] = ("ts", "points", "drawings", "geolife", "ngsim")
"""Layouts of series; those of the others are of texts."""
LOOKED_AT = 1000
"""Lines by which a layout is told."""
FEW = 0.2
"""Different first words of lines, for each line, up to which they are taken for classes."""


def read_rows(paths: Sequence[Path], asked: Asked) -> Rows:
    """Return the rows of files, folders or archives; their layout is `asked.format`, or found from their content.

    Raises CorpusError for what cannot be read, OptionError for a layout that there is not, and where it has to be said.
    """
    if asked.format is not None and asked.format not in FORMATS:
        raise OptionError(f"--format {asked.format}: must be one of {', '.join(FORMATS)}")
    notes: list[tuple[str, str]] = []
    opened = [file for path in paths for file in open_files(path)]
    if not opened:
        raise CorpusError("no file is in it", paths[0])
    form = asked.format or layout(paths, opened, asked)
    own = {"column": asked.text, "points": asked.id}
    for name, option in (("column", "--text"), ("points", "--id")):
        if form == name and own[name] is None:
            raise OptionError(f"{option}: say which column; {opened[0].name} is read as a table of {name}s")
    if form == "geolife":
        read = geolife.read_geolife(opened, asked.features, notes)
        return replace(read, notes=_summed(notes))
    if form == "drawings":
        read = drawings.read_rows_of_drawings(paths, asked, notes)
        return replace(read, notes=_summed(notes))
    if form in ("points", "ngsim"):
        return _joined([_table(file, form, asked, notes) for file in opened], opened[0].name, notes)
    rows = list(_rows(paths, opened, form, asked, notes))
    channels = _channels(rows) if form == "ts" else ()
    if not rows:
        raise CorpusError("no example is in it", paths[0])
    return Rows("numbers" if form in NUMBERS else "text", form, rows, channels, _summed(notes))


def layout(paths: Sequence[Path], opened: Sequence[SourceFile], asked: Asked) -> FormatName:
    """Return the layout of files by what is asked of them, by their names, and by the lines of the first.

    Raises OptionError, which names the choices, where none is clear.
    """
    if {".plt", "labels.txt"} <= {file.extension for file in opened} | {Path(file.name).name for file in opened}:
        return "geolife"
    if asked.id is not None:
        return "points"
    if asked.text is not None:
        return "column"
    first = opened[0]
    if first.extension == ".ts":
        return "ts"
    if drawings.is_drawings(first):
        return "drawings"
    if tables.is_table(first.name) and not _headless(first):
        if ngsim.is_ngsim(tables.Table(first, [])):
            return "ngsim"
        columns = ", ".join(tables.Table(first, []).columns)
        raise OptionError(
            f"{first.name}: say which columns, of {columns}: --text and --class, or of points --id, --time and --class"
        )
    if any(is_many(path) for path in paths):
        deep = [file for path in paths if is_many(path) for file in open_files(path) if _inside(file, path) > 1]
        return "folders" if 2 * len(deep) > len(opened) else "files"
    sample = [line for _, line in numbered_lines(read_text(first, []))][:LOOKED_AT]
    if sample and trees.LEAF.match(sample[0]) is not None:
        return "trees"
    if sample and all("\t" in line for line in sample):
        return "tab"
    if len(opened) > 1:
        return "files"
    words = {line.split(maxsplit=1)[0] for line in sample}
    if sample and len(words) > 1 and len(words) <= max(2, FEW * len(sample)) and all(" " in s.strip() for s in sample):
        return "blank"
    if asked.known:  # texts alone, for a network to tell their classes
        return "blank"
    raise OptionError(
        f"{first.name}: what the classes are is not clear from the content; --format says it, one of "
        f"{', '.join(FORMATS)} (a table: --text COLUMN --class COLUMN)"
    )


def _headless(file: SourceFile) -> bool:
    """Return whether a table has two columns with tabs between them and no head: its first word comes again."""
    first = [line.split("\t") for _, line in numbered_lines(read_text(file, []))][:LOOKED_AT]
    two = all(len(cells) == 2 for cells in first)
    return two and any(cells[0] == first[0][0] for cells in first[1:])


def _inside(file: SourceFile, path: Path) -> int:
    """Return how many folders deep a file lies in a folder or archive, itself counted."""
    if file.path is None:
        return len(Path(file.name.rpartition(":")[2]).parts)
    return len(file.path.relative_to(path).parts)


def _rows(
    paths: Sequence[Path], opened: Sequence[SourceFile], form: FormatName, asked: Asked, notes: list[tuple[str, str]]
) -> Iterator[Row]:
    if form == "files":
        yield from lines.file_rows(opened, notes)
    elif form == "folders":
        for path in paths:
            yield from lines.folder_rows(list(open_files(path)), path, notes)
    for number, file in enumerate(opened if form not in ("files", "folders") else ()):
        if form == "column":
            yield from _column(tables.Table(file, notes), asked)
        elif form == "tab":
            yield from lines.tab_rows(file, notes, asked.known)
        elif form == "blank":
            yield from lines.blank_rows(file, notes, asked)
        elif form == "ts":
            yield from ts.ts_rows(file, notes, class_known=bool(asked.known))
        elif form == "trees":
            for row in trees.tree_rows(file, notes, phrases=not asked.whole):
                yield row._replace(group=number * 10**8 + row.group)


def _column(table: tables.Table, asked: Asked) -> Iterator[Row]:
    assert asked.text is not None
    if asked.class_ is None and not asked.known:
        raise OptionError(f"--class: say which column of {table.name} is the class; it has {', '.join(table.columns)}")
    there = asked.class_ is not None and (not asked.known or asked.class_ in table.columns)
    table.require([("--text", asked.text), *([("--class", asked.class_ or "")] if there else [])])
    for line, cells in table:
        label = cells.get(asked.class_ or "", "").strip() if there else None  # a line of JSON may have none
        yield Row(cells[asked.text], label, table.name, line)


def _table(file: SourceFile, form: FormatName, asked: Asked, notes: list[tuple[str, str]]) -> Rows:
    table = tables.Table(file, notes)
    if form == "ngsim":
        return ngsim.read_ngsim(table, notes)
    if asked.class_ is None and not asked.known:
        raise OptionError(f"--class: say which column of {table.name} is the class; it has {', '.join(table.columns)}")
    return points.read_points(table, asked, notes, class_known=bool(asked.known) and asked.class_ not in table.columns)


def _joined(parts: Sequence[Rows], name: str, notes: list[tuple[str, str]]) -> Rows:
    first = parts[0]
    if other := next((part for part in parts if part.channels != first.channels), None):
        raise CorpusError(
            f"other columns of numbers than before it: {', '.join(other.channels)} in place of "
            f"{', '.join(first.channels)}",
            other.rows[0].file,
        )
    rows, groups = list[Row](), 0
    for part in parts:  # each counts its groups from 0
        rows += (row._replace(group=groups + row.group) if row.group >= 0 else row for row in part.rows)
        groups += 1 + max((row.group for row in part.rows), default=-1)
    if not rows:  # of points there is always one
        raise CorpusError(f"no example is in it: {ngsim.NEEDED_TIME}", name)
    return Rows(first.kind, first.format, rows, first.channels, _summed(notes))


def _channels(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return names of the channels of series. Raises CorpusError where files have other numbers of them."""
    count = rows[0].value.shape[1] if rows else 0  # type: ignore[union-attr]
    for row in rows:
        assert isinstance(row.value, np.ndarray)
        if row.value.shape[1] != count:
            raise CorpusError(f"{row.value.shape[1]} channels, where there were {count} before", row.file, row.line)
    return tuple(f"channel_{number}" for number in range(1, count + 1))


def _summed(notes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return notes, each once, and of many of one name the first and how many more there are."""
    found: dict[str, list[str]] = {}
    for name, text in dict.fromkeys(notes):
        found.setdefault(name, []).append(text)
    return [
        (name, text if number < 2 else f"{text}, and {len(texts) - 3:,} more")
        for name, texts in found.items()
        for number, text in enumerate(texts if len(texts) <= 3 else texts[:3])
    ]
