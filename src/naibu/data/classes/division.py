"""Rows divided into training, validation and test: classes in equal shares, nothing in two parts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from naibu.data.classes.rows import Row
from naibu.data.events import Array

SMALL = 500
"""Rows below which none is held out for validation where nothing is asked for."""
SHARE, VALIDATION = 0.1, 0.05
"""Of the rows, for test and for validation, where nothing is asked for."""


class Once(NamedTuple):
    """Which rows stay, and what became of the others."""

    kept: list[int]
    repeated: int  # rows that are another one again, of the same class
    contradicting: int  # different sequences that stand in several classes, which are left out altogether
    example: str  # where one of these stands


def once(rows: Sequence[Row], keys: Sequence[Hashable]) -> Once:
    """Return each sequence once; one that has several classes, as nothing says which is meant, not at all.

    keys: of every row, equal where a network would read the same. Whole rows go before phrases.
    """
    classes: dict[Hashable, set[str | None]] = defaultdict(set)
    first: dict[Hashable, int] = {}
    for number, (row, key) in enumerate(zip(rows, keys, strict=True)):
        classes[key].add(row.label)
        if key not in first or (row.whole and not rows[first[key]].whole):
            first[key] = number
    several = [key for key, labels in classes.items() if len(labels) > 1]
    kept = sorted(number for key, number in first.items() if len(classes[key]) == 1)
    gone = sum(1 for key in keys if len(classes[key]) > 1)
    place = rows[first[several[0]]].place if several else ""
    return Once(kept, len(rows) - gone - len(kept), len(several), place)


def held_out(labels: Sequence[str], groups: Sequence[int], share: float, seed: int) -> Array:
    """Return which of some rows are held out, bool [row]: a share of each class, drawn with the seed.

    Rows of a group, where it is 0 or above, are held out together or not at all; its class is that of most of them. Of
    each class that any row has at least one group stays, so that fewer may be held out than the share says.
    """
    units = [group if group >= 0 else -1 - number for number, group in enumerate(groups)]
    members: dict[int, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        members[unit].append(number)
    names = list(members)
    chief = [Counter(labels[number] for number in members[name]).most_common(1)[0][0] for name in names]
    order = np.random.default_rng([seed, 0xC1A5]).permutation(len(names))
    order = order[np.argsort(np.array(chief, str)[order], kind="stable")] if len(names) else order
    held = np.zeros(len(labels), bool)
    wanted = max(round(share * len(names)), int(share > 0 and len(names) > 1))
    # Evenly spaced over units in the order of classes: each class in its share, and as many in all as are asked for.
    chosen = order[((np.arange(wanted) + 0.5) * len(order) / max(1, wanted)).astype(np.int64)]
    classes = [{labels[number] for number in members[name]} for name in names]
    left = Counter(label for some in classes for label in some)
    for place in chosen.tolist():
        if all(left[label] > 1 for label in classes[place]):
            left.subtract(classes[place])
            held[members[names[place]]] = True
    return held
