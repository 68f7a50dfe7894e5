"""Cross-entropy of an output layer with its gradient: of few symbols by a kernel, of a large vocabulary in chunks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.kernels import own
from naibu.cells.products import padded_rows, product
from naibu.errors import OptionError

CHUNK_VALUES = 2_560_000
"""Logits alive at once, at most: 10 MB in float32, which stay in the last cache of most processors, and which the C
library keeps rather than gives back to the system, so that no chunk pays for fresh pages (measured at V = 10,000:
256 symbols to a chunk are best at 100, 200 and 1000 units)."""
FEWEST_SYMBOLS = 128
"""Symbols in a chunk, at least, however large the vocabulary: below, products become slow."""
FEW = 1000
"""Symbols up to which a kernel of our own does all at once: beyond, oneDNN's products are as quick (measured)."""
FEWEST_COLUMNS = 64
"""Symbols of a vocabulary below which the framework's own way is quicker."""
_TINY = 1e-30
_PADDING = -1


def chunked_cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, reduction: str = "sum"
) -> Tensor:
    """Return the cross-entropy in nats of `targets [...]` under softmax(W h + b), of `hidden [... hidden]`.

    Equal to `functional.cross_entropy(functional.linear(hidden, weight, bias), targets, ignore_index=...)` with
    every negative target ignored, but the logits `[... vocabulary]` are never there as a whole: chunk by chunk,
    logits become probabilities p and at once the gradients dL/dh = (p - y) W, dL/dW = (p - y)^T h, so that
    the backward pass has only to scale them. Of few symbols p - y is kept. `weight` is `[vocabulary hidden]`.
    `reduction` is "sum", "mean" (over targets that count; 0 where there are none), or "none", `[...]` with 0 at padding
    and without gradient. Under autocast the products are taken in its type, softmax and sums in float32.
    Raises OptionError for another reduction, or "none" where a gradient is asked for, and for sizes that do not fit;
    IndexError for a target that is no symbol.

    Source: the fused linear cross-entropy of Hsu et al. 2024 (Liger Kernel), here for oneDNN and float32.
    """
    if reduction not in ("sum", "mean", "none"):
        raise OptionError(f"reduction={reduction!r}: must be 'sum', 'mean' or 'none'")
    wanted = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (hidden, weight, bias))
    if reduction == "none" and wanted:
        raise OptionError("reduction='none': has no gradient here; take 'sum' or 'mean', or torch.no_grad()")
    _check_sizes(hidden, weight, bias, targets)
    if _by_kernel(hidden, weight, bias, targets):
        from naibu.cells.kernels import softmax_layer  # what compiles is slow to import

        return softmax_layer.run(hidden, weight, bias, targets, reduction, wanted=wanted)
    if reduction == "none":
        there = targets >= 0
        loss = hidden.new_zeros(targets.shape, dtype=_sum_type(hidden.dtype))
        loss[there] = _Chunks(hidden[there], weight, bias, targets[there]).losses()
        return loss
    if len(weight) < FEWEST_COLUMNS:
        return _whole(hidden, weight, bias, targets, reduction)
    hidden, counted = _without_padding(hidden, targets)
    scale = 1.0 if reduction == "sum" else 1.0 / max(1, len(counted))
    args = (hidden, weight, bias, counted, scale)
    if not wanted:
        return _Chunks(*args[:4]).losses().sum() * scale
    total: Tensor = _ChunkedCrossEntropy.apply(*args)  # type: ignore[no-untyped-call]
    return total


