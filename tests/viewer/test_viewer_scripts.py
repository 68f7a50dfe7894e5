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
