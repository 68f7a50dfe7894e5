"""Opening and closing brackets as next symbols: against loops over sentences, and cases worked by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

import fake_results as fake
from fake_recording import FakeIndex, FakeRecording, fake_recording
from naibu import probes
from naibu.errors import OptionError
from naibu.looking.analyses.bracket_prediction import closings
from naibu.probes import tables
from naibu.probes.bracket_comparison import compare
from naibu.probes.bracket_prediction import CLOSE, END, OPEN, OTHER, WORD, bracket_prediction, kind_of_symbols
from naibu.probes.bracket_results import BracketComparison, BracketPrediction
from naibu.reporting.plots.bracket_prediction import plot_categories
from naibu.reporting.plots.canvas import BLUE, VERMILLION

NAMES = ("S", "NP", "VP", "N")


def sentence(draw: np.random.Generator, name: str = "S", level: int = 0, words: bool = False) -> list[str]:
    """A random tree as symbols; a leaf holds a word, or nothing."""
    if level == 3 or (level and draw.random() < 0.4):
        inner = [f"w{draw.integers(5)}"] if words else []
    else:
        below = [NAMES[draw.integers(1, 4)] for _ in range(draw.integers(1, 3))]
        inner = [symbol for n in below for symbol in sentence(draw, n, level + 1, words)]
    return [f"({name}", *inner, f"{name})"]


def recorded(
    sentences: list[list[str]], *, right: float = 0.6, seed: int = 0, seen: frozenset[int] = frozenset()
) -> FakeRecording:
    """A language model's recording of sentences that foresees a share of symbols; every third sentence is of test."""
    draw = np.random.default_rng(seed)
    whole = [["ST", *s, "ED"] for s in sentences]
    symbols = ("ST", "ED", *sorted({x for s in sentences for x in s}))
    number = {x: k for k, x in enumerate(symbols)}
    symbol = np.array([number[x] for s in whole for x in s], np.int32)
    sequence = np.repeat(np.arange(len(whole)), [len(s) for s in whole])
    position = np.concatenate([np.arange(len(s)) for s in whole]).astype(np.int32)
    split = np.where(sequence % 3 == 2, 2, 0).astype(np.int8)
    predicted = np.append(symbol[1:], 0).astype(np.int32)
    wrong = draw.random(len(symbol)) > right
    predicted[wrong] = draw.integers(0, len(symbols), int(wrong.sum()))
    loss = draw.exponential(size=len(symbol)).astype(np.float32)
    loss[np.append(position[1:] == 0, True)] = np.nan
    here = np.isin(sequence, list(seen)) & (split == 2)
    index = FakeIndex(sequence, position, symbol, symbols, split, here, predicted, loss, {})
    return FakeRecording(index, {("lstm.0", "cell"): np.zeros((len(symbol), 2), np.float16)})


@pytest.fixture(scope="module")
def trees() -> list[list[str]]:
    draw = np.random.default_rng(1)
    return [sentence(draw) for _ in range(150)]


@pytest.fixture(scope="module")
def recording(trees: list[list[str]]) -> FakeRecording:
    return recorded(trees, seen=frozenset(range(2, 60, 3)))


def test_symbols_are_told_apart_as_forms_spell_them() -> None:
    symbols = ("ST", "ED", "(", ")", "(NP", "NP)", "(<unk>", "<unk>)", "<unk>", "word", "\\(", "\\:-)", "\\ST", "a(b")
    kinds = [OTHER, END, OPEN, CLOSE, OPEN, CLOSE, OPEN, CLOSE, WORD, WORD, WORD, WORD, WORD, WORD]
    assert kind_of_symbols(symbols).tolist() == kinds
    assert kind_of_symbols(("(\\X", "\\X)")).tolist() == [OPEN, CLOSE]  # a category with a backslash


def by_loop(recording: FakeRecording) -> dict[str, dict[str, list[tuple[bool, float]]]]:
    """Hits and losses of test places, by kind and by "unseen", sentence by sentence."""
    index = recording.index
    found: dict[str, dict[str, list[tuple[bool, float]]]] = {"test": {}, "unseen": {}}
    for number in np.unique(index.sequence):
        rows = np.flatnonzero(index.sequence == number)
        if index.split[rows[0]] != 2:
            continue
        last = ""
        for row in rows[:-1]:
            read, gold = (index.symbols[index.symbol[k]] for k in (row, row + 1))
            last = read if read[0] == "(" or read[-1] == ")" else last
            kinds = ["end" if gold == "ED" else "open" if gold[0] == "(" else "close" if gold[-1] == ")" else "word"]
            if kinds == ["close"] and last[-1] == ")":
                kinds.append("later close")
            for kind in kinds:
                fact = bool(index.predicted[row] == index.symbol[row + 1]), float(index.loss[row])
                found["test"].setdefault(kind, []).append(fact)
                if not index.seen[row]:
                    found["unseen"].setdefault(kind, []).append(fact)
    return found


