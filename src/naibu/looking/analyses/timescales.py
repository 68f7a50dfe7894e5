"""How long units keep what they hold, and how often gates are open or shut."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from naibu import probes
from naibu.looking.analysis import Analysis, Numbers, asked_of
from naibu.looking.numbers import scored, value
from naibu.probes.results import Score
from naibu.probes.timescales import applies
from naibu.probes.timescales_results import HALF, GateSaturation, LayerTimescales, Saturation, Timescales
from naibu.reporting.finding import Finding
from naibu.reporting.markup import Markup, figure, folded, paragraph
from naibu.reporting.numbers import count, number, share, with_interval
from naibu.reporting.score_table import Scored, Text, score_table
from naibu.reporting.section import Pen, Section
from naibu.reporting.words import headline, layer_name, on_split, signal_name

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
MIDDLE, SLOW = 0.5, 0.9  # of the units


def keeping(timescales: Timescales) -> Finding:
    """Say how long the uppermost layer's units keep what they hold, against the untrained network's."""
    if not timescales.layers:
        return Finding("No layer has a gate that keeps.", False)
    layer = timescales.layers[-1]
    at = {level: k for k, level in enumerate(layer.levels)}
    (middle, split), slow = headline(layer.quantiles[at[MIDDLE]]), headline(layer.quantiles[at[SLOW]])[0]
    where = f" of {layer_name(layer.layer)}" if len(timescales.layers) > 1 else ""
    numbers = (
        f"half of the units{where} keep what they hold for {with_interval(middle)} places or longer (until 1/e is "
        f"left, at their mean rate), a tenth for {with_interval(slow)} or longer ({split} sequences"
    )
    gates = _gate(timescales, layer, split)
    if layer.untrained_quantiles is None:
        return Finding(f"Without an untrained network beside it: {numbers}).{gates}", False)
    bare = [on_split(layer.untrained_quantiles[at[level]], split) for level in (MIDDLE, SLOW)]
    numbers += f"; untrained: {' and '.join(number(None if score is None else score.value) for score in bare)})"
    longer = bare[1] is not None and slow.low > bare[1].high
    if longer:
        shorter = bare[0] is not None and middle.high < bare[0].low
        aside = ", and those of most units shorter" if shorter else ""
        return Finding(f"Training made the longest memories longer{aside}: {numbers}.{gates}", True)
    return Finding(f"That training made any memories longer is not shown: {numbers}.{gates}", False)


def _gate(timescales: Timescales, layer: LayerTimescales, split: str) -> str:
    found = next((g for g in timescales.gates if (g.layer, g.signal) == (layer.layer, layer.signal)), None)
    if found is None:
        return ""
    right, left = _open_and_shut(found.trained, split)
    bare = () if found.untrained is None else _open_and_shut(found.untrained, split)
    usual = [share(score.value) for score in bare if score is not None]
    untrained = f" (untrained: {' and '.join(usual)})" if usual else ""
    return (
        f" The {signal_name(layer.signal, layer.layer)} is above 0.9 at {with_interval(right, True)} and below 0.1 at "
        f"{with_interval(left, True)} of the steps{untrained}."
    )


def _open_and_shut(found: Saturation, split: str) -> tuple[Score | None, Score | None]:
    return on_split(found.mean_right, split), on_split(found.mean_left, split)


def kept(timescales: Timescales, pen: Pen) -> Section:
    """Return the section on timescales and saturation."""
    from naibu.reporting.plots.timescales import plot_saturation, plot_timescales

    says = keeping(timescales).text
    panels = []
    for layer in timescales.layers:
        gates = [gate for gate in timescales.gates if gate.layer == layer.layer]
        panels.append(
            pen(partial(plot_timescales, layer), f"Timescales of {layer_name(layer.layer)}. {says}", (3.5, 2.9))
        )
        panels.append(
            pen(partial(plot_saturation, gates), f"Saturation of the gates of {layer_name(layer.layer)}", (3.5, 2.9))
        )
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


def _quantiles(timescales: Timescales) -> Markup:
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
        Text("units", [name for name, _, _ in rows]),
        Scored("timescale", [scores for _, scores, _ in rows], both=True),
        Text("half-life", [number(HALF * scores.test.value) for _, scores, _ in rows]),
        [Scored("control: untrained network, all test", before)] if any(b is not None for b in before) else [],
    )


def _notes(timescales: Timescales) -> Iterator[Markup]:
    for layer in timescales.layers:
        yield paragraph(
            f"{_of(timescales, layer)}What a unit keeps is {KEPT[layer.kept]}. {share(layer.open)} of these values "
            "cannot be told from 1 as they are stored and count as 1 − 2⁻¹², so timescales of thousands are lower "
            f"bounds. On {count(timescales.fitted.test_tokens)} test places; the first of each sequence is left out.",
            "quiet",
        )


def _longest(timescales: Timescales) -> Markup:
    units = [(layer, unit) for layer in timescales.layers for unit in layer.longest]
    return score_table(
        "The units that keep longest, chosen on training sequences",
        Text("unit", [f"{_of(timescales, layer)}unit {unit.unit}" for layer, unit in units]),
        Scored("timescale", [unit.timescale for _, unit in units], both=True),
        Text("half-life", [number(HALF * unit.timescale.test.value) for _, unit in units]),
    )


def _gates(timescales: Timescales) -> Markup:
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
        Text(
            "gate", [signal_name(gate.signal, gate.layer) + (f" of {gate.layer}" if layers else "") for gate in gates]
        ),
        columns,
    )


def _mean(found: Saturation | None, side: str) -> Score | None:
    return None if found is None else getattr(found, f"mean_{side}").test


def _mostly(gate: GateSaturation, side: str) -> str:
    units = getattr(gate.trained, side)
    return f"{count(int(np.count_nonzero(units >= MOSTLY)))} of {count(len(units))}"


def _of(timescales: Timescales, layer: LayerTimescales) -> str:
    return f"{layer_name(layer.layer)}: " if len(timescales.layers) > 1 else ""


def _numbers(found: Timescales) -> Numbers:
    return {
        layer.layer: {
            f"{level:g}": {**scored("timescale", scores), "untrained": value(bare)}
            for level, scores, bare in zip(
                layer.levels, layer.quantiles, layer.untrained_quantiles or (None,) * len(layer.levels), strict=True
            )
        }
        for layer in found.layers
    }


TIMESCALES = Analysis(
    "timescales",
    "how long units keep what they hold",
    Timescales,
    kept,
    keeping,
    asked_of("timescales", probes.timescales, lambda probed: applies(probed.recording)),
    numbers=_numbers,
)
