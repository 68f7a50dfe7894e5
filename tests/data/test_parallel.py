"""Pairs of lines: read, divided, numbered, and what is known of their symbols."""

from __future__ import annotations

import gzip
import random

import numpy as np
import pytest

from naibu.data.batches import GRAIN, length_batches
from naibu.data.levels import Characters, Words
from naibu.data.parallel_coder import ParallelCoder
from naibu.data.parallel_corpus import open_parallel
from naibu.data.sentence_labels import labels_of
from naibu.errors import CorpusError, OptionError

WORDS = ["so", "it", "goes", "on", "and", "on", "until", "then", "home"]


def written(folder, name, lines):
    path = folder / name
    text = "".join(line + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def sentences(count, seed=3):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 9))) for _ in range(count)]


@pytest.fixture
def files(tmp_path):
    source = sentences(60)
    return written(tmp_path, "a.en", source), written(tmp_path, "a.ja.gz", [line.upper() for line in source])


def opened(files, **options):
    return open_parallel(source=files[0], target=files[1], **{"level": "word", **options})


@pytest.mark.parametrize("level", ["word", "character"])
def test_two_files_are_the_same_as_two_columns(files, tmp_path, level):
    columns = [f"{line}\t{line.upper()}" for line in sentences(60)]
    one, two = opened(files, level=level), open_parallel(written(tmp_path, "a.tsv", columns), level=level)
    for part in ("train", "validation", "test"):
        a, b = getattr(one, part), getattr(two, part)
        assert [a.source.text(k) for k in a.which] == [b.source.text(k) for k in b.which]
        np.testing.assert_array_equal(a.inputs("target")["symbol"].values, b.inputs("target")["symbol"].values)


@pytest.mark.parametrize("level", ["subword", "character"])
def test_lines_come_back_with_their_spacing(tmp_path, level):
    if level == "subword":
        pytest.importorskip("sentencepiece")
    rng = random.Random(5)
    letters = "abcde 彼女は、「»…\u3000\u00a0'\""
    lines = ["".join(rng.choices(letters, k=rng.randint(1, 30))) for _ in range(300)]
    lines = [line if line.strip() else "x" for line in lines]
    data = open_parallel(
        source=written(tmp_path, "s", lines), target=written(tmp_path, "t", lines[::-1]), level=level, vocabulary=400
    )
    coder = data.coder
    for line in [*lines, "  two  blanks and  an emoji 🙂 which never came ", "ø"]:
        encoded = coder.encode([line], "target")
        assert encoded.text(0) == line
        known = encoded.known(np.array([0]))
        if level == "subword":  # what has no piece is spelt in bytes, nothing is unknown
            assert coder.spell(known) == line
            assert not (known == encoded.vocabulary.unknown).any()


def test_vocabularies_are_of_training_alone_and_what_is_unknown_is_counted(files, tmp_path):
    held = written(tmp_path, "v.en", ["so it never goes", "on"]), written(tmp_path, "v.ja", ["SO NEVER NEVER", "ON"])
    data = opened(files, validation=held)
    assert "never" not in data.coder.source.vocabulary.index
    assert data.coder.source.vocabulary.symbols[:2] == ("<unk>", "</s>")
    assert (data.counts["unknown_validation_source"], data.counts["unknown_validation_target"]) == (1, 2)
    assert data.test is data.validation
    assert data.validation.target.text(int(data.validation.which[0])) == "SO NEVER NEVER"


def test_words_that_come_once_are_unknown_in_training_too(tmp_path):
    lines = ["a b", "b a", "a once", "b b", "a a"]
    held = written(tmp_path, "v", ["a once", "once"]), written(tmp_path, "w", ["a once", "once"])
    data = opened((written(tmp_path, "s", lines), written(tmp_path, "t", lines[::-1])), validation=held)
    assert (data.counts["unknown_train_source"], data.counts["unknown_validation_source"]) == (1, 2)
    assert set(data.coder.source.vocabulary.symbols) == {"<unk>", "</s>", "a", "b"}


def test_a_batch_reads_the_source_and_the_target_one_step_late(files):
    data = opened(files)
    part, words = data.train, data.coder
    which = np.array([0, 3, 1])
    batch = part.batch(which)
    for row, k in enumerate(part.which[which]):
        source = words.source.vocabulary.encode([*part.source.text(int(k)).split(), "</s>"])
        target = words.target.vocabulary.encode([*part.target.text(int(k)).split(), "</s>"])
        steps = len(target)
        assert batch.streams["source"].lengths[row] == len(source)
        assert batch.streams["source"].x[: len(source), row].tolist() == source.tolist()
        assert batch.target[:steps, row].tolist() == target.tolist()
        assert (batch.target[steps:, row] == -1).all()
        assert batch.main.x[:steps, row].tolist() == [1, *target[:-1].tolist()]
    for stream in part.streams:
        read = part.subset(which).inputs(stream)["symbol"].values
        rows = [batch.streams[stream].x[: batch.streams[stream].lengths[row], row].tolist() for row in range(3)]
        assert read.tolist() == [symbol for row in rows for symbol in row]


