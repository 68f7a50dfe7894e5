"""What a label can be told from without a network: n-grams against a plain loop, hand-worked cases, guards."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from fake_recording import FakeIndex, FakeLabel, FakeRecording, fake_recording
from naibu.errors import OptionError
from naibu.probes import tables
from naibu.probes.baseline import (
    Baselines,
    baselines,
    categorical,
    ngram_baseline,
    ngram_prediction,
    position_choice,
    told_by_symbol,
)
from naibu.probes.target import numeric
from naibu.storage import as_json


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return fake_recording(60, types=6)


def lines(*sequences: tuple[str, list[float], int]) -> FakeRecording:
    """A recording without a network: symbols, numbers beside them, split, per sequence."""
    names = tuple(sorted({s for text, _, _ in sequences for s in text}))
    lengths = [len(text) for text, _, _ in sequences]
    sequence = np.repeat(np.arange(len(sequences)), lengths)
    position = np.concatenate([np.arange(n) for n in lengths]).astype(np.int32)
    symbol = np.array([names.index(s) for text, _, _ in sequences for s in text], np.int32)
    split = np.repeat([part for _, _, part in sequences], lengths).astype(np.int8)
    value = np.concatenate([np.array(v) for _, v, _ in sequences])
    label = FakeLabel(value), FakeLabel(value.astype(np.int32), tuple("pqrs"))
    index = FakeIndex(
        sequence, position, symbol, names, split, np.zeros(len(symbol), bool), None, None,
        {"number": label[0], "name": label[1]},
    )  # fmt: skip
    return FakeRecording(index, {("l.0", "cell"): np.zeros((len(symbol), 1), np.float16)}, pieces=1)


def plain_ngram(recording: FakeRecording, values: np.ndarray, n: int, discrete: bool) -> np.ndarray:
    """Witten and Bell's mixture written out token by token with dictionaries; values are codes or numbers."""
    index = recording.index
    seen: list[dict[tuple[int, ...], Counter[float]]] = [defaultdict(Counter) for _ in range(n + 1)]
    kinds = sorted(set(values[(index.split == 0) & ~np.isnan(values)]))

    def context(t: int, k: int) -> tuple[int, ...]:
        return tuple(int(index.symbol[t - j]) if j <= index.position[t] else -9 for j in range(k))

    for t in range(recording.tokens):
        if index.split[t] == 0 and not np.isnan(values[t]):
            for k in range(n + 1):
                seen[k][context(t, k)][values[t]] += 1

    def probability(t: int, k: int) -> np.ndarray:
        counts = seen[k][context(t, k)]
        mine = np.array([counts[v] for v in kinds], float)
        if k == 0:
            return mine / mine.sum()
        return (mine + len(counts) * probability(t, k - 1)) / (mine.sum() + len(counts)) if counts else probability(t, k - 1)  # fmt: skip  # noqa: E501

    rows = [probability(t, n) for t in range(recording.tokens)]
    return np.array([kinds[int(p.argmax())] if discrete else float(p @ np.array(kinds)) for p in rows])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_ngram_against_a_plain_loop(recording: FakeRecording, n: int) -> None:
    number = numeric(recording, "gaps", 1)
    rows = number.train | number.test
    found, _ = ngram_prediction(number, n, False)
    np.testing.assert_allclose(found[rows], plain_ngram(recording, number.values, n, False)[rows], atol=1e-10)
    name = categorical(recording, "kind", 1)
    noisy = name.values.copy()
    noisy[::3] = np.random.default_rng(4).integers(0, 3, len(noisy[::3]))
    name = replace(name, values=noisy)
    found, known = ngram_prediction(name, n, True)
    assert np.array_equal(found[name.test], plain_ngram(recording, noisy, n, True)[name.test])
    assert known[name.train].all()
    assert known[name.test].mean() <= 1


