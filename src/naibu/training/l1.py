"""The L1 term: a price on what a network holds, so that most of it is near 0 (document A's future work)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from naibu.cells.layers import Recurrent, Told
from naibu.cells.unroll import within
from naibu.config import TrainingConfig
from naibu.data.batch import Batch
from naibu.errors import OptionError
from naibu.models.model import Loss, Model


def l1_norm(signals: Iterable[Tensor], there: Tensor) -> Tensor:
    """Return the sum of |value| over signals and units, as a mean over symbols, with its gradient.

    `signals` are `[time batch hidden]`; `there [time batch]` says which symbols count. On a gate the term draws
    towards 0 too, so that an L1 forget gate forgets.
    """
    total = [signal[there].abs().sum() for signal in signals]
    return torch.stack(total).sum() / max(1, int(there.sum()))


def loss_and_price(model: Model, batch: Batch, state: Any, config: TrainingConfig) -> tuple[Loss, Tensor | None]:
    """Return a model's loss and, from the signals of the same run of its layers, the L1 term; None without one.

    Of each layer those steps count at which something is predicted; of one that reads another stream, all there are.
    """
    if not config.l1:
        return model.loss(batch, state), None
    heard: list[Told] = []
    with ExitStack() as stack:
        for layer in _layers(model):
            keep = [name for name in config.l1_signals if name in layer.cell_type.signals]
            stack.enter_context(layer.listen(keep, heard.append))
        found = model.loss(batch, state)
    prices = [l1_norm(told.watched.signals.values(), _there(told, batch)) for told in heard if told.watched.signals]
    return found, config.l1 * torch.stack(prices).sum()


def _there(told: Told, batch: Batch) -> Tensor:
    """Return which steps count of what a layer did, bool [time batch]."""
    shape = told.watched.output.shape[:2]
    if shape == batch.predicted.shape:
        return batch.predicted
    lengths = next(stream.lengths for stream in batch.streams.values() if stream.x.shape[:2] == shape)
    return within(lengths, shape[0])


def _layers(model: Model) -> list[Recurrent]:
    return [layer for layer in model.modules() if isinstance(layer, Recurrent)]


def check_l1(model: Model, config: TrainingConfig) -> None:
    """Raise OptionError where the L1 term is asked for a signal that the model's layers do not have."""
    if not config.l1:
        return
    has = [name for layer in _layers(model) for name in layer.cell_type.signals]
    for name in config.l1_signals:
        if name not in has:
            raise OptionError(f"--l1-signals {name}: the network's layers have {', '.join(dict.fromkeys(has))}")
