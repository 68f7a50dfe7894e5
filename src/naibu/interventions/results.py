"""What an intervention gives back: the same scores before, with units held, and for random draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from naibu.interventions.measured import Measured
from naibu.probes.result import Result
from naibu.probes.results import Row, Score, Scores

OLD = {
    "end_recall": ("ED recall", True),
    "end_precision": ("ED precision", True),
    "accuracy": ("accuracy", True),
    "loss": ("loss (nats)", False),
}
"""The four measures that results held by name before tasks had measures of their own."""
KINDS = ("held", "random")
"""Kinds of effects of one unit each, that are compared."""


@dataclass(frozen=True)
class Effect:
    """How good the network's outcomes are under one intervention."""

    kind: str  # "before", "held", "random", "gates", "named"
    what: str  # in words: "unit 42 of cell held at 1.31"
    layer: str
    units: tuple[int, ...]  # empty: none ("before") or all ("gates")
    measured: tuple[Measured, ...]  # by each of the task's measures
    loss_change: Scores | None = None  # loss less that of the untouched network, on the same sequences
    labels: tuple[str, ...] = ()  # what the unit was named for

    def scores(self, name: str) -> Scores | None:
        """Return the scores by one measure over all steps, None where the task has none of that name."""
        return next((each.scores for each in self.measured if each.name == name and not each.where), None)

    @property
    def end_recall(self) -> Scores | None:
        """The share of ends of sequence that are predicted; None where there are none."""
        return self.scores("end_recall")

    @property
    def end_precision(self) -> Scores | None:
        """The share of predicted ends that are ends; None where there are none."""
        return self.scores("end_precision")

    @property
    def accuracy(self) -> Scores | None:
        """The share of classes told right; None where numbers are predicted."""
        return self.scores("accuracy")

    @property
    def loss(self) -> Scores:
        """The mean loss of a predicted step, nats; every task has it."""
        found = self.scores("loss")
        assert found is not None
        return found

    @classmethod
    def of_old(cls, written: dict[str, Any]) -> dict[str, Any]:
        """Return what is read of a file in the form of today."""
        if "measured" in written:
            return written
        there = [(name, *OLD[name], written[name]) for name in OLD if written.get(name) is not None]
        measured = [{"name": n, "title": title, "share": share, "scores": s} for n, title, share, s in there]
        kept = {name: value for name, value in written.items() if name not in OLD}
        return {**kept, "measured": measured}


@dataclass(frozen=True)
class AtValue:
    """A measure at the steps where a label has one value: as trained, and what it changes by with units held."""

    value: str
    title: str  # of the measure
    before: Score
    change: Score | None  # with the unit held
    others: tuple[float, ...]  # with each of the random ones


@dataclass(frozen=True)
class Holding(Result):
    """A unit held still at its training mean, beside random units held still, and gates held open or shut."""

    run: str
    layer: str
    signal: str
    unit: int  # the unit whose `signal` follows `label` best on training sequences
    label: str
    value: float  # its mean on training sequences, at which it is held at every step
    effects: tuple[Effect, ...]
    by: str = ""  # the label at the steps of whose values measures are told too; empty where none was asked for

    def of(self, kind: str) -> list[Effect]:
        """Return the effects of one kind, in order."""
        return [effect for effect in self.effects if effect.kind == kind]

    def by_values(self) -> list[AtValue]:
        """Return the first measure besides the loss (the loss where there is no other) at each value of `by`, on all
        test sequences; empty where no label was asked for."""
        whole = [each for each in self.effects[0].measured if not each.where]
        chief = next((each for each in whole if each.name != "loss"), whole[0])
        found = []
        for place, each in enumerate(self.effects[0].measured):
            if each.where and each.name == chief.name:
                changes = {kind: [effect.measured[place].change for effect in self.of(kind)] for kind in KINDS}
                held, *_ = (None if one is None else one.test for one in changes["held"])
                others = tuple(one.test.value for one in changes["random"] if one is not None)
                value = each.where.removeprefix(f"{self.by} ")
                found.append(AtValue(value, chief.title, each.scores.test, held, others))
        return found

    def rows(self) -> list[Row]:
        """Return one row per split, intervention and statistic."""
        out: list[Row] = []
        for effect in self.effects:
            for each in effect.measured:
                changes = {} if each.change is None else dict(each.change.items())
                for split, score in each.scores.items():
                    row: Row = {"run": self.run, "split": split, "layer": effect.layer, "signal": self.signal}
                    row |= {
                        "unit": " ".join(str(unit) for unit in effect.units),
                        "kind": effect.kind,
                        "what": effect.what,
                    }
                    statistic = each.name.replace("_", " ")
                    row |= {"statistic": statistic, "value": score.value, "low": score.low, "high": score.high}
                    row |= {"n": score.n, "sequences": score.sequences}
                    if self.by:
                        row["where"] = each.where
                    if split in changes:
                        change = changes[split]
                        row |= {"change": change.value, "change_low": change.low, "change_high": change.high}
                    out.append(row)
        return out
