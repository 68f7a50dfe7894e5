"""Intervals, files of results, distributions, confusion and trajectories."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, kstest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

from fake_recording import FakeRecording, fake_recording
from naibu import probes
from naibu.errors import OptionError, StoredError
from naibu.probes.distributions import NEAREST, fit_beta, peaks_of
from naibu.probes.resampling import Resampler, per_sequence, ratio
from naibu.recording import Recording

CELL = ("lstm.0", "cell")


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return fake_recording()


def test_intervals_cover_the_truth() -> None:
    """Sentences that differ in their mean: 95 % of the intervals should hold the true mean, or a little fewer."""
    covered, naive = 0, 0
    for trial in range(200):
        draw = np.random.default_rng(trial)
        means = draw.normal(size=40)
        x = np.repeat(means, 15) + 0.3 * draw.normal(size=600)
        sums = per_sequence([x, np.ones(600)], np.repeat(np.arange(40), 15))
        score = Resampler(300, trial).score(ratio, sums, 600)
        covered += score.low <= 0 <= score.high
        error = 1.96 * x.std() / np.sqrt(600)
        naive += abs(x.mean()) <= error
    assert 176 <= covered <= 200
    assert naive < 140  # tokens as if independent: the mistake the probes do not make


def test_one_sequence_has_no_interval() -> None:
    score = Resampler(10, 0).score(ratio, np.array([[1.0, 2.0]]), 2)
    assert score.value == 0.5
    assert np.isnan(score.low)
    assert np.isnan(score.high)


def test_beta_fit_agrees_with_scipy(recording: FakeRecording) -> None:
    key = ("lstm.0", "forget_gate")
    s = probes.distributions(recording, keys=(key,)).signals[0]
    train, test = recording.index.split == 0, recording.index.split == 2
    x = np.clip(recording.arrays[key][train].astype(np.float64).ravel(), NEAREST, 1 - NEAREST)
    a, b, _, _ = beta.fit(x, floc=0, fscale=1)
    assert s.beta is not None
    assert s.beta.a.value == pytest.approx(a, rel=1e-3)
    assert s.beta.b.value == pytest.approx(b, rel=1e-3)
    assert s.beta.a.low < a < s.beta.a.high
    values = recording.arrays[key][test].astype(np.float64).ravel()
    at_edges = [abs((values < e).mean() - beta(a, b).cdf(e)) for e in s.edges[:-1]]
    assert s.beta.distance.value == pytest.approx(max(at_edges), abs=2e-3)
    assert s.beta.distance.value <= kstest(values, beta(a, b).cdf).statistic + 2e-3
    assert s.counts.sum() == s.n == 12 * test.sum()


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.02), (0.5, 3.0), (1.0, 1.0), (40.0, 7.0)])
def test_beta_newton_from_anywhere(a: float, b: float) -> None:
    from scipy.special import digamma

    sums = np.array([1.0, digamma(a) - digamma(a + b), digamma(b) - digamma(a + b)])
    np.testing.assert_allclose(fit_beta(sums), (a, b), rtol=1e-6)


def test_histograms_and_peaks(recording: FakeRecording) -> None:
    result = probes.distributions(recording, untrained=fake_recording(knows=False))
    test = recording.index.split == 2
    for s in result.signals:
        x = recording.arrays[s.layer, s.signal][test].astype(np.float32).ravel()
        inner = np.histogram(x, s.edges)[0][1:-1]
        assert np.abs(s.counts[1:-1] - inner).sum() <= 0.002 * len(x)  # values on an edge
        assert s.counts.sum() == len(x)
        assert s.mean.value == pytest.approx(x.mean(), abs=1e-4)
        assert s.deviation.value == pytest.approx(x.std(), abs=1e-3)
        assert s.untrained_counts is not None
    edges = np.linspace(-1, 1, 201)
    draw = np.random.default_rng(0)
    places = np.array([-1, -0.75, 0, 0.75, 1])
    x = np.clip(draw.choice(places, 50_000) + 0.04 * draw.normal(size=50_000), -1, 1)
    found = peaks_of(np.histogram(x, edges)[0], edges)
    np.testing.assert_allclose([p.place for p in found], places, atol=0.03)
    assert sum(p.share for p in found) == pytest.approx(0.79, abs=0.06)
    one = peaks_of(np.histogram(draw.normal(size=200_000) * 0.3, edges)[0], edges)
    assert len(one) == 1
    assert peaks_of(np.zeros(200, np.int64), edges) == ()


def test_confusion_agrees_with_scikit_learn(recording: FakeRecording) -> None:
    result = probes.confusion(recording, untrained=fake_recording(knows=False), most=40)
    index = recording.index
    last = np.append(np.diff(index.sequence) != 0, True)
    rows = (index.split == 2) & ~last
    gold, predicted = np.append(index.symbol[1:], 0)[rows], index.predicted
    assert predicted is not None
    assert index.loss is not None
    said = predicted[rows]
    order = [index.symbols.index(s) for s in result.symbols if s != "others"]
    wanted = confusion_matrix(gold, said, labels=order)
    np.testing.assert_array_equal(result.counts[: len(order), : len(order)], wanted)
    assert result.counts.sum() == rows.sum()
    assert result.accuracy.test.value == pytest.approx(accuracy_score(gold, said))
    assert result.end_recall is not None
    assert result.end_precision is not None
    assert result.end_recall.test.value == pytest.approx(recall_score(gold == 1, said == 1))
    assert result.end_precision.test.value == pytest.approx(precision_score(gold == 1, said == 1))
    assert result.end_recall.test.n == (gold == 1).sum()
    assert result.loss is not None
    assert result.perplexity is not None
    assert result.loss.test.value == pytest.approx(index.loss[rows].mean(), rel=1e-5)
    assert result.perplexity.test.value == pytest.approx(np.exp(index.loss[rows].mean()), rel=1e-5)
    assert result.perplexity.test.low < result.perplexity.test.value < result.perplexity.test.high
    assert result.accuracy_controls.position is not None
    assert result.accuracy_controls.position.test.value < 0.3
    assert result.majority.test.value < 0.2


def test_confusion_shows_the_most_frequent(recording: FakeRecording) -> None:
    result = probes.confusion(recording, most=5, resamples=20)
    assert len(result.symbols) == 6
    assert result.symbols[-1] == "others"
    assert result.counts[:-1].sum(1).tolist() == sorted(result.counts[:-1].sum(1).tolist(), reverse=True)
    no_end = recording.with_index(symbols=tuple(f"x{k}" for k in range(30)))
    assert probes.confusion(no_end, resamples=20).end_recall is None
    assert probes.confusion(recording, singled_out=None, resamples=20).end_recall is None


def test_any_answer_can_be_looked_at_by_itself(recording: FakeRecording) -> None:
    result = probes.confusion(recording, most=40, singled_out="s5", resamples=20)
    place = result.symbols.index("s5")
    assert result.end == "s5"
    assert result.end_recall is not None
    assert result.end_recall.test.value == pytest.approx(result.recall[place])
    assert result.end_precision is not None
    assert result.end_precision.test.value == pytest.approx(result.precision[place])


def test_confusion_needs_predictions(recording: FakeRecording) -> None:
    with pytest.raises(OptionError, match="no predicted classes"):
        probes.confusion(recording.with_index(predicted=None))


def test_trajectories_are_the_recorded_values(recording: FakeRecording) -> None:
    result = probes.trajectories(recording, CELL, (3, 5), label="gaps")
    assert len(result.sequences) == 8
    for s in result.sequences:
        rows = recording.index.sequence == s.sequence
        assert set(recording.index.split[rows]) == {2}
        assert not s.seen
        np.testing.assert_array_equal(s.values, recording.arrays[CELL][rows][:, [3, 5]].astype(np.float32))
        np.testing.assert_array_equal(s.label, recording.index.label("gaps").values[rows])
        assert s.symbols[0] == "ST"
        assert s.symbols[-1] == "ED"
    all_of_them = probes.trajectories(recording, CELL, (3,), label="kind", sequences=1000)
    assert len(all_of_them.sequences) == 40
    assert all_of_them.label_names == ("a", "b", "c")
    with pytest.raises(OptionError, match="unit 12"):
        probes.trajectories(recording, CELL, (12,), label="depth")


def same(a: Any, b: Any) -> bool:
    if is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return type(a) is type(b) and (a == b or (isinstance(a, float) and np.isnan(a) and np.isnan(b)))


def all_results(recording: FakeRecording) -> list[Any]:
    bare = fake_recording(knows=False)
    return [
        probes.correlation(recording, "gaps", untrained=bare, resamples=20),
        probes.overlap(recording, "inside:X", untrained=bare, resamples=20),
        probes.distributions(recording, untrained=bare, resamples=20),
        probes.confusion(recording, untrained=bare, resamples=20),
        probes.trajectories(recording, CELL, (3,), label="gaps", sequences=2),
        probes.regression(recording, "depth", CELL, untrained=bare, resamples=20),
        probes.l1_path(recording, "inside:X", CELL, untrained=bare, resamples=20),
    ]


def test_saved_results_come_back_exactly(recording: FakeRecording, tmp_path: Path) -> None:
    for result in all_results(recording):
        probes.save(result, tmp_path, "result")
        assert same(probes.load(type(result), tmp_path, "result"), result), type(result).__name__
        lines = (tmp_path / "result.csv").read_text().splitlines()
        assert lines[0].startswith("run,split,layer,signal,unit,")
        assert len(lines) == len(result.rows()) + 1
        for row in result.rows():
            assert all(v is None or type(v) in (str, int, float) for v in row.values()), row
    assert sorted(p.name for p in tmp_path.iterdir()) == ["result.csv", "result.json"]


def test_missing_and_damaged_results(recording: FakeRecording, tmp_path: Path) -> None:
    with pytest.raises(StoredError, match="not found"):
        probes.load(probes.Overlap, tmp_path, "overlap")
    result = probes.correlation(recording, "depth", keys=(CELL,), resamples=20)
    probes.save(result, tmp_path, "one")
    with pytest.raises(StoredError, match="Correlation result, not"):
        probes.load(probes.Overlap, tmp_path, "one")
    stored = json.loads((tmp_path / "one.json").read_text())
    del stored["value"]["signals"][0]["pearson"]
    for text in (json.dumps(stored), '{"result": "Corr', "[]", json.dumps({"result": "Correlation", "value": 3})):
        (tmp_path / "one.json").write_text(text)
        with pytest.raises(StoredError) as caught:
            probes.load(probes.Correlation, tmp_path, "one")
        assert "\n" not in str(caught.value)


def test_a_real_recording_gives_the_same(recording: FakeRecording, tmp_path: Path) -> None:
    """The Protocol of the probes and the Recording of the package agree, in types and in numbers."""
    real = real_recording(recording)
    fake = replace(recording, path=None, pieces=1)  # one shard, as the other: sums agree in the last digit
    for probe in (probes.correlation, probes.overlap):
        label = "depth" if probe is probes.correlation else "inside:X"
        assert probe(real, label, resamples=20).rows() == probe(fake, label, resamples=20).rows()
    assert str(probes.confusion(real, resamples=20).rows()) == str(probes.confusion(fake, resamples=20).rows())
    bare = Recording.from_arrays(
        recording.arrays, sequence=recording.index.sequence, labels={"depth": recording.index.label("depth").values}
    )
    result = probes.regression(bare, "depth", CELL, resamples=20)  # no symbols, no test rows: halves, two controls
    assert "half" in result.fitted.fitted_on
    assert result.models[0].r2_controls.random_label is None
    assert result.models[0].r2.unseen is None
    assert len(probes.trajectories(bare, CELL, (3,), label="depth").sequences) == 8


def real_recording(recording: FakeRecording) -> Recording:
    index = recording.index
    return Recording.from_arrays(
        recording.arrays,
        sequence=index.sequence,
        labels={name: label.values if label.names is None else label for name, label in index.labels.items()},
        symbols=index.symbols,
        symbol=index.symbol,
        split=index.split,
        seen=index.seen,
        predicted=index.predicted,
        loss=index.loss,
    )


def test_same_seed_same_result_and_shards_do_not_matter(recording: FakeRecording) -> None:
    one, two = all_results(replace(recording, pieces=1)), all_results(replace(recording, pieces=40))
    for a, b in zip(one, two, strict=True):
        for x, y in zip(a.rows(), b.rows(), strict=True):
            for name in x:
                if isinstance(x[name], float):
                    assert y[name] == pytest.approx(x[name], rel=1e-3, abs=1e-6, nan_ok=True), (type(a), name)
                else:
                    assert x[name] == y[name], (type(a), name)
