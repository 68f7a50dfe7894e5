"""What is asked of labels: which unit follows one, what all units know of it, what tells its two values apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from naibu import probes
from naibu.errors import StoredError
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed, Results, is_depth
from naibu.looking.numbers import interval, value
from naibu.probes.results import Correlation, L1Path, Overlap, Regression, Trajectories
from naibu.probes.source import Key
from naibu.reporting.content import Subject
from naibu.reporting.findings.units import few_units, fewest, following, telling_apart
from naibu.reporting.numbers import number, with_interval
from naibu.reporting.sections.probing import regressed, sparse
from naibu.reporting.sections.units import follows, tells_apart
from naibu.reporting.words import headline, label_name, leading, of_signal, signal_name

COMPARED = ("cell", "hidden", "update", "candidate")
"""Signals of the uppermost layer whose regressions stand side by side, where the cell has them."""
CHIEF = ("cell", "hidden")
"""Signals whose courses are shown, and the first of which is told apart, where the cell has them."""


class Followed(NamedTuple):
    """Every unit against a label, and the course of the best over some sequences."""

    correlation: Correlation
    courses: tuple[Trajectories, ...]


def _main(probed: Probed, *, depth: bool) -> str | None:
    label = probed.main
    return label if label is not None and is_depth(label) == depth else None


def _phrase(probed: Probed) -> str | None:
    return next((label for label in probed.asked() if label.startswith("depth:")), None)


def correlation_ask(probed: Probed, name: str, label: str) -> Ask:
    """Return the correlation of every unit with a label; OptionError where it was not recorded."""
    probed.recording.index.label(label)
    return Ask(name, partial(probes.correlation, probed.recording, label, untrained=probed.control), long=True)


def _follow(name: str, label_of: Callable[[Probed], str | None], probed: Probed) -> Iterator[Ask]:
    label = label_of(probed)
    if label is None:
        return
    yield correlation_ask(probed, name, label)
    for key in probed.keys(CHIEF) if label == probed.main else ():
        yield Ask(f"trajectories-{key[1]}", partial(_courses, probed, name, key), reads=True)


def _courses(probed: Probed, name: str, key: Key) -> Trajectories:
    correlation = probed.results.get(Correlation, name)
    if correlation is None:
        raise StoredError(f"{name}: not computed, and the courses of its best units were asked for; probe again")
    return probes.trajectories(probed.recording, key, [best_unit(correlation, key)], label=correlation.label)


def best_unit(correlation: Correlation, key: Key) -> int:
    """Return the unit of one signal that follows the label best on training sequences."""
    return next(found.pearson_unit for found in correlation.signals if (found.layer, found.signal) == key)


def main_correlation(results: Results) -> Correlation | None:
    """Return the correlation of every unit with the main label, None where there is none."""
    return next((found for name in (DEPTH.name, LABEL.name) if (found := results.get(Correlation, name))), None)


def _read(name: str, results: Results, subject: Subject) -> Followed | None:
    found = results.get(Correlation, name)
    if found is None:
        return None
    courses = (results.get(Trajectories, f"trajectories-{signal}") for signal in CHIEF)
    return Followed(found, tuple(each for each in courses if each is not None and each.label == found.label))


def _of_correlation(found: Followed) -> Numbers:
    signals = {
        s.signal: {"unit": s.pearson_unit, **interval("r", s.pearson.test), "layer": s.layer}
        for s in found.correlation.signals
    }
    return {"label": found.correlation.label, "signals": signals}


def _best(found: Followed) -> dict[str, str]:
    correlation, label = found.correlation, found.correlation.label
    best = leading(correlation)
    text = f"{with_interval(headline(best.pearson)[0])} (unit {best.pearson_unit} of {signal_name(best.signal)})"
    if is_depth(label) and label_name(label) != "depth" and ":" not in label:
        text = f"{label_name(label)}: {text}"
    other = of_signal(correlation, "hidden")
    if other is not None and other is not best:
        text += f"; hidden state {number(headline(other.pearson)[0].value)}"
    return {f"best unit with the {_called(label)}, r": text}


def _called(label: str) -> str:
    """Return what a line of the terminal's table calls a label: alike for what stands for a depth."""
    return label_name(label) if not is_depth(label) else "phrase's depth" if ":" in label else "depth"


def _following(
    name: str, title: str, label_of: Callable[[Probed], str | None], suits: Callable[[Subject], bool]
) -> Analysis[Followed]:
    return Analysis(
        name,
        title,
        Followed,
        lambda found, pen: follows(found.correlation, found.courses, pen),
        lambda found: following(found.correlation),
        asks=partial(_follow, name, label_of),
        read=partial(_read, name),
        numbers=_of_correlation,
        lines=_best,
        suits=suits,
    )


def _of_depth(subject: Subject) -> bool:
    return any(map(is_depth, subject.asks))


DEPTH = _following("depth", "which unit follows the depth", partial(_main, depth=True), _of_depth)
PHRASE = _following("phrase", "which unit follows the depth of a phrase", _phrase, _of_depth)
LABEL = _following("label", "which unit follows a label", partial(_main, depth=False), lambda s: not _of_depth(s))


