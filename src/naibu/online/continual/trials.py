"""Streams of embedded Reber strings without end, learnt by LSTM with and without forget gates, compiled.

What the texts that quote Gers, Schmidhuber and Cummins (2000, section 4, table 2) agree on: strings follow each other
without a mark; weights change at every step by the truncated gradient; at the beginning of each training stream all
states are 0 and the learning rate is 0.5, and stays so or falls by the factor 0.99 a step; a stream ends with the first
mistake or after 100,000 symbols; after each training stream the network is tested, with its weights held, on ten other
streams, and is perfect when it makes no mistake in them; it is given 30,000 training streams at most. Gates and cells
see the inputs and the cells, outputs the cells and the inputs; gates and outputs have biases, cells have none.

What they leave open, and how we read it. A mistake is quoted as a squared error of 0.49 or more in any output; but
then a network whose outputs are always 0.5 makes none, whatever the target. So we take 0.49 as the absolute error, and
as target 1 for each symbol that may follow: every output has to be on its side of 0.5. Weights change at the step of a
mistake too. A test that is not the last ends with its first mistake. Reset from outside, after each string, means
states, activations and derivatives; decay of states multiplies s(t - 1), and so the derivatives. `Streams` names other
readings. No part of this is read in the paper itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import log
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from naibu.cells.kernels.vector import LANES, zeros
from naibu.data.generated.random import streams
from naibu.data.generated.reber import LETTERS
from naibu.errors import OptionError
from naibu.online.blocks.forward import RATE
from naibu.online.blocks.network import Gate, Learning, Network, Weights, initial_weights
from naibu.online.continual.kernel import (
    FIELDS,
    IDLE,
    PHASE,
    RIGHT,
    STEPS,
    TESTED,
    TRAINED,
    TRAINING,
    WRONG,
    go_on,
)
from naibu.online.lanes import Lane, run_lanes
from naibu.online.trials import POINTS, Listener, Trial

Floats = NDArray[np.float32]
Target = Literal["next", "legal"]
Measure = Literal["largest", "squares", "order"]


def gers_network(*, forget_gate: bool = True) -> Network:
    """Return the network of Gers et al. 2000: 424 weights, or without forget gates the 360 of the LSTM of 1997."""
    rising = (0.5, 1.0, 1.5, 2.0)
    starts: dict[Gate, tuple[float, ...]] = dict.fromkeys(("input", "output"), tuple(-bias for bias in rising))
    if forget_gate:
        starts["forget"] = rising
    return Network(
        inputs=len(LETTERS),
        blocks=4,
        size=2,
        outputs=len(LETTERS),
        cell_bias=False,
        starts=starts,
        initial=0.2,
        forget_gate=forget_gate,
        hidden_sees_gates=False,
        direct=True,
    )


@dataclass(frozen=True)
class Streams:
    """A network, how it learns from streams, and what is asked of it."""

    network: Network = field(default_factory=gers_network)
    learning: Learning = field(default_factory=lambda: Learning(0.5, update="step"))
    rate_decay: float = 1.0
    """The factor by which the learning rate falls at each step of a training stream."""
    state_decay: float = 1.0
    """The factor by which states are multiplied at each step, in networks without forget gates."""
    reset: bool = False
    """Whether states, activations and derivatives are set to 0 from outside after each string."""
    target: Target = "legal"
    """What is learnt: the symbol that comes next, or 1 for each that may."""
    against: Target | None = None
    """What predictions are compared with to find mistakes; the target that is learnt where it is not given."""
    measure: Measure = "largest"
    """largest: a mistake is |t_k - y_k| >= limit in any output; squares: a sum of (t_k - y_k)^2 >= limit over the
    outputs; order: that a symbol that may follow is not above all that may not (the criterion of 1997)."""
    limit: float = 0.49
    """Beware of limits that a network without knowledge meets: 0.5 and more with `largest`, 0.86 with `squares` and the
    next symbol."""
    longest: int = 100_000
    """Symbols of a stream without a mistake."""
    tests: int = 10
    """Streams of a test."""

    def __post_init__(self) -> None:
        if self.learning.update != "step":
            raise OptionError(f"update {self.learning.update}: streams have no end, so update must be step")
        if (self.network.inputs, self.network.outputs) != (len(LETTERS), len(LETTERS)):
            raise OptionError(f"network: {len(LETTERS)} inputs and outputs are needed, one for each of {LETTERS}")
        if not 0 < self.state_decay <= 1 or not 0 < self.rate_decay <= 1:
            raise OptionError(f"decay {self.state_decay}, {self.rate_decay}: must be above 0 and not above 1")
        if self.state_decay < 1 and self.network.forget_gate:
            raise OptionError("state_decay: a network with forget gates has none")
        if self.state_decay < 1 and self.network.peepholes:
            raise OptionError("state_decay: a network with peepholes has none")

    @property
    def built(self) -> Network:
        """Return the network that computes this: decay of states is a forget gate held at that factor."""
        if self.state_decay == 1:
            return self.network
        open_by = log(self.state_decay / (1 - self.state_decay))
        starts = {**self.network.starts, "forget": (open_by,) * self.network.blocks}
        return replace(self.network, forget_gate=True, starts=starts)

    def connected(self) -> tuple[Floats, Floats]:
        """Return 1 where there is a weight that learns, else 0, `[unit source]` and `[output seen]`."""
        hidden, output = self.built.connected()
        if self.state_decay < 1:
            hidden[2 * self.network.blocks : 3 * self.network.blocks] = 0
        return hidden, output

    def weights(self, seed: int, trial: int) -> Weights:
        """Return the first weights of a trial, `[... 1]` each."""
        weights = initial_weights(self.built, seed, [trial])
        if self.state_decay < 1:
            weights.hidden[2 * self.network.blocks : 3 * self.network.blocks, :-1] = 0
        return weights


class _Lanes:
    """As many trials side by side as there are lanes, and all that they hold."""

    def __init__(self, asked: Streams, seed: int, most_streams: int, most_steps: int, portion: int = 20_000) -> None:
        self.asked, self.seed, self.portion = asked, seed, portion
        sizes = asked.built.sizes
        learnt: dict[str, tuple[int, ...]] = {
            "hidden": (sizes.units, sizes.sources),
            "output": (sizes.outputs, sizes.seen),
        }
        learnt |= {"peephole": (sizes.first_cell, sizes.size), "peephole_carried": (2, sizes.cells, sizes.size)}
        step: dict[str, tuple[int, ...]] = {"z": (2, sizes.sources), "s": (2, sizes.cells), "sums": (sizes.units + 3,)}
        step |= dict.fromkeys(("g", "h", "back"), (sizes.cells,))
        step |= dict.fromkeys(("o", "e", "following", "legal"), (sizes.outputs,))
        step |= dict.fromkeys(("entering", "own", "staying"), (sizes.cells, sizes.sources))
        step |= dict.fromkeys(("wrong", "keep", "worst", "sum"), ())
        self.rooms = {name: zeros(*shape) for name, shape in (learnt | step).items()}
        self.lanes = np.zeros((FIELDS, LANES), np.int64)
        there = zip(("hidden_there", "output_there"), asked.connected(), strict=True)
        self._held = {name: np.repeat(part[..., None], LANES, -1) for name, part in there}
        self._held["constants"] = constants(asked.built, asked.learning)
        self._held["numbers"] = np.array([asked.limit, asked.learning.rate, asked.rate_decay], np.float32)
        self._random, self._place = np.zeros((2, LANES), np.uint64), np.zeros((2, LANES), np.int32)
        self._numbers = {
            **sizes._asdict(),
            "learns_legal": int(asked.target == "legal"),
            "judged_by_legal": int((asked.against or asked.target) == "legal"),
            "measure": get_args(Measure).index(asked.measure),
            "reset": int(asked.reset),
            "longest": asked.longest,
            "tests": asked.tests,
            "most_streams": most_streams,
            "most_steps": most_steps,
        }

    def begin(self, lane: int, trial: int) -> None:
        """Begin a trial in a lane that is idle."""
        for room in self.rooms.values():
            room[..., lane] = 0
        weights = self.asked.weights(self.seed, trial)
        self.rooms["hidden"][: len(weights.hidden), ..., lane] = weights.hidden[..., 0]
        self.rooms["output"][..., lane] = weights.output[..., 0]
        self.rooms["peephole"][..., lane] = weights.peephole[..., 0]
        self.rooms["z"][:, -1] = 1
        for row, purpose in enumerate(("training", "test")):
            self._random[row, lane] = streams(self.seed, purpose, [trial])[0]
        self._place[:, lane] = 0
        self.lanes[:, lane] = 0
        self.lanes[PHASE, lane] = TRAINING
        self._held["constants"][RATE, lane] = self.asked.learning.rate

    def go_on(self, lanes: Mapping[int, Lane]) -> tuple[int, Mapping[int, Trial]]:
        """Let every lane go on by a portion of steps; see `Crew`."""
        before = int(self.lanes[TRAINED].sum())
        self.step(self.portion)
        for index, lane in lanes.items():
            lane.curve.append((int(self.lanes[TRAINED, index]), int(self.lanes[STEPS, index])))
        idle = self.lanes[PHASE] == IDLE
        ended = {index: _trial(lane, self.lanes[:, index]) for index, lane in lanes.items() if idle[index]}
        return int(self.lanes[TRAINED].sum()) - before, ended

    def step(self, steps: int) -> None:
        """Let every lane go on by so many steps, of training or of tests."""
        arrays: dict[str, NDArray[Any]] = {**self.rooms, **self._held, "lanes": self.lanes}
        arrays |= {"random": self._random, "place": self._place}
        if not self.asked.network.peepholes:
            del arrays["peephole"]
        go_on(1, steps=steps, **self._numbers, **{name: part.ctypes.data for name, part in arrays.items()})


def constants(network: Network, learning: Learning) -> Floats:
    """Return the vectors of constants in the order of their names in `forward`; the rates are 0."""
    g, h = network.cell_range, network.output_range
    numbers = (g, h, 2 * g, 2 * h, 1 / (2 * g), 1 / (2 * h), 0.0, learning.output_derivative)
    return np.repeat(np.array(numbers, np.float32)[:, None], LANES, -1)


def run_streams(
    asked: Streams,
    *,
    seed: int,
    trials: Sequence[int],
    cap: int = 30_000,
    most_steps: int = 10**9,
    listener: Listener | None = None,
    portion: int = 20_000,
) -> list[Trial]:
    """Return the trials of these numbers, in their order, each trained until a test is without a mistake, or on `cap`
    streams or `most_steps` training symbols; the stream in which these run out is broken off, and counts.

    A trial's `sequences` are training streams; `wrong` of `tested` streams of its last test had a mistake, and
    `length` is how many symbols it predicted in the mean before it; the curve is mistakes for each training symbol.
    A trial that ends makes room for the next after `portion` steps. Interrupted, it has told the listener of all that
    were finished. What a trial does depends on `seed` and its number alone.
    """
    return run_lanes(_Lanes(asked, seed, cap, most_steps, portion), trials, listener)


def _trial(lane: Lane, fields: NDArray[np.int64]) -> Trial:
    """Return the trial that a lane has ended; its curve holds its training streams and steps from time to time."""
    seen = np.array([(0, 0), *lane.curve])
    points = seen[np.unique(np.linspace(0, len(seen) - 1, POINTS + 1).astype(int))]
    points = points[np.append(True, np.diff(points[:, 0]) > 0)]
    curve = tuple(
        (float(after[0]), float((after - before)[0] / (after - before)[1])) for before, after in pairwise(points)
    )
    tested, wrong = int(fields[TESTED]), int(fields[WRONG])
    return Trial(
        lane.number,
        solved=wrong == 0,
        sequences=int(fields[TRAINED]),
        wrong=wrong,
        tested=tested,
        steps=int(fields[STEPS]),
        curve=curve,
        length=float(fields[RIGHT]) / tested,
    )
