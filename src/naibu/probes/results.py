"""What the probes give back: scores with intervals, their controls, and one small result per analysis.

Every result has `rows()`, a flat table whose columns begin with run, split, layer, signal, unit.
`tables.save` writes a result as csv (the rows) and json (everything).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from naibu.probes.result import Result
from naibu.probes.result import Row as Row
from naibu.shown import Brief


@dataclass(frozen=True)
class Score:
    """A number with its 95 % interval, from resampling whole sequences (percentiles).

    The interval says how the number would vary with other sentences of the same kind, not with another
    training run. It is too narrow with few sequences; with one it is nan.
    """

    value: float
    low: float
    high: float
    n: int  # tokens the score rests on
    sequences: int  # sequences they lie in, the unit that is resampled


@dataclass(frozen=True)
class Scores:
    """One number on all test sequences and on those of them that do not occur in training."""

    test: Score
    unseen: Score | None  # None: no test sequence is unseen

    def items(self) -> Iterator[tuple[str, Score]]:
        """The scores by the name of their split: "test", then "unseen" if there is one."""
        yield "test", self.test
        if self.unseen is not None:
            yield "unseen", self.unseen


@dataclass(frozen=True)
class Controls:
    """What the same number is where there is nothing to find; None where a control was not asked or not apt."""

    untrained: Scores | None = None  # the same probe, from choice to score, on an untrained network
    position: Scores | None = None  # from the position in the sequence alone, a table fitted on training rows
    random_label: Scores | None = None  # the same probe for a label drawn per symbol type (> 20 symbols)

    def columns(self, split: str) -> Row:
        """The values of the controls on one split, a column each."""
        return {f.name: _value(getattr(self, f.name), split) for f in fields(self)}


@dataclass(frozen=True)
class Rows:
    """Which rows a probe was fitted and scored on."""

    fitted_on: str  # "train", or what was done because the recording has no train or no test rows
    train_tokens: int
    train_sequences: int
    test_tokens: int
    unseen_tokens: int


# ---------------------------------------------------------------- one unit against a label


@dataclass(frozen=True)
class Association(Brief):
    """How a unit's values spread for each value of the label, on test rows: a scatter plot without its points."""

    label_values: np.ndarray  # [value]; the label's values, or centres of 40 intervals when it has more
    edges: np.ndarray  # [bin + 1], of the unit's value
    counts: np.ndarray  # int64 [value bin]
    mean: np.ndarray  # [value], the unit's mean; nan where there is no token
    quantiles: np.ndarray  # [value 5]: 5, 25, 50, 75, 95 %


@dataclass(frozen=True)
class SignalCorrelation(Brief):
    """One signal: r of every unit with the label on training rows, and the chosen units scored on test rows."""

    layer: str
    signal: str
    train_pearson: np.ndarray  # [unit]; 0 for a unit that never changes
    train_spearman: np.ndarray  # [unit]
    pearson_unit: int  # largest |Pearson r| on training rows
    pearson: Scores  # sign kept
    pearson_controls: Controls
    spearman_unit: int  # largest |Spearman r| on training rows
    spearman: Scores
    spearman_controls: Controls
    association: Association  # of pearson_unit


@dataclass(frozen=True)
class Correlation(Result):
    """Every unit of every signal against one numeric label."""

    run: str
    label: str
    fitted: Rows
    ranked_tokens: int  # training tokens the Spearman coefficients of all units rest on
    signals: tuple[SignalCorrelation, ...]

    def best(self, layer: str | None = None) -> SignalCorrelation:
        """The signal whose chosen unit has the largest |Pearson r| on training rows."""
        some = [s for s in self.signals if layer is None or s.layer == layer]
        return max(some, key=lambda s: abs(float(s.train_pearson[s.pearson_unit])))

    def rows(self) -> list[Row]:
        """One row per split, signal and statistic ("pearson", "spearman")."""
        out: list[Row] = []
        for s in self.signals:
            for name, unit, scores, controls, train in (
                ("pearson", s.pearson_unit, s.pearson, s.pearson_controls, s.train_pearson),
                ("spearman", s.spearman_unit, s.spearman, s.spearman_controls, s.train_spearman),
            ):
                for split, score in scores.items():
                    more: Row = {"label": self.label, "statistic": name, "train": float(train[unit])}
                    out.append(result_row(self.run, split, s.layer, s.signal, unit, more, score, controls))
        return out


