"""Interpolated modified Kneser-Ney smoothing: n-gram counts made probabilities."""

from __future__ import annotations

import numpy as np

from naibu.data.events import Array
from naibu.data.running_text import Text
from naibu.errors import OptionError
from naibu.ngrams.counts import counted, stream
from naibu.ngrams.model import NGramModel
from naibu.ngrams.tables import Table

MOST = 64
"""The highest order."""
USUAL = (0.0, 0.5, 1.0, 1.5)
"""Discounts where the counts of a small text say none."""


def train(text: Text, order: int = 5) -> NGramModel:
    """Return the n-gram model of a text, in its vocabulary: interpolated modified Kneser-Ney of an order.

    p(w | h) = (c(h w) - D(c)) / c(h) + g(h) p(w | h without its first), with D by whether c is 1, 2 or more, and g(h)
    what the discounts leave; below the highest order c counts different symbols before. What every symbol has at least
    is its even share of what is left of the 1-grams. Among words and subwords n-grams begin with the line, among
    characters they go on across its end. Source: Chen & Goodman 1998, section 3, equations 24 to 26.

    Raises OptionError for an order that cannot be, and where the different n-grams do not fit in memory.
    """
    check_order(order, "--order")
    vocabulary, across = text.source.vocabulary, text.source.level.name == "character"
    size = len(vocabulary) + 1
    shorter_p, tables = np.array([1 / len(vocabulary)]), list[Table]()
    for found in counted(stream(text, vocabulary, across), size, order):
        p, left = _interpolated(found.counts, found.keys // size, shorter_p, found.shorter)
        if tables:
            tables[-1].backoff[:] = np.log(left)
        else:
            p[-1] = 0  # the beginning
        with np.errstate(divide="ignore"):
            tables.append(Table(found.keys, np.log(p), np.zeros(len(p))))
        shorter_p = p
    return NGramModel(vocabulary, tuple(tables), across)


def check_order(order: int, option: str) -> None:
    """Raise OptionError for an order that cannot be."""
    if not 1 <= order <= MOST:
        raise OptionError(f"{option} {order}: must be 1 to {MOST}")


def _interpolated(counts: Array, history: Array, shorter_p: Array, shorter: Array) -> tuple[Array, Array]:
    """Return p of each n-gram's last symbol, and what each history leaves to shorter ones, 1 where nothing followed."""
    taken = discounts(counts)[np.minimum(counts, 3)]
    total, rest = (np.bincount(history, each, len(shorter_p)) for each in (counts, taken))
    left = np.where(total > 0, rest / np.maximum(total, 1), 1.0)
    return (counts - taken) / total[history] + left[history] * shorter_p[shorter], left


def discounts(counts: Array) -> Array:
    """Return what is taken from counts of 0, 1, 2 and more, float64 [4], by how many n-grams have counts of 1 to 4.

    Where one of these is none, or a discount came out negative, as in small texts: 0, 0.5, 1, 1.5.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(np.float64)
    if n.all():
        k = np.arange(1, 4)
        found = k - (k + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:-1]
        if (found > 0).all():
            return np.array([0.0, *found])
    return np.array(USUAL)
