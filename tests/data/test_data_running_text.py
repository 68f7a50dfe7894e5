"""Running text: levels, parts, passages, lanes, labels, and files of any size."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pytest

from naibu.data import files, text_reading
from naibu.data.levels import END, Characters, Subwords, Words, train_subwords
from naibu.data.text import read_text
from naibu.data.text_corpus import open_text
from naibu.data.text_lanes import TextLanes
from naibu.errors import CorpusError, OptionError, StoredError

TEXT = 'He said: "no (not\nnow)".\n\n  Then she left;\nnobody – not one – saw it. ' + "So it goes.\n" * 200


@pytest.fixture
def novel(tmp_path):
    path = tmp_path / "novel.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def steps_of(part):
    """The predicted numbers of a part, passage by passage."""
    batch = part.batch(np.arange(len(part)))
    return batch.target.T[batch.predicted.T].numpy()


def test_levels_give_the_text_back():
    characters, words = Characters(), Words()
    assert characters.spell(characters.read(TEXT), begins=True) == TEXT
    plain = "\n".join(" ".join(line.split()) for line in TEXT.split("\n"))
    assert words.spell(words.read(TEXT), begins=True) == plain
    assert Words("reader").spelling(".") == "."
    assert Words("reader").spelling("a") == " a"


def test_subwords_keep_spacing_and_letters_they_never_saw():
    pytest.importorskip("sentencepiece")
    level = Subwords(train_subwords(TEXT.split("\n"), 300))
    odd = "So  it\tgoes: 雪\n\n  no.\n"
    assert level.spell(level.read(odd), begins=True) == odd
    text, lengths = level.spell_each(level.read(TEXT), begins=True)
    assert text == TEXT
    assert lengths.sum() == len(TEXT)
    assert (lengths >= 0).all()


@pytest.mark.parametrize("level", ["character", "word"])
def test_every_symbol_is_predicted_once(novel, level):
    data = open_text(novel, level=level, longest=30, validation=0.1, test=0.2)
    parts = (data.train, data.validation, data.test)
    spelt = "".join(data.coder.spell(steps_of(part), begins=True) for part in parts)
    wanted = TEXT if level == "character" else "\n".join(" ".join(line.split()) for line in TEXT.split("\n"))
    assert spelt == wanted
    assert [part.steps for part in parts] == [int(part.lengths.sum()) for part in parts]
    assert sum(part.characters for part in parts) == len(wanted)
    assert abs(data.test.steps / sum(part.steps for part in parts) - 0.2) < 0.03
    assert max(int(part.lengths.max()) for part in parts) <= 30


def test_passages_begin_at_line_ends_where_they_can(novel):
    data = open_text(novel, longest=40, validation=0.1, test=0.1)
    symbols = data.coder.vocabulary.symbols
    assert {symbols[int(data.train.batch(np.array([k])).main.x[0, 0])] for k in range(len(data.train))} == {"\n"}


def test_lanes_read_all_of_a_part_with_carried_state(novel):
    part = open_text(novel, validation=0.1, test=0.1).train
    order = TextLanes(part, 4, 10)
    whole = steps_of(part)
    for epoch in (0, 1):
        pieces = order.pieces(3, epoch)
        assert [piece.which.tolist() for piece in pieces] == [piece.which.tolist() for piece in order.pieces(3, epoch)]
        windows = [order.read(piece) for piece in pieces]
        lanes = np.concatenate([window.target.numpy() for window in windows])
        length = part.steps // 4
        begin = int(pieces[0].which[0])
        assert lanes.shape == (length, 4)
        assert (begin > 0) == (epoch > 0)
        assert np.array_equal(lanes.T.ravel(), np.roll(whole, -begin)[: 4 * length])
        read = np.concatenate([window.main.x.numpy() for window in windows])
        inside = np.arange(1, length)[:, None], np.arange(4)
        before = (np.arange(4) * length + np.arange(1, length)[:, None] + begin) % part.steps
        assert np.array_equal(read[inside][before != 0], lanes[:-1][before != 0])


def test_labels_are_those_of_the_plain_reader_from_the_documents_beginning(novel):
    events = read_text([("novel", TEXT)], "characters", 0)
    part = open_text(novel, longest=25, validation=0.1, test=0.1)
    for piece in (part.train, part.test):
        some = piece.subset(np.arange(0, len(piece), 3))
        where = some._where - int(some.source.starts[0])  # 0 is the line end before the text, as ST is
        for name, column in events.columns.items():
            assert np.array_equal(some.label(name).values, column[where]), name
    with pytest.raises(OptionError, match="there are position"):
        part.test.label("mood")


def test_labels_do_not_depend_on_the_size_of_pieces(novel, monkeypatch):
    whole = {name: open_text(novel, level="word").test.label(name).values for name in ("line_position", "to_line_end")}
    monkeypatch.setattr("naibu.data.running_text.PIECE", 50)
    again = open_text(novel, level="word").test
    assert all(np.array_equal(values, again.label(name).values) for name, values in whole.items())


def test_python_has_its_labels(tmp_path):
    path = tmp_path / "some.py"
    path.write_text('def f(x):\n    # why\n    return "if" if x else None\n' * 40)
    test = open_text(path).test
    assert "inside_comment" in test.labels("input")
    symbols = test.inputs("input")["symbol"]
    read = np.array(symbols.names)[symbols.values]
    comment = test.label("inside_comment").values == 1
    assert set(read[comment]) == set("# why")


def test_a_large_text_is_mapped_from_a_file_made_once(novel, tmp_path, monkeypatch):
    inside = open_text(novel, level="word")
    monkeypatch.setattr(text_reading, "LARGE", 100)
    monkeypatch.setattr("naibu.data.files.LINE", 64)
    mapped = open_text(novel, level="word", beside=tmp_path / "runs")
    assert isinstance(mapped.train.source.numbers, np.memmap)
    assert mapped.train.source.numbers.dtype == np.uint16
    assert mapped.fingerprint == inside.fingerprint
    assert np.array_equal(mapped.train.source.numbers, inside.train.source.numbers)
    made = sorted((tmp_path / "runs" / "symbols").iterdir())
    monkeypatch.setattr(text_reading, "_gathered", None)  # it is not read again
    again = open_text(novel, level="word", beside=tmp_path / "runs")
    assert again.coder.vocabulary == mapped.coder.vocabulary
    symbols = next(path for path in made if path.suffix == ".symbols")
    symbols.write_bytes(b"\1" + symbols.read_bytes()[1:])
    with pytest.raises(StoredError, match="does not match its checksum"):
        open_text(novel, level="word", beside=tmp_path / "runs")


@pytest.mark.parametrize("size", [3, 7, 10**6])
def test_files_in_pieces_are_the_file(tmp_path, monkeypatch, size):
    text = "\ufeffa\r\nbß雪\rc\n\nno end"
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    monkeypatch.setattr(files.SourceFile.pieces, "__defaults__", (size,))
    (file,) = files.open_files(path)
    pieces = list(files.texts_of(file))
    assert "".join(pieces) == "a\nbß雪\nc\n\nno end"
    assert all(piece.endswith("\n") for piece in pieces[:-1])


@pytest.mark.parametrize("size", [3, 10**6])
def test_another_encoding_is_told_with_its_line(tmp_path, monkeypatch, size):
    path = tmp_path / "latin.txt"
    path.write_bytes("one\ntwo\nthr\xe9e\n".encode("latin-1"))
    monkeypatch.setattr(files.SourceFile.pieces, "__defaults__", (size,))
    with pytest.raises(CorpusError, match=re.escape(f"{path}, line 3: not UTF-8 (byte 0xe9)")):
        open_text(path)


def test_unknown_words_are_counted(novel, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("So it never goes here or there, it goes.\n" * 9)
    data = open_text(novel, level="word", vocabulary=8, validation=other)
    assert len(data.coder.vocabulary) == 8
    assert data.test is data.validation
    assert data.counts["unknown_validation"] == int((steps_of(data.validation) == 0).sum()) > 0
    assert data.coder.unknown("So they go.\n") == ["they", "go."]


def test_documents_are_drawn_whole_where_there_are_many(tmp_path):
    for k in range(30):
        (tmp_path / f"{k:02}.txt").write_text(f"this is letter {k}.\n" * 5)
    data = open_text(tmp_path, test=0.1)
    assert len(data.test.ranges) == 3
    assert {tuple(each) for each in data.test.ranges.tolist()}.isdisjoint(map(tuple, data.train.ranges.tolist()))
    batch = TextLanes(data.train, 3, 8).read(TextLanes(data.train, 3, 8).pieces(1, 0)[-1])
    assert (batch.target >= 0).all()


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("", {}, "no text was found"),
        ("a" * 500, {}, "one and the same symbol"),
        ("a few words\n", {}, "too few for the"),
        (TEXT, {"validation": 0.7}, "a share of the text from 0 to 0.5"),
        (TEXT, {"validation": 0}, "--validation 0"),
        (TEXT, {"first": "much"}, "--first much: must be a number of bytes"),
        (TEXT, {"level": "letter"}, "--level letter: must be one of character, word, subword"),
        (TEXT, {"longest": 1}, "--longest 1: must be at least 2"),
    ],
)
def test_bad_text_and_options_are_told(tmp_path, content, options, says):
    path = tmp_path / "bad.txt"
    path.write_text(content)
    with pytest.raises((CorpusError, OptionError), match=re.escape(says)):
        open_text(path, **options)


def test_validation_without_a_known_word_is_refused(novel, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("weder noch " * 40)
    with pytest.raises(CorpusError, match="none of its symbols is known"):
        open_text(novel, level="word", validation=other)


def test_the_training_text_is_no_test_text(novel):
    with pytest.raises(OptionError, match="is the training text itself"):
        open_text(novel, test=novel)


def test_first_bytes_alone(novel):
    data = open_text(novel, first="1kB", validation=0.1, test=0.1)
    assert sum(part.steps for part in (data.train, data.validation, data.test)) == pytest.approx(1000, abs=8)
    assert data.coder.end == data.coder.vocabulary.index["\n"]
    assert END != "\n"


def test_what_stands_before_a_passage_is_read_first(novel):
    part = open_text(novel, longest=30, validation=0.1, test=0.2).test
    which = np.array([3, 0, 1, 3])
    found = {int(row): batch for rows, batch in part.before(which) for row in rows}
    assert set(found) == {0, 1, 2, 3}  # the test part begins in the middle of the text
    for rows, batch in part.before(which):
        for column, row in enumerate(rows):
            begin, length = int(part.spans[which[row], 0]), len(batch.target)
            symbols = part.source.ids[part.source.numbers[begin - length : begin]]
            assert np.array_equal(batch.main.x[:, column].numpy(), symbols)
            assert length == 15
            assert not batch.predicted.any()
    train = open_text(novel, longest=30, validation=0.1, test=0.2).train
    assert not list(train.before(np.array([0])))


def test_a_text_in_passages_is_read_as_it_is_at_once(novel):
    """With as much before each passage as there is, the state is that of the whole text."""
    import torch

    from naibu.config import TextConfig
    from naibu.models.model import state_before
    from naibu.models.text_model import TextModel

    part = open_text(novel, longest=30, validation=0.1, test=0.2).train
    assert len(part.spans) > 20
    part.longest = 10**6  # all that there is before a passage
    torch.manual_seed(2)
    model = TextModel(len(part.classes()), TextConfig(units=7, cell="gru", layers=2)).eval()
    whole = torch.from_numpy(part.source.ids[part.source.numbers[: part.spans[-1, 1]]].astype(np.int64))[:, None]
    with torch.no_grad():
        at_once = model(whole)[0][:, 0]
        which = np.array([2, 7, 0, 5])
        batch = part.batch(which)
        output, _ = model(batch.main.x, state_before(model, part, which))
    for column, passage in enumerate(which):
        begin, end = part.spans[passage]
        assert torch.allclose(output[: end - begin, column], at_once[begin:end], atol=1e-5)


def test_a_large_validation_file_leaves_the_training_text_as_it_is(tmp_path, monkeypatch):
    train, held = tmp_path / "train.txt", tmp_path / "held.txt"
    train.write_text("abcdefgh ijkl.\n" * 40)
    held.write_text("ijkl. abcdefgh, m.\n" * 400)
    monkeypatch.setattr(text_reading, "LARGE", 4000)
    for level in ("character", "word"):
        for _ in range(2):  # read, and found as it was kept
            data = open_text(train, validation=held, level=level, beside=tmp_path)
            assert data.train.text(0).startswith("abcdefgh ijkl.\nabc")
            assert data.validation.text(0).startswith("ijkl. abcdefgh, m.\nijkl")


def test_a_part_of_the_passages_has_the_same_labels(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text(("x" * 600 + "\n") * 20)
    part = open_text(path, longest=100).train
    whole = part.label("to_line_end").values[:100]
    assert np.array_equal(part.subset(np.array([0])).label("to_line_end").values, whole)


def test_labels_of_python_stand_where_they_belong_among_bytes(tmp_path):
    pytest.importorskip("sentencepiece")
    path = tmp_path / "some.py"
    path.write_text('def f(x):\n    return "if" if x else None\n' * 200 + "y = 1  # ☃ snow\n" * 90)
    part = open_text(path, level="subword", vocabulary=300).test
    comment = part.label("inside_comment").values == 1
    symbols = part.inputs("input")["symbol"]
    read = np.array(symbols.names)[symbols.values]
    assert set("".join(read[comment]).replace("▁", "")) <= set("#☃snow<0xE29883>")
    assert comment.any()


def test_the_training_folder_holds_no_test_text(novel):
    with pytest.raises(OptionError, match="is the training text itself"):
        open_text(novel.parent, validation=novel)


def test_first_counts_bytes_of_all_files(tmp_path):
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in paths:
        path.write_text("雪が降る。\n" * 100, encoding="utf-8")
    data = open_text(paths, first="2kB", validation=0.1, test=0.1)
    assert sum(part.steps for part in (data.train, data.validation, data.test)) == pytest.approx(2000 / 16 * 6, abs=9)
