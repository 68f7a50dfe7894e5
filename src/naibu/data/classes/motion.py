"""How something moves, from where it was when: speed, acceleration, bearing, turn, by the formulas that stand here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.data.events import Array

EARTH = 6_371_008.8
"""The mean radius of the earth in metres (IUGG)."""
FEATURES = {
    "speed": ("speed",),
    "acceleration": ("acceleration",),
    "bearing": ("bearing_sine", "bearing_cosine"),
    "turn": ("turn",),
}
"""What can be computed, and the channels that it gives."""


def great_circle(latitude: Array, longitude: Array) -> tuple[Array, Array]:
    """Return distance in metres and bearing in degrees from each point to the next, float64 [point - 1].

    latitude, longitude: degrees [point]. The distance is the haversine, 2 R asin sqrt(sin²(Δφ/2) + cos φ₁ cos φ₂
    sin²(Δλ/2)) with the mean radius R of the earth; the bearing atan2(sin Δλ cos φ₂, cos φ₁ sin φ₂ - sin φ₁ cos φ₂ cos
    Δλ), from 0 (north) over 90 (east) to 360. Where two points are one the bearing is NaN.
    """
    phi, lam = np.radians(latitude), np.radians(longitude)
    first, second, east = phi[:-1], phi[1:], np.diff(lam)
    half = np.sin(np.diff(phi) / 2) ** 2 + np.cos(first) * np.cos(second) * np.sin(east / 2) ** 2
    distance = 2 * EARTH * np.arcsin(np.sqrt(np.minimum(half, 1)))
    across = np.sin(east) * np.cos(second)
    along = np.cos(first) * np.sin(second) - np.sin(first) * np.cos(second) * np.cos(east)
    bearing = np.degrees(np.arctan2(across, along)) % 360
    return distance, np.where(distance > 0, bearing, np.nan)


def plane(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the same of points in a plane, x to the right (90 degrees) and y ahead (0 degrees), in their unit."""
    right, ahead = np.diff(x), np.diff(y)
    distance = np.hypot(right, ahead)
    return distance, np.where(distance > 0, np.degrees(np.arctan2(right, ahead)) % 360, np.nan)


def moving(distance: Array, bearing: Array, seconds: Array, features: Sequence[str]) -> Array:
    """Return the channels of the features asked for, float64 [point channel].

    distance, bearing: from each point to the next, [point - 1]. seconds: time of each point [point], rising.

    With d and θ from the point before and Δt the seconds since it: `speed` v = d / Δt, of the first point that of the
    second; `acceleration` (v - v before) / Δt, 0 at the first two; `bearing` as sine and cosine of θ, 0 and 0 where it
    stands still and at the first point; `turn` θ - θ before, in degrees from -180 to 180, 0 where either is not known.
    """
    gap = np.diff(seconds)
    speed = distance / gap
    speed = np.concatenate([speed[:1], speed]) if len(speed) else np.zeros(len(seconds))
    theta = np.concatenate([[np.nan], bearing])
    turn = (np.diff(theta, prepend=np.nan) + 180) % 360 - 180
    found = {
        "speed": [speed],
        "acceleration": [np.concatenate([[0.0], np.diff(speed) / gap])],
        "bearing": [np.nan_to_num(np.sin(np.radians(theta))), np.nan_to_num(np.cos(np.radians(theta)))],
        "turn": [np.nan_to_num(turn)],
    }
    return np.stack([channel for name in features for channel in found[name]], axis=1)


def channels_of(features: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the channels that `moving` gives."""
    return tuple(channel for name in features for channel in FEATURES[name])
