"""The phrase category that probes ask about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from naibu.data.events import Array, Events, inside_counts
from naibu.data.forms import Form
from naibu.data.sequences import Sequences
from naibu.data.trees import OPEN
from naibu.errors import OptionError

PREFERRED = "VP"
_LISTED = 12


class Category(NamedTuple):
    """A category and the share of training tokens that lie inside it."""

    name: str | None
    inside_share: float | None


def frequent_categories(events: Events) -> Array:
    """int64: every category of the corpus as a code of its table, most frequent first."""
    counts = np.bincount(events.names[events.kinds == OPEN], minlength=len(events.table))
    codes = np.flatnonzero(counts)
    return codes[np.lexsort((codes, -counts[codes]))]


def choose_category(train: Sequences, events: Events, form: Form, categories: Array, asked: str | None) -> Category:
    """The category asked for; else VP; else the phrase whose inside share of training tokens is nearest one half.

    A phrase is a category that somewhere in training holds another node.
    Raises OptionError, listing the most frequent, for a category that does not occur.
    """
    table = events.table
    by_name = {table[code]: int(code) for code in categories}
    wanted = asked if asked is not None else PREFERRED if PREFERRED in by_name else None
    if wanted is not None:
        if wanted not in by_name:
            shown = ", ".join(list(by_name)[:_LISTED]) or "none at all"
            raise OptionError(f"category {wanted!r} does not occur; the most frequent are {shown}")
        return Category(wanted, float(train.label(f"inside:{wanted}").values.mean()))
    if not by_name:
        return Category(None, None)
    kinds, names = train.events
    counts, phrase = inside_counts(kinds, names, form.select(kinds), len(table))
    shares = counts / max(train.tokens, 1)
    candidates = np.flatnonzero(phrase) if phrase.any() else np.sort(categories)
    best = int(candidates[np.argmin(np.abs(shares[candidates] - 0.5))])
    return Category(table[best], float(shares[best]))
