"""Tagged text opened: what is read and told, how it is divided, its labels, vectors that words begin with."""

from __future__ import annotations

import numpy as np
import pytest

from naibu.data.tag_coder import TagCoder, shape_of
from naibu.data.tags import open_tags
from naibu.data.vector_file import read_vectors
from naibu.errors import CorpusError, OptionError, StoredError


def rows_of(*sentences):
    return "\n".join("".join(f"{pair}\n" for pair in sentence.split(", ")) for sentence in sentences)


@pytest.fixture
def names(tmp_path):
    """Thirty sentences in IOB1; two of them go on with nothing if they are read as IOB2."""
    path = tmp_path / "names.txt"
    some = ["Ann I-PER, sees O, Rome I-LOC", "so O, Bo I-PER, Li I-PER, Al B-PER, is O"]
    path.write_text(rows_of(*(some[k % 2] for k in range(30))))
    return path


def test_what_a_network_reads_and_tells(names):
    data = open_tags(names, validation=0.2, test=0.2)
    coder = data.coder
    assert (coder.written, coder.scheme, coder.kinds) == ("IOB1", "IOB2", ("PER", "LOC"))
    assert coder.tags == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert sorted(np.concatenate([part.which for part in (data.train, data.validation, data.test)])) == [*range(30)]
    assert min(len(data.validation), len(data.test)) >= 5
    batch = data.train.batch(np.arange(2))
    by_length = sorted(range(2), key=lambda k: int(batch.main.lengths[k]))
    assert batch.target[:3, by_length[0]].tolist() == [1, 0, 3]
    assert batch.target[:5, by_length[1]].tolist() == [0, 1, 2, 1, 0]
    assert (batch.target[3:, by_length[0]] == -1).all()
    x = batch.main.x[0, by_length[0]].numpy()
    words, letters = coder.words, coder.letters
    assert words[x[1]] == "ann"
    assert coder.shapes[x[2]] == "X x"
    assert [letters[letter - 1] for letter in x[3:6]] == ["A", "n", "n"]
    assert not x[6:].any()


def test_tags_come_back_as_the_files_have_them(names):
    data = open_tags(names)
    source = data.train.source
    assert source.coder.spell(source.tags, source.starts) == source.column("2")


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_a_coder_comes_back_from_its_file(names, tmp_path, scheme):
    coder = open_tags(names, scheme=scheme, features=("2",), column="2").coder
    coder.save(tmp_path)
    assert TagCoder.load(tmp_path) == coder
    (tmp_path / "tags.json").write_text("{}")
    with pytest.raises(StoredError, match=r"tags.json: damaged"):
        TagCoder.load(tmp_path)


def test_whole_documents_are_drawn(tmp_path):
    path = tmp_path / "docs.txt"
    documents = [rows_of(*(f"d{k} A, x{k} B" for _ in range(3 + k % 4))) for k in range(20)]
    path.write_text("".join(f"-DOCSTART- O\n\n{text}\n" for text in documents))
    data = open_tags(path, validation=0.2, test=0.2)
    parts = [{words for k in range(len(part)) for words in part.symbols_of(k)} for part in
             (data.train, data.validation, data.test)]  # fmt: skip
    assert all(parts)
    assert not parts[0] & (parts[1] | parts[2])
    assert not parts[1] & parts[2]
    sizes = [int(part.lengths.sum()) for part in (data.train, data.validation, data.test)]
    assert all(0.1 < size / sum(sizes) < 0.3 for size in sizes[1:])
    again = open_tags(path, validation=0.2, test=0.2)
    assert np.array_equal(again.test.which, data.test.which)
    assert not np.array_equal(open_tags(path, validation=0.2, test=0.2, seed=2).test.which, data.test.which)


