"""The learner of endless streams of embedded Reber strings in compiled code: one trial in each lane.

Each lane draws its own symbols from its own random numbers, ends its streams when they end, and turns from training
to tests and back by itself, so that lanes never wait for each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.extending import intrinsic

from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import (
    F32,
    LANES,
    VECTOR,
    load,
    read_number,
    splat,
    store,
    total,
    where_positive,
    write_number,
)
from naibu.data.generated.continual_reber import step as draw
from naibu.data.generated.reber import LETTER, WAYS
from naibu.online.blocks.backward import Errors, clear, output_errors
from naibu.online.blocks.forward import RATE, Net, Past, constant, forward_step, net_of, output_step
from naibu.online.blocks.steps import Carried, There, learn_step
from naibu.online.recurrent.net import note_failures

STREAMS = record(
    *("inputs", "blocks", "size", "outputs", "forget", "direct"),
    *("hidden", "output", "peephole", "constants"),
    *("hidden_there", "output_there"),
    *("z", "s", "g", "h", "o", "sums"),  # rooms of Past, for one step
    *("e", "back", "worst", "sum"),
    *("entering", "own", "staying", "peephole_carried"),
    *("following", "legal", "wrong"),  # [output], [output] and one vector: 1 or 0
    "keep",  # a vector, 0 in lanes where a stream begins, or a string that is reset before
    *("learns_legal", "judged_by_legal", "measure", "reset"),
    "numbers",  # float32: LIMIT ...
    *("random", "place", "lanes"),  # uint64 [2 lane]: of training, of tests; int32 [2 lane]; int64 [.. lane]
    *("steps", "longest", "tests", "most_streams", "most_steps"),
)
LIMIT, FIRST_RATE, RATE_DECAY = range(3)
LARGEST, SQUARES, ORDER = range(3)
"""Measures of a mistake: the largest |t - y|, the sum of (t - y)^2, the order of the outputs."""
PHASE, STEP, TRAINED, STEPS, TESTED, WRONG, RIGHT, FIELDS = range(8)
"""Of each lane: what it is doing; steps of its stream so far; training streams and steps so far; streams of the
present test so far, mistakes in them, and steps in them before a mistake."""
IDLE, TRAINING, TESTING, LAST = range(4)
"""Phases. The last test goes on after mistakes; when it is over, or one is without a mistake, the lane is idle."""
NO_RATE = 1e-12
"""A learning rate that changes no weight any more in float32."""


@intrinsic
def _memory(_: Any, address: Any) -> Any:
    """Return an address as the pointer that arrays are made of."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), generate


@njit
def _go_on(net: Net, past: Past, keep: Any) -> None:
    """Make what the last step left what the next one begins with, z = [0; y; 1] and s, or nothing where keep is 0."""
    row = VECTOR * net.sources
    clear(past.z, net.inputs)
    for index in range(net.inputs, net.sources - 1):
        at = past.z + VECTOR * index
        store(at, keep * load(at + row))
    for index in range(net.cells):
        at = past.s + VECTOR * index
        store(at, keep * load(at + VECTOR * net.cells))


@njit
def _keep_derivatives(net: Net, carried: Carried, keep: Any) -> None:
    """Set the derivatives to 0 in lanes where keep is 0."""
    many, few = net.cells * net.sources, 2 * net.cells * net.size
    rooms = ((carried.entering, many), (carried.own, many), (carried.staying, many), (carried.peephole, few))
    for place, count in rooms:
        for index in range(count):
            at = place + VECTOR * index
            store(at, keep * load(at))


@njit
def _read_symbols(task: Any, net: Net, random: Any, place: Any, lanes: Any) -> None:
    """Write every lane's next symbol, what follows it, and what may; where a string ends, clear `keep` if asked to."""
    clear(task.following, net.outputs)
    clear(task.legal, net.outputs)
    for lane in range(LANES):
        phase, here = lanes[PHASE, lane], F32 * lane
        if phase == IDLE:
            continue
        symbol, node = draw(random[0] if phase == TRAINING else random[1], lane, place)
        one = np.float32(1.0)
        write_number(task.z + VECTOR * symbol + here, one)
        write_number(task.following + VECTOR * place[0, lane] + here, one)
        for way in range(WAYS[node]):
            write_number(task.legal + VECTOR * LETTER[node, way] + here, one)
        if task.reset and node == 0:
            write_number(task.keep + here, np.float32(0.0))


