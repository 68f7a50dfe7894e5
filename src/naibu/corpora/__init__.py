"""Corpora: from files to numbered sequences with labels. Needs numpy only."""

from __future__ import annotations

from naibu.corpora.batches import length_batches, pad
from naibu.corpora.corpus import Corpus, open_corpus
from naibu.corpora.forms import FORMS
from naibu.corpora.sequences import Label, Sequence, Sequences
from naibu.corpora.trees import CLOSE, OPEN, WORD, Document, Tree
from naibu.corpora.vocabulary import Vocabulary

__all__ = [
    "CLOSE",
    "FORMS",
    "OPEN",
    "WORD",
    "Corpus",
    "Document",
    "Label",
    "Sequence",
    "Sequences",
    "Tree",
    "Vocabulary",
    "length_batches",
    "open_corpus",
    "pad",
]
