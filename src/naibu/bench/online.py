"""The on-line LSTM of 1997 against loops in PyTorch: time steps a second on one core, learning included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from naibu.bench.peak import measure_peak
from naibu.bench.sizes import Row, Sizes, with_progress
from naibu.cells.kernels.vector import LANES
from naibu.data.generated import Adding, EmbeddedReber, Multiplication, Task, TemporalOrder, TwoSequence, reber_sets
from naibu.data.generated.random import streams
from naibu.data.generated.tape import Tape, dense_target
from naibu.online.blocks.lstm import LSTM
from naibu.online.blocks.network import Learning, Network, initial_weights
from naibu.progress import Report, silent

SECONDS = 12.0
SEQUENCES = 40
"""Sequences of each trial that ours learns from in one call."""


class Case(NamedTuple):
    task: Task
    network: Network
    learning: Learning


def cases(quick: bool) -> Iterator[Case]:
    """Yield the tasks of the paper with its networks; those of experiment 2 have learners of their own."""
    end = Learning(0.5)
    yield Case(Adding(100), Network(2, 2, 2, 1), end)
    if quick:
        return
    yield Case(Adding(1000), Network(2, 2, 2, 1), end)
    yield Case(Multiplication(100), Network(2, 2, 2, 1), end)
    yield Case(TwoSequence("3a", 100, 3), Network(1, 3, 1, 1, output_bias=False), end)
    yield Case(TemporalOrder(2), Network(8, 2, 2, 4), end)
    yield Case(TemporalOrder(3), Network(8, 3, 2, 8), end)
    reber = EmbeddedReber(tuple(reber_sets(1)[0]))
    yield Case(reber, Network(7, 3, 2, 7, cell_bias=False, output_bias=False), end)
    yield Case(reber, Network(7, 3, 2, 7, cell_bias=False, output_bias=False), Learning(0.5, update="step"))
    yield Case(reber, Network(7, 3, 2, 7, cell_bias=False, output_bias=False), Learning(0.5, gradient="full"))


def measure(sizes: Sizes, progress: Report = silent) -> Iterator[Row]:
    """Yield a row for each task: steps a second of all trials together, and the ratios to the peers.

    All on one thread, in the same rounds. loop: `nn.LSTMCell` step by step, one sequence at a time, SGD, what is
    written today (the full gradient, with forget gate). by_hand: the cell of 1997 in PyTorch, its gradient truncated
    by `detach`, one sequence at a time. batched: the same for as many trials as ours has lanes, each with weights of
    its own (one `bmm` a step). Sequences are drawn beforehand for all; `with_drawing` is ours with drawing them.
    ratio_to_limit: what is multiplied and added with the weights, over the products that a core can do.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        peak = measure_peak()
        for case in with_progress(cases(sizes.quick), lambda _: 1.0, progress):
            yield _measured(case, sizes, max(peak.gflops.values()))
    finally:
        torch.set_num_threads(before)


def _measured(case: Case, sizes: Sizes, gflops: float) -> Row:
    task, network, learning = case
    random = streams(1, "bench", range(LANES))
    tape = task.tape(random, SEQUENCES)
    learner = LSTM(network, learning, 1, range(LANES))
    steps = {"ours": int(tape.lengths.sum()), "with_drawing": int(tape.lengths.sum())}
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: learner.train(tape),
        "with_drawing": lambda: learner.train(task.tape(random, SEQUENCES)),
    }
    for name, peer in (("loop", _loop), ("by_hand", _by_hand), ("batched", _batched)):
        calls[name], steps[name] = peer(case, tape)
    found = sizes.rounds(calls, SECONDS)
    speed = {name: steps[name] / found.seconds[name] for name in calls}
    lengths = {"task": task.name, "update": learning.update, "gradient": learning.gradient}
    row: Row = {**lengths, "weights": network.weights, "trials": LANES, "steps_per_second": speed["ours"]}
    row |= {f"{name}_steps_per_second": speed[name] for name in calls if name != "ours"}
    row |= {f"ratio_to_{name}": speed["ours"] / speed[name] for name in ("loop", "by_hand", "batched")}
    row["ratio_to_limit"] = speed["ours"] * _flops(network) / (1e9 * gflops)
    return row | {"threads": 1, "load": found.load, "gflops": gflops}


