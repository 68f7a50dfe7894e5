"""Initialisation by name: what the first weights and biases of a layer can do for its training.

Every function changes a cell, a layer or all layers in a module, in place, and returns it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from torch import nn

from naibu.cells.base import Cell
from naibu.cells.layers import Recurrent
from naibu.errors import OptionError

Module = TypeVar("Module", bound=nn.Module)


def forget_bias_(module: Module, value: float | Sequence[float] = 1.0) -> Module:
    """Return the module with `value` added to the bias of its forget gates: above 0, it remembers from the start.

    One value for all units, or one for each. Source: Gers, Schmidhuber & Cummins 1999; Jozefowicz et al. 2015,
    who recommend 1. Raises OptionError where there is no forget gate of its own weights, or no bias.
    """
    return _gate_bias(module, "forget_gate", value)


def input_gate_bias_(module: Module, value: float | Sequence[float]) -> Module:
    """Return the module with `value` added to the bias of its input gates.

    Below 0 the gate begins almost shut: what flows in while the weights are still random, mostly of one sign,
    cannot make the cell drift to where its squashing function is flat. Source: Hochreiter & Schmidhuber 1997,
    section 4, "internal state drift" (-1 to -6 in their table 10); document D. Raises as `forget_bias_` does.
    """
    return _gate_bias(module, "input_gate", value)


def output_gate_bias_(module: Module, value: float | Sequence[float]) -> Module:
    """Return the module with `value` added to the bias of its output gates.

    Below 0 the cells are heard late, so that they are not spent early on what a bias could do (the abuse problem);
    values that differ from unit to unit keep two cells from storing the same. Source: Hochreiter & Schmidhuber
    1997, section 4, "abuse problem" (-1, -2, -3 for successive blocks in their table 10); document D. Raises as
    `forget_bias_` does.
    """
    return _gate_bias(module, "output_gate", value)


def orthogonal_(module: Module, gain: float = 1.0) -> Module:
    """Return the module with the recurrent weights of each gate (of each head) drawn orthogonal, times `gain`.

    An orthogonal matrix neither shrinks nor stretches the gradient that travels back through it. Source: Saxe,
    McClelland & Ganguli 2014. Raises OptionError where there are no recurrent weights.
    """
    for cell in _cells(module):
        if not cell.recurrent:
            raise OptionError(f"orthogonal: a {type(cell).__name__} has no recurrent weights")
        with torch.no_grad():
            for block in torch.split(cell.weight_hh, cell.recurrent_columns()):
                nn.init.orthogonal_(block, gain)
    return module


def _gate_bias(module: Module, gate: str, value: float | Sequence[float]) -> Module:
    for cell in _cells(module):
        kind = type(cell).__name__
        if gate not in cell.gates:
            raise OptionError(f"{gate} bias: a {kind} has no weights of that gate; it has {', '.join(cell.gates)}")
        if cell.bias_ih is None:
            raise OptionError(f"{gate} bias: this {kind} was made without biases")
        added = torch.as_tensor(value, dtype=cell.bias_ih.dtype, device=cell.bias_ih.device)
        if added.dim() > 1 or added.numel() not in (1, cell.hidden_size):
            raise OptionError(f"{gate} bias: {added.numel()} values for {cell.hidden_size} units; give 1, or 1 each")
        with torch.no_grad():
            cell.bias_ih[cell.rows(gate)] += added
    return module


def _cells(module: nn.Module) -> Iterator[Cell]:
    found = False
    for part in module.modules():
        if isinstance(part, Cell):
            found = True
            yield part
        elif isinstance(part, Recurrent):
            found = True
            yield from (part.cell(layer, reverse=reverse) for layer, reverse, _ in part.directions())
    if not found:
        raise OptionError(f"{type(module).__name__}: no layer of naibu in it; naibu.swap puts them in torch's place")
