"""Forms and labels against the document's examples and against a slow walk with a stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naibu.data import penn
from naibu.data.categories import frequent_categories
from naibu.data.events import Events, Gatherer, inside_counts, join
from naibu.data.forms import Form, form_named
from naibu.data.sequences import Sequences, Source
from naibu.data.trees import CLOSE, OPEN, WORD, Document
from naibu.data.vocabulary import Vocabulary, build, escape, unescape
from naibu.errors import CorpusError, OptionError

TREE_FORMS = ("brackets", "tagged", "brackets+words", "tagged+words", "words")


def events_of(text: str) -> Events:
    gatherer = Gatherer()
    gatherer.add(Document("a", penn.read_trees(text)))
    return gatherer.events()


def sequences_of(text: str, form: str, limit: int = 10_000) -> Sequences:
    events = events_of(text)
    shape = Form(form)
    keys = shape.keys(events.kinds, events.names, len(events.table))[shape.select(events.kinds)]
    vocabulary, numbers = build(keys, shape, events.table, limit)
    source = Source(events, shape, vocabulary, numbers, frequent_categories(events))
    return Sequences(source, np.arange(len(events)))


@pytest.mark.parametrize(
    ("form", "tree", "expected"),
    [
        ("brackets", "(S (NP (N John)) (VP (M will) (V visit)))", "ST ( ( ( ) ) ( ( ) ( ) ) ) ED"),
        ("tagged", "(S (NP (DT a) (N b)))", "ST (S (NP (DT DT) (N N) NP) S) ED"),
        (
            "brackets+words",
            "(S (NN John) (VP will (V visit (N there))))",
            "ST ( ( John ) ( will ( visit ( there ) ) ) ) ED",
        ),
        (
            "tagged+words",
            "(S (NN John) (VP will (V visit) (N there)))",
            "ST (S (NN John NN) (VP will (V visit V) (N there N) VP) S) ED",
        ),
        ("words", "(S (NN John) (VP will (V visit) (N there)))", "ST John will visit there ED"),
    ],
)
def test_the_five_training_types(form: str, tree: str, expected: str) -> None:
    sequences = sequences_of(tree, form)
    assert " ".join(sequences[0].symbols) == expected
    assert sequences.text(0) == expected.split()


def test_labels_worked_by_hand() -> None:
    sequence = sequences_of("(S (NN John) (VP will (VP (V go))))", "tagged+words")[0]
    #                    ST (S (NN John NN) (VP will (VP (V go V) VP) VP) S) ED
    assert list(sequence.label("depth").values) == [0, 1, 2, 2, 1, 2, 2, 3, 4, 4, 3, 2, 1, 0, 0]
    assert list(sequence.label("depth:VP").values) == [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 1, 0, 0, 0]
    assert list(sequence.label("inside:VP").values) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    assert list(sequence.label("position").values) == list(range(15))
    values, names = sequence.label("part_of_speech")
    found = {s: names[v] for s, v in zip(sequence.symbols, values, strict=True) if v >= 0}
    assert found == {"John": "NN", "will": "VP", "go": "V"}


def test_labels_in_the_words_form_come_from_the_whole_tree() -> None:
    sequence = sequences_of("(S (NN John) (VP will (VP (V go))))", "words")[0]
    assert list(sequence.label("depth").values) == [0, 2, 2, 4, 0]
    assert list(sequence.label("depth:VP").values) == [0, 0, 1, 2, 0]


BRACKETS = st.recursive(
    st.tuples(st.sampled_from("NV"), st.sampled_from("xyz")).map(lambda pair: f"({pair[0]} {pair[1]})"),
    lambda inner: st.tuples(st.sampled_from(["S", "P", "VP"]), st.lists(inner, min_size=1, max_size=4)).map(
        lambda node: f"({node[0]} {' '.join(node[1])})"
    ),
    max_leaves=25,
)
TREES = st.lists(BRACKETS, min_size=1, max_size=5)


@given(TREES, st.sampled_from(TREE_FORMS))
@settings(deadline=None, max_examples=60)
def test_labels_agree_with_a_walk(trees: list[str], form: str) -> None:
    sequences = sequences_of("\n".join(trees), form)
    shape = Form(form)
    depth, inside, innermost = [], [], []
    for tree in penn.read_trees("\n".join(trees)):
        rows = [(0, 0, None)]
        stack: list[str] = []
        for kind, name in zip(tree.kinds, tree.names, strict=True):
            if kind == OPEN:
                stack.append(name)
            elif kind == CLOSE:
                stack.pop()
            if shape.brackets if kind != WORD else shape.words:
                rows.append((len(stack), int("VP" in stack), stack[-1] if kind == WORD else None))
        rows.append((0, 0, None))
        for row, column in zip(zip(*rows, strict=True), (depth, inside, innermost), strict=True):
            column.extend(row)
    assert sequences.label("depth").values.tolist() == depth
    if "inside:VP" in sequences.label_names:
        assert sequences.label("inside:VP").values.tolist() == inside
    if shape.words:
        values, names = sequences.label("part_of_speech")
        assert [names[value] if value >= 0 else None for value in values] == innermost
    else:
        assert "part_of_speech" not in sequences.label_names


@given(TREES, st.sampled_from(TREE_FORMS))
@settings(deadline=None, max_examples=40)
def test_inside_counts_agree_with_the_label(trees: list[str], form: str) -> None:
    sequences = sequences_of("\n".join(trees), form)
    events = events_of("\n".join(trees))
    counts, phrase = inside_counts(events.kinds, events.names, Form(form).select(events.kinds), len(events.table))
    for code, name in enumerate(events.table):
        if f"inside:{name}" in sequences.label_names:
            assert counts[code] == sequences.label(f"inside:{name}").values.sum()
            assert phrase[code] == any(f"({name} (" in tree for tree in trees)


@given(TREES, TREES)
@settings(deadline=None, max_examples=30)
def test_joined_corpora_are_the_corpus_of_both(first: list[str], second: list[str]) -> None:
    both = join(events_of("\n".join(first)), events_of("\n".join(second)))
    whole = events_of("\n".join(first + second))
    assert [both.table[name] for name in both.names] == [whole.table[name] for name in whole.names]
    assert both.starts.tolist() == whole.starts.tolist()
    assert both.documents.tolist() == [0] * len(first) + [1] * len(second)


def test_subset_and_labels() -> None:
    sequences = sequences_of("(S (N a)) (S (VP (V b))) (S (N c) (N d))", "tagged+words")
    chosen = sequences.subset(np.array([2, 0]))
    assert [chosen.text(s) for s in range(2)] == [sequences.text(2), sequences.text(0)]
    depth = sequences.label("depth").values
    parts = [depth[sequences.starts[s] : sequences.starts[s + 1]] for s in (2, 0)]
    assert chosen.label("depth").values.tolist() == np.concatenate(parts).tolist()
    assert len(sequences.subset(np.array([True, False, True]))) == 2
    assert len(sequences.subset(np.zeros(0, np.int64))) == 0


def test_an_unknown_label_lists_those_that_exist() -> None:
    with pytest.raises(OptionError, match="depth, part_of_speech, position"):
        sequences_of("(S (N a))", "words").label("colour")


def test_words_stay_apart_from_brackets() -> None:
    """Different events never get the same symbol, even where words look like brackets."""
    tree = r"(S (: :) (N :\) (N ST) (N \ST) (N x))"
    events = events_of(tree)
    shape = Form("tagged+words")
    words = ["(", ")", "(S", ":)", "S)", "ST", "ED", r"\ST", r"\(", ":", "x"]
    table = [*words, "S", ":"]
    size = len(table)
    keys = [
        *range(2 * size, 2 * size + len(words)),
        size - 2,
        size - 1,
        2 * size - 2,
        2 * size - 1,
        3 * size,
        3 * size + 1,
    ]
    spelled = [shape.spell(key, table) for key in keys]
    assert len(set(spelled)) == len(spelled)
    assert shape.spell(2 * size + words.index("x"), table) == "x"
    assert Form("words").spell(2 * size, table) == "("
    assert len(events)


def test_rare_symbols_become_unknown_and_keep_their_direction() -> None:
    text = "(A (B x) (B x) (B y))" + "(A (B x))" * 3 + "(C (D z))"
    sequences = sequences_of(text, "tagged+words", limit=10)
    assert sequences.vocabulary.symbols == (
        "ST", "ED", "<unk>", "(<unk>", "<unk>)", "(B", "B)", "x", "(A", "A)",
    )  # fmt: skip
    assert sequences[4].symbols == ("ST", "(<unk>", "(<unk>", "<unk>", "<unk>)", "<unk>)", "ED")
    assert sequences.text(4) == ["ST", "(C", "(D", "z", "D)", "C)", "ED"]
    assert sequences.vocabulary.encode(["(Z", "Z)", "z", "x"]).tolist() == [3, 4, 2, 7]


def test_a_literal_unknown_word_is_the_unknown_symbol() -> None:
    sequences = sequences_of("(A (B <unk>))(A (B a))", "words")
    assert sequences.ids.tolist()[1] == sequences.vocabulary.unknown


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, unique=True))
def test_vocabulary_survives_its_file(tmp_path_factory: pytest.TempPathFactory, symbols: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "vocabulary.txt"
    Vocabulary(tuple(symbols)).save(path)
    assert Vocabulary.load(path).symbols == tuple(symbols)
    assert all(unescape(escape(symbol)) == symbol for symbol in symbols)


def test_vocabulary_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    for content in (b"", b"a\nb", b"a\nb\na\n", b"\xff\n"):
        path.write_bytes(content)
        with pytest.raises(CorpusError):
            Vocabulary.load(path)


def test_too_small_a_vocabulary() -> None:
    with pytest.raises(OptionError, match="at least 10"):
        sequences_of("(S (N a))", "words", limit=9)


@pytest.mark.parametrize(("name", "trees"), [("tree", True), ("characters", True), ("tagged", False)])
def test_forms_that_do_not_suit(name: str, trees: bool) -> None:
    with pytest.raises(OptionError, match="choose"):
        form_named(name, trees=trees)
