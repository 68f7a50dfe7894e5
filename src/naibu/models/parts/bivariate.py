"""Mixtures of bivariate Gaussians: what a network's last layer becomes when it tells where the next point lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

OUTPUTS = 6
"""Numbers of the last layer for each component: its weight, two means, two scales and the correlation."""
LEAST = 1e-3
"""The smallest standard deviation: points that lie exactly where they are told would else have any density."""
LARGEST = 4.0
"""The largest logarithm of a standard deviation, in those of the training offsets."""
STRAIGHTEST = 0.995
"""The largest correlation."""


@dataclass(frozen=True)
class BivariateMixture:
    """Mixtures of Gaussians over points (dx, dy), as many as there are elements in front of the last dimensions.

    log_weight: [... component], normalised. mean, scale: [... component 2], scale being standard deviations.
    correlation: [... component].
    """

    log_weight: Tensor
    mean: Tensor
    scale: Tensor
    correlation: Tensor

    @classmethod
    def of(cls, raw: Tensor, bias: float = 0.0) -> Self:
        """Return the mixtures that `raw [... 6*component]` stands for, sharpened by a bias of 0 or more.

        Weights are softmax((1 + bias) w), standard deviations exp(s - bias), correlations tanh(r), means as they are
        (Graves 2013, equations 18 to 21, 61 and 62); other than there exp(s) is kept between `LEAST` and e^4, and the
        correlation within .995, so that no density is without bound.
        """
        w, x, y, s_x, s_y, r = raw.view(*raw.shape[:-1], OUTPUTS, -1).unbind(-2)
        scale = torch.stack([s_x, s_y], -1).clamp(max=LARGEST).exp() + LEAST
        return cls(
            (w * (1 + bias)).log_softmax(-1),
            torch.stack([x, y], -1),
            scale * math.exp(-bias),
            STRAIGHTEST * r.tanh(),
        )

    def nats(self, point: Tensor) -> Tensor:
        """Return -ln p of points `[... 2]`, with gradients (equations 23 to 26)."""
        a, b = ((point[..., None, :] - self.mean) / self.scale).unbind(-1)
        rest = 1 - self.correlation.square()
        distance = (a.square() + b.square() - 2 * self.correlation * a * b) / rest
        log_density = -0.5 * distance - math.log(2 * math.pi) - self.scale.log().sum(-1) - 0.5 * rest.log()
        found: Tensor = -(self.log_weight + log_density).logsumexp(-1)
        return found

    def expected(self) -> Tensor:
        """Return the means of the mixtures, `[... 2]`."""
        return (self.log_weight.exp()[..., None] * self.mean).sum(-2)

    def drawn(self, share: Tensor, normal: Tensor) -> Tensor:
        """Return a point of each mixture, `[row 2]`, from numbers that were drawn.

        share: [row], from 0 up to 1, chooses the component. normal: [row 2], from a standard normal distribution.
        """
        sums = self.log_weight.exp().cumsum(-1)
        chosen = (sums < share[:, None] * sums[:, -1:]).sum(-1).clamp(max=sums.shape[1] - 1)
        rows = torch.arange(len(chosen), device=chosen.device)
        mean, scale, r = self.mean[rows, chosen], self.scale[rows, chosen], self.correlation[rows, chosen]
        x, y = normal.unbind(-1)
        return mean + scale * torch.stack([x, r * x + (1 - r.square()).sqrt() * y], -1)
