"""Our own compiled kernels: which layers they compute, and what they give."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.compiler import is_compiling
from torch.jit import is_tracing  # type: ignore[attr-defined]

from naibu.cells.allocator import settle_allocator
from naibu.cells.base import Cell
from naibu.cells.elman import ElmanCell, ElmanReLUCell
from naibu.cells.gru import GRUCell
from naibu.cells.kernels.steps import Steps
from naibu.cells.lstm import LSTMCell

_LAYERS: dict[type[Cell], tuple[str, str]] = {
    LSTMCell: ("lstm_layer", "run"),
    GRUCell: ("gru_layer", "run"),
    ElmanCell: ("elman_layer", "run"),
    ElmanReLUCell: ("elman_layer", "run_rectified"),
}
"""The module and function of each cell, imported when it is first used: compiling is slow to import."""


@cache
def _missing() -> str | None:
    try:
        import numba  # noqa: F401
    except ImportError as error:
        return f"the compiled kernels need numba ({error})"
    return None


def refusal(cell: type[Cell], *tensors: Tensor | None) -> str | None:
    """Return why the compiled kernels do not compute this cell on these tensors, or None where they do.

    They read memory by its address, so that input, state and weights must all be what they take them for.
    """
    if cell not in _LAYERS:
        return f"there is no compiled kernel for {cell.__name__}"
    return unfit(*tensors)


def unfit(*tensors: Tensor | None) -> str | None:
    """Return why no compiled kernel reads these tensors, or None where it does."""
    for tensor in tensors:
        if tensor is not None and (tensor.dtype != torch.float32 or not tensor.is_cpu):
            what = f"{str(tensor.dtype)[6:]} on {tensor.device.type}"
            return f"the compiled kernels compute float32 on a CPU, not {what}"
    if torch.is_autocast_enabled("cpu"):
        return "the compiled kernels compute float32, and autocast asks for less"
    if is_compiling() or is_tracing():  # type: ignore[no-untyped-call]
        return "the compiled kernels cannot be traced"
    return _missing()


def words() -> str:
    """Return what the kernels are compiled for."""
    from naibu.cells.kernels.vector import LANES

    return f"compiled kernel, {LANES} numbers at once; signals are written as it goes"


class Ran(NamedTuple):
    """What a layer did in one direction, by rows."""

    output: Tensor  # [row hidden]
    state: tuple[Tensor, ...]  # after the last step of each sequence, each part [1 batch hidden], not of the output
    signals: dict[str, Tensor]  # [row hidden]


def run(
    cell: type[Cell],
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: list[Tensor],
    steps: Steps,
    *,
    keep: Collection[str] = (),
    vectors: Tensor | None = None,
    resting: bool = False,
) -> Ran:
    """Return what a layer of this cell does over all steps.

    `x` is `[row input]`, or symbols `[row]` with their `vectors [symbol input]`; `state` has parts `[1 batch hidden]`,
    and `resting` says that they are known to be all 0. Weights as torch orders them, with or without biases.
    """
    layer = _layer(cell)
    weights = [weight.contiguous() for weight in weights]
    vectors = None if vectors is None else vectors.contiguous()
    state = tuple(part.contiguous() for part in state)
    ran: Ran = layer(x.contiguous(), state, weights, steps, keep, vectors, resting)
    return ran


@cache
def _layer(cell: type[Cell]) -> Any:
    module, function = _LAYERS[cell]
    settle_allocator()  # or the pages of every large result would be mapped anew, a tenth of the time and more
    return getattr(importlib.import_module(f"naibu.cells.kernels.{module}"), function)


def wants_gradient(*tensors: Tensor | None) -> bool:
    """Return whether a gradient may be asked for that reaches one of these."""
    return torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in tensors)


def refuse_second_derivative() -> None:
    """Raise where a backward pass is itself to be differentiated, which the compiled kernels are not."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "create_graph=True asks for second derivatives, which the compiled kernels do not have; "
            "make the layer .double(), or use naibu.cells.unroll.unroll"
        )
