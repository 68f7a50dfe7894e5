"""Two commands at once in one folder: one of them works, the other is told so, and nothing is broken."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from damages import Worked, content, run, small_shards

SCRIPT = """
import sys, time
from naibu.recording import store
store.SHARD_BYTES = 8000
from naibu.cli import main
print("ready", flush=True)
sys.stdin.readline()
time.sleep(float(sys.argv[1]))
sys.exit(main(sys.argv[2:]))
"""
STEPS = ("look", "train", "record", "probe", "intervene")
LIMIT = 120.0
REASONS = ("has been writing here since", "unfinished", "not found; this should be", "no run here", "no unit is known")
"""Why the second may be refused: another writes there, or has not come so far yet."""


@dataclass(frozen=True)
class Outcome:
    """What came of a pair: nothing in `wrong` where it went as it should."""

    pair: tuple[str, str]
    statuses: tuple[int, int]
    wrong: str


def pairs(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield pairs of steps without end, all of them in turn."""
    every = [pair for pair in product(STEPS, STEPS) if pair[0] <= pair[1]]
    while True:
        rng.shuffle(every)
        yield from every


def tried(worked: Worked, pair: tuple[str, str], rng: random.Random) -> Outcome:
    """Run two steps at once in a folder where the ones before are done, then once more alone, and compare."""
    folder = _ready_for(worked, pair)
    words = [worked.typed((step,), folder) for step in pair]
    processes = [_begun(each, rng.random() * 0.3 * number) for number, each in enumerate(words)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said, statuses = [], []
    for process in processes:
        try:
            out, error = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            return Outcome(pair, (-9, -9), "stuck")
        said.append(out + error)
        statuses.append(process.returncode)
    wrong = []
    if any(status not in (0, 2) for status in statuses) or any("Traceback" in each for each in said):
        wrong.append("an exception: " + said[0][-300:] + said[1][-300:])
    for status, each in zip(statuses, said, strict=True):
        if status == 2 and not any(reason in each for reason in REASONS):
            wrong.append(f"refused for another reason: {each[-300:]}")
    for step, each in zip(pair, words, strict=True):  # each again: it goes on, and all is whole
        with small_shards():
            status, told, error = run(each)
        if status != 0 and not any(reason in told for reason in REASONS[2:]):
            wrong.append(f"{step} cannot go on: {error or told[-300:]}")
    status, told, error = run(["check", str(folder.parent)])
    if status != 0:
        wrong.append(f"broken: {error or told[-300:]}")
    whole, now = content(worked.place / "whole" / "tagged-8"), content(folder)
    differing = [name for name in now if name in whole and now[name] != whole[name]]
    if differing:
        wrong.append(f"other content: {differing[:4]}")
    return Outcome(pair, (statuses[0], statuses[1]), "; ".join(wrong))


def _ready_for(worked: Worked, pair: tuple[str, str]) -> Path:
    """Return the folder of a network in which everything that the two steps make is still to be made."""
    folder = worked.copy("pair")
    made = {"look": "", "train": "", "record": "recordings", "probe": "results", "intervene": "results/holding.json"}
    first = min(pair, key=STEPS.index)
    if made[first] == "":
        shutil.rmtree(folder.parent)
        return folder
    for name in ("report.html", "summary.json", "look.json"):
        (folder.parent / name).unlink()
    for step in pair:
        lost = folder / made[step]
        if step == "probe":
            for result in lost.glob("*.*"):
                if result.name not in ("corpus.json", "seconds.json", "holding.json", "holding.csv"):
                    result.unlink()
        elif lost.is_dir():
            shutil.rmtree(lost)
        elif lost.exists():
            lost.unlink()
    return folder


def _begun(words: list[str], wait: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(wait), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
