"""One line of the study: what the document says, and the number that was obtained for it, beside its control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from naibu.papers.runner import Experiment, Figures
from naibu.probes.results import Scores
from naibu.reporting.words import headline, on_split

HOLDS, PARTLY, NOT, OPEN = "holds", "partly", "does not hold", "no claim"
UNDECIDED = "not decided: the interval holds both"
APPLIES_NOT = "does not apply"

Judge = Callable[[Figures], str]


@dataclass(frozen=True)
class Line:
    """One number of the study; `figure` obtains it from results on disk, None where its probe did not apply."""

    table: str
    row: str
    claim: str
    """What the document says of it, in a few words; "" where it says nothing."""
    figure: Callable[[], Figures | None]
    judge: Judge
    value: float | None = None
    """The published number, where there is one."""
    settings: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    """What the document says, in a sentence without its stop."""
    settled: Callable[[Judge], Figures] | None = None
    """Gives, by the judge, what is said in place of a verdict where more training would decide: `undecided`."""

    def experiment(self, source: str) -> Experiment:
        """Return the line as a row for the runner."""
        published: Figures = {"claim": self.claim, "says": self.says} if self.claim else {}
        if self.value is not None:
            published["value"] = self.value
        judge = partial(_judged, self.judge)
        return Experiment(self.table, self.row, published, source, self._obtain, judge, self.settings, kept=False)

    def _obtain(self, quick: bool) -> Figures:
        found = self.figure()
        if found is None:
            return {"statistic": APPLIES_NOT}
        asked = self.claim and self.settled is not None and judged(self.judge, found) not in (OPEN, APPLIES_NOT)
        return {**found, **(self.settled(self.judge) if asked and self.settled is not None else {})}


def _judged(judge: Judge, published: Figures, found: Figures) -> str:
    return str(found.get("undecided") or judged(judge, found))


def judged(judge: Judge, found: Figures) -> str:
    """Return the verdict on a number, where there is one."""
    return judge(found) if isinstance(found.get("value"), float) else APPLIES_NOT


def score(statistic: str, scores: Scores | None, control: tuple[str, Scores | float | None] | None = None) -> Figures:
    """Return the figures of a score on unseen sequences (all test sequences where none is unseen).

    `control` is what the same number is called and comes to where there is nothing to find, on the same sequences.
    """
    if scores is None:
        return {}
    one, split = headline(scores)
    found: Figures = {"statistic": statistic, "value": one.value, "low": one.low, "high": one.high, "split": split}
    if control is not None:
        name, other = control
        found["control"] = name
        if isinstance(other, Scores):
            there = on_split(other, split)
            found["control_value"] = None if there is None else there.value
        else:
            found["control_value"] = other
    return found


def number(found: Figures, name: str) -> float:
    """Return a figure as a number; nan where there is none."""
    value = found.get(name)
    return float(value) if isinstance(value, (int, float)) else float("nan")


def at_least(limit: float, nearly: float = 2.0) -> Judge:
    """Judge by its value that a number is as high as the document says; from `nearly` on it holds in part."""

    def judge(found: Figures) -> str:
        value = number(found, "value")
        return HOLDS if value >= limit else PARTLY if value >= nearly else NOT

    return judge


def at_most(limit: float, nearly: float = -1.0) -> Judge:
    """Judge by its value that a number is as low as the document says; up to `nearly` it holds in part."""

    def judge(found: Figures) -> str:
        value = number(found, "value")
        return HOLDS if value <= limit else PARTLY if value <= nearly else NOT

    return judge


def above(limit: float = 0.0) -> Judge:
    """Judge that a difference lies above a limit with its whole interval; that it may lie on both sides is said."""

    def judge(found: Figures) -> str:
        if number(found, "low") > limit:
            return HOLDS
        return NOT if number(found, "high") < limit else UNDECIDED

    return judge


def beyond_control(chance: float = 0.0) -> Judge:
    """Judge that a number lies above chance and above its control with its whole interval."""

    def judge(found: Figures) -> str:
        control = number(found, "control_value")
        return above(chance if control != control else max(chance, control))(found)

    return judge


def below(limit: float = 0.0) -> Judge:
    """Judge that a difference lies below a limit with its whole interval."""

    def judge(found: Figures) -> str:
        if number(found, "high") < limit:
            return HOLDS
        return NOT if number(found, "low") > limit else UNDECIDED

    return judge


def below_cell(found: Figures) -> str:
    """Judge that a number lies below the cell's, by whether their intervals touch."""
    if number(found, "high") < number(found, "cell_low"):
        return HOLDS
    return NOT if number(found, "low") > number(found, "cell_high") else UNDECIDED


def always(found: Figures) -> str:
    """Judge ED recall: high, and not by expecting the end everywhere."""
    return at_least(0.99, 0.9)({"value": min(number(found, "value"), number(found, "precision"))})


def better_than_usual(judge: Judge) -> Judge:
    """Judge only what is beyond its control with its whole interval; the rest does not hold."""

    def judged(found: Figures) -> str:
        return judge(found) if number(found, "low") > number(found, "control_value") else NOT

    return judged


def reported(found: Figures) -> str:
    """Judge nothing: the document makes no claim."""
    return OPEN
