"""Rows of the LSTM of 1997: from what the table says to networks, tasks and criteria."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from naibu.data.generated import EmbeddedReber, Task
from naibu.online.blocks.criteria import Asked, EveryString, Judge, Recent, Tested
from naibu.online.blocks.network import Learning, Network
from naibu.online.blocks.run import Study, run
from naibu.online.trials import Listener, Trial
from naibu.papers.hochreiter1997.rows import Row
from naibu.papers.hochreiter1997.tasks import SETS, string_sets, task_of

SET_TRIALS = 10
"""Trials on each pair of training and test sets of experiment 1."""
TWO_SEQUENCE = {"3a": (0, 0.01), "3b": (5, 0.04), "3c": (0, 0.015)}
"""Of 256 test sequences so many may be wrong (ST1), and the mean absolute error must be below this too (ST2)."""


def obtain(row: Row, numbers: Sequence[int], seed: int, cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers of a row; those of experiment 1 have one of three pairs of sets."""
    if row.task["name"] != "reber":
        return run(_study(row), seed=seed, trials=numbers, cap=cap, listener=listener)
    trials = []
    for pair in range(SETS):
        those = [number for number in numbers if number // SET_TRIALS % SETS == pair]
        if those:
            trials += run(_reber(row, seed, pair), seed=seed, trials=those, cap=cap, listener=listener)
    return sorted(trials, key=lambda trial: trial.number)


def _study(row: Row) -> Study:
    task = task_of(row)
    return Study(network_of(row, task), Learning(**row.learning), task, _judge(row, task), row.tested)


def _reber(row: Row, seed: int, pair: int) -> Study:
    training, test = string_sets(seed, pair)
    task = EmbeddedReber(tuple(training))
    return Study(network_of(row, task), Learning(**row.learning), task, lambda: EveryString(training + test), 0)


def network_of(row: Row, task: Task) -> Network:
    """Return the network of a row, whose inputs and outputs are the task's."""
    network: dict[str, Any] = {**row.network}
    network["starts"] = {gate: tuple(values) for gate, values in network.get("starts", {}).items()}
    return Network(task.inputs, outputs=task.outputs, **network)


def _judge(row: Row, task: Task) -> Callable[[], Judge]:
    if row.experiment in TWO_SEQUENCE:
        wrong, below = TWO_SEQUENCE[row.experiment]
        return lambda: Tested(task, Asked(wrong, below), Asked(wrong))
    portion = 250 if task.longest <= 250 else 50
    if row.experiment == "5":
        allowed = Asked(row.task["wrong_below"] - 1)
        return lambda: Recent(task.wrong_above, allowed, portion=portion)
    whole = Asked(0, task.mean_below)
    return lambda: Recent(task.wrong_above, whole, Asked(2000, task.mean_below), portion=portion)
