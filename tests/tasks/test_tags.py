"""Networks that tag words, from the command line: trained, scored, told to other files, looked into."""

from __future__ import annotations

import itertools
import json
import zipfile

import numpy as np
import pytest

import naibu
from catalogue_tasks import columns, sentences
from naibu import probes
from naibu.cli import main
from naibu.data.span_scores import span_scores
from naibu.data.tagged_files import read_tables
from naibu.looking.places import Places
from naibu.models.weights import read_tensors
from naibu.runs.load import BEGINNING, load
from naibu.tasks.tags import Tags

SMALL = ["--units", "8", "--letters", "4", "--learning-rate", "0.02", "--dropout", "0.1", "--threads", "1"]


def typed(*words):
    return main([*map(str, words)])


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    columns(folder)
    return folder / "names.txt"


@pytest.fixture(scope="module")
def run(names):
    out = names.parent / "run"
    assert typed("train", "tags", names, "--columns", "word,pos,entity", "--features", "pos", "--test", ".2",
                 "--steps", "60", *SMALL, "--out", out) == 0  # fmt: skip
    return naibu.open_run(out)


def test_scores_are_those_of_what_is_told(run, capsys, tmp_path):
    path = tmp_path / "other.txt"
    rows = list(sentences(20, seed=11))
    path.write_text("\n".join("".join(f"{' '.join(row)}\n" for row in some) for some in rows))
    assert typed("evaluate", run.path, path, "--json", tmp_path / "s.json") == 0
    scores = json.loads((tmp_path / "s.json").read_text())
    told = [row["tag"] for row in naibu.predict(run, [path]).rows()]
    gold = [[tag for _, _, tag in some] for some in rows]
    cut = np.cumsum([0, *map(len, gold)])
    wanted = span_scores(gold, [told[a:b] for a, b in itertools.pairwise(cut)])
    assert {name: scores[name] for name in wanted} == wanted
    assert scores["f1"] > 0.9
    assert (scores["unknown_tags"], scores["examples"]) == (0, 20)
    assert "f1 of PER" in capsys.readouterr().out


def test_measures_of_the_outcomes_are_the_scores_where_all_tags_are_known(run):
    examples = run.data().test
    found = naibu.evaluate(run)
    from naibu.training.validation import judged_part, measured

    part = judged_part(run.data(), examples, run.training)
    for name, value in measured(load(run), part, Tags().measures(examples)).items():
        assert found[name] == pytest.approx(value, rel=1e-9)


