"""Series with gaps from a file or a data frame, in three parts by time, to learn what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from naibu.data.recovery import RecoveryData, RecoveryWindows
from naibu.data.recovery_coder import coder_of
from naibu.data.recovery_reading import RecoverySource
from naibu.data.recovery_removal import block_lengths
from naibu.data.series_clock import DAY, Clock
from naibu.data.series_grid import Asked, Grid, read_grid
from naibu.data.series_opening import FRAME, divided
from naibu.errors import CorpusError
from naibu.storage import digest_of

NEIGHBOURS = 12
BLOCKS = 2
"""Steps of a window where nothing is asked for, in longest blocks."""


def open_recovery(
    source: str | Path | Any,
    *,
    time: str | None = None,
    target: str | Sequence[str] = (),
    id: str | None = None,
    window: int = 0,
    neighbours: int = NEIGHBOURS,
    every: str | None = None,
    start: str | None = None,
    zone: str | None = None,
    validation: float = 0.1,
    test: float = 0.1,
) -> RecoveryData:
    """Return series with gaps in three parts by time, the last being the test part.

    source: a CSV file (.gz too), a Parquet file, or a data frame of pandas or polars. time, target, id: its columns;
    a wide table has a target for each series, a long one an `id`. window: steps that are read at once; 0 chooses.
    neighbours: how many other series are read beside each, those that go with it most in the training part. every,
    start, zone: see `Asked`. validation, test: shares of the steps.

    Raises CorpusError for a file that cannot be used, with the line, and for series that are too short or constant;
    OptionError for a column that is not there.
    """
    columns = (target,) if isinstance(target, str) else tuple(target)
    grid = read_grid(source, Asked(time, columns, id, (), (), every, start, zone))
    parts = divided(grid, validation, test)
    window = window or min(usual_window(grid.clock), max(4, parts[0] // 2))
    if parts[0] < window:
        told = f"{parts[0]:,} steps of the training part are fewer than the {window} of a window"
        raise CorpusError(f"{told}; take a shorter --window, or more data", grid.name)
    coder = coder_of(grid, window, neighbours, parts[0])
    series = RecoverySource.of(grid, coder, parts)
    learnt, judged, held = (RecoveryWindows(series, span) for span in ((0, parts[0]), parts, (parts[1], grid.steps)))
    options = {
        "file": FRAME if not isinstance(source, str | Path) else str(source),
        "time": time,
        "target": list(columns),
        "id": id,
        "window": window,
        "neighbours": neighbours,
        "every": every,
        "start": start,
        "zone": zone,
        "validation": validation,
        "test": test,
    }
    said = {name: each for name, each in options.items() if name != "file"}
    fingerprint = digest_of(repr(said), repr(grid.clock), repr(grid.series), grid.values.tobytes())
    asks = ("gap", "hour_sine", "hour_cosine", "level") if grid.clock.per(DAY) else ("gap", "level")
    name = Path(source).name if isinstance(source, str | Path) else FRAME
    found = [*grid.found, *_found(grid, coder.neighbours, parts, window)]
    return RecoveryData(
        name, "recovery", options, learnt, judged, held, series.sizes, coder, asks, fingerprint, found, series
    )


def usual_window(clock: Clock) -> int:
    """Return the steps that are read at once where nothing is asked for: twice the longest block that is taken away."""
    return BLOCKS * block_lengths(clock)[1]


def _found(grid: Grid, many: int, parts: tuple[int, int], window: int) -> list[tuple[str, str]]:
    """Return what is said of how the series are read."""
    told = f"the {many} that go with a series most in the training part"
    if not many:
        told = "none: there is one series alone" if len(grid.series) == 1 else "none, as asked for"
    return [
        ("neighbours", told if many else f"{told}; a value is told from its own series"),
        ("window", f"{window} steps, of which the middle {max(1, window // 2)} are asked for"),
        ("validation from, test from", ", ".join(map(grid.clock.shown, parts))),
    ]
