"""A tiny language with planted likeness: words of one group come beside the same companions."""

from __future__ import annotations

import numpy as np

GROUPS, EACH, COMPANIONS = 3, 4, 4


def sentences(count: int = 1500, seed: int = 1) -> list[list[str]]:
    """Sentences about one group: its words, g0a to g0d, and its companions, c00 to c03, by turns."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        group = generator.integers(GROUPS)
        words = [f"g{group}{'abcd'[k]}" for k in generator.integers(0, EACH, 5)]
        beside = [f"c{group}{k}" for k in generator.integers(0, COMPANIONS, 5)]
        found.append([word for pair in zip(words, beside, strict=True) for word in pair])
    return found
