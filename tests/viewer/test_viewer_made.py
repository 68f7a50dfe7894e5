"""The script that measures the viewer: what it asks at random is answered, or refused in a line."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

import naibu

SCRIPT = Path(__file__).parents[2] / "docs" / "made" / "viewer.py"


@pytest.fixture(scope="module")
def made():
    spec = importlib.util.spec_from_file_location("made_viewer", SCRIPT)
    found = importlib.util.module_from_spec(spec)
    sys.modules["made_viewer"] = found
    spec.loader.exec_module(found)
    yield found
    del sys.modules["made_viewer"]


def test_random_questions_are_answered_or_refused_in_a_line(made, runs):
    draw, answered, refused = random.Random(4), Counter(), 0
    with naibu.view(runs["text"], runs["series"]) as shown:
        server = made.Server(shown.address, os.getpid(), 0.0)
        exhibits = server.about()
        for _ in range(160):
            path, asked, posted = made.question(exhibits, draw)
            status, body = server.post(path, asked) if posted else server.get(path, **asked)
            assert status in (200, 400, 404), (path, asked, body[:300])
            answered[path.rpartition("/")[2]] += status == 200
            if status == 400:
                refused += 1
                assert "\n" not in json.loads(body)["error"]
    assert refused
    never = {name for name, count in answered.items() if not count}
    none = {"nothing.js", "pair", "translate"}  # no file of the page; no network that translates
    assert none <= never <= none | {"write", "as_typed", "span"}  # few of these draws can be answered


def test_its_table_has_the_rows_of_the_document(made):
    row = made.Row("search", "5 s", "2 s", "3 s")
    assert row.line() == "| search | 5 s | 2 s | 3 s |"
    text = (SCRIPT.parents[1] / "viewer.md").read_text(encoding="utf-8")
    for name in ("opened", "search", "hold", "frames", "memory"):
        assert f"--only {name}" in text
        assert callable(getattr(made, name))