@dataclass(frozen=True)
class SignalOverlap(Brief):
    """One signal: histogram overlap of every unit on training rows, and of the chosen unit on test rows."""

    layer: str
    signal: str
    train: np.ndarray  # [unit], overlap on training rows
    unit: int  # smallest overlap on training rows
    overlap: Scores
    controls: Controls
    no_information: float  # overlap of this unit on test rows when the labels are shifted against the tokens
    edges: np.ndarray  # [bin + 1], training quantiles of this unit; the first and last bins are open
    counts: np.ndarray  # int64 [2 bin], test rows: label = values[0], label = values[1]


@dataclass(frozen=True)
class Overlap(Result):
    """How well one unit tells the two values of a label apart: 0 completely, 1 not at all."""

    run: str
    label: str
    values: tuple[str, str]  # the label's two values, in the order of `counts`
    fitted: Rows
    chosen_tokens: int  # training tokens that edges and choice rest on
    signals: tuple[SignalOverlap, ...]

    def best(self) -> SignalOverlap:
        """The signal whose chosen unit has the smallest overlap on training rows."""
        return min(self.signals, key=lambda s: float(s.train[s.unit]))

    def rows(self) -> list[Row]:
        """One row per split and signal."""
        out: list[Row] = []
        for s in self.signals:
            for split, score in s.overlap.items():
                more: Row = {"label": self.label, "statistic": "overlap", "train": float(s.train[s.unit])}
                row = result_row(self.run, split, s.layer, s.signal, s.unit, more, score, s.controls)
                out.append(row | {"no_information": s.no_information})
        return out


# ---------------------------------------------------------------- distributions


@dataclass(frozen=True)
class BetaFit:
    """The beta distribution nearest to a gate by maximum likelihood, and how far it is from the data."""

    a: Score  # fitted on training rows
    b: Score
    distance: Score  # Kolmogorov: largest difference of the two cumulative curves, on test rows; 0 to 1


@dataclass(frozen=True)
class Peak:
    """A place where a histogram heaps up."""

    place: float
    share: float  # of all values, within 0.05 of the place
    prominence: float  # height over the surrounding valley, relative to the highest bin


@dataclass(frozen=True)
class Level:
    """The share of values near one place, against what a smooth distribution has there."""

    place: float | None  # None: near any of the places
    share: Score
    beside: float  # share in the bands just outside, as wide together
    excess: Score  # share less beside, on the same resamples
    normal: float  # share that a normal distribution of the same mean and spread has; nan where nothing varies
    untrained_share: Score | None
    untrained_excess: Score | None
    untrained_normal: float | None


@dataclass(frozen=True)
class Levels:
    """How much a signal's values heap up at the places where document A sees levels, on test rows."""

    within: float  # how near counts
    together: Level
    places: tuple[Level, ...]


@dataclass(frozen=True)
class SignalDistribution(Brief):
    """All units of one signal pooled, on test rows."""

    layer: str
    signal: str
    edges: np.ndarray  # [bin + 1]
    counts: np.ndarray  # int64 [bin]; what lies outside the range is in the first and last bin
    outside: int  # how many that is
    n: int  # values = tokens x units
    mean: Score
    deviation: Score  # standard deviation
    beta: BetaFit | None  # gates only
    peaks: tuple[Peak, ...]  # update, cell, hidden and other signed signals, by place
    untrained_counts: np.ndarray | None  # the untrained network on the same edges
    untrained_beta: BetaFit | None = None  # fitted to the untrained network's own values
    untrained_peaks: tuple[Peak, ...] = ()
    levels: Levels | None = None  # of update, candidate, hidden and cell


@dataclass(frozen=True)
class Distributions(Result):
    """How the values of each signal are distributed."""

    run: str
    fitted: Rows
    prominence: float  # least prominence of a peak
    signals: tuple[SignalDistribution, ...]
    beta_tokens: int | None = None  # training tokens that the betas rest on; None: all

    def rows(self) -> list[Row]:
        """One row per signal and statistic: mean, deviation, beta a, b, distance, each peak's share, each level's."""
        out: list[Row] = []
        for s in self.signals:
            scores = {"mean": s.mean, "deviation": s.deviation}
            if s.beta is not None:
                scores |= {"beta a": s.beta.a, "beta b": s.beta.b, "beta distance": s.beta.distance}
            for name, score in scores.items():
                split = "train" if name in ("beta a", "beta b") else "test"
                out.append(result_row(self.run, split, s.layer, s.signal, None, {"statistic": name}, score))
            for peak in s.peaks:
                more: Row = {"statistic": f"peak at {peak.place:.3f}", "value": peak.share}
                out.append(result_row(self.run, "test", s.layer, s.signal, None, more))
            for level in (s.levels.together, *s.levels.places) if s.levels is not None else ():
                where = "any level" if level.place is None else f"level {level.place:g}"
                beside: Row = {"beside": level.beside, "normal": level.normal}
                beside["untrained"] = None if level.untrained_share is None else level.untrained_share.value
                for name, score in (("share near", level.share), ("excess near", level.excess)):
                    out.append(
                        result_row(self.run, "test", s.layer, s.signal, None, {"statistic": f"{name} {where}"}, score)
                        | (beside if name == "share near" else {})
                    )
        return out


