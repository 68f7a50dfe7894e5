"""The command line as people use it: what it does, what it says, what it leaves."""

from __future__ import annotations

import itertools
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import KW_ONLY, dataclass, fields, replace
from pathlib import Path

import pytest
from cyclopts import App
from rich.console import Console

import naibu
from naibu import cli, config
from naibu.cli import main
from naibu.commands import app, learning
from naibu.commands.papers import command_of
from naibu.commands.parts import Typed, added
from naibu.errors import OptionError
from naibu.looking.asked import Look, files_of, summary_if_finished
from naibu.papers import catalogue
from naibu.papers.runner import Experiment, Reproduction
from naibu.storage import write_json
from naibu.tasks.catalogue import TASKS, task_named
from naibu.tasks.trees import TreesOptions
from small_jobs import SMALL

pytestmark = pytest.mark.usefixtures("undrawn")
TIMES = ("seconds", "tokens_per_second_train", "peak_memory_mb")


@pytest.fixture(scope="module")
def treebank(small_treebank):
    return small_treebank


@pytest.fixture(scope="module")
def looked(small_look):
    """A folder in which a look is finished."""
    return small_look


def naibu_in(*arguments: object, **options):
    command = [sys.executable, "-m", "naibu", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_what_no_terminal_shows_is_printed_wide_enough_for_a_table(looked, capsys, monkeypatch):
    def columns():
        assert main(["report", str(looked), "--out", str(looked.parent / "page.html")]) == 0
        return max(len(line) for line in capsys.readouterr().out.splitlines() if line[:1] in "┏│┃└")

    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "isatty", lambda stream: False)
    assert 60 < columns() <= 120
    monkeypatch.setenv("COLUMNS", "60")
    assert columns() == 60


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def numbers(out: Path) -> dict:
    """The numbers of a summary without what depends on the clock."""
    forms = json.loads((out / "summary.json").read_text())["forms"]
    return {form: {k: v for k, v in found.items() if k not in TIMES} for form, found in forms.items()}


# What it does


def test_look_leaves_a_folder_for_each_network_the_page_and_numbers(looked):
    assert {path.name for path in looked.iterdir()} == {"tagged-8", "report.html", "summary.json", "look.json"}
    inside = {path.name for path in (looked / "tagged-8").iterdir()}
    assert inside >= {"recordings", "results", "weights.safetensors", "finished.json"}
    assert {path.name for path in (looked / "tagged-8" / "recordings").iterdir()} == {"trained", "untrained"}
    assert not [path for path in looked.rglob("*") if path.name.endswith(".part")]
    assert -1 <= numbers(looked)["tagged"]["depth_correlation"]["cell"]["r"] <= 1


def test_the_steps_one_at_a_time_give_what_look_gives(treebank, looked, tmp_path, capsys):
    run = str(tmp_path / "tagged-8")
    assert main(["train", "trees", str(treebank), "--form", "tagged", *SMALL, "--out", run]) == 0
    for command in ("record", "probe", "intervene"):
        assert main([command, run]) == 0
    assert main(["report", run, "--out", str(tmp_path / "report.html")]) == 0
    assert numbers(tmp_path) == numbers(looked)
    assert "report.html" in capsys.readouterr().out


@pytest.mark.filterwarnings("default:.*recorded again")
@pytest.mark.parametrize(
    "lost",
    [
        "tagged-8/results/holding.json",
        "tagged-8/results/holding.csv",
        "tagged-8/results/depth.json",
        "tagged-8/recordings",
        "tagged-8/recordings/trained/shards/00000/lstm.0.cell.npy",
    ],
)
def test_a_look_that_was_broken_off_goes_on(treebank, looked, tmp_path, lost):
    """What is lost is made again, what is there is left alone, and the numbers are the same."""
    out = tmp_path / "mine"
    shutil.copytree(looked, out)
    for name in ("report.html", "summary.json", "look.json", lost):
        shutil.rmtree(out / name) if (out / name).is_dir() else (out / name).unlink()
    weights = (out / "tagged-8/weights.safetensors").stat().st_mtime_ns
    assert main(["look", str(treebank), "--form", "tagged", *SMALL, "--out", str(out)]) == 0
    assert numbers(out) == numbers(looked)
    assert (out / "tagged-8/weights.safetensors").stat().st_mtime_ns == weights