@pytest.mark.parametrize("words", [False, True])
def test_recall_and_loss_of_each_kind_are_those_of_a_loop(words: bool) -> None:
    draw = np.random.default_rng(2)
    recording = recorded([sentence(draw, words=words) for _ in range(60)], seen=frozenset(range(2, 30, 3)))
    result = bracket_prediction(recording, resamples=30)
    for split, kinds in by_loop(recording).items():
        assert (
            set(kinds)
            == {k.kind for k in result.kinds}
            == {"open", "close", "later close", "end"} | ({"word"} if words else set())
        )
        for kind, facts in kinds.items():
            mine = result.of(kind)
            assert mine is not None
            assert mine.loss is not None
            recall, loss = (getattr(s, split) for s in (mine.recall, mine.loss))
            assert recall.n == len(facts)
            assert recall.value == pytest.approx(np.mean([hit for hit, _ in facts]))
            assert loss.value == pytest.approx(np.mean([x for _, x in facts]), rel=1e-6)
        for statistic, place in (("recall", 0), ("loss", 1)):
            for minus in ("close", "later close"):
                d = result.difference(minus, statistic)
                assert d is not None
                one, other = (np.mean([fact[place] for fact in kinds[k]]) for k in ("open", minus))
                assert getattr(d.scores, split).value == pytest.approx(one - other, rel=1e-5)


def test_controls_are_counted_on_training_rows_alone(recording: FakeRecording) -> None:
    index = recording.index
    one: dict[int, Counter[int]] = {}
    two: dict[tuple[int, int], Counter[int]] = {}
    opened: Counter[int] = Counter()
    rows = np.flatnonzero(np.append(np.diff(index.sequence) == 0, False))
    for row in rows[index.split[rows] == 0]:
        gold = int(index.symbol[row + 1])
        opened[gold] += index.symbols[gold][0] == "("
        one.setdefault(int(index.symbol[row]), Counter())[gold] += 1
        if index.position[row]:
            two.setdefault((int(index.symbol[row - 1]), int(index.symbol[row])), Counter())[gold] += 1
    hits, usual, certain = [], [], 0
    for row in rows[index.split[rows] == 2]:
        gold = int(index.symbol[row + 1])
        if index.symbols[gold][0] != "(":
            continue
        context = (int(index.symbol[row - 1]), int(index.symbol[row])) if index.position[row] else None
        table = two.get(context, one[int(index.symbol[row])]) if context else one[int(index.symbol[row])]
        best = table.most_common(2)
        certain += len(best) == 1 or best[0][1] > best[1][1]
        hits.append(best[0][0] == gold if len(best) == 1 or best[0][1] > best[1][1] else None)
        usual.append(gold == opened.most_common(1)[0][0])
    opening = bracket_prediction(recording, resamples=10).of("open")
    assert opening is not None
    assert opening.majority.test.value == pytest.approx(np.mean(usual))
    ties = len(hits) - certain
    sure = sum(bool(h) for h in hits if h is not None)
    assert sure <= opening.ngram.test.value * len(hits) + 1e-6 <= sure + ties + 1e-5
    assert certain > 0.9 * len(hits)


def test_what_is_predicted_on_test_rows_does_not_touch_the_controls(recording: FakeRecording) -> None:
    perfect = recording.with_index(predicted=np.append(recording.index.symbol[1:], 0).astype(np.int32))
    a, b = (bracket_prediction(r, untrained=recording, resamples=20) for r in (recording, perfect))
    for x, y in zip(a.kinds, b.kinds, strict=True):
        assert y.recall.test.value == y.foreseen.test.value == 1.0
        assert (x.ngram, x.majority, x.untrained) == (y.ngram, y.majority, y.untrained)
        assert x.untrained == x.recall  # the same recording stands for the untrained one
    recall = b.difference()
    assert recall is not None
    assert (recall.scores.test.value, recall.scores.test.low, recall.scores.test.high) == (0, 0, 0)


def test_a_network_that_closes_what_is_open_but_cannot_guess_what_opens(trees: list[list[str]]) -> None:
    recording = recorded(trees)
    index = recording.index
    predicted = np.append(index.symbol[1:], 0).astype(np.int32)
    kinds = kind_of_symbols(index.symbols)
    predicted[kinds[predicted] == OPEN] = 0
    loss = np.where(predicted == 0, 2.0, 0.1).astype(np.float32)
    result = bracket_prediction(recording.with_index(predicted=predicted, loss=loss), resamples=50)
    recall, loss_less = result.difference(), result.difference("close", "loss")
    assert recall is not None
    assert loss_less is not None
    assert recall.scores.test.value == -1
    assert loss_less.scores.test.value == pytest.approx(1.9)
    assert closings(result).present
    assert {c.category for c in result.categories} == set(NAMES)
    assert all(c.open.test.value == 0 and c.close.test.value == 1 for c in result.categories)
    counts = [c.train_symbols for c in result.categories]
    assert counts == sorted(counts, reverse=True)


