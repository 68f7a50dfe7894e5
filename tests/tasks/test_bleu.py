"""BLEU and chrF are sacrebleu's; the sheet's own formula beside it."""

from __future__ import annotations

import math
from collections import Counter

import pytest

sacrebleu = pytest.importorskip("sacrebleu")

from naibu.errors import OptionError  # noqa: E402
from naibu.tasks.bleu import bleu, check_tokenize, usual_tokenize  # noqa: E402

FOUND = ["the cat sat on mat", "he is here"]
TRUE = ["the cat sat on the mat", "he is here today ."]


def precisions(found, true):
    """Shares of the n-grams of translations, n = 1 to 4, that their references have as often."""
    for n in range(1, 5):
        hits = count = 0
        for one, other in zip(found, true, strict=True):
            mine, theirs = (
                Counter(tuple(line.split()[k : k + n]) for k in range(len(line.split()) - n + 1))
                for line in (one, other)
            )
            hits, count = hits + sum((mine & theirs).values()), count + sum(mine.values())
        yield hits / count


def test_it_is_the_fields_formula_and_sacrebleus():
    found = bleu(FOUND, TRUE, "none")
    p = list(precisions(FOUND, TRUE))
    brevity = math.exp(1 - 11 / 8)
    assert found["bleu"] == pytest.approx(100 * brevity * math.exp(sum(map(math.log, p)) / 4), rel=1e-9)
    assert found["bleu"] == sacrebleu.corpus_bleu(FOUND, [TRUE], tokenize="none").score
    assert found["chrf"] == sacrebleu.corpus_chrf(FOUND, [TRUE]).score
    assert found["length_ratio"] == 8 / 11
    assert "tok:none" in found["signature"]


def test_the_example_of_the_docs():
    """Document E prints exp of the mean of the precisions; the field takes the mean of their logarithms."""
    one, other = ["the cat sat on mat"], ["the cat sat on the mat"]
    p = list(precisions(one, other))
    assert p == [1, 3 / 4, 2 / 3, 1 / 2]
    assert bleu(one, other, "none")["bleu"] == pytest.approx(57.89, abs=0.005)
    assert math.exp(sum(p) / 4) == pytest.approx(2.07, abs=0.005)
    assert bleu(other, other, "none")["bleu"] == pytest.approx(100)


def test_the_tokenizer_is_that_of_the_script():
    assert usual_tokenize(["猫 が 座った 。", "cat"]) == "char"
    assert usual_tokenize(["die Katze saß", "猫"]) == "13a"
    assert "tok:char" in bleu(["猫が"], ["猫が"], usual_tokenize(["猫が"]))["signature"]
    with pytest.raises(OptionError, match=r"--tokenize words: must be one of none, 13a, char, ja-mecab"):
        check_tokenize("words")
