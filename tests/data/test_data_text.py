"""Plain text and batches: passages lose nothing, labels agree with a walk, batches hold everything once."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naibu.data import length_batches, open_corpus, pad
from naibu.data import text as reader
from naibu.data.python_text import LABELS as PYTHON_LABELS
from naibu.data.python_text import python_labels
from naibu.data.text import COLUMNS, NEAR, read_text
from naibu.data.trees import WORD
from naibu.errors import CorpusError, OptionError

TEXTS = st.text(st.sampled_from('ab "“”()[]\n\n'), min_size=1, max_size=80)


@given(TEXTS, st.integers(2, 30))
@settings(deadline=None)
def test_passages_of_characters_hold_the_text(text: str, longest: int) -> None:
    events = read_text([("a", text)], "characters", longest)
    letters = [events.table[name] for name in events.names[events.kinds == WORD]]
    assert "".join(letters) == text
    assert events.lengths.max() <= longest
    ends = [events.table[events.names[stop - 1]] for stop in events.starts[1:-1]]
    for number, end in enumerate(ends):
        # A passage that does not end with its line had no line end to stop at.
        passage = events.names[events.starts[number] + 1 : events.starts[number + 1]]
        assert end == "\n" or "\n" not in [events.table[name] for name in passage]


@given(TEXTS, st.integers(2, 30), st.sampled_from((1, 2, 3, 7, 2**20)))
@settings(deadline=None)
def test_text_labels_agree_with_a_walk(text: str, longest: int, piece: int) -> None:
    with mock.patch.object(reader, "PIECE", piece):
        events = read_text([("a", text)], "characters", longest)
    line = straight = curved = brackets = 0
    expected = []
    previous = ""
    for letter in text:
        line = 0 if letter == "\n" else line + 1
        straight = 1 - straight if letter == '"' else straight
        curved = max(0, curved + (letter == "“") - (letter == "”"))
        brackets = max(0, brackets + (letter in "([") - (letter in ")]"))
        if letter == previous == "\n":
            straight = curved = 0
        previous = letter
        expected.append((line, int(straight or curved > 0), brackets))
    shown = events.kinds == WORD
    columns = [events.columns[name][shown] for name in ("line_position", "inside_quotes", "bracket_depth")]
    assert [tuple(int(value) for value in row) for row in zip(*columns, strict=True)] == expected


def test_words_and_their_labels() -> None:
    text = 'He said "don\'t (3.5)"\n<unk> x_1'
    events = read_text([("a", text)], "words", 0)
    words = [events.table[name] for name in events.names[1:]]
    assert words == ["He", "said", '"', "don't", "(", "3.5", ")", '"', "\n", "<unk>", "x_1"]
    assert events.columns["inside_quotes"].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert events.columns["line_position"].tolist() == [0, 2, 7, 9, 14, 16, 19, 20, 21, 0, 5, 9]


def words_of(text: str) -> list[str]:
    events = read_text([("a", text)], "words", 0)
    return [events.table[name] for name in events.names[1:]]


@pytest.mark.parametrize(
    "words",
    [
        ["क्या", "आपके", "पास", "है", "?"],
        ["ภาษาไทย", "ดี"],
        ["כָּתַב", "את"],
        ["كَتَبَ", "،", "می\u200cخواهم"],
        ["cafe\u0301", "l’e\u0301te\u0301", "qu’a\u0301", "<e\u0301x>", "Vie\u0302\u0323t"],
        ["ශ්\u200dරී", "co\u00adoperate", "3\u03055", "1\ufe0f\u20e3", "❤\ufe0f", "!"],
        ["\u0301", "a", "\u0301\u0302"],
    ],
)
def test_marks_and_joiners_go_on_with_the_word(words: list[str]) -> None:
    assert words_of(" ".join(words)) == words


@given(st.text(st.sampled_from("aéüñ1ḍ ,.-'\n"), max_size=40))
@settings(deadline=None)
def test_decomposed_text_has_the_words_of_composed_text(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert [unicodedata.normalize("NFC", word) for word in words_of(decomposed)] == words_of(composed)


def test_opening_text(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("".join(f"line {number} of the book.\r\n" for number in range(300)))
    corpus = open_corpus(path, form="characters", longest=60)
    assert corpus.vocabulary.symbols[0] == "ST"
    assert "ED" not in corpus.vocabulary.index
    assert "\r" not in corpus.vocabulary.index
    assert corpus.category is None
    assert corpus.test[0].symbols[0] == "ST"
    assert corpus.test.label_names == ("position", *COLUMNS)
    with pytest.raises(CorpusError, match="shorter passages"):
        open_corpus(path, form="words")
    assert open_corpus(path, form="words", longest=40).reader == "text"
    with pytest.raises(OptionError, match="plain text"):
        open_corpus(path)
    with pytest.raises(OptionError, match="category"):
        open_corpus(path, form="words", category="VP")
    with pytest.raises(OptionError, match="longest 1"):
        open_corpus(path, form="words", longest=1)


def test_source_code_as_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def f():\n    return 1\n" * 30)
    corpus = open_corpus(path, form="characters", longest=40)
    assert corpus.reader == "text"
    assert corpus.test.label_names == ("position", *COLUMNS, *PYTHON_LABELS)
    for part in (corpus.train, corpus.test):
        word = part.label("inside_keyword").values
        for s in range(len(part)):
            here = slice(int(part.starts[s]), int(part.starts[s + 1]))
            letters = "".join(part.text(s)[1:])
            for match in re.finditer("def|return", letters):
                assert word[here][1 + match.start() : 1 + match.end()].all()
            assert word[here].sum() == sum(len(match[0]) for match in re.finditer("def|return", letters))


def test_a_folder_of_source_code_is_its_code_also_as_characters(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"m{number}.py").write_text("x = 1\n" * 30)
    (tmp_path / "broken.py").write_text("x = (\n" * 30)
    (tmp_path / "NOTES.txt").write_text("notes\n" * 30)
    corpus = open_corpus(tmp_path, form="characters", longest=40)
    assert corpus.counts["files"] == 13
    assert all(name.endswith(".py") for name in corpus.train.document_names)
    parts = (corpus.train, corpus.validation, corpus.test)
    undefined = sum(np.isnan(part.label("inside_string").values.astype(float)).sum() for part in parts)
    number = corpus.train.document_names.index(str(tmp_path / "broken.py"))
    broken = sum(part.lengths[part.documents == number].sum() for part in parts)
    assert undefined == broken > 0


@given(TEXTS, st.integers(2, 30), st.sampled_from((1, 2, 3, 7, 2**20)))
@settings(deadline=None)
def test_labels_of_lines_agree_with_a_walk(text: str, longest: int, piece: int) -> None:
    text = text.replace("a", " ")
    with mock.patch.object(reader, "PIECE", piece):
        events = read_text([("a", text)], "characters", longest)
    shown = events.kinds == WORD
    for place in range(len(text)):
        line = text[: place + 1].rpartition("\n")[2]
        indentation = len(line) - len(line.lstrip(" "))
        rest = text[place + 1 :].partition("\n")[0]
        assert events.columns["indentation"][shown][place] == indentation
        assert events.columns["to_line_end"][shown][place] == min(len(rest), NEAR)
    assert events.columns["to_line_end"][0] == min(len(text.partition("\n")[0]), NEAR)


SOURCE = '''def f(x):  # a "note"
    """Doc."""
    if x[1:2] and y:
        return rb"a" + ""
'''


def marked(name: str) -> str:
    """The letters of SOURCE after which a label holds, the others as dots, without what surrounds them."""
    found = python_labels(SOURCE)
    assert found is not None
    values = found[PYTHON_LABELS.index(name)]
    return "".join(letter if value else "." for letter, value in zip(SOURCE, values, strict=True)).strip(".")


def test_python_labels_by_hand() -> None:
    assert marked("inside_comment") == '# a "note"'
    assert marked("inside_docstring") == '"""Doc.""'
    assert next(part.strip(".") for part in marked("inside_string").split("." * 4)) == '"""Doc.""'
    assert marked("inside_string").endswith('"a...."')
    assert re.findall("[a-z]+", marked("inside_keyword")) == ["def", "if", "and", "return"]
    assert marked("inside_condition") == "f x[1:2] and y"
    found = python_labels(SOURCE)
    assert found is not None
    depths = found[PYTHON_LABELS.index("block_depth")]
    assert [int(depths[SOURCE.index(word)]) for word in ("def", '"""Doc', "if", "return")] == [0, 1, 1, 2]
    assert int(depths[SOURCE.index("return") - 1]) == 1  # before the first letter of the line nothing says it


