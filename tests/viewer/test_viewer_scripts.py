"""Scripts of the page that need no browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import naibu

STATIC = Path(naibu.__file__).parent / "viewer" / "static"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_a_threshold_has_few_digits_and_lies_where_it_parts():
    asked = [
        [0.95, 0.9, 1.0], [0.123456, 0.1, 0.2], [0.99949, 0.9994, 0.9996], [-0.50012, -0.5002, -0.50005],
        [1234.5678, 1234.567, 1234.568], [0.0, -1.0, 1.0], [0.8, 0.9, 1.0],
    ]  # fmt: skip
    script = f"""
      import {{ rounded }} from {json.dumps((STATIC / "threshold.js").as_uri())};
      console.log(JSON.stringify({json.dumps(asked)}.map((each) => rounded(...each))));
    """
    run = subprocess.run(
        ["node", "--input-type=module", "--eval", script], capture_output=True, text=True, timeout=60, check=True
    )
    found = json.loads(run.stdout)
    assert found[:2] == [0.95, 0.123]
    for value, (_, low, high) in zip(found[:-1], asked, strict=False):
        assert low < value < high
    assert found[-1] == 0.8  # nothing near it lies between: it stays


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_the_pad_reads_a_drawing_in_every_shape_and_nothing_else():
    texts = [
        "[[[3, 4], [5, 4]], [[5, 9]]]",
        '{"strokes": [[[3, 4], [5, 4]], [[5, 9]]], "kind": "loop"}',
        '{"points": [[3, 4, 0], [2, 0, 1], [0, 5, 0]]}',
        '{"points": [[3, 4, 1, 0, 0], [2, 0, 0, 1, 0], [0, 5, 1, 0, 0]]}',
        '{"drawing": [[[3, 5], [4, 4]], [[5], [9]]]}',
        "{",
        "3",
        "null",
        '[["a"]]',
        '{"points": 3}',
    ]
    script = f"""
      import {{ strokesOf }} from {json.dumps((STATIC / "pad.js").as_uri())};
      console.log(JSON.stringify({json.dumps(texts)}.map(strokesOf)));
    """
    run = subprocess.run(
        ["node", "--input-type=module", "--eval", script], capture_output=True, text=True, timeout=60, check=True
    )
    found = json.loads(run.stdout)
    assert [each["strokes"] for each in found[:5]] == 5 * [[[[3, 4], [5, 4]], [[5, 9]]]]
    assert found[1]["said"] == {"kind": "loop"}
    assert found[5:] == 5 * [None]
