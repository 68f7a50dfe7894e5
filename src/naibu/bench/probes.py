"""Our probes against scikit-learn, numpy and scipy doing the same, and all that a report probes, from disk."""

from __future__ import annotations

import itertools
import math
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naibu import probes
from naibu.bench import probe_contests as contests
from naibu.bench.apart import Done, apart
from naibu.bench.planted import CELL, DEPTH, INSIDE, planted
from naibu.bench.probe_contests import Answer
from naibu.bench.sizes import Row, Sizes, with_progress
from naibu.progress import Report, silent
from naibu.recording import Recording

USUAL = ((100_000, 200), (1_000_000, 1000))
QUICK = ((10_000, 100),)
AGAINST = 20_000_000  # values (rows times units) that a peer is given at most; it would need hours, or all the memory
PATIENCE = 240.0  # seconds for all strengths with one solver and tolerance of a peer
ROUNDS, ENOUGH = 3, 20.0  # by turns (quick: one); no other where they have taken so many seconds
EQUAL = 1e-3  # of the objective: from here on a peer's solution counts as the same

BEGIN, EACH = 90.0, 1.5e-6  # seconds of a size, and for each of its values: a guess, for the progress shown

Ours = Callable[[Path, int], Answer]
Peer = Callable[[Path, int, Answer, float], Answer]
Objectives = Callable[[Path, int, list[Answer]], np.ndarray]


@dataclass(frozen=True)
class Contest:
    """A probe, how others compute the same, and by what their answers are compared."""

    probe: str
    ours: Ours
    peers: dict[str, Peer]
    objectives: Objectives | None = None  # None: the numbers themselves are compared
    tolerances: tuple[float, ...] = (1e-4,)  # tried in turn, until the objective is as low as ours


CONTESTS = (
    Contest("correlation", contests.correlation_ours, {"numpy corrcoef": contests.correlation_numpy}),
    Contest("overlap", contests.overlap_ours, {"numpy histogram": contests.overlap_numpy}),
    Contest("linear", contests.linear_ours, {"LinearRegression": contests.linear_sklearn}, contests.squared_objectives),
    Contest("Lasso path", contests.lasso_ours, {"lasso_path": contests.lasso_sklearn}, contests.squared_objectives),
    Contest(
        "L1 logistic path",
        contests.l1_ours,
        {"liblinear": contests.liblinear, "saga": contests.saga},
        contests.logistic_objectives,
        (1e-2, 1e-3, 1e-4, 1e-5),
    ),
    Contest("distributions", contests.distributions_ours, {"scipy beta.fit": contests.distributions_scipy}),
    Contest("confusion", contests.confusion_ours, {"sklearn.metrics": contests.confusion_sklearn}),
)
IN_REPORT: dict[str, Callable[[Recording], object]] = {
    "confusion": probes.confusion,
    "distributions": probes.distributions,
    "correlation": lambda r: probes.correlation(r, DEPTH),
    "search": probes.search,
    "regression": lambda r: probes.regression(r, DEPTH, CELL),
    "overlap": lambda r: probes.overlap(r, INSIDE),
    "L1 logistic path": lambda r: probes.l1_path(r, INSIDE, CELL),
}


def measure(sizes: Sizes, progress: Report = silent) -> Iterator[Row]:
    """Yield a row for each contest and size, then for each probe as a report runs it, and for all of these together.

    The recording (`planted`, float16) lies on disk; each contender reads it and computes in a process of its own on one
    thread, by turns, the median of three rounds, of one where they are long. `rows` are the training rows fitted on;
    scored is on a quarter as many more. `ratio_to_sklearn` is the peer's processor time over ours (above 1 we are
    faster): on a loaded machine it is steadier than the clock, which stands beside it. `peak_mb` is the most anonymous
    memory of the process, Python and libraries (about 200 MB) included. `objective_difference` is the peer's objective
    less ours over ours, the largest over strengths in size, above 0 where ours is lower; where there is no objective
    the largest difference of the numbers. Of several solvers and tolerances the fastest that comes within a thousandth
    of our objective is the peer, or, where none does, the nearest: `equal` says which.

    With over 20 million values the peer is timed on the first rows only, ours on the same, and ours alone on all, in a
    row of its own without ratio: nothing is extrapolated. `report:` rows are whole probes on the recording's two
    signals, with intervals and all controls but the untrained network; a network has up to seven signals.
    """
    hidden = sizes.hidden or ((200,) if sizes.rows else ())
    wanted = list(itertools.product(sizes.rows or (100_000,), hidden)) or list(QUICK if sizes.quick else USUAL)
    for rows, units in with_progress(wanted, lambda size: BEGIN + EACH * math.prod(size), progress):
        with tempfile.TemporaryDirectory(prefix="naibu-bench-") as place:
            folder = Path(place) / "planted"
            planted(folder, rows, units)
            for contest in CONTESTS:
                yield from _against(contest, folder, rows, units, 1 if sizes.quick else ROUNDS)
            yield from _in_report(folder, rows, units)


