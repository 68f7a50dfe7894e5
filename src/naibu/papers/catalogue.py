"""The papers whose experiments can be run, by the name that `naibu papers NAME` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naibu.errors import OptionError
from naibu.papers.deletang2023.asked import Asked as Deletang2023
from naibu.papers.graves2014.asked import Asked as Graves2014
from naibu.papers.hochreiter1997.asked import Asked as Hochreiter1997
from naibu.papers.mochihashi2019.asked import Asked as Mochihashi2019

if TYPE_CHECKING:
    from naibu.papers.runner import Reproduction


@dataclass(frozen=True)
class Effort:
    """What every paper takes: how much of it is run, by how many processes, and where it lies."""

    quick: bool = False
    """A version that takes minutes; above stands what it runs."""
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


def _graves2014(asked: Graves2014) -> Reproduction:
    """Train Neural Turing Machines to copy, to copy often and to recall, beside an LSTM.

    Wrong bits by length, up to six times what was learnt from; where the heads of the memory go, as pictures and as
    shares of the steps; and what is lost while they are held.

    --quick: copy alone, one seed, half of the updates: two minutes. All of it: thirty trainings, some hours. Leaves
    tables.md and pictures.

    $ naibu papers graves2014 --tasks copy
    $ naibu papers graves2014 --tasks copy --seeds 1 --memory-locations 64
    """
    from naibu.papers.graves2014.reproduction import reproduction

    return reproduction(asked)


def _hochreiter1997(asked: Hochreiter1997) -> Reproduction:
    """Run every table of Long Short-Term Memory by the paper's own algorithm, beside what was published.

    Experiments: 1 embedded Reber grammar; 2a, 2b, 2c long time lags; 3a, 3b, 3c two sequences with noise; 4 adding; 5
    multiplication; 6a, 6b temporal order; continual, Reber strings without end (Gers et al. 2000). With them the
    methods that the paper compares with, today's LSTM, and tables of departures and remedies.

    --quick: five rows with the paper's trials and caps (3a and 3c at lag 100, 6a, continual with and without reset),
    about 2 minutes on 2 cores; with --experiment or --lag, shorter trials of the rows asked for. All of it: 1 to 2
    hours. Leaves report.html, which opens with the rows that come out, and tables.md.

    $ naibu papers hochreiter1997 --quick
    $ naibu papers hochreiter1997 --experiment 4 --lag 1000 --trials 10 --seed 3
    """
    from naibu.papers.hochreiter1997.reproduction import reproduction

    return reproduction(asked)


def _mochihashi2019(asked: Mochihashi2019) -> Reproduction:
    """Run the study How LSTM Encodes Syntax again, and its future work: a network that counts in whole numbers.

    Language models of five types of text, made from a treebank or source code of yours, or from Python's standard
    library: 1 brackets, 2 tagged, 3 brackets and words, 4 tagged and words, 5 words. What one unit and few units tell
    of depth, phrases and parts of speech, and what is lost without them, beside what was published.

    --quick: types 1 and 2, each with half the steps too, so that a number that more training would decide says so, and
    two networks that count: at most 10 minutes on 2 cores. All of it: 19 networks, and an L1 term on text, 1 to 2
    hours on 2 cores. Leaves study.html, which opens with what came out, and study.md, in a folder of the corpus's name.

    $ naibu papers mochihashi2019 --quick
    $ naibu papers mochihashi2019 train.mrg --test test.mrg --category VP
    """
    from naibu.papers.mochihashi2019.reproduction import reproduction

    return reproduction(asked)


def _deletang2023(asked: Deletang2023) -> Reproduction:
    """Train networks on fifteen formal languages and score them on longer words: where in the Chomsky hierarchy?

    Words of lengths 1 to 40 are learnt, words of lengths 41 to 500 scored, by Elman's network, LSTM, GRU and a network
    with a stack. Beside each published score, of the best of several trainings of a million steps, stand the budget
    here, every seed, mean and best; what so few steps cannot decide says so.

    --quick: all fifteen with the LSTM, a short training each: some minutes. All of it: 180 trainings
    of 20,000 steps, many hours; choose with --task and --cell. Leaves table.md and table.png, accuracy by length.

    $ naibu papers deletang2023 --quick
    $ naibu papers deletang2023 --task reverse-string --cell lstm --cell stack-rnn --seeds 5 --steps 10000
    """
    from naibu.papers.deletang2023.reproduction import reproduction

    return reproduction(asked)


def _variants(_: None) -> Reproduction:
    """Train every recurrent cell, with as many parameters as the LSTM, on two tasks, beside Greff et al. 2017.

    The next symbol of tagged brackets of the functions of Python's standard library, and the next character of its
    docstrings; by the LSTM, by it with a gate or an activation less or more, by GRUs, Elman's and newer cells. Of three
    learning rates the best, three trainings each, with intervals.

    --quick: trainings of a few seconds, minutes in all, to see that it runs: too short to rank anything. All of it: at
    most 2 hours on 2 cores. Leaves table.md and loss.png.

    $ naibu papers variants --quick
    $ naibu papers variants --workers 2 --json variants.json
    """
    from naibu.papers.variants.reproduction import VARIANTS

    return VARIANTS


PAPERS: dict[str, Paper] = {
    "graves2014": Paper("Neural Turing Machines: copy, repeat copy, associative recall", Graves2014, _graves2014),
    "deletang2023": Paper("Neural Networks and the Chomsky Hierarchy: fifteen languages", Deletang2023, _deletang2023),
    "hochreiter1997": Paper(
        "Long Short-Term Memory: all tables, by the paper's own algorithm", Hochreiter1997, _hochreiter1997
    ),
    "mochihashi2019": Paper(
        "How LSTM Encodes Syntax: the study again, and a network that counts", Mochihashi2019, _mochihashi2019
    ),
    "variants": Paper("Every cell on two tasks, beside Greff et al. 2017", None, _variants),
}
