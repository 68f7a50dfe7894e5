"""How long units keep what they hold, and how often gates are open or shut."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from naibu.probes.results import Score
from naibu.probes.timescales_results import HALF, GateSaturation, LayerTimescales, Saturation, Timescales
from naibu.reporting.findings.timescales import keeping
from naibu.reporting.markup import Safe, figure, folded, paragraph
from naibu.reporting.numbers import count, number, share
from naibu.reporting.sections.section import Pen, Scored, Section, Text, score_table
from naibu.reporting.words import signal_name

READING = (
    "At every step a gate says how much of its value a unit keeps. Multiplied over many steps, little may be left: the "
    "timescale is the number of places after which 1/e, 37 %, is left at the unit's mean rate, and ln 2 times that, "
    "its half-life, leaves half. It is the mean of the logarithm, which the few steps at which a gate shuts rule: a "
    "unit cleared at the end of each sequence has the timescale of a sequence. A gate is nearly open above 0.9 and "
    "nearly shut below 0.1; a unit whose gate is always at one of the two works like a switch."
)
KEPT = {"f": "the forget gate f", "z": "the update gate z, as h = (1 − z) n + z h here", "1 - z": "1 − z, as h = "}
KEPT["1 - z"] += "(1 − z) h + z n here"
MOSTLY = 0.9  # share of steps


def kept(timescales: Timescales, pen: Pen) -> Section:
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
    tables = (
        _quantiles(timescales),
        *_notes(timescales),
        folded("The longest units", _longest(timescales)),
        _gates(timescales),
    )
    return Section("How long units keep what they hold", READING, (figure(panels, caption),), tables)


def _quantiles(timescales: Timescales) -> Safe:
    rows = [
        (f"{_of(timescales, layer)}{share(level)} of units keep shorter", scores, bare)
        for layer in timescales.layers
        for level, scores, bare in zip(
            layer.levels, layer.quantiles, layer.untrained_quantiles or (None,) * len(layer.levels), strict=True
        )
    ]
    before = [None if bare is None else bare.test for _, _, bare in rows]
    return score_table(
        "Timescales in places, quantiles over units",
        Text("", [name for name, _, _ in rows]),
        Scored("timescale", [scores for _, scores, _ in rows], both=True),
        Text("half-life", [number(HALF * scores.test.value) for _, scores, _ in rows]),
        [Scored("control: untrained network, all test", before)] if any(b is not None for b in before) else [],
    )


def _notes(timescales: Timescales) -> Iterator[Safe]:
    for layer in timescales.layers:
        yield paragraph(
            f"{_of(timescales, layer)}What a unit keeps is {KEPT[layer.kept]}. {share(layer.open)} of these values "
            "cannot be told from 1 as they are stored and count as 1 − 2⁻¹², so timescales of thousands are lower "
            f"bounds. On {count(timescales.fitted.test_tokens)} test places; the first of each sequence is left out.",
            "quiet",
        )


def _longest(timescales: Timescales) -> Safe:
    units = [(layer, unit) for layer in timescales.layers for unit in layer.longest]
    return score_table(
        "The units that keep longest, chosen on training sequences",
        Text("", [f"{_of(timescales, layer)}unit {unit.unit}" for layer, unit in units]),
        Scored("timescale", [unit.timescale for _, unit in units], both=True),
        Text("half-life", [number(HALF * unit.timescale.test.value) for _, unit in units]),
    )


def _gates(timescales: Timescales) -> Safe:
    gates = timescales.gates
    layers = len({gate.layer for gate in gates}) > 1
    columns = [
        column
        for side, word in (("right", "open"), ("left", "shut"))
        for column in (
            Scored(f"nearly {word}", [_mean(gate.trained, side) for gate in gates], share=True),
            Scored("control: untrained network", [_mean(gate.untrained, side) for gate in gates], share=True),
            Text(f"units {word} at 90 % of steps or more", [_mostly(gate, side) for gate in gates]),
        )
    ]
    return score_table(
        "Share of test steps at which gates are nearly open or shut, all units together",
        Text("gate", [signal_name(gate.signal) + (f" of {gate.layer}" if layers else "") for gate in gates]),
        columns,
    )


def _mean(found: Saturation | None, side: str) -> Score | None:
    return None if found is None else getattr(found, f"mean_{side}").test


def _mostly(gate: GateSaturation, side: str) -> str:
    units = getattr(gate.trained, side)
    return f"{count(int(np.count_nonzero(units >= MOSTLY)))} of {count(len(units))}"


def _of(timescales: Timescales, layer: LayerTimescales) -> str:
    return f"{layer.layer}: " if len(timescales.layers) > 1 else ""