def _check_sizes(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> None:
    fits = weight.dim() == 2 and hidden.dim() > 0 and hidden.shape[-1] == weight.shape[1]
    if not fits or hidden.shape[:-1] != targets.shape or (bias is not None and bias.shape != weight.shape[:1]):
        parts = {"hidden": hidden, "weight": weight, "bias": bias, "targets": targets}
        shapes = ", ".join(f"{name} {list(part.shape)}" for name, part in parts.items() if part is not None)
        raise OptionError(f"cross-entropy of {shapes}: expected [... H], [V H], [V] and [...]")


def _by_kernel(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> bool:
    """Return whether our own kernel computes this."""
    whole = targets.dtype == torch.int64 and targets.is_cpu
    there = hidden.numel() > 0 and 0 < len(weight) <= FEW
    return whole and there and own.unfit(hidden, weight, bias) is None


def _whole(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, reduction: str) -> Tensor:
    """Return the cross-entropy by the framework: logits of so few symbols are smaller than the hidden vectors."""
    logits = functional.linear(hidden, weight, bias).reshape(-1, len(weight))
    total = functional.cross_entropy(
        logits, targets.flatten().clamp_min(_PADDING), ignore_index=_PADDING, reduction="sum"
    )
    return total if reduction == "sum" else total / max(1, int((targets >= 0).sum()))


def _without_padding(hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the hidden vectors and targets that count, `[symbol hidden]` and `[symbol]`."""
    hidden, targets = hidden.reshape(-1, hidden.shape[-1]), targets.flatten()
    there = targets >= 0
    if there.all():
        return hidden, targets
    rows = there.nonzero()[:, 0]
    return hidden.index_select(0, rows), targets[rows]


class _ChunkedCrossEntropy(torch.autograd.Function):
    """scale * sum of -ln p(target), whose gradients are made on the way forward."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, scale: float) -> Tensor:
        chunks = _Chunks(hidden, weight, bias, targets)
        losses = chunks.with_gradients(scale, ctx.needs_input_grad[:3])
        ctx.chunks, ctx.scale = chunks, scale
        ctx.save_for_backward(hidden, weight, bias, targets)
        return losses.sum() * scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        own.refuse_second_derivative("take functional.cross_entropy(functional.linear(...))")
        if ctx.chunks.given:  # a second time through the same graph
            ctx.saved_tensors  # noqa: B018  raises where they have been changed since
            ctx.chunks.with_gradients(ctx.scale, ctx.needs_input_grad[:3])
        gradients = ctx.chunks.gradients()
        for value in gradients:
            if value is not None and not (gradient.device.type == "cpu" and gradient.item() == 1):
                value.mul_(gradient)
        return *gradients, None, None


class _Chunks:
    """The output layer over `hidden [symbol hidden]` and `targets [symbol]`, none of them padding, in chunks.

    dW is summed as its transpose `[hidden vocabulary]`, in slices of rows: the only shape in which all
    three products are fast, and small enough that no product pays for fresh pages.
    """

    def __init__(self, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> None:
        self.dtype, self.weight_dtype = hidden.dtype, weight.dtype
        kind = hidden.device.type
        low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
        self.hidden, self.weight, self.targets = hidden.detach().to(low), weight.detach().to(low), targets
        self.bias = None if bias is None else bias.detach().to(low)
        vocabulary, symbols = len(weight), len(hidden)
        most = max(FEWEST_SYMBOLS, CHUNK_VALUES // vocabulary)
        self.size = padded_rows(-(-symbols // max(1, -(-symbols // most))))
        self.given = False  # whether the gradients are in other hands
        self._d_hidden: Tensor | None = None
        self._d_weight: Tensor | None = None
        self._d_bias: Tensor | None = None

    def losses(self) -> Tensor:
        """Return -ln p(target), `[symbol]`."""
        with torch.no_grad(), torch.autocast(self.hidden.device.type, enabled=False):
            parts = [self._softmax(h, targets)[2] for h, targets in self._pieces()]
        return torch.cat(parts) if parts else self.hidden.new_zeros(0, dtype=_sum_type(self.dtype))

    def with_gradients(self, scale: float, needed: tuple[bool, ...]) -> Tensor:
        """Return -ln p(target), `[symbol]`, and keep the gradients of `scale` times their sum."""
        self.given = False
        sums, parts, at = _sum_type(self.dtype), [], 0
        with torch.autocast(self.hidden.device.type, enabled=False):
            if needed[0]:
                self._d_hidden = torch.empty_like(self.hidden, dtype=self.dtype)
            if needed[1]:
                fresh = self.hidden.new_empty if len(self.targets) else self.hidden.new_zeros
                self._d_weight = fresh(self.weight.shape[::-1], dtype=sums)
            if needed[2]:
                self._d_bias = self.hidden.new_zeros(len(self.weight), dtype=sums)
            for h, targets in self._pieces():
                p, of_target, loss = self._softmax(h, targets)
                parts.append(loss)
                count = len(targets)
                p[:count].scatter_(1, targets[:, None], of_target[:, None] - 1)
                p[count:] = 0
                self._add(p, h, slice(at, at + count), scale)
                at += count
        return torch.cat(parts) if parts else self.hidden.new_zeros(0, dtype=sums)

    def gradients(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Give dL/dhidden, dL/dweight and dL/dbias away, those that were asked for."""
        d_hidden, d_weight, d_bias = self._d_hidden, self._d_weight, self._d_bias
        self._d_hidden = self._d_weight = self._d_bias = None
        self.given = True
        return (
            d_hidden,
            None if d_weight is None else torch.empty_like(self.weight, dtype=self.weight_dtype).copy_(d_weight.t()),
            None if d_bias is None else d_bias.to(self.weight_dtype),
        )

    def _pieces(self) -> list[tuple[Tensor, Tensor]]:
        """Return hidden vectors and targets of each chunk; the last is padded with zeros to a usual size."""
        hidden, targets = torch.split(self.hidden, self.size), torch.split(self.targets, self.size)
        pieces = [(h, t) for h, t in zip(hidden, targets, strict=True) if len(t)]
        if pieces:
            h, t = pieces[-1]
            more = padded_rows(len(t)) - len(t)
            pieces[-1] = functional.pad(h, (0, 0, 0, more)) if more else h, t
        return pieces

    def _softmax(self, h: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return p `[symbol vocabulary]`, p(target) and -ln p(target) `[symbol]` of one chunk.

        On a CPU softmax is taken in place, row by row, which leaves no trace of the largest logit and the sum; the
        loss is -ln p, and where p(target) is next to nothing, seldom, it is computed again from the logits.
        """
        logits = product(h, self.weight, self.bias).to(_sum_type(self.dtype))
        p = torch.softmax(logits, -1, out=logits) if logits.device.type == "cpu" else torch.softmax(logits, -1)
        of_target = p[: len(targets)].gather(1, targets[:, None])[:, 0]
        loss = of_target.log().neg_()
        rare = (of_target < _TINY).nonzero()[:, 0]
        if len(rare):
            again = functional.linear(h[rare], self.weight, self.bias).to(p.dtype)
            loss[rare] = functional.cross_entropy(again, targets[rare], reduction="none")
        return p, of_target, loss

    def _add(self, p: Tensor, h: Tensor, rows: slice, scale: float) -> None:
        """Add a chunk's share to the gradients, from d = p - y `[symbol vocabulary]`."""
        d = p.to(self.hidden.dtype)
        if self._d_hidden is not None:
            self._d_hidden[rows] = product(d, self.weight.t())[: rows.stop - rows.start]
            if scale != 1:
                self._d_hidden[rows] *= scale
        if self._d_bias is not None:
            self._d_bias.add_(p.sum(0), alpha=scale)
        if self._d_weight is not None:
            transposed = (h.t() if scale == 1 else h.t() * scale).contiguous()
            size = max(32, CHUNK_VALUES // len(self.weight))
            for total, part in zip(torch.split(self._d_weight, size), torch.split(transposed, size), strict=True):
                (total.copy_ if rows.start == 0 else total.add_)(product(part, d.t()))


def _sum_type(dtype: torch.dtype) -> torch.dtype:
    """Return the type in which softmax and sums are taken."""
    return torch.float64 if dtype == torch.float64 else torch.float32