def test_labels_of_a_sentence_worked_by_hand():
    level = Words()
    numbers = level.read('he said , " go " now')
    found = labels_of(level, [numbers], first=False)
    assert found["position"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert found["symbols_left"].tolist() == [7, 6, 5, 4, 3, 2, 1, 0]
    assert found["words_left"].tolist() == [6, 5, 4, 3, 2, 1, 0, 0]
    assert found["since_punctuation"].tolist() == [1, 2, 0, 0, 1, 0, 1, 1]
    assert found["quote_depth"].tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    first = labels_of(level, [numbers, numbers[:1]], first=True)
    assert first["words_left"].tolist() == [7, 6, 5, 4, 3, 2, 1, 0, 1, 0]
    assert first["quote_depth"].tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    assert first["position"].tolist() == [*range(8), 0, 1]


def test_words_are_what_blanks_part_whatever_a_symbol_is():
    level = Characters()
    found = labels_of(level, [level.read("「「ab」 cd")], first=False)
    assert found["words_left"].tolist() == [1, 1, 1, 1, 1, 1, 0, 0, 0]
    assert found["quote_depth"].tolist() == [1, 2, 2, 2, 1, 1, 1, 1, 1]
    assert found["since_punctuation"].tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1]


def test_pairs_with_an_empty_side_are_left_out_and_counted(files, tmp_path):
    source, target = sentences(30), [line.upper() for line in sentences(30)]
    source[4], target[7], source[9], target[9] = "", "  ", "", ""
    data = opened((written(tmp_path, "s", source), written(tmp_path, "t", target)))
    assert data.counts["empty"] == 3
    assert len(data.train) + len(data.validation) + len(data.test) == 27
    assert ("left out, a side is empty", "3 pairs") in data.found


def test_a_line_of_ten_thousand_words_is_left_out_of_training_and_refused_where_it_is_scored(files, tmp_path):
    long = " ".join(["so"] * 10_000)
    both = written(tmp_path, "s", [*sentences(30), long]), written(tmp_path, "t", sentences(31))
    data = opened(both, seed=2)
    assert data.counts["too_long"] == 1
    assert data.train.lengths_of("source").max() <= 201
    with pytest.raises(CorpusError, match=r"s, line 31: 10,000 symbols, more than --longest 200; split it"):
        opened(files, validation=both)
    with pytest.raises(CorpusError, match=r"s, line 31: 10,000 symbols, more than --longest 200; split it"):
        data.coder.read([*both])


