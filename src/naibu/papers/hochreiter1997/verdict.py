"""The verdict in a few words: how our trials of a row stand to what was published."""

from __future__ import annotations

import math
from collections.abc import Sequence

from naibu.online.trials import Trial
from naibu.papers.hochreiter1997.figures import solved_there
from naibu.papers.hochreiter1997.ratio import ratio_of_means, same_rate, share_differs
from naibu.papers.hochreiter1997.rows import Row, original

SIGNIFICANT = 0.05
ENOUGH = 3.0
"""Times the published mean that the cap must be before a row may be called not reproduced."""
NOT_RUN = "not run"
KINDS = {
    "agrees": "agree with what was published",
    "differ": "solved, with more or fewer sequences, or more or less often",
    "not reproduced": "not reproduced: solved less often than published, though the cap was far enough",
    "cut short": "cut short: the cap was too low to tell",
    NOT_RUN: "not run",
}
"""What the beginnings of verdicts say, for counting them."""


def verdict(row: Row, trials: Sequence[Trial]) -> str:
    """Return how the trials compare with the published row, in a few words.

    agrees: the success rates are not told apart by Fisher's test, and 1 lies inside the interval of the ratio of
    means. It is no proof of equality; with few trials much agrees.
    """
    solved = sum(trial.solved for trial in trials)
    ours = f"{solved} of {len(trials)} solved"
    if not row.published:
        return f"{ours}" if solved == len(trials) else f"{ours} within {row.cap:,}"
    words = _compared(row, trials, solved, ours)
    return f"{words}; {worse}" if (worse := _tests(row, trials)) else words


def kind(words: str) -> str:
    """Return which of the kinds a verdict is of."""
    return next((name for name in KINDS if words.startswith(name)), "differ")


def _compared(row: Row, trials: Sequence[Trial], solved: int, ours: str) -> str:
    share, mean = row.published.get("solved"), row.published.get("sequences")
    above = row.published.get("sequences_above")
    if isinstance(above, (int, float)) and share == 0:
        return _none_there(row, solved, ours, above)
    if not isinstance(share, (int, float)) or row.published_trials is None:
        there = "" if share is None else f"{share:.0%} there" if isinstance(share, float) else f"{share} there"
        return f"{_ratio(row, trials, solved)}; {ours}, {there}" if solved else _fewer(row, ours, there, mean)
    theirs = round(share * row.published_trials)
    there = f"{theirs} of {row.published_trials} there"
    alike = same_rate(solved, len(trials), share, row.published_trials) >= SIGNIFICANT
    if solved / len(trials) < share and not (alike and solved):
        return _fewer(row, ours, there, mean)
    if not isinstance(mean, (int, float)):
        if not alike:
            return f"not reproduced: {ours} within {_cap(row)}, {there}"
        return f"cut short: {ours} within {_cap(row)}, {there}" if _shortened(row) else f"agrees: {ours}, {there}"
    if not alike:
        return f"more often solved: {ours}, {there}; {_ratio(row, trials, solved).removeprefix('agrees: ')}"
    return _ratio(row, trials, solved)


def _none_there(row: Row, solved: int, ours: str, above: float) -> str:
    if solved:
        return f"not reproduced: {ours} within {row.cap:,} where the paper has none within {above:,}"
    return "agrees: none solved" if row.cap >= above else f"{ours} within {row.cap:,}; the paper: none within {above:,}"


def _fewer(row: Row, ours: str, there: str, mean: object) -> str:
    if isinstance(mean, (int, float)) and (row.cap < ENOUGH * mean or _fewer_symbols(row)):
        return f"cut short: {ours} within {_cap(row)} ({there}, after {mean:,} on average)"
    return f"not reproduced: {ours} within {_cap(row)} ({there})"


def _cap(row: Row) -> str:
    """Return what ends a trial that is not solved, in words."""
    symbols = row.learning.get("most_steps")
    return f"{row.cap:,}" if symbols is None else f"{row.cap:,} streams or {symbols:,} symbols"


def _fewer_symbols(row: Row) -> bool:
    """Return whether trials on endless streams were given fewer symbols than in the full version."""
    return bool(row.learning.get("most_steps", 0) < original(row).learning.get("most_steps", 0))


def _shortened(row: Row) -> bool:
    return row.cap < original(row).cap or _fewer_symbols(row)


def _ratio(row: Row, trials: Sequence[Trial], solved: int) -> str:
    """Say how many times as many sequences were needed; what unsolved trials do to the mean is said beside it."""
    counts = [float(trial.sequences) for trial in trials if trial.solved]
    published = row.published["sequences"]
    assert isinstance(published, (int, float))
    found = ratio_of_means(counts, published, solved_there(row))
    times = f"{found.value:.2g} times as many sequences"
    if math.isnan(found.low):
        return f"{times} in the one trial solved of {len(trials)}"
    times += f" [{found.low:.2g}, {found.high:.2g}]"
    if solved < len(trials):
        times += f" in the {solved} of {len(trials)} solved"
    # Where the paper has failed trials too, its mean is of the solved ones as ours is.
    if solved < len(trials) and not _failures_there(row, solved):
        return f"{times} within {_cap(row)}, biased low" + ("" if found.low > 1 else ": no fewer is shown")
    return f"agrees: {times}" if found.low <= 1 <= found.high else times


def _failures_there(row: Row, solved: int) -> bool:
    share, mean = row.published.get("solved"), row.published.get("sequences")
    long_enough = isinstance(mean, (int, float)) and row.cap >= ENOUGH * mean and not _fewer_symbols(row)
    return long_enough and solved > 0 and isinstance(share, (int, float)) and share < 1


def _tests(row: Row, trials: Sequence[Trial]) -> str:
    """Say how the frozen networks did on fresh sequences where that is unlike what was published; else nothing."""
    told = [trial.wrong for trial in trials if trial.solved and trial.wrong is not None and trial.tested == row.tested]
    wrong, fraction = row.published.get("wrong"), row.published.get("fraction")
    if isinstance(wrong, (int, float)):
        share = wrong / row.tested
    elif isinstance(fraction, (int, float)):
        share = fraction
    else:
        return ""
    if not share_differs(told, row.tested, share, solved_there(row)):
        return ""
    return f"{sum(told) / len(told):.3g} of {row.tested:,} tests wrong, {share * row.tested:.3g} there"
