"""Vectors in use: files, neighbours and analogies by hand, scores, the map, the command line, a text model's start."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import spearmanr

import naibu
from naibu.cli import main
from naibu.errors import CorpusError, OptionError
from naibu.models.weights import read_tensors
from naibu.reporting.plots.vectors import plot_map
from naibu.runs.load import BEGINNING
from naibu.vectors import Map, Vectors, analogy, cosine, map, near, read_vectors, score, write_vectors
from naibu.vectors.question_files import read_questions
from naibu.vectors.scoring import spearman, wilson

WORDS = ("man", "king", "woman", "queen", "Apple", "nothing")
VALUES = np.array([[1, 0, 0], [1, 0, 2], [0, 1, 0], [0, 1, 2], [-1, -1, 0.5], [0, 0, 0]], np.float32)
HAND = Vectors(WORDS, VALUES)


@pytest.mark.parametrize("name", ["v.txt", "v.bin"])
def test_a_file_gives_back_what_was_written(name, tmp_path):
    generator = np.random.default_rng(2)
    values = (generator.normal(size=(40, 7)) * 10.0 ** generator.integers(-12, 12, (40, 7))).astype(np.float32)
    values[3, 0] = np.frombuffer(b"\n\n \n", np.float32)[0]  # bytes that look like ends of lines
    written = Vectors(tuple(f"wörd{k}" for k in range(40)), values)
    write_vectors(written, tmp_path / name)
    found = read_vectors(tmp_path / name)
    assert found.words == written.words
    assert np.array_equal(found.values, values)


def test_what_cannot_be_written_and_what_may_be_torn(tmp_path):
    with pytest.raises(OptionError, match="'New York' is empty or has a blank in it"):
        write_vectors(Vectors(("New York",), VALUES[:1]), tmp_path / "v.txt")
    (tmp_path / "v.txt").write_text("2 2\na 1 2\nb 3 4.5")
    with pytest.warns(UserWarning, match="line 3: has no end; if the file was cut off there"):
        assert read_vectors(tmp_path / "v.txt").values[1, 1] == 4.5
    (tmp_path / "v.txt").write_text("0 2\n")
    with pytest.raises(CorpusError, match="v.txt, line 1: no vectors"):
        read_vectors(tmp_path / "v.txt")


def test_neighbours_and_analogies_by_hand():
    found = near(HAND, "man", 2)
    assert found.words == ("king", "woman")
    assert found.cosines == pytest.approx((1 / np.sqrt(5), 0))
    assert cosine(HAND, "king", "queen") == pytest.approx(4 / 5)
    assert analogy(HAND, "man", "king", "woman", 1).words == ("queen",)
    direction = VALUES[1] / np.sqrt(5) - VALUES[0] + VALUES[2]
    wanted = direction @ VALUES[3] / np.sqrt(5) / np.linalg.norm(direction)
    assert analogy(HAND, "man", "king", "woman", 1).cosines[0] == pytest.approx(wanted, rel=1e-6)
    assert len(near(HAND, "man", 99).words) == 5
    assert near(HAND, "apple", 1).of == "apple"  # found in other letters
    assert not np.isnan(near(HAND, "nothing", 3).cosines).any()


def test_a_word_without_a_vector_is_told_the_nearest_spelling():
    with pytest.raises(
        OptionError, match="the word 'womn' has no vector; the nearest spelling that has one is 'woman'"
    ):
        near(HAND, "womn")
    with pytest.raises(OptionError, match="'xyzzy' has no vector; and none is spelt like it"):
        analogy(HAND, "man", "king", "xyzzy")


def test_judged_pairs_are_scored_as_scipy_does(tmp_path):
    path = tmp_path / "pairs.tsv"
    rows = [("man", "king", 7), ("man", "woman", 5), ("king", "queen", 9), ("man", "queen", 5), ("apple", "man", 1)]
    path.write_text("# people\n" + "".join(f"{a}\t{b}\t{x}\n" for a, b, x in rows) + "man\tunicorn\t3\n")
    found = score(HAND, path).scores[0]
    cosines = [cosine(HAND, a, b) for a, b, _ in rows]
    assert found.value == pytest.approx(spearmanr(cosines, [x for *_, x in rows]).statistic)
    assert (found.covered, found.of) == (5, 6)
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert score(HAND, path, seed=1).scores == score(HAND, path, seed=1).scores


def test_spearman_with_ties_is_scipys():
    generator = np.random.default_rng(1)
    x, y = generator.integers(0, 5, (2, 30, 12))
    np.testing.assert_allclose(spearman(x, y), [spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)])
    assert np.isnan(spearman(np.ones((1, 4)), np.arange(4)[None]))


def test_an_interval_covers_what_it_should():
    """Of pairs drawn from one language, the interval holds the true correlation about 95 times in 100."""
    from naibu.vectors.question_files import JudgedPairs
    from naibu.vectors.scoring import judged

    generator, hits = np.random.default_rng(3), 0
    truth = 6 / np.pi * np.arcsin(0.6 / 2)  # of ranks, of two normal variables with correlation .6
    for seed in range(30):
        angle = generator.normal(size=(100, 2)) @ np.linalg.cholesky([[1, 0.6], [0.6, 1]]).T
        turned = np.arctan(angle[:, 0]) / 2 + np.pi / 2  # cosine falls with it
        values = np.stack([np.cos(turned), np.sin(turned)], 1)
        vectors = Vectors(("o", *(f"w{k}" for k in range(100))), np.vstack([[1, 0], values]).astype(np.float32))
        asked = JudgedPairs("x", tuple(("o", f"w{k}") for k in range(100)), tuple(-angle[:, 1]))
        found = judged(vectors, asked, seed)
        hits += found.low <= truth <= found.high
    assert hits >= 24


def test_analogies_are_scored_by_section_with_wilsons_interval(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(
        ": royal\nman king woman queen\nMan King Woman Queen\nman woman king king\n: fruit\nman pear woman plum\n"
    )
    royal, fruit, every = score(HAND, path).scores
    assert (royal.name, royal.value, royal.covered, royal.of) == ("questions.txt: royal", 2 / 3, 3, 3)
    assert (fruit.value, fruit.covered, fruit.of) == (None, 0, 1)
    assert (every.value, every.covered, every.of) == (2 / 3, 3, 4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)  # Newcombe 1998, and by hand
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no questions: it has no line with words"),
        (": a\nman king woman\n", "line 2: 3 words, where an analogy has 4"),
        ("man\tking\t3\nman\tking\n", "line 2: no pair of words"),
        ("a\tb\tc\n", "no questions: it has a line of names alone"),
        (": a\n", "no questions: it has names of sections alone"),
    ],
)
def test_questions_that_are_none(text, message, tmp_path):
    (tmp_path / "q.txt").write_text(text)
    with pytest.raises(CorpusError, match=f"q.txt.*{message}"):
        read_questions(tmp_path / "q.txt")


def test_pairs_may_have_names_and_commas(tmp_path):
    (tmp_path / "q.csv").write_text("Word 1,Word 2,Human (mean)\nman,king,7.5\n")
    assert read_questions(tmp_path / "q.csv").judged == (7.5,)
    (tmp_path / "q.txt").write_text("word1\tword2\tPOS\tSimLex999\nman\tking\tN\t1.5\n")
    assert read_questions(tmp_path / "q.txt").judged == (1.5,)


def test_the_files_of_the_literature_are_read(naibu_data):
    folder = naibu_data / "emb"
    counts = [len(read_questions(folder / name).pairs) for name in ("wordsim353.tsv", "simlex999.txt")]
    assert counts == [353, 999]
    sections = read_questions(folder / "questions-words.txt").sections
    assert (len(sections), sum(len(each) for each in sections.values())) == (14, 19544)


def test_a_map_keeps_groups_together_and_its_labels_apart():
    generator = np.random.default_rng(1)
    middles = np.repeat(generator.normal(size=(3, 10)) * 5, 20, axis=0)
    words = tuple(f"{'abc'[k // 20]}{k}$" for k in range(60))
    vectors = Vectors(words, (middles + generator.normal(size=(60, 10)) * 0.3).astype(np.float32))
    found = map(vectors, perplexity=8)
    assert np.array_equal(found.places, map(vectors, perplexity=8).places)
    groups = found.places.reshape(3, 20, 2)
    apart = min(np.linalg.norm(groups[a].mean(0) - groups[b].mean(0)) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert apart > 2 * np.linalg.norm(groups - groups.mean(1, keepdims=True), axis=2).mean()
    ax = plot_map(found, Figure(figsize=(3, 3)).subplots())
    boxes = [label.get_window_extent() for label in ax.texts]
    assert 5 < len(boxes) < 60
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert len(map(vectors, ["a0$", "a1$", "b21$", "a0$", "c41$"]).words) == 4
    for bad in (lambda: map(vectors, ["a0$"]), lambda: map(vectors, perplexity=0.5)):
        with pytest.raises(OptionError):
            bad()


def test_labels_on_one_spot_leave_all_but_a_few_away():
    found = Map(tuple(f"word{k}" for k in range(50)), np.zeros((50, 2)) + np.arange(50)[:, None] * 1e-9, "hand")
    ax = plot_map(found, Figure().subplots())
    assert 1 <= len(ax.texts) <= 8


def test_the_command_line(tmp_path, capsys):
    text, out = tmp_path / "text.txt", tmp_path / "v.bin"
    text.write_text("the man saw a king\nthe woman saw a queen\n" * 30)
    common = ["--size", "8", "--epochs", "2", "--json", str(tmp_path / "j.json")]
    assert main(["vectors", "train", str(text), "--out", str(out), *common]) == 0
    facts = json.loads((tmp_path / "j.json").read_text())
    assert (facts["words"], facts["tokens"]) == (7, 300)
    first = out.read_bytes()
    assert main(["vectors", "train", str(text), "--out", str(out), *common]) == 0
    assert out.read_bytes() == first
    capsys.readouterr()
    assert main(["vectors", "near", str(out), "man", "king", "--count", "2", "--json", "-"]) == 0
    assert [row["of"] for row in json.loads(capsys.readouterr().out)] == ["man", "man", "king", "king"]
    assert main(["vectors", "analogy", str(out), "man", "king", "woman"]) == 0
    (tmp_path / "p.tsv").write_text("man\twoman\t9\nking\tqueen\t8\nman\tking\t4\nthe\tsaw\t1\n")
    assert main(["vectors", "score", str(out), str(tmp_path / "p.tsv")]) == 0
    assert "4 of 4" in capsys.readouterr().out
    assert main(["vectors", "map", str(out), "--out", str(tmp_path / "map.png")]) == 0
    assert (tmp_path / "map.png").stat().st_size > 1000
    assert main(["vectors", "train", str(text), "--model", "glove", "--out", str(tmp_path / "g.txt"), *common[:4]]) == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("near {} kinf", "the word 'kinf' has no vector; the nearest spelling that has one is 'king'"),
        ("near {}", "no word is named"),
        ("score {}", "no questions are named"),
        ("map {} --out a.gif", "--out a.gif: must end in .png, .svg or .pdf"),
        ("near none.txt king", "none.txt: "),
        ("train {} --size 0", "--size 0: must be from 1"),
    ],
)
def test_mistakes_are_one_line(typed, said, tmp_path, capsys):
    write_vectors(HAND, tmp_path / "v.txt")
    assert main(["vectors", *typed.format(tmp_path / "v.txt").split()]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_text_model_begins_with_vectors(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the man saw a king\nthe woman saw a queen\n" * 60)
    write_vectors(Vectors(("man", "queen", "unheard"), VALUES[:3]), tmp_path / "v.txt")
    data = naibu.open_text(text, level="word", vectors=tmp_path / "v.txt")
    assert ("vectors", "2 of 9 symbols begin with one of 3 numbers; the others are drawn") in data.found
    training = naibu.TrainingConfig(steps=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = naibu.train(data, naibu.ModelConfig(units=4), training, out=tmp_path / "run")
    begun = read_tensors(run.path / BEGINNING)[0]["embedding.weight"].numpy()
    place = data.symbols.index
    assert np.array_equal(begun[[place("man"), place("queen")]], VALUES[:2])
    assert begun.shape == (9, 3)
    assert np.abs(begun[place("king")]).max() > 0
    assert run.data().vectors.words == ("man", "queen", "unheard")
    with pytest.raises(OptionError, match="--vectors .*: are of words, and the symbols here are characters"):
        naibu.open_text(text, vectors=tmp_path / "v.txt")
    with pytest.raises(OptionError, match="--embedding 7: must be 3, as large as the vectors"):
        naibu.train(data, naibu.ModelConfig(embedding=7), training, out=tmp_path / "other")
