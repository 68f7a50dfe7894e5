"""GPS trips with modes of transport in the layout of GeoLife: a folder a user, `Trajectory/*.plt` and `labels.txt`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from naibu.data.classes import motion
from naibu.data.classes.rows import Row, Rows
from naibu.data.classes.texts import numbered_lines, read_text
from naibu.data.events import Array
from naibu.data.files import SourceFile
from naibu.errors import CorpusError

HEAD = 6
"""Lines before the first point of a .plt file."""
GAP = 20 * 60.0
"""Seconds without a point after which another trip begins (Zheng et al. 2008)."""
FEWEST = 10
"""Points of a trip at least."""
FEATURES = ("speed", "acceleration", "bearing", "turn")
_STAMP = "%Y/%m/%d %H:%M:%S"

Notes = list[tuple[str, str]]


def read_geolife(files: Sequence[SourceFile], features: Sequence[str], notes: Notes) -> Rows:
    """Return a trip for each stretch of a user's points that a line of `labels.txt` gives a mode; users without one are
    left aside, and so are points outside all stretches.

    A stretch is cut where 20 minutes have no point; what has fewer than 10 points is left aside. Read at every point is
    what `motion.moving` computes. Trips of one user are a group: they are all in one part.
    """
    features = tuple(features or FEATURES)
    if wrong := [name for name in features if name not in motion.FEATURES]:
        raise CorpusError(f"--features {wrong[0]}: of GeoLife there are {', '.join(motion.FEATURES)}")
    users: dict[Path, list[SourceFile]] = {}
    labels: dict[Path, SourceFile] = {}
    for file in files:
        path = Path(file.name)
        if path.name == "labels.txt":
            labels[path.parent] = file
        elif path.suffix == ".plt":
            users.setdefault(path.parent.parent if path.parent.name == "Trajectory" else path.parent, []).append(file)
    rows, short, twice, outside = list[Row](), 0, 0, 0
    for group, (user, tracks) in enumerate(sorted(users.items())):
        if user not in labels:
            continue
        points = np.concatenate([_points(track, notes) for track in tracks])
        seconds, first = np.unique(points[:, 0], return_index=True)
        twice, points, used = twice + len(points) - len(seconds), points[first], np.zeros(len(first), bool)
        for line, begin, end, mode in _labels(labels[user], notes):
            inside = slice(*np.searchsorted(seconds, [begin, end + 1e-3]).tolist())
            used[inside] = True
            here = points[inside]
            for trip in np.split(here, np.flatnonzero(np.diff(here[:, 0]) > GAP) + 1):
                if len(trip) < FEWEST:
                    short += 1
                    continue
                distance, bearing = motion.great_circle(trip[:, 1], trip[:, 2])
                values = motion.moving(distance, bearing, trip[:, 0], features)
                rows.append(Row(values, mode, labels[user].name, line, group))
        outside += int((~used).sum())
    if not rows:
        raise CorpusError(
            "no trip with a mode: there is no labels.txt beside the folder Trajectory, or none of its "
            "stretches has points",
            files[0].name if files else None,
        )
    missing = len(set(users) - set(labels))
    counted = (
        (missing, "users without labels.txt left aside"),
        (outside, "points outside all labelled stretches left aside"),
        (twice, "points left out: the user has one at the same time"),
        (short, f"stretches of fewer than {FEWEST} points left aside"),
    )
    if some := "; ".join(f"{number:,} {what}" for number, what in counted if number):
        notes.append(("GeoLife", some))
    notes.append(("computed", ", ".join(motion.channels_of(features))))
    return Rows("numbers", "geolife", rows, motion.channels_of(features), notes)


def _points(file: SourceFile, notes: Notes) -> Array:
    """Return time in seconds, latitude and longitude of every point, float64 [point 3]."""
    found = list[tuple[float, float, float]]()
    for number, line in numbered_lines(read_text(file, notes)):
        if number <= HEAD:
            continue
        cells = line.strip().split(",")
        try:
            latitude, longitude = float(cells[0]), float(cells[1])
            seconds = _seconds(f"{cells[5]} {cells[6]}", "%Y-%m-%d %H:%M:%S")
        except (ValueError, IndexError):
            raise CorpusError(
                "not a point: latitude, longitude, 0, altitude, days, date, time", file.name, number
            ) from None
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            notes.append(("left aside", f"{file.name}, line {number}: no place on earth"))
            continue
        found.append((seconds, latitude, longitude))
    return np.array(found).reshape(-1, 3)


def _labels(file: SourceFile, notes: Notes) -> list[tuple[int, float, float, str]]:
    """Return line, begin, end in seconds, and mode of every stretch."""
    found = []
    for number, line in numbered_lines(read_text(file, notes)):
        if line.lower().startswith("start time"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        try:
            begin, end, mode = _seconds(cells[0], _STAMP), _seconds(cells[1], _STAMP), cells[2]
        except (ValueError, IndexError):
            raise CorpusError(
                "not a stretch: start, end (2008/04/02 11:24:21) and mode, with tabs between them", file.name, number
            ) from None
        if end < begin or not mode:
            raise CorpusError("a stretch that ends before it begins, or has no mode", file.name, number)
        found.append((number, begin, end, mode))
    return found


def _seconds(stamp: str, form: str) -> float:
    return datetime.strptime(stamp, form).replace(tzinfo=UTC).timestamp()
