"""The command line as people use it: what it does, what it says, what it leaves."""

from __future__ import annotations

import ast
import inspect
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import naibu
from naibu import cli, commands
from naibu.cli import complaint, folded, main, options_of
from naibu.commands import COMMANDS
from naibu.looking.asked import summary_if_finished
from naibu.papers import catalogue
from naibu.papers.runner import Experiment, Reproduction
from random_trees import nested

SMALL = ("--units", "8", "--steps", "20", "--threads", "1")
TIMES = ("seconds", "tokens_per_second_train", "peak_memory_mb")


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    rng = random.Random(3)
    path = tmp_path_factory.mktemp("treebank") / "trees.mrg"
    path.write_text("".join(f"(S {nested(rng)} {nested(rng)})\n" for _ in range(120)))
    return path


@pytest.fixture(scope="module")
def looked(treebank, tmp_path_factory):
    """A folder in which a look is finished."""
    out = tmp_path_factory.mktemp("looks") / "mine"
    assert main(["look", str(treebank), "--form", "tagged", *SMALL, "--out", str(out)]) == 0
    return out


def naibu_in(*arguments: object, **options):
    command = [sys.executable, "-m", "naibu", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_what_no_terminal_shows_is_printed_wide_enough_for_a_table(capsys, monkeypatch):
    class Asked:
        def execute(self, console, typed):
            console.print(" ".join(["word"] * 50))

    def no_terminal(stream):
        raise OSError

    def columns():
        cli._execute(Asked(), "naibu")
        return max(len(line.rstrip()) + 1 for line in capsys.readouterr().out.splitlines())

    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", no_terminal)
    assert columns() == 120
    monkeypatch.setenv("COLUMNS", "60")
    assert columns() == 60
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(os, "get_terminal_size", lambda stream: os.terminal_size((100, 24)))
    assert columns() == 100


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def numbers(out: Path) -> dict:
    """The numbers of a summary without what depends on the clock."""
    forms = json.loads((out / "summary.json").read_text())["forms"]
    return {form: {k: v for k, v in found.items() if k not in TIMES} for form, found in forms.items()}


# What it does


def test_look_leaves_runs_recordings_results_page_and_numbers(looked):
    there = {path.name for path in looked.iterdir()}
    assert there == {"runs", "recordings", "results", "report.html", "summary.json", "look.json"}
    assert not [path for path in looked.rglob("*") if path.name.endswith(".part")]
    assert -1 <= numbers(looked)["tagged"]["depth_correlation"]["cell"]["r"] <= 1


def test_the_steps_one_at_a_time_give_what_look_gives(treebank, looked, tmp_path, capsys):
    assert main(["train", str(treebank), "--form", "tagged", *SMALL, "--out", str(tmp_path)]) == 0
    for command in ("record", "probe", "intervene", "report"):
        assert main([command, "--out", str(tmp_path)]) == 0
    assert numbers(tmp_path) == numbers(looked)
    assert "report.html" in capsys.readouterr().out


@pytest.mark.parametrize("lost", ["results/tagged-8/holding.json", "results/tagged-8/depth.json", "recordings"])
def test_a_look_that_was_broken_off_goes_on(treebank, looked, tmp_path, lost):
    """What is lost is made again, what is there is left alone, and the numbers are the same."""
    out = tmp_path / "mine"
    shutil.copytree(looked, out)
    for name in ("report.html", "summary.json", "look.json", lost):
        shutil.rmtree(out / name) if (out / name).is_dir() else (out / name).unlink()
    weights = (out / "runs/tagged-8/weights.safetensors").stat().st_mtime_ns
    assert main(["look", str(treebank), "--form", "tagged", *SMALL, "--out", str(out)]) == 0
    assert numbers(out) == numbers(looked)
    assert (out / "runs/tagged-8/weights.safetensors").stat().st_mtime_ns == weights


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


@pytest.mark.parametrize("change", ["corpus", "units", "result", "page", "note"])
def test_a_finished_look_is_not_taken_for_another(treebank, looked, tmp_path, change):
    out, corpus = tmp_path / "mine", tmp_path / "trees.mrg"
    shutil.copytree(looked, out)
    shutil.copy(treebank, corpus)
    options = commands.CorpusOptions(str(corpus))
    network = commands.NetworkOptions(units=9 if change == "units" else 8, steps=20, threads=1)
    asked = commands.Look(options, ("tagged",), network, commands.Output(out)).asked()
    (out / "look.json").write_text(json.dumps({**asked.source(), "whole": asked.whole()}))
    assert summary_if_finished(asked) is not None
    if change == "corpus":
        corpus.write_text(corpus.read_text() + "(S (N a) (V b))\n")
    elif change == "units":
        network = commands.NetworkOptions(units=7, steps=20, threads=1)
        asked = commands.Look(options, ("tagged",), network, commands.Output(out)).asked()
    elif change == "result":
        (out / "results/tagged-8/depth.json").touch()
    elif change == "page":
        (out / "report.html").unlink()
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
def test_every_step_can_answer_in_json(looked, tmp_path, capsys, command):
    shutil.copytree(looked, tmp_path / "mine")
    capsys.readouterr()
    assert main([command, "--out", str(tmp_path / "mine"), "--json", "-"]) == 0
    json.loads(capsys.readouterr().out)


def test_ctrl_c_in_training_is_one_line_and_130(treebank, tmp_path):
    process = naibu_in("train", treebank, "--units", 8, "--steps", 1_000_000, "--threads", 1, "--out", tmp_path)
    began = time.monotonic()
    while not list(tmp_path.glob("runs/*/metrics.jsonl")):
        assert process.poll() is None
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "naibu: stopped; the same command goes on from here\n")
    assert (tmp_path / "runs/tagged-8/checkpoint.safetensors").exists()
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
    from naibu.looking.report import commands_of

    options = ["--cell", "gru", "--category", "NP", "--split-seed", "4", "--tied", "--batch-size", "8", "--traces"]
    train = ["train", str(treebank), "--form", "brackets", *SMALL, *options, "--out", str(tmp_path / "my work")]
    assert main(train) == 0
    run = naibu.open_run(tmp_path / "my work" / "runs" / "brackets-8-gru")
    weights = run.weights.stat().st_mtime_ns
    command = shlex.split(commands_of(Places(tmp_path / "my work", run))["train"])
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


