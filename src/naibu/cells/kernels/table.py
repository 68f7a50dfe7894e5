"""The table W_ih E + b: what a layer makes of each symbol before it knows the state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.kernels.own import refuse_second_derivative
from naibu.cells.products import product

FEWEST = 64
"""Symbols below which the framework's own products are quicker."""


def table_of(vectors: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return `[symbol gates*hidden]` of `vectors [symbol input]`, `weight [gates*hidden input]` and bias."""
    if len(vectors) < FEWEST:
        return functional.linear(vectors, weight, bias)
    table: Tensor = _Table.apply(vectors, weight, bias)  # type: ignore[no-untyped-call]
    return table


class _Table(torch.autograd.Function):
    """A linear layer whose products, forward and backward, are the fastest at hand."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(vectors, weight)
        return product(vectors, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivative()
        vectors, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            product(gradient, weight.t()) if wanted[0] else None,
            product(gradient.t(), vectors.t()) if wanted[1] else None,
            gradient.sum(0) if wanted[2] else None,
        )
