"""Killed and stopped at any moment: the same command again ends with the same bytes."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from damages import Worked, content, run, small_shards
from pairs import SCRIPT

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
LONGEST = 4.0


@dataclass(frozen=True)
class Outcome:
    """What came of a kill: nothing in `wrong` where it went as it should."""

    signal: str
    seconds: float
    status: int
    wrong: str


def tried(worked: Worked, rng: random.Random) -> Outcome:
    """Kill a whole look at a moment, do the same again, and compare with one that was left alone."""
    which, seconds = rng.choice(SIGNALS), rng.random() * LONGEST
    folder = worked.copy("killed")
    shutil.rmtree(folder.parent)
    words = worked.typed(("look",), folder)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "0", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    process.stdin.write("go\n")
    process.stdin.flush()
    time.sleep(seconds)
    process.send_signal(which)
    said, _ = process.communicate(timeout=60)
    wrong = []
    if which != signal.SIGKILL and process.returncode not in (0, 130):
        wrong.append(f"status {process.returncode}: {said[-300:]}")
    with small_shards():
        status, told, error = run(words)
    if status != 0:
        wrong.append(f"cannot go on: {error or told[-300:]}")
    status, told, error = run(["check", str(folder.parent)])
    if status != 0:
        wrong.append(f"broken: {error or told[-300:]}")
    whole, now = content(worked.place / "whole" / "tagged-8"), content(folder)
    differing = [name for name in {*whole, *now} if whole.get(name) != now.get(name)]
    if differing:
        wrong.append(f"other content: {differing[:4]}")
    return Outcome(which.name, seconds, process.returncode, "; ".join(wrong))