# ---------------------------------------------------------------- next symbol, trajectories


@dataclass(frozen=True)
class Confusion(Result):
    """The most probable next symbol against the one that came, on test rows."""

    run: str
    fitted: Rows
    symbols: tuple[str, ...]  # the most frequent of the test rows, then "others" if there are any
    counts: np.ndarray  # int64 [gold predicted]
    recall: np.ndarray  # [gold]; nan where the symbol never comes
    precision: np.ndarray  # [predicted]; nan where it is never predicted
    end: str | None  # the end-of-sequence symbol, "ED"; None if the recording has none
    end_recall: Scores | None
    end_recall_controls: Controls
    end_precision: Scores | None
    end_precision_controls: Controls
    accuracy: Scores
    accuracy_controls: Controls
    majority: Scores  # accuracy of always predicting the most frequent symbol of the training rows
    loss: Scores | None  # mean -log p of the next symbol, natural logarithm
    perplexity: Scores | None  # exp(loss)

    def rows(self) -> list[Row]:
        """One row per split and overall statistic, then recall and precision of each symbol on test."""
        out: list[Row] = []
        pairs = (
            ("accuracy", self.accuracy, self.accuracy_controls),
            ("majority", self.majority, Controls()),
            ("end recall", self.end_recall, self.end_recall_controls),
            ("end precision", self.end_precision, self.end_precision_controls),
            ("loss", self.loss, Controls()),
            ("perplexity", self.perplexity, Controls()),
        )
        for name, scores, controls in pairs:
            for split, score in scores.items() if scores is not None else ():
                out.append(result_row(self.run, split, None, None, None, {"statistic": name}, score, controls))
        for k, symbol in enumerate(self.symbols):
            for name, values, n in (
                ("recall", self.recall, self.counts[k].sum()),
                ("precision", self.precision, self.counts[:, k].sum()),
            ):
                more: Row = {"statistic": name, "symbol": symbol, "value": float(values[k]), "n": int(n)}
                out.append(result_row(self.run, "test", None, None, None, more))
        return out


@dataclass(frozen=True)
class Trajectory(Brief):
    """Chosen units over one sequence, one step per symbol."""

    sequence: int
    seen: bool  # the sequence occurs in training
    symbols: tuple[str, ...]  # [time]
    label: np.ndarray  # float64 [time]; nan where not defined
    values: np.ndarray  # float32 [time unit]


@dataclass(frozen=True)
class Trajectories(Result):
    """Chosen units over some test sequences of medium length; unseen ones where there are enough."""

    run: str
    layer: str
    signal: str
    units: tuple[int, ...]
    label: str
    label_names: tuple[str, ...]  # of a categorical label, else empty
    sequences: tuple[Trajectory, ...]

    def rows(self) -> list[Row]:
        """One row per unit, sequence and position."""
        out: list[Row] = []
        for s in self.sequences:
            split = "test" if s.seen else "unseen"
            for t, symbol in enumerate(s.symbols):
                for k, unit in enumerate(self.units):
                    more: Row = {"sequence": s.sequence, "position": t, "symbol": symbol}
                    more |= {"label": self.label, "label_value": float(s.label[t]), "value": float(s.values[t, k])}
                    out.append(result_row(self.run, split, self.layer, self.signal, unit, more))
        return out


# ---------------------------------------------------------------- many units against a label


@dataclass(frozen=True)
class Curve(Brief):
    """A rising curve: straight between its knots, level before the first and after the last."""

    x: np.ndarray  # [knot], ascending
    y: np.ndarray  # [knot], the label said there


@dataclass(frozen=True)
class LinearModel(Brief):
    """One model of the label: a weighted sum of raw units, or a rising curve along one, and its scores."""

    name: str  # "linear", "lasso", "single", "monotone" (along one unit), "monotone of all" (along "linear")
    units: np.ndarray  # int64 [used], units with a weight that is not zero
    weights: np.ndarray  # [used]
    intercept: float
    alpha: float | None  # Lasso only: the penalty in |y - Xw|^2 / 2n + alpha |w|_1
    r2: Scores  # 1 - sum of squared errors / variance of the label; can be negative on test rows
    r2_controls: Controls
    r: Scores  # Pearson r of prediction and label
    r_controls: Controls
    curve: Curve | None = None  # of the monotone models; along the weighted sum, for "monotone of all" standardised
    gain: Scores | None = None  # R2 less that of the straight line through the same sum, on the same resamples


