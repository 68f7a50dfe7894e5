"""Formal languages: every answer against a plain definition of its own, labels against an automaton, bad input."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import naibu
from naibu.data.formal.catalogue import LANGUAGES, language_named
from naibu.data.formal.examples import EMPTY
from naibu.data.formal.typed import typed_word
from naibu.errors import CorpusError, OptionError


def even_pairs(word):
    return str(sum(a != b for a, b in itertools.pairwise(word)) % 2)


def stack_manipulation(word):
    stack = []
    for symbol in word:
        if symbol == "pop":
            stack = stack[:-1]
        else:
            stack.append(symbol[-1])
    return [*stack[::-1], "end"]


def solve_equation(word):
    """The only digit with which both sides are the same."""
    left, right = "".join(word).split("=")
    (found,) = [x for x in range(5) if eval(left.replace("x", str(x))) % 5 == int(right)]
    return str(found)


def missing(word):
    word = [symbol for symbol in word if symbol != "blank"]
    (found,) = [
        bit
        for bit in "01"
        if (whole := [bit if symbol == "missing" else symbol for symbol in word])[: len(word) // 2] * 2 == whole
    ]
    return found


def binary(word):
    """Both numbers have their lowest digit first, and so has the result."""
    one, other = "".join(word).replace("*", "+").split("+")
    one, other = int(one[::-1], 2), int(other[::-1], 2)
    return [*f"{one * other if '*' in word else one + other:b}"[::-1], "end"]


def root(word):
    number = int("".join(word), 2)
    found = max(x for x in range(2 ** (len(word) // 2 + 1)) if x * x <= number)
    return f"{found:b}".zfill(math.ceil(len(word) / 2))


def counting(*letters):
    def told(word):
        n = len(word) // len(letters)
        assert list(word) == [letter for letter in letters for _ in range(n)]
        return [*[f"{letters[0]}-or-{letters[1]}"] * n, *word[n + 1 :], "end"]

    return told


def dyck(word):
    depths = list(itertools.accumulate(1 if symbol == "(" else -1 for symbol in word))
    assert min(depths[:-1]) >= 1
    assert depths[-1] == 0
    return ["bracket"] * (len(word) - 1) + ["end"]


PLAIN = {
    "even-pairs": even_pairs,
    "modular-arithmetic-simple": lambda word: str(eval("".join(word)) % 5),
    "parity": lambda word: str(word.count("1") % 2),
    "cycle-navigation": lambda word: str((word.count("right") - word.count("left")) % 5),
    "stack-manipulation": stack_manipulation,
    "reverse-string": lambda word: word[::-1],
    "modular-arithmetic": lambda word: str(eval("".join(word)) % 5),
    "solve-equation": solve_equation,
    "a^n-b^n": counting("a", "b"),
    "dyck": dyck,
    "duplicate-string": lambda word: word + word,
    "missing-duplicate": missing,
    "odds-first": lambda word: word[::2] + word[1::2],
    "binary-addition": binary,
    "binary-multiplication": binary,
    "square-root": root,
    "bucket-sort": sorted,
    "a^n-b^n-c^n": counting("a", "b", "c"),
}
"""What is to be told of a word, in symbols as they are written."""
each_language = pytest.mark.parametrize("name", LANGUAGES)


@each_language
def test_answers_are_those_of_a_plain_definition(name):
    language, rng = language_named(name), np.random.default_rng(3)
    lengths = [length for length in range(1, 25) if language.fits(length)]
    assert lengths
    for length in lengths:
        words, answers, labels = language.sample(rng, 6, length)
        assert words.shape == (6, length)
        assert answers.shape == (6, language.answer_length(length))
        for word, answer in zip(words, answers, strict=True):
            written = [language.symbols[code] for code in word]
            told = [language.answers[code] for code in answer if code >= 0]
            assert told == list(PLAIN[name](written)), written
            assert (answer[len(told) :] == -1).all()
            assert language.is_word(word.tolist())
        assert all(values.shape == (6, language.steps(length)) for values in labels.values())


def test_the_catalogue_is_the_papers_and_the_languages_of_counting():
    levels = {level: [name for name, each in LANGUAGES.items() if each.level == level] for level in
              ("regular", "deterministic context-free", "context-sensitive")}  # fmt: skip
    assert [len(names) for names in levels.values()] == [4, 6, 8]
    assert set(PLAIN) == set(LANGUAGES)


def word(name, text):
    examples = typed_word(language_named(name), text)
    return examples, lambda label: examples.label(label).values.tolist()


def test_labels_are_states_of_the_automaton_worked_by_hand():
    _, label = word("parity", "1101")
    assert label("state") == [1, 0, 0, 1, 1]
    _, label = word("cycle-navigation", "left left right stay")
    assert label("place") == [4, 3, 4, 4, 4]
    assert label("place_4") == [1, 0, 1, 1, 1]
    _, label = word("modular-arithmetic-simple", "3-2*4+1")
    assert label("value") == [3, 3, 1, 1, 0, 0, 1, 1]  # 3, 3 - 2, 3 - 8, 3 - 8 + 1
    assert label("term") == [3, 3, 3, 3, 2, 2, 1, 1]  # 3, -2, -8, 1
    _, label = word("stack-manipulation", "0 1 pop push-1 push-1")
    assert label("depth") == [1, 2, 1, 2, 3, 2, 1, 0, 0, 0, 0]
    assert label("top_is_1") == [0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0]
    _, label = word("modular-arithmetic", "(1-(-2))")
    assert label("depth") == [1, 1, 1, 2, 2, 2, 1, 0, 0]
    _, label = word("binary-addition", "11+1")  # 3 + 1 = 4: 001
    assert label("carry") == [0, 0, 0, 0, 1, 1, 0, 0, 0]
    examples, label = word("bucket-sort", "2102")
    assert label("count_2") == [1, 1, 1, 2, 2, 2, 1, 0]
    assert (label("reading"), label("position")) == ([1] * 4 + [0] * 4, [0, 1, 2, 3] * 2)
    assert label("steps_left") == [3, 2, 1, 0] * 2
    assert examples.word(0) == (["2", "1", "0", "2"], ["0", "1", "2", "2"])
    _, label = word("dyck", "(()())")
    assert label("open") == [1, 2, 1, 2, 1, 0]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("parity", "012", "'2' is no symbol of parity; there are 0 1"),
        ("modular-arithmetic-simple", "1+", "has no word of 2 symbols"),
        ("modular-arithmetic", "(1+", "is no word"),
        ("modular-arithmetic", "11", "is no word"),
        ("solve-equation", "1+2=3", "is no word"),
        ("a^n-b^n", "abab", "is no word"),
        ("missing-duplicate", "0 0 1 1", "is no word"),
        ("missing-duplicate", "0 1 1 missing", "is no word"),
        ("stack-manipulation", "0 pop 1", "is no word"),
        ("binary-multiplication", "0*1", "is no word"),
        ("square-root", "00", "is no word"),
        ("dyck", "()()", "is no word"),
        ("modular-arithmetic-simple", "1+-", "is no word"),
        ("binary-addition", "0101", "is no word"),
    ],
)
def test_what_is_typed_and_is_no_word_is_refused(name, text, said):
    with pytest.raises(CorpusError, match=said):
        typed_word(language_named(name), text)


@pytest.fixture(scope="module")
def data():
    return naibu.open_formal("stack-manipulation", lengths="2:9", test_lengths="10:14", per_length=3)


def test_an_example_is_the_same_whenever_and_beside_whatever_it_is_read(data):
    part = data.test
    whole = part.batch(np.arange(len(part)))
    picked = part.subset(np.array([7, 2, 13]))
    some = picked.batch(np.arange(3))
    for column, number in enumerate((7, 2, 13)):
        steps = int(part.lengths[number])
        assert (some.main.x[:steps, column] == whole.main.x[:steps, number]).all()
        assert (some.target[:steps, column] == whole.target[:steps, number]).all()
    read, starts = part.inputs("input")["symbol"], np.cumsum(part.lengths) - part.lengths
    for number in (0, 14):
        steps = int(part.lengths[number])
        told = read.values[starts[number] : starts[number] + steps].tolist()
        assert told == whole.main.x[:steps, number].tolist()
        spelt, answer = part.word(number)
        assert [read.names[code] for code in told] == spelt + [EMPTY] * (steps - len(spelt))
        gold = whole.target[:, number]
        assert [data.language.answers[code] for code in gold[gold >= 0].tolist()] == answer
    depth = part.label("depth").values
    assert len(depth) == int(part.lengths.sum())
    ends = (starts + part.word_lengths - 1)[[0, 14]]
    assert depth[ends].tolist() == [len(part.word(number)[1]) - 1 for number in (0, 14)]


def test_parts_have_their_lengths_and_are_drawn_apart(data):
    assert set(data.train.word_lengths) == set(data.validation.word_lengths) == set(range(2, 10))
    assert set(data.test.word_lengths) == set(range(10, 15))
    assert data.symbols == ("0", "1", "pop", "push-0", "push-1", "_")
    long = naibu.open_formal("parity", lengths="30:31")
    seen = {tuple(long.train.word(number)[0]) for number in range(2000)}
    assert len(seen) > 1990
    assert not seen & {tuple(long.validation.word(number)[0]) for number in range(len(long.validation))}
    assert long.options["test_lengths"] == "32:387"
    assert naibu.open_formal("parity").options["test_lengths"] == "41:500"


def test_batches_of_training_are_of_one_length_and_every_length_comes_as_often(data):
    from naibu.data.formal.order import ByWordLength

    order = ByWordLength(data.train, 64)
    pieces = order.pieces(1, 0)
    word_lengths = data.train.word_lengths
    lengths = [set(word_lengths[piece.which]) for piece in pieces]
    assert {len(one) for one in lengths} == {1}
    counts = np.bincount([one.pop() for one in lengths])[2:]
    assert counts.min() == counts.max() > 1000
    assert np.array_equal(order.pieces(1, 0)[5].which, pieces[5].which)
    assert not np.array_equal(order.pieces(2, 0)[5].which, pieces[5].which)
    assert sorted(np.concatenate([piece.which for piece in pieces]).tolist()) == list(range(len(data.train)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"language": "partiy"}, "partiy: no such formal language; there are even-pairs, .*bucket-sort"),
        ({"lengths": "0:4"}, "--lengths 0:4: a length must be from 1"),
        ({"lengths": "40:1"}, "--lengths 40:1: goes from high to low; write 1:40"),
        ({"lengths": "long"}, "--lengths long: must be FROM:TO"),
        ({"language": "solve-equation", "lengths": "1:2"}, "has no word so long; it has 3, 4, 5"),
        ({"test_lengths": "9:8"}, "--test-lengths 9:8: goes from high to low"),
        ({"per_length": 0}, "--per-length 0: must be at least 1"),
    ],
)
def test_bad_options_are_said_in_one_line(options, said):
    with pytest.raises(OptionError, match=said):
        naibu.open_formal(**{"language": "parity", **options})
