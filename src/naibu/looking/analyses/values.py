"""How values are distributed, and how long units keep what they hold."""

from __future__ import annotations

from collections.abc import Iterator

from naibu import probes
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.looking.numbers import known, scored, value
from naibu.probes.results import Distributions
from naibu.probes.timescales import applies, timescales
from naibu.probes.timescales_results import Timescales
from naibu.reporting.findings.timescales import keeping
from naibu.reporting.sections.distributions import distributed
from naibu.reporting.sections.timescales import kept


def _distributions(probed: Probed) -> Iterator[Ask]:
    yield Ask("distributions", lambda: probes.distributions(probed.recording, untrained=probed.control))


def _of_distributions(found: Distributions) -> Numbers:
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
    asks=_distributions,
    numbers=_of_distributions,
)


def _timescales(probed: Probed) -> Iterator[Ask]:
    if applies(probed.recording):
        yield Ask("timescales", lambda: timescales(probed.recording, untrained=probed.control))


def _of_timescales(found: Timescales) -> Numbers:
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
    asks=_timescales,
    numbers=_of_timescales,
)
