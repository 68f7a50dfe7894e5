"""Labels of one's own beside texts and translations: which step has which, and what is refused with its line."""

from __future__ import annotations

import random
import runpy
from pathlib import Path

import numpy as np
import pytest

from naibu.data.own_labels import labelled, lines_of
from naibu.data.parallel_corpus import open_parallel
from naibu.data.text_corpus import open_text
from naibu.errors import CorpusError, OptionError
from naibu.recording.columns import StreamTable

LINES = [("a dog  barks", "inu ga hoeru"), ("", "x"), ("it rains", "ame da"), ("so", "sō"), ("oh no", "iie , iie")]
TAGS = {"dog": "N", "barks": "V", "it": "P", "rains": "V", "inu": "N", "ga": "p", "hoeru": "V", "ame": "N", "da": "V"}


@pytest.fixture
def data(tmp_path):
    """Pairs, of which the validation file has the last two."""
    for name, some in (("train", LINES[:3] * 4), ("dev", LINES[3:])):
        for k, side in enumerate("xy"):
            (tmp_path / f"{name}.{side}").write_text("".join(pair[k] + "\n" for pair in some))
    return open_parallel(
        source=tmp_path / "train.x",
        target=tmp_path / "train.y",
        validation=[tmp_path / "dev.x", tmp_path / "dev.y"],
        level="word",
    )


def written(path, header, lines):
    """A file of labels: lines of rows, parted by empty lines."""
    rows = ["\n".join("\t".join(map(str, row)) for row in line) + "\n" for line in lines if line]
    path.write_text("\t".join(header) + "\n" + "\n".join(rows))
    return path


def tagged(side):
    """Of each line its words with a tag, `_` for those that have none, and their length."""
    lines = LINES[:3] * 4 + LINES[3:]
    return [[(word, TAGS.get(word, "_"), len(word)) for word in pair[side].split()] for pair in lines]


@pytest.mark.parametrize("kind", ["symbol", "word"])
def test_each_step_of_a_translation_has_what_its_line_says(data, tmp_path, kind):
    source = written(tmp_path / "x.tsv", (kind, "tag", "size"), tagged(0))
    target = written(tmp_path / "y.tsv", (kind, "kind"), [[row[:2] for row in line] for line in tagged(1)])
    found = labelled(data, [f"source:{source}", f"target:{target}"])
    for part in (found.train, found.test, found.train.subset(np.array([5, 0, 3]))):
        for stream, first, name in (("source", 0, "tag"), ("target", 1, "kind")):
            column = part.label(name, stream)
            symbols = part.inputs(stream)["symbol"]
            assert len(column.values) == len(symbols.values) == part.lengths_of(stream).sum()
            ends = np.cumsum(part.lengths_of(stream)) - 1
            ends = np.concatenate([[0], ends[:-1] + 1]) if first else ends
            assert (column.values[ends] == -1).all()
            for step in set(range(len(column.values))) - set(ends.tolist()):
                word = symbols.names[symbols.values[step]]
                said = None if column.values[step] < 0 else column.names[column.values[step]]
                if word != "<unk>":
                    assert said == TAGS.get(word)
    sizes = found.train.label("size", "source").values
    assert np.isnan(sizes[3])
    assert sizes[:3].tolist() == [1, 3, 5]
    assert found.train.labels("source")[-2:] == ("tag", "size")
    assert found.train.labels("target")[-1] == "kind"
    np.testing.assert_array_equal(
        found.train.label("words_left", "target").values, data.train.label("words_left", "target").values
    )


def test_several_files_stand_one_after_the_other(data, tmp_path):
    lines = tagged(1)
    whole = written(tmp_path / "y.tsv", ("word", "tag", "size"), lines)
    parts = [
        written(tmp_path / f"{k}.tsv", ("word", "tag", "size"), some) for k, some in enumerate((lines[:12], lines[12:]))
    ]
    one, two = (labelled(data, [f"target:{each}" for each in files]) for files in ([whole], parts))
    for part in ("train", "test"):
        for name in ("tag", "size"):
            np.testing.assert_array_equal(*(getattr(each, part).label(name, "target").values for each in (one, two)))
    assert one.train.made_from != two.train.made_from


