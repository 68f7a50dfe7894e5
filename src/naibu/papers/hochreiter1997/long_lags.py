"""Rows of the LSTM in experiments 2a, 2b and 2c and on endless streams, from what the table says to their learners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from naibu.online.blocks.network import Learning
from naibu.online.continual.trials import Streams, gers_network, run_streams
from naibu.online.long_lag.distractors import DistractorNet
from naibu.online.long_lag.net import LongLagNet
from naibu.online.long_lag.trials import distractor_trials, long_lag_trials
from naibu.online.trials import Listener, Trial
from naibu.papers.hochreiter1997.rows import Row


def obtain(row: Row, numbers: Sequence[int], seed: int, cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers of a row of experiment 2."""
    given = {**row.network, **row.learning}
    if row.task["name"] == "long-lag":
        net = LongLagNet(row.task["p"], row.task["variant"], **_known(LongLagNet, given))
        return long_lag_trials(net, seed, numbers, cap, listener)
    given |= {"g_range": given["cell_range"], "h_range": given["output_range"]}
    net_2c = DistractorNet(row.task["p"], row.task["q"], **_known(DistractorNet, given))
    return distractor_trials(net_2c, seed, numbers, cap, listener)


def _known(net: type[LongLagNet] | type[DistractorNet], given: dict[str, Any]) -> dict[str, Any]:
    """Return what of a row's settings is an option of this net; lists become tuples."""
    options = {field.name for field in fields(net)}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in given.items() if name in options}


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
