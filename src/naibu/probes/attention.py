"""Where in the source a network that translates looks, by the place in the translation and by what is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.errors import OptionError
from naibu.probes import resampling
from naibu.probes.resampling import Resampler, per_sequence
from naibu.probes.result import Result, Row
from naibu.probes.results import Score, Scores
from naibu.probes.source import run_name
from naibu.probes.target import TEST, TRAIN
from naibu.probes.threads import one_thread
from naibu.recording.alignment import ATTENTION
from naibu.recording.recording import Recording

ALL = "all"
BINS = 5
"""Parts of equal length into which every translation is cut."""
MOST = 8
"""Values of a label that are told apart, the most frequent ones."""
FEWEST = 2
"""Symbols that a sentence has to have, its end aside, for a place in it to be a share of it."""


@dataclass(frozen=True)
class Looking(Result):
    """Where a network looks when it tells some symbols.

    group: which symbols, a value of the label, or all. place: the mean place in the source, 0 its first symbol and 1
    its last. final: the share of attention that lies on the last symbol, often a full stop, where an encoder has read
    all of the sentence; end: that on the end of the source. untrained: `place` in the network before training. course:
    `place` by the part of the translation in which the symbols stand; NaN where none does.
    """

    group: str
    place: Scores
    final: Scores
    end: Scores
    untrained: Scores | None
    course: tuple[Score, ...]

    def rows(self) -> list[Row]:
        """Return a row for each part of the translation, and one for all of it."""
        found: list[Row] = []
        for part, score in enumerate((*self.course, self.place.test)):
            whole = part == len(self.course)
            row: Row = {"group": self.group, "from": 0.0 if whole else part / len(self.course)}
            row |= {"to": 1.0 if whole else (part + 1) / len(self.course), "place": score.value}
            row |= {"low": score.low, "high": score.high, "steps": score.n, "sequences": score.sequences}
            row |= {"final": self.final.test.value if whole else None, "end": self.end.test.value if whole else None}
            found.append(row | {"untrained": self.untrained.test.value if whole and self.untrained else None})
        return found


@dataclass(frozen=True)
class Attention(Result):
    """Where a network looks, of all symbols first, then of those with each value of a label."""

    run: str
    label: str | None
    groups: tuple[Looking, ...]

    def rows(self) -> list[Row]:
        """Return the rows of every group."""
        return [row for group in self.groups for row in group.rows()]


@one_thread
def attention(
    recording: Recording,
    label: str | None = None,
    *,
    untrained: Recording | None = None,
    source: str = "source",
    resamples: int = 1000,
    seed: int = 1,
) -> Attention:
    """Return where in the source a network looks as it tells each symbol of a translation, on test
    sequences, or on all where there are none.

    A place is a share of the sentence, so that sentences of all lengths can be laid one on the other; ends of sentences
    are no places, and what is told of a step is what stands in the reference. label: a label of the target with names,
    or of 0 and 1, by whose values the symbols told are parted; `untrained` the recording of the network before
    training. Intervals are from resampling whole sentences.

    How it can mislead: attention reads what the encoder made of a place, which knows its neighbours, so that a weight
    is a hint of what a symbol was told from, and no proof; least of all at the last symbol (`final`), where a whole
    sentence has been read. Values of a label also differ in where their symbols stand
    in the translation: compare the courses, at the same part of the sentence, and not the means alone. Raises
    OptionError where the recording has no attention, no such stream, or no such label.
    """
    recording.units(ATTENTION)  # raises where there is none
    told, groups = _told(recording, label)
    index = recording.index
    test, unseen = _scored(recording)
    steps = _Steps(recording, source, told & test)
    bare = None if untrained is None else _Steps(untrained, source, told & test)
    if not len(steps.rows):
        raise OptionError("no test sequence has two symbols or more on both sides; record more, or longer ones")
    sequence, unseen, resampler = np.asarray(index.sequence)[steps.rows], unseen[steps.rows], Resampler(resamples, seed)
    part = np.minimum((_shares(recording)[steps.rows] * BINS).astype(np.int64), BINS - 1)

    def scores(above: np.ndarray, below: np.ndarray, chosen: np.ndarray) -> Scores:
        found = [_score(resampler, above, below, sequence, rows) for rows in (chosen, chosen & unseen)]
        return Scores(found[0], found[1] if (chosen & unseen).any() else None)

    def looking(name: str, chosen: np.ndarray) -> Looking:
        place = (steps.placed, steps.on_symbols)
        course = tuple(_score(resampler, *place, sequence, chosen & (part == k)) for k in range(BINS))
        before = None if bare is None else scores(bare.placed, bare.on_symbols, chosen)
        whole = steps.on_symbols + steps.on_end
        final, end = (scores(part, whole, chosen) for part in (steps.on_final, steps.on_end))
        return Looking(name, scores(*place, chosen), final, end, before, course)

    found = [(name, rows[steps.rows]) for name, rows in groups]
    return Attention(run_name(recording), label, tuple(looking(name, rows) for name, rows in found if rows.any()))


def _scored(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of test sequences, of all where there are none, and those that never came in training; nothing is
    fitted, so that none have to be left for it."""
    split, seen = np.asarray(recording.index.split), np.asarray(recording.index.seen)
    test = split == TEST if (split == TEST).any() else np.ones(len(split), bool)
    return test, test & (split != TRAIN) & ~seen


