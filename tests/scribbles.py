"""Drawings that tests make up: zigzags and loops of a few strokes, as JSON lines."""

from __future__ import annotations

import json
import math
import random

WORDS = ("ab", "b a", "cab", "aa", "bc")


def scribbles(count: int = 90, seed: int = 7, *, whole: bool = True) -> str:
    """JSON lines of stroke-3 points, each with its `kind` and a `word`: offsets whole numbers, or a tenth finer."""
    rng, lines = random.Random(seed), []
    for number in range(count):
        kind = ("zigzag", "loop", "step")[number % 3]
        points = []
        for stroke in range(rng.randint(1, 3)):
            steps = rng.randint(2, 6)
            for k in range(steps):
                if k == 0:
                    dx, dy = rng.gauss(9, 3), rng.gauss(-6, 3) * stroke
                elif kind == "zigzag":
                    dx, dy = 4, 7 * (-1) ** k
                elif kind == "loop":
                    dx, dy = 8 * math.cos(k), 8 * math.sin(k)
                else:
                    dx, dy = (6, 0) if k % 2 else (0, 6)
                dx, dy = dx + rng.gauss(0, 0.4), dy + rng.gauss(0, 0.4)
                points.append([round(dx), round(dy), int(k == steps - 1)] if whole else [dx, dy, int(k == steps - 1)])
        lines.append(json.dumps({"points": points, "kind": kind, "number": number, "word": WORDS[number % 5]}))
    return "".join(f"{line}\n" for line in lines)
