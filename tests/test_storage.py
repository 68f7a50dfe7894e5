"""Dataclasses as JSON and back: equal in every digit and type, and nothing else is taken for one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from naibu.config import ModelConfig, TrainingConfig
from naibu.errors import StoredError
from naibu.locks import only_writer
from naibu.online.trials import Trial
from naibu.runs import Run, open_run
from naibu.runs.run import FORMAT
from naibu.storage import as_json, from_json, read_json, write_json
from naibu.tasks.trees import TreesOptions


@dataclass(frozen=True)
class Inner:
    name: str
    value: float | None


@dataclass(frozen=True)
class Outer:
    count: int
    numbers: np.ndarray
    pair: tuple[str, int]
    inner: tuple[Inner, ...]
    points: Sequence[tuple[float, float]] = ()
    last: Inner | None = None


def through_text(value: object) -> object:
    return json.loads(json.dumps(as_json(value)))


def test_what_is_written_is_read_in_every_digit_and_type() -> None:
    numbers = np.array([[0.1, np.nan], [1e-45, -np.inf]], np.float32)
    one = Outer(2, numbers, ("a", 1), (Inner("x", 1 / 3), Inner("y", None)), [(0.1, 2.0)], Inner("z", float("inf")))
    again = from_json(Outer, through_text(one))
    assert again.numbers.dtype == np.float32
    np.testing.assert_array_equal(again.numbers, numbers)
    assert replace(again, numbers=numbers) == one
    assert type(from_json(Inner, {"name": "whole", "value": 3}).value) is float


def test_a_field_added_since_has_its_default() -> None:
    written = through_text(Outer(0, np.zeros(0), ("a", 1), ()))
    assert isinstance(written, dict)
    del written["points"], written["last"]
    assert from_json(Outer, written).last is None
    del written["count"]
    with pytest.raises(KeyError, match="count"):
        from_json(Outer, written)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"count": 2.5}, "2.5 is no int"),
        ({"count": "2"}, "'2' is no int"),
        ({"pair": ["a"]}, "shorter"),
        ({"pair": [None, 1]}, "None is no str"),
        ({"speed": 1}, "unknown: speed"),
        ({"last": 3}, "not iterable"),
    ],
)
def test_what_is_no_such_value_is_refused(changed: dict[str, object], words: str) -> None:
    written = through_text(Outer(0, np.zeros(0), ("a", 1), ()))
    assert isinstance(written, dict)
    with pytest.raises((TypeError, ValueError), match=words):
        from_json(Outer, written | changed)


def test_a_trial_is_written_as_its_fields() -> None:
    trial = Trial(3, True, 100, wrong=1, tested=10, error=0.25, curve=[(50.0, 0.5), (100.0, 0.1)])
    assert through_text(trial) == json.loads(json.dumps(asdict(trial)))
    assert from_json(Trial, through_text(trial)) == trial


@pytest.fixture
def run(tmp_path: Path) -> Run:
    model = ModelConfig(units=7, softmax="adaptive", cutoffs=(10, 20), embedding_dropout=0.1)
    training = TrainingConfig(steps=5, l1_signals=("cell", "hidden"))
    options = {**asdict(TreesOptions("trees.mrg")), "corpus": "trees.mrg", "form": "brackets"}  # as a corpus says them
    made = Run(tmp_path, "trees", options, model, training, {"input": 30}, "print", {"name": "trees"}, {"naibu": "1"})
    made.save()
    return made


def test_a_runs_settings_are_read_as_they_were(run: Run) -> None:
    assert open_run(run.path) == run


def test_a_setting_that_is_missing_is_as_when_nothing_is_given(run: Run) -> None:
    path = run.path / "settings.toml"
    path.write_text(path.read_text().replace("heads = 1\n", "").replace(f"format = {FORMAT}", "format = 2"))
    assert replace(open_run(run.path), format=FORMAT) == run


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("heads = 1", "gates = 4", "unknown setting 'gates'; it was written by another version"),
        ("units = 7", "units = 2.5", "damaged .2.5 is no int"),
        ("units = 7", "units = -1", "damaged .*at least 1"),
        ('form = "brackets"', 'form = "bracket"', "damaged .*'bracket' is none of brackets, tagged"),
        ("units = 7", "units = seven", "damaged"),
    ],
)
def test_settings_that_are_none_are_refused(run: Run, old: str, new: str, words: str) -> None:
    path = run.path / "settings.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(StoredError, match=words):
        open_run(run.path)


@pytest.mark.parametrize("text", ["plain", "\ud800", "\udcc3\udca9", "日本"])
def test_json_that_is_no_utf8_is_read_as_it_was(tmp_path: Path, text: str) -> None:
    write_json(tmp_path / "x.json", {"text": text, text: 1.5})
    assert read_json(tmp_path / "x.json", "a test") == {"text": text, text: 1.5}


def test_a_changed_or_exchanged_file_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"number": 12})
    write_json(tmp_path / "b.json", {"number": 12})
    whole = (tmp_path / "a.json").read_text()
    for damaged in (whole.replace("12", "13"), (tmp_path / "b.json").read_text(), whole[:-3], "", "[]", "[" * 100_000):
        (tmp_path / "a.json").write_text(damaged)
        with pytest.raises(StoredError, match=r"a\.json: damaged.*this should be a test"):
            read_json(tmp_path / "a.json", "a test")
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(StoredError, match="not a file"):
        read_json(tmp_path / "pipe.json", "a test")


def test_a_folder_has_one_writer_and_no_links(tmp_path: Path) -> None:
    folder, outside = tmp_path / "run", tmp_path / "outside"
    code = "import sys; from pathlib import Path; from naibu.locks import only_writer\n"
    code += "with only_writer(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(StoredError, match=rf"process {holder.pid} .*has been writing here since"), only_writer(folder):
        pass
    holder.kill()
    holder.communicate()
    (folder / ".x.json.1.part").write_text("half")
    with only_writer(folder), only_writer(folder):  # whoever was killed holds nothing
        assert [path.name for path in folder.iterdir()] == [".lock"]
    assert not list(folder.iterdir())
    outside.mkdir()
    (folder / "recordings").mkdir()
    (folder / "recordings" / ".lock").touch()
    (folder / "recordings" / "trained").symlink_to(outside)
    with pytest.raises(StoredError, match="trained: is a link"), only_writer(folder):
        pass
    assert not list(outside.iterdir())
