"""Random trees as Penn brackets, for tests that need a small treebank."""

from __future__ import annotations

import random


def nested(rng: random.Random, depth: int = 0) -> str:
    """A random tree as Penn brackets."""
    if depth > 3 or rng.random() < 0.35:
        return f"({rng.choice(['N', 'V'])} {rng.choice('abcdefgh')})"
    return f"({rng.choice(['NP', 'VP'])} " + " ".join(nested(rng, depth + 1) for _ in range(rng.randint(1, 3))) + ")"


def treebank(count: int, seed: int) -> str:
    """So many random sentences, one on each line."""
    rng = random.Random(seed)
    return "".join(f"(S {nested(rng)} {nested(rng)})\n" for _ in range(count))


def sentences(count: int, seed: int = 3) -> str:
    """A small treebank: noun phrases of one to four nouns, a verb."""
    rng = random.Random(seed)
    noun = lambda: f"(N {rng.choice('abcdefgh')})"  # noqa: E731
    return "".join(f"(S (NP {' '.join(noun() for _ in range(rng.randint(1, 4)))}) (VP (V a)))\n" for _ in range(count))
