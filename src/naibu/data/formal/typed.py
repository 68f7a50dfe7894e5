"""A word of a formal language that somebody typed."""

from __future__ import annotations

import numpy as np

from naibu.data.examples import Array
from naibu.data.formal.examples import Blocks, FormalExamples
from naibu.data.formal.language import Language
from naibu.errors import CorpusError


class _Typed(Blocks):
    """A block of the one word that was typed, which is its seed."""

    def drawn(self, block: int) -> tuple[Array, Array]:
        """Return the word and its answer."""
        word = np.array([self.seed], np.int64)
        return word, self.language.answer(word)


def typed_word(language: Language, text: str) -> FormalExamples:
    """Return a typed word as examples of one, its answer included.

    Symbols have blanks between them, or, where each is one character, none. Raises CorpusError for a symbol that there
    is not, for a length of which there is no word, and for what is no word of the language.
    """
    single = all(len(symbol) == 1 for symbol in language.symbols)
    parts = list("".join(text.split())) if single else text.split()
    codes = {symbol: code for code, symbol in enumerate(language.symbols)}
    for part in parts:
        if part not in codes:
            raise CorpusError(f"{part!r} is no symbol of {language.name}; there are {' '.join(language.symbols)}")
    if not language.fits(len(parts)):
        raise CorpusError(f"{language.name} has no word of {len(parts)} symbols")
    word = tuple(codes[part] for part in parts)
    if not language.is_word(word):
        raise CorpusError(f"{text.strip()!r} is no word of {language.name}")
    return FormalExamples(_Typed(language, np.array([len(word)]), 1, word))