def test_files_for_validation_and_test(names, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text(rows_of("Ann B-PER, sees O, Ulm B-TOWN, Ulm I-TOWN", "Ann B-PER, sees O, Rome B-LOC"))
    data = open_tags(names, validation=0, test=other)
    assert (len(data.train), len(data.validation), len(data.test)) == (30, 0, 2)
    assert data.counts["unknown_tags_test"] == 2
    assert data.test.batch(np.arange(1)).target[:, 0].tolist() == [1, 0, -1, -1]
    assert data.test.source.gold(data.test.tokens)[2:4] == ["I-TOWN", "I-TOWN"]  # as the training files mark it
    assert data.test.seen().tolist() == [False, True]
    assert open_tags(names, validation=other).test.which.tolist() == [30, 31]
    with pytest.raises(OptionError, match=r"--test .*names.txt: is a training file itself"):
        open_tags(names, test=names)


def test_spans_without_a_beginning_are_counted_or_refused(tmp_path):
    path = tmp_path / "stray.txt"
    path.write_text(rows_of(*["Ann B-PER, Li I-PER, sees O"] * 12, "so O, Bo I-PER, is O"))
    data = open_tags(path)
    assert data.counts["stray"] == 1
    assert dict(data.found)["spans without a beginning"] == "1, given one"
    with pytest.raises(CorpusError, match=r"stray.txt, line 50: I-PER goes on with a span that has not begun"):
        open_tags(path, stray="refuse")


def test_what_cannot_be_learnt(names, tmp_path):
    for options, message in (
        ({"column": "pos"}, r"--column pos: .*names.txt has the columns 1, 2"),
        ({"column": "1"}, "--column 1: is what is read"),
        ({"word": "form"}, "--word form: "),
        ({"features": ("3",)}, "--column 3: "),
        ({"rare": 0}, "--rare 0: must be at least 1"),
        ({"validation": 0.7}, "--validation 0.7: must be a file, or a share"),
    ):
        with pytest.raises((OptionError, CorpusError), match=message):
            open_tags(names, **options)
    path = tmp_path / "one.txt"
    path.write_text(rows_of(*["a X, b X"] * 20))
    with pytest.raises(CorpusError, match="every word has the same tag, 'X': nothing can be learnt"):
        open_tags(path)


def test_a_file_whose_tags_mark_no_spans_is_refused_beside_others_that_do(names, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text(rows_of("Ann B-PER, sees VERB"))
    with pytest.raises(CorpusError, match=r"other.txt, line 2: the tag 'VERB' is neither O nor that of a span"):
        open_tags(names, test=other)


def test_labels(names, tmp_path):
    part = open_tags(names).train
    longer = next(k for k in range(len(part)) if part.lengths[k] == 5)
    one = part.subset(np.array([longer]))
    assert one.label("position").values.tolist() == [0, 1, 2, 3, 4]
    assert one.label("entity_begun").values.tolist() == [0, 1, 1, 1, 0]
    assert one.label("entity_place").values.tolist() == [0, 1, 2, 1, 0]
    column = one.label("2")
    assert [column.names[code] for code in column.values] == ["O", "I-PER", "I-PER", "B-PER", "O"]
    with pytest.raises(OptionError, match="label 'upos' does not exist here: there are position, 2, entity_begun"):
        one.label("upos")


def test_characters_are_read_with_their_neighbours(tmp_path):
    path = tmp_path / "letters.txt"
    path.write_text(rows_of(*["a B-X, b I-X, c O"] * 20))
    data = open_tags(path)
    coder = data.coder
    assert not coder.letters
    assert list(coder.sizes) == ["words", "shapes", "left", "right", "tags", "kinds"]
    x = data.train.batch(np.arange(1)).main.x[:, 0].numpy()
    assert [coder.pairs[k] for k in x[:, 3]] == ["\ta", "a\tb", "b\tc"]
    assert [coder.pairs[k] for k in x[:, 4]] == ["a\tb", "b\tc", "c\t"]
    assert data.train.text(0) == "abc"


def test_shapes():
    shapes = {"Word": "X x", "WORD": "X", "U.S.": "X . X .", "1990s": "d x", "東京": "CJK", "東きょう": "CJK HIRAGANA",
              "Ünder": "X x", "-": "-", "a-b-c-d": "x - x -"}  # fmt: skip
    assert {word: shape_of(word) for word in shapes} == shapes


def vectors(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_vectors_are_read_as_text_and_in_four_bytes(tmp_path):
    values = np.array([[0.5, -1.25, 3.0], [1e-3, 2.0, -7.5]], np.float32)
    text = "2 3\nAnn 0.5 -1.25 3.0\nrome 0.001 2 -7.5\n"
    binary = b"2 3\n" + b"Ann " + values[0].tobytes() + b"\n" + b"rome " + values[1].tobytes() + b"\n"
    for written in (text, binary, binary.replace(b"\nrome", b"rome")):
        found = read_vectors(vectors(tmp_path / "v", written))
        assert found.words == ("Ann", "rome")
        assert np.array_equal(found.values, values)
    rows = found.of(("ann", "rome", "ulm"), lowercase=True)
    assert np.array_equal(rows[:2], values)
    assert np.isnan(rows[2]).all()
    assert np.isnan(found.of(("ann",))).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ann 1 2\n", "line 1: no vectors: the first line has to say how many words and numbers, it is 'Ann 1 2'"),
        ("2 2\nAnn 1 2\nBo 1\n", r"line 3: 1 numbers, where the head says 2 \(the file ends here: it is torn\)"),
        ("2 2\nAnn 1 2\nBo 1 x\n", "line 3: a number that is none"),
        ("3 2\nAnn 1 2\nBo 1 3\n", "2 words, where the head says 3"),
        ("1 2\nAnn 1 2\nBo 1 3\n", "2 words, where the head says 1"),
        ("1 2\nAnn nan 2\n", "line 2: the vector of 'Ann' has a number that is none"),
        (b"2 2\nAnn " + b"\x80" * 8 + b"\nBo " + b"\x80" * 5, "1 words, where the head says 2: the file is torn"),
        (b"1 2\nAnn " + b"\x80" * 8 + b"\nBo " + b"\x80" * 8, "more than the 1 words that the head says"),
    ],
)
def test_vectors_that_are_damaged(tmp_path, text, message):
    with pytest.raises(CorpusError, match=message):
        read_vectors(vectors(tmp_path / "v.txt", text))


def test_words_with_a_vector_are_known_however_rare_and_begin_with_it(names, tmp_path):
    with names.open("a") as file:
        file.write("\nUlm I-LOC\n")
    path = vectors(tmp_path / "v.txt", "3 2\nUlm 1 2\nrome 3 4\nParis 5 6\n")
    data = open_tags(names, vectors=path, test=0, validation=0, rare=3)
    assert "paris" not in data.coder.words
    known = dict(zip(data.coder.words, data.beginning()["vectors.words.weight"].tolist(), strict=True))
    assert known["rome"] == [3, 4]
    assert known["ulm"] == [1, 2]  # once in training, and in the vectors in its own letters alone
    assert np.isnan(known["ann"]).all()
    data = open_tags(names, vectors=path, test=0, validation=0, rare=3, lowercase=False)
    known = dict(zip(data.coder.words, data.beginning()["vectors.words.weight"].tolist(), strict=True))
    assert known["Ulm"] == [1, 2]
    assert np.isnan(known["Rome"]).all()
