"""minLSTM and minGRU without the loop: h_t = a_t * h_{t-1} + u_t for all steps by a parallel scan.

The steps are cut into chunks that run side by side, each from zero, with the product of its a; a second pass
over the chunks alone brings in where each really began. That is twice the work in about 2 sqrt(time) operations.
Where one step is already a large operation it is one chunk, the scan of `recover` with a backward pass of its
own: the gradient of a scan is a scan from the last step to the first.

Measured roughly with one thread (EPYC; hidden 100, batch 32; forward and backward; ms at 100 and 500 steps): this
1.2 and 7; step by step through autograd 2.5 and 15; doubling (log2 time passes) 2.5 and 20; the log-space scan of
Feng et al. 2024 37 and 190, with a wrong gradient where a gate is near 0, for it divides by the product of all a
so far. With batch 8, 500 steps: this 2, the loop 10.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from naibu.cells.base import Cell, HiddenState, State
from naibu.cells.edits import Edit
from naibu.cells.minimal import MinGRUCell, MinimalCell, MinLSTMCell
from naibu.cells.unroll import Unrolled, reverse_padded

_LARGE = 4_000
"""Values of one step from which chunks side by side gain nothing on a CPU (measured)."""


def refusal(cell: type[Cell], edits: Mapping[str, Edit]) -> str | None:
    """Return why the scan does not compute this cell, or None where it does."""
    if cell not in (MinLSTMCell, MinGRUCell):
        return f"the step of a {cell.__name__} is not linear in its state"
    return "a signal that is edited at each step wants the steps one by one" if edits else None


def run(
    cell: Cell,
    x: Tensor,
    state: State,
    *,
    keep: Collection[str],
    lengths: Tensor | None,
    reverse: bool,
) -> Unrolled:
    """Return what `unroll` returns, of a cell that `refusal` does not refuse."""
    assert isinstance(cell, MinimalCell)
    if reverse:
        x = reverse_padded(x, lengths)
    signals: dict[str, Tensor] = {}

    def tap(signal: str, value: Tensor) -> Tensor:
        return signals.setdefault(signal, value)

    a, u = cell.coefficients(cell.project(x), tap)
    if lengths is not None:
        alive = (torch.arange(len(x), device=x.device)[:, None] < lengths.to(x.device))[..., None]
        a, u = torch.where(alive, a, 1), torch.where(alive, u, 0)  # beyond its end a state stands still
    hidden = linear_scan(a, u, state.hidden)
    last, signals["hidden"] = hidden[-1], hidden
    output = hidden if lengths is None else torch.where(alive, hidden, 0)
    kept = {name: signals[name] for name in keep}
    if reverse:
        output = reverse_padded(output, lengths)
        kept = {name: reverse_padded(value, lengths) for name, value in kept.items()}
    return Unrolled(output, HiddenState(last), kept)


def linear_scan(a: Tensor, u: Tensor, first: Tensor) -> Tensor:
    """Return h `[time batch hidden]`, h_t = a_t * h_{t-1} + u_t from h_{-1} = `first [batch hidden]`."""
    scanned: Tensor = _LinearScan.apply(a, u, first)  # type: ignore[no-untyped-call]
    return scanned


class _LinearScan(torch.autograd.Function):
    """The scan, and its gradient: d_t = g_t + a_{t+1} * d_{t+1}, u's d_t, a's d_t * h_{t-1}."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, u: Tensor, first: Tensor) -> Tensor:
        """Return h."""
        h = _scan(a, u, first)
        ctx.save_for_backward(a, h, first)
        return h

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of a, u and first."""
        a, h, first = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is asked for: step by step, each an operation of its own
            steps = [g[-1]]
            for step in range(len(g) - 2, -1, -1):
                steps.append(g[step] + a[step + 1] * steps[-1])
            d = torch.stack(steps[::-1])
            return d * torch.cat([first[None], h[:-1]]), d, a[0] * d[0]
        d = torch.cat([_scan(a[1:], g[:-1], g[-1], reverse=True), g[-1:]])
        of_a = torch.empty_like(d)
        torch.mul(d[:1], first, out=of_a[:1])
        torch.mul(d[1:], h[:-1], out=of_a[1:])
        return of_a, d, a[0] * d[0]


def _scan(a: Tensor, u: Tensor, first: Tensor, *, reverse: bool = False) -> Tensor:
    """Return h_t = a_t * h_{t-1} + u_t, or with `reverse` h_t = a_t * h_{t+1} + u_t from the last step down."""
    steps, out = len(a), torch.empty_like(u)
    one_chunk = steps < 4 or (first.numel() >= _LARGE and a.device.type == "cpu")
    length = steps if one_chunk else math.isqrt(steps)
    chunks, rest = divmod(steps, length) if steps else (0, 0)
    if chunks > 1:
        side = slice(rest, steps) if reverse else slice(0, steps - rest)
        first = _side_by_side(a[side], u[side], first, out[side], length, reverse)
        side = slice(0, rest) if reverse else slice(steps - rest, steps)
        a, u, rest_out = a[side], u[side], out[side]
    else:
        rest_out = out
    h = first
    order = reversed(range(len(a))) if reverse else range(len(a))
    for step in order:
        h = torch.addcmul(u[step], a[step], h, out=rest_out[step])
    return out


def _side_by_side(a: Tensor, u: Tensor, first: Tensor, out: Tensor, length: int, reverse: bool) -> Tensor:
    """Write h of whole chunks, each `length` steps, to `out`, and return the h with which the last one ends."""
    a, u, out = (part.view(-1, length, *part.shape[1:]) for part in (a, u, out))  # chunk step batch hidden
    product = torch.empty_like(a)  # of a from the chunk's beginning
    steps = list(range(length))[:: -1 if reverse else 1]
    out[:, steps[0]], product[:, steps[0]] = u[:, steps[0]], a[:, steps[0]]
    for before, step in pairwise(steps):
        torch.addcmul(u[:, step], a[:, step], out[:, before], out=out[:, step])
        torch.mul(a[:, step], product[:, before], out=product[:, step])
    begins = torch.empty_like(out[:, 0])  # the h that enters each chunk
    for chunk in list(range(len(a)))[:: -1 if reverse else 1]:
        begins[chunk] = first
        first = torch.addcmul(out[chunk, steps[-1]], product[chunk, steps[-1]], first)
    out.addcmul_(product, begins[:, None])
    return first
