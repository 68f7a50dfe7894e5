"""GloVe (Pennington, Socher & Manning 2014): vectors whose products are the logarithms of counts.

X_ij: how often words i and j are near each other, each time weighed 1 / distance. With f(x) = min(1, (x / x_max)^power)
and biases b, b' the vectors theta and e make small

    J = 1/2 sum over i, j of f(X_ij) (theta_i . e_j + b_i + b'_j - ln X_ij)^2

by AdaGrad, one pair after the other; the final vector of a word is (e + theta) / 2. In float64, as the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array, csr_array

from naibu.compiling import compiled
from naibu.data.events import Array
from naibu.memory import check_memory
from naibu.progress import Report, shown_if_long, silent
from naibu.vectors.corpus import Corpus
from naibu.vectors.options import Options
from naibu.vectors.parts import in_parts

PIECE = 2**19
"""Words whose neighbours are counted at a time."""
MOST = 2**23
"""Pairs of places that are summed into the counts at a time, about."""
PART = 100_000
"""Pairs that a thread takes at a time."""
PAIR = 48
"""Bytes that a pair of words takes while it is counted."""


class Pairs(NamedTuple):
    """Pairs of words that were near each other: their numbers, int32, ln X and f(X), float64 [pair] each."""

    words: Array
    others: Array
    logs: Array
    weights: Array


class Fitted(NamedTuple):
    """Vectors theta and e with a column more, the bias, float64 [word number + 1], and the sums of squared gradients
    of both, which begin at 1."""

    outputs: Array
    inputs: Array
    output_squares: Array
    input_squares: Array

    @classmethod
    def drawn(cls, words: int, size: int, rng: np.random.Generator) -> Fitted:
        """Return vectors and biases drawn evenly from -.5 / size to .5 / size."""
        shape = (words, size + 1)
        outputs, inputs = ((rng.random(shape) - 0.5) / size for _ in range(2))
        return cls(outputs, inputs, np.ones(shape), np.ones(shape))


def co_occurrences(corpus: Corpus, window: int) -> csr_array:
    """Return X, float64 [word word], symmetric: the sum of 1 / distance over every two places of a piece that are at
    most `window` apart. Raises OptionError where it does not fit in memory."""
    count = len(corpus.words)
    found = csr_array((count, count), dtype=np.float64)
    number = np.searchsorted(corpus.starts, np.arange(len(corpus.tokens)), side="right")
    with shown_if_long("counting words near each other", "words") as progress:
        for begin in range(0, len(corpus.tokens), PIECE):
            end = min(len(corpus.tokens), begin + PIECE)
            for weights, places in _near(corpus.tokens, number, begin, end, window):
                found = found + coo_array((weights, places), (count, count)).tocsr()
            check_memory(PAIR * found.nnz, f"--window {window}: counts of {found.nnz:,} pairs of words")
            progress(end, len(corpus.tokens), "")
    return csr_array(found + found.T)


def _near(
    tokens: Array, number: Array, begin: int, end: int, window: int
) -> Iterator[tuple[Array, tuple[Array, Array]]]:
    """Yield 1 / distance and the two words of every two places of one piece, the first from `begin` up to, not
    including, `end`, many distances at once; number: of the piece of each place."""
    weights, words, others, held = list[Array](), list[Array](), list[Array](), 0
    furthest = min(window, len(tokens) - begin - 1)
    for distance in range(1, furthest + 1):
        here = np.arange(begin, min(end, len(tokens) - distance))
        here = here[number[here] == number[here + distance]]
        weights.append(np.full(len(here), 1 / distance))
        words.append(tokens[here])
        others.append(tokens[here + distance])
        held += len(here)
        if held >= MOST or distance == furthest:
            yield np.concatenate(weights), (np.concatenate(words), np.concatenate(others))
            weights, words, others, held = [], [], [], 0


def pairs_of(counts: csr_array, x_max: float, power: float) -> Pairs:
    """Return the pairs of words that were near each other, with what is to be fitted and how much each weighs."""
    found = counts.tocoo()
    weights = np.minimum(1, (found.data / x_max) ** power)
    return Pairs(found.row.astype(np.int32), found.col.astype(np.int32), np.log(found.data), weights)


@compiled
def learn_pairs(pairs: Any, order: Any, fitted: Any, rate: float) -> float:
    """Learn from pairs in an order; return the sum of their losses, each before it was learnt from."""
    size, loss = fitted.inputs.shape[1] - 1, 0.0
    for pair in order:
        i, j = pairs.words[pair], pairs.others[pair]
        score = fitted.outputs[i, size] + fitted.inputs[j, size]
        for k in range(size):
            score += fitted.outputs[i, k] * fitted.inputs[j, k]
        error = score - pairs.logs[pair]
        slope = pairs.weights[pair] * error
        loss += 0.5 * slope * error
        for k in range(size):
            output, input_ = fitted.outputs[i, k], fitted.inputs[j, k]
            of_output, of_input = slope * input_, slope * output
            fitted.output_squares[i, k] += of_output * of_output
            fitted.input_squares[j, k] += of_input * of_input
            fitted.outputs[i, k] = output - rate * of_output / np.sqrt(fitted.output_squares[i, k])
            fitted.inputs[j, k] = input_ - rate * of_input / np.sqrt(fitted.input_squares[j, k])
        fitted.output_squares[i, size] += slope * slope
        fitted.input_squares[j, size] += slope * slope
        fitted.outputs[i, size] -= rate * slope / np.sqrt(fitted.output_squares[i, size])
        fitted.inputs[j, size] -= rate * slope / np.sqrt(fitted.input_squares[j, size])
    return loss


def fit(pairs: Pairs, words: int, options: Options, progress: Report = silent) -> tuple[Fitted, list[float]]:
    """Return vectors fitted to pairs, and the loss J of every pass, each pair's before it was learnt from.

    Pairs come in a new order in every pass. Threads change the same vectors without waiting for each other.
    """
    fitted = Fitted.drawn(words, options.size, np.random.default_rng([options.seed, 0x610]))
    losses, count = list[float](), len(pairs.words)
    for epoch in range(options.epochs):
        order = np.random.default_rng([options.seed, 0x0D3, epoch]).permutation(count)
        sums = np.zeros(-(-count // PART))

        def one(part: int, order: Array = order, sums: Array = sums) -> int:
            some = order[part * PART : (part + 1) * PART]
            sums[part] = learn_pairs(pairs, some, fitted, options.rate)
            return len(some)

        for done in in_parts(one, len(sums), options.threads):
            said = f"pass {epoch + 1}" + (f", loss of a pair {losses[-1] / count:.4f}" if losses else "")
            progress(epoch * count + done, options.epochs * count, said)
        losses.append(float(sums.sum()))
    return fitted, losses


def glove(corpus: Corpus, options: Options, progress: Report = silent) -> tuple[Array, list[float]]:
    """Return the vectors of a corpus's words, float32 [word number], and the loss of every pass; progress: of pairs."""
    pairs = pairs_of(co_occurrences(corpus, options.window), options.x_max, options.power)
    fitted, losses = fit(pairs, len(corpus.words), options, progress)
    return ((fitted.inputs[:, :-1] + fitted.outputs[:, :-1]) / 2).astype(np.float32), losses
