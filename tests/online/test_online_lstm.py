"""The LSTM of 1997: compiled against plain, plain against automatic differentiation, weights against the paper."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from naibu.cells.kernels.vector import LANES
from naibu.data.generated.tape import Tape
from naibu.errors import OptionError
from naibu.online.blocks.lstm import LSTM
from naibu.online.blocks.network import Learning, Network, Weights, initial_weights
from naibu.online.blocks.plain import PlainLSTM

SIZES = [(2, 2, 2, 1), (1, 3, 1, 1), (7, 3, 2, 7), (3, 1, 1, 2), (8, 4, 1, 2)]
LEARNINGS = [Learning(0.5), Learning(0.5, update="step"), Learning(0.5, gradient="full")]
OPTIONS = [
    {},
    {"forget_gate": True},
    {"peepholes": True},
    {"forget_gate": True, "peepholes": True, "direct": True},
    {"hidden_sees_gates": False, "cell_bias": False, "output_bias": False},
    {"cell_range": 1.0, "output_range": 2.0, "direct": True},
]


def network(sizes, **options):
    inputs, blocks, size, outputs = sizes
    return Network(inputs, blocks, size, outputs, **{"initial": 0.8, **options})


def tape_of(sizes, *, every, seed=0, sequences=3, time=12):
    """Sequences of several lengths: steps before their start are blank."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 5, (sequences, LANES)).astype(np.int32)
    x = rng.uniform(-1, 1, (sequences, time, sizes[0], LANES)).astype(np.float32)
    x *= np.arange(time)[None, :, None, None] >= start[:, None, None]
    target = rng.uniform(0, 1, (sequences, time if every else 1, sizes[3], LANES)).astype(np.float32)
    return Tape(start, x, None, target, None)


def plainly(plain, tape, lane):
    """What the plain learner makes of a lane's sequences."""
    missed = []
    for sequence, start in enumerate(tape.start[:, lane]):
        target = tape.target[sequence, :, :, lane]
        target = target if len(target) == 1 else target[start:]
        missed.append(plain.train(tape.x[sequence, start:, :, lane].astype(float), target.astype(float)))
    return missed


@pytest.mark.parametrize("learning", LEARNINGS, ids=lambda it: f"{it.gradient}-{it.update}")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda it: "-".join(it) or "plain")
@pytest.mark.parametrize(("sizes", "every"), list(product(SIZES, [True, False])))
def test_compiled_weights_are_those_of_the_equations(sizes, every, options, learning):
    net, tape = network(sizes, **options), tape_of(sizes, every=every)
    for derivative in (True, False):
        rule = replace(learning, output_derivative=derivative, rate=0.5 if derivative else 0.05)
        learner = LSTM(net, rule, 1, range(LANES))
        first = [learner.weights.of(lane) for lane in range(LANES)]
        misses = learner.train(tape)
        for lane in (0, LANES - 1):
            plain = PlainLSTM(net, rule, first[lane])
            missed = plainly(plain, tape, lane)
            moved = 0.0
            for mine, theirs, before in zip(plain.weights, learner.weights.of(lane), first[lane], strict=True):
                if mine.size:
                    assert np.abs(mine - theirs).max() < 5e-6
                    moved = max(moved, np.abs(mine - before).max())
            assert moved > 1e-3
            assert [part.max() for part in missed] == pytest.approx(misses.worst[:, lane], abs=3e-6)
            sums = [part.sum() / (tape.target.shape[1] * sizes[3]) for part in missed]
            assert sums == pytest.approx(misses.mean[:, lane], abs=3e-6)


def by_autograd(net, weights, x, target, *, truncated):
    """Minus the gradient of half the squared error, by automatic differentiation of the equations."""
    w, v, p = (torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in weights)
    sizes, n = net.sizes, net.sizes.blocks
    y, s, error = torch.zeros(sizes.units).double(), torch.zeros(sizes.cells).double(), 0.0
    of = torch.arange(n).repeat_interleave(sizes.size)
    stop = (lambda value: value.detach()) if truncated else (lambda value: value)
    for step, now in enumerate(torch.tensor(x)):
        z = torch.cat([now, stop(y), torch.ones(1).double()])
        a = w @ z
        seen = s.detach().view(n, -1)  # no error flows back through peepholes
        into = torch.sigmoid(a[n : 2 * n] + (p[n : 2 * n] * seen).sum(1))
        kept = torch.sigmoid(a[2 * n : 3 * n] + (p[2 * n : 3 * n] * seen).sum(1)) if net.forget_gate else torch.ones(n)
        g = net.cell_range * (2 * torch.sigmoid(a[sizes.first_cell :]) - 1)
        s = kept[of] * s + into[of] * g
        out = torch.sigmoid(a[:n] + (p[:n] * s.detach().view(n, -1)).sum(1))
        cell = out[of] * net.output_range * (2 * torch.sigmoid(s) - 1)
        y = torch.cat([out, into, *([kept] if net.forget_gate else []), cell])
        outputs = torch.sigmoid(v @ torch.cat([cell, *([now] if net.direct else []), torch.ones(1).double()]))
        due = step - (len(x) - len(target))
        if due >= 0:
            error = error + 0.5 * ((torch.tensor(target[due]) - outputs) ** 2).sum()
    error.backward()
    return [-part.grad.numpy() if part.grad is not None else np.zeros(part.shape) for part in (w, v, p)]