# ---------------------------------------------------------------- all units together


def _regress(probed: Probed) -> Iterator[Ask]:
    if probed.main is not None:
        for key in probed.keys(COMPARED):
            yield _regression(probed, f"regression-{key[1]}", probed.main, key)


def _regress_phrase(probed: Probed) -> Iterator[Ask]:
    label = _phrase(probed)
    for key in probed.keys(CHIEF)[:1] if label is not None else ():
        yield _regression(probed, "regression-phrase", str(label), key)


def _regression(probed: Probed, name: str, label: str, key: Key) -> Ask:
    make = partial(probes.regression, probed.recording, label, key, untrained=probed.control)
    return Ask(name, make, long=True)


class Regressed(NamedTuple):
    """Regressions of one label, the cell's first."""

    of_signals: tuple[Regression, ...]


def _regressions(names: tuple[str, ...], results: Results, subject: Subject) -> Regressed | None:
    found = tuple(each for name in names if (each := results.get(Regression, name)) is not None)
    return Regressed(found) if found else None


def _of_regression(found: Regressed) -> Numbers:
    signals = {
        regression.signal: {
            m.name: {"r2_test": value(m.r2), "r2_unseen": value(m.r2, "unseen"), "units": len(m.units)}
            for m in regression.models
        }
        for regression in found.of_signals
    }
    return {"label": found.of_signals[0].label, "signals": signals}


def _linear(found: Regressed) -> dict[str, str]:
    values = [
        f"{number(headline(model.r2)[0].value)} ({signal_name(regression.signal)})"
        for regression in found.of_signals
        for model in regression.models
        if model.name == "linear"
    ]
    return {f"{_called(found.of_signals[0].label)} from all units, R²": ", ".join(values)}


REGRESSION = Analysis(
    "regression",
    "linear models of the main label",
    Regressed,
    lambda found, pen: regressed(found.of_signals, pen),
    asks=_regress,
    read=partial(_regressions, tuple(f"regression-{signal}" for signal in COMPARED)),
    numbers=_of_regression,
    lines=_linear,
)
REGRESSION_PHRASE = Analysis(
    "regression-phrase",
    "models of the depth of a phrase",
    Regressed,
    lambda found, pen: regressed(found.of_signals, pen),
    asks=_regress_phrase,
    read=partial(_regressions, ("regression-phrase",)),
    numbers=_of_regression,
    suits=_of_depth,
)


# ---------------------------------------------------------------- two values told apart


def _overlap(probed: Probed) -> Iterator[Ask]:
    if (label := probed.two_valued) is not None:
        yield Ask("overlap", lambda: probes.overlap(probed.recording, label, untrained=probed.control))


def _of_overlap(found: Overlap) -> Numbers:
    best = found.best()
    where = {"layer": best.layer, "signal": best.signal, "unit": best.unit}
    return {"label": found.label, "best": {**where, **interval("overlap", best.overlap.test)}}


def _smallest(found: Overlap) -> dict[str, str]:
    best = found.best()
    unit = f"unit {best.unit} of {signal_name(best.signal)}, {label_name(found.label)}"
    return {f"{_told_apart(found.label)}, overlap": f"{with_interval(headline(best.overlap)[0])} ({unit})"}


def _told_apart(label: str) -> str:
    return "inside or not" if label.startswith("inside") else f"{label_name(label)} or not"


OVERLAP = Analysis(
    "overlap",
    "one unit telling two values of a label apart",
    Overlap,
    tells_apart,
    telling_apart,
    asks=_overlap,
    numbers=_of_overlap,
    lines=_smallest,
)


def _few(probed: Probed) -> Iterator[Ask]:
    if (label := probed.two_valued) is not None:
        for key in probed.keys(CHIEF)[:1]:
            make = partial(probes.l1_path, probed.recording, label, key, untrained=probed.control)
            yield Ask("l1", make, long=True)


def _of_l1(found: L1Path) -> Numbers:
    strengths = [
        {
            "strength": row.strength,
            "accuracy_test": value(row.accuracy),
            "accuracy_unseen": value(row.accuracy, "unseen"),
            "majority": value(found.majority),
            "refitted_test": value(row.refitted),
            "refitted_unseen": value(row.refitted, "unseen"),
            "nonzero": row.nonzero,
            "units": row.units.tolist(),
        }
        for row in found.strengths
    ]
    return {"label": found.label, "strengths": strengths}


def _fewest(found: L1Path) -> dict[str, str]:
    if not found.strengths:
        return {}
    row = fewest(found)
    text = f"{with_interval(headline(row.of_units)[0], True)} with {row.nonzero} of {found.of} units"
    return {f"{_told_apart(found.label)}, few units": text}


L1 = Analysis(
    "l1",
    "few units telling two values of a label apart",
    L1Path,
    sparse,
    few_units,
    asks=_few,
    numbers=_of_l1,
    lines=_fewest,
)
