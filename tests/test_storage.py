"""Dataclasses as JSON and back: equal in every digit and type, and nothing else is taken for one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from naibu.config import ModelConfig, TrainingConfig
from naibu.errors import StoredError
from naibu.online.trials import Trial
from naibu.runs import Run, open_run
from naibu.runs.run import FORMAT
from naibu.storage import as_json, from_json
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
