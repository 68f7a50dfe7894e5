"""Sentences up to their verb, whose subject says the number of the verb, with nouns in between that may mislead.

`the question near the letters ... is/are`: the words come from what a treebank's training part holds often enough, the
sentences from a small grammar, so that all that varies is the number of the subject and of the nouns after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naibu.data.events import START
from naibu.data.forms import Form
from naibu.data.generated.agreement_words import Lexicon, NounPair, VerbPair
from naibu.data.trees import CLOSE, OPEN, WORD
from naibu.errors import OptionError

MOST_ATTRACTORS = 3
CONSTRUCTIONS = ("prepositions", "relative clause")
Event = tuple[int, str]  # kind and name, as in trees


@dataclass(frozen=True)
class Item:
    """One choice of words; with the two numbers of its subject and of its other nouns it is four sentences.

    Of `attractors` nouns after the subject, each hangs on the one before by a preposition; in a relative clause the
    first is the object of a verb in the past, which shows no number.
    """

    subject: NounPair
    attractors: tuple[NounPair, ...]
    prepositions: tuple[str, ...]  # one for each attractor, but the first of a relative clause
    past: str | None  # the verb of the relative clause, None without one

    @property
    def construction(self) -> str:
        """What stands between subject and verb: "none", "prepositions" or "relative clause"."""
        return "none" if not self.attractors else CONSTRUCTIONS[self.past is not None]


@dataclass(frozen=True)
class Prefix:
    """A sentence up to its verb: an item with its numbers chosen."""

    item: Item
    number: int  # of the subject and so of the verb: 0 singular, 1 plural
    others: int  # of all other nouns; that of the subject where there is none

    @property
    def congruent(self) -> bool:
        """Whether the other nouns have the subject's number."""
        return self.number == self.others

    @property
    def last(self) -> int:
        """The number of the last noun before the verb."""
        return self.others if self.item.attractors else self.number


def draw_items(words: Lexicon, attractors: int, items: int, seed: int) -> list[Item]:
    """Items with so many nouns between subject and verb, drawn with the seed; subjects as evenly as can be.

    Half have prepositions only, half a relative clause, where the words for one are there. No noun is twice in an
    item, and no item twice: few words give fewer items than asked for. OptionError for more than 3 attractors, or
    fewer nouns than an item needs.
    """
    if not 0 <= attractors <= MOST_ATTRACTORS:
        raise OptionError(f"{attractors} attractors: there are sentences with 0 to {MOST_ATTRACTORS}")
    if len(words.nouns) <= attractors:
        raise OptionError(f"{len(words.nouns)} nouns are too few for sentences with {attractors + 1} different ones")
    draw = np.random.default_rng((seed, 43, attractors))
    order: list[int] = []
    found = []
    for k in range(items):
        if not order:
            order = draw.permutation(len(words.nouns)).tolist()
        subject = order.pop()
        others = draw.permutation(np.setdiff1d(np.arange(len(words.nouns)), [subject]))[:attractors]
        clause = attractors > 0 and k % 2 == 1 and bool(words.relative and words.pasts)
        count = attractors - clause
        prepositions = tuple(words.prepositions[p] for p in draw.integers(0, len(words.prepositions), count))
        past = words.pasts[int(draw.integers(0, len(words.pasts)))] if clause else None
        found.append(Item(words.nouns[subject], tuple(words.nouns[n] for n in others), prepositions, past))
    return list(dict.fromkeys(found))


def prefixes(items: Sequence[Item]) -> list[Prefix]:
    """All sentences of some items: both numbers of the subject, and of the other nouns where there are any.

    Both numbers are equally often right, and equally often that of the other nouns: who always says one of them, or
    that of another noun, is right in half of the sentences that have other nouns.
    """
    return [
        Prefix(item, number, others)
        for item in items
        for number in (0, 1)
        for others in ((0, 1) if item.attractors else (number,))
    ]


# ---------------------------------------------------------------- written down


def events(prefix: Prefix, words: Lexicon) -> list[Event]:
    """The sentence as the events of its tree, from its beginning to the open bracket of the verb phrase.

    Trees are those of the Penn Treebank: (S (NP (NP (DT The) (NN key)) (PP (IN near) (NP (DT the) (NNS doors)))) (VP.
    """
    item = prefix.item
    subject = _simple(item.subject, prefix.number, words.first_determiner)
    others = [_simple(noun, prefix.others, words.determiner) for noun in item.attractors]
    chain: list[Event] = []
    prepositions = list(item.prepositions)
    for k in reversed(range(len(others))):
        noun = _node("NP", others[k], chain) if chain else others[k]
        if k == 0 and item.past is not None:
            relative = _node("WHNP", _word("WDT", words.relative))
            chain = _node("SBAR", relative, _node("S", _node("VP", _word("VBD", item.past), noun)))
        else:
            chain = _node("PP", _word("IN", prepositions.pop()), noun)
    phrase = _node("NP", subject, chain) if chain else subject
    return [(START, ""), (OPEN, "S"), *phrase, (OPEN, "VP")]


def verb_events(verb: VerbPair, number: int) -> list[Event]:
    """The verb's bracket and the verb, which follow the prefix."""
    tag, word = (verb.plural_tag, verb.plural) if number else (verb.singular_tag, verb.singular)
    return [(OPEN, tag), (WORD, word)]


def symbols(written: Sequence[Event], form: str) -> list[str]:
    """Events as the symbols a network reads in a form, spelt as in a corpus of that form."""
    shape = Form(form)
    table = sorted({name for _, name in written})
    kinds = np.array([kind for kind, _ in written], np.int8)
    names = np.array([table.index(name) for _, name in written], np.int32)
    keys = shape.keys(kinds, names, len(table))[shape.select(kinds)]
    return [shape.spell(int(key), table) for key in keys]


def _simple(noun: NounPair, number: int, determiner: str) -> list[Event]:
    tag, word = ("NNS", noun.plural) if number else ("NN", noun.singular)
    return _node("NP", _word("DT", determiner), _word(tag, word))


def _word(tag: str, word: str) -> list[Event]:
    return [(OPEN, tag), (WORD, word), (CLOSE, tag)]


def _node(name: str, *children: list[Event]) -> list[Event]:
    return [(OPEN, name), *(event for child in children for event in child), (CLOSE, name)]
