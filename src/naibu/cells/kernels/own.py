"""Our own compiled kernels: which layers they compute, and what they give."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.compiler import is_compiling
from torch.jit import is_tracing  # type: ignore[attr-defined]

from naibu.cells.allocator import settle_allocator
from naibu.cells.base import Cell
from naibu.cells.elman import ElmanCell, ElmanReLUCell
from naibu.cells.gru import GRUCell
from naibu.cells.kernels.steps import Steps
from naibu.cells.lstm import LSTMCell
from naibu.cells.products import has_bfloat16_tiles
from naibu.errors import OptionError

_LAYERS: dict[type[Cell], tuple[str, str, int]] = {
    LSTMCell: ("lstm_layer", "run", 4),
    GRUCell: ("gru_layer", "run", 3),
    ElmanCell: ("elman_layer", "run", 1),
    ElmanReLUCell: ("elman_layer", "run_rectified", 1),
}
"""The module and function of each cell, imported when it is first used, since compiling is slow to import; and how many
rows of weights a unit has."""
_BY_TILES: dict[type[Cell], str] = {LSTMCell: "lstm_bfloat16"}
"""The module whose `run` takes the products in bfloat16, which autocast asks for."""
FEWEST_HALF = 128
"""Units from which bfloat16 pays; below, autocast gets float32, which is as quick and nearer."""
FEWEST_ROWS = 12
"""Rows of an Elman layer from which the kernels pay."""
_KINDS = frozenset((Tensor, nn.Parameter))


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
    return unfit(*tensors, autocast=cell in _BY_TILES and has_bfloat16_tiles())


def unfit(*tensors: Tensor | None, autocast: bool = False) -> str | None:
    """Return why no compiled kernel reads these tensors, or None where it does; under `autocast` to bfloat16 too where
    a kernel serves it."""
    for tensor in tensors:
        if tensor is None:
            continue
        if tensor.dtype != torch.float32 or not tensor.is_cpu:
            what = f"{str(tensor.dtype)[6:]} on {tensor.device.type}"
            return f"the compiled kernels compute float32 on a CPU, not {what}"
        if type(tensor) not in _KINDS:
            return f"the compiled kernels read memory, which a {type(tensor).__name__} may not have"
    if torch.is_autocast_enabled("cpu") and not (autocast and torch.get_autocast_dtype("cpu") == torch.bfloat16):
        return "the compiled kernels compute float32, and autocast asks for less"
    if is_compiling() or is_tracing():  # type: ignore[no-untyped-call]
        return "the compiled kernels cannot be traced"
    return _missing()


def pays(cell: type[Cell], steps: int, batch: int) -> bool:
    """Return whether the kernels are the quicker way where nothing is kept.

    They pack the weights in every call; the framework's layer reads them where they lie, and is sooner through with few
    rows: with a single step of a GRU, a dozen rows of an Elman layer. The gates of an LSTM pay at once.
    """
    if cell is LSTMCell:
        return True
    return steps > 1 if cell is GRUCell else steps > 2 and steps * batch >= FEWEST_ROWS


def words(units: int) -> str:
    """Return what the kernels of a layer of so many units are compiled for."""
    from naibu.cells.kernels.vector import LANES

    half = "; products by tiles in bfloat16" if _by_tiles(units) else ""
    return f"compiled kernel, {LANES} numbers at once{half}; signals are written as it goes"


class Ran(NamedTuple):
    """What a layer did in one direction, by rows."""

    output: Tensor  # [time batch hidden], or [row hidden] of packed sequences
    state: tuple[Tensor, ...]  # after the last step of each sequence, each part [1 batch hidden], not of the output
    signals: dict[str, Tensor]  # each as the output


def run(
    cell: type[Cell],
    x: Tensor,
    state: tuple[Tensor, ...] | None,
    weights: list[Tensor],
    steps: Steps,
    *,
    keep: Collection[str] = (),
    vectors: Tensor | None = None,
) -> Ran:
    """Return what a layer of this cell does over all steps.

    `x` is `[row input]`, or symbols `[row]` with their `vectors [symbol input]`; `state` has parts `[1 batch hidden]`,
    and is one of zeros where there is none. Weights as torch orders them, with or without biases. Raises OptionError
    for weights whose sizes do not fit each other or the input.
    """
    vectors = None if vectors is None else vectors.contiguous()
    _check_sizes(cell, (x if vectors is None else vectors).size(-1), weights)
    weights = [weight.contiguous() for weight in weights]
    state = None if state is None else tuple(part.contiguous() for part in state)
    ran: Ran = _layer(cell, _by_tiles(weights[1].size(-1)))(x.contiguous(), state, weights, steps, keep, vectors)
    return ran


def _by_tiles(units: int) -> bool:
    """Return whether a layer that is not refused has its products in bfloat16."""
    return torch.is_autocast_enabled("cpu") and units >= FEWEST_HALF


def _check_sizes(cell: type[Cell], inputs: int, weights: list[Tensor]) -> None:
    hidden = weights[1].size(-1)
    rows = _LAYERS[cell][2] * hidden
    for weight, columns in zip(weights, (inputs, hidden, 1, 1), strict=False):
        if weight.size(0) != rows or weight.numel() != rows * columns:
            shapes = ", ".join(str(list(each.shape)) for each in weights)
            raise OptionError(f"weights of a {cell.__name__} for inputs of {inputs}: their shapes {shapes} do not fit")


@cache
def _layer(cell: type[Cell], half: bool) -> Any:
    module, function = (_BY_TILES[cell], "run") if half else _LAYERS[cell][:2]
    settle_allocator()  # or the pages of every large result would be mapped anew, a tenth of the time and more
    return getattr(importlib.import_module(f"naibu.cells.kernels.{module}"), function)


def wants_gradient(*tensors: Tensor | None) -> bool:
    """Return whether a gradient may be asked for that reaches one of these."""
    return torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in tensors)


def refuse_second_derivative(instead: str = "make the layer .double(), or use naibu.cells.unroll.unroll") -> None:
    """Raise where a backward pass is itself to be differentiated, and say what to do `instead`."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            f"create_graph=True asks for second derivatives, which the compiled kernels do not have; {instead}"
        )
