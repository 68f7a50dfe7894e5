"""The papers whose experiments can be run, by the name that `naibu papers NAME` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naibu.errors import OptionError
from naibu.papers.hochreiter1997.asked import Asked as Hochreiter1997
from naibu.papers.mochihashi2019.asked import Asked as Mochihashi2019

if TYPE_CHECKING:
    from naibu.papers.runner import Reproduction


@dataclass(frozen=True)
class Effort:
    """What every paper takes: how much of it is run, by how many processes, and where it lies."""

    quick: bool = False
    """A smaller version of every experiment, to see that it runs."""
    workers: int = 2
    """Processes side by side, one thread each, where the work can be divided."""
    out: Path = Path("papers")
    """Where the finished rows lie, in a folder of the paper's name."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise OptionError(f"--workers {self.workers}: must be at least 1")


@dataclass(frozen=True)
class Paper:
    """A paper, its own options, and the function that gives the way its experiments are run with them.

    options: a frozen dataclass, None for a paper that takes none (its function then gets None). The function's
    docstring is the help: what is run and left, and examples.
    """

    title: str
    options: type[Any] | None
    reproduction: Callable[[Any], Reproduction]


def _hochreiter1997(asked: Hochreiter1997) -> Reproduction:
    """Run every table of Long Short-Term Memory by the paper's own algorithm, beside what was published.

    Success rates and ratios of means with intervals, the methods it was compared with, and today's LSTM. Leaves
    report.html (tables, learning curves, the Reber grammar, cells and gates of solved trials) and tables.md. --quick
    runs five rows at full length in two minutes (of rows asked for, shorter ones); the full version takes hours.
    Options choose rows, or depart from the literal reading.

    $ naibu papers hochreiter1997 --quick
    $ naibu papers hochreiter1997 --experiment 4 --lag 1000 --trials 10 --seed 3
    """
    from naibu.papers.hochreiter1997.reproduction import reproduction

    return reproduction(asked)


def _mochihashi2019(asked: Mochihashi2019) -> Reproduction:
    """Run the study How LSTM Encodes Syntax again, and its future work: a network that counts in whole numbers.

    Its five types of text on a treebank or source code of yours, or on Python's standard library: trained, recorded,
    probed and held, published beside obtained. Leaves study.html and study.md in a folder of the corpus's name.

    $ naibu papers mochihashi2019 --quick
    $ naibu papers mochihashi2019 train.mrg --test test.mrg --category VP
    """
    from naibu.papers.mochihashi2019.reproduction import reproduction

    return reproduction(asked)


def _variants(_: None) -> Reproduction:
    """Train every recurrent cell, with as many parameters as the LSTM, on two tasks, beside Greff et al. 2017.

    Brackets and text of Python's standard library; three trainings each, with intervals. Leaves table.md and loss.png.

    $ naibu papers variants --quick
    $ naibu papers variants --workers 2 --json variants.json
    """
    from naibu.papers.variants.reproduction import VARIANTS

    return VARIANTS


PAPERS: dict[str, Paper] = {
    "hochreiter1997": Paper(
        "Long Short-Term Memory: all tables, by the paper's own algorithm", Hochreiter1997, _hochreiter1997
    ),
    "mochihashi2019": Paper(
        "How LSTM Encodes Syntax: the study again, and a network that counts", Mochihashi2019, _mochihashi2019
    ),
    "variants": Paper("Every cell on two tasks, beside Greff et al. 2017", None, _variants),
}
