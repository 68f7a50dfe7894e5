"""Values that heap up at levels, told from smooth ones; the untrained network's distributions; older files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import fake_results as fake
from fake_recording import FakeRecording, fake_recording
from naibu import probes
from naibu.probes import tables
from naibu.probes.levels import PLACES
from resealed import without_seal


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return fake_recording()


def _of_values(values: np.ndarray, signal: str) -> tuple[FakeRecording, tuple[str, str]]:
    """A recording whose one signal has these values, cut or repeated to its tokens."""
    recording, key = fake_recording(), ("lstm.0", signal)
    array = np.resize(values, (recording.tokens, 6)).astype(np.float32)
    return replace(recording, arrays={key: array}), key


def test_shares_near_levels_are_those_counted_by_hand() -> None:
    draw = np.random.default_rng(3)
    recording, key = _of_values(draw.normal(0, 1.5, 50_000), "cell")
    levels = probes.distributions(recording, keys=(key,), resamples=20).signals[0].levels
    assert levels is not None
    x = recording.arrays[key][recording.index.split == 2].astype(np.float64)
    for level in levels.places:
        assert level.place is not None
        far = np.abs(x - level.place)
        assert level.share.value == pytest.approx((far <= 0.1).mean(), abs=1e-6)
        assert level.beside == pytest.approx(((far > 0.1) & (far <= 0.2)).mean(), abs=1e-6)
        assert level.excess.value == pytest.approx(level.share.value - level.beside, abs=1e-6)
        curve = stats.norm(x.mean(), x.std())
        assert level.normal == pytest.approx(curve.cdf(level.place + 0.1) - curve.cdf(level.place - 0.1), abs=1e-6)
        assert abs(level.share.value - level.normal) < 0.02  # these are normal
        assert level.untrained_share is None
    together = levels.together
    assert together.place is None
    assert together.share.value == pytest.approx(sum(level.share.value for level in levels.places))


@pytest.mark.parametrize(("signal", "there"), [("update", "−1, 0 and 1"), ("hidden", "−1, −0.762, 0, 0.762 and 1")])
def test_levels_are_found_where_they_are_and_not_in_what_is_smooth(signal: str, there: str) -> None:
    draw = np.random.default_rng(4)
    places, within = PLACES[signal]
    stepped = draw.choice(places, 50_000) + draw.normal(0, within / 4, 50_000)
    smooth = draw.uniform(-1, 1, 50_000)
    trained, key = _of_values(np.clip(stepped, -1, 1), signal)
    plain, _ = _of_values(smooth, signal)
    hump, _ = _of_values(np.clip(draw.laplace(0, 0.05, 50_000), -1, 1), signal)
    for recording, untrained, words in (
        (trained, plain, f"than untrained at {there}."),
        (plain, hump, "levels other than 0 are not shown"),
        (hump, plain, "levels other than 0 are not shown"),
        (trained, trained, "levels other than 0 are not shown"),
    ):
        result = probes.distributions(recording, untrained=untrained, keys=(key,), resamples=100)
        section = fake.bare(distributions=result).section("distributions")
        assert words in section.says
        assert "Levels: values near the places" in "".join(section.tables)
    signal_found = probes.distributions(trained, untrained=plain, keys=(key,), resamples=20).signals[0]
    assert signal_found.levels is not None
    assert signal_found.levels.together.share.value > 0.95
    assert len(signal_found.peaks) == len(places)
    assert signal_found.levels.together.untrained_excess is not None
    assert signal_found.untrained_peaks != signal_found.peaks


def test_the_untrained_gates_have_their_own_beta(recording: FakeRecording) -> None:
    key = ("lstm.0", "forget_gate")
    other = replace(recording, arrays={key: np.random.default_rng(1).beta(8, 8, (recording.tokens, 12))})
    both = probes.distributions(recording, untrained=other, keys=(key,), resamples=10).signals[0]
    alone = probes.distributions(other, keys=(key,), resamples=10).signals[0]
    assert both.untrained_beta == alone.beta
    assert both.beta is not None
    assert both.untrained_beta is not None
    assert both.untrained_beta.a.value == pytest.approx(8, rel=0.1)
    assert both.beta.a.value == pytest.approx(2, rel=0.1)


def test_distributions_stored_before_there_were_levels_are_read(recording: FakeRecording, tmp_path: Path) -> None:
    result = probes.distributions(recording, untrained=recording, resamples=10)
    tables.save(result, tmp_path, "new")
    assert tables.load(probes.Distributions, tmp_path, "new").rows() == result.rows()

    def former(stored: dict[str, Any]) -> None:
        for signal in stored["value"]["signals"]:
            del signal["levels"], signal["untrained_beta"], signal["untrained_peaks"]

    without_seal(tmp_path / "new.json", former)
    old = tables.load(probes.Distributions, tmp_path, "new")
    assert all(s.levels is None and s.untrained_peaks == () for s in old.signals)
    section = fake.bare(distributions=old).section("distributions")
    assert "Levels" not in "".join(section.tables)
