"""What is known of every step of a drawing without any network: pen, direction, stroke, place."""

from __future__ import annotations

import numpy as np

from naibu.data.examples import Array, Column

SECTORS = ("right", "down right", "down", "down left", "left", "up left", "up", "up right")
"""Directions of an eighth of the circle each, the middle of the first being the growing x; y grows downwards."""
LABELS = (
    "pen_up", "direction", "direction_sine", "direction_cosine", "stroke", "since_pen_up", "strokes_left",
    "points_left", "x", "y",
)  # fmt: skip


def label_of(name: str, points: Array, starts: Array) -> Column:
    """Return a label of every step, as it is after what is read there: nothing at the first step of a drawing, then
    each point but the last.

    points: `[point 3]` in the data's units, starts: int64 [drawing + 1].
    """
    begins = np.zeros(len(points), bool)
    begins[starts[:-1]] = True
    read = np.roll(points, 1, 0)
    read[begins] = 0, 0, 1  # as if the pen had been lifted
    first = np.repeat(starts[:-1], np.diff(starts))
    last = np.repeat(starts[1:], np.diff(starts)) - 1
    up = read[:, 2] > 0
    if name == "pen_up":
        return Column(up.astype(np.int32))
    if name.startswith("direction"):
        return _direction(name, read[:, :2])
    strokes = np.cumsum(points[:, 2] > 0)  # that have ended, up to the point that follows
    before = np.where(first > 0, strokes[first - 1], 0)
    ended = np.where(begins, 0, np.roll(strokes, 1) - before)
    if name == "stroke":
        return Column(ended.astype(np.int32))
    if name == "strokes_left":
        return Column((strokes[last] - before - ended).astype(np.int32))
    place = np.arange(len(points))
    if name == "since_pen_up":
        return Column((place - np.maximum.accumulate(np.where(up, place, 0))).astype(np.int32))
    if name == "points_left":
        return Column((last - place + 1).astype(np.int32))
    sums = np.cumsum(np.where(begins[:, None], 0, read[:, :2]), 0)
    where = sums - sums[first]
    return Column(where[:, ("x", "y").index(name)].astype(np.float32))


def _direction(name: str, offsets: Array) -> Column:
    """Return the direction of the pen's last move, also that through the air; none where it did not move."""
    still = (offsets == 0).all(1)
    angle = np.arctan2(offsets[:, 1], offsets[:, 0])
    if name == "direction":
        sector = np.rint(angle / (2 * np.pi / len(SECTORS))).astype(np.int32) % len(SECTORS)
        return Column(np.where(still, -1, sector).astype(np.int32), SECTORS)
    wave = np.sin(angle) if name == "direction_sine" else np.cos(angle)
    return Column(np.where(still, np.nan, wave).astype(np.float32))
