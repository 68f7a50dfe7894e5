"""Values that are taken away from a part, told by a network and by simple guesses, and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from naibu.data.examples import Array
from naibu.data.recovery import RecoveryWindows
from naibu.data.recovery_reading import Seen
from naibu.data.recovery_removal import PatternName, Removal, block_lengths
from naibu.errors import OptionError
from naibu.generation.forecasts import LEVELS, Forecasts
from naibu.generation.recovering import recovered
from naibu.models.recoverer import Recoverer
from naibu.progress import Report
from naibu.tasks.series_scores import coverage_intervals, scores_of, skill

KEYS = ("mae", "rmse", "crps", "coverage_80", "coverage_95", "width_80", "width_95")
OF_GUESSES = ("mae", "rmse")


def evaluated(
    model: Recoverer,
    examples: RecoveryWindows,
    patterns: Sequence[PatternName],
    shares: Sequence[float],
    seed: int,
    progress: Report,
) -> dict[str, Any]:
    """Return `loss` to `coverage_95`, `by_removal`, `baselines` and `skill`, over all patterns and shares together.

    Errors are those of the median, RMSE that of the mean. Raises OptionError where nothing is taken away.
    """
    removals = tuple(Removal(pattern, share, seed) for pattern, share in product(patterns, shares))
    windows = RecoveryWindows(examples.source, examples.span, removals)
    length = block_lengths(examples.source.grid.clock)[1]
    found: list[Forecasts] = []
    guessed: list[dict[str, Forecasts]] = []
    rows: list[dict[str, Any]] = []
    for number, removal in enumerate(removals):
        if not windows.gone(number).any():
            told = (
                f"--removed {removal.share:g}: nothing of the {np.diff(examples.span)[0]} steps of this part is taken"
            )
            raise OptionError(f"{told} away; take more, or train with a larger --test")
        own = recovered(model, windows.each(number), progress=progress)
        simple = simple_guesses(windows.after(number), own)
        row = {"pattern": removal.pattern, "share": removal.share, "values": len(own.truth), **_scores(own, KEYS)}
        row["baselines"] = {name: _scores(each, OF_GUESSES) for name, each in simple.items()}
        row["skill"] = skill(own, simple, length)
        found.append(own)
        guessed.append(simple)
        rows.append(row)
    own = _together(found)
    simple = {name: _together([each[name] for each in guessed]) for name in guessed[0]}
    return {
        **_scores(own, KEYS),
        **coverage_intervals(own, length),
        "values": len(own.truth),
        "by_removal": rows,
        "baselines": {name: _scores(each, OF_GUESSES) for name, each in simple.items()},
        "skill": skill(own, simple, length),
    }


def simple_guesses(seen: Seen, found: Forecasts) -> dict[str, Forecasts]:
    """Return what simple guesses tell of the same values.

    On the line between the last and the next value in time (the one that there is, at an end); the mean by the time of
    day in training, workdays apart where it says them; the mean of the neighbours, off their usual values; the last
    value. Where one has nothing to go by, the mean by the time of day stands for it.
    """
    source = seen.source
    series, step = found.origins.T
    around = seen.around(series, step[None])
    levels = source.coder.levels
    base = source.base[series, step]
    off = {"line in time": around.guesses[0, :, 0], "historical mean": np.zeros(len(series))}
    if source.coder.neighbours:
        off["neighbours"] = around.guesses[0, :, 3]
    off["last value"] = np.where(around.last[0] >= 0, around.guesses[0, :, 1], 0)
    return {name: _sure(found, levels.centre[series] + levels.spread[series] * (base + z)) for name, z in off.items()}


def _sure(found: Forecasts, values: Array) -> Forecasts:
    """Return values as forecasts that are sure of them."""
    values = values[:, None]
    return replace(
        found,
        mean=values,
        quantiles=np.broadcast_to(values, (len(LEVELS), *values.shape)),
        crps=np.abs(found.truth - values),
    )


def _together(parts: Sequence[Forecasts]) -> Forecasts:
    origins, truth, mean, crps = (
        np.concatenate([getattr(each, name) for each in parts]) for name in ("origins", "truth", "mean", "crps")
    )
    return Forecasts(origins, truth, mean, np.concatenate([each.quantiles for each in parts], 1), crps)


def _scores(found: Forecasts, names: Sequence[str]) -> dict[str, Any]:
    scores = scores_of(found, np.ones(int(found.origins[:, 0].max(initial=0)) + 1))
    return {name: scores[name] for name in names}
