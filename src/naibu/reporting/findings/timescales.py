"""What was found of how long units keep what they hold."""

from __future__ import annotations

from naibu.probes.results import Score
from naibu.probes.timescales_results import LayerTimescales, Saturation, Timescales
from naibu.reporting.findings.finding import Finding
from naibu.reporting.numbers import number, share, with_interval
from naibu.reporting.words import headline, on_split, signal_name

MIDDLE, SLOW = 0.5, 0.9


def keeping(timescales: Timescales) -> Finding:
    """Say how long the uppermost layer's units keep what they hold, against the untrained network's."""
    if not timescales.layers:
        return Finding("No layer has a gate that keeps.", False)
    layer = timescales.layers[-1]
    at = {level: k for k, level in enumerate(layer.levels)}
    (middle, split), slow = headline(layer.quantiles[at[MIDDLE]]), headline(layer.quantiles[at[SLOW]])[0]
    where = f" of {layer.layer}" if len(timescales.layers) > 1 else ""
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
        f" The {signal_name(layer.signal)} is above 0.9 at {with_interval(right, True)} and below 0.1 at "
        f"{with_interval(left, True)} of the steps{untrained}."
    )


def _open_and_shut(found: Saturation, split: str) -> tuple[Score | None, Score | None]:
    return on_split(found.mean_right, split), on_split(found.mean_left, split)
