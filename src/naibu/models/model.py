"""What a model is: it answers two questions about a batch, its loss and its outcomes. It sees sizes, never words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from naibu.data.batch import Batch
from naibu.data.examples import Array, Examples

Outcomes = dict[str, Tensor]
"""Columns `[time batch]` of the predicted stream, by name: loss, gold, predicted; mean, low_95, high_95."""
LOGITS = 2**21
"""Logits computed at a time, at most: with 10,000 symbols those of a whole batch would take gigabytes."""


@dataclass(frozen=True)
class Loss:
    """The loss of a batch; `mean * count` adds up over batches, windows and processes."""

    mean: Tensor  # nats a predicted step, with its gradient
    count: int  # predicted steps
    state: Any  # of the layers after the last step, to be handed to the next window
    penalty: Tensor | None = None  # what training adds to the mean, with its gradient; no part of what is told

    @property
    def total(self) -> float:
        """The loss summed over predicted steps."""
        return self.mean.item() * self.count


class Likeliest(NamedTuple):
    """The outcomes of a batch, and the most probable classes at every step; None where no classes are told."""

    outcomes: Outcomes
    classes: Tensor | None  # int64 [time batch class], the most probable first
    probabilities: Tensor | None  # [time batch class]


class Model(nn.Module, ABC):
    """A network of this project.

    `reads` says which stream each of its recurrent layers reads, by the layer's path: {"encoder": "source"}; layers
    that are not named read the last stream, one named with None reads the steps of none, letters of a word for example,
    and is not recorded. `attends` says over the steps of which stream each of its parts with attention looks, by the
    part's path: {"attention": "source"}; its weights are a signal of the last stream.
    """

    reads: ClassVar[Mapping[str, str | None]] = {}
    attends: ClassVar[Mapping[str, str]] = {}
    whole: bool = False
    """Whether it reads whole sequences alone, as what reads backwards must: none is cut, and no state carried."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    @abstractmethod
    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the loss of a batch, from a state that the call before returned (zeros by default)."""

    @abstractmethod
    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return what comes out at every step of the last stream, -1 or NaN where nothing is predicted, and the state.

        `loss` is always there, in nats a step; `gold` and `predicted` where classes are told.
        """

    def likeliest(self, batch: Batch, most: int) -> Likeliest:
        """Return the outcomes and, of a model that tells classes, the most probable ones at every step, from one run.

        They are for people to look at: every step has them, also where nothing is predicted.
        """
        return Likeliest(self.outcomes(batch)[0], None, None)


@torch.no_grad()
def state_before(model: Model, examples: Examples, which: Array) -> Any:
    """Return the state from which chosen examples are read: zeros, or where `examples.before` has something, what that
    leaves."""
    whole: Any = None
    for rows, batch in examples.before(which):
        _, state = model.outcomes(batch.to(model.device))
        whole = _put(whole, state, torch.from_numpy(rows), len(which))
    return whole


def _put(whole: Any, part: Any, rows: Tensor, count: int) -> Any:
    """Return a state of `count` sequences with that of some put in; tensors are `[layer batch hidden]`."""
    if isinstance(part, Tensor):
        shape = (part.shape[0], count, *part.shape[2:])
        return (part.new_zeros(shape) if whole is None else whole).index_copy(1, rows.to(part.device), part)
    parts = [None] * len(part) if whole is None else whole
    return tuple(_put(one, other, rows, count) for one, other in zip(parts, part, strict=True))


def cut_off(state: Any, device: torch.device) -> Any:
    """Return a state without its past, in plain tuples, so that it is the same once written and read again."""
    if isinstance(state, Tensor):
        return state.detach().to(device, copy=True)
    return state if state is None else tuple(cut_off(part, device) for part in state)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and every part of it back afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@torch.no_grad()
def categorical(hidden: Tensor, target: Tensor, logits: Callable[[Tensor], Tensor], classes: int) -> Outcomes:
    """Return `loss`, `gold` and `predicted`, `[time batch]` each, where `target [time batch]` tells one of `classes`.

    `logits` maps `[step hidden]` to unnormalised log probabilities `[step classes]`; it is asked for pieces that stay
    small, and only where something is predicted.
    """
    flat, where = hidden.flatten(0, 1), (target >= 0).flatten().nonzero()[:, 0]
    loss = torch.full((len(flat),), torch.nan, device=hidden.device)
    predicted = torch.full((len(flat),), -1, device=hidden.device)
    gold = target.flatten()
    for rows in torch.split(where, max(64, LOGITS // classes)):
        best, surprise = score(logits(flat.index_select(0, rows)), gold[rows])
        predicted[rows], loss[rows] = best, surprise.float()
    return {"loss": loss.view_as(target), "gold": target, "predicted": predicted.view_as(target)}


def score(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the most probable class and -ln p(target), `[step]` each; `logits [step classes]` are used up."""
    highest, best = logits.max(-1)
    of_target = logits.gather(-1, targets[:, None])[:, 0]
    surprise = logits.sub_(highest[:, None]).exp_().sum(-1).log_() + (highest - of_target)
    return best, surprise