def test_papers_lists_runs_and_names_those_there_are(monkeypatch, tmp_path, capsys):
    assert main(["papers"]) == 0
    assert capsys.readouterr().out.count("\n") == len(catalogue.PAPERS) == 3
    assert main(["papers", "hochreiter"]) == 2
    assert "those here are hochreiter1997, mochihashi2019, variants" in capsys.readouterr().err
    row = Experiment(
        "T1", "a", {"share": 0.5}, "page 1", lambda quick: {"share": 0.25 if quick else 0.5}, lambda p, o: ""
    )
    monkeypatch.setitem(catalogue.PAPERS, "mine", catalogue.Paper("A paper", lambda: Reproduction(lambda *_: [row])))
    assert main(["papers", "yours"]) == 2
    assert "variants, mine" in capsys.readouterr().err
    assert main(["papers", "mine", "--quick", "--json", "-", "--out", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["obtained"] == {"share": 0.25}


# Help


def test_help_and_version_load_nothing_heavy():
    script = (
        "import sys; from naibu.cli import main; main(['--version']); main(['--help']); main(['look', '--help'])\n"
        "assert not {'torch', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"naibu {naibu.__version__}\n")


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)
    assert "naibu look standard-library" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_says_what_is_done_with_an_example_and_fits_the_terminal(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"$ naibu {name}" in said
    assert "None" not in said
    lines = [line for line in said.splitlines() if not line.startswith("$")]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_in_a_help_can_be_typed(name):
    for example in re.findall(r"^ *\$ naibu (.*)$", inspect.getdoc(COMMANDS[name]) or "", re.MULTILINE):
        command, *words = example.split()
        assert command in COMMANDS
        assert {word for word in words if word.startswith("--")} <= options_of(COMMANDS[command]).keys()


def test_every_option_has_a_help_text():
    """Each field of each dataclass of options is followed by a line that says what it is."""
    missing = []
    for kind in ast.parse(inspect.getsource(commands)).body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for this, following in zip(kind.body, [*kind.body[1:], None], strict=True):
            if isinstance(this, ast.AnnAssign) and "OmitArgPrefixes" not in ast.unparse(this.annotation):
                text = following.value if isinstance(following, ast.Expr) else None
                if not (isinstance(text, ast.Constant) and len(str(text.value)) > 10):
                    missing.append(f"{kind.name}.{ast.unparse(this.target)}")
    assert not missing


def test_options_are_found_in_their_groups():
    assert {"CORPUS", "--form", "--units", "--category", "--out", "--json"} <= options_of(COMMANDS["look"]).keys()
    assert {"WHAT", "--hidden", "--quick", "--json", "--markdown"} <= options_of(COMMANDS["bench"]).keys()


def test_the_readme_names_every_command():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert not [name for name in COMMANDS if f"naibu {name}" not in readme]


# Mistyped


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("lok", "lok: no such command; did you mean look?; the commands are look, train"),
        ("--units 3", "--units: no such option before a command"),
        ("look", "CORPUS is missing"),
        ("look x --unitz 3", "--unitz: not an option of look; did you mean --units?"),
        ("look x --bogus 3", "--bogus: not an option of look; naibu look --help"),
        ("look x --units abc", "--units abc: must be a whole number"),
        ("look x --seed 1.5", "--seed 1.5: must be a whole number"),
        ("look x --minutes soon", "--minutes soon: must be a number"),
        ("look x --units", "--units: a value is missing"),
        ("look x --form tgged", "--form tgged: must be one of brackets, tagged,"),
        ("look x --form tagged y", "y: more than look takes"),
        ("look x --tied=yes", "--tied=yes: --tied takes no value"),
        ("look x --units=-1", "--units -1: must be at least 1"),
        ("look x --units -3", "--units -3: must be at least 1"),
        ("look x --dropout 1", "--dropout 1.0: must be from 0"),
        ("look x --minutes 1 --steps 1", "--steps 1 and --minutes 1.0: give one of the two"),
        ("look nowhere.mrg", "nowhere.mrg: there is no such file or folder"),
        ("record --dtype float", "--dtype float: must be one of float16, float32"),
        ("record --test-tokens 0", "--test-tokens 0: must be at least 1"),
        ("intervene --draws -1", "--draws -1: must be 0 or more"),
        ("bench speed", "bench speed: must be one of all, layers"),
        ("colour --unit x", "--unit x: must be a whole number"),
        ("probe --parts VB", "--parts VB: takes 2 values, not 1; naibu probe --help"),
        ("probe --parts", "--parts: takes 2 values, not 0"),
        ("probe --parts VB NN JJ", "--parts VB NN JJ: takes 2 values, not 3"),
        ("papers mochihashi2019 --gradient full", "--gradient: mochihashi2019 does not take it; "),
        ("papers hochreiter1997 --trials 0", "--trials 0: must be at least 1"),
        ("papers hochreiter1997 --lag -1", "--lag -1: no row has it; 2a has 4, 10, 100; "),
        ("papers hochreiter1997 --experiment 9", "--experiment 9: there is no such one; there are 1, 2a, "),
        ("record", "looks/mine/runs: no run here; train one first: naibu train"),
        ("probe", "looks/mine/runs: no run here"),
        ("intervene", "looks/mine/runs: no run here"),
        ("report", "looks/mine/runs: no run here"),
    ],
)
def test_what_is_mistyped_is_said_in_one_line(typed, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(typed.split()) == 2
    out, err = capsys.readouterr()
    assert err.startswith("naibu: " + said)
    assert (out, err.count("\n")) == ("", 1)
    assert not list(tmp_path.iterdir())


def test_a_box_of_another_tyro_is_still_one_line():
    assert complaint("╭─ News ──╮\n│ \x1b[1mwrong\x1b[0m  so │\n╰─────────╯\n", "look") == "News wrong so"


def test_folded_leaves_boxes_and_examples_alone():
    box = "╭" + "─" * 200 + "╮"
    assert folded(f"$ naibu {'x' * 200}\n{box}\n\n\n\n{'word ' * 60}").count("\n") > 4
    assert box in folded(box)


def test_plain_text_without_brackets_is_looked_into_by_its_lines(tmp_path, capsys):
    """A label that never changes cannot be probed; the line position stands in for the bracket depth."""
    draw = random.Random(5)
    words = ["to", "be", "or", "not", "that", "is", "the", "question"]
    lines = (" ".join(draw.choices(words, k=draw.randint(2, 9))) for _ in range(900))
    text = tmp_path / "text.txt"
    text.write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    assert main(["look", str(text), "--steps", "20", "--units", "8", "--threads", "1", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())["forms"]["characters"]
    assert summary["category"] is None
    assert "cell" in summary["depth_correlation"]
    assert "line_position" in (out / "results" / "characters-8" / "depth.csv").read_text()
