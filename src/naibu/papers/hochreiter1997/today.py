"""Today's LSTM, with forget gates and Adam, on the tasks of the paper: the row that stands under the published ones.

The same for all tasks: one layer of 32 units, forget bias 1, batches of 20, Adam at 0.003, gradients clipped at norm 1;
a linear output with squared error (experiments 3, 4 and 5) or a softmax with cross-entropy (1, 2 and 6). With forget
bias 1 a value fades to a tenth within eight steps, too fast for most of the tasks. "chrono" as a row's `forget_bias`
gives the same network gates that begin with the lags that the task has. The rate, and this, were chosen on seeds 101
and 102. Criteria and counts are the paper's: training sequences, not batches, asked after every 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from naibu.data.generated.embedded_reber import EmbeddedReber
from naibu.data.generated.random import streams
from naibu.data.generated.tape import Task
from naibu.online.trials import Listener, Trace, Trial, thinned
from naibu.papers.hochreiter1997 import tasks
from naibu.papers.hochreiter1997.rows import Row
from naibu.papers.hochreiter1997.today_criteria import PORTION, Judge, every_string, held, recent, tested
from naibu.papers.hochreiter1997.today_training import Recipe, Training, answers_of
from naibu.training.threads import threads

SQUARED = ("3", "4", "5")
"""Experiments with a linear output and squared error."""
BOTH = 64
"""Sequences of 2a that are tested: there are two, and both are among so many but once in 1e19 times."""
TRACED = 6
"""Units of a trace: those with the largest weights to the outputs."""


def today(row: Row, numbers: Sequence[int], seed: int, cap: int, listener: Listener) -> list[Trial]:
    """Return the trials of these numbers of a row, each trained until it is solved or has seen `cap` sequences.

    One after the other, in one thread; the listener hears of each as it ends, and is given a trace of each that is
    solved. A trial's weights and sequences depend on `seed` and its number alone.
    """
    recipe = recipe_of(row)
    with threads(1):
        return [_trial(row, recipe, seed, number, cap, listener) for number in numbers]


def recipe_of(row: Row) -> Recipe:
    """Return what a row is trained with: its own numbers of units, rate and batch where it has them."""
    own = {**row.network, **row.learning}
    return Recipe(**{name: own[name] for name in Recipe.__dataclass_fields__ if name in own})


def task_of(row: Row, seed: int, number: int) -> Task:
    """Return the task of a row; in experiment 1 the strings depend on the trial."""
    if row.task["name"] == "reber":
        return EmbeddedReber(tuple(_sets(seed, number)[0]))
    return tasks.task_of(row)


def judge_of(row: Row, task: Task, seed: int, number: int) -> Judge:
    """Return the paper's criterion for a row."""
    if row.experiment == "1":
        return every_string([string for part in _sets(seed, number) for string in part])
    if row.experiment[0] == "2":
        return held(BOTH if row.experiment == "2a" else 10_000)
    if row.experiment[0] == "3":
        assert task.mean_below is not None
        return tested(5 if row.experiment == "3b" else 0, task.mean_below)
    if row.experiment[0] == "5":
        return recent(int(row.task["wrong_below"]) - 1, first=139)
    return recent(0, task.mean_below)


def _sets(seed: int, number: int) -> tuple[list[str], list[str]]:
    return tasks.string_sets(seed, number % tasks.SETS)


def _trial(row: Row, recipe: Recipe, seed: int, number: int, cap: int, listener: Listener) -> Trial:
    task = task_of(row, seed, number)
    training = Training(task, recipe, squared=row.experiment[0] in SQUARED, seed=seed, number=number)
    judge, first, solved = judge_of(row, task, seed, number), None, False
    curve: list[tuple[float, float]] = []
    while training.sequences < cap and not solved:
        count = min(PORTION, cap - training.sequences)
        training.train(count)
        easier, solved = judge(training)
        first = training.sequences if first is None and easier else first
        curve.append((float(training.sequences), float(training.mean[-count:].mean())))
        listener.trained(count)
    trial = Trial(number, solved, training.sequences, steps=training.steps, curve=thinned(curve))
    if row.experiment in ("3a", "3b", "5"):  # which have two criteria
        trial = replace(trial, first=first)
    if solved and row.experiment[0] in "3456":
        wrong, error, squared = training.test(streams(seed, "last test", [number]), row.tested)
        trial = replace(trial, wrong=wrong, tested=row.tested, error=error, squared=squared)
    listener.finished(trial)
    if solved:
        listener.traced(number, trace_of(training, streams(seed, "trace", [number])))
    return trial


@torch.no_grad()
def trace_of(training: Training, random: Any) -> Trace:
    """Return what happens inside the model on one fresh sequence, in the units that the outputs listen to most."""
    model, task = training.model, training.task
    answers = answers_of(task, task.tape(random, 1), slice(None))
    vectors = answers.x if model.vectors is None else model.vectors(answers.x)
    keep = ("input_gate", "forget_gate", "output_gate", "cell", "hidden")
    watched = model.lstm.signals(vectors, keep=keep)
    heard = model.output.weight.abs().sum(0).argsort(descending=True)[:TRACED].sort().values
    signals = {name: watched.signals["lstm.0", name][:, 0, heard].numpy() for name in keep}
    if model.vectors is None:
        signals = {"input": answers.x[:, 0].numpy(), **signals}
    signals["output"] = training.activation(model.output(watched.output[:, 0])).numpy()
    words = f"{task.name}: {len(heard)} of {training.recipe.units} units, those with the largest weights to the outputs"
    return Trace(words, signals, [], task.deciding(answers.x[:, 0].numpy()))
