"""open_corpus: splits, what was seen, options, bad input, and the real corpora end to end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from naibu.data import FORMS, Corpus, open_corpus
from naibu.data.reading import read_events
from naibu.data.typed import LOOKS, read_typed
from naibu.errors import CorpusError, OptionError
from naibu.tasks.trees import Trees, TreesOptions

TREE_FORMS = FORMS[:-1]


def write_bank(folder: Path, documents: int = 12, sentences: int = 6) -> Path:
    generator = np.random.default_rng(5)
    folder.mkdir(exist_ok=True)
    for document in range(documents):
        lines = []
        for _ in range(sentences):
            nouns = " ".join(f"(NN w{generator.integers(40)})" for _ in range(generator.integers(1, 5)))
            lines.append(f"( (S (NP-SBJ {nouns}) (VP (VB v{generator.integers(3)}) (NP (NN d{document})))))")
        (folder / f"wsj_{document:02}.mrg").write_text("\n".join(lines))
    return folder


def strings(corpus: Corpus, part: str) -> list[tuple[str, ...]]:
    split = getattr(corpus, part)
    return [tuple(split.text(s)) for s in range(len(split))]


def test_documents_are_never_divided(tmp_path: Path) -> None:
    corpus = open_corpus(write_bank(tmp_path / "bank"))
    assert corpus.split_by == "document"
    documents = [set(split.documents.tolist()) for split in (corpus.train, corpus.validation, corpus.test)]
    assert set.union(*documents) == set(range(12))
    assert sum(map(len, documents)) == 12
    assert corpus.train.document_names[0].endswith("wsj_00.mrg")


def test_few_documents_are_divided_by_sentence(tmp_path: Path) -> None:
    corpus = open_corpus(write_bank(tmp_path / "bank", documents=3, sentences=20))
    assert corpus.split_by == "sentence"
    assert [len(split) for split in (corpus.train, corpus.validation, corpus.test)] == [48, 6, 6]
    numbers = np.concatenate([corpus.train.sentences, corpus.validation.sentences, corpus.test.sentences])
    assert sorted(numbers) == list(range(60))


def test_a_huge_document_leaves_something_for_every_part(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", sentences=1)
    huge = bank / "wsj_00.mrg"
    huge.write_text(huge.read_text() * 500)
    for seed in range(5):
        corpus = open_corpus(bank, seed=seed)
        assert len(corpus.train) >= 500


def test_the_split_is_the_same_in_every_form_and_another_with_another_seed(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank")
    tests = [open_corpus(bank, form=form, seed=3).test.sentences.tolist() for form in TREE_FORMS]
    assert all(test == tests[0] for test in tests)
    assert any(open_corpus(bank, seed=seed).test.sentences.tolist() != tests[0] for seed in range(4, 8))


@pytest.mark.parametrize("form", TREE_FORMS)
def test_seen_is_what_training_holds(tmp_path: Path, form: str) -> None:
    corpus = open_corpus(write_bank(tmp_path / "bank"), form=form, vocabulary=12)
    train = set(strings(corpus, "train"))
    expected = [sequence in train for sequence in strings(corpus, "test")]
    assert corpus.seen.tolist() == expected
    assert corpus.seen_share == pytest.approx(np.mean(expected))


def test_the_vocabulary_comes_from_training_alone(tmp_path: Path) -> None:
    corpus = open_corpus(write_bank(tmp_path / "bank"), form="words")
    known = {symbol for sequence in strings(corpus, "train") for symbol in sequence}
    assert set(corpus.vocabulary.symbols) == known | {"<unk>"}
    held_out = [symbol for sequence in strings(corpus, "test") for symbol in sequence]
    assert any(symbol not in known for symbol in held_out)  # each document has a noun of its own
    assert corpus.unknown_share == pytest.approx(np.mean([symbol not in known for symbol in held_out]))


def test_long_sequences_are_left_out_and_counted(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank")
    whole = open_corpus(bank, form="words")
    corpus = open_corpus(bank, form="words", longest=5)
    assert max(split.lengths.max() for split in (corpus.train, corpus.validation, corpus.test)) == 5
    assert corpus.counts["sentences"] + corpus.counts["too_long"] == whole.counts["sentences"]
    assert set(corpus.test.sentences) <= set(whole.test.sentences)
    assert any("longer than 5" in text for _, text in corpus.describe())


def test_a_test_file_of_ones_own(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank")
    other = write_bank(tmp_path / "other", documents=1, sentences=7) / "wsj_00.mrg"
    corpus = open_corpus(bank, test=other)
    assert corpus.split_by == "file"
    assert len(corpus.test) == 7
    assert {corpus.test.document_names[number] for number in corpus.test.documents} == {str(other)}
    assert len(corpus.train) + len(corpus.validation) == 72
    assert [corpus.test.text(s)[0] for s in range(7)] == ["ST"] * 7


def test_options_open_the_corpus_again(tmp_path: Path) -> None:
    corpus = open_corpus(write_bank(tmp_path / "bank"), form="words", seed=9, vocabulary=20)
    again = Trees().open(TreesOptions(**json.loads(json.dumps(corpus.options))))
    assert again.fingerprint == corpus.fingerprint
    assert again.train.ids.tolist() == corpus.train.ids.tolist()
    assert open_corpus(tmp_path / "bank", form="words", seed=8, vocabulary=20).fingerprint != corpus.fingerprint


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank")
    before = open_corpus(bank).counts["sentences"]
    (bank / "wsj_99.mrg").write_text("(S (N a))")
    assert open_corpus(bank).counts["sentences"] == before + 1


def test_category_probed(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank")
    assert open_corpus(bank).category == "VP"
    corpus = open_corpus(bank, category="NP", form="words")
    assert corpus.inside_share == pytest.approx(corpus.train.label("inside:NP").values.mean())
    with pytest.raises(OptionError, match="most frequent are NN"):
        open_corpus(bank, category="XP")
    for file in bank.glob("*.mrg"):
        file.write_text(file.read_text().replace("VP", "IP"))
    corpus = open_corpus(bank)
    shares = {name: corpus.train.label(f"inside:{name}").values.mean() for name in ("S", "NP", "IP")}
    assert corpus.category == min(shares, key=lambda name: abs(shares[name] - 0.5))
    assert corpus.inside_share == pytest.approx(shares[corpus.category])


def test_what_is_left_out_of_treebanks_is_said(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", documents=3, sentences=10)
    assert not {"empty elements dropped", "failed parses"} & dict(open_corpus(bank).describe()).keys()
    (bank / "wsj_90.mrg").write_text("(S (NP-SBJ *pro*) (V *sigh*) (NP *T*-1))\n(())\n()\n" * 2)
    other = tmp_path / "other.mrg"
    other.write_text("(S (NP (-NONE- *T*-1)) (V x))\n( )\n" * 3)
    corpus = open_corpus(bank, test=other, form="words")
    rows = dict(corpus.describe())
    assert rows["empty elements dropped"].startswith("7;")
    assert rows["failed parses"].startswith("7 ")
    assert (corpus.counts["sentences"], len(corpus.test)) == (35, 3)
    assert open_corpus(bank, test=other, form="words", traces=True).counts["empties"] == 0


@pytest.mark.parametrize("form", ["words", "brackets+words", "tagged+words"])
def test_trees_without_words_have_no_form_with_words(tmp_path: Path, form: str) -> None:
    wordless = tmp_path / "wordless.mrg"
    wordless.write_text("(S (NP (NN (dog))) (VP (VB (barks))))\n" * 12)
    with pytest.raises(CorpusError, match=r"the training trees hold none.*choose 'brackets' or 'tagged'"):
        open_corpus(wordless, form=form)
    bank = write_bank(tmp_path / "bank")
    with pytest.raises(CorpusError, match="the test trees hold none"):
        open_corpus(bank, test=wordless, form=form)
    corpus = open_corpus(bank, form=form)
    with pytest.raises(CorpusError, match="no words"):
        read_typed("(S (NP))", reader="penn", options=corpus.options, vocabulary=corpus.vocabulary)
    assert open_corpus(wordless, form="tagged").counts["sentences"] == 12


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("failed.mrg", b"(())\n" * 12, "12 brackets .* failed parses"),
        ("empty.mrg", b"", "no trees"),
        ("one.mrg", b"(S (N a))", "1 sequence is too few"),
        ("broken.mrg", b"(S (N a)\n", "line 1"),
        ("binary.mrg", b"\x00\x01\x02", "binary"),
        ("latin.mrg", "(S (N a))\n(S (N é))".encode("latin-1"), "line 2.*UTF-8"),
        ("a.py", b"x = 1\ndef f(:\n", "line 2"),
        ("none.py", b"x = 1\n", "no function"),
        ("open.el", b"(a)\n(b\n", "line 2"),
        ("atoms.el", b"a b c\n", "no list"),
        ("empty.txt", b"", "no text"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    form = "words" if name.endswith(".txt") else "tagged"
    with pytest.raises(CorpusError, match=says) as caught:
        open_corpus(tmp_path / name, form=form)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_paths_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        open_corpus(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="no files"):
        open_corpus(tmp_path)
    with pytest.raises(CorpusError, match="no such file"):
        open_corpus(write_bank(tmp_path / "bank"), test=tmp_path / "nowhere")


@pytest.mark.parametrize(
    "options",
    [{"form": "trees"}, {"reader": "latex"}, {"longest": -1}, {"vocabulary": 3}, {"seed": -1}],
)
def test_options_that_are_not_allowed(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=str(next(iter(options.values())))):
        open_corpus(write_bank(tmp_path / "bank"), **options)


def test_source_code_that_cannot_be_used_is_skipped_in_a_folder(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"m{number}.py").write_text(f"def f{number}(x):\n    return x + {number}\n")
    (tmp_path / "broken.py").write_bytes(b"def g(): return 1\ndef f(:\n")
    (tmp_path / "binary.py").write_bytes(b"\0")
    (tmp_path / "notes.txt").write_text("not code")
    corpus = open_corpus(tmp_path)
    assert (corpus.reader, corpus.counts["skipped_files"], corpus.counts["files"]) == ("python", 2, 12)
    assert any("broken.py" in text or "binary.py" in text for _, text in corpus.describe())


def test_labels_of_ones_own(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank")
    corpus = open_corpus(bank, form="words")
    events = read_events(bank, "penn", form="", longest=0, function_tags=False, traces=False)
    lines, length = ["symbol\tletters\tkind"], {}
    for s in range(len(events)):
        words = [events.table[n] for n, kind in zip(
            events.names[events.starts[s] : events.starts[s + 1]],
            events.kinds[events.starts[s] : events.starts[s + 1]], strict=True) if kind == 2]  # fmt: skip
        lines += [f"{word}\t{len(word)}\t{word[0]}" for word in words] + [""]
        length[s] = [len(word) for word in words]
    path = tmp_path / "labels.tsv"
    path.write_text("\n".join(lines))
    corpus = open_corpus(bank, form="words", labels=path)
    values = corpus.test.label("letters").values
    assert corpus.test.label("letters").names is None
    expected = [[np.nan, *length[int(s)], np.nan] for s in corpus.test.sentences]
    np.testing.assert_array_equal(values, np.concatenate(expected).astype(np.float32))
    codes, names = corpus.test[0].label("kind")
    assert [names[code] if code >= 0 else None for code in codes][1:-1] == [w[0] for w in corpus.test.text(0)[1:-1]]

    path.write_text("\n".join([*lines[:4], "wrong\t1\tw", *lines[4:]]))
    with pytest.raises(CorpusError, match="line 5"):
        open_corpus(bank, form="words", labels=path)
    for header in ("word\tx", "symbol", "symbol\tdepth"):
        path.write_text("\n".join([header, *lines[1:]]))
        with pytest.raises(CorpusError, match="line 1"):
            open_corpus(bank, form="words", labels=path)
    path.write_text("\n".join([*lines, "more\t1\tm"]))
    with pytest.raises(CorpusError, match="more sequences"):
        open_corpus(bank, form="words", labels=path)
    path.write_text("\n".join(lines[:-8]))
    with pytest.raises(CorpusError, match=r"sequence ends|stands"):
        open_corpus(bank, form="words", labels=path)


@pytest.mark.parametrize(
    "place",
    ["treebank/gum_dev.ptb.gz", "treebank/keyaki_aozora_wikipedia.tar.gz", "treebank/ptb_nltk_wsj0001-0020.tar.gz",
     "seq/sst5_dev.txt.gz", "code/elisp_emacs28.2_subset.tar.gz"],
)  # fmt: skip
@pytest.mark.parametrize("form", TREE_FORMS)
def test_real_corpora_open_in_every_form(naibu_data: Path, place: str, form: str) -> None:
    corpus = open_corpus(naibu_data / place, form=form)
    for split in (corpus.train, corpus.validation, corpus.test):
        depth = split.label("depth").values
        assert depth.min() == 0
        assert not depth[split.starts[1:] - 1].any()
        assert set(split.ids[split.starts[:-1]]) == {corpus.vocabulary.index["ST"]}
        assert set(split.ids[split.starts[1:] - 1]) == {corpus.vocabulary.index["ED"]}
        assert split.ids.min() >= 0
        assert split.ids.max() < len(corpus.vocabulary)
    assert 0 < corpus.inside_share < 1
    assert len(corpus.vocabulary) <= 10_000


def test_the_built_in_corpus() -> None:
    corpus = open_corpus("standard-library", form="tagged")
    assert corpus.reader == "python"
    assert corpus.counts["files"] > 300
    assert corpus.train.lengths.max() <= 300
    assert not any("test" in Path(name).parts[:-1] for name in corpus.train.document_names)
    with pytest.raises(OptionError, match="leave the reader out"):
        open_corpus("standard-library", reader="lisp")


def test_marks_of_a_test_file_whose_words_come_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "a.mrg").write_text("(S (N x)) (S (N y))" * 10)
    (tmp_path / "b.mrg").write_text("(Q (V z)) (S (N x))")
    corpus = open_corpus(tmp_path / "a.mrg", test=tmp_path / "b.mrg", form="tagged+words")
    assert corpus.test.text(0) == ["ST", "(Q", "(V", "z", "V)", "Q)", "ED"]
    assert corpus.test[0].symbols == ("ST", "(<unk>", "(<unk>", "<unk>", "<unk>)", "<unk>)", "ED")
    assert corpus.seen.tolist() == [False, True]


@pytest.mark.parametrize("form", TREE_FORMS)
def test_what_a_form_shows_is_read_as_the_tree_is(tmp_path: Path, form: str) -> None:
    """The symbols of any test sequence, typed, are the same sequence again; so are those of the example in words."""
    corpus = open_corpus(write_bank(tmp_path / "bank"), form=form)
    common = {"reader": "penn", "options": corpus.options, "vocabulary": corpus.vocabulary}
    for shown in (corpus.test.text(0), LOOKS[form].split()):
        typed = read_typed(" ".join(shown), **common)
        assert [symbol for symbol in typed.text(0) if symbol not in ("ST", "ED")] == [
            symbol for symbol in shown if symbol not in ("ST", "ED")
        ]
    if form == "words":
        return
    assert len(read_typed(LOOKS[form] + "\n" + LOOKS[form], **common)) == 2
    with pytest.raises(CorpusError, match=re.escape(f"what the form {form} shows of one, {LOOKS[form]} for example")):
        read_typed("( (A", **common)


def test_conllu_is_named_when_seen(tmp_path: Path) -> None:
    word = "\t".join(["1", "dogs", "dog", "NOUN", "NNS", "_", "2", "nsubj", "_", "_"])
    text = f"# sent_id = 1\n{word}\n{word.replace('1', '2', 1)}\n\n" * 12
    for name in ("a.conllu", "a.txt"):
        (tmp_path / name).write_text(text)
        with pytest.raises(CorpusError, match=r"this is CoNLL-U, .* no reader yet; read are .*\.mrg.*Lisp, Python"):
            open_corpus(tmp_path / name)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(CorpusError, match="this is CoNLL-U"):
        open_corpus(tmp_path)
    assert open_corpus(tmp_path / "a.conllu", form="characters", longest=99).reader == "text"


def test_a_folder_that_takes_long_says_how_much_is_read(tmp_path: Path, monkeypatch, capsys) -> None:
    folder = tmp_path / "banks"
    folder.mkdir()
    for name in "abcdefgh":
        write_bank(folder / name)
    monkeypatch.setattr("naibu.progress.time.monotonic", iter(range(0, 10**6, 3)).__next__)
    open_corpus(folder, form="brackets")
    said = capsys.readouterr().err
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    assert re.search(rf"{folder}: looking for files \(Ctrl-C stops\): \d+ files so far", said)
    assert f"{folder}: reading {len(files)} files, {size:,.1f} MB (Ctrl-C stops)" in said


def test_a_folder_larger_than_memory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch) -> None:
    folder = write_bank(tmp_path / "bank")
    with (folder / "large.mrg").open("wb") as file:
        file.truncate(2**30)
    monkeypatch.setattr("naibu.memory.free_memory", lambda: 2**29)
    with pytest.raises(OptionError, match=r"reading its \d+ files takes 1.1 GB of memory"):
        open_corpus(folder, form="brackets")