def _flops(network: Network) -> float:
    """Return what a step of one trial multiplies and adds with weights: forward, and for the gradient of all units but
    the output gates, whose error is 0 but at the end."""
    sizes = network.sizes
    return 2.0 * sizes.sources * (2 * sizes.units - sizes.blocks)


def _sequence(case: Case, tape: Tape, lane: int) -> tuple[Tensor, Tensor]:
    start, target = int(tape.start[0, lane]), dense_target(case.task, tape)
    assert tape.x is not None
    first = start if case.task.every_step else 0
    return torch.tensor(tape.x[0, start:, :, lane]), torch.tensor(target[0, first:, :, lane])


def _loop(case: Case, tape: Tape) -> tuple[Callable[[], object], int]:
    x, target = _sequence(case, tape, 0)
    cells = case.network.sizes.cells
    cell, output = nn.LSTMCell(x.shape[1], cells), nn.Linear(cells, target.shape[1])
    optimiser = torch.optim.SGD([*cell.parameters(), *output.parameters()], case.learning.rate)

    def train() -> None:
        h, c = torch.zeros(1, cells), torch.zeros(1, cells)
        hidden = []
        for now in x[:, None]:
            h, c = cell(now, (h, c))
            hidden.append(h)
        outputs = torch.sigmoid(output(torch.cat(hidden[-len(target) :])))
        optimiser.zero_grad()
        torch.autograd.backward(0.5 * ((target - outputs) ** 2).sum())
        optimiser.step()

    return train, len(x)


def _by_hand(case: Case, tape: Tape) -> tuple[Callable[[], object], int]:
    x, target = _sequence(case, tape, 0)
    return cell_of_1997(case, x[:, None], target[:, None], *_weights(case, 1)), len(x)


def _batched(case: Case, tape: Tape) -> tuple[Callable[[], object], int]:
    assert tape.x is not None
    x = torch.tensor(np.ascontiguousarray(np.moveaxis(tape.x[0], 2, 1)))
    target = torch.tensor(np.ascontiguousarray(np.moveaxis(dense_target(case.task, tape)[0], 2, 1)))
    return cell_of_1997(case, x, target, *_weights(case, LANES)), int(tape.lengths[0].sum())


def _weights(case: Case, trials: int) -> list[Tensor]:
    """Return first weights, `[trial unit source]` and `[trial output seen]`."""
    found = initial_weights(case.network, 1, range(trials))
    return [torch.tensor(np.moveaxis(part, -1, 0)).contiguous() for part in (found.hidden, found.output)]


def cell_of_1997(case: Case, x: Tensor, target: Tensor, hidden: Tensor, output: Tensor) -> Callable[[], object]:
    """Return a call that learns from a sequence of each trial: `x [time trial input]`, `target [when trial output]`.

    It changes the weights given, `hidden [trial unit source]` and `output [trial output seen]`.
    """
    sizes, trials, (g, h) = case.network.sizes, x.shape[1], (case.network.cell_range, case.network.output_range)
    blocks = sizes.blocks
    there = [torch.tensor(part) for part in case.network.connected()]
    hidden.requires_grad_()
    output.requires_grad_()
    optimiser = torch.optim.SGD([hidden, output], case.learning.rate)
    one, cut = torch.ones(trials, 1), case.learning.gradient == "truncated"

    def train() -> None:
        y, s, outputs = torch.zeros(trials, sizes.units), torch.zeros(trials, sizes.cells), []
        for step, now in enumerate(x):
            z = torch.cat([now, y.detach() if cut else y, one], 1)
            a = torch.sigmoid(torch.bmm(hidden, z[:, :, None])[:, :, 0])
            gates = a[:, : 2 * blocks].repeat_interleave(sizes.size, 1)
            s = s + gates[:, sizes.cells :] * g * (2 * a[:, 2 * blocks :] - 1)
            cells = gates[:, : sizes.cells] * h * (2 * torch.sigmoid(s) - 1)
            y = torch.cat([a[:, : 2 * blocks], cells], 1)
            if step >= len(x) - len(target):
                outputs.append(torch.sigmoid(torch.bmm(output, torch.cat([cells, one], 1)[:, :, None])[:, :, 0]))
        optimiser.zero_grad()
        torch.autograd.backward(0.5 * ((target - torch.stack(outputs)) ** 2).sum())
        for weights, kept in zip((hidden, output), there, strict=True):
            assert weights.grad is not None
            weights.grad *= kept
        optimiser.step()

    return train
