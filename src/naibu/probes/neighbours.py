"""The tokens nearest to a chosen one, by the cosine of their vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.errors import OptionError
from naibu.probes.components import of_word, usual_word
from naibu.probes.components_results import Neighbour, Neighbours, Query
from naibu.probes.part_of_speech import LABEL
from naibu.probes.source import Key, Source, blocks, gather, run_name
from naibu.probes.target import choose_keys, divide
from naibu.probes.threads import one_thread_if_narrow

BEFORE = 5  # symbols told with a token


@one_thread_if_narrow
def neighbours(
    recording: Source,
    key: Key,
    *,
    word: str | None = None,
    tokens: Sequence[int] | None = None,
    most: int = 8,
    label: str = LABEL,
    seed: int = 1,
) -> Neighbours:
    """The test tokens whose vectors are nearest in direction to those of some tokens.

    `tokens` are row numbers of the recording; by default one test token of `word` for each of its parts of speech,
    drawn with the seed. Neighbours are test rows with a part of speech, other than the token itself; listed twice, of
    any word and of other words only. Raw vectors, not centred.

    How it can mislead: it illustrates and proves nothing. Where all vectors share a direction every cosine is high:
    compare `usual`, the median over all rows looked at; and in 1000 dimensions the nearest may be not near. Source:
    document A ("that" acts like "this", "if" or "which"). OptionError for a token or word the recording lacks.
    """
    choose_keys(recording, (key,))
    tags = recording.index.label(label)
    code = np.asarray(tags.values)
    _, test, _, _ = divide(recording.index, seed)
    rows = test & (code >= 0)
    chosen = _chosen(recording, label, word, seed) if tokens is None else [int(t) for t in tokens]
    for token in chosen:
        if not 0 <= token < recording.tokens:
            raise OptionError(f"token {token} does not exist; the recording has 0 to {recording.tokens - 1}")
    wanted = np.zeros(recording.tokens, bool)
    wanted[chosen] = True
    vectors = gather(recording, {key: None}, wanted, np.float32)[key]
    order = np.searchsorted(np.flatnonzero(wanted), chosen)
    cosine = _cosines(recording, key, unit_length(vectors)[order], rows)
    there = np.flatnonzero(rows)
    queries = [_query(recording, label, token, there, row, most) for token, row in zip(chosen, cosine, strict=True)]
    return Neighbours(run_name(recording), *key, label, len(there), tuple(queries))


def unit_length(x: np.ndarray) -> np.ndarray:
    """x [row unit] brought to length 1; a row of zeros stays."""
    x = x.astype(np.float32)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1))


def _chosen(source: Source, label: str, word: str | None, seed: int) -> list[int]:
    word = word if word is not None else usual_word(source, label)
    target, tags = of_word(source, label, word, seed)
    draw = np.random.default_rng((seed, len(tags)))
    found = [np.flatnonzero(target.test & (target.values == k)) for k in range(len(tags))]
    return [int(draw.choice(rows)) for rows in found if len(rows)]


def _cosines(source: Source, key: Key, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Cosine of each query [query unit] with every marked row, float32 [query row]."""
    return np.concatenate([queries @ unit_length(b[key]).T for b in blocks(source, (key,), rows)], axis=1)


def _query(source: Source, label: str, token: int, there: np.ndarray, cosine: np.ndarray, most: int) -> Query:
    symbol = np.asarray(source.index.symbol)
    others = there != token
    order = np.argsort(-np.where(others, cosine, -np.inf), kind="stable")[: int(others.sum())]
    apart = order[symbol[there[order]] != symbol[token]]
    usual = float(np.median(cosine[others])) if others.any() else float("nan")
    lists = (
        tuple(_near(source, label, int(there[k]), float(cosine[k])) for k in some[:most]) for some in (order, apart)
    )
    return Query(
        token, _name(source, token), _tag(source, label, token), _before(source, token), usual, next(lists), next(lists)
    )


def _near(source: Source, label: str, row: int, cosine: float) -> Neighbour:
    return Neighbour(row, _name(source, row), _tag(source, label, row), round(cosine, 5), _before(source, row))


def _name(source: Source, row: int) -> str:
    number = int(np.asarray(source.index.symbol[row]))
    return source.index.symbols[number] if 0 <= number < len(source.index.symbols) else str(number)


def _tag(source: Source, label: str, row: int) -> str:
    found = source.index.label(label)
    code = int(np.asarray(found.values[row]))
    return found.names[code] if found.names is not None and code >= 0 else ""


def _before(source: Source, row: int) -> tuple[str, ...]:
    position = int(np.asarray(source.index.position[row]))
    return tuple(_name(source, t) for t in range(row - min(BEFORE, position), row))
