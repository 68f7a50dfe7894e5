"""Rows of the LSTM in experiments 2a, 2b and 2c and on endless streams, from what the table says to their learners."""

from __future__ import annotations

from collections.abc import Sequence

from naibu.online.continual import Streams, gers_network, run_streams
from naibu.online.distractors_lstm import DistractorNet
from naibu.online.long_lag_net import LongLagNet
from naibu.online.network import Learning
from naibu.online.symbol_trials import distractor_trials, long_lag_trials
from naibu.online.trials import Listener, Trial
from naibu.papers.hochreiter1997.rows import Row


def obtain(row: Row, numbers: Sequence[int], seed: int, cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers of a row of experiment 2."""
    same = {name: row.learning[name] for name in ("rate", "output_derivative") if name in row.learning}
    same |= {name: row.network[name] for name in ("initial", "output_bias") if name in row.network}
    if row.task["name"] == "long-lag":
        net = LongLagNet(row.task["p"], row.task["variant"], update=row.learning["update"], **same)
        return long_lag_trials(net, seed, numbers, cap, listener)
    ranges = {"g_range": row.network["cell_range"], "h_range": row.network["output_range"]}
    return distractor_trials(
        DistractorNet(row.task["p"], row.task["q"], **same, **ranges), seed, numbers, cap, listener
    )


def streams(row: Row, numbers: Sequence[int], seed: int, cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers of a row of endless streams; the cap counts streams."""
    learning = dict(row.learning)
    most = learning.pop("most_steps")
    asked = Streams(
        gers_network(forget_gate=row.network["forget_gate"]),
        Learning(learning.pop("rate"), update="step"),
        reset=row.task.get("reset", False),
        **learning,
    )
    return run_streams(asked, seed=seed, trials=numbers, cap=cap, most_steps=most, listener=listener)
