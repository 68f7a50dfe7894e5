"""How long units keep what they hold, and how often gates are open or shut."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from naibu.probes.timescales_results import HALF, GateSaturation, LayerTimescales, Timescales
from naibu.reporting.content import NetworkPart
from naibu.reporting.findings import keeping
from naibu.reporting.markup import Markup, figure, folded, paragraph, score_cell, table
from naibu.reporting.numbers import count, number, share
from naibu.reporting.sections.section import Pen, Section, command_for, has_unseen, score_cells, score_heads
from naibu.reporting.words import signal_name

READING = (
    "At every step a gate says how much of its value a unit keeps. Multiplied over many steps, little may be left: "
    "the timescale is the number of symbols after which 1/e, 37 %, is left at the unit's mean rate, and ln 2 times "
    "that, its half-life, leaves half. It is the mean of the logarithm, which the few steps at which a gate shuts "
    "rule: a unit cleared at the end of each sentence has the timescale of a sentence. A gate is nearly open above "
    "0.9 and nearly shut below 0.1; a unit whose gate is always at one of the two works like a switch."
)
KEPT = {"f": "the forget gate f", "z": "the update gate z, as h = (1 − z) n + z h here", "1 - z": "1 − z, as h = "}
KEPT["1 - z"] += "(1 − z) h + z n here"
MOSTLY = 0.9  # share of steps


def kept(part: NetworkPart, timescales: Timescales, pen: Pen) -> Section:
    """Return the section on timescales and saturation."""
    from naibu.reporting.plots.timescales import plot_saturation, plot_timescales

    says = keeping(timescales).text
    panels = []
    for layer in timescales.layers:
        gates = [gate for gate in timescales.gates if gate.layer == layer.layer]
        panels.append(pen(partial(plot_timescales, layer), f"Timescales of {layer.layer}. {says}", (3.5, 2.9)))
        panels.append(pen(partial(plot_saturation, gates), f"Saturation of the gates of {layer.layer}", (3.5, 2.9)))
    caption = (
        "Left: units by timescale (logarithmic); dashed grey: the network before training. Right: each mark is one "
        "unit of one gate, on the dotted line always open or shut."
    )
    return Section(
        "timescales",
        "How long units keep what they hold",
        READING,
        says,
        (figure(panels, caption),),
        (
            _quantiles(timescales),
            *_notes(timescales),
            folded("The longest units", _longest(timescales)),
            _gates(timescales),
        ),
        command_for(part, "timescales", "report"),
    )


def _quantiles(timescales: Timescales) -> Markup:
    unseen = has_unseen([scores for layer in timescales.layers for scores in layer.quantiles])
    bare = any(layer.untrained_quantiles is not None for layer in timescales.layers)
    rows = []
    for layer in timescales.layers:
        untrained = layer.untrained_quantiles or (None,) * len(layer.levels)
        for level, scores, other in zip(layer.levels, layer.quantiles, untrained, strict=True):
            half = number(HALF * scores.test.value)
            cells = [*score_cells(scores, unseen), half, *(score_cells(other, False) if bare else [])]
            rows.append([f"{_of(timescales, layer)}{share(level)} of units keep shorter", *cells])
    heads = [f"timescale, {head}" for head in score_heads(unseen)]
    control = ["control: untrained network, all test"] if bare else []
    return table(["", *heads, "half-life", *control], rows, "Timescales in symbols, quantiles over units")


def _notes(timescales: Timescales) -> Iterator[Markup]:
    for layer in timescales.layers:
        yield paragraph(
            f"{_of(timescales, layer)}What a unit keeps is {KEPT[layer.kept]}. {share(layer.open)} of these values "
            "cannot be told from 1 as they are stored and count as 1 − 2⁻¹², so timescales of thousands are lower "
            f"bounds. On {count(timescales.fitted.test_tokens)} test symbols; the first of each sequence is left out.",
            "quiet",
        )


def _longest(timescales: Timescales) -> Markup:
    unseen = has_unseen([unit.timescale for layer in timescales.layers for unit in layer.longest])
    rows = []
    for layer in timescales.layers:
        for unit in layer.longest:
            half = number(HALF * unit.timescale.test.value)
            rows.append([f"{_of(timescales, layer)}unit {unit.unit}", *score_cells(unit.timescale, unseen), half])
    heads = [f"timescale, {head}" for head in score_heads(unseen)]
    return table(["", *heads, "half-life"], rows, "The units that keep longest, chosen on training sequences")


def _gates(timescales: Timescales) -> Markup:
    layers = len({gate.layer for gate in timescales.gates}) > 1
    rows = []
    for gate in timescales.gates:
        name = signal_name(gate.signal) + (f" of {gate.layer}" if layers else "")
        rows.append([name, *(cell for side in ("right", "left") for cell in _side(gate, side))])
    heads = [
        head
        for side in ("open", "shut")
        for head in (f"nearly {side}", "control: untrained network", f"units {side} at 90 % of steps or more")
    ]
    return table(
        ["gate", *heads], rows, "Share of test steps at which gates are nearly open or shut, all units together"
    )


def _side(gate: GateSaturation, side: str) -> list[str]:
    bare = None if gate.untrained is None else getattr(gate.untrained, f"mean_{side}").test
    units = getattr(gate.trained, side)
    mostly = f"{count(int(np.count_nonzero(units >= MOSTLY)))} of {count(len(units))}"
    return [score_cell(getattr(gate.trained, f"mean_{side}").test, True), score_cell(bare, True), mostly]


def _of(timescales: Timescales, layer: LayerTimescales) -> str:
    return f"{layer.layer}: " if len(timescales.layers) > 1 else ""
