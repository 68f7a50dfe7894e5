"""Runs of the first format, which were language models of trees: read, never written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from naibu.storage import read_json

NAMES = {"path": "corpus", "seed": "split_seed"}
"""Options of a corpus that go by another name now."""


def read(where: Path) -> Any:
    """Return what a `config.json` holds as `settings.toml` has it, None where it is no run's."""
    found = read_json(where, "a run's configuration")
    try:
        corpus, same = found["corpus"], {name: found[name] for name in ("model", "training")}
        options = {NAMES.get(name, name): value for name, value in corpus["options"].items()}
        known = {"sizes": {"input": found["symbols"]}, "found": corpus, "fingerprint": corpus["fingerprint"]}
        known |= {name: found[name] for name in ("format", "versions")}
    except (KeyError, TypeError, AttributeError):
        return None
    return {"task": "trees", "data": options, **same, "run": known}
