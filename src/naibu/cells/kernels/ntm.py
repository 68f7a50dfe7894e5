"""The steps of a Neural Turing Machine and their gradient, compiled: one sequence after the other, float32.

The memory lies turned here, `[width location]`, so that what is done to every location is done to neighbours. Sums may
be taken in any order, so that they too are taken side by side; results agree with the plain path to a few units in the
last place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naibu.compiling import compiled, compiled_in_any_order

Floats = NDArray[np.float32]
ONE, ZERO = np.float32(1), np.float32(0)
TINY = np.finfo(np.float32).tiny


@compiled
def _sigmoid(a: Any) -> Any:
    return ONE / (ONE + math.exp(-a))


@compiled
def _softmax(values: Floats, found: Floats) -> None:
    most, total = values.max(), ZERO
    for n in range(len(values)):
        found[n] = math.exp(values[n] - most)
        total += found[n]
    for n in range(len(values)):
        found[n] /= total


@compiled
def _heads(z: Floats, width: int, act: Floats) -> None:
    """Fill in keys and add, gates and erase, strengths and sharpenings, shifts, from their sums."""
    for k in range(3 * width):
        act[k] = math.tanh(z[k])
    for k in range(3 * width, 4 * width + 2):
        act[k] = _sigmoid(z[k])
    for k in range(4 * width + 2, 4 * width + 6):
        act[k] = math.log1p(math.exp(-abs(z[k]))) + max(z[k], ZERO)
        if k >= 4 * width + 4:
            act[k] += ONE
    for head in range(2):
        at = 4 * width + 6 + 3 * head
        _softmax(z[at : at + 3], act[at : at + 3])


@compiled_in_any_order
def _address(
    memory: Floats, before: Floats, act: Floats, head: int, apart: Any, kept: Floats, room: Floats, w: Floats
) -> None:
    """Fill in a head's weighting; `kept [4 location]` takes what its gradient needs: 1 / norms, cosine, weighting by
    content, after the gate; `room [location]` is overwritten."""
    width, locations = memory.shape
    key = act[head * width : (head + 1) * width]
    gate, strength = act[3 * width + head], act[4 * width + 2 + head]
    sharpening, shift = act[4 * width + 4 + head], act[4 * width + 6 + 3 * head : 4 * width + 9 + 3 * head]
    norms, cosine, content, gated = kept
    square = ZERO
    norms[:] = 0
    cosine[:] = 0
    for m in range(width):
        k, row = key[m], memory[m]
        square += k * k
        for n in range(locations):
            cosine[n] += k * row[n]
            norms[n] += row[n] * row[n]
    for n in range(locations):
        norms[n] = ONE / math.sqrt(norms[n] * square + apart)
        cosine[n] *= norms[n]
        room[n] = strength * cosine[n]
    _softmax(room, content)
    for n in range(locations):
        gated[n] = before[n] + gate * (content[n] - before[n])
    _shifted(gated, shift[0], shift[1], shift[2], room)
    for n in range(locations):
        room[n] = sharpening * math.log(max(room[n], TINY))
    _softmax(room, w)


@compiled_in_any_order
def _shifted(w: Floats, back: Any, stay: Any, on: Any, found: Floats) -> None:
    """Fill in `found(n) = back w(n + 1) + stay w(n) + on w(n - 1)`, round the end."""
    last = len(w) - 1
    for n in range(1, last):
        found[n] = back * w[n + 1] + stay * w[n] + on * w[n - 1]
    found[0] = back * w[1 % (last + 1)] + stay * w[0] + on * w[last]
    if last:
        found[last] = back * w[0] + stay * w[last] + on * w[last - 1]


@compiled_in_any_order
def forward(
    projected: Floats,
    weight: Floats,
    shown: Floats,
    heads: Floats,
    bias: Floats,
    apart: Any,
    gates: Floats,
    u: Floats,
    h: Floats,
    c: Floats,
    r: Floats,
    memory: Floats,
    w: Floats,
    act: Floats,
    kept: Floats,
) -> None:
    """Fill in all steps, sequence by sequence.

    Behind the first axis, batch: projected `[time 4*hidden]`, every bias in it; gates `[time 4*hidden]`, u `[time
    hidden]`, act `[time row]`, kept `[time head 4 location]`; h, c, r, memory and w `[1 + time ...]`, of which the
    first is what it begins with. Turned: weight `[hidden + width, 4*hidden]`, shown `[width hidden]`, heads `[hidden
    row]`; bias `[row]`.
    """
    batch, time, rows = projected.shape
    hidden, width, locations = rows // 4, r.shape[2], w.shape[3]
    a, z, room = np.empty(rows, np.float32), np.empty(len(bias), np.float32), np.empty(locations, np.float32)
    for b in range(batch):
        for t in range(time):
            a[:] = projected[b, t]
            for k in range(hidden + width):
                v, row = h[b, t, k] if k < hidden else r[b, t, k - hidden], weight[k]
                for j in range(rows):
                    a[j] += v * row[j]
            gate = gates[b, t]
            for j in range(hidden):
                i, f, o = _sigmoid(a[j]), _sigmoid(a[hidden + j]), _sigmoid(a[3 * hidden + j])
                g = math.tanh(a[2 * hidden + j])
                gate[j], gate[hidden + j], gate[2 * hidden + j], gate[3 * hidden + j] = i, f, g, o
                c[b, t + 1, j] = f * c[b, t, j] + i * g
                u[b, t, j] = o * math.tanh(c[b, t + 1, j])
            z[:] = bias
            for k in range(hidden):
                v, row = u[b, t, k], heads[k]
                for j in range(len(z)):
                    z[j] += v * row[j]
            _heads(z, width, act[b, t])
            for head in range(2):
                _address(memory[b, t], w[b, t, head], act[b, t], head, apart, kept[b, t, head], room, w[b, t + 1, head])
            read, write = w[b, t + 1]
            h[b, t + 1] = u[b, t]
            for m in range(width):
                add, erase, total = act[b, t, 2 * width + m], act[b, t, 3 * width + 2 + m], ZERO
                old, new = memory[b, t, m], memory[b, t + 1, m]
                for n in range(locations):
                    new[n] = old[n] + write[n] * (add - old[n] * erase)
                    total += read[n] * new[n]
                r[b, t + 1, m] = total
                row = shown[m]
                for j in range(hidden):
                    h[b, t + 1, j] += total * row[j]


@compiled_in_any_order
def _address_back(
    memory: Floats,
    before: Floats,
    act: Floats,
    head: int,
    kept: Floats,
    w: Floats,
    dw: Floats,
    dz: Floats,
    dmemory: Floats,
    room: Floats,
) -> None:
    """Take a head's gradient `dw` back: to the weighting before, which `dw` then holds; to the sums of its row block,
    but for its key's tanh, in `dz`; and on to the memory, which it is added to. `room [4 location]` is overwritten."""
    width, locations = memory.shape
    key = act[head * width : (head + 1) * width]
    gate, strength = act[3 * width + head], act[4 * width + 2 + head]
    sharpening, at = act[4 * width + 4 + head], 4 * width + 6 + 3 * head
    back, stay, on = act[at], act[at + 1], act[at + 2]
    norms, cosine, content, gated = kept
    shifted, dshifted, dgated, squares = room
    _shifted(gated, back, stay, on, shifted)
    total, dsharpening = ZERO, ZERO
    for n in range(locations):
        total += dw[n] * w[n]
    for n in range(locations):
        d = w[n] * (dw[n] - total)
        dsharpening += d * math.log(max(shifted[n], TINY))
        dshifted[n] = d * sharpening / shifted[n] if shifted[n] >= TINY else ZERO
    _shifted(dshifted, on, stay, back, dgated)
    dback, dstay, don = dshifted[locations - 1] * gated[0], ZERO, dshifted[0] * gated[locations - 1]
    for n in range(locations):
        dstay += dshifted[n] * gated[n]
    for n in range(locations - 1):
        dback += dshifted[n] * gated[n + 1]
        don += dshifted[n + 1] * gated[n]
    total, dgate = ZERO, ZERO
    for n in range(locations):
        dgate += dgated[n] * (content[n] - before[n])
        dw[n] = (ONE - gate) * dgated[n]
        total += gate * dgated[n] * content[n]
    dstrength, square, away = ZERO, ZERO, ZERO
    squares[:] = 0
    for m in range(width):
        square += key[m] * key[m]
        row = memory[m]
        for n in range(locations):
            squares[n] += row[n] * row[n]
    for n in range(locations):
        d = content[n] * (gate * dgated[n] - total)
        dstrength += d * cosine[n]
        d *= strength * norms[n]
        dshifted[n] = d  # of the product of key and location
        d *= cosine[n] * norms[n]
        away += d * squares[n]
        dgated[n] = d * square
    for m in range(width):
        row, drow, total = memory[m], dmemory[m], ZERO
        for n in range(locations):
            total += dshifted[n] * row[n]
            drow[n] += key[m] * dshifted[n] - dgated[n] * row[n]
        dz[head * width + m] = total - key[m] * away
    dz[3 * width + head] = dgate * gate * (ONE - gate)
    dz[4 * width + 2 + head] = dstrength * (ONE - math.exp(-strength))
    dz[4 * width + 4 + head] = dsharpening * (ONE - math.exp(ONE - sharpening))
    total = back * dback + stay * dstay + on * don
    dz[at], dz[at + 1], dz[at + 2] = back * (dback - total), stay * (dstay - total), on * (don - total)


