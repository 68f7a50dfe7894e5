"""A soft window that moves along a text: which characters a pen is at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from naibu.cells.signalling import Signalling
from naibu.models.parts.attention import WEIGHTS, edited_weights

MOST = 5.0
"""The largest logarithm of a weight, a sharpness or a step, so that none is without bound."""
PACE = -2.5
"""The logarithm of how far the window moves in a step before anything is learnt: about twelve points a character."""


class Text(NamedTuple):
    """Texts side by side, as a window reads them."""

    one_hot: Tensor  # [batch place character], 0 behind the end of a text
    places: Tensor  # [place], 0, 1, 2 ...

    @classmethod
    def of(cls, ids: Tensor, lengths: Tensor, characters: int) -> Text:
        """Return the texts of `ids [place batch]`, of which those before `lengths [batch]` are there."""
        count = torch.arange(len(ids), device=ids.device)
        there = count[:, None] < lengths.to(ids.device)
        one_hot = nn.functional.one_hot(ids, characters).float() * there[..., None]
        return cls(one_hot.transpose(0, 1).contiguous(), count.float())


class Window(Signalling):
    """How much of each character of a text is read: a sum of Gaussian bumps that only move forward.

    phi(u) = sum over k of alpha_k exp(-beta_k (kappa_k - u)^2), the window is the sum over u of phi(u) times character
    u as one-hot; alpha = exp(a), beta = exp(b), kappa = kappa before + exp(d), where (a, b, d) = W h + b. Places u
    count from 0. Source: Graves 2013, equations 46 to 51; other than there logarithms are at most 5.

    phi is a signal, `("window", "weights")`, with a unit for each place; it need not sum to 1. What an edit leaves is
    read as it is.
    """

    signals = (WEIGHTS,)

    def __init__(self, units: int, bumps: int) -> None:
        super().__init__()
        self.bumps = bumps
        self.numbers = nn.Linear(units, 3 * bumps)
        with torch.no_grad():
            self.numbers.bias[2 * bumps :] += PACE

    def forward(self, hidden: Tensor, kappa: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """Return the window `[batch character]` after `hidden [batch unit]`, and kappa `[batch bump]` from the one
        before."""
        a, b, d = self.numbers(hidden).clamp(max=MOST).exp().chunk(3, -1)
        kappa = kappa + d
        distance = (kappa[..., None] - text.places).square()  # [batch bump place]
        weights = (a[..., None] * torch.exp(-b[..., None] * distance)).sum(1)
        if self.edits:
            weights = edited_weights(weights[:, None], self.edits)[:, 0]
        self.tell({WEIGHTS: weights[None]})
        return (weights[:, None] @ text.one_hot)[:, 0], kappa
