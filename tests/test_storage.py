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
from naibu.storage import as_json, from_json


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
    model = ModelConfig(softmax="adaptive", cutoffs=(10, 20), embedding_dropout=0.1)
    made = Run(tmp_path, model, TrainingConfig(steps=5, l1_signals=("cell", "hidden")), {}, 30, {})
    made.save()
    return made


def test_a_runs_configuration_is_read_as_it_was(run: Run) -> None:
    assert open_run(run.path) == run


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda model: model.pop("heads"), "missing setting 'heads'; it was written by another version"),
        (lambda model: model.update(gates=4), "unknown setting 'gates'; it was written by another version"),
        (lambda model: model.update(units=2.5), "damaged .2.5 is no int"),
        (lambda model: model.update(units=0), "damaged .*at least 1"),
    ],
)
def test_a_configuration_of_other_settings_is_refused(run: Run, change: object, words: str) -> None:
    path = run.path / "config.json"
    written = json.loads(path.read_text())
    change(written["model"])  # type: ignore[operator]
    path.write_text(json.dumps(written))
    with pytest.raises(StoredError, match=words):
        open_run(run.path)