def test_a_finished_look_is_shown_at_once_and_touches_nothing(treebank, looked, capsys):
    before = listing(looked)
    arguments = ["look", str(treebank), "--form", "tagged", *SMALL, "--out", str(looked)]
    script = (
        f"import sys; from naibu.cli import main; assert main({arguments!r}) == 0; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "best unit with the depth" in done.stdout
    assert "report.html" in done.stdout
    assert listing(looked) == before


@pytest.mark.parametrize("change", ["corpus", "units", "result", "page", "emptied page", "changed summary", "note"])
def test_a_finished_look_is_not_taken_for_another(treebank, looked, tmp_path, change):
    out, corpus = tmp_path / "mine", tmp_path / "trees.mrg"
    shutil.copytree(looked, out)
    shutil.copy(treebank, corpus)
    model, training = config.ModelConfig(units=8), config.TrainingConfig(steps=20, threads=1)
    asked = Look("trees", TreesOptions(corpus, form=("tagged",)), model, training, out)
    write_json(out / "look.json", {**asked.source(), "whole": asked.whole(), "files": files_of(out)})
    assert summary_if_finished(asked) is not None
    if change == "corpus":
        corpus.write_text(corpus.read_text() + "(S (N a) (V b))\n")
    elif change == "units":
        asked = replace(asked, model=config.ModelConfig(units=7))
    elif change == "result":
        (out / "tagged-8/results/depth.json").unlink()
    elif change == "page":
        (out / "report.html").unlink()
    elif change == "emptied page":
        (out / "report.html").write_text("")
    elif change == "changed summary":
        (out / "summary.json").write_text((out / "summary.json").read_text().replace("0", "1", 1))
    else:
        (out / "look.json").write_text("{")
    assert summary_if_finished(asked) is None


def test_json_on_standard_output_is_nothing_but_json(treebank, looked, tmp_path, capsys):
    capsys.readouterr()
    look = ["look", str(treebank), "--form", "tagged", *SMALL, "--out", str(looked)]
    assert main([*look, "--json", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["forms"].keys() == {"tagged"}
    assert "report.html" in said.err
    assert main([*look, "--json", str(tmp_path / "new" / "numbers.json")]) == 0
    assert json.loads((tmp_path / "new" / "numbers.json").read_text()) == json.loads(said.out)


@pytest.mark.parametrize("command", ["probe", "report"])
def test_every_step_can_answer_in_json(looked, tmp_path, monkeypatch, capsys, command):
    shutil.copytree(looked, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)  # a report goes to the folder one is in
    capsys.readouterr()
    assert main([command, str(tmp_path / "mine"), "--json", "-"]) == 0
    json.loads(capsys.readouterr().out)


def test_ctrl_c_in_training_is_one_line_and_130(treebank, tmp_path):
    process = naibu_in("train", treebank, "--units", 8, "--steps", 1_000_000, "--threads", 1, "--out", tmp_path)
    began = time.monotonic()
    while not (tmp_path / "metrics.jsonl").exists():
        assert process.poll() is None
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "naibu: stopped; the same command goes on from here\n")
    assert (tmp_path / "checkpoint.safetensors").exists()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("arguments", [["--help"], ["papers"]])
def test_a_reader_that_goes_away_is_no_traceback(arguments):
    process = naibu_in(*arguments)
    process.stdout.close()
    said = process.stderr.read()
    assert (process.wait(60), said) == (1, "")
    process.stderr.close()


def test_a_terminal_without_arrows_gets_the_table_too(treebank, looked):
    arguments = ["look", treebank, "--form", "tagged", *SMALL, "--out", looked]
    process = naibu_in(*arguments, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    out, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
    assert out.isascii()


def test_the_report_gives_a_command_that_makes_the_run_again(treebank, tmp_path):
    """Typed again, it finds the run finished: every option is the same."""
    from naibu.looking.places import Places
    from naibu.looking.subject import commands_of

    options = ["--cell", "gru", "--category", "NP", "--split-seed", "4", "--tied", "--batch-size", "8", "--traces"]
    train = ["train", str(treebank), "--form", "brackets", *SMALL, *options, "--out", str(tmp_path / "my work")]
    assert main(train) == 0
    run = naibu.open_run(tmp_path / "my work")
    weights = run.weights.stat().st_mtime_ns
    command = shlex.split(commands_of(Places(run))["train"])
    assert main(command[1:]) == 0
    assert run.weights.stat().st_mtime_ns == weights


# bench and papers


def test_bench_prints_a_row_for_each_size(monkeypatch, capsys):
    from naibu.bench import recording

    monkeypatch.setattr(recording, "SIZES", ((4, 2, 3), (5, 2, 3)))
    monkeypatch.setattr(recording, "CALLS", 2)
    assert main(["bench", "recording", "--json", "-"]) == 0
    said = capsys.readouterr()
    rows = json.loads(said.out)
    assert [row["hidden"] for row in rows] == [4, 5]
    assert all(row["ratio_to_forward_disk"] > 0 and row["load"] >= 0 for row in rows)
    assert "own forward pass" in said.err


def test_papers_lists_those_there_are_and_runs_one(tmp_path, capsys):
    assert main(["papers"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in catalogue.PAPERS)
    assert main(["papers", "hochreiter"]) == 2
    assert 'Did you mean "hochreiter1997"?' in capsys.readouterr().err
    row = Experiment(
        "T1", "a", {"share": 0.5}, "page 1", lambda quick: {"share": 0.25 if quick else 0.5}, lambda p, o: ""
    )
    paper = catalogue.Paper("A paper", None, lambda asked: Reproduction(lambda *_: [row]))
    told = Typed()
    told.console = Console(quiet=True)
    rows = command_of("mine", paper)(effort=catalogue.Effort(quick=True, out=tmp_path), told=told)
    assert rows[0]["obtained"] == {"share": 0.25}


# Help


def test_help_and_version_load_nothing_heavy():
    script = (
        "import sys; from naibu.cli import main; main(['--version'])\n"
        "for words in ([], ['look'], ['train', 'trees'], ['papers', 'variants'], ['bench'], ['record']):\n"
        "    main([*words, '--help'])\n"
        "assert not {'torch', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"naibu {naibu.__version__}\n")


STEPS = (
    "evaluate",
    "predict",
    "generate",
    "translate",
    "view",
    "record",
    "probe",
    "intervene",
    "report",
    "colour",
    "show",
    "plot",
    "draw",
    "check",
)
STEPS += ("gradients", "bench", "ngram")
COMMANDS = [
    [],
    *([name] for name in ("train", "look", "papers", "vectors", *STEPS)),
    *([verb, task] for verb in ("train", "look") for task in TASKS),
    *(["papers", name] for name in catalogue.PAPERS),
]


def help_of(command: list[str], capsys, option: str = "--help") -> str:
    capsys.readouterr()
    assert main([*command, option]) == 0
    return capsys.readouterr().out


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert said == help_of([], capsys)
    assert all(f" {command[0]} " in said for command in COMMANDS[1:])
    assert set(app) == {command[0] for command in COMMANDS[1:]} | {"--help", "-h", "--version", "-V"}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_says_what_is_done_with_examples_and_fits_the_terminal(command, width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    said = help_of(command, capsys)
    assert f"$ naibu {' '.join(command)}" in said
    assert "None" not in said
    assert max(map(len, said.splitlines())) <= width
    assert len(said.splitlines()) <= 70 or width > 80 or command[:1] == ["papers"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_example_in_a_help_can_be_typed(command, tmp_path, capsys, monkeypatch):
    """It is read, not run; a file of settings and a text it names are made first."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('task = "trees"\n[data]\ncorpus = "treebank.mrg"\n')
    (tmp_path / "treebank.mrg").write_text("(S (N a))\n")
    examples = [line[8:] for line in help_of(command, capsys).splitlines() if line.startswith("$ naibu ")]
    for example in examples:
        typed = itertools.takewhile(lambda word: word not in "<>", shlex.split(example))
        words, _ = cli.with_task(list(typed))
        app.parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_has_a_help_text(command):
    """Each option of each command, the fields of the configurations among them, says what it is."""
    _, apps, _ = app.parse_commands(command)
    if apps[-1].default_command is not None:
        found = [each for each in apps[-1].assemble_argument_collection(parse_docstring=True) if each.parse]
        assert not [each.name for each in found if not each.children and len(each.parameter.help or "") < 10]


@pytest.mark.parametrize("verb", ["train", "look"])
@pytest.mark.parametrize("task", TASKS)
def test_every_field_of_the_configurations_is_an_option(verb, task, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    said = help_of([verb, task], capsys, "--help-all")
    assert len(help_of([verb, task], capsys).splitlines()) < len(said.splitlines()) / 1.5
    for kind in (task_named(task).options, task_named(task).model, config.TrainingConfig):
        for field in fields(kind):
            assert f" --{field.name.replace('_', '-').strip('-')} " in said


@pytest.mark.parametrize("task", TASKS)
def test_what_is_on_by_itself_can_be_put_off(task):
    """As the options of a run are told: `--no-locked`."""
    kind = task_named(task).model
    on = [field.name for field in fields(kind) if field.default is True or field.type == bool | None]
    for name in on:
        words = config.as_typed(kind(**{name: False}))
        assert words == [f"--no-{name.replace('_', '-')}"]
        given = {"translation": ["--source", "a", "--target", "b"]}.get(task, ["a.txt"])
        _, bound, _ = app.parse_args(["train", task, *given, *words], exit_on_error=False, print_error=False)
        assert getattr(bound.arguments["model"], name) is False
    assert on or task not in ("text", "translation")


@pytest.mark.parametrize("task", TASKS)
def test_no_two_options_of_a_task_have_one_name(task):
    kinds = (task_named(task).options, task_named(task).model, task_named(task).training)
    names = [field.name for kind in kinds for field in fields(kind)]
    assert len(names) == len(set(names))


def test_no_two_tasks_have_an_option_of_one_name_for_one_command():
    for of in ("evaluation", "prediction"):
        names = [field.name for task in TASKS for field in fields(getattr(task_named(task), of))]
        assert len(names) == len(set(names))


def test_the_readme_names_every_command():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert not [command for command in COMMANDS if f"naibu {' '.join(command)}" not in readme]


# Tasks


@dataclass(frozen=True)
class ToyOptions:
    """What a toy is made of."""

    path: Path
    """A file of numbers, one on each line."""
    _: KW_ONLY
    horizon: int = 24
    """Steps that are told in advance."""


class Toy:
    name, about, examples = "toy", "asked for more", ("x",)
    options, model, training, several = ToyOptions, config.ModelConfig, config.TrainingConfig, None

    def fits(self, path):
        return path.suffix in (".csv", ".mrg")


@pytest.fixture
def toy(monkeypatch):
    """A second task in the catalogue."""
    monkeypatch.setattr(learning, "TASKS", ("trees", "toy"))
    monkeypatch.setattr(learning, "task_named", lambda name: Toy() if name == "toy" else task_named(name))


def test_a_new_task_brings_its_command_with_its_options(toy):
    own = App()
    added(own, learning._train("toy"), "toy")
    _, bound, _ = own.parse_args("toy a.csv --horizon 3 --units 5 --steps 2", exit_on_error=False, print_error=False)
    assert bound.arguments["data"] == ToyOptions(Path("a.csv"), horizon=3)
    assert bound.arguments["model"] == config.ModelConfig(units=5)
    assert bound.arguments["training"] == config.TrainingConfig(steps=2)


def test_the_content_says_the_task_where_one_fits(toy, treebank, tmp_path):
    (tmp_path / "a.csv").write_text("1\n2\n")
    (tmp_path / "a.txt").write_text("words\n")
    csv, text = str(tmp_path / "a.csv"), str(tmp_path / "a.txt")
    assert cli.with_task(["train", csv, "--units", "3"]) == (
        ["train", "toy", csv, "--units", "3"],
        f"{csv}: learnt as toy (naibu train toy)",
    )
    assert cli.with_task(["look", "--units", "3", "standard-library"])[0][:2] == ["look", "trees"]
    for words in (["train", "toy", csv], ["train"], ["train", "--help"], ["look", csv, "-h"], ["probe", csv], []):
        assert cli.with_task(words) == (words, "")
    with pytest.raises(OptionError, match="choose one of naibu look trees, naibu look toy"):
        cli.with_task(["look", str(treebank)])
    assert cli.with_task(["look", text])[0][:2] == ["look", "trees"]  # which says what is wrong with it


# Mistyped


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("lok", 'Unknown command "lok". Did you mean "look"?'),
        ("--units 3", 'Unknown command "--units". Available commands: train, look'),
        ("look trees", "CORPUS is missing: naibu look trees CORPUS; naibu look trees --help"),
        ("record", "RUNS is missing: naibu record RUNS; naibu record --help"),
        ("look standard-library --unitz 3", "--unitz: not an option of naibu look trees; did you mean --units?"),
        ("look trees x --bogus 3", "--bogus: not an option of naibu look trees; naibu look trees --help shows all"),
        ("look trees x --units abc", "--units abc: must be a whole number"),
        ("look trees x --seed 1.5", "--seed 1.5: must be a whole number"),
        ("look trees x --cutoffs 1.5", "--cutoffs 1.5: must be a whole number"),
        ("look trees x --minutes soon", "--minutes soon: must be a number"),
        ("look trees x --units", 'Command "look trees" parameter --units requires an argument'),
        ("look trees x --form tgged", 'Invalid value "tgged" for --form. Choose from: "brackets", "tagged"'),
        ("look trees x --form tagged,tgged", 'Invalid value "tgged" for --form.'),
        ("look trees x --cell lsmt", 'Invalid value "lsmt" for --cell.'),
        ("look trees x --form tagged y", "y: more than naibu look trees takes; naibu look trees --help"),
        ("look trees x --tied=maybe", 'Invalid value for --tied: unable to convert "maybe" into bool'),
        ("look trees x --units=-1", "--units -1: must be at least 1"),
        ("look trees x --units -3", "--units -3: must be at least 1"),
        ("look trees x --dropout 1", "--dropout 1.0: must be from 0"),
        ("look trees x --dropout -.1", "--dropout -0.1: must be from 0"),
        ("look trees x --minutes 1 --steps 1", "--steps 1 and --minutes 1.0: give one of the two"),
        ("look trees x --units 8 --units 9", "Parameter --units specified multiple times"),
        ("train standard-library --form tagged --form words", "--form tagged words: a network learns one"),
        ("look nowhere.mrg", "nowhere.mrg: there is no such file or folder"),
        ("look trees nowhere.mrg", "nowhere.mrg: there is no such file or folder"),
        ("look tree standard-library", "tree: there is no such file or folder"),
        ("record x --dtype float", 'Invalid value "float" for --dtype. Choose from: "float16", "float32"'),
        ("record x --positions 0", "--positions 0: must be at least 1"),
        ("record x --split test,dev", 'Invalid value "dev" for --split.'),
        ("record x --name a/b", "--name a/b: must be the name of a folder"),
        ("record --out looks/mine", "--out: a network is named by its folder: naibu record looks/mine/tagged-200"),
        ("probe --run tagged-200", "--run: a network is named by its folder: naibu probe looks/mine/tagged-200"),
        ("intervene --out o --run tagged-200", "--out: a network is named by its folder: naibu intervene"),
        ("intervene x --draws -1", "--draws -1: must be at least 0"),
        ("intervene x --ternary --unit 1", "--ternary: rounds the update of every unit"),
        ("bench speed", 'Invalid value "speed" for WHAT. Choose from: "all", "layers"'),
        ("bench --out x", "--out: not an option of naibu bench"),
        ("colour x --unit x", "--unit x: must be a whole number"),
        ("probe x --parts VB", 'Command "probe" parameter --parts requires 2 positional arguments. Only got 1'),
        ("probe x --parts VB NN JJ", "JJ: more than naibu probe takes"),
        ("papers mochihashi2019 --gradient full", "--gradient: not an option of naibu papers mochihashi2019"),
        ("papers variants --workers 0", "--workers 0: must be at least 1"),
        ("papers hochreiter1997 --trials 0", "--trials 0: must be at least 1"),
        ("papers hochreiter1997 --lag -1", "--lag -1: no row has it; 2a has 4, 10, 100; "),
        ("papers hochreiter1997 --experiment 9", "--experiment 9: there is no such one; there are 1, 2a, "),
        ("report x --json --quick", "--json --quick: that is an option"),
        ("record x", "x: no run here; train one first: naibu train"),
        ("probe x", "x: no run here"),
        ("intervene x", "x: no run here"),
        ("report x", "x: no run here"),
        ("colour x", "x: no run here"),
    ],
)
def test_what_is_mistyped_is_said_in_one_line(typed, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(typed.split()) == 2
    out, err = capsys.readouterr()
    assert err.startswith("naibu: " + said)
    assert err.count("\n") == 1
    assert out in ("", "standard-library: learnt as trees (naibu train trees)\n")
    assert not list(tmp_path.iterdir())


def test_plain_text_without_brackets_is_looked_into_by_its_lines(tmp_path, capsys):
    """A label that never changes cannot be probed; the line position stands in for the bracket depth."""
    draw = random.Random(5)
    words = ["to", "be", "or", "not", "that", "is", "the", "question"]
    lines = (" ".join(draw.choices(words, k=draw.randint(2, 9))) for _ in range(900))
    text = tmp_path / "text.txt"
    text.write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    assert main(["look", "trees", str(text), "--steps", "20", "--units", "8", "--threads", "1", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())["forms"]["characters"]
    assert summary["category"] is None
    assert "cell" in summary["depth_correlation"]
    assert "line_position" in (out / "characters-8" / "results" / "depth.csv").read_text()


def test_a_label_has_one_unit_in_all_that_a_look_says(looked):
    (network,) = json.loads((looked / "summary.json").read_text())["networks"].values()
    said = network["analyses"]
    units = {said[name]["label"]: said[name]["signals"]["cell"]["unit"] for name in ("depth", "phrase")}
    told = said["overlap"]
    units[told["label"]] = told["best"]["unit"]
    assert {label: said["search"][label]["unit"] for label in units} == units
    assert [said["search"][label]["signal"] for label in units] == ["cell", "cell", told["best"]["signal"]]
    held = {label: each["unit"] for label, each in said["holding"]["named"].items()}
    assert {**held, **{label: units[label] for label in list(units)[:2]}} == held
    assert said["holding"]["unit"] == held[said["depth"]["label"]]
