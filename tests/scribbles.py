"""Drawings that tests make up: zigzags and loops of a few strokes, as JSON lines; and a font of glyphs."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

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


FONT = {
    " ": ((-3, 4), []),
    "a": ((-1, 1), [[(0, -2), (0, 2)]]),
    "b": ((-2, 5), [[(0, 0), (2, 3)], [(1, 1), (4, -2)]]),
    "c": ((-3, 3), [[(2, -3), (-2, 0), (2, 3)]]),
}
"""Glyphs of a made-up font by character: left and right end, strokes; others are as a."""


def font(path: Path, count: int = 96) -> Path:
    """Write a font of so many glyphs, from the blank on; return its file."""
    lines = []
    for code in range(32, 32 + count):
        (left, right), strokes = FONT.get(chr(code), FONT["a"])
        pairs = [_letters(left, right)]
        for number, stroke in enumerate(strokes):
            pairs += [" R"] * (number > 0) + [_letters(*place) for place in stroke]
        lines.append(f"{code:5d}{len(pairs):3d}{''.join(pairs)}")
    path.write_text("\n".join(lines) + "\n")
    return path


def _letters(x: int, y: int) -> str:
    return chr(ord("R") + x) + chr(ord("R") + y)
