"""What a look leaves in Python's hands: its page, its numbers, its runs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from naibu.reporting import page
from naibu.reporting.content import Report
from naibu.runs import Run
from naibu.shown import Row, Shown
from naibu.storage import read_json


class Looked(Shown):
    """A page that was made: `report()` is its path, `summary` its numbers, `runs` the networks trained for it."""

    def __init__(self, content: Report, path: Path, runs: Sequence[Run] = ()) -> None:
        self.content, self.runs = content, tuple(runs)
        self._path = path
        self.summary: dict[str, Any] = read_json(path.with_name("summary.json"), "the main numbers")
        """What `summary.json` says: `finding`, and under `networks` by name `scores` and `analyses`."""

    def report(self, out: str | Path | None = None) -> Path:
        """Return the path of the page; of a copy, where `out` names one. StoredError where that cannot be written."""
        path = self._path if out is None else Path(out)
        if out is not None or not path.exists():
            page.write(self.content, path)
        return path

    def rows(self) -> list[Row]:
        """Return the table of the terminal: a row for each line, a column for each network."""
        table = self.summary["table"]
        return [dict(zip(("", *table["columns"]), row, strict=True)) for row in table["rows"]]

    def __repr__(self) -> str:
        names = ", ".join(self.summary["networks"])
        return f"Looked({names}: {self._path}; .report(), .summary, .runs, .table())"

    def _repr_html_(self) -> str:
        return f"<p><strong>{escape(self.summary['finding'])}</strong></p>{super()._repr_html_()}"
