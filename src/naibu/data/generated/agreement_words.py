"""Words of a treebank that show number in English: nouns in both forms, verbs in both, and what stands between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.data.corpus import Corpus
from naibu.data.events import Array
from naibu.errors import OptionError

LEAST = 5
TAG_SHARE = 0.8
FEWEST_NOUNS = 8

VERBS = (
    ("is", "are", "VBZ", "VBP"),
    ("was", "were", "VBD", "VBD"),
    ("has", "have", "VBZ", "VBP"),
    ("does", "do", "VBZ", "VBP"),
)
"""Singular and plural of the verbs in which number is most frequent, with their tags."""
IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet", "tooth": "teeth",
    "mouse": "mice", "goose": "geese",
}  # fmt: skip
PREPOSITIONS = ("near", "of", "behind", "with", "for", "from", "in", "on", "by", "about", "under", "beside")
PASTS = ("saw", "made", "took", "found", "gave", "brought", "wanted", "needed", "used", "left", "created", "changed")


@dataclass(frozen=True)
class NounPair:
    """A noun in both numbers."""

    singular: str
    plural: str


@dataclass(frozen=True)
class VerbPair:
    """A verb in both numbers, with tags, and how often each form occurs in training."""

    singular: str
    plural: str
    singular_tag: str
    plural_tag: str
    counts: tuple[int, int]

    @property
    def name(self) -> str:
        """Both forms: "is/are"."""
        return f"{self.singular}/{self.plural}"


@dataclass(frozen=True)
class Lexicon:
    """The words that sentences are made of; `relative` is "" where no relative clause can be made."""

    nouns: tuple[NounPair, ...]
    verbs: tuple[VerbPair, ...]
    prepositions: tuple[str, ...]
    pasts: tuple[str, ...]
    relative: str
    first_determiner: str
    determiner: str


def plurals(noun: str) -> tuple[str, ...]:
    """What the plural of an English noun may be by its spelling; which of them exists, a corpus has to say."""
    if noun in IRREGULAR:
        return (IRREGULAR[noun],)
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return (noun[:-1] + "ies",)
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return (noun + "es",)
    if noun.endswith("fe"):
        return (noun[:-2] + "ves", noun + "s")
    if noun.endswith("f"):
        return (noun[:-1] + "ves", noun + "s")
    return (noun + "s", noun + "es") if noun.endswith("o") else (noun + "s",)


def lexicon(corpus: Corpus, *, least: int = LEAST) -> Lexicon:
    """The words of a corpus's vocabulary from which sentences with number agreement can be made.

    A noun is taken where its singular occurs at least `least` times in training as NN and a plural by the rules of
    spelling as often as NNS, both in four of five of all their occurrences, so that a verb of that spelling does not
    pass for a noun. Verbs, prepositions and the rest come from fixed lists, and stay where they occur as often with the
    tag they are used with. OptionError, saying that number agreement does not apply, where the form shows no words,
    the corpus has no such tags, or fewer than 8 nouns or no verb remain.
    """
    counts = _Counts(corpus)
    nouns = tuple(
        NounPair(singular, plural)
        for singular in counts.mostly("NN", least)
        if singular.isalpha() and singular.islower()
        for plural in [p for p in plurals(singular) if counts.is_mostly(p, "NNS", least)][:1]
    )
    verbs = tuple(
        VerbPair(one, many, tag, tags, (counts.of(one), counts.of(many)))
        for one, many, tag, tags in VERBS
        if counts.tagged(one, tag) >= least and counts.tagged(many, tags) >= least
    )
    prepositions = _there(PREPOSITIONS, "IN", counts, least)
    pasts = _there(PASTS, "VBD", counts, least)
    determiners = _there(("The", "the"), "DT", counts, least)
    if len(nouns) < FEWEST_NOUNS or not verbs or not prepositions or "the" not in determiners:
        raise does_not_apply(
            f"{corpus.name} has {len(nouns)} nouns in both numbers and {len(verbs)} verbs that occur {least} times or "
            f"more in training; {FEWEST_NOUNS} nouns, a verb, a preposition and `the` are needed"
        )
    relative = "that" if counts.tagged("that", "WDT") >= least else ""
    return Lexicon(nouns, verbs, prepositions, pasts, relative, determiners[0], "the")


def does_not_apply(reason: str) -> OptionError:
    """The error that says why there is nothing to ask here."""
    return OptionError(f"number agreement does not apply: {reason}")


class _Counts:
    """How often each symbol of the vocabulary has each tag in training."""

    def __init__(self, corpus: Corpus) -> None:
        if not corpus.form.endswith("words"):
            raise does_not_apply(f"the form {corpus.form!r} shows no words")
        if "part_of_speech" not in corpus.train.label_names:
            raise does_not_apply(f"{corpus.name} is plain text, in which nothing says which words are nouns")
        label = corpus.train.label("part_of_speech")
        self._tags = {name: code for code, name in enumerate(label.names or ())}
        missing = [tag for tag in ("NN", "NNS", "DT", "IN") if tag not in self._tags]
        if missing:
            raise does_not_apply(f"{corpus.name} has no words tagged {', '.join(missing)} (Penn Treebank, English)")
        self._index, self._symbols = corpus.vocabulary.index, corpus.vocabulary.symbols
        words = np.flatnonzero(label.values >= 0)
        pairs = corpus.train.ids[words].astype(np.int64) * len(self._tags) + label.values[words]
        flat = np.bincount(pairs, minlength=len(self._symbols) * len(self._tags))
        self._counts: Array = flat.reshape(-1, len(self._tags))  # symbol tag

    def of(self, word: str) -> int:
        """How often the word occurs, 0 where the vocabulary lacks it."""
        return int(self._counts[self._index[word]].sum()) if word in self._index else 0

    def tagged(self, word: str, tag: str) -> int:
        """How often the word occurs with the tag."""
        there = word in self._index and tag in self._tags
        return int(self._counts[self._index[word], self._tags[tag]]) if there else 0

    def is_mostly(self, word: str, tag: str, least: int) -> bool:
        """Whether it occurs often enough with the tag, and seldom with others."""
        return self.tagged(word, tag) >= max(least, TAG_SHARE * self.of(word))

    def mostly(self, tag: str, least: int) -> list[str]:
        """All words of which that holds, the most frequent first."""
        some = np.flatnonzero(self._counts[:, self._tags[tag]] >= least)
        return [self._symbols[n] for n in some if self.is_mostly(self._symbols[n], tag, least)]


def _there(words: Sequence[str], tag: str, counts: _Counts, least: int) -> tuple[str, ...]:
    return tuple(word for word in words if counts.is_mostly(word, tag, least) or counts.tagged(word, tag) >= 4 * least)
