"""What all tests share: the real corpora where they are at hand, one thread, seeds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from frames import empty_frames
from random_trees import treebank

DATA = Path(os.environ.get("NAIBU_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def naibu_data() -> Path:
    """The folder of real corpora; tests that need it are skipped, by name, where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"the corpora are not here: NAIBU_DATA={DATA}")
    return DATA


@pytest.fixture(scope="session")
def small_treebank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random trees, to be read only."""
    path = tmp_path_factory.mktemp("treebank") / "trees.mrg"
    path.write_text(treebank(120, seed=3))
    return path


@pytest.fixture(scope="session")
def small_look(small_treebank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a look is finished, its page drawn; to be read only, damage is done to a copy."""
    from naibu.cli import main
    from small_jobs import SMALL

    out = tmp_path_factory.mktemp("looks") / "mine"
    assert main(["look", str(small_treebank), "--form", "tagged", *SMALL, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """Pages with empty frames in place of drawings; `small_look` has them drawn."""
    with empty_frames():
        yield


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)
