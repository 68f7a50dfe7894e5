"""Bad input: one clear line that says what to do, exit status 2, and nothing half-written."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from naibu.cli import main
from naibu.runs.run import FORMAT
from random_trees import sentences
from resealed import resealed
from small_jobs import SMALL

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def treebank(tmp_path):
    path = tmp_path / "trees.mrg"
    path.write_text(sentences(60))
    return path


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A folder with a treebank, and a network that learnt it, recorded, probed and held still."""
    place = tmp_path_factory.mktemp("worked")
    (place / "trees.mrg").write_text(sentences(60))
    run = str(place / "mine" / "tagged-8")
    assert main(["train", str(place / "trees.mrg"), *SMALL, "--out", run]) == 0
    for command in ("record", "probe", "intervene"):
        assert main([command, run]) == 0
    return place


@pytest.fixture
def mine(worked, tmp_path, monkeypatch):
    """A copy of the network's folder to damage; what is wrongly not refused leaves its report beside it."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(worked / "mine", tmp_path / "mine")) / "tagged-8"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(capsys, *arguments: object) -> str:
    """The one line that a command is refused with."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    # The progress of a step that was begun is not the error.
    lines = [line for line in capsys.readouterr().err.splitlines() if "%" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("naibu: ")
    return lines[0]


# The corpus


def unbalanced(folder: Path) -> Path:
    (folder / "a.mrg").write_text(sentences(20) + "(S (NP (N a)\n")
    return folder / "a.mrg"


def closed_twice(folder: Path) -> Path:
    (folder / "a.mrg").write_text(sentences(3) + "(S (N a)))\n" + sentences(20))
    return folder / "a.mrg"


def outside(folder: Path) -> Path:
    (folder / "a.mrg").write_text(sentences(3) + "word\n" + sentences(20))
    return folder / "a.mrg"


def empty_file(folder: Path) -> Path:
    (folder / "a.mrg").touch()
    return folder / "a.mrg"


def empty_folder(folder: Path) -> Path:
    (folder / "none").mkdir()
    return folder / "none"


def binary(folder: Path) -> Path:
    (folder / "a.mrg").write_bytes(b"(S (N a\0b))\n" * 20)
    return folder / "a.mrg"


def latin1(folder: Path) -> Path:
    (folder / "a.mrg").write_bytes((sentences(4) + "(S (N café))\n" + sentences(20)).encode("latin-1"))
    return folder / "a.mrg"


def utf16(folder: Path) -> Path:
    (folder / "a.txt").write_text("some words\n" * 50, encoding="utf-16")
    return folder / "a.txt"


def one_sentence(folder: Path) -> Path:
    (folder / "a.mrg").write_text("(S (NP (N a)) (VP (V b)))\n")
    return folder / "a.mrg"


def not_python(folder: Path) -> Path:
    (folder / "a.py").write_text("x = 1\n\ndef f(:\n    pass\n")
    return folder / "a.py"


def open_list(folder: Path) -> Path:
    (folder / "a.el").write_text("(setq a 1)\n(defun f (x)\n")
    return folder / "a.el"


def cut_short(folder: Path) -> Path:
    (folder / "a.mrg.gz").write_bytes(gzip.compress(sentences(60).encode())[:60])
    return folder / "a.mrg.gz"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (unbalanced, "{path}, line 21: the tree that begins here is never closed: 2 `)` missing"),
        (closed_twice, "{path}, line 4: a `)` too many"),
        (outside, "{path}, line 4: the word 'word' stands outside every bracket"),
        (empty_file, "{path}: no trees in brackets was found"),
        (empty_folder, "{path}: holds no files"),
        (binary, "{path}: a binary file (or UTF-16), not text in UTF-8"),
        (latin1, "{path}, line 5: not UTF-8 (byte 0xe9); convert it, as with iconv"),
        (utf16, "{path}: a binary file (or UTF-16), not text in UTF-8"),
        (one_sentence, "{path}: 1 sequence is too few to split: at least 10 are needed"),
        (not_python, "{path}, line 3: not Python"),
        (open_list, "{path}, line 2: the form that begins here is never closed"),
        (cut_short, "{path}: cannot be read"),
        (lambda folder: folder / "nowhere.mrg", "{path}: there is no such file or folder"),
    ],
)
@pytest.mark.parametrize("command", ["look", "train"])
def test_a_corpus_that_cannot_be_used(make, said, command, tmp_path, capsys):
    path = make(tmp_path)
    before = everything(tmp_path)
    line = refused(capsys, command, path, *SMALL, "--out", tmp_path / "out")
    assert line.startswith("naibu: " + said.format(path=path))
    assert everything(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_a_file_that_may_not_be_read(treebank, tmp_path, capsys):
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    treebank.chmod(0)
    assert "cannot be read: Permission denied" in refused(capsys, "look", treebank, "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--category", "XP"], "category 'XP' does not occur; the most frequent are N, "),
        (["--reader", "text", "--form", "tagged"], "needs trees and this corpus is plain text: choose 'words' or"),
        (["--test", "nowhere.mrg"], "nowhere.mrg: there is no such file or folder"),
        (["--labels", "trees.mrg"], "trees.mrg, line 1: the first line has to be `symbol`, a tab"),
        (["--vocabulary", "1"], "vocabulary 1 is too small"),
        (["--longest", "3"], "--longest"),
        (["--units", "-1"], "--units -1: must be at least 1"),
    ],
)
def test_an_option_that_does_not_suit_the_corpus(options, said, treebank, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, "look", treebank, *SMALL[2:], *options, "--out", "out")
    assert [path.name for path in tmp_path.iterdir()] == ["trees.mrg"]


