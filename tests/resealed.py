"""Files of ours changed on purpose, with the checksum that they would have had."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from naibu.storage import DIGEST, write_json


def resealed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a JSON file holds, as whoever writes such files would have written it."""
    found = json.loads(path.read_text())
    found.pop(DIGEST, None)
    change(found)
    write_json(path, found)


def without_seal(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a JSON file holds into what a version without checksums wrote."""
    found = json.loads(path.read_text())
    for name in (DIGEST, "made_from", "verified", "csv"):
        found.pop(name, None)
    change(found)
    path.write_text(json.dumps(found))
