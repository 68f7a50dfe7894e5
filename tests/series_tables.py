"""Small tables of series for the tests."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

START = datetime(2024, 3, 4)  # a Monday
HOLIDAYS = (datetime(2024, 3, 13), datetime(2024, 4, 9))


def volumes(hours, seed):
    """Whole numbers with a day and a week in them."""
    rng, hour = np.random.default_rng(seed), np.arange(hours)
    day = 60 + 40 * np.sin(2 * np.pi * (hour % 24 - 8) / 24)
    weekend = np.where(hour // 24 % 7 >= 5, 0.5, 1.0)
    return np.round(np.maximum(0, day * weekend + 5 * rng.standard_normal(hours))).astype(int)


def hourly(hours, seed=1, gaps=True):
    """A CSV of hours: time, volume, temperature, holiday; a value and some rows are missing, one comes twice."""
    rng = np.random.default_rng(seed + 100)
    lines = ["time,volume,temperature,holiday"]
    for k, value in enumerate(volumes(hours, seed).tolist()):
        when = START + timedelta(hours=k)
        named = "Feast" if when in HOLIDAYS else "None"
        if gaps and 200 <= k < 209:
            continue
        shown = "" if gaps and k % 97 == 50 else value
        row = f"{when:%Y-%m-%d %H:%M:%S},{shown},{10 + 5 * rng.standard_normal():.2f},{named}"
        lines += [row, row] if gaps and k == 300 else [row]
    return "\n".join(lines) + "\n"


def sensors(hours=600, count=4, seed=2, gaps=True):
    """A CSV of hours: time and series that go up and down together; some values are missing."""
    rng, hour = np.random.default_rng(seed), np.arange(hours)
    common = np.convolve(rng.standard_normal(hours + 11), np.ones(12), "valid")
    day = 20 * np.sin(2 * np.pi * (hour % 24) / 24)
    lines = ["time," + ",".join(f"s{k}" for k in range(count))]
    values = [50 + 10 * k + day + 4 * common + rng.standard_normal(hours) for k in range(count)]
    for k in range(hours):
        when = START + timedelta(hours=k)
        shown = [f"{row[k]:.2f}" for row in values]
        shown = ["" if gaps and rng.random() < 0.04 else each for each in shown]
        lines.append(",".join([f"{when:%Y-%m-%d %H:%M:%S}", *shown]))
    return "\n".join(lines) + "\n"
