"""What was found of words: parts of speech told apart, components, one word's functions, nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from naibu.probes.baseline import Baseline
from naibu.probes.components_results import Components, Neighbours, Pair, Query, UniqueComponents, WordTokens
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.results import Score, Scores
from naibu.reporting.findings.finding import Finding, above, controlled
from naibu.reporting.numbers import number, share, with_interval
from naibu.reporting.words import headline, on_split, short_group, signal_name, visible

SPOKEN_OF = ("update", "cell", "hidden")
"""The first that was probed is spoken of: named beforehand, not picked by its score."""
COPIED = "But here {} gives the part of speech away: this is copied, not learnt."
NAMES = {"majority": "always saying the commonest", "1-gram": "the word alone"}


def parts_told(found: PartOfSpeech) -> Finding:
    """Say how well one signal tells two parts of speech apart, and whether that is beyond what symbols alone tell."""
    if not found.signals:
        return Finding("That parts of speech are told apart is not shown: no signal was probed.", False)
    one = next((s for name in SPOKEN_OF if (s := found.of(name)) is not None), found.signals[0])
    score, split = headline(one.accuracy)
    controls = {"the untrained network": one.controls.untrained, "a random label": one.controls.random_label}
    apart = f"{short_group(found.values[0])} from {short_group(found.values[1])}"
    told = _told(f"the {signal_name(one.signal)}", apart, score, split, found, controls)
    return replace(told, text=told.text + _update_and_cell(found, split))


def _update_and_cell(found: PartOfSpeech, split: str) -> str:
    """Say whether the update tells them better than the cell, as the source has it, by the interval of both."""
    difference = found.difference("update", "cell")
    score = None if difference is None else on_split(difference.scores, split)
    if difference is None or score is None:
        return ""
    before = on_split(difference.untrained, split)
    untrained = "" if before is None else f"; untrained: {_points(before)}"
    points = f"difference {_points(score)} points of 100{untrained}"
    if score.low <= 0 <= score.high:
        return f" Between the update and the cell no difference can be seen ({points})."
    return f" The update tells them {'better' if score.low > 0 else 'worse'} than the cell ({points})."


def _points(score: Score) -> str:
    value, low, high = (f"{100 * x:+.2f}".replace("-", "−") for x in (score.value, score.low, score.high))
    return f"{value} [{low}, {high}]"


def along(found: Components) -> Finding:
    """Say how well the first principal components tell the part of speech, against the word alone."""
    telling = next(t for t in found.telling if t.name == "components")
    score, split = headline(telling.scores)
    who = f"the first {telling.dimensions} components of the {signal_name(found.signal)}"
    what = f"the part of speech of a word (of {len(found.classes)})"
    return _told(who, what, score, split, found, {"the untrained network": telling.untrained})


def one_word(found: WordTokens) -> Finding:
    """Say whether the functions of one word are told by the state after it, against the symbols just before."""
    telling = next(t for t in found.telling if t.name == "components")
    score, split = headline(telling.scores)
    who = f"the {signal_name(found.signal)} after “{visible(found.word)}”"
    what = f"which of its {len(found.tags)} parts of speech it has"
    return _told(who, what, score, split, found, {"the untrained network": telling.untrained})


def _told(
    who: str,
    what: str,
    score: Score,
    split: str,
    found: PartOfSpeech | Components | WordTokens,
    controls: Mapping[str, Scores | None],
) -> Finding:
    """Return the sentence; it is found where the interval lies above everything that needs no trained network."""
    there = {**{_name(b): b.scores for b in found.baselines if b.name in _wanted(found)}, **controls}
    values = {name: value for name, scores in there.items() if (value := controlled(scores, split)) is not None}
    beyond = bool(values) and above(score, max(values.values())) and found.told_by is None
    numbers = f"{with_interval(score, True)} of the places right ({split}"
    numbers += "".join(f"; {name}: {share(value)}" for name, value in values.items()) + ")"
    if beyond:
        return Finding(f"A weighted sum of {who} tells {what}, {numbers}.", True)
    text = f"That a weighted sum of {who} tells {what} beyond what needs no trained network is not shown: {numbers}."
    return Finding(text + (" " + COPIED.format(found.told_by) if found.told_by is not None else ""), False)


def _wanted(found: PartOfSpeech | Components | WordTokens) -> Sequence[str]:
    # After one word the word itself says nothing: what was read before it is what there is to know it from.
    return ("majority", "2-gram", "3-gram") if isinstance(found, WordTokens) else ("majority", "1-gram", "2-gram")


def _name(baseline: Baseline) -> str:
    return NAMES.get(baseline.name, f"the last {baseline.name.partition('-')[0]} symbols alone")


def types_apart(found: UniqueComponents) -> Finding:
    """Say of each pair of names whether their word types come apart along one component, on held-out types."""
    if not found.pairs:
        return Finding("That word types come apart is not shown: no two parts of speech have enough of them.", False)
    shown = [pair for pair in found.pairs if _comes_apart(pair)]
    missed = [pair for pair in found.pairs if not _comes_apart(pair)]
    where = f"by the mean {signal_name(found.signal)} of each"
    parts = []
    if shown:
        parts.append(f"Word types come apart along one component, {where}: {'; '.join(map(_pair, shown))}.")
    if missed:
        parts.append(f"That word types come apart along one component is not shown of {'; '.join(map(_pair, missed))}.")
    return Finding(" ".join(parts), bool(shown))


def _comes_apart(pair: Pair) -> bool:
    before = 0.5 if pair.untrained is None else max(0.5, pair.untrained.value)
    return pair.auc.low > before


def _pair(pair: Pair) -> str:
    before = "" if pair.untrained is None else f"; untrained network: {share(pair.untrained.value)}"
    return (
        f"{pair.values[1]} beyond {pair.values[0]} in {with_interval(pair.auc, True)} of {pair.auc.n} held-out words "
        f"(by chance 50\u202f%{before})"
    )


def few_neighbours(found: Neighbours) -> Finding:
    """Say how alike the tokens nearest to a few tokens are; so few single tokens cannot show anything."""
    words = ", ".join(dict.fromkeys(f"“{visible(q.symbol)}”" for q in found.queries))
    near = [(n, q) for q in found.queries for n in q.others]
    if not near:
        return Finding("That words near each other are alike is not shown: no token was looked at.", False)
    alike = sum(n.tag == q.tag for n, q in near)
    nearest, usual = (sum(f(q) for q in found.queries) / len(found.queries) for f in (_nearest, _usual))
    return Finding(
        f"That {words} has the neighbours of other words of its part of speech is not shown, only illustrated: of the "
        f"{len(near)} nearest tokens of other words to {_tokens(len(found.queries))}, {alike} "
        f"{'has' if alike == 1 else 'have'} the same one (cosine of the nearest {number(nearest)}, of the median token "
        f"{number(usual)}; no interval for so few).",
        False,
    )


def _tokens(count: int) -> str:
    return f"{count} token{'' if count == 1 else 's'} of it"


def _nearest(query: Query) -> float:
    return max((near.cosine for near in query.others), default=query.usual)


def _usual(query: Query) -> float:
    return query.usual
