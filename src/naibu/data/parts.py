"""Which examples train a network, which choose it and which judge it: whole documents, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import is_share
from naibu.errors import OptionError

FEWEST = 10
"""Documents from which on whole ones are drawn; of fewer, examples are."""


def share_of(value: str | Path | float, name: str, of: str = "data", file: str = "a file") -> float | None:
    """Return the share that `--validation` or `--test` asks for, None where it names a file.

    of, file: what is shared, and what may be given instead, as the error says them. Raises OptionError for a share
    below 0 or above a half.
    """
    if isinstance(value, Path) or (isinstance(value, str) and not is_share(value)):
        return None
    share = float(value)
    if not 0 <= share <= 0.5:
        raise OptionError(f"--{name} {value}: must be {file}, or a share of the {of} from 0 to 0.5")
    return share


def drawn(documents: Array, sizes: Array, shares: Sequence[float], seed: int) -> tuple[list[Array], str]:
    """Return the numbers of the examples that are left for training and of those in each share, all ascending, and
    whether they were drawn by "document" or by "example".

    documents: int [example]. sizes: how much each example counts, int64 [example]. A share of 0 is empty. A document
    that would make a share half as large again is passed over.
    """
    by = "document" if len(np.unique(documents)) >= FEWEST else "example"
    numbers = np.unique(documents, return_inverse=True)[1] if by == "document" else np.arange(len(documents))
    weights = np.bincount(numbers, sizes)
    left = np.random.default_rng([seed, 0x7A65]).permutation(len(weights)).tolist()
    held = list[Array]()
    for share in shares:
        wanted, chosen, filled = share * weights.sum(), set[int](), 0.0
        for one in left:
            if filled < wanted and filled + weights[one] <= max(1.5 * wanted, weights.min()):
                chosen.add(one)
                filled += weights[one]
        left = [one for one in left if one not in chosen]
        held.append(np.flatnonzero(np.isin(numbers, sorted(chosen))))
    return [np.flatnonzero(np.isin(numbers, left)), *held], by
