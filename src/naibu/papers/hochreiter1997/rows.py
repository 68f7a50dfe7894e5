"""The rows of the published tables: what each was run with, and what was published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from naibu.papers.runner import Figures

Settings = Mapping[str, Any]
TODAY = "today"
"""The learner of the rows that set today's LSTM, with forget gate and Adam, on a task of the paper."""
TODAY_TRIALS = 5


@dataclass(frozen=True)
class Row:
    """A row of a published table, or the row of today's LSTM that stands under it."""

    key: str
    """A name for files: 4-1000."""
    table: str
    row: str
    experiment: str
    """1, 2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 6a, 6b or continual."""
    learner: str
    """Who trains it, by the name in `learners`."""
    task: Settings
    """name, and what the task takes: lag, variant, informative, p, q, symbols."""
    learning: Settings
    """rate, and what else the learner takes."""
    trials: int
    """As many as in the paper, where it tells."""
    cap: int
    """Training sequences after which a trial is not solved: five times the published mean, or as in the paper."""
    tested: int
    """Fresh test sequences for the frozen network."""
    source: str
    network: Settings = field(default_factory=dict)
    published: Figures = field(default_factory=dict)
    published_trials: int | None = None
    """Trials behind the published figures; None where they are not told."""
    lag: int | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    """The table's own columns."""
    doubtful: tuple[str, ...] = ()
    """Published figures that are implied, quoted by third parties or contradictory."""
    words: str = ""
    """What departs from the paper in this row, or is not told there."""
    of: str = ""
    """The key of the row that this one departs from."""
    today: Settings | None = None
    """units, rate and batch of today's LSTM on this task, where it is set on it; its cap is the row's."""

    @property
    def settings(self) -> dict[str, Any]:
        """Return all that a trial's numbers depend on, besides the seed."""
        same = ("key", "learner", "task", "network", "learning", "cap", "tested")
        return {name: _plain(getattr(self, name)) for name in same}

    def of_today(self) -> list[Row]:
        """Return the rows of today's LSTM under this one, where it was set on this task.

        One has forget bias 1, the other gates that begin with the task's lags.
        """
        if self.today is None:
            return []
        learning = {name: self.today[name] for name in ("rate", "batch")} | {"optimiser": "Adam"}
        return [
            replace(
                self,
                key=f"{self.key}-{TODAY}{name}",
                row=f"{self.row}: LSTM of today{words}",
                learner=TODAY,
                network={"units": self.today["units"], "forget_bias": bias},
                learning=learning,
                trials=min(self.trials, TODAY_TRIALS),
                cap=min(self.cap, cap),
                published={},
                published_trials=None,
                doubtful=(),
                words="",
                today=None,
            )
            for name, words, bias, cap in (("", "", 1.0, 60_000), ("-chrono", ", chrono gates", "chrono", 300_000))
        ]

    def departing(self, table: str, found: Settings) -> Row:
        """Return this row with something done otherwise, as a row of another table."""
        return replace(
            self,
            key=f"{self.key}-{found['key']}",
            table=table,
            row=f"{self.experiment}, {self.row}: {found['departure']}",
            network={**self.network, **found.get("network", {})},
            learning={**self.learning, **found.get("learning", {})},
            cap=found.get("cap", self.cap),
            cells={"row": f"{self.experiment}, {self.row}", "departure": found["departure"]},
            of=self.key,
            today=None,
        )


@dataclass(frozen=True)
class Table:
    """A published table: its own columns, what was done for it, its rows."""

    table: str
    title: str
    source: str
    columns: tuple[str, ...]
    about: str
    rows: tuple[Row, ...]


@lru_cache(maxsize=1)
def published() -> tuple[Table, ...]:
    """Return the published tables in the order of the paper, from `published.json`, and behind them those of rows with
    something done otherwise, from `departures.json`."""
    tables = [_table(found) for found in _read("published.json")]
    rows = {row.key: row for table in tables for row in table.rows}
    for found in _read("departures.json"):
        name, source = found["table"], "as the row that is departed from"
        departing = tuple(rows[each["of"]].departing(name, each) for each in found["rows"])
        tables.append(Table(name, found["title"], source, ("row", "departure"), found["about"], departing))
    return tuple(tables)


def all_rows() -> list[Row]:
    """Return every published row, each followed by that of today's LSTM where there is one."""
    return [each for table in published() for row in table.rows for each in (row, *row.of_today())]


def original(row: Row) -> Row:
    """Return the row as it was published, of which this one may be a quick or departing version."""
    return next(each for each in all_rows() if each.key == row.key)


def _read(name: str) -> Any:
    return json.loads(files("naibu.papers.hochreiter1997").joinpath(name).read_text(encoding="utf-8"))


def _table(found: dict[str, Any]) -> Table:
    rows = tuple(_row(found, row) for row in found["rows"])
    return Table(found["table"], found["title"], found["source"], tuple(found["columns"]), found["about"], rows)


def _row(table: dict[str, Any], own: dict[str, Any]) -> Row:
    same: dict[str, Any] = table["same"]
    merged = {"table": table["table"], "source": table["source"], "experiment": table["experiment"], **same, **own}
    merged["network"] = {**same.get("network", {}), **own.get("network", {})}
    merged["learning"] = {**same.get("learning", {}), **own.get("learning", {})}
    if merged["learner"] != same.get("learner", "lstm"):  # another method shares nothing of the LSTM's network
        merged["network"] = own.get("network", {})
    merged["doubtful"] = tuple(merged.get("doubtful", ()))
    return Row(**merged)


def _plain(value: Any) -> Any:
    """Return a value as JSON would give it back, so that settings compare equal with those that were stored."""
    return json.loads(json.dumps(value))
