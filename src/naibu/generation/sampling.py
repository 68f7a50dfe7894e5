"""Which symbol is taken at a step, of those that a network holds for possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from naibu.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How symbols are drawn: the distribution sharpened or flattened, then cut off."""

    temperature: float = 1.0
    """What log probabilities are divided by: below 1 the likely becomes likelier."""
    top_k: int = 0
    """Draw from so many likeliest symbols alone; 1 takes the likeliest, 0 draws from all."""
    top_p: float = 1.0
    """Draw from the likeliest symbols that have this share of the probability together (nucleus sampling)."""

    def __post_init__(self) -> None:
        if not 1e-6 <= self.temperature <= 1e6:
            told = f"--temperature {self.temperature:g}: must be more than 0; --top-k 1 takes the likeliest symbol"
            raise OptionError(told)
        if self.top_k < 0:
            raise OptionError(f"--top-k {self.top_k}: must be 1 or more, or 0 for all symbols")
        if not 0 < self.top_p <= 1:
            raise OptionError(f"--top-p {self.top_p:g}: must be more than 0 and at most 1")

    def choose(self, scores: Tensor, drawn: Tensor) -> Tensor:
        """Return the symbols, int64 [batch], at which the running sum of probabilities passes `drawn`.

        `scores [batch vocabulary]` are log probabilities, unnormalised; `drawn [batch]` are numbers from 0 up to 1.

        Source: top-k as in Fan, Lewis & Dauphin 2018, top-p as in Holtzman et al. 2020.
        """
        import torch

        if self.top_k == 1:
            return scores.argmax(-1)
        scores = scores.double()
        p = torch.softmax((scores - scores.max(-1, keepdim=True).values) / self.temperature, -1)
        if not self.top_k and self.top_p == 1:
            return _passed(p, drawn)
        p, order = p.sort(-1, descending=True)
        if self.top_k:
            p[:, self.top_k :] = 0
        if self.top_p < 1:
            before = p.cumsum(-1) - p
            p[before >= self.top_p * p.sum(-1, keepdim=True)] = 0
        return order.gather(-1, _passed(p, drawn)[:, None])[:, 0]


def _passed(p: Tensor, drawn: Tensor) -> Tensor:
    """Return where the running sum of `p [batch symbol]`, in float64, passes a share of it, at a symbol with p > 0."""
    import torch

    sums = p.cumsum(-1)
    return torch.searchsorted(sums, drawn.double().clamp(max=1 - 1e-12)[:, None] * sums[:, -1:], right=True)[:, 0]
