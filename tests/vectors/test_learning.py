"""Vectors learnt: single steps against finite differences, what is drawn, repeatability, a planted language."""

from __future__ import annotations

import numpy as np
import pytest
from planted import sentences

from naibu.errors import CorpusError, OptionError
from naibu.vectors import Options, cbow, corpus_of, near, read_corpus, skipgram, train_on
from naibu.vectors.drawing import ALL, Chances, chances, draw_below, draw_noise, read_some
from naibu.vectors.negative_sampling import Room, Weights
from naibu.vectors.parts import in_parts

WORDS, SIZE, RATE = 6, 5, 1e-2


def one_noise(*, word: int) -> Chances:
    """Noise that is always the same word, so that a loss can be written out."""
    accept = np.zeros(WORDS, np.uint64)
    return Chances(np.full(WORDS, ALL, np.uint64), accept, np.full(WORDS, word, np.uint64))


def start() -> Weights:
    weights = Weights.drawn(WORDS, SIZE, np.random.default_rng(3))
    generator = np.random.default_rng(4)
    for each in weights:
        each[:, :SIZE] = generator.normal(size=(WORDS, SIZE))
    return weights


def loss(h, outputs, word: int, noise: int) -> float:
    """The loss of one word and one word of noise, in float64."""
    return float(np.logaddexp(0, -outputs[word] @ h) + np.logaddexp(0, outputs[noise] @ h))


def slope(function, x):
    """The gradient of a function of an array by central differences."""
    found, step = np.zeros_like(x), 1e-5
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append(function(moved))
        found[place] = (ends[0] - ends[1]) / (2 * step)
    return found


def moved(learn_word, words) -> tuple:
    """The weights before, and what one step with the last but one of the words in the middle changes, over the rate."""
    weights = start()
    before = [each.astype(np.float64) for each in weights]
    room, state = Room.of(1, weights.inputs.shape[1]), np.array([7], np.uint64)
    at = len(words) - 2
    learn_word(
        np.array(words, np.int32), (0, len(words)), at, 1, weights, one_noise(word=5), np.float32(RATE), state, room
    )
    return (*before, *((each - old) / RATE for each, old in zip(weights, before, strict=True)))


def test_a_step_of_skip_gram_descends_its_loss():
    inputs, outputs, by_input, by_output = moved(skipgram.learn_word, [1, 2])  # 2 is near, 1 in the middle
    noise = 5
    of_input = slope(lambda h: loss(h, outputs, 1, noise), inputs[2])
    of_outputs = slope(lambda theta: loss(inputs[2], theta, 1, noise), outputs)
    np.testing.assert_allclose(by_input[2], -of_input, atol=2e-4)
    np.testing.assert_allclose(by_output, -of_outputs, atol=2e-4)
    assert not by_input[[0, 1, 3, 4, 5]].any()
    assert np.abs(of_input[:SIZE]).min() > 1e-3  # there was something to learn in every number
    assert not by_input[:, SIZE:].any()  # what fills up the vectors stays 0


def test_a_step_of_cbow_descends_its_loss_with_the_mean_s_whole_gradient():
    inputs, outputs, by_input, by_output = moved(cbow.learn_word, [0, 2, 1, 3])
    near_by = [0, 2, 3]
    h = inputs[near_by].mean(0)
    of_mean = slope(lambda h: loss(h, outputs, 1, 5), h)
    of_outputs = slope(lambda theta: loss(h, theta, 1, 5), outputs)
    for word in near_by:
        np.testing.assert_allclose(by_input[word], -of_mean, atol=2e-4)
    np.testing.assert_allclose(by_output, -of_outputs, atol=2e-4)
    assert not by_input[[1, 4, 5]].any()


def test_noise_that_is_the_word_itself_counts_as_nothing():
    weights = start()
    before = [each.copy() for each in weights]
    args = (np.array([1, 2], np.int32), (0, 2), 0, 3, weights)
    skipgram.learn_word(
        *args, one_noise(word=1), np.float32(RATE), np.array([7], np.uint64), Room.of(3, weights.inputs.shape[1])
    )
    h, theta = before[0][2].astype(float), before[1][1].astype(float)
    error = RATE * (1 - 1 / (1 + np.exp(-theta @ h)))
    np.testing.assert_allclose(weights.outputs[1], theta + error * h, rtol=1e-5)
    np.testing.assert_allclose(weights.inputs[2], h + error * theta, rtol=1e-5)


def test_the_noise_is_drawn_by_counts_to_the_power_of_three_quarters():
    counts = np.array([1000, 200, 40, 8, 1])
    drawn, state = chances(counts, 0.0), np.array([11], np.uint64)
    found = np.bincount([draw_noise(state, drawn) for _ in range(40_000)], minlength=5) / 40_000
    wanted = counts**0.75 / (counts**0.75).sum()
    assert np.abs(found - wanted).max() < 4 * np.sqrt(0.25 / 40_000)
    assert (drawn.keep == ALL).all()


