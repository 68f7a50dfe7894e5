"""GloVe: counts against brute force, the gradient against finite differences, the loss against a plain twin."""

from __future__ import annotations

import numpy as np
import pytest
from planted import sentences

from naibu.vectors import Options, corpus_of, glove


def brute_force(corpus, window: int):
    """Every pair of places of every piece, one by one."""
    found = np.zeros((len(corpus.words), len(corpus.words)))
    for begin, end in zip(corpus.starts[:-1], corpus.starts[1:], strict=True):
        for i in range(begin, end):
            for j in range(begin, end):
                if i != j and abs(i - j) <= window:
                    found[corpus.tokens[i], corpus.tokens[j]] += 1 / abs(i - j)
    return found


@pytest.mark.parametrize("window", [1, 4, 50])
def test_words_near_each_other_are_counted_by_one_over_their_distance(window, monkeypatch):
    monkeypatch.setattr(glove, "PIECE", 17)  # neighbours over the ends of what is counted at a time
    corpus = corpus_of([*sentences(20), ["g0a"], ["g0a", "g0a", "c01"]])
    found = glove.co_occurrences(corpus, window).toarray()
    np.testing.assert_allclose(found, brute_force(corpus, window), rtol=1e-12)
    assert np.array_equal(found, found.T)


def twin(pairs, fitted, orders, rate: float) -> list[float]:
    """GloVe by the letter, in float64: (theta, b) and (e, b') of each pair, AdaGrad with sums that begin at 1."""
    theta, e = fitted.outputs[:, :-1].copy(), fitted.inputs[:, :-1].copy()
    b, b_other = fitted.outputs[:, -1].copy(), fitted.inputs[:, -1].copy()
    sums = [np.ones_like(each) for each in (theta, e, b, b_other)]
    losses = []
    for order in orders:
        loss = 0.0
        for pair in order:
            i, j = pairs.words[pair], pairs.others[pair]
            error = theta[i] @ e[j] + b[i] + b_other[j] - pairs.logs[pair]
            loss += 0.5 * pairs.weights[pair] * error**2
            g = pairs.weights[pair] * error
            gradients = (g * e[j], g * theta[i], g, g)
            for values, total, place, gradient in zip(
                (theta, e, b, b_other), sums, (i, j, i, j), gradients, strict=True
            ):
                total[place] += gradient**2
                values[place] -= rate * gradient / np.sqrt(total[place])
        losses.append(loss)
    return losses


def test_the_loss_of_every_pass_is_that_of_a_plain_twin():
    corpus = corpus_of(sentences(60))
    options = Options(model="glove", size=7, window=4, epochs=4, x_max=8.0, seed=3).settled()
    pairs = glove.pairs_of(glove.co_occurrences(corpus, 4), options.x_max, options.power)
    _, losses = glove.fit(pairs, len(corpus.words), options)
    begun = glove.Fitted.drawn(len(corpus.words), 7, np.random.default_rng([3, 0x610]))
    orders = [np.random.default_rng([3, 0x0D3, epoch]).permutation(len(pairs.words)) for epoch in range(4)]
    np.testing.assert_allclose(losses, twin(pairs, begun, orders, options.rate), rtol=1e-9)
    assert losses[-1] < 0.5 * losses[0]


def test_weights_rise_to_1():
    corpus = corpus_of(sentences(60))
    counts = glove.co_occurrences(corpus, 4)
    pairs = glove.pairs_of(counts, 10.0, 0.75)
    x = np.exp(pairs.logs)
    np.testing.assert_allclose(pairs.weights, np.where(x < 10, (x / 10) ** 0.75, 1))
    assert (pairs.weights < 1).any()
    assert (pairs.weights == 1).any()


def test_a_step_descends_the_cost():
    """The change of a single pair, over the rate, is its gradient over the root of the sum that AdaGrad divides by."""
    one = np.array([1.7]), np.array([0.6])
    pairs = glove.Pairs(np.array([0], np.int32), np.array([1], np.int32), *one)
    fitted = glove.Fitted.drawn(2, 4, np.random.default_rng(1))
    fitted.outputs[:], fitted.inputs[:] = (np.random.default_rng(k).normal(size=(2, 5)) for k in (2, 3))
    outputs, inputs = fitted.outputs.copy(), fitted.inputs.copy()

    def cost(theta, e) -> float:
        return 0.5 * 0.6 * (theta[:-1] @ e[:-1] + theta[-1] + e[-1] - 1.7) ** 2

    assert glove.learn_pairs(pairs, np.array([0]), fitted, 0.05) == pytest.approx(cost(outputs[0], inputs[1]))
    for k in range(5):
        step = np.eye(5)[k] * 1e-6
        g = (cost(outputs[0] + step, inputs[1]) - cost(outputs[0] - step, inputs[1])) / 2e-6
        assert (fitted.outputs[0, k] - outputs[0, k]) / -0.05 == pytest.approx(g / np.sqrt(1 + g * g), rel=1e-6)
        g = (cost(outputs[0], inputs[1] + step) - cost(outputs[0], inputs[1] - step)) / 2e-6
        assert (fitted.inputs[1, k] - inputs[1, k]) / -0.05 == pytest.approx(g / np.sqrt(1 + g * g), rel=1e-6)
    assert np.array_equal(fitted.outputs[1], outputs[1])


def test_the_final_vector_is_the_mean_of_both():
    corpus = corpus_of(sentences(60))
    options = Options(model="glove", size=5, window=4, epochs=2, seed=3).settled()
    values, _ = glove.glove(corpus, options)
    pairs = glove.pairs_of(glove.co_occurrences(corpus, 4), options.x_max, options.power)
    fitted, _ = glove.fit(pairs, len(corpus.words), options)
    np.testing.assert_allclose(values, (fitted.inputs[:, :5] + fitted.outputs[:, :5]) / 2, rtol=1e-6)