@njit
def _judge(task: Any, net: Net, past: Past) -> None:
    """Write 1 into `wrong` in the lanes whose prediction is a mistake; outputs that are no numbers are one."""
    zero, one = splat(np.float32(0.0)), splat(np.float32(1.0))
    if task.measure == ORDER:
        clear(task.wrong, 1)
        note_failures(past.o, task.legal, net.outputs, one, task.wrong)
        return
    right, limit, squares = one, splat(read_number(task.numbers + F32 * LIMIT)), zero
    wanted = task.legal if task.judged_by_legal else task.following
    for output in range(net.outputs):
        miss = load(wanted + VECTOR * output) - load(past.o + VECTOR * output)
        squares = squares + miss * miss
        if task.measure == LARGEST:
            right = right * where_positive(limit - miss, where_positive(limit + miss, one))
    if task.measure == SQUARES:
        right = where_positive(limit - squares, one)
    store(task.wrong, one - right)


@njit
def _next_phase(task: Any, lanes: Any, lane: int, wrong: bool) -> int:
    """Return what a lane does after the stream that has ended."""
    phase = lanes[PHASE, lane]
    if phase == TRAINING:
        lanes[TRAINED, lane] += 1
        lanes[TESTED, lane] = lanes[WRONG, lane] = lanes[RIGHT, lane] = 0
        return TESTING
    lanes[TESTED, lane] += 1
    lanes[WRONG, lane] += wrong
    lanes[RIGHT, lane] += lanes[STEP, lane] - wrong
    if phase == TESTING and wrong:
        if lanes[TRAINED, lane] < task.most_streams and lanes[STEPS, lane] < task.most_steps:
            return TRAINING
        lanes[TESTED, lane] = lanes[WRONG, lane] = lanes[RIGHT, lane] = 0
        return LAST
    return IDLE if lanes[TESTED, lane] == task.tests else phase


@njit
def _end_streams(task: Any, net: Net, place: Any, lanes: Any) -> None:
    """Begin new streams in the lanes whose stream has ended, by a mistake or because it is long enough."""
    for lane in range(LANES):
        phase, here = lanes[PHASE, lane], F32 * lane
        if phase == IDLE:
            continue
        lanes[STEP, lane] += 1
        lanes[STEPS, lane] += phase == TRAINING
        wrong = read_number(task.wrong + here) > 0
        cut = phase == TRAINING and lanes[STEPS, lane] >= task.most_steps
        if wrong or cut or lanes[STEP, lane] >= task.longest:
            after = _next_phase(task, lanes, lane, wrong)
            lanes[PHASE, lane], lanes[STEP, lane] = after, 0
            place[0, lane], place[1, lane] = 0, 0
            rate = read_number(task.numbers + F32 * FIRST_RATE) if after == TRAINING else np.float32(0.0)
            write_number(net.constants + VECTOR * RATE + here, rate)
            write_number(task.keep + here, np.float32(0.0))


def _lstm_streams(address: int) -> None:
    """Go on by so many steps in every lane."""
    task = carray(address, 1, STREAMS)[0]
    random = carray(_memory(task.random), (2, LANES), np.uint64)
    place = carray(_memory(task.place), (2, LANES), np.int32)
    lanes = carray(_memory(task.lanes), (FIELDS, LANES), np.int64)
    net = net_of(task)
    past = Past(task.z, task.s, task.g, task.h, task.o, task.sums)
    errors = Errors(0, task.e, task.back, 0, 0, 0, 0, task.worst, task.sum)
    carried = Carried(task.entering, task.own, task.staying, task.peephole_carried)
    there = There(task.hidden_there, task.output_there)
    one, decay = splat(np.float32(1.0)), splat(read_number(task.numbers + F32 * RATE_DECAY))
    target = task.legal if task.learns_legal else task.following
    for _ in range(task.steps):
        keep = load(task.keep)
        store(task.keep, one)
        _go_on(net, past, keep)
        _read_symbols(task, net, random, place, lanes)
        forward_step(net, past, 0, one)
        output_step(net, past, 0)
        _judge(task, net, past)
        rate = constant(net, RATE)
        if total(rate) > 0:
            if total(keep) < LANES - 0.5:
                _keep_derivatives(net, carried, keep)
            output_errors(net, past, errors, 0, target, one)
            learn_step(net, past, carried, there, 0, errors.e, errors.back)
        rate = rate * decay
        store(net.constants + VECTOR * RATE, where_positive(rate - splat(np.float32(NO_RATE)), rate))
        _end_streams(task, net, place, lanes)


go_on = Kernel("learner of endless streams", _lstm_streams, STREAMS)
