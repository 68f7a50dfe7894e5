"""Which symbol of the source a target's symbol was told from: alignment by recorded attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from naibu.errors import OptionError
from naibu.recording.index import Array
from naibu.recording.recording import Recording
from naibu.recording.store import Key
from naibu.shown import Row, Shown

ATTENTION = ("attention", "weights")


@dataclass(frozen=True, repr=False)
class Alignment(Shown):
    """A pair of sentences and the attention between them.

    source: the symbols read. target: those that were to be told, step by step, its end the last. weights: float32
    [target source]: of the step that told the symbol. What is attended to is what the encoder made of a place, which
    knows its neighbours too: a weight is a hint of what a symbol was told from, no proof.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: Array

    def __repr__(self) -> str:
        return f"Alignment({' '.join(self.source)} => {' '.join(self.target)})"

    def rows(self) -> list[Row]:
        """Return a row for each symbol of the target: the source's symbol with most weight, its place, the weight."""
        best = self.weights.argmax(1)
        return [
            {"target": symbol, "source": self.source[place], "place": int(place), "weight": float(row[place])}
            for symbol, place, row in zip(self.target, best, self.weights, strict=True)
        ]


def alignment(recording: Recording, sequence: int, key: Key = ATTENTION, source: str = "source") -> Alignment:
    """Return what a network attended to in a sequence, by its number among those recorded.

    key: the signal whose units are places of the stream `source`, which lies beside the recording. Raises OptionError
    where the recording has no such signal, stream or sequence.
    """
    beside = _source_of(recording, key, source)
    starts, before = recording.index.starts, beside.index.starts
    if not 0 <= sequence < len(starts) - 1:
        raise OptionError(f"sequence {sequence}: the recording has 0 to {len(starts) - 2}")
    rows, places = slice(starts[sequence], starts[sequence + 1]), slice(before[sequence], before[sequence + 1])
    gold, classes = recording.index.gold, recording.index.classes
    if gold is None:
        raise OptionError(f"{recording}: says of no step what was to be told")
    weights = recording[key][rows, : places.stop - places.start].astype(np.float32)
    read = beside.index.symbols
    return Alignment(
        tuple(read[number] for number in beside.index.symbol[places].tolist()),
        tuple(classes[number] for number in gold[rows].tolist()),
        weights,
    )


def attended(recording: Recording, key: Key = ATTENTION, source: str = "source") -> dict[str, Array]:
    """Return of every step where attention went, float32 [token] each.

    place: the place of the source with most weight, from 0. weight: how much it had. mean: the mean place, weighted.
    entropy: of the weights, nats; 0 where all is at one place. share: `place` as a share of the source, 0 at its
    beginning and 1 at its end, so that sentences of any length can be laid one on the other.
    """
    beside = _source_of(recording, key, source)
    lengths = np.repeat(np.diff(beside.index.starts), np.diff(recording.index.starts))
    parts: list[Array] = []
    for shard in recording.shards():
        weights = np.asarray(shard[key], np.float64)
        weights = np.maximum(weights, 0) / np.maximum(weights.sum(1, keepdims=True), 1e-9)
        place = weights.argmax(1)
        entropy = -(weights * np.log(np.maximum(weights, 1e-12))).sum(1)
        mean = weights @ np.arange(weights.shape[1])
        share = place / np.maximum(lengths[shard.start : shard.stop] - 1, 1)
        parts.append(np.stack([place, weights.max(1), mean, entropy, share]))
    columns = np.concatenate(parts, 1) if parts else np.zeros((5, 0))
    return dict(zip(("place", "weight", "mean", "entropy", "share"), columns.astype(np.float32), strict=True))


def _source_of(recording: Recording, key: Key, source: str) -> Recording:
    recording.units(key)  # raises for a signal that is not there
    if source not in recording.beside:
        known = ", ".join(recording.beside) or "none"
        raise OptionError(f"stream {source!r}: does not lie beside this recording; there is {known}")
    return recording.beside[source]
