"""The tagger as an estimator of scikit-learn."""

from __future__ import annotations

import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from catalogue_tasks import sentences
from naibu.sklearn import LSTMTagger

ROWS = list(sentences(60))
WORDS = [[word for word, _, _ in rows] for rows in ROWS]
TAGS = [[tag for _, _, tag in rows] for rows in ROWS]
SMALL = {"units": 8, "letters": 4, "steps": 60, "learning_rate": 0.02, "dropout": 0.1}


def test_it_learns_spans_and_is_scored_by_them():
    tagger = LSTMTagger(**SMALL, random_state=3)
    assert tagger.fit(WORDS[:40], TAGS[:40]) is tagger
    told = tagger.predict(WORDS[40:])
    assert [len(tags) for tags in told] == [len(words) for words in WORDS[40:]]
    right = sum(a == b for mine, theirs in zip(told, TAGS[40:], strict=True) for a, b in zip(mine, theirs, strict=True))
    assert right > 0.95 * sum(map(len, TAGS[40:]))
    assert tagger.score(WORDS[40:], TAGS[40:]) > 0.9
    again = clone(tagger).fit(WORDS[:40], TAGS[:40])
    assert again.predict(WORDS[40:]) == told


def test_classes_are_scored_by_accuracy_in_cross_validation():
    parts = [[part for _, part, _ in rows] for rows in ROWS]
    found = cross_val_score(LSTMTagger(**SMALL, decode="softmax", random_state=1), WORDS, parts, cv=2)
    assert min(found) > 0.95


def test_tags_come_back_in_the_scheme_that_was_given():
    bioes = [[tag.replace("B-", "S-") if k + 1 == len(tags) or tags[k + 1][0] != "I" else tag for k, tag in
              enumerate(tags)] for tags in TAGS]  # fmt: skip
    bioes = [[tag.replace("I-", "E-") if k + 1 == len(tags) or tags[k + 1][0] != "I" else tag for k, tag in
              enumerate(tags)] for tags in bioes]  # fmt: skip
    told = LSTMTagger(**SMALL, random_state=2).fit(WORDS, bioes).predict(WORDS)
    assert {tag[0] for tags in told for tag in tags} == set("OBIES")


def test_what_cannot_be_learnt():
    tagger = LSTMTagger(steps=1)
    for x, y, message in (
        (["a b"], [["X", "Y"]], "X: must be sentences, each a list of words"),
        ([["a"]], [["X"], ["Y"]], "X has 1 sentences, y 2"),
        ([["a", "b"]], [["X"]], r"X\[0\] has 2 words, y\[0\] 1 tags"),
        ([["a", "b"]], [["X", "X"]], "one tag alone, 'X'"),
        ([], [], "X has 0 sentences"),
    ):
        with pytest.raises(ValueError, match=message):
            tagger.fit(x, y)