def test_witten_bell_by_hand() -> None:
    """After `a` training has 1, 1, 3: N = 3, T = 2; the mean of all is (1 + 1 + 3 + 5) / 4 = 2.5."""
    recording = lines(("aab", [1, 1, 5], 0), ("a", [3], 0), ("ab", [2, 0], 2), ("c", [9], 2))
    found, known = ngram_prediction(numeric(recording, "number", 1), 1, False)
    assert found[4] == pytest.approx((5 + 2 * 2.5) / 5)
    assert found[5] == pytest.approx((5 + 1 * 2.5) / 2)
    assert found[6] == pytest.approx(2.5)  # `c` never occurs in training
    assert known.tolist() == [True, True, True, True, True, True, False]


def test_context_stops_at_the_beginning_of_the_sequence() -> None:
    """The second symbol's label is that of the pair; a first symbol must not see the sequence before."""
    recording = lines(("ab", [0, 1], 0), ("bb", [2, 3], 0), ("ab", [0, 1], 2), ("bb", [2, 3], 2))
    assert ngram_baseline(recording, "name", 2, resamples=10).scores.test.value == 1
    assert ngram_baseline(recording, "name", 1, resamples=10).scores.test.value < 1


def test_test_labels_are_not_looked_at(recording: FakeRecording) -> None:
    target = categorical(recording, "kind", 1)
    before, _ = ngram_prediction(target, 2, True)
    changed = np.where(target.test, 2 - target.values, target.values)
    after, _ = ngram_prediction(replace(target, values=changed), 2, True)
    np.testing.assert_array_equal(before, after)


def test_all_baselines_and_their_file(recording: FakeRecording, tmp_path: object) -> None:
    found = baselines(recording, "kind", orders=(1, 2), resamples=20)
    assert [m.name for m in found.models] == ["majority", "position", "symbol before", "1-gram", "2-gram"]
    assert found.of("1-gram").scores.test.value == 1  # the kind is the symbol's number modulo 3
    y = recording.index.label("kind").values
    train, test = recording.index.split == 0, recording.index.split == 2
    most = Counter(y[train]).most_common(1)[0][0]
    assert found.of("majority").scores.test.value == pytest.approx(np.mean(y[test] == most))
    tables.save(found, str(tmp_path), "baselines")
    again = tables.load(Baselines, str(tmp_path), "baselines")
    assert as_json(again) == as_json(found)
    assert len(found.rows()) == 10
    number = baselines(recording, "depth", orders=(1,), resamples=20)
    assert number.statistic == "r2"
    assert number.of("mean").scores.test.value == pytest.approx(0, abs=0.05)
    assert number.of("position").scores.test.value > 0.1


def test_position_choice_against_counting(recording: FakeRecording) -> None:
    target = categorical(recording, "kind", 1)
    said, position = position_choice(target), recording.index.position
    for place in range(6):
        counts = Counter(target.values[target.train & (position == place)])
        assert counts[float(said[position == place][0])] == max(counts.values())


def test_what_gives_a_label_away(recording: FakeRecording) -> None:
    assert told_by_symbol(categorical(recording, "kind", 1)) == "this symbol"
    before = np.append(0, recording.index.symbol[:-1]) % 3
    before[recording.index.position == 0] = -1
    other = recording.with_labels(
        before=FakeLabel(before.astype(np.int32), ("a", "b", "c")),
        chance=FakeLabel(np.random.default_rng(0).integers(0, 2, recording.tokens).astype(np.int32), ("a", "b")),
    )
    assert told_by_symbol(categorical(other, "before", 1)) == "the symbol before"
    assert told_by_symbol(categorical(other, "chance", 1)) is None


def test_guards(recording: FakeRecording) -> None:
    with pytest.raises(OptionError, match="n-gram of 0 symbols"):
        ngram_baseline(recording, "kind", 0)
    with pytest.raises(OptionError, match="'depth' has numbers"):
        categorical(recording, "depth", 1)
    with pytest.raises(OptionError, match="fewer than two"):
        categorical(recording, "kind", 1, [("a",), ("nothing",)])
