"""Which sentences train a network, which choose it and which judge it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from naibu.data.events import Array, Events

DOCUMENTS_NEEDED = 10
_HELD_OUT = 0.1


class Split(NamedTuple):
    """Numbers of sentences, ascending, in three parts; `by` is "document", "sentence" or "file"."""

    train: Array
    validation: Array
    test: Array
    by: str


def split(events: Events, seed: int, test_from: int | None = None) -> Split:
    """The sentences in parts of 80, 10 and 10 %; the same for every form of a corpus.

    By document, measured in events, where there are at least 10 documents, else by sentence.
    test_from: sentences from this number on come from the user's own test file; the rest is divided 90 to 10.
    """
    everything = np.arange(len(events))
    generator = np.random.default_rng([seed, 0x5EED])
    own = test_from is not None
    pool = everything[:test_from] if own else everything
    by_document = len(np.unique(events.documents[pool])) >= DOCUMENTS_NEEDED
    draw = _by_document if by_document else _by_sentence
    held = draw(events, pool, generator, 1 if own else 2)
    validation = held[-1]
    test = everything[test_from:] if own else held[0]
    taken = np.zeros(len(events), bool)
    taken[validation] = taken[test] = True
    by = "file" if own else "document" if by_document else "sentence"
    return Split(np.flatnonzero(~taken), np.sort(validation), np.sort(test), by)


def _by_sentence(events: Events, pool: Array, generator: np.random.Generator, parts: int) -> list[Array]:
    order = generator.permutation(len(pool))
    size = max(1, round(len(pool) * _HELD_OUT))
    return [pool[order[part * size : (part + 1) * size]] for part in range(parts)]


def _by_document(events: Events, pool: Array, generator: np.random.Generator, parts: int) -> list[Array]:
    documents = events.documents[pool]
    sizes = np.bincount(documents, events.lengths[pool])
    wanted = sizes.sum() * _HELD_OUT
    waiting = [int(document) for document in generator.permutation(np.unique(documents))]
    held: list[Array] = []
    for _ in range(parts):
        chosen: list[int] = []
        filled = 0.0
        # A document as large as half of the corpus would make a part of its own: pass it over.
        for document in waiting:
            room = len(chosen) < len(waiting) // 3  # many small ones beside a huge one: some are for the others
            if room and filled + sizes[document] <= 1.2 * wanted and filled < wanted:
                chosen.append(document)
                filled += sizes[document]
        chosen = chosen or [min(waiting, key=lambda document: (sizes[document], document))]
        waiting = [document for document in waiting if document not in set(chosen)]
        held.append(pool[np.isin(documents, chosen)])
    return held