@pytest.mark.parametrize("level", ["character", "subword"])
def test_a_word_says_what_holds_for_its_symbols(tmp_path, level):
    """A symbol has the label of the word its last letter is in, whatever the symbols are."""
    if level == "subword":
        pytest.importorskip("sentencepiece")
    rng = random.Random(4)
    lines = [
        " ".join(rng.choices(["über", "walking", "I", "cats", "猫", "x,y"], k=rng.randint(1, 6))) for _ in range(80)
    ]
    (tmp_path / "p.tsv").write_text("".join(f"{line}\t{line[::-1]}\n" for line in lines))
    data = open_parallel(tmp_path / "p.tsv", level=level, vocabulary=300 if level == "subword" else 0)
    said = [[(word, number) for number, word in enumerate(line.split())] for line in lines]
    found = labelled(data, [f"source:{written(tmp_path / 'l.tsv', ('word', 'number'), said)}"])
    values, at = found.train.label("number", "source").values, 0
    side = data.train.source
    for k in data.train.which:
        numbers = side.numbers[side.starts[k] : side.starts[k + 1]]
        for size in range(1, len(numbers) + 1):
            begun, value = side.level.spell(numbers[:size], begins=True), values[at]
            at += 1
            assert np.isnan(value) if begun[-1:].isspace() or not begun else value == len(begun.split()) - 1
        assert np.isnan(values[at])  # the end of the sentence
        at += 1
    assert at == len(values)


@pytest.mark.parametrize(("level", "end"), [("word", "</s>"), ("character", "\\n")])
@pytest.mark.parametrize("ends", [True, False])
def test_a_text_is_labelled_line_by_line_with_or_without_its_ends(tmp_path, level, end, ends):
    lines = ["the cat sat", "", "on a mat .", "it did"] * 50
    (tmp_path / "t.txt").write_text("\n".join(lines) + "\n")
    data = open_text(tmp_path / "t.txt", level=level)
    rows = []
    for number, line in enumerate(lines):
        symbols = line.split() if level == "word" else list(line)
        rows.append([(symbol, number) for symbol in symbols] + [(end, -number)] * ends)
    rows = [line for line in rows if line]
    found = labelled(data, [written(tmp_path / "l.tsv", ("symbol", "line"), rows)])
    for part in (found.train, found.validation):
        values = part.label("line").values
        inside = part.examples.places_of("input")
        symbols = [data.train.source.level.table[k] for k in data.train.source.numbers[inside]]
        assert len(values) == len(symbols) > 20
        at_end = np.array([symbol in ("\n", "</s>") for symbol in symbols])
        assert np.isnan(values[~at_end]).sum() == 0
        assert ends or np.isnan(values[at_end]).all()
        true = dict(enumerate(line.split() if level == "word" else list(line) for line in lines))
        assert all(symbol in true[int(value)] for symbol, value in zip(symbols, values, strict=True) if value > 0)


