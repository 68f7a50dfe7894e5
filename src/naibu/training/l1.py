"""The L1 term: a price on what a network holds, so that most of it is near 0 (document A's future work)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from naibu.config import TrainingConfig
from naibu.errors import OptionError
from naibu.models.language_model import LanguageModel


def l1_norm(signals: Iterable[Tensor], there: Tensor) -> Tensor:
    """Return the sum of |value| over signals and units, as a mean over symbols, with its gradient.

    `signals` are `[time batch hidden]`; `there [time batch]` says which symbols count. On a gate the term draws
    towards 0 too, so that an L1 forget gate forgets.
    """
    total = [signal[there].abs().sum() for signal in signals]
    return torch.stack(total).sum() / max(1, int(there.sum()))


def check_l1(model: LanguageModel, config: TrainingConfig) -> None:
    """Raise OptionError where the L1 term is asked for a signal that the model's cells do not have."""
    has = model.layers.cell_type.signals
    for name in config.l1_signals if config.l1 else ():
        if name not in has:
            raise OptionError(f"--l1-signals {name}: the cells of --cell {model.config.cell} have {', '.join(has)}")
