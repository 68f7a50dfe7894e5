"""The one tree type that every reader gives: a flat run of events, so that no depth is too deep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

OPEN, CLOSE, WORD = 0, 1, 2

# The three events of a node that holds one word, which is most of a treebank.
PRETERMINAL = bytes((OPEN, WORD, CLOSE))


@dataclass(frozen=True)
class Tree:
    """A nested sentence as events in reading order.

    kinds: OPEN, CLOSE or WORD for each event.
    names: the category for OPEN and CLOSE (the same string on both), the word for WORD.
    """

    kinds: Sequence[int]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.kinds)

    def __str__(self) -> str:
        """The tree in brackets on one line, as in `(NP (DT the) (NN dog))`."""
        parts: list[str] = []
        for kind, name in zip(self.kinds, self.names, strict=True):
            if kind == CLOSE:
                parts.append(")")
            else:
                parts.append((" " if parts else "") + ("(" if kind == OPEN else "") + name)
        return "".join(parts)


class Document(NamedTuple):
    """A file, or a member of an archive, and its trees; the trees may be read only while asked for."""

    name: str
    trees: Iterable[Tree]
