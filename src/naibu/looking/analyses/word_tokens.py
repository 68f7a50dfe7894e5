"""One word with several functions: its tokens along principal components, and their nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from naibu.errors import OptionError
from naibu.looking.analyses.components import SQUARE
from naibu.looking.analyses.words import SEED, applies, frequent_key, key_of, told, told_numbers, told_table
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed, Results
from naibu.probes.components import of_word, usual_word, word_tokens
from naibu.probes.components_results import Neighbours, Query, WordTokens
from naibu.probes.neighbours import neighbours
from naibu.probes.part_of_speech import LABEL
from naibu.reporting.content import Subject
from naibu.reporting.finding import Finding
from naibu.reporting.markup import Markup, element, figure, folded, paragraph, table
from naibu.reporting.numbers import count, number, share
from naibu.reporting.section import Pen, Section, labelled_note
from naibu.reporting.words import headline, shortened, signal_name, visible

READING = (
    "One word can have several functions, and which one it has must come from what was read before it. All these "
    "points are the same word; the colour is its part of speech. What often decides it, the words that follow, has not "
    "been read yet."
)
NEAR = (
    "The vectors that point most nearly in the same direction as that of one token (cosine: 1 the same direction, 0 "
    "unrelated). Such examples illustrate and prove nothing."
)


class OneWord(NamedTuple):
    """The tokens of one word, and the nearest neighbours of some of them."""

    tokens: WordTokens
    near: Neighbours | None


def word_asks(probed: Probed, word: str) -> Iterator[Ask]:
    """Yield what is asked of one word; OptionError where the recording lacks it, before anything is computed."""
    key = key_of(probed)
    if key is None:
        raise OptionError(f"word {word!r}: the words of this recording have no part of speech, or no signal fits")
    of_word(probed.recording, LABEL, word, SEED)
    yield Ask("word_tokens", partial(word_tokens, probed.recording, key, word, untrained=probed.control))
    yield Ask("neighbours", partial(neighbours, probed.recording, key, word=word))


def _asks(probed: Probed) -> Iterator[Ask]:
    key, recording = frequent_key(probed), probed.recording
    if key is not None and applies(lambda: of_word(recording, LABEL, usual_word(recording, LABEL), SEED)):
        yield Ask("word_tokens", partial(word_tokens, recording, key, untrained=probed.control))
        yield Ask("neighbours", partial(neighbours, recording, key))


def _read(results: Results, subject: Subject) -> OneWord | None:
    found = results.get(WordTokens, "word_tokens")
    return None if found is None else OneWord(found, results.get(Neighbours, "neighbours"))


def one_word_told(found: OneWord) -> Finding:
    """Say whether the functions of one word are told by the state after it, against the symbols just before."""
    tokens, near = found
    telling = next(t for t in tokens.telling if t.name == "components")
    who = f"the {signal_name(tokens.signal, tokens.layer)} after “{visible(tokens.word)}”"
    what = f"which of its {len(tokens.tags)} parts of speech it has"
    untrained = {"the untrained network": telling.untrained}
    # After one word the word itself says nothing: what was read before it is what there is to know it from.
    needless = ("majority", "2-gram", "3-gram")
    finding = told(who, what, headline(telling.scores), tokens, untrained, needless)
    return finding if near is None else replace(finding, text=f"{finding.text} {few_neighbours(near)}")


def few_neighbours(found: Neighbours) -> str:
    """Say how alike the tokens nearest to a few tokens are; so few single tokens cannot show anything."""
    words = ", ".join(dict.fromkeys(f"“{visible(q.symbol)}”" for q in found.queries))
    near = [(n, q) for q in found.queries for n in q.others]
    if not near:
        return "That words near each other are alike is not shown: no token was looked at."
    alike = sum(n.tag == q.tag for n, q in near)
    nearest, usual = (sum(f(q) for q in found.queries) / len(found.queries) for f in (_nearest, _usual))
    return (
        f"That {words} has the neighbours of other words of its part of speech is not shown, only illustrated: of the "
        f"{len(near)} nearest tokens of other words to {_tokens(len(found.queries))}, {alike} "
        f"{'has' if alike == 1 else 'have'} the same one (cosine of the nearest {number(nearest)}, of the median token "
        f"{number(usual)}; no interval for so few)."
    )


def _tokens(count: int) -> str:
    return f"{count} token{'' if count == 1 else 's'} of it"


def _nearest(query: Query) -> float:
    return max((near.cosine for near in query.others), default=query.usual)


def _usual(query: Query) -> float:
    return query.usual


def one_word(one: OneWord, pen: Pen) -> Section:
    """Return the section on all tokens of one word, with the nearest neighbours of some of them."""
    from naibu.reporting.plots.components import plot_plane

    found, near = one
    word = visible(found.word)
    signal = signal_name(found.signal, found.layer)
    text = f"Tokens of “{word}” in the plane of the first two components of their {signal}."
    panel = pen(partial(plot_plane, found.points, found.tags), text, SQUARE)
    caption = (
        f"{len(found.points.symbols)} of the {count(int(found.test_count.sum()))} test tokens of “{word}” in the plane "
        f"of the first two components of its training tokens ({share(float(found.share[:2].sum()))} of their variance)."
    )
    each = table(
        ["part of speech", "training tokens", "test tokens", "told right"],
        [
            [tag, count(float(a)), count(float(b)), share(float(r))]
            for tag, a, b, r in zip(found.tags, found.train_count, found.test_count, found.recall, strict=True)
        ],
        f"The parts of speech of “{word}”, and how often each is told right from all components (test)",
    )
    tables = [told_table(found.telling, found.baselines, len(found.tags)), each, labelled_note(found.fitted)]
    if near is not None and near.queries:
        nearest = (_query(near, q) for q in near.queries)
        tables.append(folded("Nearest neighbours of single tokens", paragraph(NEAR), *nearest))
    return Section(f"One word, several functions: “{word}”", READING, (figure([panel], caption),), tuple(tables))


def _before(before: Sequence[str]) -> Markup:
    return element("span", " ".join(shortened(w) for w in before) or "–", class_="units")


def _query(near: Neighbours, q: Query) -> Markup:
    rows = [
        [kind, visible(n.symbol), n.tag, number(n.cosine), _before(n.before)]
        for kind, found in (("any word", q.nearest), ("other words", q.others))
        for n in found
    ]
    read = " ".join(visible(w) for w in (*q.before, q.symbol))
    caption = (
        f"Nearest to “{visible(q.symbol)}” ({q.tag}) after “{read}”, {signal_name(near.signal, near.layer)}, among "
        f"{count(near.looked_at)} test words; their median cosine is {number(q.usual)}"
    )
    return table(["among", "word", "part of speech", "cosine", "read before it"], rows, caption, names=2)


def _numbers(found: OneWord) -> Numbers:
    tokens, near = found
    where = {"layer": tokens.layer, "signal": tokens.signal, "names": len(tokens.tags)}
    return {"word": tokens.word, **where, **told_numbers(tokens), "neighbours": near and _of_neighbours(near)}


def _of_neighbours(found: Neighbours) -> Numbers:
    queries = [
        {
            "word": q.symbol,
            "part_of_speech": q.tag,
            "cosine": max((n.cosine for n in q.others), default=None),
            "usual": q.usual,
            "others": len(q.others),
            "others_alike": sum(n.tag == q.tag for n in q.others),
        }
        for q in found.queries
    ]
    return {"layer": found.layer, "signal": found.signal, "looked_at": found.looked_at, "queries": queries}


WORD_TOKENS = Analysis(
    "word_tokens",
    "one word with several functions",
    OneWord,
    one_word,
    one_word_told,
    _asks,
    read=_read,
    numbers=_numbers,
)