# What lies on disk


@pytest.mark.parametrize(
    ("command", "lost", "said"),
    [
        ("record", "settings.toml", "tagged-8: no run here; train one first: naibu train CORPUS --out"),
        (
            "probe",
            "recordings",
            "manifest.json: not found; this should be a recording's manifest (a recording is made by",
        ),
        ("intervene", "recordings", "made by: naibu record)"),
        (
            "intervene",
            "results",
            "no unit is known that follows a label; it is found by: naibu probe",
        ),
        ("report", "settings.toml", "tagged-8: no run here"),
        ("report", "results", "corpus.json: not found"),
        ("report", "finished.json", "the training is unfinished; the command that began it goes on"),
    ],
)
def test_a_step_without_the_one_before_says_which(command, lost, said, mine, capsys):
    shutil.rmtree(mine / lost) if (mine / lost).is_dir() else (mine / lost).unlink()
    before = everything(mine)
    assert said in refused(capsys, command, mine)
    assert everything(mine) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["probe", "--label", "nonsense"],
            "label 'nonsense': not in this recording; it has depth, depth:VP, inside:VP",
        ),
        (["record", "--label", "depth:XP"], "label 'depth:XP' does not exist here: there are depth, position, depth:"),
        (["record", "--keep", "reset_gate"], "these layers have no reset_gate; they have input_gate"),
        (["record", "--keep", "cell"], "recordings/trained: there is a recording with other signals or layers here"),
        (["intervene", "--unit", "8"], "--unit 8: lstm.0 has units 0 to 7"),
        (["intervene", "--signal", "reset_gate"], "--signal reset_gate: the recording has candidate, cell"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(arguments, said, mine, capsys):
    before = everything(mine)
    assert said in refused(capsys, *arguments, mine)
    assert everything(mine) == before


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def newer(path: Path) -> None:
    if path.suffix == ".json":
        resealed(path, lambda found: found.update(version=99))
    else:
        path.write_text(path.read_text().replace(f"format = {FORMAT}", "format = 99"))


def emptied(path: Path) -> None:
    path.write_text("{}" if path.suffix == ".json" else "")


@pytest.mark.parametrize(
    ("command", "file", "damage", "said"),
    [
        ("record", "weights.safetensors", truncated, "weights.safetensors: damaged"),
        ("record", "settings.toml", newer, "settings.toml: written by a newer naibu (0.1.0, format 99"),
        ("report", "settings.toml", newer, "upgrade naibu, or choose another --out"),
        ("report", "settings.toml", truncated, "settings.toml: damaged"),
        ("report", "settings.toml", emptied, "settings.toml: damaged, or not a run's settings; remove"),
        ("probe", "recordings/trained/manifest.json", newer, "manifest.json: format version 99, written by a newer"),
        ("probe", "recordings/trained/manifest.json", truncated, "manifest.json: damaged"),
        ("probe", "recordings/trained/shards/00000/lstm.0.cell.npy", truncated, "lstm.0.cell.npy: "),
        ("report", "results/depth.json", truncated, "depth.json: damaged"),
        ("report", "results/depth.json", emptied, "depth.json: damaged"),
    ],
)
def test_what_is_damaged_or_newer_is_named(command, file, damage, said, mine, capsys):
    damage(mine / file)
    before = everything(mine)
    assert said in refused(capsys, command, mine)
    assert everything(mine) == before


def test_a_configuration_without_a_part_is_damaged(mine, capsys):
    (mine / "settings.toml").write_text('task = "trees"\n[data]\n[run]\nformat = 2\n')
    assert "settings.toml: damaged (model is missing); remove" in refused(capsys, "report", mine)


@pytest.fixture(scope="module")
def looked(undrawn, worked):
    """The same corpus looked into."""
    out = worked / "look"
    assert main(["look", str(worked / "trees.mrg"), "--form", "tagged", *SMALL, "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("form", ["tagged", "brackets"])
def test_a_look_at_another_corpus(form, worked, looked, treebank, capsys):
    before = everything(looked)
    line = refused(capsys, "look", treebank, "--form", form, *SMALL, "--out", looked)
    there = worked / "trees.mrg"
    assert line == (
        f"naibu: --out {looked}: holds the work on other data, trees {there}; "
        "give the same again to go on with it, or choose another --out"
    )
    assert everything(looked) == before


def test_a_look_at_the_corpus_with_other_options(worked, looked, capsys):
    corpus = worked / "trees.mrg"
    line = refused(capsys, "look", corpus, "--category", "NP", "--split-seed", "2", *SMALL, "--out", looked)
    assert "holds work with --category not given (now NP), --split-seed 1 (now 2); give the same" in line


def test_a_run_of_another_corpus_or_training(worked, mine, treebank, capsys):
    before = everything(mine)
    treebank.write_text(sentences(61, seed=4))
    line = refused(capsys, "train", treebank, "--form", "tagged", *SMALL, "--out", mine)
    assert f"begun with corpus = {worked / 'trees.mrg'}, now asked for corpus = {treebank}; go on with the old" in line
    line = refused(capsys, "train", worked / "trees.mrg", *SMALL[:2], "--steps", "30", "--out", mine)
    assert everything(mine) == before
    assert line.endswith("begun with steps = 20, now asked for steps = 30; go on with the old value, or choose another "
                         "folder with --out")  # fmt: skip


def test_a_corpus_that_has_changed_since(treebank, tmp_path, capsys):
    train = ["train", treebank, *SMALL, "--out", tmp_path / "out"]
    assert main([str(argument) for argument in train]) == 0
    treebank.write_text(sentences(61, seed=4))
    assert "as it was before its files changed; put them back" in refused(capsys, *train)
    assert "has changed since training" in refused(capsys, "record", tmp_path / "out")


# Where things go


@pytest.mark.parametrize("option", ["--out", "--json"])
def test_a_place_that_cannot_be_written(option, treebank, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = everything(tmp_path)
    place = "trees.mrg/x" if option == "--out" else "."
    line = refused(capsys, "train", treebank, *SMALL, option, place)
    assert ("cannot be written (Not a directory)" if option == "--out" else "--json .: it is a folder") in line
    assert everything(tmp_path) == before


@pytest.fixture
def small_disk(tmp_path):
    """A function that makes a disk of some size, where this user may."""
    place = tmp_path / "disk"
    place.mkdir()

    def made(size: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "naibu-test", str(place)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            pytest.skip(f"no small disk: mount cannot be run ({error})")
        if done.returncode:
            pytest.skip(f"no small disk: {done.stderr.strip()}")
        return place

    yield made
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


@pytest.mark.parametrize("size", ["24k", "64k", "400k"])
def test_a_full_disk(size, small_disk, treebank, capsys):
    """Training, recording or probing fails by its size; with more room the same command goes on."""
    disk = small_disk(size)
    look = ["look", treebank, "--form", "tagged", *SMALL, "--out", disk / "out"]
    line = refused(capsys, *look)
    assert f"naibu: {disk}/out/" in line
    assert "free some space and run the same command again" in line
    assert not [path for path in disk.rglob("*") if path.name.endswith(".part")]
    subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True, capture_output=True)
    assert main([str(argument) for argument in look]) == 0
    assert (disk / "out" / "report.html").exists()
