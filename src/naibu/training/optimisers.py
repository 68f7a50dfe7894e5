"""What changes the weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from naibu.config import TrainingConfig


def optimiser_of(parameters: Sequence[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimiser that a configuration asks for; the rate is set anew at each step."""
    rate, decay, betas = config.learning_rate, config.weight_decay, (0.9, config.adam_beta2)
    if config.optimiser == "sgd":
        return torch.optim.SGD(parameters, rate, weight_decay=decay)
    if config.optimiser == "adamw":
        return torch.optim.AdamW(parameters, rate, betas, weight_decay=decay, fused=True)
    return torch.optim.Adam(parameters, rate, betas, fused=True)
