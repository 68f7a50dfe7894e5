"""Vectors of words: learnt from text, read and written, asked for neighbours, scored, and drawn as a map.

Names resolve on first use, so that the command line loads neither a compiler nor scipy to show its help.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "Corpus": "naibu.vectors.corpus",
    "Map": "naibu.vectors.mapping",
    "Neighbours": "naibu.vectors.neighbours",
    "Options": "naibu.vectors.options",
    "Score": "naibu.vectors.scoring",
    "Scores": "naibu.vectors.scoring",
    "Trained": "naibu.vectors.training",
    "Vectors": "naibu.data.vector_file",
    "analogy": "naibu.vectors.neighbours",
    "corpus_of": "naibu.vectors.corpus",
    "cosine": "naibu.vectors.neighbours",
    "map": "naibu.vectors.mapping:place_words",
    "near": "naibu.vectors.neighbours",
    "read_corpus": "naibu.vectors.corpus",
    "read_vectors": "naibu.data.vector_file",
    "score": "naibu.vectors.scoring",
    "train": "naibu.vectors.training",
    "train_on": "naibu.vectors.training",
    "write_vectors": "naibu.data.vector_file",
}
__all__ = [*_HOME]  # noqa: PLE0604

if TYPE_CHECKING:
    from naibu.data.vector_file import Vectors as Vectors
    from naibu.data.vector_file import read_vectors as read_vectors
    from naibu.data.vector_file import write_vectors as write_vectors
    from naibu.vectors.corpus import Corpus as Corpus
    from naibu.vectors.corpus import corpus_of as corpus_of
    from naibu.vectors.corpus import read_corpus as read_corpus
    from naibu.vectors.mapping import Map as Map
    from naibu.vectors.mapping import place_words
    from naibu.vectors.neighbours import Neighbours as Neighbours
    from naibu.vectors.neighbours import analogy as analogy
    from naibu.vectors.neighbours import cosine as cosine
    from naibu.vectors.neighbours import near as near
    from naibu.vectors.options import Options as Options
    from naibu.vectors.scoring import Score as Score
    from naibu.vectors.scoring import Scores as Scores
    from naibu.vectors.scoring import score as score
    from naibu.vectors.training import Trained as Trained
    from naibu.vectors.training import train as train
    from naibu.vectors.training import train_on as train_on

    map = place_words


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'naibu.vectors' has no attribute {name!r}; it has {', '.join(__all__)}")
    module, _, other = _HOME[name].partition(":")
    return getattr(importlib.import_module(module), other or name)
