"""Results made up with a seed, for tests of the report: the right shapes, plausible numbers, no network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from naibu.interventions.measured import Measured
from naibu.interventions.results import OLD, Effect, Holding
from naibu.looking.report import told
from naibu.probes import results as r
from naibu.reporting import Part, Report, Subject
from naibu.reporting.section import Section

ROWS = r.Rows("train", 180_000, 4200, 21_000, 17_500)
NOTHING = r.Score(np.nan, np.nan, np.nan, 0, 0)
SYMBOLS = ("(NP", "NP)", "(VP", "VP)", "ED", "<unk>", "&", "$", '"', " ", "日本")
SIGNALS = ("forget_gate", "input_gate", "candidate", "update", "output_gate", "cell", "hidden")


def score(value: float, width: float = 0.01) -> r.Score:
    """A score with an interval of a given width around it."""
    return r.Score(value, value - width / 2, value + width / 2, 21_000, 500)


def scores(value: float, width: float = 0.01, unseen: bool = True) -> r.Scores:
    """Scores on test and, a little lower, on unseen sequences."""
    return r.Scores(score(value, width), score(value - width / 10, width) if unseen else None)


def controls(untrained: float | None = None, position: float | None = None, random: float | None = None) -> r.Controls:
    """Controls with the values given."""
    return r.Controls(*(None if x is None else scores(x, 0.02) for x in (untrained, position, random)))


def association(seed: int, noise: float, slope: float = 0.8) -> r.Association:
    """A unit that rises with a label of 0 to 12, with noise."""
    draw = np.random.default_rng(seed)
    depth = draw.binomial(14, 0.35, 6000).clip(0, 12)
    x = slope * depth - 3 + draw.normal(0, noise, len(depth))
    edges = np.linspace(x.min(), x.max(), 61)
    counts = np.stack([np.histogram(x[depth == k], edges)[0] for k in range(13)])
    mean = np.array([x[depth == k].mean() if (depth == k).any() else np.nan for k in range(13)])
    return r.Association(np.arange(13.0), edges, counts, mean, np.zeros((13, 5)))


def correlation(
    label: str = "depth", best: float = 0.9994, *, hidden: float = 0.71, untrained: float | None = 0.61,
    units: int = 40, signals: tuple[str, ...] = SIGNALS, unseen: bool = True, layers: tuple[str, ...] = ("lstm.0",),
) -> r.Correlation:  # fmt: skip
    """A correlation whose cell has a unit 17 at `best`."""
    draw = np.random.default_rng(3)
    found = []
    for layer in layers:
        for k, signal in enumerate(signals):
            top = {"cell": best, "hidden": hidden}.get(signal, 0.35 + 0.05 * k)
            train = np.sort(draw.uniform(-0.6, 0.6, units)) * abs(top)
            train[17] = top
            width = max(0.0004, (1 - abs(top)) / 10)
            both = scores(top, width, unseen)
            control = controls(untrained, 0.4, 0.2)
            noise = 0.05 + 2 * (1 - abs(top))
            found.append(
                r.SignalCorrelation(
                    layer=layer, signal=signal, association=association(k, noise, np.sign(top) or 1.0),
                    train_pearson=train, pearson_unit=17, pearson=both, pearson_controls=control,
                    train_spearman=train, spearman_unit=17, spearman=both, spearman_controls=control,
                )
            )  # fmt: skip
    return r.Correlation("run", label, ROWS, 100_000, tuple(found))


def overlap(best: float = 0.14, *, nothing: float = 0.96, untrained: float | None = 0.7) -> r.Overlap:
    """An overlap whose cell has a unit 5 at `best`."""
    draw = np.random.default_rng(4)
    found = []
    for signal in SIGNALS:
        value = best if signal == "cell" else min(1.0, best + 0.3)
        apart = 3 * (1 - value)
        out, into = draw.normal(0, 1, 4000), draw.normal(apart, 1, 9000)
        edges = np.quantile(np.concatenate([out, into]), np.linspace(0, 1, 41))
        counts = np.stack([np.histogram(x, edges)[0] for x in (out, into)])
        train = np.full(40, 0.99)
        train[5] = value
        found.append(
            r.SignalOverlap(
                layer="lstm.0",
                signal=signal,
                train=train,
                unit=5,
                overlap=scores(value, 0.02),
                controls=controls(untrained, 0.9, 0.8),
                no_information=nothing,
                edges=edges,
                counts=counts,
            )
        )
    return r.Overlap("run", "inside:VP", ("0", "1"), ROWS, 180_000, tuple(found))


def confusion(
    accuracy: float = 0.62, *, end: float | None = 0.9996, majority: float = 0.22, symbols: tuple[str, ...] = SYMBOLS
) -> r.Confusion:
    """A confusion matrix of odd symbols, one of which never comes."""
    n = len(symbols)
    counts = np.random.default_rng(5).integers(0, 60, (n, n)) + np.diag(np.full(n, 400))
    counts[-1] = 0
    with np.errstate(invalid="ignore"):
        recall, precision = np.diag(counts) / counts.sum(axis=1), np.diag(counts) / counts.sum(axis=0)
    ends = None if end is None else scores(end, 0.0002)
    return r.Confusion(
        run="run",
        fitted=ROWS,
        symbols=symbols,
        counts=counts,
        recall=recall,
        precision=precision,
        end=None if end is None else "ED",
        end_recall=ends,
        end_recall_controls=controls(0.0, 0.1) if ends else r.Controls(),
        end_precision=ends,
        end_precision_controls=controls(0.0, 0.2) if ends else r.Controls(),
        accuracy=scores(accuracy),
        accuracy_controls=controls(0.05, 0.25),
        majority=scores(majority),
        loss=scores(1.21),
        perplexity=scores(3.35, 0.1),
    )


def distributions() -> r.Distributions:
    """Gates near a beta curve, other signals with peaks."""
    draw = np.random.default_rng(6)
    found = []
    for signal in SIGNALS:
        gate = signal.endswith("_gate")
        x = draw.beta(0.4, 0.3, 50_000) if gate else np.tanh(draw.normal(draw.choice([-1.5, 0, 1.5], 50_000), 0.3))
        if signal == "cell":
            x = draw.normal(0, 1.5, 50_000)
        edges = np.linspace(0, 1, 101) if gate else np.linspace(x.min(), x.max(), 101)
        bare = np.clip(draw.normal(0.5, 0.05, 50_000) if gate else draw.normal(0, 0.1, 50_000), edges[0], edges[-1])
        beta = r.BetaFit(score(0.4), score(0.3), score(0.05)) if gate else None
        peaks = () if gate or signal == "cell" else tuple(r.Peak(p, 0.2, 0.6) for p in (-0.905, 0.0, 0.905))
        counts = np.histogram(x, edges)[0]
        found.append(
            r.SignalDistribution(
                layer="lstm.0",
                signal=signal,
                edges=edges,
                counts=counts,
                outside=0,
                n=len(x),
                mean=score(float(x.mean())),
                deviation=score(float(x.std())),
                beta=beta,
                peaks=peaks,
                untrained_counts=np.histogram(bare, edges)[0],
            )
        )
    return r.Distributions("run", ROWS, 0.05, tuple(found))


def trajectories(
    signal: str = "cell", sequences: int = 4, lengths: tuple[int, ...] = (14, 30, 48, 110)
) -> r.Trajectories:
    """A unit that counts brackets, over sequences of several lengths."""
    draw = np.random.default_rng(7)
    courses = []
    for k in range(sequences):
        length = lengths[k % len(lengths)]
        depth = np.abs(np.cumsum(np.append(0, draw.choice([-1, 1, 1, -1], length - 1))))
        symbols = ("ST", *("(NP" if up > 0 else "NP)" for up in np.diff(depth)[:-1]), "ED")
        noise = 0.05 if signal == "cell" else 0.4
        values = (0.8 * depth - 3 + draw.normal(0, noise, length))[:, None].astype(np.float32)
        courses.append(r.Trajectory(k, k == 1, symbols, depth.astype(float), values))
    return r.Trajectories("run", "lstm.0", signal, (17,), "depth", (), tuple(courses))


def regression(signal: str = "cell", linear: float = 0.9998) -> r.Regression:
    """Linear, Lasso and single models of the depth."""
    models = tuple(
        r.LinearModel(
            name=name,
            units=np.arange(n) + 17,
            weights=np.ones(n),
            intercept=0.1,
            alpha=None,
            r2=scores(v, 0.0002),
            r2_controls=controls(0.81, 0.3, -0.4),
            r=scores(v, 0.0002),
            r_controls=controls(),
        )
        for name, n, v in (("linear", 23, linear), ("lasso", 9, linear - 0.004), ("single", 1, linear - 0.01))
    )
    return r.Regression("run", "lstm.0", signal, "depth", ROWS, 40, models, np.ones(3), np.array([0, 4, 9]), np.ones(3))


def l1_path(best: float = 0.997) -> r.L1Path:
    """Six strengths; 31 units are most accurate, and 20 lie within their interval."""
    rows = []
    for k, (units, value) in enumerate(zip((0, 3, 7, 12, 20, 31), (0.69, 0.87, 0.95, 0.98, 0.9912, best), strict=True)):
        value = min(value, best)
        control = controls(0.6 + 0.03 * k, None, 0.7) if k % 2 else r.Controls()
        rows.append(
            r.L1Row(
                strength=3.0**k * 1e-5,
                objective=1.0,
                gap=1e-4,
                passes=5,
                units=np.arange(units),
                weights=np.linspace(-2, 3, units),
                intercept=0.1,
                accuracy=scores(value, 0.004),
                controls=control,
                untrained_nonzero=units if k % 2 else None,
                random_nonzero=units + 2 if k % 2 else None,
                refitted=scores(min(value + 0.004, best), 0.004) if units else None,
            )
        )
    return r.L1Path("run", "lstm.0", "cell", "inside:VP", ("0", "1"), ROWS, 180_000, 40, scores(0.69), tuple(rows))


def holding(held: float = 0.03, *, random: float = 0.999, ends: bool = True, draws: int = 10) -> Holding:
    """Unit 17 held; ten random units held."""
    draw = np.random.default_rng(8)

    def effect(kind: str, what: str, units: tuple[int, ...], recall: float, loss: float) -> Effect:
        by_measure = {"end_recall": scores(recall, 0.002), "end_precision": scores(recall, 0.002)} if ends else {}
        by_measure |= {"accuracy": scores(0.6 * recall), "loss": scores(loss)}
        measured = tuple(Measured(name, *OLD[name], found) for name, found in by_measure.items())
        return Effect(kind=kind, what=what, layer="lstm.0", units=units, measured=measured)

    effects = [
        effect("before", "as trained", (), 0.9995, 1.21),
        effect("held", "unit 17 of cell held at 1.31", (17,), held, 1.21 + (1 - held)),
    ]
    for k in range(draws):
        value = random - float(draw.uniform(0, 0.002))
        effects.append(effect("random", f"unit {k} of cell held at 0.2", (k,), value, 1.21 + (1 - value)))
    effects.append(effect("gates", "input gate at 0, forget gate at 1: keeps all, takes in nothing", (), 0.2, 4.0))
    return Holding("run", "lstm.0", "cell", 17, "depth", 1.31, tuple(effects))


@dataclass(frozen=True)
class Network:
    """What is known of a network, and its results by name, as a report is made from them."""

    subject: Subject
    results: dict[str, Any] = field(default_factory=dict)

    def get(self, kind: type[Any], name: str, /) -> Any:
        """The result of that name, as those on disk are got."""
        found = self.results.get(name)
        assert found is None or isinstance(found, kind)
        return found

    def having(self, results: dict[str, Any] | None = None, **more: Any) -> Network:
        """The same with other results; None takes one away."""
        return replace(self, results=self.results | (results or {}) | more)

    def told(self, anchor: str = "network-1") -> Part:
        """What the report has of it."""
        return told(self.subject, self, anchor)

    def section(self, name: str) -> Section:
        """The section of one analysis."""
        return next(section for section in self.told().sections if section.key == name)


def network(name: str = "tagged-40") -> Network:
    """A network with a result of the most analyses."""
    training = {
        "cell": "lstm",
        "units": 40,
        "layers": 1,
        "parameters": 51_234,
        "steps": 1200,
        "seconds": 118.4,
        "tokens": 1_200_000,
        "tokens_per_second": 10_123.4,
        "passes": 3.2,
        "learning_rate": 0.003,
    }
    subject = Subject(
        name=name,
        about="asked for the next symbol",
        asks=("depth", "depth:VP", "inside:VP"),
        options={"form": "tagged"},
        reads="the opening and closing brackets",
        notes=("The phrase looked at is a VP; 68.7 % of the training symbols lie inside one.",),
        example="ST (S (NP (DT DT) (<unk> <unk>) NP) & S) ED",
        found=[("sequences", "4,200"), ("<reader>", 'penn & "lisp"')],
        training=training,
        metrics=[{"step": k, "loss": 5 / k + 1.3, "validation_loss": 5 / k + 1.25} for k in range(1, 12)],
        commands={"train": f"naibu train --run '{name}' <&>", "record": "naibu record", "run": f"--run '{name}' <&>"},
    )
    results = {
        "confusion": confusion(),
        "depth": correlation(),
        "phrase": correlation("depth:VP", 0.93, hidden=0.6),
        "overlap": overlap(),
        "distributions": distributions(),
        "trajectories-cell": trajectories(),
        "trajectories-hidden": trajectories("hidden"),
        "regression-cell": regression(),
        "regression-hidden": regression("hidden", 0.93),
        "l1": l1_path(),
        "holding": holding(),
    }
    return Network(subject, results)


def short(name: str) -> Network:
    """A network with fewer drawings."""
    gone = dict.fromkeys(("phrase", "distributions", "trajectories-cell", "trajectories-hidden"))
    return network(name).having(gone, depth=correlation(signals=("cell", "hidden")))


def bare(name: str = "words-8", **results: Any) -> Network:
    """A network of which little is known but what it read, with the results given."""
    subject = Subject(
        name=name,
        about="asked for the next symbol",
        asks=("depth", "depth:VP", "inside:VP"),
        options={"form": "words"},
        example="ST a <b> ED",
    )
    return Network(subject).having(**results)


def report(*networks: Network) -> Report:
    """A report of some networks."""
    parts = (each.told(f"network-{k}") for k, each in enumerate(networks or (network(), bare()), 1))
    return Report("Inside <tagged> & co", "2026-07-01, naibu 0.1.0", "naibu look x --out y", tuple(parts))