@dataclass(frozen=True)
class Regression(Result):
    """A numeric label from all units of one signal: least squares, Lasso, best single unit, and rising curves."""

    run: str
    layer: str
    signal: str
    label: str
    fitted: Rows
    of: int  # units of the signal
    models: tuple[LinearModel, ...]  # linear, lasso, single, monotone, monotone of all
    alphas: np.ndarray  # [alpha], the Lasso path tried, largest first
    nonzero: np.ndarray  # int64 [alpha]
    held_r2: np.ndarray  # [alpha], R2 on the held-out fifth of the training sequences that chose alpha

    def rows(self) -> list[Row]:
        """One row per split, model and statistic ("r2", "r", "r2 gain")."""
        out: list[Row] = []
        for m in self.models:
            named = [("r2", m.r2, m.r2_controls), ("r", m.r, m.r_controls)]
            named += [] if m.gain is None else [("r2 gain", m.gain, Controls())]
            for name, scores, controls in named:
                for split, score in scores.items():
                    unit = int(m.units[0]) if m.name in ("single", "monotone") and len(m.units) else None
                    more: Row = {"label": self.label, "model": m.name, "statistic": name}
                    more |= {"nonzero": len(m.units), "of": self.of, "alpha": m.alpha}
                    out.append(result_row(self.run, split, self.layer, self.signal, unit, more, score, controls))
        return out


@dataclass(frozen=True)
class L1Row(Brief):
    """L1-regularised logistic regression at one strength."""

    strength: float  # C of |w|_1 + C * sum over training tokens of log(1 + exp(-y (xw + b)))
    objective: float
    gap: float  # duality gap relative to the objective
    passes: int  # over the training rows, for this strength
    units: np.ndarray  # int64 [nonzero]
    weights: np.ndarray  # [nonzero], on raw units
    intercept: float  # not penalised
    accuracy: Scores
    controls: Controls  # None at strengths where the controls were not run
    untrained_nonzero: int | None
    random_nonzero: int | None
    refitted: Scores | None = None  # accuracy of the same units fitted again without L1; None: too many, or none

    @property
    def nonzero(self) -> int:
        """How many weights are not zero."""
        return len(self.units)

    @property
    def of_units(self) -> Scores:
        """The accuracy of the units that have a weight: fitted again where that was done, else as penalised."""
        return self.accuracy if self.refitted is None else self.refitted


@dataclass(frozen=True)
class L1Path(Result):
    """A two-valued label from few units of one signal, along a path of strengths C."""

    run: str
    layer: str
    signal: str
    label: str
    values: tuple[str, str]  # the label's two values; weights point to the second
    fitted: Rows
    n: int  # training tokens in the sum that C multiplies
    of: int  # units of the signal
    majority: Scores  # accuracy of always saying the training rows' more frequent value
    strengths: tuple[L1Row, ...]  # by increasing C
    standardised: bool = False  # whether units were brought to deviation 1 before the penalty was laid on

    def rows(self) -> list[Row]:
        """One row per split and strength."""
        out: list[Row] = []
        for m in self.strengths:
            for split, score in m.accuracy.items():
                more: Row = {"label": self.label, "statistic": "accuracy", "strength": m.strength, "n_train": self.n}
                more["nonzero"], more["of"] = m.nonzero, self.of
                more["majority"] = _value(self.majority, split)
                row = result_row(self.run, split, self.layer, self.signal, None, more, score, m.controls)
                row["untrained_nonzero"] = m.untrained_nonzero
                row["random_nonzero"] = m.random_nonzero
                row["standardised"] = "yes" if self.standardised else "no"
                row["refitted"] = _value(m.refitted, split)
                row["units"] = " ".join(str(u) for u in m.units)
                out.append(row)
        return out


def result_row(
    run: str,
    split: str,
    layer: str | None,
    signal: str | None,
    unit: int | str | None,
    more: Row,
    score: Score | None = None,
    controls: Controls | None = None,
) -> Row:
    """Return a row of a result's table: what it is of, what it says more, and a score with its controls."""
    row: Row = {"run": run, "split": split, "layer": layer, "signal": signal, "unit": unit}
    row |= more
    if score is not None:
        row |= {f.name: getattr(score, f.name) for f in fields(score)}
    return row | (controls.columns(split) if controls is not None else {})


def _value(scores: Scores | None, split: str) -> float | None:
    score = None if scores is None else scores.test if split == "test" else scores.unseen
    return None if score is None else score.value
