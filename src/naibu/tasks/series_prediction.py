"""Forecasts of what follows a series, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from naibu.data.series import SeriesData
from naibu.data.series_coder import SeriesCoder
from naibu.data.series_grid import Asked, Covariate, Grid, read_grid
from naibu.data.series_opening import empty_grid, extended, reopened
from naibu.errors import CorpusError
from naibu.generation.forecasts import Forecasts, forecast
from naibu.models.forecaster import INTERVALS
from naibu.progress import Report
from naibu.shown import Row
from naibu.tasks.series_evaluation import calibration
from naibu.tasks.task import Predicted, Trained


class ToldValues(Predicted):
    """What is told of values of series: rows with `time`, `series`, `mean` and the quantiles."""

    def lines(self) -> Iterator[str]:
        """Yield the rows as CSV, with a head."""
        yield "time,series,mean," + ",".join(INTERVALS)
        for row in self.rows():
            series = str(row["series"])
            series = '"' + series.replace('"', '""') + '"' if any(c in series for c in ',"\n') else series
            numbers = [f"{value:.6g}" for name, value in row.items() if name not in ("time", "series")]
            yield ",".join([str(row["time"]), series, *numbers])


@dataclass(frozen=True)
class Forecasted(ToldValues):
    """Forecasts of every series from one origin; a row for each step of each, with its time."""

    grid: Grid
    found: Forecasts
    steps: int

    def rows(self) -> list[Row]:
        """Return a row for each step and series: `time`, `series`, `mean`, `median`, `low_80` to `high_95`."""
        rows: list[Row] = []
        for number, (series, first) in enumerate(self.found.origins.tolist()):
            for step in range(self.steps):
                row: Row = {"time": self.grid.clock.shown(first + step), "series": self.grid.series[series]}
                row["mean"] = float(self.found.mean[number, step])
                row |= {name: float(self.found.quantile(level)[number, step]) for name, level in INTERVALS.items()}
                rows.append(row)
        return rows


def predicted(
    trained: Trained, files: Sequence[Path], history: Path | None, calibrate: bool, paths: int, progress: Report
) -> Forecasted:
    """Return forecasts of the steps that a file names, which follow the history; without a file of the whole horizon.

    Raises CorpusError for a file that does not begin right after the history, has gaps, or lacks a value that is known
    ahead; OptionError where the validation part has nothing from which intervals could be calibrated.
    """
    if len(files) > 1:
        raise CorpusError("one file of what is known ahead, at most; name no other", files[1])
    coder = SeriesCoder.load(trained.folder)
    options = trained.options
    target = tuple(options["target"]) if options["id"] else coder.series  # by name: another file may have another order
    asked = Asked(
        options["time"], target, options["id"], tuple(options["known"]), tuple(options["past"]),
        options["every"], options["start"], options["zone"],
    )  # fmt: skip
    data = trained.data() if history is None or calibrate else None
    assert data is None or isinstance(data, SeriesData)
    if history is not None:
        before = read_grid(history, asked, like=empty_grid(coder))
    else:
        assert data is not None
        before = data.source.grid
    begin = _end(before)
    if begin < 1:
        raise CorpusError("has no value from which a forecast could go on", before.name)
    before = _cut(before, begin)
    if not files:
        if asked.known:
            first = before.clock.shown(begin)
            told = f"--known {asked.known[0]}: give a file with it for the {coder.horizon} steps from {first} on"
            raise CorpusError(told, trained.folder)
        ahead, steps = None, coder.horizon
    else:
        ahead = _ahead(files[0], asked, before, coder, begin)
        steps = min(coder.horizon, ahead.steps)
    stretch = None
    if calibrate:
        assert data is not None
        stretch = calibration(trained.model, data.source, "--calibrate", paths, progress)
    known = {} if ahead is None else {each.name: each.values for each in ahead.covariates}
    grid = extended(before, max(coder.horizon, 0 if ahead is None else ahead.steps), known)
    source = reopened(coder, grid, options["decoder"])
    origins = np.stack([np.arange(len(coder.series)), np.full(len(coder.series), begin)], 1)
    found = forecast(trained.model, source, origins, paths=paths, progress=progress)
    return Forecasted(grid, found if stretch is None else stretch.applied(found), steps)


def _end(grid: Grid) -> int:
    """Return the step after the last that has a value."""
    there = np.flatnonzero((~np.isnan(grid.values)).any(0))
    return int(there[-1]) + 1 if len(there) else 0


def _cut(grid: Grid, steps: int) -> Grid:
    covariates = tuple(replace(each, values=each.values[:, :steps]) for each in grid.covariates)
    return replace(grid, values=grid.values[:, :steps], covariates=covariates)


def _ahead(path: Path, asked: Asked, before: Grid, coder: SeriesCoder, begin: int) -> Grid:
    """Return what is known ahead; CorpusError where it does not follow the history without a gap."""
    asked = replace(asked, past=())
    empty = empty_grid(coder)
    like = replace(empty, covariates=tuple(each for each in empty.covariates if each.known))
    if coder.clock.unit == "row" or (asked.time is None and asked.start is not None):
        raise CorpusError(
            "a future file needs time stamps, and what was learnt has none; forecast without a file", path
        )
    found = read_grid(path, asked, like=like, ahead=True)
    first = (found.clock.start - before.clock.start) // before.clock.count
    wanted = before.clock.shown(begin)
    if first != begin:
        what = "begins at" if first > begin else "begins before the end of the history, at"
        raise CorpusError(f"{what} {found.clock.shown(0)}; its first row has to be {wanted}", path)
    for each in found.covariates:
        missing = np.isnan(each.values) if each.names is None else each.values < 0
        if missing.any() and each.names is None:
            step = int(np.argwhere(missing)[0][1])
            raise CorpusError(f"{each.name} is missing at {found.clock.shown(step)}, and has to be known ahead", path)
    return replace(found, covariates=tuple(_carried_on(each, before, found, begin) for each in found.covariates))


def _carried_on(covariate: Covariate, before: Grid, ahead: Grid, begin: int) -> Covariate:
    """Return a covariate of the steps ahead; where one that is named at midnight alone goes on within a day, that day
    is what it was in the history."""
    if not covariate.daily:
        return covariate
    today = before.clock.times(np.array(begin - 1)).astype("datetime64[D]")
    same = ahead.clock.times(np.arange(ahead.steps)).astype("datetime64[D]") == today
    last = next(each for each in before.covariates if each.name == covariate.name).values[:, -1:]
    return replace(covariate, values=np.where(same, last, covariate.values))
