"""The published scores."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Literal

Cell = Literal["rnn", "lstm", "gru", "stack-rnn"]
PUBLISHED: dict[str, Any] = json.loads(
    files("naibu.papers.deletang2023").joinpath("published.json").read_text(encoding="utf-8")
)
LANGUAGES: tuple[str, ...] = tuple(PUBLISHED["scores"])
"""The paper's fifteen languages, in its order, by the names of `naibu.data.formal.catalogue`."""
SOURCE: str = PUBLISHED["source"]
STEPS = 1_000_000
"""Of each training there."""
SOLVED = 90.0
"""Accuracy in % from which the paper calls a language solved."""


def published_score(language: str, cell: str) -> float | None:
    """Return the published accuracy in %, None where there is none: of the GRU."""
    cells = PUBLISHED["cells"]
    return float(PUBLISHED["scores"][language][cells.index(cell)]) if cell in cells else None