def test_labels_of_words_in_a_text_of_several_files(tmp_path):
    for name, text in (("a", "one two\nthree\n" * 15), ("b", "two one\n" * 8)):
        (tmp_path / f"{name}.txt").write_text(text)
    data = open_text(tmp_path / "a.txt", validation=tmp_path / "b.txt", level="word")
    is_one = [[(word, int(word == "one")) for word in line] for line in [["one", "two"], ["three"]] * 15]
    first = written(tmp_path / "a.tsv", ("word", "one"), is_one)
    second = written(tmp_path / "b.tsv", ("word", "one"), [[("two", 0), ("one", 1)]] * 8)
    found = labelled(data, [first, second])
    for part in (found.train, found.test):
        symbols = [data.test.source.level.table[k] for k in data.test.source.numbers[part.examples.places_of("input")]]
        wanted = [np.nan if each == "</s>" else float(each == "one") for each in symbols]
        np.testing.assert_array_equal(part.label("one").values, wanted)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.__setitem__(2, "cat\tN"), "line 3: 'cat' stands where the text has the word 'dog'"),
        (lambda rows: rows.__setitem__(2, "dog\tN\t3"), "line 3: 3 columns where the header has 2"),
        (lambda rows: rows.pop(3), "line 4: the line ends where the text has the word 'barks'"),
        (lambda rows: rows.pop(4), "line 5: 'it' stands where a line of the text has ended: an empty line has to"),
        (lambda rows: rows.pop(-1), "the file ends where the text has the word 'no'"),
        (lambda rows: rows.append("\nmore\tX"), "'more' stands where the text has ended"),
        (lambda rows: rows.__setitem__(0, "token\ttag"), "line 1: the first line has to be `symbol` or `word`"),
        (lambda rows: rows.__setitem__(0, "word"), "line 1: the first line has to be `symbol` or `word`"),
        (lambda rows: rows.__setitem__(0, "word\twords_left"), "line 1: the label name 'words_left' is empty, there"),
        (lambda rows: rows.__setitem__(0, "word\ta:b"), "line 1: the label name 'a:b' has a colon"),
    ],
)
def test_what_is_not_the_text_is_refused_with_its_line(data, tmp_path, change, said):
    path = written(tmp_path / "x.tsv", ("word", "tag"), [[row[:2] for row in line] for line in tagged(0)])
    labelled(data, [f"source:{path}"])
    rows = path.read_text().rstrip("\n").split("\n")
    change(rows)
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(CorpusError) as refused:
        labelled(data, [f"source:{path}"])
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_files_of_different_headers_are_refused(data, tmp_path):
    lines = tagged(1)
    one = written(tmp_path / "1.tsv", ("word", "tag", "size"), lines[:12])
    other = written(tmp_path / "2.tsv", ("word", "tag", "length"), lines[12:])
    with pytest.raises(
        CorpusError, match=r"2\.tsv, line 1: the header is word tag length, that of .*1\.tsv word tag size"
    ):
        labelled(data, [f"target:{one}", f"target:{other}"])


@pytest.mark.parametrize("typed", ["x.tsv", "sauce:x.tsv"])
def test_of_a_translation_the_side_has_to_be_said(data, typed):
    with pytest.raises(OptionError, match=f"--labels {typed}: say which side it labels, source:{typed} or target:"):
        labelled(data, [typed])


def test_other_tasks_say_how_their_labels_are_given(trees_of_a_kind):
    with pytest.raises(OptionError, match="trees take their labels as they are read"):
        labelled(trees_of_a_kind, ["x.tsv"])


@pytest.fixture
def trees_of_a_kind(tmp_path):
    from naibu.data import open_corpus

    (tmp_path / "t.mrg").write_text("(S (NP (NN dog)) (VP (VB barks)))\n" * 20)
    return open_corpus(tmp_path / "t.mrg")


def test_a_stream_that_has_not_a_label_is_left_without_it(data, tmp_path):
    """Labels of the source alone are asked of both streams, and the target has none of that name."""
    path = written(tmp_path / "x.tsv", ("word", "tag", "size"), tagged(0))
    found = labelled(data, [f"source:{path}"])
    wanted = ["words_left", "tag"]
    target, source = (StreamTable({"test": found.test}, stream, wanted) for stream in ("target", "source"))
    assert [name for name in target.kinds if name.startswith("label")] == ["label.words_left"]
    assert [name for name in source.kinds if name.startswith("label")] == ["label.words_left", "label.tag"]
    assert source.made_from == [found.test.made_from] != []
    assert len(list(lines_of(data.test, "source"))) == 14
    with pytest.raises(OptionError, match="'tog' does not exist"):
        StreamTable({"test": found.test}, "target", ["tog"])


def test_the_example_tags_words_by_what_a_treebank_is_sure_of(data, tmp_path):
    """It rains three times of four as a verb; a word that is two things as often has no value; the file labels text."""
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "parts_of_speech.py"))
    trees = "(S (NP (NN Dog)) (VP (VBZ rains)))" * 3 + "(NP (NNS rains) (NN so)) (VP (RB so) (MD can) (-NONE- *))"
    known = example["lexicon"](trees)
    assert known == {"dog": "noun", "rains": "verb", "can": "verb"}
    lines = [source for source, _ in LINES[:3] * 4 + LINES[3:]]
    (tmp_path / "x.tsv").write_text("\n".join(example["rows"](lines, known)) + "\n")
    column = labelled(data, [f"source:{tmp_path}/x.tsv"]).train.label("part", "source")
    assert [column.names[code] if code >= 0 else None for code in column.values[:4]] == [None, "noun", None, None]