@pytest.mark.parametrize("gradient", ["truncated", "full"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda it: "-".join(it) or "plain")
@pytest.mark.parametrize("every", [True, False])
def test_plain_gradients_are_those_of_automatic_differentiation(options, gradient, every):
    """Truncated: the same equations with what units see of the step before cut off from its past."""
    sizes, rng = (3, 2, 2, 2), np.random.default_rng(3)
    net = network(sizes, **options)
    weights = Weights(*(part[..., 0].astype(float) for part in initial_weights(net, 1, [0])))
    x, target = rng.uniform(-1, 1, (9, 3)), rng.uniform(0, 1, (9 if every else 1, 2))
    expected = by_autograd(net, weights, x, target, truncated=gradient == "truncated")
    plain = PlainLSTM(net, Learning(1.0, gradient=gradient), weights)
    plain.train(x, target)
    there = (*net.connected(), np.full(weights.peephole.shape, float(net.peepholes)))
    for after, before, slope, kept in zip(plain.weights, weights, expected, there, strict=True):
        np.testing.assert_allclose(after - before, slope * kept, atol=1e-12)


def test_weights_are_counted_as_in_the_paper():
    def counted(*sizes, **options):
        return network(sizes, **options).weights

    assert counted(7, 4, 1, 7, cell_bias=False, output_bias=False) == 264
    assert counted(7, 3, 2, 7, cell_bias=False, output_bias=False) == 276
    assert counted(1, 3, 1, 1, output_bias=False) == 102
    assert counted(2, 2, 2, 1) == 93
    assert counted(8, 2, 2, 4) == 156
    assert counted(8, 3, 2, 8) == 308
    gers = {"forget_gate": True, "hidden_sees_gates": False, "direct": True, "cell_bias": False}
    assert counted(7, 4, 2, 7, **gers) == 424


def test_a_trial_does_the_same_in_any_lane_beside_any_others():
    sizes = (2, 2, 2, 1)
    tape, net = tape_of(sizes, every=False), network(sizes)
    whole = LSTM(net, Learning(0.5), 1, range(LANES))
    whole.train(tape)
    alone = LSTM(net, Learning(0.5), 1, [5])
    moved = Tape(
        *(None if part is None else np.roll(part, -5, -1) for part in (tape.start, tape.x, None, tape.target, None))
    )
    alone.train(moved)
    for mine, theirs in zip(alone.weights.of(0), whole.weights.of(5), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_lane_that_does_not_learn_keeps_its_weights():
    sizes = (2, 2, 2, 1)
    learner = LSTM(network(sizes), Learning(0.5), 1, range(LANES))
    before = [part.copy() for part in learner.weights]
    learner.train(tape_of(sizes, every=True), np.arange(LANES) != 3)
    for now, then in zip(learner.weights[:2], before[:2], strict=True):
        np.testing.assert_array_equal(now[..., 3], then[..., 3])
        assert (now[..., 2] != then[..., 2]).any()


def test_a_trace_shows_what_the_outputs_come_from():
    sizes = (2, 2, 2, 1)
    tape = tape_of(sizes, every=True, sequences=1)
    learner = LSTM(network(sizes), Learning(0.5), 1, range(LANES))
    outputs, trace = learner.outputs(tape), learner.trace(tape)
    assert {name: part.shape[:2] for name, part in trace.items()} == {
        "output_gate": (12, 2),
        "input_gate": (12, 2),
        "cell": (12, 4),
        "candidate": (12, 4),
        "hidden": (12, 4),
    }
    weights = learner.weights.output
    again = 1 / (1 + np.exp(-(np.einsum("kcl,tcl->tkl", weights[:, :-1], trace["hidden"]) + weights[:, -1])))
    begun = np.arange(12)[:, None, None] >= tape.start[0]
    np.testing.assert_allclose(np.where(begun, again, 0), np.where(begun, outputs[0], 0), atol=1e-6)
    entered = np.repeat(trace["input_gate"], 2, axis=1) * trace["candidate"]
    np.testing.assert_allclose(np.cumsum(entered, axis=0), trace["cell"], atol=1e-5)


def test_wrong_options_are_named():
    with pytest.raises(OptionError, match="update must be sequence"):
        Learning(0.1, gradient="full", update="step")
    with pytest.raises(OptionError, match="input gates: 1 initial biases for 2 blocks"):
        Network(1, 2, 1, 1, starts={"input": (-1.0,)})
    with pytest.raises(OptionError, match="blocks 0"):
        Network(1, 0, 1, 1)
