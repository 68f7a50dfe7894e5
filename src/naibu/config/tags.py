"""The shape of a network that tags words."""

from dataclasses import dataclass
from typing import Literal, get_args

from naibu.config.shared import ModelConfig, check, one_of

DecodeName = Literal["crf", "softmax"]
UNITS, WORDS = 128, 100
"""Units of the layers in each direction, and numbers of a word's vector, where nothing is asked for."""


@dataclass(frozen=True)
class TagsConfig(ModelConfig):
    """The shape of a network that tags words: letters, words, layers in both directions, what tells the tags."""

    units: int = 0
    """Hidden units of each layer in each direction; 0 takes 128."""
    embedding: int = 0
    """Size of the vector of a word; 0 takes 100, or that of --vectors."""
    dropout: float = 0.5
    """Share of values dropped from the vectors read, between layers and before the output."""
    decode: DecodeName = "crf"
    """What tells the tags: a conditional random field, of all paths at once; or a softmax, word by word. What is told
    is the best path without a span that goes on with nothing."""
    letters: int = 32
    """Units of the layer that reads the letters of a word, in each direction; 0 reads no letters."""
    letter_embedding: int = 32
    """Size of the vector of a letter."""
    beside: int = 48
    """Size of the vector of what is read beside a word, at most; less where there are few different ones."""
    word_dropout: float = 0.1
    """Share of the words whose own vector is that of an unknown word in training; their letters stay."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.decode in get_args(DecodeName), "decode", self.decode, one_of(DecodeName))
        check(self.letters >= 0, "letters", self.letters, "0 (no letters are read) or more")
        for name in ("letter_embedding", "beside"):
            check(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        check(0 <= self.word_dropout < 1, "word_dropout", self.word_dropout, "from 0 up to, not including, 1")
        check(not self.tied, "tied", self.tied, "left away: words are read and tags are told")
        check(self.softmax == "full", "softmax", self.softmax, "full: there are few tags")
