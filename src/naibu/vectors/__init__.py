"""Vectors of words: learnt from text, read and written, asked for neighbours, scored, and drawn as a map."""

from __future__ import annotations

from naibu.data.vector_file import Vectors, read_vectors, write_vectors
from naibu.vectors.corpus import Corpus, corpus_of, read_corpus
from naibu.vectors.mapping import Map
from naibu.vectors.mapping import place_words as map
from naibu.vectors.neighbours import Neighbours, analogy, cosine, near
from naibu.vectors.options import Options
from naibu.vectors.scoring import Score, Scores, score
from naibu.vectors.training import Trained, train, train_on

__all__ = [
    "Corpus",
    "Map",
    "Neighbours",
    "Options",
    "Score",
    "Scores",
    "Trained",
    "Vectors",
    "analogy",
    "corpus_of",
    "cosine",
    "map",
    "near",
    "read_corpus",
    "read_vectors",
    "score",
    "train",
    "train_on",
    "write_vectors",
]
