"""Matrix products by the library that computes them fastest."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

_SMALLEST = 32


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x W^T + b, `[rows columns]`, of `x [rows inner]` and `weight [columns inner]`; no gradient.

    Either may be a transposed view. On a CPU in float32 the product goes to oneDNN where a plain one goes to MKL:
    equal values, twice the speed where MKL does not know the processor (measured, EPYC: 200-240 GFLOP/s on one
    core against 100); in bfloat16 on tiles it goes there too, which of two ways round takes the quick one. oneDNN
    makes code for every number of rows it meets and keeps it, so these are few: see `padded_rows`, which is for the
    caller to heed.
    """
    quick = x.dtype == torch.float32 or (x.dtype == torch.bfloat16 and has_bfloat16_tiles())
    if x.device.type == "cpu" and x.dtype == weight.dtype and quick and _has_onednn():
        done: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return done
    return functional.linear(x, weight, bias)


def padded_rows(count: int) -> int:
    """Return `count` rounded up to a multiple of an eighth of a power of two, of 32 at least: at most one eighth
    more, and eight numbers to an octave."""
    grain = max(_SMALLEST, 2 ** ((count - 1).bit_length() - 4)) if count > 1 else _SMALLEST
    return -(-count // grain) * grain


@cache
def _has_onednn() -> bool:
    """Whether this build of torch has oneDNN's product for dense tensors, and it works as it should."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    x, weight, bias = torch.arange(12.0).view(3, 4), torch.arange(20.0).view(4, 5).t(), torch.arange(5.0)
    with torch.autocast("cpu", enabled=False):  # the answer is kept, whoever asks first
        try:
            done = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        except (AttributeError, RuntimeError):
            return False
        return torch.equal(done, functional.linear(x, weight, bias))


@cache
def has_bfloat16_tiles() -> bool:
    """Return whether the processor multiplies matrices of bfloat16 by tiles (amx_bf16); others gain nothing by them."""
    return bool(torch.backends.mkldnn.is_available() and torch.cpu._is_amx_tile_supported())  # type: ignore[no-untyped-call]
