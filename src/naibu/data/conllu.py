"""CoNLL-U, the format of Universal Dependencies: ten columns, comments, multiword tokens, empty nodes; its trees.

Source: universaldependencies.org/format.html, and ext-format.html for `# global.columns`.
"""

from __future__ import annotations

import re

import numpy as np

from naibu.data.examples import Array
from naibu.data.token_table import Gathering, TokenTable
from naibu.errors import CorpusError

COLUMNS: tuple[str, ...] = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
GLOBAL = "# global.columns ="
"""The comment that names other columns, in the first line of a file."""
SUBJECTS = ("nsubj", "csubj")
"""Relations of a subject to its head; `nsubj:pass` is one too."""
_WORD = re.compile(r"[1-9][0-9]*")
_NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")
"""The id of a token of several words, 1-2, and of a word that is not there, 1.1: neither is read."""


def read_conllu(text: str, name: str) -> TokenTable:
    """Return the words of a text in CoNLL-U. Multiword tokens and empty nodes are left out, `# newdoc` parts documents.

    Raises CorpusError with the line for a row of another number of columns, and for words that are not numbered from 1
    on.
    """
    found, columns, expected = Gathering(name), COLUMNS, 1
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            found.end_sentence()
            expected = 1
            continue
        if line.startswith("#"):
            if line.startswith(GLOBAL):
                columns = tuple(each.lower() for each in line[len(GLOBAL) :].split())
            elif line.startswith("# newdoc"):
                found.begin_document()
            continue
        cells = line.split("\t")
        if len(cells) != len(columns):
            told = f"{len(cells)} columns, where CoNLL-U has {len(columns)}, parted by tabs"
            raise CorpusError(told, name, number)
        if _NO_WORD.fullmatch(cells[0]):
            continue
        if not _WORD.fullmatch(cells[0]) or int(cells[0]) != expected:
            told = f"the id {cells[0]!r}, where {expected} should come; sentences end at empty lines"
            raise CorpusError(told, name, number)
        expected += 1
        found.add(cells, number)
    return found.table("conllu", columns)


def is_conllu(text: str) -> bool:
    """Return whether the first line that is no comment is a row of CoNLL-U, or a comment names its columns."""
    for line in text.split("\n"):
        if line.startswith(GLOBAL):
            return True
        if line and not line.startswith("#"):
            return line.count("\t") == len(COLUMNS) - 1 and line.partition("\t")[0].partition("-")[0] == "1"
    return False


def tree_labels(heads: list[str], relations: list[str], starts: Array) -> tuple[Array, Array]:
    """Return how many words stand above each in its dependency tree, 0 at the root, and whether it is a subject or
    stands below one, float32 [token] each; NaN in a sentence whose heads are no tree.

    heads: [token], the number of each word's head in its sentence, 0 for the root. starts: [sentence + 1].
    """
    depth = np.full(len(heads), np.nan, np.float32)
    inside = np.full(len(heads), np.nan, np.float32)
    for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        above = [int(head) if head.isascii() and head.isdigit() else -1 for head in heads[start:stop]]
        if min(above) < 0 or max(above) > stop - start:
            continue
        found = _below(above, [relation.partition(":")[0] in SUBJECTS for relation in relations[start:stop]])
        if found is not None:
            depth[start:stop], inside[start:stop] = found
    return depth, inside


def _below(heads: list[int], subjects: list[bool]) -> tuple[list[int], list[bool]] | None:
    """Return depth and whether inside a subject of each word of a sentence; None where heads go round in a circle."""
    depths: list[int | None] = [None] * len(heads)
    inside = list(subjects)
    for word in range(len(heads)):
        path = list[int]()
        while word >= 0 and depths[word] is None:
            if len(path) > len(heads):
                return None
            path.append(word)
            word = heads[word] - 1
        depth, within = (-1, False) if word < 0 else (depths[word] or 0, inside[word])
        for below in reversed(path):
            depth, within = depth + 1, within or inside[below]
            depths[below], inside[below] = depth, within
    return [depth or 0 for depth in depths], inside
