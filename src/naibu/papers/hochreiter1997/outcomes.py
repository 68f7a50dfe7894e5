"""Which rows come out as published: in sentences, and in one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from naibu.papers.hochreiter1997.compare import Version
from naibu.papers.hochreiter1997.curves import thousands
from naibu.papers.hochreiter1997.rows import TODAY, published
from naibu.papers.hochreiter1997.verdict import KINDS, kind
from naibu.reporting.finding import Finding
from naibu.reporting.numbers import count
from naibu.reporting.numbers import share as written
from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, ink, new_axes

AGREES = "agrees"
WIDE = 5.0
"""Inches of the picture, few enough to be read on a phone."""
SINGLY = 12
"""Rows that are told one by one; of more, those of a kind of verdict together."""


def literal(versions: Sequence[Version]) -> list[Version]:
    """Return the published rows that were run, each in its first version: the literal one where it is."""
    first: dict[str, Version] = {}
    for version in versions:
        if version.row.learner != TODAY and not version.row.of and version.trials and version.row.published:
            first.setdefault(version.row.key, version)
    return list(first.values())


def in_short(ran: Sequence[Version]) -> str:
    """Return how many rows come out, in a sentence."""
    if not ran:
        return "No row of the paper was run yet."
    counted = Counter(map(_kind, ran))
    rows = f"{counted[AGREES]} of {len(ran)} row{'s' if len(ran) > 1 else ''} run"
    return f"{rows} come{'s' if counted[AGREES] == 1 else ''} out as published."


def findings(ran: Sequence[Version]) -> Iterator[Finding]:
    """Yield a sentence for every row, or for every kind of verdict where rows are many."""
    if len(ran) <= SINGLY:
        for version in ran:
            yield Finding(f"{name(version)}: {_numbers(version)}. {_verdict(version)}.", _kind(version) == AGREES)
        return
    for which, words in KINDS.items():
        own = [name(version) for version in ran if _kind(version) == which]
        if own:
            yield Finding(f"{len(own)} {words}: {'; '.join(own)}.", which == AGREES)


def name(version: Version) -> str:
    """Return what a row is called outside its table: the table's title, and its own words."""
    title = next(table.title for table in published() if table.table == version.row.table)
    return f"{title}, {version.row.row}"


def plot_outcomes(ran: Sequence[Version], ax: Axes | None = None) -> Axes:
    """Draw the mean sequences until solved of every row: a ring as published, a dot ours, with its interval.

    The interval is that of the ratio of means, which counts the scatter of both. Blue where the row agrees, vermillion
    where not; a cross at the cap where no trial was solved, in the colour of its verdict. Over each line its name, and
    trials solved.
    """
    ax = new_axes((WIDE, height(ran))) if ax is None else ax
    for place, version in enumerate(ran):
        assert version.found is not None
        found, there = version.found.obtained, version.row.published.get("sequences")
        colour, mean = BLUE if _kind(version) == AGREES else VERMILLION, found.get("sequences")
        if isinstance(mean, (int, float)):
            if isinstance(there, (int, float)) and isinstance(found.get("ratio_low"), float):
                ends = [float(found[f"ratio_{end}"] or 0) * there for end in ("low", "high")]
                ax.plot(ends, [place, place], color=colour, linewidth=1.6)
            ax.plot(mean, place, "o", color=colour, markersize=6)
        else:
            ax.plot(version.row.cap, place, "x", color=colour, markersize=6)
        if isinstance(there, (int, float)):
            ax.plot(there, place, "o", color=ink(ax), markersize=9, fillstyle="none", markeredgewidth=1.2)
        label = f"{name(version)}: {sum(trial.solved for trial in version.trials)} of {len(version.trials)}"
        text = ax.text(0, place - 0.42, label, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5)
        text.set_in_layout(False)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: thousands(value)))
    ax.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.hlines(range(len(ran)), 0, 1, color=GREY, alpha=0.3, linewidth=0.6, transform=ax.get_yaxis_transform())
    ax.set_ylim(len(ran) - 0.5, -0.75)
    ax.set_xlabel("sequences until solved, mean")
    return ax


def height(ran: Sequence[Version]) -> float:
    """Return how high the picture is, in inches."""
    return 0.6 + 0.42 * len(ran)


def _kind(version: Version) -> str:
    assert version.found is not None
    return kind(version.found.verdict)


def _verdict(version: Version) -> str:
    assert version.found is not None
    return version.found.verdict[:1].upper() + version.found.verdict[1:]


def _solved(version: Version) -> str:
    solved = sum(trial.solved for trial in version.trials)
    share = version.row.published.get("solved")
    paper = f" (paper {written(share)})" if isinstance(share, float) else ""
    return f"{solved} of {len(version.trials)}{paper}"


def _numbers(version: Version) -> str:
    assert version.found is not None
    mean, there = version.found.obtained.get("sequences"), version.row.published.get("sequences")
    said = f"{_solved(version)} solved"
    if isinstance(mean, (int, float)):
        said += f", after {count(mean)} sequences on average"
    return said + (f", published {count(there)}" if isinstance(there, (int, float)) else "")
