"""Corpora: from files to numbered sequences with labels. Needs numpy only."""

from __future__ import annotations

from naibu.data.batches import length_batches, pad
from naibu.data.corpus import Corpus, open_corpus
from naibu.data.examples import Column
from naibu.data.forms import FORMS
from naibu.data.sequences import Sequence, Sequences
from naibu.data.trees import CLOSE, OPEN, WORD, Document, Tree
from naibu.data.vocabulary import Vocabulary

__all__ = [
    "CLOSE",
    "FORMS",
    "OPEN",
    "WORD",
    "Corpus",
    "Document",
    "Column",
    "Sequence",
    "Sequences",
    "Tree",
    "Vocabulary",
    "length_batches",
    "open_corpus",
    "pad",
]
