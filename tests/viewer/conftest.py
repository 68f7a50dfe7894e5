"""What the tests of the viewer share: two small runs with their recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from random_trees import treebank

TEXT = "The cat (that sat) on the mat; it was so, and so it goes.\n"


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> dict[str, Path]:
    """A run of trees and one of running text, each with its recordings; to be read only."""
    from naibu.cli import main

    folder = tmp_path_factory.mktemp("live")
    (folder / "trees.mrg").write_text(treebank(40, seed=3))
    (folder / "text.txt").write_text(TEXT * 120)
    small = ["--units", "8", "--steps", "30", "--threads", "1"]
    found = {}
    for task, words in (
        ("trees", ["trees.mrg", "--form", "brackets"]),
        ("text", ["text.txt", "--longest", "60", "--level", "character"]),
    ):
        run = found[task] = folder / task
        assert main(["train", task, str(folder / words[0]), *words[1:], *small, "--out", str(run)]) == 0
        assert main(["record", str(run)]) == 0
    return found