def test_a_tag_that_the_network_does_not_know_is_counted_and_wrong(run, tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("so ADV O\nAnn PROPN B-SHIP\nsees VERB O\nRome PROPN B-LOC\n")
    scores = naibu.evaluate(run, [path])
    assert scores["unknown_tags"] == 1
    assert scores["by_class"]["SHIP"]["spans"] == 1
    assert scores["recall"] <= 0.5
    assert scores["accuracy"] <= 0.75
    assert np.isfinite(scores["loss"])


def test_what_is_told_stands_in_a_column_more(run, tmp_path, capsys):
    path = tmp_path / "new.txt"
    path.write_text("Ann PROPN\nsees VERB\nRome PROPN\n\nso ADV\n")
    assert typed("predict", run.path, path, "--out", tmp_path / "told.txt") == 0
    lines = (tmp_path / "told.txt").read_text().split("\n")
    assert [line.rpartition(" ")[0] for line in lines] == [*path.read_text().split("\n")]
    (table,) = read_tables(tmp_path / "told.txt", columns=("word", "pos", "tag"))
    assert table.column("tag") == [row["tag"] for row in naibu.predict(run, [path]).rows()]
    for name in ("a.txt", "b.txt"):
        (tmp_path / "folder").mkdir(exist_ok=True)
        (tmp_path / "folder" / name).write_text(path.read_text())
    with zipfile.ZipFile(tmp_path / "folder.zip", "w") as archive:
        for each in sorted((tmp_path / "folder").iterdir()):
            archive.write(each, each.name)
    for many in ("folder", "folder.zip"):
        assert typed("predict", run.path, tmp_path / many, "--out", tmp_path / "both.txt") == 0
        assert (tmp_path / "both.txt").read_text() == 2 * ("\n".join(lines).rstrip("\n") + "\n")
    assert naibu.predict(run, [tmp_path / "folder"]).rows()[-1]["file"] == str(tmp_path / "folder" / "b.txt")
    path.write_text("Ann\nsees\n")
    with pytest.raises(naibu.CorpusError, match=r"line 1: 1 columns, where there are 3 names"):
        naibu.predict(run, [path])
    assert typed("predict", run.path) == 2
    assert "FILE is missing" in capsys.readouterr().err


def test_the_state_from_the_left_knows_nothing_of_what_follows_and_that_from_the_right_does(run):
    examples = run.data().test
    longest = int(np.argmax(examples.lengths))
    words = [list(row) for row in zip(examples.symbols_of(longest), strict=True)]
    recording = naibu.record(run, examples.subset(np.array([longest])), dtype="float32")
    assert {layer for layer, _ in recording.keys()} == {"encoder.0", "encoder.0.reverse"}
    model, batch = load(run), examples.batch(np.array([longest]))
    other = batch.main.x.clone()
    other[-1, 0, :] = other[0, 0, :]  # another last word
    import torch

    def states(x):
        with torch.no_grad():
            return model.encoder.signals(model._read(x[:, 0])[:, None], keep=("hidden",)).signals

    before, after = states(batch.main.x), states(other)
    for layer in ("encoder.0", "encoder.0.reverse"):
        np.testing.assert_allclose(np.asarray(recording[layer, "hidden"]), before[layer, "hidden"][:, 0], atol=1e-5)
    assert torch.equal(before["encoder.0", "hidden"][:-1], after["encoder.0", "hidden"][:-1])
    assert not torch.isclose(before["encoder.0.reverse", "hidden"], after["encoder.0.reverse", "hidden"]).all(-1).any()
    assert len(words) == len(before["encoder.0", "hidden"])


@pytest.mark.usefixtures("undrawn")
def test_the_page_says_what_reads_from_the_right_and_has_the_transitions(run, capsys, tmp_path):
    places = Places(run)
    assert typed("record", run.path, "--keep", "cell") == 0
    probes.save(probes.transitions(run), places.results, "transitions", places.made_from())
    assert typed("probe", run.path, "--label", "entity_begun") == 0
    correlation = probes.load(places.results / "correlation-entity_begun.json")
    probes.save(correlation, places.results, "label", places.made_from())
    assert typed("report", run.path, "--out", tmp_path / "r.html") == 0
    page = (tmp_path / "r.html").read_text()
    assert "encoder.0.reverse (read from the right)" in page
    assert "cell (read from the right)" in page
    assert "Which tags follow each other" in page
    found = probes.transitions(run)
    scores = {(row["before"], row["after"]): row["score"] for row in found.rows()}
    assert ("O", "I-PER") not in scores
    assert ("begin", "I-PER") not in scores
    field = load(run).crf
    place = run.data().coder.tags.index
    assert scores["B-PER", "I-PER"] == pytest.approx(field.pairs[place("B-PER"), place("I-PER")].item())
    assert scores["O", "end"] == pytest.approx(field.last[place("O")].item())
    ax = found.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == list(found.before)
    capsys.readouterr()
    assert typed("plot", run.path, "--what", "transitions", "--out", tmp_path / "t.svg") == 0
    assert typed("show", run.path) == 0
    assert "entity_begun" in capsys.readouterr().out


def test_words_begin_with_their_vectors(names, tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("2 3\nann 1 2 3\nrome 4 5 6\n")
    data = naibu.open_tags(names, columns=("word", "pos", "entity"), vectors=path)
    run = naibu.train(data, out=tmp_path / "run", model=naibu.ModelConfig(units=4),
                      training=naibu.TrainingConfig(steps=1, threads=1))  # fmt: skip
    begun = read_tensors(run.path / BEGINNING)[0]["vectors.words.weight"]
    place = data.coder.words.index
    assert begun[place("ann")].tolist() == [1, 2, 3]
    assert begun[place("rome")].tolist() == [4, 5, 6]
    assert begun.isfinite().all()
    assert run.model.embedding == 3
    with pytest.raises(naibu.OptionError, match="--embedding 7: must be 3, as large as the vectors"):
        naibu.train(data, out=tmp_path / "b", model=naibu.ModelConfig(embedding=7))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a X\nb\n", (), "bad.txt, line 2: 1 columns, where the lines before have 2"),
        ("", (), "bad.txt: no token: it is empty"),
        ("a X\nb X\n\n" * 9, (), "every word has the same tag, 'X'"),
        ("a B-X\nb O\n\nc I-X\nd O\n\n" * 9, ("--stray", "refuse"), "bad.txt, line 4: I-X goes on with a span"),
        ("a X\nb Y\n\n" * 9, ("--column", "upos"), "--column upos: "),
        ("a X\nb Y\n\n" * 9, ("--vectors", "bad.txt"), "bad.txt, line 1: no vectors: the first line has to say"),
        ("a X\nb Y\n\n" * 9, ("--tied",), "--tied True: must be left away"),
        ("a X\nb Y\n\n" * 9, ("--variable-truncation",), "--variable-truncation: is for tasks that read lanes"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(text, options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.txt").write_text(text)
    assert typed("train", "tags", "bad.txt", "--steps", "1", "--out", "run", *options) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert message in said[0]
