"""A seeded round of what `make fuzz` does for an hour: damage, hostile files, two at once, kills, odd numbers."""

from __future__ import annotations

import random
from pathlib import Path

import hostile
import kills
import odd_numbers
import pairs
import pytest
from damages import Worked, damages

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    return Worked(tmp_path_factory.mktemp("fuzz"))


def test_damage_is_refused_mended_or_without_effect(worked: Worked) -> None:
    rng = random.Random(16)
    for _, damage in zip(range(12), damages(rng), strict=False):
        found = worked.outcome(damage, rng)
        assert found.kind in ("refused", "none"), found


def test_a_stored_file_replaced_is_one_line_or_nothing(worked: Worked, tmp_path: Path) -> None:
    rng = random.Random(16)
    found = hostile.tried(next(hostile.stored(worked.place / "whole", rng)), tmp_path / "case")
    assert not found.wrong, found


@pytest.mark.parametrize("name", ["a pipe", "gzip: an honest beginning, then zeros", "Python: a name of 200,000 parts"])
def test_a_hostile_corpus_is_one_line(tmp_path: Path, name: str) -> None:
    case = next(case for case in hostile.CORPORA if case.name == name)
    assert not (found := hostile.tried(case, tmp_path / "case")).wrong, found


def test_of_two_at_once_one_is_told_of_the_other(worked: Worked) -> None:
    found = pairs.tried(worked, ("record", "record"), random.Random(16))
    assert not found.wrong, found
    assert sorted(found.statuses) in ([0, 2], [0, 0])


def test_a_killed_look_goes_on_to_the_same_bytes(worked: Worked) -> None:
    assert not (found := kills.tried(worked, random.Random(17))).wrong, found


def test_odd_numbers_are_refused_or_taken(worked: Worked, tmp_path: Path) -> None:
    network = worked.place / "whole" / "tagged-8"
    rng = random.Random(16)
    light = ("train", "record", "intervene", "colour")
    options = [each for each in odd_numbers.options() if each[0][0] in light]
    every = [(*each, number) for each in options for number in odd_numbers.ODD]
    assert len(every) > 300
    for chain, option, number in rng.sample(every, 40):
        words = odd_numbers.typed(chain, option, number, tmp_path / "o", worked.corpus, network)
        assert not (wrong := odd_numbers.wrong_with(words, 1)), (words, wrong)
