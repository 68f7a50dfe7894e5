"""Lane changes from trajectories of vehicles in the layout of NGSIM's CSV: the seconds before a change, or before
none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from naibu.data.classes.points import number_of
from naibu.data.classes.rows import Row, Rows
from naibu.data.classes.tables import Table
from naibu.data.events import Array
from naibu.errors import CorpusError

NEEDED = ("vehicle_id", "frame_id", "local_x", "local_y", "v_vel", "v_acc", "lane_id", "space_headway", "time_headway")
CHANNELS = ("lateral", "lateral_speed", "speed", "acceleration", "space_headway", "time_headway")
FOOT = 0.3048
"""Metres of a foot, in which NGSIM measures."""
FRAMES, AHEAD = 50, 10
"""Frames (tenths of a second) of an example, and between its last one and the first in the other lane."""
NEEDED_TIME = f"no vehicle is seen for {FRAMES / 10:g} s before a change of lane, or for long enough without one"
"""What a file without an example lacks."""
NO_HEADWAY = 9_000.0
"""Seconds from which on a time headway says that there is none: 9999.99 of vehicles that stand."""


class _Track(NamedTuple):
    """One vehicle passing once: frames in order, without gaps."""

    lines: Array  # int64 [frame]
    lanes: Array  # int64 [frame]
    values: Array  # float64 [frame column], of NEEDED


def is_ngsim(table: Table) -> bool:
    """Return whether a table has the columns of NGSIM's trajectories."""
    return set(NEEDED) <= {name.strip().lower() for name in table.columns}


def read_ngsim(table: Table, notes: list[tuple[str, str]]) -> Rows:
    """Return examples of the classes left, right and keep: 5 seconds of a vehicle, up to 1 second before it is first
    seen in another lane, or in which, and in as many after, it stays in its lane.

    NGSIM counts lanes from the left, so that a change to a lower number is one to the left. Of a vehicle that stays,
    stretches do not overlap. Read at every step: `lateral`, metres to the right since the example began; its change a
    second; speed and acceleration (m/s, m/s²); headway in metres and seconds, missing where nobody is ahead. Examples
    of one vehicle are a group. Raises CorpusError for columns that are missing, and with the line for no number.
    """
    rows, gaps = list[Row](), 0
    for group, tracks in enumerate(_vehicles(table)):
        gaps += len(tracks) - 1
        for track in tracks:
            for first, label in _stretches(track.lanes):
                here = slice(first, first + FRAMES)
                rows.append(Row(_read(track.values[here]), label, table.name, int(track.lines[first]), group))
    if gaps:
        notes.append(("NGSIM", f"{gaps:,} gaps in the frames of a vehicle, at which another track begins"))
    notes.append(("NGSIM", f"{FRAMES / 10:g} s that end {AHEAD / 10:g} s before a change of lane, or are far from one"))
    return Rows("numbers", "ngsim", rows, CHANNELS, notes)


def _vehicles(table: Table) -> Iterator[list[_Track]]:
    """Yield the tracks of each vehicle; numbers of vehicles come again at other places and in other periods."""
    called = {name.strip().lower(): name for name in table.columns}
    if lacking := [name for name in NEEDED if name not in called]:
        raise CorpusError(f"no column {lacking[0]}; trajectories of NGSIM have it", table.name)
    vehicles = defaultdict[tuple[str, ...], list[tuple[float, ...]]](list)
    own = [called[name] for name in ("location", "vehicle_id", "total_frames") if name in called]
    for line, cells in table:
        numbers = (number_of(cells[called[name]], called[name], table.name, line, whole=True) for name in NEEDED)
        vehicles[tuple(cells[name] for name in own)].append((line, *numbers))
    for found in vehicles.values():
        values = np.array(found)
        _, first = np.unique(values[:, 2], return_index=True)  # by frame
        values = values[first]
        tracks = np.split(values, np.flatnonzero(np.diff(values[:, 2]) != 1) + 1)
        yield [_Track(each[:, 0].astype(np.int64), each[:, 7].astype(np.int64), each[:, 1:]) for each in tracks]


def _stretches(lanes: Array) -> Iterator[tuple[int, str]]:
    """Yield the first frame of each example of a track and its class."""
    changes = np.flatnonzero(np.diff(lanes)) + 1
    bounds = np.concatenate([[0], changes, [len(lanes)]])
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        last = end - AHEAD  # of what may be read before a change at `end`
        free = last
        if end < len(lanes):
            if last - FRAMES >= begin:
                yield last - FRAMES, "left" if lanes[end] < lanes[end - 1] else "right"
            free = end - AHEAD - FRAMES  # what stays has to be far from it
        for first in range(begin, free - 2 * FRAMES + 1, FRAMES):
            yield first, "keep"


def _read(values: Array) -> Array:
    """Return the channels of one example, float64 [frame channel], from columns of NEEDED."""
    column = {name: values[:, number] for number, name in enumerate(NEEDED)}
    x = column["local_x"] * FOOT
    space, time = column["space_headway"], column["time_headway"]
    return np.stack(
        [
            x - x[0],
            np.diff(x, prepend=x[0]) * 10,
            column["v_vel"] * FOOT,
            column["v_acc"] * FOOT,
            np.where(space > 0, space * FOOT, np.nan),
            np.where((space > 0) & (time < NO_HEADWAY), time, np.nan),
        ],
        axis=1,
    )
