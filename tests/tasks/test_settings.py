"""Files of settings: what they say is what the options say, and what is typed goes over it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import naibu
from naibu.cli import main
from naibu.config import ModelConfig, TrainingConfig, as_typed
from naibu.data import builtin
from naibu.errors import OptionError
from naibu.tasks import settings
from naibu.tasks.catalogue import TASKS, task_named
from naibu.tasks.trees import Trees, TreesOptions

SETTINGS = """
task = "trees"

[data]
corpus = "texts/trees.mrg"
form = "brackets"
traces = true

[model]
units = 5
layers = 2
dropout = 0.0

[training]
steps = 4
threads = 1
l1 = 0.001
l1_signals = ["cell", "hidden"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    trees = "".join(f"(S (NP (N a{k % 7})) (VP (V b)))\n" for k in range(60))
    (tmp_path / "texts" / "trees.mrg").write_text(trees)
    (tmp_path / "mine.toml").write_text(SETTINGS)
    return tmp_path / "mine.toml"


@pytest.mark.parametrize("words", ["", "--settings", "trees", "trees --settings"])
def test_a_file_trains_as_the_options_do_wherever_it_is_named_from(words, file, tmp_path, monkeypatch, capsys):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["train", *words.split(), "../mine.toml", "--out", "run"]) == 0, capsys.readouterr().err
    run = naibu.open_run("run")
    assert run.model == ModelConfig(units=5, layers=2, dropout=0.0)
    assert run.training == TrainingConfig(steps=4, threads=1, l1=0.001, l1_signals=("cell", "hidden"))
    assert run.options["corpus"] == str(tmp_path / "texts" / "trees.mrg")
    assert (run.found["form"], run.options["traces"]) == ("brackets", True)
    options = ["--form", "brackets", "--traces", *as_typed(run.model), *as_typed(run.training)]
    assert main(["train", "../texts/trees.mrg", *options, "--out", "run"]) == 0, capsys.readouterr().err


def test_what_is_typed_goes_over_the_file(file, tmp_path):
    out = tmp_path / "run"
    typed = ["--units", "3", "--form", "tagged", "--l1-signals", "cell"]
    assert main(["train", str(file), *typed, "--out", str(out)]) == 0
    run = naibu.open_run(out)
    assert (run.model.units, run.model.layers, run.found["form"]) == (3, 2, "tagged")
    assert run.training.l1_signals == ("cell",)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("units = 5", "unitz = 5"), "there is no setting unitz in [model]; did you mean units?"),
        (("units = 5", "corpus = 5"), "there is no setting corpus in [model]; there are cell, units"),
        (("[model]", "[modle]"), "there is no setting [modle]; did you mean model?"),
        (('task = "trees"', 'task = "trees"\nsteps = 3'), "there is no setting steps; there are data, model, training"),
        (('task = "trees"', ""), "task = None has to be one of trees"),
        (('"trees"', '"tree"'), "task = 'tree' has to be one of trees"),
        (("units = 5", 'units = "many"'), "[units] many: must be a whole number"),
        (("units = 5", "units = 5.5"), "[units] 5.5: must be a whole number"),
        (("units = 5", "units = -5"), "--units -5: must be at least 1"),
        (('"brackets"', '"bracket"'), 'Invalid value "bracket" for [form] from'),
        (("trees.mrg", "tree.mrg"), "texts/tree.mrg: there is no such file or folder"),
        (("[data]", "[data"), "not TOML: "),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_one_line(changed, said, file, tmp_path, capsys):
    file.write_text(SETTINGS.replace(*changed))
    assert main(["train", str(file), "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert "mine.toml" in err or "--units" in err or "tree.mrg" in err
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["train", str(tmp_path / "none.toml")]) == 2
    assert capsys.readouterr().err == f"naibu: --settings {tmp_path / 'none.toml'}: No such file or directory\n"


def test_the_corpus_that_is_built_in_is_not_looked_for_beside_the_file(file):
    file.write_text(SETTINGS.replace("texts/trees.mrg", builtin.NAME))
    assert settings.read(file)[1]["corpus"] == builtin.NAME
    (file.parent / builtin.NAME).mkdir()
    assert settings.read(file)[1]["corpus"] == str(file.parent / builtin.NAME)


def test_what_a_run_wrote_about_itself_is_left_alone(file):
    file.write_text(SETTINGS + "\n[run]\nversion = 2\n")
    assert settings.read(file)[0] == "trees"


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_its_commands_need(name):
    task = task_named(name)
    assert task.name == name
    assert issubclass(task.model, ModelConfig)
    assert task.examples
    fields = task.options.__dataclass_fields__
    assert task.several is None or task.several in fields


def test_the_networks_of_a_look_are_those_of_its_forms(tmp_path):
    options = TreesOptions(Path(builtin.NAME))
    assert list(Trees().each(options)) == ["brackets", "tagged"]
    text = tmp_path / "a.txt"
    text.write_text("some words, and more of them\n" * 50)
    assert list(Trees().each(TreesOptions(text))) == ["characters"]
    assert list(Trees().each(replace(options, form=("words", "tagged", "words")))) == ["words", "tagged"]
    assert TreesOptions(str(text), form="words") == TreesOptions(text, form=("words",))  # as a file says them
    with pytest.raises(OptionError, match="--form words tagged: a network learns one"):
        Trees().open(replace(options, form=("words", "tagged")))


def test_a_corpus_says_the_options_that_open_it_again(file):
    options = TreesOptions(file.parent / "texts" / "trees.mrg", form=("tagged",), traces=True, split_seed=4)
    corpus = Trees().open(options)
    again = Trees().open(TreesOptions(**corpus.options))
    assert again.fingerprint == corpus.fingerprint


def test_the_file_in_the_readme_is_read(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(readme.partition("```toml\n")[2].partition("```")[0])
    task, options = settings.read(tmp_path / "mine.toml")
    assert (task, options["units"]) == ("trees", 200)
