"""What is told of the values that are missing in a table, as rows of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naibu.data.recovery import RecoveryData, RecoveryWindows
from naibu.data.recovery_coder import RecoveryCoder
from naibu.data.recovery_reading import RecoverySource
from naibu.data.series_grid import Asked, Grid, read_grid
from naibu.data.series_table import read_table
from naibu.errors import CorpusError
from naibu.generation.forecasts import Forecasts
from naibu.generation.recovering import recovered
from naibu.models.forecaster import INTERVALS
from naibu.progress import Report
from naibu.shown import Row
from naibu.tasks.series_prediction import ToldValues
from naibu.tasks.task import Trained


@dataclass(frozen=True)
class Filled(ToldValues):
    """What is told of every missing value of a table; what is there has no row."""

    grid: Grid
    found: Forecasts

    def rows(self) -> list[Row]:
        """Return a row for each missing value, by time: `time`, `series`, `mean`, `median`, `low_80` to `high_95`."""
        levels = {name: self.found.quantile(level)[:, 0] for name, level in INTERVALS.items()}
        rows: list[Row] = []
        for number, (series, step) in enumerate(self.found.origins.tolist()):
            row: Row = {"time": self.grid.clock.shown(step), "series": self.grid.series[series]}
            row["mean"] = float(self.found.mean[number, 0])
            rows.append(row | {name: float(values[number]) for name, values in levels.items()})
        return rows


def filled(trained: Trained, files: Sequence[Path], progress: Report) -> Filled:
    """Return what is told of the values that are missing in a file, without any in what the network learnt from.

    Raises CorpusError for a file that cannot be read, or has other series.
    """
    if len(files) > 1:
        raise CorpusError("one file at a time; name no other", files[1])
    if files:
        source = RecoverySource.of(_read(files[0], trained), RecoveryCoder.load(trained.folder))
    else:
        data = trained.data()
        assert isinstance(data, RecoveryData)
        source = data.source
    windows = RecoveryWindows(source, (0, source.grid.steps), ())
    gaps = [windows.missing(np.array([number])).any() for number in range(len(windows))]
    return Filled(
        source.grid, recovered(trained.model, windows.subset(np.array(gaps)), missing=True, progress=progress)
    )


def _read(path: Path, trained: Trained) -> Grid:
    """Return the series of a file on the clock of what was learnt, in its order."""
    coder, options = RecoveryCoder.load(trained.folder).levels, trained.options
    wide = options["id"] is None
    lacking = [name for name in coder.series if name not in read_table(path).columns] if wide else []
    if lacking:
        told = (
            f"has no column {lacking[0]}; the network learnt {len(coder.series)} series, {', '.join(coder.series[:8])}"
        )
        raise CorpusError(told, path)
    columns = coder.series if wide else tuple(options["target"])
    asked = Asked(options["time"], columns, options["id"], (), (), options["every"], options["start"], options["zone"])
    return read_grid(path, asked, like=Grid("", coder.clock, coder.series, np.zeros((len(coder.series), 0))))
