"""How discretely a recorded network works: its states in whole numbers, its updates, the units it uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.probes.resampling import Resampler, per_sequence, ratio
from naibu.probes.results import Score
from naibu.probes.source import Source, gather
from naibu.probes.target import divide

NEAR = 0.1
"""How near a whole number an update has to be to count as one."""
AWAY = 0.5
"""A unit is in use where its cell is this far from 0 at some step: rounded, it is not always 0."""


@dataclass(frozen=True)
class Discreteness:
    """What is left of a layer's states when they are rounded, on test rows (unseen ones where there are any)."""

    scored_on: str  # "unseen" or "test"
    rows: int
    units: int
    in_use: int  # units whose cell is AWAY from 0 at some of these rows
    states: int  # different cell vectors, each unit rounded to a whole number
    histories: int  # different beginnings of sequences among these rows: more states there cannot be
    whole: Score  # share of steps and units whose update is NEAR a whole number
    whole_in_use: Score | None  # the same over the units in use; None where no unit is


def discreteness(recording: Source, layer: str, *, resamples: int = 1000, seed: int = 1) -> Discreteness:
    """Return how discretely one layer with a cell and an update works.

    How it can mislead: the number of states says how long and how many the sequences are as much as what the network
    does, so it is only to be compared on the same rows, beside the number of histories; near a rounding edge one state
    counts as two. A unit that does nothing has updates near 0, which are whole: `whole` is high in a layer that hardly
    any unit works in, and `whole_in_use` is not the same units in two networks. An update of .1 added at every step
    never counts as whole, one of .05 does.
    """
    _, test, unseen, _ = divide(recording.index, seed)
    rows = unseen if unseen.any() else test
    found = gather(recording, {(layer, "cell"): None, (layer, "update"): None}, rows)
    cell, update = found[layer, "cell"].astype(np.float32), found[layer, "update"].astype(np.float32)
    used = (np.abs(cell) >= AWAY).any(0)
    rounded = np.ascontiguousarray(cell[:, used].round().astype(np.int16))
    near = np.abs(update - update.round()) < NEAR
    sequence, resampler = np.asarray(recording.index.sequence)[rows], Resampler(resamples, seed)

    def share(hits: np.ndarray) -> Score:
        columns = [hits.sum(1), np.full(len(hits), hits.shape[1])]
        return resampler.score(ratio, per_sequence(columns, sequence), len(hits))

    return Discreteness(
        "unseen" if unseen.any() else "test",
        len(cell),
        cell.shape[1],
        int(used.sum()),
        len(np.unique(rounded, axis=0)) if used.any() else 1,
        histories(np.asarray(recording.index.symbol)[rows], sequence),
        share(near),
        share(near[:, used]) if used.any() else None,
    )


def histories(symbol: np.ndarray, sequence: np.ndarray) -> int:
    """Return how many different beginnings whole sequences have: the most states that reading them can tell apart."""
    known: dict[tuple[int, int], int] = {}
    before, last = 0, None
    for one, number in zip(symbol.tolist(), sequence.tolist(), strict=True):
        before = known.setdefault((before if number == last else 0, one), len(known) + 1)
        last = number
    return len(known)
