"""Do a network's intervals break where others have marked anomalies? Coverage inside and outside marked windows.

    python docs/made/anomalies.py runs/taxi-known nab_combined_windows.json realKnownCause/nyc_taxi.csv docs

The windows are those of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015). Forecasts begin at every midnight of the
test part, so that each step is forecast once; intervals of a coverage draw whole days.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from PIL import Image

import naibu
from naibu.data.series import SeriesData
from naibu.generation.forecasts import Forecasts, forecast
from naibu.probes.resampling import Resampler, ratio
from naibu.progress import silent
from naibu.reporting.plots.canvas import BLUE, VERMILLION, ink, write_figure
from naibu.tasks.series_evaluation import calibration, rolling

Array = np.ndarray


def inside(found: Forecasts, share: int) -> Array:
    """Return whether the truth lies in a central interval, float64 [origin ahead]; NaN where there is none."""
    low, high = {80: (0.1, 0.9), 95: (0.025, 0.975)}[share]
    hit = (found.truth >= found.quantile(low)) & (found.truth <= found.quantile(high))
    return np.where(np.isnan(found.truth), np.nan, hit)


def mean_of(values: Array, where: Array) -> str:
    """Return the mean of some of the values `[origin ahead]`, with its interval from drawing whole origins."""
    there = where & ~np.isnan(values)
    sums = np.stack([np.where(there, values, 0).sum(1), there.sum(1)], 1)[there.any(1)]
    score = Resampler(1000, 1).score(ratio, sums, int(there.sum()))
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}] ({score.n:,} steps of {score.sequences} days)"


def draw(ax: Axes, days: Array, share: Array, spans: list[tuple[Array, Array]]) -> None:
    """Draw how much of each day lies inside its interval, with the marked windows behind."""
    for begin, end in spans:
        ax.axvspan(begin, end, color=VERMILLION, alpha=0.25, lw=0)
    ax.axhline(0.95, color=ink(ax), lw=0.6, alpha=0.5)
    ax.plot(days, share, ".-", color=BLUE, lw=0.8, markersize=3)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(AutoDateLocator()))
    ax.set_ylim(0, 1.03)
    ax.set_yticks([0, 0.5, 0.95], ["0 %", "50 %", "95 %"])
    ax.set_ylabel("of the day inside 95 %")


def main(path: Path, windows: Path, key: str, out: Path) -> None:
    """Print coverage and error inside and outside the windows, and of each; draw the days."""
    run = naibu.open_run(path)
    data = run.data()
    assert isinstance(data, SeriesData)
    source = data.source
    origins = rolling(source, "daily", *data.test.span)
    kept = np.concatenate([[True], np.diff(origins[:, 1]) >= source.horizon])
    model = naibu.load(run)
    found = forecast(model, source, origins[kept])
    stretched = calibration(model, source, "calibrated", 200, silent).applied(found)
    times = source.grid.clock.times(found.origins[:, 1:] + np.arange(source.horizon))
    spans = [tuple(np.datetime64(each.split(".")[0]) for each in pair) for pair in json.loads(windows.read_text())[key]]
    marked = np.any([(times >= begin) & (times <= end) for begin, end in spans], 0)
    both = {"as told": found, "calibrated": stretched}
    error = np.abs(found.median - found.truth)
    for name, where in (("outside", ~marked), ("inside", marked)):
        told = {f"{share} % {how}": inside(each, share) for how, each in both.items() for share in (80, 95)}
        for what, values in {**told, "mean error": error}.items():
            print(f"{name} the windows, {what}: {mean_of(values, where)}")
    for begin, end in spans:
        where = (times >= begin) & (times <= end)
        if where.any():
            shares = [mean_of(inside(stretched, share), where) for share in (80, 95)]
            print(f"{begin} to {end}, calibrated: 80 % {shares[0]}; 95 % {shares[1]}; error {mean_of(error, where)}")
    share = np.nanmean(inside(stretched, 95), 1)
    write_figure(lambda ax: draw(ax, times[:, 0], share, spans), out / "anomalies.png", size=(6.2, 1.8))
    with Image.open(out / "anomalies.png") as drawn:
        few = drawn.convert("RGB").quantize(64)
    few.save(out / "anomalies.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
