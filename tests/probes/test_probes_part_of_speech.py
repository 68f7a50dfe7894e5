"""One part of speech against another: the fit against scikit-learn, paired differences, controls, guards."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fake_recording import FakeLabel, FakeRecording, fake_recording
from naibu.errors import OptionError
from naibu.probes import tables
from naibu.probes.logistic import PRICES, Standard, fit_logistic, ridge
from naibu.probes.part_of_speech import choose_values, part_of_speech
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.storage import as_json

UPDATE, CELL, COPY = ("lstm.0", "update"), ("lstm.0", "cell"), ("lstm.0", "candidate")


def words(knows: bool = True, seed: int = 3) -> FakeRecording:
    """The update knows the part of speech well, the cell in part, the candidate is the update again."""
    recording = fake_recording(150, types=60, seed=seed)
    draw = np.random.default_rng(seed)
    tag = (draw.random(recording.tokens) < 0.35).astype(np.int32) + 1
    other = draw.random(recording.tokens) < 0.3
    tag[other] = draw.integers(3, 5, int(other.sum()))
    tag[(recording.index.position == 0)] = -1
    own = np.random.default_rng(seed if knows else seed + 77)
    noise = own.normal(size=(2, recording.tokens, 6))
    if knows:
        noise[0][:, 2] += 3.0 * (tag == 2)
        noise[1][:, 2] += 1.0 * (tag == 2)
    arrays = {UPDATE: noise[0].astype(np.float16), CELL: noise[1].astype(np.float16)}
    arrays[COPY] = arrays[UPDATE].copy()
    names = ("X", "NN", "VB", "VBD", "VBZ")
    return replace(recording, arrays=arrays).with_labels(part_of_speech=FakeLabel(tag, names))


@pytest.fixture(scope="module")
def found() -> PartOfSpeech:
    return part_of_speech(words(), untrained=words(knows=False), resamples=200)


def test_ridge_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(0)
    x = draw.normal(size=(900, 7)) * np.array([1, 5, 0.1, 1, 1, 2, 0]) + np.arange(7)
    score = x[:, 0] + 4 * x[:, 2] + draw.normal(size=900)
    y = (score > np.median(score) + 0.5).astype(float)
    standard = Standard.of(x)
    z = standard.apply(x)
    assert np.all(z[:, 6] == 0)  # a unit that never changes
    np.testing.assert_allclose(z[:, :6].std(axis=0), 1, atol=1e-4)
    for price in (0.1, 0.001):
        theirs = LogisticRegression(C=1 / (price * len(y)), tol=1e-10, max_iter=1000).fit(z, y)
        ours = ridge(z, y, price, np.zeros(8))
        np.testing.assert_allclose(ours[:-1], theirs.coef_[0], atol=2e-3)
        assert ours[-1] == pytest.approx(theirs.intercept_[0], abs=2e-3)
        fit = standard.raw(ours[:-1], float(ours[-1]), price)
        np.testing.assert_allclose(x @ fit.weights + fit.intercept, z @ ours[:-1] + ours[-1], atol=1e-3)


def test_price_is_chosen_on_held_rows() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(300, 80)).astype(np.float32)
    y = (x[:, 0] + 1.5 * draw.normal(size=300) > 0).astype(float)
    held = np.arange(300) % 5 == 0
    chosen = fit_logistic(x, y, held)
    standard = Standard.of(x)
    z = standard.apply(x)
    losses = []
    for price in PRICES:
        v = ridge(z[~held], y[~held], price, np.zeros(81))
        score = z[held] @ v[:-1] + v[-1]
        losses.append(np.mean(np.logaddexp(0, score) - y[held] * score))
    assert chosen.price == PRICES[int(np.argmin(losses))]
    assert chosen.price > min(PRICES)  # 80 units for 300 rows: the cheapest price would follow the noise
    sparse = fit_logistic(x, y, held, penalty="l1")
    assert 0 < sparse.nonzero < 80
    assert sparse.weights[0] == max(sparse.weights, key=abs)


def test_the_better_signal_is_found(found: PartOfSpeech) -> None:
    assert found.values == ("VB", "NN")
    update, cell = found.of("update"), found.of("cell")
    assert update is not None
    assert cell is not None
    assert update.accuracy.test.value > 0.9 > cell.accuracy.test.value
    difference = found.difference("update", "cell")
    assert difference is not None
    assert difference.scores.test.value == pytest.approx(update.accuracy.test.value - cell.accuracy.test.value)
    assert difference.scores.test.low > 0
    assert difference.untrained is not None
    assert difference.untrained.test.low <= 0 <= difference.untrained.test.high
    copy = found.difference("update", "candidate")
    assert copy is not None
    # Paired: the same vectors differ in no resample.
    assert (copy.scores.test.value, copy.scores.test.low, copy.scores.test.high) == (0, 0, 0)


def test_paired_interval_is_narrower_than_two_apart(found: PartOfSpeech) -> None:
    update, cell = found.of("update"), found.of("cell")
    difference = found.difference("update", "cell")
    assert update is not None
    assert cell is not None
    assert difference is not None
    low = update.accuracy.test.low - cell.accuracy.test.high
    high = update.accuracy.test.high - cell.accuracy.test.low
    assert low < difference.scores.test.low < difference.scores.test.high < high


def test_controls_and_selectivity(found: PartOfSpeech) -> None:
    majority = found.baseline("majority").scores.test.value
    for s in found.signals:
        untrained, random = s.controls.untrained, s.controls.random_label
        assert untrained is not None
        assert random is not None
        assert s.selectivity is not None
        assert untrained.test.value == pytest.approx(majority, abs=0.03)
        assert s.selectivity.test.value == pytest.approx(s.accuracy.test.value - random.test.value)
    tags = np.array(["X", "NN", "VB", "VBD", "VBZ", ""])[words().index.label("part_of_speech").values]
    rows = (words().index.split == 2) & np.isin(tags, ["VB", "NN"])
    counts = Counter(tags[rows])
    assert found.counts == (counts["VB"], counts["NN"])
    assert majority == pytest.approx(max(counts.values()) / rows.sum())
    assert found.signals[0].accuracy.test.n == rows.sum()
    assert found.told_by is None


def test_test_rows_are_not_fitted_on(found: PartOfSpeech) -> None:
    recording = words()
    label = recording.index.label("part_of_speech")
    swap = (recording.index.split == 2) & np.isin(label.values, (1, 2))
    swapped = np.where(swap, 3 - label.values, label.values).astype(np.int32)
    other = part_of_speech(recording.with_labels(part_of_speech=FakeLabel(swapped, label.names)), resamples=20)
    one, two = found.of("update"), other.of("update")
    assert one is not None
    assert two is not None
    assert one.price == two.price
    assert two.accuracy.test.value == pytest.approx(1 - one.accuracy.test.value)


def test_saved_and_read_back(found: PartOfSpeech, tmp_path: object) -> None:
    tables.save(found, str(tmp_path), "part_of_speech")
    again = tables.load(PartOfSpeech, str(tmp_path), "part_of_speech")
    assert as_json(again) == as_json(found)
    statistics = {row["statistic"] for row in found.rows()}
    assert {"accuracy", "selectivity", "accuracy minus cell", "untrained accuracy minus cell", "2-gram"} <= statistics


def test_l1_uses_fewer_units() -> None:
    found = part_of_speech(words(), penalty="l1", keys=(UPDATE,), resamples=20)
    assert found.signals[0].nonzero <= 6
    assert found.signals[0].accuracy.test.value > 0.9
    assert not found.differences


def test_names_and_groups() -> None:
    recording = words()
    assert choose_values(recording, "part_of_speech", None) == (("VB",), ("NN",))
    assert choose_values(recording, "part_of_speech", ("VB*", "NN")) == (tuple(sorted(_there(recording))), ("NN",))
    assert choose_values(fake_recording(), "kind", None) is not None  # neither VB nor NN: the two most frequent
    with pytest.raises(OptionError, match="never takes the value 'JJ'"):
        choose_values(recording, "part_of_speech", ("VB", "JJ"))
    with pytest.raises(OptionError, match="names in common"):
        choose_values(recording, "part_of_speech", ("VB*", "VB"))
    with pytest.raises(OptionError, match="the symbol itself is the tag"):
        choose_values(recording, "no_such_label", None)
    with pytest.raises(OptionError, match="choose l1 or l2"):
        part_of_speech(recording, penalty="l3")


def _there(recording: FakeRecording) -> set[str]:
    label = recording.index.label("part_of_speech")
    return {(label.names or ())[k] for k in set(label.values.tolist()) if k >= 0} - {"NN", "X"}


def test_a_symbol_that_gives_it_away_is_said() -> None:
    recording = words()
    told = (np.append(0, recording.index.symbol[:-1]) % 2 + 1).astype(np.int32)
    told[recording.index.position == 0] = -1
    names = ("X", "NN", "VB")
    found = part_of_speech(recording.with_labels(part_of_speech=FakeLabel(told, names)), keys=(UPDATE,), resamples=20)
    assert found.told_by == "the symbol before"
    assert found.baseline("symbol before").scores.test.value == 1
