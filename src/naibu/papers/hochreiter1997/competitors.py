"""Rows of the methods that the LSTM was compared with, from what the table says to their learners."""

from __future__ import annotations

from collections.abc import Sequence

from naibu.data.generated.reber import LETTERS
from naibu.online.long_lag.chunker import ChunkerNet
from naibu.online.long_lag.one_hidden import OneHidden
from naibu.online.long_lag.trials import chunker_trials, one_hidden_trials
from naibu.online.recurrent.cascade import Cascade, cascade_trials
from naibu.online.recurrent.elman import Elman, ElmanNetwork
from naibu.online.recurrent.net import RecurrentNetwork
from naibu.online.recurrent.reber_trials import Learner, StringSets, reber_trials
from naibu.online.recurrent.rtrl import RTRL
from naibu.online.trials import Listener, Trial
from naibu.papers.hochreiter1997.rows import Row
from naibu.papers.hochreiter1997.tasks import SETS, string_sets


def obtain(row: Row, numbers: Sequence[int], seed: int, cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers of a row of RTRL, BPTT, ELM, RCC or CH."""
    if row.task["name"] == "long-lag":
        return _long_lag(row, numbers, seed, cap, listener)
    sets = [StringSets(*string_sets(seed, pair)) for pair in range(SETS)]
    if row.learner == "rcc":
        settings = Cascade(most=row.network["most"])
        return cascade_trials(settings, sets, numbers, seed=seed, cap=cap, listener=listener)
    return reber_trials(_recurrent(row), sets, numbers, seed=seed, cap=cap, listener=listener)


def _recurrent(row: Row) -> Learner:
    sizes = {"inputs": len(LETTERS), "outputs": len(LETTERS), **row.network}
    if row.learner == "elman":
        return Elman(ElmanNetwork(**sizes), row.learning["rate"])
    return RTRL(RecurrentNetwork(**sizes), row.learning["rate"])


def _long_lag(row: Row, numbers: Sequence[int], seed: int, cap: int, listener: Listener) -> list[Trial]:
    p, rate, initial = row.task["p"], row.learning["rate"], row.network["initial"]
    if row.learner == "chunker":
        return chunker_trials(ChunkerNet(p, rate, initial=initial), seed, numbers, cap, listener)
    net = OneHidden(p, "bptt" if row.learner == "bptt" else "rtrl", rate, initial)
    return one_hidden_trials(net, seed, numbers, cap, listener)