def test_frequent_words_are_left_out_by_the_formula():
    counts, sample = np.array([9000, 900, 100]), 0.01
    drawn, share = chances(counts, sample), counts / counts.sum()
    wanted = np.minimum(1, np.sqrt(sample / share) + sample / share)
    tokens, room, state = (
        np.repeat([0, 1, 2], 10_000).astype(np.int32),
        np.empty(30_000, np.int32),
        np.array([5], np.uint64),
    )
    kept = room[: read_some(tokens, 0, len(tokens), drawn, state, room)]
    assert np.abs(np.bincount(kept, minlength=3) / 10_000 - wanted).max() < 0.02
    assert wanted[0] < 0.15
    assert wanted[2] == 1


def test_windows_are_drawn_evenly():
    state = np.array([1], np.uint64)
    found = np.bincount([draw_below(state, 5) for _ in range(20_000)], minlength=5)
    assert len(found) == 5
    assert np.abs(found / 20_000 - 0.2).max() < 0.015


@pytest.mark.parametrize("model", ["skip-gram", "cbow", "glove"])
def test_what_was_planted_comes_out_and_one_thread_repeats_it_to_the_bit(model):
    corpus = corpus_of(sentences())
    options = Options(model=model, size=20, window=3, seed=5, sample=0, epochs=8, x_max=20)
    one, again = (train_on(corpus, options) for _ in range(2))
    assert np.array_equal(one.vectors.values, again.vectors.values)
    other = train_on(corpus, Options(**{**vars(options), "seed": 6}))
    assert not np.array_equal(one.vectors.values, other.vectors.values)
    for found in (one, other):
        for group in range(3):
            own = {f"g{group}{letter}" for letter in "bcd"} | {f"c{group}{k}" for k in range(4)}
            assert set(near(found.vectors, f"g{group}a", 7).words) == own
    assert bool(one.losses) == (model == "glove")
    assert all(later < earlier for earlier, later in zip(one.losses, one.losses[1:], strict=False))
    assert one.facts()["tokens"] == 15_000


@pytest.mark.parametrize("model", ["skip-gram", "glove"])
def test_several_threads_learn_the_same_language(model):
    found = train_on(
        corpus_of(sentences()), Options(model=model, size=20, window=3, sample=0, epochs=8, threads=3, x_max=20)
    )
    assert set(near(found.vectors, "g1a", 7).words) == {"g1b", "g1c", "g1d", "c10", "c11", "c12", "c13"}


def test_parts_are_all_done_once_whatever_the_threads():
    for threads in (1, 3):
        seen: list[int] = []
        done = list(in_parts(lambda part, seen=seen: seen.append(part) or part, 20, threads))
        assert sorted(seen) == list(range(20))
        assert done[-1] == sum(range(20))

    def fails(part: int) -> int:
        raise OptionError(f"part {part}")

    with pytest.raises(OptionError, match="part"):
        list(in_parts(fails, 5, 2))


def test_a_text_is_read_as_words_by_their_counts(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("The cat saw the cat\nthe dog\n\ncat dog rare\n")
    found = read_corpus([path], least=2)
    assert found.words == ("cat", "the", "dog")
    assert found.counts.tolist() == [3, 2, 2]
    assert [found.words[token] for token in found.tokens] == ["cat", "the", "cat", "the", "dog", "cat", "dog"]
    assert found.starts.tolist() == [0, 3, 5, 7]
    assert found.rare == 3
    lower = read_corpus([path], least=2, lowercase=True)
    assert dict(zip(lower.words, lower.counts.tolist(), strict=True)) == {"the": 3, "cat": 3, "dog": 2}
    assert read_corpus([path, path], least=2, across=True).starts.tolist() == [0, 9, 18]


def test_long_lines_are_cut(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a b " * 6_000 + "\na b\n")
    assert read_corpus([path], least=1).starts.tolist() == [0, 10_000, 12_000, 12_002]


def test_text_of_too_few_words_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one and one\n")
    with pytest.raises(CorpusError, match=r"a.txt: --least 2: of 3 words 1 different come so often, 2 are needed"):
        read_corpus([path], least=2)
    with pytest.raises(CorpusError):
        corpus_of([["a", "a"]])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"size": 0}, "--size 0: must be from 1"),
        ({"negatives": 0}, "--negatives 0: must be"),
        ({"window": -1}, "--window -1: must be"),
        ({"rate": -0.1}, "--rate -0.1: must be 0 or more"),
        ({"least": 0}, "--least 0: must be at least 1"),
        ({"model": "bow"}, "--model bow: must be one of skip-gram, cbow, glove"),
        ({"x_max": 0.0}, "--x-max 0.0: must be more than 0"),
    ],
)
def test_options_that_cannot_be(option, message):
    with pytest.raises(OptionError, match=message):
        Options(**option)
