"""Pen-Based Recognition of Handwritten Digits (UCI) as drawings: digits-train.jsonl and digits-test.jsonl.

A row of the table is a digit: 8 points, x and y from 0 to 100, and which digit it is. UCI divides writers: the first
7,494 rows are of 30 people, the others of 14 whom training has not seen. UCI's y grows upwards, a drawing's downwards.

    python examples/pen_digits.py pendigits.csv.gz     # or UCI's two files: pendigits.tra pendigits.tes
    python examples/pen_digits.py drawn.jsonl          # how many points drawings have
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

TRAINING = 7494
"""Rows of the 30 writers of UCI's training file."""
CELLS = 17
"""Numbers of a digit; a table may count its rows before them."""


def digits(text: str) -> Iterator[str]:
    """Yield a line of JSON for each row of numbers of a table: its points, and its class."""
    for row in csv.reader(text.splitlines()):
        cells = [cell.strip() for cell in row[-CELLS:]]
        if len(cells) == CELLS and all(cell.isdigit() for cell in cells):
            *numbers, digit = map(int, cells)
            points = [[x, 100 - y] for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
            yield json.dumps({"strokes": [points], "class": str(digit)}) + "\n"


def read(path: str | Path) -> str:
    """Return a text, packed or not."""
    data = Path(path).read_bytes()
    return (gzip.decompress(data) if str(path).endswith(".gz") else data).decode("utf-8")


def write(tables: Sequence[str]) -> str:
    """Write digits of tables into both files; return what is in them."""
    lines = [line for table in tables for line in digits(read(table))]
    Path("digits-train.jsonl").write_text("".join(lines[:TRAINING]), encoding="utf-8")
    Path("digits-test.jsonl").write_text("".join(lines[TRAINING:]), encoding="utf-8")
    return f"{min(len(lines), TRAINING):,} digits of 30 writers, {max(0, len(lines) - TRAINING):,} of 14 others"


def lengths(path: str) -> str:
    """Return how many drawings of a file have how many points."""
    found = Counter(len(json.loads(line)["points"]) for line in read(path).splitlines())
    return f"{path}: " + ", ".join(f"{count:,} of {points} points" for points, count in sorted(found.items()))


if __name__ == "__main__":
    drawn = [path for path in sys.argv[1:] if path.endswith(".jsonl")]
    print("\n".join(map(lengths, drawn)) if drawn else write(sys.argv[1:]))
