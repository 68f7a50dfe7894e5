"""The probes of a run: side by side they give what they give one after the other."""

from __future__ import annotations

import random

import numpy as np
import pytest

import naibu
from naibu.errors import StoredError
from naibu.looking import probing
from naibu.looking.look import write_facts
from naibu.looking.places import Places
from naibu.looking.steps import record_run
from random_trees import nested


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A recorded run of one training step."""
    out = tmp_path_factory.mktemp("look")
    rng = random.Random(4)
    (out / "trees.mrg").write_text("\n".join(f"(S {nested(rng)} {nested(rng)})" for _ in range(120)) + "\n")
    corpus = naibu.open_corpus(out / "trees.mrg", form="tagged+words")
    training = naibu.TrainingConfig(steps=1, threads=1)
    run = naibu.train(corpus, out=out / "run", model=naibu.ModelConfig(units=6), training=training)
    record_run(Places(run), corpus)
    write_facts(Places(run), corpus)
    return Places(run)


def results(places: Places) -> dict[str, str]:
    return {path.name: path.read_text() for path in places.results.glob("*.*") if path.name != "seconds.json"}


def test_side_by_side_is_one_after_the_other(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    probing.probe_run(places)
    alone = results(places)
    assert {"search.json", "passages.json", "l1.csv", "trajectories-cell.json"} <= alone.keys()
    for path in places.results.iterdir():
        if path.name != "corpus.json":
            path.unlink()
    capsys.readouterr()
    probing.probe_run(places, workers=2)
    assert results(places) == alone
    done = [line.split("probing: ")[1] for line in capsys.readouterr().err.splitlines() if "probing: " in line]
    shares = [int(line.split("%")[0]) for line in done]
    assert shares == sorted(shares)
    assert shares[-1] == 100


def test_what_is_asked_for_by_name_is_not_given_to_processes(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "run_parallel", lambda *_: pytest.fail("a process would not know the name"))
    probing.probe_run(places, label="depth", workers=2)
    assert (places.results / "correlation-depth.json").exists()


def test_a_failing_probe_is_told_with_its_own_words(places: Places) -> None:
    (gate,) = places.untrained.glob("shards/*/lstm.0.forget_gate.npy")
    gate.rename(gate.with_suffix(".away"))
    with pytest.raises(StoredError, match="forget_gate.npy: missing or damaged"):
        probing.probe_run(places, workers=2)
    gate.with_suffix(".away").rename(gate)


def test_processes_are_for_large_recordings(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    probed = probing.probed_of(places)
    assert probing._workers(probed) == 1
    monkeypatch.setattr(probing, "MANY", probed.recording.tokens * 6)
    monkeypatch.setattr(probing.os, "sched_getaffinity", lambda _: set(np.arange(9)), raising=False)
    assert probing._workers(probed) == probing.MOST
