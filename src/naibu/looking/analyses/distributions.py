"""How the values of each signal are distributed."""

from __future__ import annotations

from functools import partial

from naibu import probes
from naibu.looking.analysis import Analysis, Numbers, asked_of
from naibu.looking.numbers import known
from naibu.probes.results import Distributions, Level, SignalDistribution
from naibu.reporting.markup import Markup, element, figure, paragraph
from naibu.reporting.numbers import count, number, share, with_interval
from naibu.reporting.score_table import Scored, Text, layer_column, score_table
from naibu.reporting.section import Pen, Section, fitted_note
from naibu.reporting.words import rank, signal_name

READING = (
    "All units of a signal are pooled, on test sequences, and their values counted. A gate lies between 0 (shut) and 1 "
    "(open): it says how much of something passes. In an LSTM the input gate multiplies the candidate, and their "
    "product, the update, is added to the cell; the forget gate multiplies what the cell held before; the output gate "
    "multiplies tanh(cell) to give the hidden state. A gate is compared with the nearest beta curve, a smooth family "
    "on 0 to 1; the distance is the largest gap between the two cumulative curves (0: the same). Other signals are "
    "searched for peaks: values near −1, 0 and 1 mean that the network, though its values are continuous, almost works "
    "in whole steps. How many of them lie near such levels is compared with the bands just beside, as wide together, "
    "where a smooth distribution has about as many; with a normal distribution of the same mean and spread, which has "
    "a hump of its own; and with the network before training."
)


def distributed(distributions: Distributions, pen: Pen) -> Section:
    """Return the section on the distributions of the signals."""
    from naibu.reporting.plots.distributions import plot_distribution

    signals = sorted(distributions.signals, key=lambda s: (s.layer, rank(s.signal)))
    panels = [pen(partial(plot_distribution, s), f"Distribution: {_says(s)}", (3.05, 2.3)) for s in signals]
    caption = (
        "Share of all values in each bin (logarithmic). Dashed grey: the network before training. Dotted: the "
        "nearest beta curve. Triangles: peaks."
    )
    tables = (_table(signals), *_levels(signals), paragraph(_fitted(distributions), "quiet"))
    return Section("How the values are distributed", READING, (figure(panels, caption),), tables, _summary(signals))


def _fitted(distributions: Distributions) -> str:
    """Say what was fitted on what."""
    tokens, note = distributions.beta_tokens, fitted_note(distributions.fitted)
    fewer = tokens is not None and tokens < distributions.fitted.train_tokens
    return f"{note} Beta curves are fitted on {count(tokens or 0)} of the training places." if fewer else note


def _summary(signals: list[SignalDistribution]) -> str:
    gates = [f"{signal_name(s.signal, s.layer)} {number(s.beta.distance.value)}" for s in signals if s.beta is not None]
    text = f"Distance from the nearest beta curve: {', '.join(gates)}. " if gates else ""
    text += " ".join(_says(s) for s in signals if s.beta is None)
    return text + "".join(f" {_near(s)}" for s in signals if s.levels is not None and s.signal in ("update", "hidden"))


def _near(s: SignalDistribution) -> str:
    """Say how many values lie near the levels, and whether that is more than beside them and than untrained."""
    assert s.levels is not None
    level = s.levels.together
    text = (
        f"{with_interval(level.share, True)} of the {signal_name(s.signal, s.layer)} lie within {s.levels.within:g} of "
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
    there = [(s, s.levels) for s in signals if s.levels is not None]
    if not there:
        return []
    layers = len({s.layer for s, _ in there}) > 1
    rows = [
        (
            signal_name(s.signal, s.layer) + (f" ({s.layer})" if layers else ""),
            f"any, within {levels.within:g}" if level.place is None else _place(level.place),
            level,
        )
        for s, levels in there
        for level in (levels.together, *levels.places)
    ]
    each = [level for _, _, level in rows]
    before: list[Text | Scored] = [
        Scored("untrained: near it", [level.untrained_share for level in each], share=True),
        Text("untrained: normal", [share(level.untrained_normal) for level in each]),
        Scored("untrained: near less beside", [level.untrained_excess for level in each], share=True),
    ]
    made = score_table(
        "Levels: values near the places where whole steps would heap them up",
        Text("signal", [name for name, _, _ in rows]),
        Text("level", [where for _, where, _ in rows]),
        Scored("values near it", [level.share for level in each], share=True),
        Text("beside it", [share(level.beside) for level in each]),
        Text("a normal distribution", [share(level.normal) for level in each]),
        Scored("near less beside", [level.excess for level in each], share=True),
        before if any(levels.together.untrained_share is not None for _, levels in there) else [],
        names=2,
    )
    return [made]


def _says(s: SignalDistribution) -> str:
    name = f"The {signal_name(s.signal, s.layer)}"
    if s.beta is not None:
        a, b = number(s.beta.a.value), number(s.beta.b.value)
        return f"{name} is {number(s.beta.distance.value)} away from the beta curve with a = {a}, b = {b}."
    if s.peaks:
        places = ", ".join(number(peak.place) for peak in s.peaks)
        held = share(min(1.0, sum(peak.share for peak in s.peaks)))
        return f"{name} heaps up at {places}, where {held} of its values lie."
    return f"{name} has its mean at {number(s.mean.value)} and no distinct peak."


def _table(signals: list[SignalDistribution]) -> Markup:
    before = Text("untrained: distance, or peaks", [_small(_before(s)) for s in signals])
    return score_table(
        "Values of each signal, all units together",
        Text("signal", [signal_name(s.signal, s.layer) for s in signals]),
        layer_column([s.layer for s in signals]),
        Scored("mean", [s.mean for s in signals]),
        Scored("standard deviation", [s.deviation for s in signals]),
        Scored("beta: a", [None if s.beta is None else s.beta.a for s in signals]),
        Scored("beta: b", [None if s.beta is None else s.beta.b for s in signals]),
        Scored("beta: distance", [None if s.beta is None else s.beta.distance for s in signals]),
        [before] if any(s.untrained_beta is not None or s.untrained_peaks for s in signals) else [],
        Text("peaks (values within 0.05)", [_small(_peaks(s)) for s in signals]),
        Text("values", [count(s.n) for s in signals]),
    )


def _before(s: SignalDistribution) -> str:
    if s.beta is None:
        return ", ".join(number(p.place) for p in s.untrained_peaks)
    return number(s.untrained_beta.distance.value if s.untrained_beta else None)


def _peaks(s: SignalDistribution) -> str:
    return ", ".join(f"{number(p.place)} ({share(p.share)})" for p in s.peaks)


def _small(text: str) -> Markup:
    return element("span", text or "–", class_="units")


def _numbers(found: Distributions) -> Numbers:
    return {
        f"{s.layer}/{s.signal}": {
            "mean": known(s.mean.value),
            "deviation": known(s.deviation.value),
            "beta_distance": None if s.beta is None else known(s.beta.distance.value),
            "near_levels": None if s.levels is None else known(s.levels.together.share.value),
        }
        for s in found.signals
    }


DISTRIBUTIONS = Analysis(
    "distributions",
    "how the values are distributed",
    Distributions,
    distributed,
    asks=asked_of("distributions", probes.distributions),
    numbers=_numbers,
)
