"""The training types: which events of a sentence a network sees, and what they are called.

| form | a sentence |
|---|---|
| brackets | `ST ( ( ) ( ( ) ) ) ED` |
| tagged | `ST (S (NP NP) (VP (V V) VP) S) ED` |
| brackets+words | `ST ( ( John ) ( will ( visit ) ) ) ED` |
| tagged+words | `ST (S (NP John NP) (VP will (V visit V) VP) S) ED` |
| words | `ST John will visit ED` |
| characters | text only: every character, line ends included, after ST |

Symbols are told apart by event, not by spelling. Where spelling alone would confuse them, the word gets a
backslash in front: `ST` and `ED` always, words that begin with `(` or end with `)` where brackets are shown,
and words that would look like one of these with backslashes taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.data.events import START, Array
from naibu.data.trees import CLOSE, OPEN, WORD
from naibu.errors import OptionError

FORMS = ("brackets", "tagged", "brackets+words", "tagged+words", "words", "characters")
TEXT_FORMS = ("words", "characters")

START_SYMBOL, END_SYMBOL = "ST", "ED"
UNKNOWN_WORD, UNKNOWN_OPEN, UNKNOWN_CLOSE = "<unk>", "(<unk>", "<unk>)"


@dataclass(frozen=True)
class Form:
    """A selection of events and a naming of them.

    A key is a number for a symbol before the vocabulary is known: for a table of n names OPEN has the keys
    0..n-1, CLOSE n..2n-1, WORD 2n..3n-1, ST is 3n and ED 3n+1.
    """

    name: str
    trees: bool = True
    """Whether sequences are sentences with ED at the end, or passages of text without."""

    @property
    def brackets(self) -> bool:
        """Whether brackets are seen."""
        return self.name not in TEXT_FORMS

    @property
    def tagged(self) -> bool:
        """Whether brackets carry their category."""
        return self.name.startswith("tagged")

    @property
    def words(self) -> bool:
        """Whether words are seen."""
        return self.name.endswith("words") or self.name == "characters"

    def select(self, kinds: Array) -> Array:
        """bool [event]: the events that this form shows."""
        if self.brackets and self.words:
            return np.ones(len(kinds), bool)
        shown: Array = kinds != WORD if self.brackets else kinds >= WORD
        return shown

    def keys(self, kinds: Array, names: Array, size: int) -> Array:
        """int64 [event]: the key of each event, for a table of `size` names."""
        keys = np.where((kinds == WORD) | (self.tagged & (kinds < WORD)), names, 0).astype(np.int64)
        keys += np.array([0, size, 2 * size, 3 * size, 3 * size + 1])[kinds]
        return keys

    def spell(self, key: int, table: Sequence[str]) -> str:
        """The symbol of a key."""
        kind, name = divmod(key, len(table)) if table else (START, key)
        if kind >= START:
            return END_SYMBOL if key == 3 * len(table) + 1 else START_SYMBOL
        if kind == OPEN:
            return "(" + (table[name] if self.tagged else "")
        if kind == CLOSE:
            return (table[name] if self.tagged else "") + ")"
        return self._word(table[name])

    def unknown(self) -> dict[int, str]:
        """The symbol that stands for rare ones of each kind of event, where the form can have rare ones."""
        found = {WORD: UNKNOWN_WORD} if self.words else {}
        return found | ({OPEN: UNKNOWN_OPEN, CLOSE: UNKNOWN_CLOSE} if self.tagged else {})

    def marks(self) -> tuple[str, ...]:
        """ST and, where sentences end, ED."""
        return (START_SYMBOL, END_SYMBOL) if self.trees else (START_SYMBOL,)

    def _word(self, word: str) -> str:
        bare = word.lstrip("\\")
        marked = bare in (START_SYMBOL, END_SYMBOL)
        if self.brackets and not marked:
            marked = bare.startswith("(") or bare.endswith(")")
        return "\\" + word if marked else word


def form_named(name: str, *, trees: bool) -> Form:
    """The form of that name; OptionError where it does not exist or the corpus has no trees to show in it."""
    if name not in FORMS:
        raise OptionError(f"form {name!r} does not exist: choose one of {', '.join(FORMS)}")
    if trees and name == "characters":
        raise OptionError("form 'characters' reads plain text: add the reader 'text', or choose the form 'words'")
    if not trees and name not in TEXT_FORMS:
        raise OptionError(f"form {name!r} needs trees and this corpus is plain text: choose 'words' or 'characters'")
    return Form(name, trees)
