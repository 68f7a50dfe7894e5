"""What stands beside a network that tells the next point: densities that remember nothing."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.strokes.examples import Strokes

POINTS = 60_000
"""Points of training to which a mixture is fitted, at most, drawn at random."""
ITERATIONS, LEAST_VARIANCE = 100, 1e-6
SEED, RESAMPLES = 1, 1000


def baselines(train: Strokes, examples: Strokes, components: int) -> dict[str, dict[str, float]]:
    """Return `nats_per_point` of three ways to tell the points of examples without memory, by name.

    `gaussian`: one for all offsets. `mixture of N`: of so many Gaussians. Both with the share of points after which the
    pen is lifted. `mixture of N after pen down, N after pen up`: one each, and a share each, by the point before. All
    are fitted to the training part alone, offsets as the network reads them and with the same noise.
    """
    seen, held = train.offsets(), examples.offsets()
    one = np.zeros(len(seen), np.int64), np.zeros(len(held), np.int64)
    apart = _pen_before(train, seen), _pen_before(examples, held)
    name = f"mixture of {components}"
    return {
        "gaussian": _fitted(seen, held, one, 1),
        name: _fitted(seen, held, one, components),
        f"{name} after pen down, {components} after pen up": _fitted(seen, held, apart, components),
    }


def _pen_before(examples: Strokes, points: Array) -> Array:
    """Return 1 where the pen was lifted before a point, and at the first of a drawing, else 0, int64 [point]."""
    before = np.roll(points[:, 2], 1) > 0
    lengths = examples.lengths
    before[np.cumsum(lengths) - lengths] = True
    return before.astype(np.int64)


def _fitted(seen: Array, held: Array, groups: tuple[Array, Array], components: int) -> dict[str, float]:
    """Return the nats of points `[point 3]` under a mixture and a share of lifted pens for each group of them."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    place, pen = np.zeros(len(held)), np.zeros(len(held))
    generator = np.random.default_rng(SEED)
    for group in np.unique(groups[1]):
        own, there = seen[groups[0] == group], groups[1] == group
        own = own if len(own) else seen
        some = own[generator.permutation(len(own))[:POINTS], :2]
        mixture = GaussianMixture(
            min(components, len(some)), random_state=SEED, max_iter=ITERATIONS, reg_covar=LEAST_VARIANCE
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(some)
        place[there] = -mixture.score_samples(held[there, :2])
        share = (own[:, 2].sum() + 0.5) / (len(own) + 1)  # never 0 or 1
        pen[there] = -np.log(np.where(held[there, 2] > 0, share, 1 - share))
    return {
        "nats_per_point": float((place + pen).mean()),
        "offset_nats": float(place.mean()),
        "pen_nats": float(pen.mean()),
    }


def interval_of(nats: Array, lengths: Array) -> list[float]:
    """Return the central 95 % of the mean of `nats [point]` where whole drawings, of so many points, are resampled."""
    return interval_of_sums(np.add.reduceat(nats, np.cumsum(lengths) - lengths), lengths)


def interval_of_sums(sums: Array, lengths: Array) -> list[float]:
    """Return the same of what is summed over each drawing, or text, `[drawing]`."""
    drawn = np.random.default_rng(SEED).integers(len(lengths), size=(RESAMPLES, len(lengths)))
    means = sums[drawn].sum(1) / lengths[drawn].sum(1)
    return [float(end) for end in np.quantile(means, [0.025, 0.975])]


def told_rows(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return scores with a row for each simple way; the interval and the unit as texts."""
    rows = {name: value for name, value in scores.items() if not isinstance(value, dict | list)}
    if "nats_per_point_interval" in scores:
        low, high = scores["nats_per_point_interval"]
        rows["nats per point, 95 %"] = f"[{low:.4f}, {high:.4f}]"
    if "unit" in scores:
        rows["unit of dx, dy"] = ", ".join(f"{each:.6g}" for each in scores["unit"])
    for name, each in scores.get("baselines", {}).items():
        rows[f"nats per point of: {name}"] = each["nats_per_point"]
    return rows
