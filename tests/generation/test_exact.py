"""Exact search: what it proves, against everything there is; and what it says where the proof does not end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_steppers import RandomStepper, everything, sentences

from naibu.errors import OptionError
from naibu.generation.beam import beam
from naibu.generation.exact import exact
from naibu.generation.options import Budget, SearchOptions

SHORT = SearchOptions(max_ratio=0.1, beam=1)
WAYS = [
    {"alpha": 0.0},
    {"alpha": 0.0, "min_ratio": 0.4, "max_ratio": 0.4},
    {"alpha": 0.6},
    {"alpha": 1.0},
    {"alpha": 1.0, "penalty": "gnmt", "min_ratio": 0.7, "max_ratio": 0.7},
    {"alpha": 1.0, "no_repeat": 1},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_the_best_of_all_is_found_and_proved(way, at_once):
    stepper, batch, options = RandomStepper(4, seed=11), sentences(6), replace(SHORT, **way)
    known = [found[0] for found in beam(stepper, batch, options)]
    proofs = exact(stepper, batch, options, known, at_once=at_once)
    best = [max(everything(stepper, k, options)) for k in range(6)]
    assert all(proof.decided and proof.open == 0 for proof in proofs)
    assert [proof.best.symbols for proof in proofs] == [each.symbols for each in best]
    assert np.allclose([proof.best.score for proof in proofs], [each.score for each in best], atol=1e-5)
    assert all(proof.longest == options.longest(3) for proof in proofs)
    assert any(proof.best.symbols != each.symbols for proof, each in zip(proofs, known, strict=True))


def test_a_proof_reads_no_more_than_the_prefixes_that_could_win():
    stepper, options = RandomStepper(4, seed=12), replace(SHORT, alpha=0.0)
    best = [max(everything(stepper, k, options)) for k in range(6)]
    for k, proof in enumerate(exact(stepper, sentences(6), options, best)):
        able = [()]
        for prefix in able:
            if len(prefix) < options.longest(3):
                log_p = stepper.log_p((k, 0, *prefix))
                so_far = sum(stepper.log_p((k, 0, *prefix[:n]))[prefix[n]] for n in range(len(prefix)))
                able += [(*prefix, word) for word in (2, 3) if so_far + log_p[word] > best[k].log_probability]
        assert proof.prefixes == len(able)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_what_is_left_open_is_told(alpha):
    """Nothing up to `longest` words is better, and what is better lies within the open probability."""
    stepper, options, better = RandomStepper(4, seed=13), replace(SHORT, alpha=alpha), 0
    known = [found[0] for found in beam(stepper, sentences(20), options)]
    for prefixes in (1, 3, 10, 30):
        proofs = exact(stepper, sentences(20), options, known, budget=Budget(prefixes), at_once=2)
        for k, proof in enumerate(proofs):
            assert proof.prefixes <= prefixes
            assert proof.best.score >= known[k].score
            rest = [each for each in everything(stepper, k, options) if each.score > proof.best.score + 1e-3]
            assert not any(len(each.symbols) <= proof.longest for each in rest)
            assert sum(np.exp(each.log_probability) for each in rest) <= proof.open + 1e-6
            assert not (rest and proof.decided)
            better += bool(rest)
    assert better


def test_translations_longer_than_asked_are_not_looked_at():
    stepper, options, cut = RandomStepper(4, seed=11), replace(SHORT, alpha=1.0), 0
    known = [found[0] for found in beam(stepper, sentences(30), options)]
    limits = [len(each.symbols) for each in known]
    for k, proof in enumerate(exact(stepper, sentences(30), options, known, longest=limits)):
        every = list(everything(stepper, k, options))
        assert proof.decided
        assert proof.longest == limits[k]
        assert proof.best.symbols == max(each for each in every if len(each.symbols) <= limits[k]).symbols
        cut += max(every).symbols != proof.best.symbols
    assert cut


def test_prefixes_of_several_sentences_are_read_together():
    stepper = RandomStepper(4, seed=14)
    options = replace(SHORT, alpha=0.0)
    known = [found[0] for found in beam(stepper, sentences(8), options)]
    stepper.rows.clear()
    exact(stepper, sentences(8), options, known)
    assert stepper.rows[0] == 8
    together = len(stepper.rows)
    for k in range(8):
        exact(stepper, sentences(1, first=k), options, known[k : k + 1])
    assert together < (len(stepper.rows) - together) / 3


def test_what_cannot_be_proved_is_told():
    with pytest.raises(OptionError, match=r"--coverage 0.2: exact search has no bound"):
        exact(RandomStepper(), sentences(1), SearchOptions(coverage=0.2), [])
    with pytest.raises(OptionError, match="--proof-prefixes 0: must be at least 1"):
        Budget(0)
    with pytest.raises(OptionError, match="--proof-longer -1: must be at least 0"):
        Budget(proof_longer=-1)
    with pytest.raises(OptionError, match="--proof-seconds 0: must be more than 0"):
        Budget(1, 0.0)
