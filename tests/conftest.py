"""What all tests share: the real corpora where they are at hand, one thread, seeds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

DATA = Path(os.environ.get("NAIBU_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def naibu_data() -> Path:
    """The folder of real corpora; tests that need it are skipped, by name, where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"the corpora are not here: NAIBU_DATA={DATA}")
    return DATA


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)
