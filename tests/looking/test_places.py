"""Where a network's work lies: in its folder; what version 0.1 left beside it is read, and never written."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import naibu
from naibu.cli import main
from naibu.config import TrainingConfig
from naibu.looking import steps
from naibu.looking.options import Recorded
from naibu.looking.places import Places, places_in
from naibu.tasks.trees import TreesOptions
from small_jobs import SMALL

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    path = tmp_path_factory.mktemp("treebank") / "trees.mrg"
    path.write_text("".join(f"(S (NP{' (N a)' * (1 + k % 4)}) (VP (V b)))\n" for k in range(60)))
    return path


@pytest.fixture(scope="module")
def looked(undrawn, treebank, tmp_path_factory):
    """A look at two forms."""
    out = tmp_path_factory.mktemp("looks") / "mine"
    assert main(["look", str(treebank), "--form", "tagged", "--form", "brackets", *SMALL, "--out", str(out)]) == 0
    return out


@pytest.fixture
def before(looked, tmp_path):
    """One network of that look, as version 0.1 left it."""
    out, name = tmp_path / "old", "tagged-8"
    shutil.copytree(looked / name, out / "runs" / name)
    inside = out / "runs" / name
    shutil.move(inside / "results", out / "results" / name)
    shutil.move(inside / "recordings" / "trained", out / "recordings" / name)
    shutil.move(inside / "recordings" / "untrained", out / "recordings" / f"{name}-untrained")
    (inside / "recordings").rmdir()
    return out


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_of_a_look_stands_for_its_networks(looked):
    names = [places.run.name for places in places_in([looked])]
    assert names == ["brackets-8", "tagged-8"]
    assert [places.run.name for places in places_in([looked / "tagged-8", looked])] == ["tagged-8", "brackets-8"]


def test_a_network_of_several_has_to_be_named(looked, capsys):
    assert main(["colour", str(looked)]) == 2
    assert f"{looked}: say which, one of {looked / 'brackets-8'}, {looked / 'tagged-8'}" in capsys.readouterr().err


@pytest.mark.parametrize("which", ["runs/tagged-8", "."])
def test_an_old_look_is_read(which, before, looked, tmp_path, capsys):
    there = everything(before)
    assert main(["report", str(before / which), "--out", str(tmp_path / "old.html")]) == 0
    assert main(["report", str(looked / "tagged-8"), "--out", str(tmp_path / "new.html")]) == 0
    assert main(["colour", str(before / which), "--label", "depth"]) == 0
    assert everything(before) == there
    numbers = json.loads((tmp_path / "summary.json").read_text())["forms"]["tagged"]
    assert {"depth_correlation", "named_cells", "intervention"} <= numbers.keys()
    pages = [(tmp_path / name).read_text().partition("<body")[2].count("<section") for name in ("old.html", "new.html")]
    assert pages[0] == pages[1] > 3


def test_what_is_made_of_an_old_look_lies_in_the_network_s_folder(before, capsys):
    there, run = everything(before), before / "runs" / "tagged-8"
    assert main(["probe", str(run), "--label", "depth"]) == 0
    assert main(["intervene", str(run), "--unit", "3", "--draws", "1"]) == 0
    new = {path for path in everything(before) if path not in there}
    assert new
    assert all(Path(path).parent == run / "results" for path in new)
    assert {path: data for path, data in everything(before).items() if path in there} == there
    places = Places(naibu.open_run(run))
    assert places.folder_of("holding") == run / "results"  # the newer of the two
    assert places.folder_of("depth") == before / "results" / "tagged-8"
    assert set(places.seconds()) >= {"train", "record", "probe", "intervene"}


def test_a_new_recording_goes_with_its_own_control(before):
    """Not with the old one's, which may be of other rows."""
    places = Places(naibu.open_run(before / "runs" / "tagged-8"))
    assert places.untrained == before / "recordings" / "tagged-8-untrained"
    steps.record_run(places, places.run.data(), Recorded(positions=50))
    assert places.recording == before / "runs" / "tagged-8" / "recordings" / "trained"
    assert places.untrained == places.recording.with_name("untrained")
    trained, control = places.open_recordings()
    assert control is not None
    assert trained.tokens == control.tokens


def test_a_recording_of_another_name_and_other_parts(looked, capsys):
    run = looked / "tagged-8"
    asked = ["--name", "some", "--split", "validation,test", "--positions", "40", "--keep", "cell,hidden"]
    assert main(["record", str(run), *asked]) == 0
    assert {path.name for path in (run / "recordings").iterdir()} == {"trained", "untrained", "some"}
    recording = naibu.Recording.open(run / "recordings" / "some")
    assert {signal for _, signal in recording.keys()} == {"cell", "hidden"}
    counts = np.bincount(np.asarray(recording.index.split), minlength=3)
    assert counts[0] == 0
    assert 0 < counts[1] <= 40
    assert 0 < counts[2] <= 40


def test_a_recording_that_the_disk_has_no_room_for_is_refused_before_it_begins(looked, tmp_path, monkeypatch, capsys):
    run = Path(shutil.copytree(looked / "tagged-8", tmp_path / "run"))
    size = sum(path.stat().st_size for path in (run / "recordings").rglob("lstm.0.*.npy"))
    monkeypatch.setattr(steps.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 0, 1000))
    assert main(["record", str(run)]) == 0  # all of it is there
    shutil.rmtree(run / "recordings")
    capsys.readouterr()
    assert main(["record", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"{run}/recordings: the disk has 1.0 kB free and this takes" in said
    megabytes = float(said.partition("this takes ")[2].split()[0])
    assert megabytes * 1e6 == pytest.approx(size, rel=0.2)
    assert not (run / "recordings").exists()


def test_every_step_is_a_function_of_python(treebank, tmp_path):
    """What `naibu.look` leaves is what the steps leave one at a time, and what `report` makes of a run and its data."""
    options = TreesOptions(treebank, form="tagged")
    model, training = naibu.ModelConfig(units=8), TrainingConfig(steps=20, threads=1)
    looked = naibu.look("trees", options, out=tmp_path / "look", model=model, training=training)
    assert looked.report() == tmp_path / "look" / "report.html"
    assert [run.name for run in looked.runs] == [*looked.summary["networks"]] == ["tagged-8"]
    assert html.escape(looked.summary["finding"]) in looked._repr_html_()
    assert len(repr(looked)) < 300
    run = naibu.train(naibu.open_trees(treebank), out=tmp_path / "tagged-8", model=model, training=training)
    places = Places(run)
    steps.record_run(places, places.run.data())
    assert naibu.probe(run) == tmp_path / "tagged-8" / "results"
    assert naibu.intervene(run).run == "tagged-8"
    (places.results / "holding.json").unlink()
    assert [*naibu.report(run, run.data(), out=tmp_path / "alone.html").summary["networks"]] == ["tagged-8"]
    assert (tmp_path / "look" / "report.html").exists()
    assert (tmp_path / "alone.html").exists()
    (again,) = places_in([tmp_path / "look"])
    for name in ("corpus.json", "depth.csv", "search.csv", "l1.csv", "holding.csv"):
        assert (places.results / name).read_text() == (again.results / name).read_text()
