"""How the values of each signal are distributed."""

from __future__ import annotations

from functools import partial

from naibu.probes.results import Distributions, Level, SignalDistribution
from naibu.reporting.content import NetworkPart
from naibu.reporting.markup import Markup, element, figure, paragraph, score_cell, table
from naibu.reporting.numbers import count, number, share, with_interval
from naibu.reporting.sections.section import Pen, Section, command_for, fitted_note
from naibu.reporting.words import rank, signal_name

READING = (
    "All units of a signal are pooled, on test sequences, and their values counted. A gate lies between 0 (shut) and 1 "
    "(open): it says how much of something passes. The input gate multiplies the candidate, and their product, the "
    "update, is added to the cell; the forget gate multiplies what the cell held before; the output gate multiplies "
    "tanh(cell) to give the hidden state. A gate is compared with the nearest beta curve, a smooth family on 0 to "
    "1; the "
    "distance is the largest gap between the two cumulative curves (0: the same). Other signals are searched for "
    "peaks: "
    "values near −1, 0 and 1 mean that the network, though its values are continuous, almost works in whole steps. How "
    "many of them lie near such levels is compared with the bands just beside, as wide together, where a smooth "
    "distribution has about as many; with a normal distribution of the same mean and spread, which has a hump of its "
    "own; and with the network before training."
)


def distributed(part: NetworkPart, distributions: Distributions, pen: Pen) -> Section:
    """Return the section on the distributions of the signals."""
    from naibu.reporting.plots.distributions import plot_distribution

    signals = sorted(distributions.signals, key=lambda s: (s.layer, rank(s.signal)))
    panels = [pen(partial(plot_distribution, s), f"Distribution: {_says(s)}", (3.05, 2.3)) for s in signals]
    caption = (
        "Share of all values in each bin (logarithmic). Dashed grey: the network before training. Dotted: the "
        "nearest beta curve. Triangles: peaks."
    )
    return Section(
        "distributions",
        "How the values are distributed",
        READING,
        _summary(signals),
        (figure(panels, caption),),
        (_table(signals), *_levels(signals), paragraph(_fitted(distributions), "quiet")),
        command_for(part, "distributions", "record", "report"),
    )


def _fitted(distributions: Distributions) -> str:
    """Say what was fitted on what."""
    tokens, note = distributions.beta_tokens, fitted_note(distributions.fitted)
    fewer = tokens is not None and tokens < distributions.fitted.train_tokens
    return f"{note} Beta curves are fitted on {count(tokens or 0)} of the training symbols." if fewer else note


def _summary(signals: list[SignalDistribution]) -> str:
    gates = [f"{signal_name(s.signal)} {number(s.beta.distance.value)}" for s in signals if s.beta is not None]
    text = f"Distance from the nearest beta curve: {', '.join(gates)}. " if gates else ""
    text += " ".join(_says(s) for s in signals if s.beta is None)
    return text + "".join(f" {_near(s)}" for s in signals if s.levels is not None and s.signal in ("update", "hidden"))


def _near(s: SignalDistribution) -> str:
    """Say how many values lie near the levels, and whether that is more than beside them and than untrained."""
    assert s.levels is not None
    level = s.levels.together
    text = (
        f"{with_interval(level.share, True)} of the {signal_name(s.signal)} lie within {s.levels.within:g} of "
        f"{_places(s)}, {share(level.beside)} in the bands beside, {share(level.normal)} of a normal distribution"
    )
    before = level.untrained_share
    text += "" if before is None else f", {share(before.value)} in the untrained network"
    heaped = [x.place for x in s.levels.places if x.place is not None and _heaps(x)]
    if not any(heaped):  # a single hump at 0 is no sign of steps
        return f"{text}: levels other than 0 are not shown."
    return f"{text}: more than beside{'' if before is None else ' and than untrained'} at {_listed(heaped)}."


def _heaps(level: Level) -> bool:
    """Whether more lies near a level than beside it, and by more than in the untrained network."""
    before = level.untrained_excess
    return level.excess.low > max(0.0, 0.0 if before is None else before.high)


def _listed(places: list[float]) -> str:
    *first, last = (_place(place) for place in places)
    return f"{', '.join(first)} and {last}" if first else last


def _places(s: SignalDistribution) -> str:
    assert s.levels is not None
    *first, last = (_place(level.place) for level in s.levels.places if level.place is not None)
    return f"{', '.join(first)} or {last}"


def _place(place: float) -> str:
    return f"{place:.3g}".replace("-", "−")


def _levels(signals: list[SignalDistribution]) -> list[Markup]:
    """Return the table of levels, none for results made before there was one."""
    there = [s for s in signals if s.levels is not None]
    if not there:
        return []
    layers = len({s.layer for s in there}) > 1
    bare = any(s.levels is not None and s.levels.together.untrained_share is not None for s in there)
    rows = []
    for s in there:
        assert s.levels is not None
        name = signal_name(s.signal) + (f" ({s.layer})" if layers else "")
        for level in (s.levels.together, *s.levels.places):
            where = f"any, within {s.levels.within:g}" if level.place is None else _place(level.place)
            cells = [score_cell(level.share, True), share(level.beside), share(level.normal)]
            cells.append(score_cell(level.excess, True))
            if bare:
                cells += [score_cell(level.untrained_share, True), share(level.untrained_normal)]
                cells.append(score_cell(level.untrained_excess, True))
            rows.append([name, where, *cells])
    head = ["signal", "level", "values near it", "beside it", "a normal distribution", "near less beside"]
    head += ["untrained: near it", "untrained: normal", "untrained: near less beside"] if bare else []
    return [table(head, rows, "Levels: values near the places where whole steps would heap them up", names=2)]


def _says(s: SignalDistribution) -> str:
    name = f"The {signal_name(s.signal)}"
    if s.beta is not None:
        a, b = number(s.beta.a.value), number(s.beta.b.value)
        return f"{name} is {number(s.beta.distance.value)} away from the beta curve with a = {a}, b = {b}."
    if s.peaks:
        places = ", ".join(number(peak.place) for peak in s.peaks)
        held = share(min(1.0, sum(peak.share for peak in s.peaks)))
        return f"{name} heaps up at {places}, where {held} of its values lie."
    return f"{name} has its mean at {number(s.mean.value)} and no distinct peak."


def _table(signals: list[SignalDistribution]) -> Markup:
    layers = len({s.layer for s in signals}) > 1
    head = [
        "signal",
        *(["layer"] if layers else []),
        "mean",
        "standard deviation",
        "beta: a",
        "beta: b",
        "beta: distance",
    ]
    untrained = any(s.untrained_beta is not None or s.untrained_peaks for s in signals)
    rows = []
    for s in signals:
        beta = (s.beta.a, s.beta.b, s.beta.distance) if s.beta is not None else (None, None, None)
        peaks = ", ".join(f"{number(p.place)} ({share(p.share)})" for p in s.peaks) or "–"
        cells = [score_cell(x) for x in (s.mean, s.deviation, *beta)]
        if untrained:
            bare = ", ".join(number(p.place) for p in s.untrained_peaks)
            before = bare if s.beta is None else number(s.untrained_beta.distance.value if s.untrained_beta else None)
            cells.append(element("span", before or "–", class_="units"))
        rows.append(
            [
                signal_name(s.signal),
                *([s.layer] if layers else []),
                *cells,
                element("span", peaks, class_="units"),
                count(s.n),
            ]
        )
    head += ["untrained: distance, or peaks"] if untrained else []
    return table([*head, "peaks (values within 0.05)", "values"], rows, "Values of each signal, all units together")
