"""What an intervention gives back: the same scores before, with units held, and for random draws."""

from __future__ import annotations

from dataclasses import dataclass

from naibu.probes.results import Row, Scores


@dataclass(frozen=True)
class Effect:
    """How well the network predicts under one intervention."""

    kind: str  # "before", "held", "random", "gates"
    what: str  # in words: "unit 42 of cell held at 1.31"
    layer: str
    units: tuple[int, ...]  # empty: none ("before") or all ("gates")
    end_recall: Scores | None  # share of ends of sequence (ED) that are predicted; None where there is no ED
    end_precision: Scores | None
    accuracy: Scores
    loss: Scores  # mean -log p of the next symbol, natural logarithm


@dataclass(frozen=True)
class Holding:
    """A unit held still at its training mean, beside random units held still, and gates held open or shut."""

    run: str
    layer: str
    signal: str
    unit: int  # the unit whose `signal` follows `label` best on training sequences
    label: str
    value: float  # its mean on training sequences, at which it is held at every step
    effects: tuple[Effect, ...]

    def of(self, kind: str) -> list[Effect]:
        """Return the effects of one kind, in order."""
        return [effect for effect in self.effects if effect.kind == kind]

    def rows(self) -> list[Row]:
        """Return one row per split, intervention and statistic."""
        out: list[Row] = []
        for effect in self.effects:
            named = (("end recall", effect.end_recall), ("end precision", effect.end_precision))
            for statistic, scores in (*named, ("accuracy", effect.accuracy), ("loss", effect.loss)):
                for split, score in scores.items() if scores is not None else ():
                    row: Row = {"run": self.run, "split": split, "layer": effect.layer, "signal": self.signal}
                    row |= {
                        "unit": " ".join(str(unit) for unit in effect.units),
                        "kind": effect.kind,
                        "what": effect.what,
                    }
                    row |= {"statistic": statistic, "value": score.value, "low": score.low, "high": score.high}
                    out.append(row | {"n": score.n, "sequences": score.sequences})
        return out
