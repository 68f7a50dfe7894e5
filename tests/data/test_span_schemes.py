"""Spans: schemes told apart and converted, scores against conlleval's own rules written out."""

from __future__ import annotations

import random

import pytest

from naibu.data.span_schemes import Span, are_spans, scheme_of, spans_of, tags_of, tags_of_kinds
from naibu.data.span_scores import class_scores, span_scores

SCHEMES = ("IOB1", "IOB2", "BIOES")
BY_HAND = {
    "IOB1": ["I-PER", "I-PER", "B-PER", "O", "I-LOC", "I-PER"],
    "IOB2": ["B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-PER"],
    "BIOES": ["B-PER", "E-PER", "S-PER", "O", "S-LOC", "S-PER"],
}
SPANS = [Span(0, 2, "PER"), Span(2, 3, "PER"), Span(4, 5, "LOC"), Span(5, 6, "PER")]


def spans_at_random(rng, length):
    """Spans one after the other, many of them side by side and of one kind."""
    found, place = [], 0
    while place < length:
        stop = min(length, place + rng.randint(1, 4))
        if rng.random() < 0.7:
            found.append(Span(place, stop, rng.choice(["X", "Y"])))
        place = stop
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_sentence_by_hand_in_every_scheme(scheme):
    assert tags_of(SPANS, 6, scheme) == BY_HAND[scheme]
    assert spans_of(BY_HAND[scheme], scheme) == (SPANS, [])
    assert scheme_of([["O"], BY_HAND[scheme]]) == scheme


def test_bilou_is_read_as_bioes():
    tags = ["B-PER", "L-PER", "U-PER", "O", "U-LOC", "U-PER"]
    assert scheme_of([tags]) == "BIOES"
    assert spans_of(tags, "BIOES") == (SPANS, [])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_tags_and_spans_are_each_others_inverse(scheme):
    rng = random.Random(4)
    every = [spans_at_random(rng, length) for length in [*range(1, 12)] * 20]
    lengths = [*range(1, 12)] * 20
    marked = [tags_of(spans, length, scheme) for spans, length in zip(every, lengths, strict=True)]
    assert [spans_of(tags, scheme).found for tags in marked] == every
    assert not any(spans_of(tags, scheme).stray for tags in marked)
    assert scheme_of(marked) == scheme
    assert set().union(*marked) <= set(tags_of_kinds(("X", "Y"), scheme))


def test_a_span_without_a_beginning_begins_where_it_goes_on_and_is_told():
    assert spans_of(["O", "I-X", "I-X", "I-Y", "B-Y", "I-X"]) == (
        [Span(1, 3, "X"), Span(3, 4, "Y"), Span(4, 5, "Y"), Span(5, 6, "X")],
        [1, 3, 5],
    )
    assert spans_of(["I-X", "E-X", "I-X", "E-Y", "S-X", "E-X"], "BIOES") == (
        [Span(0, 2, "X"), Span(2, 3, "X"), Span(3, 4, "Y"), Span(4, 5, "X"), Span(5, 6, "X")],
        [0, 2, 3, 5],
    )
    assert spans_of(["I-X"], "IOB1").stray == []


def test_a_file_of_iob2_with_a_stray_tag_stays_iob2():
    assert scheme_of([["B-X", "I-X"], ["O", "I-X"]]) == "IOB2"
    assert scheme_of([["I-X", "B-X"], ["O", "I-X"]]) == "IOB1"


def test_what_marks_spans():
    assert are_spans(["O", "B-NP", "I-NP"])
    assert are_spans(["O", "B-a-b"])
    assert not are_spans(["O"])
    assert not are_spans(["NOUN", "O"])
    assert not are_spans(["B-", "O"])
    assert not are_spans(["X-NP"])


def conlleval(gold, told):
    """Counts of spans right, there, found and of tags right, as conlleval's script walks over them (IOB1, IOB2)."""
    right = there = found = same = 0
    inside, last, last_told = False, ("O", ""), ("O", "")

    def ends(before, now):
        moves = [("B", "B"), ("B", "O"), ("I", "B"), ("I", "O")]
        return (before[0], now[0]) in moves or (before[0] != "O" and before[1] != now[1])

    def begins(before, now):
        moves = [("B", "B"), ("I", "B"), ("O", "B"), ("O", "I")]
        return (before[0], now[0]) in moves or (now[0] != "O" and before[1] != now[1])

    for mine, theirs in zip([*gold, "O"], [*told, "O"], strict=True):
        now, now_told = (tuple(tag.split("-")) if tag != "O" else ("O", "") for tag in (mine, theirs))
        if inside:
            over, over_told = ends(last, now), ends(last_told, now_told)
            if over and over_told and last[1] == last_told[1]:
                inside, right = False, right + 1
            elif over != over_told or now[1] != now_told[1]:
                inside = False
        begun, begun_told = begins(last, now), begins(last_told, now_told)
        inside = inside or (begun and begun_told and now[1] == now_told[1])
        there, found, same = there + begun, found + begun_told, same + (mine == theirs)
        last, last_told = now, now_told
    return right, there, found, same - 1


def test_scores_are_conllevals_on_any_tags():
    """Also where tags go on with spans that have not begun."""
    rng = random.Random(9)
    names = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    gold = [rng.choices(names, k=rng.randint(1, 12)) for _ in range(300)]
    told = [[tag if rng.random() < 0.7 else rng.choice(names) for tag in tags] for tags in gold]
    right, there, found, same = map(sum, zip(*map(conlleval, gold, told), strict=True))
    scores = span_scores(gold, told)
    assert right > 100
    assert scores["precision"] == pytest.approx(right / found)
    assert scores["recall"] == pytest.approx(right / there)
    assert scores["f1"] == pytest.approx(2 * right / (there + found))
    assert scores["accuracy"] == pytest.approx(same / sum(map(len, gold)))
    for key in ("spans", "told"):
        assert sum(each[key] for each in scores["by_class"].values()) == {"spans": there, "told": found}[key]


def test_scores_of_a_sentence_by_hand():
    gold = [["B-X", "I-X", "O", "B-Y", "B-X"]]
    told = [["B-X", "I-X", "B-Y", "I-Y", "B-X"]]
    scores = span_scores(gold, told)
    assert scores["precision"] == scores["recall"] == scores["f1"] == pytest.approx(2 / 3)
    assert scores["accuracy"] == pytest.approx(3 / 5)
    assert scores["by_class"]["X"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "spans": 2, "told": 2}
    assert scores["by_class"]["Y"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "spans": 1, "told": 1}


def test_scores_of_classes_by_hand():
    scores = class_scores(["N", "N", "V", "A"], ["N", "V", "V", "N"])
    assert scores["accuracy"] == 0.5
    assert scores["by_class"]["N"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "tokens": 2, "told": 2}
    assert scores["by_class"]["V"] == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "tokens": 1,
        "told": 2,
    }
    assert scores["by_class"]["A"]["f1"] == 0.0