class _Steps:
    """The attention of marked steps on the symbols of their source and on its end, of sources that are long enough.

    rows: int64 [row], of the recording. placed: the sum over symbols of the source of weight times place, on_symbols:
    that of the weights, on_final and on_end: the weight on the last symbol, and on the end, [row] each.
    """

    def __init__(self, recording: Recording, source: str, marked: np.ndarray) -> None:
        if source not in recording.beside:
            raise OptionError(f"stream {source!r}: does not lie beside this recording")
        symbols = np.diff(recording.beside[source].index.starts) - 1
        symbols = np.repeat(symbols, np.diff(recording.index.starts))
        marked = marked & (symbols >= FEWEST)
        self.rows = np.flatnonzero(marked)
        parts: list[np.ndarray] = [np.zeros((4, 0))]
        for shard in recording.shards():
            here = np.flatnonzero(marked[shard.start : shard.stop])
            weights = np.maximum(np.asarray(shard[ATTENTION])[here].astype(np.float64), 0)
            count = symbols[shard.start + here]
            place = np.arange(weights.shape[1])
            inside = weights * (place < count[:, None])
            each = np.arange(len(here))
            final, end = weights[each, count - 1], weights[each, np.minimum(count, weights.shape[1] - 1)]
            parts.append(np.stack([inside @ place / (count - 1), inside.sum(1), final, end]))
        self.placed, self.on_symbols, self.on_final, self.on_end = np.concatenate(parts, 1)


def _told(recording: Recording, label: str | None) -> tuple[np.ndarray, list[tuple[str, np.ndarray]]]:
    """Return at which steps a symbol is told that is no end, bool [step], and the steps of each group.

    A step reads one symbol and tells the next, whose label stands in the next row.
    """
    starts = np.asarray(recording.index.starts)
    told = np.ones(int(starts[-1]), bool)
    told[starts[1:][np.diff(starts) > 0] - 1] = False
    told &= np.repeat(np.diff(starts) > FEWEST, np.diff(starts))
    groups = [(ALL, told)]
    if label is None:
        return told, groups
    column = recording.index.label(label)
    values = np.append(np.asarray(column.values, np.float64)[1:], np.nan)
    values[~told] = np.nan
    names = column.names
    if names is None and not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise OptionError(
            f"label {label!r}: has other numbers than 0 and 1; symbols are parted by names, or by 0 and 1"
        )
    there, counts = np.unique(values[~np.isnan(values) & (values >= 0)], return_counts=True)
    for value in sorted(there[np.argsort(-counts, kind="stable")][:MOST].tolist()):
        name = names[int(value)] if names is not None else f"{label}: {int(value)}"
        groups.append((name, told & (values == value)))
    return told, groups


def _shares(recording: Recording) -> np.ndarray:
    """Return how far into the translation the symbol stands that each step tells, from 0, the first, to 1, the last."""
    last = np.repeat(np.diff(recording.index.starts), np.diff(recording.index.starts)) - 2
    shares: np.ndarray = np.asarray(recording.index.position) / np.maximum(last, 1)
    return shares


def _score(resampler: Resampler, above: np.ndarray, below: np.ndarray, sequence: np.ndarray, rows: np.ndarray) -> Score:
    if not rows.any():
        return Score(np.nan, np.nan, np.nan, 0, 0)
    sums = per_sequence([above[rows], below[rows]], sequence[rows])
    return resampler.score(resampling.ratio, sums, int(np.count_nonzero(rows)))
