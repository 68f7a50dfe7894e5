"""An hour of it: `PYTHONPATH=tests python tests/fuzz [SECONDS] [SEED]`; status 1 where anything went as it must not."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import damages
import hostile
import kills
import odd_numbers
import pairs

Tried = tuple[str, str, str]
"""The part, what was tried, and what was wrong."""


def damaged(worked: damages.Worked, rng: random.Random) -> Iterator[Tried]:
    for damage in damages.damages(rng):
        found = worked.outcome(damage, rng)
        bad = found.kind in ("silent", "unnoticed", "traceback")
        yield "damages", f"{found.damage}", f"{found.kind}: {found.said}" if bad else ""


def files(worked: damages.Worked, rng: random.Random) -> Iterator[Tried]:
    odd = list(hostile.CORPORA)
    rng.shuffle(odd)
    for number, case in enumerate([*odd, *(next(hostile.stored(worked.place / "whole", rng)) for _ in range(1000))]):
        folder = worked.place / f"case-{number}"
        found = hostile.tried(case, folder)
        shutil.rmtree(folder, ignore_errors=True)
        yield "hostile files", case.name, f"{found.wrong}: {found.said}" if found.wrong else ""


def at_once(worked: damages.Worked, rng: random.Random) -> Iterator[Tried]:
    for pair in pairs.pairs(rng):
        yield "pairs", str(pair), pairs.tried(worked, pair, rng).wrong


def killed(worked: damages.Worked, rng: random.Random) -> Iterator[Tried]:
    for _ in count():
        found = kills.tried(worked, rng)
        yield "kills", f"{found.signal} after {found.seconds:.2f} s", found.wrong


def numbers(worked: damages.Worked, rng: random.Random) -> Iterator[Tried]:
    every = [(*each, number) for each in odd_numbers.options() for number in odd_numbers.ODD]
    rng.shuffle(every)
    for chain, option, number in every:
        out, network = worked.place / "odd", worked.place / "whole" / "tagged-8"
        shutil.rmtree(out, ignore_errors=True)
        words = odd_numbers.typed(chain, option, number, out, worked.corpus, network)
        yield "numbers", " ".join([*chain, option, number]), odd_numbers.wrong_with(words)


def main(seconds: float, seed: int) -> int:
    """Try the parts by turns for so long; print what went wrong, and how much was tried."""
    rng, began, tried, wrong = random.Random(seed), time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory() as place:
        worked = damages.Worked(Path(place))
        parts = [part(worked, random.Random(rng.random())) for part in (damaged, files, at_once, killed, numbers)]
        while parts and time.monotonic() - began < seconds:
            for part in list(parts):
                found = next(part, None)
                if found is None:
                    parts.remove(part)
                    continue
                tried[found[0]] += 1
                if found[2]:
                    wrong += 1
                    print(f"WRONG {found[0]}: {found[1]}\n{found[2]}\n", flush=True)
    print(f"seed {seed}: {dict(tried)}, {wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2] or ["3600"]), *map(int, sys.argv[2:3] or ["1"])))
