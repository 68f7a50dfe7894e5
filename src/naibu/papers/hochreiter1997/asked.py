"""What is asked for of the paper: which rows, how many trials, and where the literal reading is departed from."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Literal

from naibu.errors import OptionError
from naibu.papers.hochreiter1997.quick import PROOF, quickened
from naibu.papers.hochreiter1997.rows import Row, all_rows

DEPARTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "gradient full": ("learning", {"gradient": "full"}),
    "output-bias": ("network", {"output_bias": True}),
    "no-output-derivative": ("learning", {"output_derivative": False}),
    "ranges table10": ("network", {"cell_range": 1.0, "output_range": 2.0}),
    "update step": ("learning", {"update": "step"}),
}
"""What each option that departs from the literal reading changes: of the network, or of its learning."""


def departures(row: Row) -> tuple[str, ...]:
    """Return the departures that there are of a row.

    None of today's LSTM, of the methods that the paper compares with and of endless streams. Both updates are one
    where errors come at the end only. In 2a and 2b gates and cell see the input only, so that the truncated gradient
    is the full one, and g and h have ranges of their own; of 2c there is no full gradient.
    """
    literal = ("gradient full", "output-bias", "no-output-derivative", "ranges table10")
    by_learner = {"lstm": literal, "lstm-symbols": literal[1:] if row.experiment == "2c" else literal[1:3]}
    every_step = row.experiment in ("1", "2a", "2b")
    return (*by_learner[row.learner], *["update step"] * every_step) if row.learner in by_learner else ()


@dataclass(frozen=True)
class Asked:
    """Which rows, and where to depart from the paper's literal reading; all rows by it when nothing is given."""

    _: KW_ONLY
    experiment: str | None = None
    """One experiment (1, 2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 6a, 6b, continual), departures or remedies; 2 is all of 2."""
    lag: int | None = None
    """Only the rows with this time lag."""
    trials: int | None = None
    """Trials of each row, in place of the paper's number (or that of --quick)."""
    seed: int = 1
    """Seed of weights and sequences; trial k is the same however many there are."""
    gradient: Literal["truncated", "full"] = "truncated"
    """The gradient of the LSTM; the paper's is truncated."""
    output_bias: bool = False
    """Give the outputs biases where the paper's count of weights has none."""
    no_output_derivative: bool = False
    """Leave f'(net k) out of the outputs' errors (equation 19)."""
    ranges: Literal["text", "table10"] = "text"
    """g in [-2, 2] and h in [-1, 1] as the text has it, or exchanged, as table 10 has it."""
    update: Literal["sequence", "step"] = "sequence"
    """When weights change: after every sequence, or at every step."""

    def __post_init__(self) -> None:
        if self.trials is not None and self.trials < 1:
            raise OptionError(f"--trials {self.trials}: must be at least 1")
        if self.seed < 0:
            raise OptionError(f"--seed {self.seed}: must be 0 or more")
        if self.gradient == "full" and self.update == "step":
            raise OptionError("--update step: the full gradient needs the whole sequence; leave --gradient full out")
        rows = self.rows()
        for option in self.departing():
            if not any(option in departures(row) for row in rows):
                asked = f"experiment {self.experiment}" if self.experiment else "these rows"
                raise OptionError(f"--{option}: nothing that {asked} would do otherwise")

    def departing(self) -> list[str]:
        """Return the departures asked for, as they are typed."""
        usual = Asked.__dataclass_fields__
        names = {option: option.partition(" ")[0].replace("-", "_") for option in DEPARTURES}
        return [option for option, name in names.items() if getattr(self, name) != usual[name].default]

    def rows(self, quick: bool = False) -> list[Row]:
        """Return the rows asked for, in the order of the paper. Raises OptionError where there is none.

        `quick`: those of PROOF at full length where neither experiment nor lag is asked for, else shorter ones.
        """
        rows = all_rows()
        if quick and self.experiment is None and self.lag is None:
            return [self._asked_of(row) for row in rows if row.key in PROOF]
        if self.experiment is not None:
            those = [row for row in rows if _kind(row).startswith(self.experiment) and self.experiment]
            known = dict.fromkeys(map(_kind, rows))
            if not those:
                raise OptionError(f"--experiment {self.experiment}: there is no such one; there are {', '.join(known)}")
            rows = those
        if self.lag is not None:
            those = [row for row in rows if row.lag == self.lag]
            if not those:
                raise OptionError(f"--lag {self.lag}: no row has it; {self._lags(rows)}")
            rows = those
        return [self._asked_of(quickened(row) if quick else row) for row in rows]

    def _asked_of(self, row: Row) -> Row:
        """Return the row with the trials asked for, departing where it can from the literal reading."""
        network, learning = dict(row.network), dict(row.learning)
        there = departures(row)
        for part, settings in (DEPARTURES[option] for option in self.departing() if option in there):
            (network if part == "network" else learning).update(settings)
        trials = row.trials if self.trials is None else self.trials
        return replace(row, trials=trials, network=network, learning=learning)

    def _lags(self, rows: list[Row]) -> str:
        lags: dict[str, list[int]] = {}
        for row in rows:
            if row.lag is not None and row.lag not in lags.setdefault(row.experiment, []):
                lags[row.experiment].append(row.lag)
        if not lags:
            return f"the rows of experiment {self.experiment} have none"
        return "; ".join(f"{name} has {', '.join(map(str, sorted(found)))}" for name, found in lags.items())


def _kind(row: Row) -> str:
    """Return what --experiment calls a row: its experiment, or the table of departing rows that it is in."""
    return row.table.lower() if row.of else row.experiment