@pytest.mark.parametrize("source", ["x = (", "  x\n y", '"""open', "a ? b\n  c\n d"])
def test_what_is_not_python_has_no_python_labels(source: str) -> None:
    assert python_labels(source) is None
    assert python_labels("x = 1\n") is not None


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=300),
    st.integers(1, 200),
    st.integers(1, 20),
    st.integers(0, 5),
)
@settings(deadline=None)
def test_batches_hold_every_sequence_once(lengths: list[int], tokens: int, size: int, seed: int) -> None:
    array = np.array(lengths)
    batches = length_batches(array, tokens, size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= size
        assert len(batch) == 1 or array[batch].max() * len(batch) <= tokens
    again = length_batches(array, tokens, size, np.random.default_rng(seed))
    assert [batch.tolist() for batch in again] == [batch.tolist() for batch in batches]


def test_batches_need_room() -> None:
    with pytest.raises(OptionError, match="at least 1"):
        length_batches(np.array([1]), 0, 1, np.random.default_rng(0))


def test_padding(tmp_path: Path) -> None:
    path = tmp_path / "a.mrg"
    path.write_text("\n".join("(S" + " (N a)" * (number % 4 + 1) + ")" for number in range(30)))
    train = open_corpus(path).train
    which = np.array([3, 0, 5])
    ids, lengths = pad(train, which)
    assert ids.dtype == lengths.dtype == np.int64
    assert ids.shape == (lengths.max(), 3)
    for column, s in enumerate(which):
        assert ids[: lengths[column], column].tolist() == train[int(s)].ids.tolist()
        assert not ids[lengths[column] :, column].any()
