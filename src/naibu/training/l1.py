"""The L1 term: a price on what a network holds, so that most of it is near 0 (document A's future work)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from naibu.cells.layers import Recurrent
from naibu.config import TrainingConfig
from naibu.data.batch import Batch
from naibu.errors import OptionError
from naibu.models.language_model import LanguageModel
from naibu.models.model import Loss, Model


def l1_norm(signals: Iterable[Tensor], there: Tensor) -> Tensor:
    """Return the sum of |value| over signals and units, as a mean over symbols, with its gradient.

    `signals` are `[time batch hidden]`; `there [time batch]` says which symbols count. On a gate the term draws
    towards 0 too, so that an L1 forget gate forgets.
    """
    total = [signal[there].abs().sum() for signal in signals]
    return torch.stack(total).sum() / max(1, int(there.sum()))


def loss_and_price(model: Model, batch: Batch, state: Any, config: TrainingConfig) -> tuple[Loss, Tensor | None]:
    """Return a model's loss and, from the signals of the same run of its layers, the L1 term; None without one."""
    if not config.l1:
        return model.loss(batch, state), None
    assert isinstance(model, LanguageModel)
    watched = model.watch(batch.main.x, state, keep=config.l1_signals)
    mean = model.cross_entropy(watched.output, batch.target, "mean")
    price = config.l1 * l1_norm(watched.signals.values(), batch.predicted)
    return Loss(mean, int(batch.predicted.sum()), watched.state), price


def check_l1(model: Model, config: TrainingConfig) -> None:
    """Raise OptionError where the L1 term is asked for a signal that the model's layers do not have."""
    if not config.l1:
        return
    if not isinstance(model, LanguageModel):
        raise OptionError(f"--l1 {config.l1}: must be 0 here; so far the term lies on language models alone")
    has = [name for layer in model.modules() if isinstance(layer, Recurrent) for name in layer.cell_type.signals]
    for name in config.l1_signals:
        if name not in has:
            raise OptionError(f"--l1-signals {name}: the network's layers have {', '.join(dict.fromkeys(has))}")