def _against(contest: Contest, folder: Path, rows: int, units: int, rounds: int) -> Iterator[Row]:
    part = min(rows, AGAINST // units)
    if part == rows:
        yield _contested(contest, folder, rows, units, rounds)
        return
    with tempfile.TemporaryDirectory(prefix="naibu-bench-") as place:
        # A probe that takes all rows must find a smaller recording, not a part of this one.
        smaller = Path(place) / "planted"
        planted(smaller, part, units)
        yield _contested(contest, smaller, part, units, rounds)
    alone = apart(contest.ours, folder, rows)
    assert alone is not None
    yield _row(contest.probe, rows, units, alone)


def _contested(contest: Contest, folder: Path, rows: int, units: int, rounds: int) -> Row:
    """Return the row of ours and of the best peer, measured by turns."""
    ours = apart(contest.ours, folder, rows)
    assert ours is not None
    found = [each for name in contest.peers for each in _tried(contest, name, folder, rows, ours)]
    if not found:
        return _row(contest.probe, rows, units, ours) | {"peer": f"none within {PATIENCE:.0f} s"}
    equal = [each for each in found if abs(each.difference) <= EQUAL] if contest.objectives else found
    peer = min(equal, key=lambda each: each.done.cpu_seconds) if equal else min(found, key=lambda e: abs(e.difference))
    mine, theirs = [ours], [peer.done]
    while len(mine) < rounds and sum(each.seconds for each in (*mine, *theirs)) < ENOUGH:
        again = apart(contest.ours, folder, rows), apart(peer.call, folder, rows, ours.value, peer.tolerance)
        for done, kept in zip(again, (mine, theirs), strict=True):
            assert done is not None
            kept.append(done)
    row = _row(contest.probe, rows, units, *mine)
    cpu = statistics.median(each.cpu_seconds for each in theirs)
    row |= {
        "ratio_to_sklearn": cpu / row["cpu_seconds"],
        "objective_difference": peer.difference,
        "peer": peer.name,
        "equal": bool(equal),
        "peer_seconds": statistics.median(each.seconds for each in theirs),
        "peer_cpu_seconds": cpu,
        "peer_peak_mb": round(max(each.peak_mb for each in theirs)),
    }
    return row | {"load": max(each.load for each in (*mine, *theirs))}


@dataclass(frozen=True)
class _Tried:
    name: str
    call: Peer
    tolerance: float
    done: Done
    difference: float


def _tried(contest: Contest, name: str, folder: Path, rows: int, ours: Done) -> Iterator[_Tried]:
    """Yield what a peer comes to at each tolerance, until it is as good as ours, no better than before, or too slow."""
    call, before = contest.peers[name], float("inf")
    for tolerance in contest.tolerances:
        done = apart(call, folder, rows, ours.value, tolerance, limit=PATIENCE)
        if done is None:
            return
        difference = _difference(contest, folder, rows, [ours.value, done.value])
        said = f"{name}, tolerance {tolerance:g}" if len(contest.tolerances) > 1 else name
        yield _Tried(said, call, tolerance, done, difference)
        if abs(difference) <= EQUAL or abs(difference) > 0.9 * before:
            return
        before = abs(difference)


def _difference(contest: Contest, folder: Path, rows: int, answers: list[Answer]) -> float:
    if contest.objectives is None:
        return float(np.abs(answers[1].numbers - answers[0].numbers).max())
    ours, theirs = contest.objectives(folder, rows, answers)
    relative = (theirs - ours) / np.maximum(np.abs(ours), 1e-300)
    return float(relative[np.abs(relative).argmax()])


def _in_report(folder: Path, rows: int, units: int) -> Iterator[Row]:
    each = []
    for name in IN_REPORT:
        done = apart(probed, folder, name)
        assert done is not None
        each.append(done)
        yield _row(f"report: {name}", rows, units, done)
    whole = _row("report: all of these", rows, units, *each)
    sums = {key: sum(getattr(done, key) for done in each) for key in ("seconds", "cpu_seconds")}
    yield whole | sums


def probed(folder: Path, name: str) -> None:
    """Run one probe as a report does."""
    IN_REPORT[name](Recording.open(folder))


def _row(probe: str, rows: int, units: int, *done: Done) -> Row:
    middle: Callable[[Sequence[float]], float] = statistics.median
    return {
        "probe": probe,
        "rows": rows,
        "units": units,
        "ratio_to_sklearn": None,
        "peak_mb": round(max(each.peak_mb for each in done)),
        "objective_difference": None,
        "load": max(each.load for each in done),
        "seconds": middle([each.seconds for each in done]),
        "cpu_seconds": middle([each.cpu_seconds for each in done]),
        "peer": None,
        "equal": None,
        "peer_seconds": None,
        "peer_cpu_seconds": None,
        "peer_peak_mb": None,
    }