def test_a_source_is_in_one_part_alone(tmp_path):
    source = sentences(200)
    source += source[:100]
    data = opened(
        (written(tmp_path, "s", source), written(tmp_path, "t", sentences(300))), validation=[0.2], test=[0.1]
    )
    parts = [{part.source.text(k) for k in part.which} for part in (data.train, data.validation, data.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert len(data.train) + len(data.validation) + len(data.test) == 300


def test_what_training_has_too_is_said(files, tmp_path):
    held = ["until until until", sentences(60)[7]]
    both = written(tmp_path, "v", held), written(tmp_path, "w", [line.upper() for line in held])
    data = opened(files, validation=both)
    assert data.validation.seen().tolist() == [False, True]
    assert data.train.seen().all()
    assert ("test pairs that training has too", "1") in data.found


def test_both_sides_may_have_one_vocabulary(files):
    data = opened(files, joint=True)
    assert data.coder.source.vocabulary == data.coder.target.vocabulary
    assert {"home", "HOME"} <= set(data.coder.source.vocabulary.symbols)
    assert data.sizes["source"] == data.sizes["target"]


def test_a_coder_comes_back(files, tmp_path):
    data = opened(files)
    data.coder.save(tmp_path)
    again = ParallelCoder.load(tmp_path, data.options)
    assert again.source.vocabulary == data.coder.source.vocabulary
    assert again.encode(["so it goes"]).known(np.array([0])).tolist() == [
        data.coder.source.vocabulary.index[word] for word in ("so", "it", "goes")
    ]


def test_the_fingerprint_is_of_content_wherever_files_lie(files, tmp_path):
    (tmp_path / "moved").mkdir()
    moved = [tmp_path / "moved" / each.name for each in files]
    for old, new in zip(files, moved, strict=True):
        new.write_bytes(old.read_bytes())
    assert opened(files).fingerprint == opened(moved).fingerprint
    assert opened(files).fingerprint != opened(files, vocabulary=8).fingerprint


def test_bad_files_are_said_in_one_line(files, tmp_path):
    short = written(tmp_path, "short", sentences(59))
    with pytest.raises(CorpusError, match=rf"short: 59 lines, where {files[0]} has 60; each line needs its partner"):
        opened((files[0], short))
    with pytest.raises(OptionError, match="source and target are the same file"):
        opened((files[0], files[0]))
    latin = tmp_path / "latin"
    latin.write_bytes("so\ngø\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"latin, line 2: not UTF-8"):
        opened((latin, files[1]))
    with pytest.raises(CorpusError, match="empty: there is no line"):
        opened((written(tmp_path, "nothing", []), files[1]))
    with pytest.raises(CorpusError, match=r"bad.tsv, line 2: 3 columns, where source and target"):
        open_parallel(written(tmp_path, "bad.tsv", ["a\tb", "a\tb\tc"]))
    with pytest.raises(CorpusError, match=r"none.tsv, line 1: no tab"):
        open_parallel(written(tmp_path, "none.tsv", ["a b"]))
    with pytest.raises(OptionError, match=r"--validation .*: is learnt from"):
        opened(files, validation=files)
    with pytest.raises(OptionError, match=r"--validation 0.9: must be files, or a share"):
        opened(files, validation=[0.9])
    with pytest.raises(OptionError, match=r"give --source FILE and --target FILE"):
        open_parallel(source=files[0])
    with pytest.raises(CorpusError, match=r"line 2 has </s>, which marks where a sentence ends"):
        opened((written(tmp_path, "s", ["so", "a </s> b"] * 9), written(tmp_path, "t", ["so"] * 18)))


def test_the_mark_of_an_end_is_named_in_its_own_file_and_only_as_a_symbol(files, tmp_path):
    source = written(tmp_path, "v.en", ["so", "c </s> d", "it"])
    held = [source, written(tmp_path, "v.ja", ["SO", "C", "IT"])]
    with pytest.raises(CorpusError, match=r"v.en: line 2 has </s>"):
        opened(files, validation=held)
    coder = opened(files).coder
    with pytest.raises(CorpusError, match=r"lines: line 2 has </s>"):
        coder.encode(["a</s>b", "c </s> d"])
    with pytest.raises(CorpusError, match=r"lines, line 1: a line end in the middle"):
        coder.encode(["so\nit"])


@pytest.mark.parametrize("seed", range(6))
def test_long_pairs_are_left_out_of_every_part_that_is_drawn(tmp_path, seed):
    lines = [*sentences(60), " ".join(["so"] * 300)]
    data = opened(
        (written(tmp_path, "a", lines), written(tmp_path, "b", lines)), validation=[0.2], test=[0.2], seed=seed
    )
    assert data.counts["too_long"] == 1
    for part in (data.train, data.validation, data.test):
        assert part.lengths_of("source").max() <= 201


def test_a_test_part_of_the_same_files_is_the_validation_part_and_said_to_be(files, tmp_path):
    held = [written(tmp_path, "v.en", ["so it", "goes on"]), written(tmp_path, "v.ja", ["SO IT", "GOES ON"])]
    data = opened(files, validation=held, test=held)
    assert data.test is data.validation
    assert "not unseen" in dict(data.found)["test"]


def test_batches_are_alike_on_both_sides_and_of_few_sizes():
    rng = np.random.default_rng(1)
    source = rng.integers(2, 12, 4000)
    target = source + rng.integers(0, 6, 4000)
    batches = length_batches(target, 300, 200, np.random.default_rng(0), source)
    assert sorted(np.concatenate(batches).tolist()) == list(range(4000))
    assert all(len(batch) * target[batch].max() <= 300 for batch in batches)
    assert sum(len(np.unique(source[batch])) == 1 for batch in batches) > 0.9 * len(batches)
    many = [len(batch) for batch in batches if len(batch) > GRAIN]
    assert sum(count % GRAIN == 0 for count in many) >= len(many) - 1
    padded = sum(len(batch) * target[batch].max() for batch in batches)
    assert padded < 1.06 * target.sum()
    assert sum(len(batch) * source[batch].max() for batch in batches) < 1.02 * source.sum()
