"""What the tests of the viewer share: small runs with their recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from random_trees import treebank
from scribbles import scribbles
from series_tables import hourly

TEXT = "The cat (that sat) on the mat; it was so, and so it goes.\n"


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> dict[str, Path]:
    """A run of trees, of running text, of series and of strokes, each with its recordings; to be read only."""
    from naibu.cli import main

    folder = tmp_path_factory.mktemp("live")
    (folder / "trees.mrg").write_text(treebank(40, seed=3))
    (folder / "text.txt").write_text(TEXT * 120)
    (folder / "hours.csv").write_text(hourly(500))
    (folder / "scribbles.ndjson").write_text(scribbles())
    small = ["--units", "8", "--steps", "30", "--validations", "1", "--threads", "1"]
    found = {}
    for task, words in (
        ("trees", ["trees.mrg", "--form", "brackets"]),
        ("text", ["text.txt", "--longest", "60", "--level", "character"]),
        ("series", ["hours.csv", "--target", "volume", "--known", "holiday", "--horizon", "6", "--context", "30"]),
        ("strokes", ["scribbles.ndjson"]),
    ):
        run = found[task] = folder / task
        assert main(["train", task, str(folder / words[0]), *words[1:], *small, "--out", str(run)]) == 0
        assert main(["record", str(run)]) == 0
    return found
