"""How good tags are: accuracy, and precision, recall and F1 of whole spans, in all and kind by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from naibu.data.span_schemes import SchemeName, spans_of


def span_scores(
    gold: Iterable[Sequence[str]], told: Iterable[Sequence[str]], scheme: SchemeName = "IOB2"
) -> dict[str, Any]:
    """Return `accuracy`, `precision`, `recall`, `f1` and `by_class` of sentences of tags, equal to conlleval's.

    A span is right where its beginning, its end and its kind are. Precision is the share of the spans told that are
    right, recall that of the spans there are, f1 their harmonic mean; each is 0 where there is nothing to share.
    `by_class` has the same by kind, with how many `spans` there are and were `told`. Accuracy is that of single tags.
    Source: conlleval of Tjong Kim Sang & Buchholz 2000, without its percent.
    """
    there, found, right = Counter[str](), Counter[str](), Counter[str]()
    same = tokens = 0
    for mine, theirs in zip(gold, told, strict=True):
        wanted, given = set(spans_of(mine, scheme).found), set(spans_of(theirs, scheme).found)
        for counter, spans in ((there, wanted), (found, given), (right, wanted & given)):
            counter.update(span.kind for span in spans)
        same += sum(one == other for one, other in zip(mine, theirs, strict=True))
        tokens += len(mine)
    whole = _shares(there.total(), found.total(), right.total())
    kinds = sorted(there | found)
    by_class = {kind: {**_shares(there[kind], found[kind], right[kind]), "spans": there[kind], "told": found[kind]}
                for kind in kinds}  # fmt: skip
    return {"accuracy": same / max(1, tokens), **whole, "by_class": by_class}


def class_scores(gold: Iterable[str], told: Iterable[str]) -> dict[str, Any]:
    """Return `accuracy`, and as `by_class` precision, recall and F1 of each tag, with how many `tokens` have it."""
    pairs = Counter(zip(gold, told, strict=True))
    there, found, right = Counter[str](), Counter[str](), Counter[str]()
    for (mine, theirs), count in pairs.items():
        there[mine] += count
        found[theirs] += count
        right[mine] += count * (mine == theirs)
    by_class = {tag: {**_shares(there[tag], found[tag], right[tag]), "tokens": there[tag], "told": found[tag]}
                for tag in sorted(there | found)}  # fmt: skip
    return {"accuracy": right.total() / max(1, there.total()), "by_class": by_class}


def _shares(there: int, found: int, right: int) -> dict[str, float]:
    return {
        "precision": right / max(1, found),
        "recall": right / max(1, there),
        "f1": 2 * right / max(1, there + found),
    }
