"""How the values of each signal are distributed."""

from __future__ import annotations

from functools import partial

from naibu.probes.results import Distributions, SignalDistribution
from naibu.report.content import NetworkPart
from naibu.report.markup import Safe, element, figure, paragraph, score_cell, table
from naibu.report.numbers import count, number, share
from naibu.report.sections.section import Pen, Section, command_for, fitted_note
from naibu.report.words import rank, signal_name

READING = (
    "All units of a signal are pooled, on test sequences, and their values counted. A gate lies between 0 (shut) and 1 "
    "(open): it says how much of something passes. The input gate multiplies the candidate, and their product, the "
    "update, is added to the cell; the forget gate multiplies what the cell held before; the output gate multiplies "
    "tanh(cell) to give the hidden state. A gate is compared with the nearest beta curve, a smooth family on 0 to "
    "1; the "
    "distance is the largest gap between the two cumulative curves (0: the same). Other signals are searched for "
    "peaks: "
    "values near −1, 0 and 1 mean that the network, though its values are continuous, almost works in whole steps."
)


def distributed(part: NetworkPart, distributions: Distributions, pen: Pen) -> Section:
    """Return the section on the distributions of the signals."""
    from naibu.report.plots.distributions import plot_distribution

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
        (_table(signals), paragraph(fitted_note(distributions.fitted), "quiet")),
        command_for(part, "distributions", "record", "report"),
    )


def _summary(signals: list[SignalDistribution]) -> str:
    gates = [f"{signal_name(s.signal)} {number(s.beta.distance.value)}" for s in signals if s.beta is not None]
    text = f"Distance from the nearest beta curve: {', '.join(gates)}. " if gates else ""
    return text + " ".join(_says(s) for s in signals if s.beta is None)


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


def _table(signals: list[SignalDistribution]) -> Safe:
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
    rows = []
    for s in signals:
        beta = (s.beta.a, s.beta.b, s.beta.distance) if s.beta is not None else (None, None, None)
        peaks = ", ".join(f"{number(p.place)} ({share(p.share)})" for p in s.peaks) or "–"
        cells = [score_cell(x) for x in (s.mean, s.deviation, *beta)]
        rows.append(
            [
                signal_name(s.signal),
                *([s.layer] if layers else []),
                *cells,
                element("span", peaks, class_="units"),
                count(s.n),
            ]
        )
    return table([*head, "peaks (values within 0.05)", "values"], rows, "Values of each signal, all units together")
