"""Whether a number says something of the document, or of how few minutes a network was trained.

The rule of the quick version, in which each network is trained a second time with half the steps, on a schedule of its
own. A number decides nothing, for the document or against it, unless all of this holds:

1. The network has learnt its task: on test sequences that do not occur in training it says the next symbol right more
   often than a table of the last `ORDER` symbols, counted on the recorded training sequences, with the whole interval.
2. Twice as many steps bring little more: its validation loss lies below that of its half by less than `FALLING` of it.
   The last fall of one training would not do: the learning rate goes to nothing at the end of every schedule, and the
   loss then lies still however short it was.
3. The verdict on this number is the same for its half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from naibu.papers.mochihashi2019.line import Judge, judged
from naibu.papers.mochihashi2019.networks import Network
from naibu.papers.mochihashi2019.study import Study, result
from naibu.papers.runner import Figures
from naibu.probes import resampling
from naibu.probes.baseline import ngram_prediction
from naibu.probes.resampling import Resampler
from naibu.probes.result import Result, Row
from naibu.probes.results import Scores, result_row
from naibu.probes.scoring import Scorer
from naibu.probes.source import Source
from naibu.probes.target import Target, divide
from naibu.recording import Recording
from naibu.reporting.words import headline

FALLING = 0.05
"""The share of its loss that a network's second half of steps takes away at most where it is trained long enough."""
ORDER = 5
"""Symbols of the table that a network has to know better than."""
WANTS = "wants longer training"
"""How a verdict begins that more training would decide."""
UNLEARNT = f"not decided: foresees no more than a table of {ORDER} symbols"
"""The verdict where the loss no longer falls and the task is not learnt."""


@dataclass(frozen=True)
class Learning(Result):
    """How far a network has learnt to say the next symbol, and what twice as many steps brought."""

    run: str
    steps: int  # of training, as asked for
    loss: float  # on validation sequences, the least: nats a symbol
    half_loss: float  # the same of the network trained with half the steps
    gain: Scores  # share of next symbols said right, less that of a table of the last ORDER symbols

    @property
    def falling(self) -> float:
        """The share of the loss that the second half of the steps took away; below 0 where it grew."""
        return 1 - self.loss / self.half_loss

    def rows(self) -> list[Row]:
        """One row for the loss, one for each split of the gain."""
        fall: Row = {"run": self.run, "split": "validation", "statistic": "falling", "value": self.falling}
        named: Row = {"statistic": "gain"}
        return [fall, *(result_row(self.run, split, None, None, None, named, one) for split, one in self.gain.items())]


def learning_of(study: Study, network: Network) -> Learning:
    """Return how far a trained and recorded network has learnt."""
    gain = gain_over_table(Recording.open(study.places(network).recording))
    trained = (study.places(each).run.summary() for each in (network, network.half))
    loss, half_loss = (float(summary["validation_loss"]) for summary in trained)
    return Learning(network.name, network.steps, loss, half_loss, gain)


def gain_over_table(recording: Source, *, resamples: int = 1000, seed: int = 1) -> Scores:
    """Return how much more often the next symbol is said right than by a table of the last `ORDER` symbols."""
    index = recording.index
    gold, predicted = (np.asarray(column).astype(np.int64) for column in (index.gold, index.predicted))
    train, test, unseen, fitted_on = divide(index, seed)
    there, told = gold >= 0, gold.astype(np.float64)
    target = Target("next symbol", told, None, index, train & there, test & there, unseen & there, fitted_on)
    by_table, _ = ngram_prediction(target, ORDER, True)
    more = ((predicted == gold).astype(np.float64) - (by_table == gold))[target.test]
    scorer = Scorer(target, Resampler(resamples, seed))
    return scorer.of(resampling.ratio, lambda some: [more[some], np.ones(np.count_nonzero(some))])


def unready(study: Study, network: Network) -> str:
    """Return the verdict on all numbers of a network that decides nothing; "" of one that does, or is not tried."""
    found = result(study, network, Learning, "learning")
    return "" if found is None else wanting(found)


def wanting(found: Learning) -> str:
    """Return the verdict on all numbers of a network that decides nothing, "" of one that does: 1 and 2 of the rule."""
    if not found.falling < FALLING:
        return longer(found.steps)
    return "" if headline(found.gain)[0].low > 0 else UNLEARNT


def longer(steps: int) -> str:
    """Return the verdict that more training would decide, which asks for as many steps again."""
    return f"{WANTS}: {steps:,} more steps"


def settled(
    study: Study, network: Network, figure: Callable[[Study, Network], Figures | None], judge: Judge
) -> Figures:
    """Return whether a number of a network is settled by the rule, as figures beside it.

    `undecided` is the verdict of a number that is not, "" of one that is; `half_value` the number with half the steps.
    Nothing in a version that trains no halves.
    """
    found = result(study, network, Learning, "learning")
    if found is None:
        return {}
    here, half = figure(study, network) or {}, figure(study, network.half) or {}
    said = wanting(found)
    if not said and judged(judge, here) != judged(judge, half):
        said = longer(found.steps)
    return {"undecided": said, "half_value": half.get("value")}
