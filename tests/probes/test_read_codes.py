"""What the controls of a label know of numbers that are read: the value in bins."""

from __future__ import annotations

import numpy as np
import pytest

from naibu.probes.baseline import baselines
from naibu.probes.search import search
from naibu.probes.source import BINS, read_codes
from naibu.recording.index import Index, fixed_columns
from naibu.recording.recording import Recording
from naibu.recording.store import Live


def recorded(value, label, units):
    """A recording of 40 sequences of 50 steps, half of them of training."""
    columns = fixed_columns(0, np.full(40, 50), np.repeat([0, 2], 20), False)
    columns |= {"input.value": value.astype(np.float32), "label.y": label.astype(np.float32)}
    store = Live(lambda _: {("lstm.0", "cell"): units.astype(np.float16)}, [(0, 2000)], "float16")
    return Recording(Index(columns), {("lstm.0", "cell"): units.shape[1]}, store)


def test_a_number_is_told_by_its_bin_and_missing_ones_apart():
    value = np.random.default_rng(1).normal(size=2000)
    value[::10] = np.nan
    recording = recorded(value, value, np.zeros((2000, 2)))
    codes = read_codes(recording.index)
    assert set(codes.tolist()) == set(range(BINS + 1))
    assert (codes[::10] == BINS).all()
    there = ~np.isnan(value)
    order = np.argsort(value[there])
    assert (np.diff(codes[there][order]) >= 0).all()
    counts = np.bincount(codes[:1000], minlength=BINS)[:BINS]
    assert counts.max() - counts.min() <= 2


def test_an_echo_of_the_input_is_no_better_than_its_control():
    rng = np.random.default_rng(2)
    value = rng.normal(size=2000)
    units = np.stack([value, rng.normal(size=2000)], 1)
    (echo,) = search(recorded(value, value**3, units), permutations=9, resamples=50).found
    assert echo.best.scores.test.value == pytest.approx(1, abs=0.01)
    assert echo.symbol.test.value > 0.98
    clock = np.arange(2000) % 24.0
    (own,) = search(recorded(value, clock, np.stack([clock, value], 1)), permutations=9, resamples=50).found
    assert own.best.scores.test.value == pytest.approx(1, abs=0.01)
    assert abs(own.symbol.test.value) < 0.2
    assert baselines(recorded(value, np.round(value), units), "y").of("1-gram").scores.test.value > 0.9
