"""The quick version: a few rows at full length; and, of rows asked for, shorter trials and caps of every one.

The shorter ones are chosen so that all rows together take less than three minutes in two processes. A row whose cap
lies below three times the published mean can be solved but cannot fail: its verdict says that it was cut short.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from naibu.papers.hochreiter1997.rows import Row


class Quick(NamedTuple):
    """What a row is given."""

    trials: int
    cap: int
    steps: int | None = None
    """Symbols that a trial on endless streams is given at most."""


QUICK: dict[str, Quick] = {
    "1-rtrl-3": Quick(10, 100_000),
    "1-rtrl-12": Quick(10, 3_000),
    "1-elman": Quick(10, 100_000),
    "1-rcc": Quick(10, 102_400),
    "1-lstm-4x1-0.1": Quick(10, 120_000),
    "1-lstm-3x2-0.1": Quick(10, 66_000),
    "1-lstm-3x2-0.2": Quick(10, 43_000),
    "1-lstm-4x1-0.5": Quick(10, 30_000),
    "1-lstm-3x2-0.5": Quick(10, 26_000),
    "1-lstm-3x2-0.5-today": Quick(1, 20_000),
    "1-lstm-3x2-0.5-today-chrono": Quick(1, 20_000),
    "2a-rtrl-4-1": Quick(16, 3_200_000),
    "2a-rtrl-4-4": Quick(16, 2_700_000),
    "2a-rtrl-4-10": Quick(16, 500_000),
    "2a-rtrl-10-1-10": Quick(16, 200_000),
    "2a-rtrl-100-1-10": Quick(16, 40_000),
    "2a-bptt-100-1-10": Quick(16, 50_000),
    "2a-chunker-100-1": Quick(6, 5_000),
    "2a-lstm-100-1": Quick(8, 15_200),
    "2a-lstm-100-1-today": Quick(1, 6_000),
    "2a-lstm-100-1-today-chrono": Quick(1, 6_000),
    "2b-lstm-100": Quick(8, 17_100),
    "2b-lstm-100-today": Quick(1, 6_000),
    "2b-lstm-100-today-chrono": Quick(1, 6_000),
    "2c-50-50": Quick(16, 150_000),
    "2c-50-50-today": Quick(1, 40_000),
    "2c-50-50-today-chrono": Quick(1, 40_000),
    "2c-100-100": Quick(16, 93_000),
    "2c-200-200": Quick(16, 20_000),
    "2c-500-500": Quick(16, 8_000),
    "2c-1000-1000": Quick(16, 4_000),
    "2c-1000-500": Quick(16, 4_000),
    "2c-1000-200": Quick(16, 4_000),
    "2c-1000-100": Quick(16, 4_000),
    "2c-1000-50": Quick(16, 4_000),
    "3a-100-3": Quick(10, 120_000),
    "3a-100-3-today": Quick(1, 40_000),
    "3a-100-3-today-chrono": Quick(1, 40_000),
    "3a-100-1": Quick(10, 195_000),
    "3a-1000-3": Quick(10, 8_000),
    "3b-100-3": Quick(10, 130_000),
    "3b-100-3-today": Quick(1, 40_000),
    "3b-100-3-today-chrono": Quick(1, 40_000),
    "3b-100-1": Quick(10, 240_000),
    "3b-1000-1": Quick(10, 8_000),
    "3c-100-3": Quick(10, 60_000),
    "3c-100-3-today": Quick(1, 40_000),
    "3c-100-3-today-chrono": Quick(1, 40_000),
    "3c-100-1": Quick(10, 60_000),
    "4-100": Quick(16, 150_000),
    "4-100-today": Quick(1, 40_000),
    "4-100-today-chrono": Quick(1, 40_000),
    "4-500": Quick(16, 25_000),
    "4-1000": Quick(16, 10_000),
    "5-140": Quick(16, 120_000),
    "5-13": Quick(16, 100_000),
    "5-13-today": Quick(1, 40_000),
    "5-13-today-chrono": Quick(1, 40_000),
    "6a": Quick(16, 100_000),
    "6a-today": Quick(1, 40_000),
    "6a-today-chrono": Quick(1, 40_000),
    "6b": Quick(16, 120_000),
    "6b-today": Quick(1, 40_000),
    "6b-today-chrono": Quick(1, 40_000),
    "continual-reset": Quick(16, 30_000, 500_000),
    "continual-standard": Quick(16, 30_000, 500_000),
    "continual-decay": Quick(16, 30_000, 500_000),
    "continual-forget": Quick(16, 30_000, 500_000),
    "continual-forget-decay": Quick(16, 30_000, 500_000),
}


PROOF = ("3a-100-3", "3c-100-3", "6a", "continual-reset", "continual-standard")
"""Rows that the quick version runs where none is asked for: each with the paper's trials and caps, so that what comes
out is said of the paper, and not of a few minutes."""


def quickened(row: Row) -> Row:
    """Return the row in its quick version."""
    quick = QUICK[row.key] if row.key in QUICK else _departing(QUICK[row.of])
    learning = dict(row.learning)
    if quick.steps is not None:
        learning["most_steps"] = quick.steps
    return replace(row, trials=quick.trials, cap=min(quick.cap, row.cap), learning=learning)


def _departing(quick: Quick) -> Quick:
    """Return what a departing row is given: half as long as the row that it departs from."""
    return quick._replace(cap=quick.cap // 2)