@compiled_in_any_order
def backward(
    weight: Floats,
    shown: Floats,
    heads: Floats,
    gates: Floats,
    c: Floats,
    memory: Floats,
    w: Floats,
    act: Floats,
    kept: Floats,
    doutput: Floats,
    dh: Floats,
    dc: Floats,
    dr: Floats,
    dmemory: Floats,
    dw: Floats,
    da: Floats,
    dz: Floats,
    dshown: Floats,
) -> None:
    """Go back through all steps: `doutput [batch time hidden]` in; dh to dw `[batch ...]` in as the gradients of the
    state at the end, out as those of the state at the beginning; da `[batch time 4*hidden]`, dz `[batch time row]` and
    dshown `[batch time hidden]` filled in, the gradients of the sums. weight `[4*hidden, hidden + width]` and heads
    `[row hidden]` as they are, shown `[width hidden]` turned.
    """
    batch, time, rows = gates.shape
    hidden, width, locations = rows // 4, dr.shape[1], w.shape[3]
    room, both = np.empty((4, locations), np.float32), np.empty(hidden + width, np.float32)
    for b in range(batch):
        for t in range(time - 1, -1, -1):
            (read, write), (dread, dwrite), acts, dsums = w[b, t + 1], dw[b], act[b, t], dz[b, t]
            for k in range(hidden):
                dh[b, k] += doutput[b, t, k]
            dshown[b, t] = dh[b]
            for m in range(width):
                total, row = ZERO, shown[m]
                for j in range(hidden):
                    total += dh[b, j] * row[j]
                dr[b, m] += total
            for m in range(width):
                old, new, d, dm = memory[b, t, m], memory[b, t + 1, m], dmemory[b, m], dr[b, m]
                add, erase = acts[2 * width + m], acts[3 * width + 2 + m]
                dadd, derase = ZERO, ZERO
                for n in range(locations):
                    dread[n] += dm * new[n]
                    d[n] += dm * read[n]
                    dwrite[n] += d[n] * (add - old[n] * erase)
                    written = d[n] * write[n]
                    dadd += written
                    derase -= written * old[n]
                    d[n] -= written * erase
                dsums[2 * width + m] = dadd * (ONE - add * add)
                dsums[3 * width + 2 + m] = derase * erase * (ONE - erase)
            for head in range(2):
                _address_back(
                    memory[b, t],
                    w[b, t, head],
                    acts,
                    head,
                    kept[b, t, head],
                    w[b, t + 1, head],
                    dw[b, head],
                    dsums,
                    dmemory[b],
                    room,
                )
            for k in range(2 * width):
                dsums[k] *= ONE - acts[k] * acts[k]
            for k in range(len(dsums)):
                v, row = dsums[k], heads[k]
                for j in range(hidden):
                    dh[b, j] += v * row[j]
            gate, sums = gates[b, t], da[b, t]
            for j in range(hidden):
                i, f, g, o = gate[j], gate[hidden + j], gate[2 * hidden + j], gate[3 * hidden + j]
                squashed = math.tanh(c[b, t + 1, j])
                d = dc[b, j] + dh[b, j] * o * (ONE - squashed * squashed)
                sums[j] = d * g * i * (ONE - i)
                sums[hidden + j] = d * c[b, t, j] * f * (ONE - f)
                sums[2 * hidden + j] = d * i * (ONE - g * g)
                sums[3 * hidden + j] = dh[b, j] * squashed * o * (ONE - o)
                dc[b, j] = d * f
            both[:] = 0
            for j in range(rows):
                v, row = sums[j], weight[j]
                for k in range(hidden + width):
                    both[k] += v * row[k]
            dh[b] = both[:hidden]
            dr[b] = both[hidden:]