def test_no_difference_is_said_to_be_not_shown(recording: FakeRecording) -> None:
    found = closings(bracket_prediction(recording, resamples=100))
    assert not found.present
    assert "not shown" in found.text


def test_forms_meet_by_their_brackets(trees: list[list[str]]) -> None:
    draw = np.random.default_rng(5)
    with_words = [[x for s in tree for x in ((s, "w") if draw.random() < 0.3 else (s,))] for tree in trees]
    with_words[2] = ["(S", "(NEW", "NEW)", "S)"]  # one test sentence that the other has not
    a, b = recorded(trees, right=0.3), recorded(with_words, right=0.9, seed=7)
    result = compare(a, b, resamples=50)
    assert result.sentences == 49
    assert result.scored == (50, 50)
    everything = result.of("all")
    assert everything is not None
    brackets = sum(len(tree) for k, tree in enumerate(trees) if k % 3 == 2 and k != 2)
    assert everything.symbols == brackets
    first, second = (s.test.value for s in everything.recall)
    assert everything.recall_gain.test.value == pytest.approx(second - first)
    assert everything.recall_gain.test.low > 0.4
    swapped = compare(b, a, resamples=50).of("all")
    assert swapped is not None
    assert swapped.recall_gain.test.value == pytest.approx(-everything.recall_gain.test.value)
    same = compare(a, a, resamples=20)
    assert same.sentences == 50
    assert all(k.recall_gain.test.value == 0 and k.loss_gain is not None for k in same.kinds)


def test_equal_bracket_strings_meet_in_order_and_the_surplus_is_left_out() -> None:
    one, two = ["(S", "S)"], ["(S", "(N", "N)", "S)"]
    a = recorded([one] * 6, right=1.0)  # test sentences 2 and 5
    b = recorded([one, one, one, two, two, two], right=0.0)
    result = compare(a, b, resamples=5)
    assert result.sentences == 1
    with pytest.raises(OptionError, match="no test sentence has the same brackets"):
        compare(a, recorded([two] * 6), resamples=5)


def test_what_has_no_brackets_or_predictions_is_refused(recording: FakeRecording) -> None:
    with pytest.raises(OptionError, match="no opening and closing brackets"):
        bracket_prediction(fake_recording())
    with pytest.raises(OptionError, match="record a language model"):
        bracket_prediction(recording.with_index(predicted=None))
    without = bracket_prediction(recording.with_index(loss=None), resamples=10)
    assert all(k.loss is None for k in without.kinds)
    assert without.difference("close", "loss") is None
    closings(without)


def test_brackets_without_names_have_one_category() -> None:
    draw = np.random.default_rng(3)
    bare = [["(" if s[0] == "(" else ")" for s in sentence(draw)] for _ in range(30)]
    result = bracket_prediction(recorded(bare), resamples=10)
    assert [c.category for c in result.categories] == [""]
    ax = plot_categories(result)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["all alike"]


def test_saved_results_come_back_and_the_seed_decides(recording: FakeRecording, tmp_path: Path) -> None:
    result = bracket_prediction(recording, recording, resamples=20, seed=4)
    tables.save(result, tmp_path, "bracket_prediction")
    assert tables.load(BracketPrediction, tmp_path, "bracket_prediction") == result
    assert bracket_prediction(recording, recording, resamples=20, seed=4) == result
    assert bracket_prediction(recording, recording, resamples=20, seed=5) != result
    both = compare(recording, recording, resamples=20)
    tables.save(both, tmp_path, "comparison")
    assert tables.load(BracketComparison, tmp_path, "comparison") == both
    assert {row["statistic"] for row in both.rows()} == {"recall", "loss"}
    assert probes.compare_brackets is compare


def test_the_plot_has_both_recalls_and_the_section_its_numbers(recording: FakeRecording) -> None:
    result = bracket_prediction(recording, recording, resamples=20)
    ax = plot_categories(result, split="unseen")
    drawn = {to_hex(c[0].get_color()): c[0].get_xdata() for c in ax.containers}
    for colour, field in ((BLUE, "open"), (VERMILLION, "close")):
        assert drawn[colour] == pytest.approx([getattr(c, field).unseen.value for c in result.categories])
    section = fake.bare(bracket_prediction=result).section("bracket_prediction")
    assert section.says == closings(result).text
    text = "".join(section.tables)
    assert "closing, after another closing" in text
    assert len(section.figures) == 1
