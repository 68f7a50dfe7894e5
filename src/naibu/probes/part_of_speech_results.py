"""What the part-of-speech probe gives back."""

from __future__ import annotations

from dataclasses import dataclass

from naibu.probes.baseline import Baseline
from naibu.probes.result import Result
from naibu.probes.results import Controls, Row, Rows, Score, Scores, result_row


@dataclass(frozen=True)
class SignalTelling:
    """How well all units of one signal together tell one part of speech from another."""

    layer: str
    signal: str
    of: int  # units of the signal
    nonzero: int  # units with a weight
    price: float  # chosen on a held-out fifth of the training sequences
    accuracy: Scores
    controls: Controls
    selectivity: Scores | None  # accuracy less that of the random label, on the same resamples (Hewitt & Liang 2019)


@dataclass(frozen=True)
class Difference:
    """Accuracy of one signal less that of another, on the same rows and the same resamples."""

    layer: str
    signal: str
    minus: str
    scores: Scores
    untrained: Scores | None  # the same difference in the untrained network


@dataclass(frozen=True)
class PartOfSpeech(Result):
    """One part of speech told from another from each signal of one layer, side by side."""

    run: str
    label: str
    values: tuple[str, str]  # the two parts of speech, or groups of them separated by spaces
    fitted: Rows
    counts: tuple[int, int]  # test rows of each value
    penalty: str  # "l2", "l1"
    told_by: str | None  # the one symbol that gives the label away: then nothing here says what the network learnt
    baselines: tuple[Baseline, ...]  # majority, position, n-grams
    signals: tuple[SignalTelling, ...]
    differences: tuple[Difference, ...]

    def of(self, signal: str) -> SignalTelling | None:
        """The row of a signal, None where it was not probed."""
        return next((s for s in self.signals if s.signal == signal), None)

    def baseline(self, name: str) -> Baseline:
        """The baseline of that name; KeyError where it was not computed."""
        for model in self.baselines:
            if model.name == name:
                return model
        raise KeyError(name)

    def difference(self, signal: str, minus: str) -> Difference | None:
        """The difference of two signals, None where it was not computed."""
        return next((d for d in self.differences if (d.signal, d.minus) == (signal, minus)), None)

    def rows(self) -> list[Row]:
        """One row per split and accuracy, selectivity, difference and baseline."""
        out: list[Row] = []
        for s in self.signals:
            for split, score in s.accuracy.items():
                row = self._row(split, s.layer, s.signal, "accuracy", score)
                row |= s.controls.columns(split)
                out.append(row | {"nonzero": s.nonzero, "of": s.of, "price": s.price})
            for split, score in s.selectivity.items() if s.selectivity is not None else ():
                out.append(self._row(split, s.layer, s.signal, "selectivity", score))
        for d in self.differences:
            named = ((d.scores, "accuracy minus"), (d.untrained, "untrained accuracy minus"))
            for scores, name in named:
                for split, score in scores.items() if scores is not None else ():
                    out.append(self._row(split, d.layer, d.signal, f"{name} {d.minus}", score))
        for b in self.baselines:
            for split, score in b.scores.items():
                out.append(self._row(split, None, None, b.name, score) | {"known": b.known})
        return out

    def _row(self, split: str, layer: str | None, signal: str | None, statistic: str, score: Score) -> Row:
        more: Row = {"label": self.label, "values": " / ".join(self.values), "statistic": statistic}
        return result_row(self.run, split, layer, signal, None, more, score) | {"told_by": self.told_by or ""}
