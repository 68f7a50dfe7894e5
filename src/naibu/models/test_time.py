"""Better at test time, with the network as it is: a cache of what was read, weights that follow, another model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from naibu.data.batch import Batch
from naibu.models.language_model import LanguageModel
from naibu.models.model import cut_off, evaluating, score
from naibu.models.weights import restore, stored

Windows = Iterable[tuple[Batch, bool]]
"""Batches of one lane in the order of the text, and whether each begins from a state of zeros."""
BLOCK = 512
"""Symbols of which likenesses to the cache are taken at a time."""


@dataclass(frozen=True)
class Cache:
    """A neural cache: a symbol that came after a like hidden vector within the last `size` steps is likelier again.

    p = (1 - share) p_network + share p_cache, with p_cache(w) the softmax of sharpness * h . h_i over the steps i after
    which w came. Source: Grave, Joulin & Usunier 2017, equation 5 (linear interpolation).
    """

    size: int
    sharpness: float
    share: float


CACHES = tuple(
    Cache(size, sharpness, share)
    for size, sharpness, share in product((500, 2000), (0.05, 0.1, 0.2, 0.4), (0.02, 0.05, 0.1, 0.15, 0.2))
)
"""What is tried where the weights of a cache are fitted."""


@dataclass(frozen=True)
class Dynamic:
    """Dynamic evaluation: after each window the weights take a step down the gradient of its loss, and a part of the
    way back to where they were.

    theta -= rate * g / (rms + epsilon) and theta += decay * rms' * (theta_0 - theta), rms the root of the mean square
    of gradients on training text and rms' the same over its mean, at most 1/decay.
    Source: Krause, Kahembwe, Murray & Renals 2018, equations 5 and 6.
    """

    rate: float
    decay: float


DYNAMICS = tuple(Dynamic(rate, decay) for rate, decay in product((1e-5, 3e-5, 1e-4, 3e-4), (1e-3, 5e-3)))
EPSILON = 2e-3
"""Of the mean root mean square, added to each: 2e-3 in the source's unit, relative here."""
SHARES = tuple(percent / 100 for percent in range(2, 100, 2))
"""What is tried where the share of another model is fitted."""


@dataclass(frozen=True)
class Read:
    """A text as a network read it: ln p of each symbol, the symbol, and the hidden vector it was told from."""

    log_p: Tensor  # float32 [step]
    gold: Tensor  # int64 [step]
    hidden: Tensor  # float32 [step hidden]


@torch.no_grad()
def read(model: LanguageModel, windows: Windows) -> Iterator[Read]:
    """Yield what a network does with each window, in evaluation mode."""
    state = None
    with evaluating(model):
        for batch, begins in windows:
            output, state = model(batch.main.x, None if begins else state)
            yield _read(model, output, batch)


def read_dynamically(model: LanguageModel, windows: Windows, rms: dict[str, Tensor], how: Dynamic) -> Iterator[Read]:
    """Yield what a network does with each window, and let its weights follow; they are put back at the end."""
    before = {name: value.clone() for name, value in stored(model).items()}
    named = {name: value for name, value in model.named_parameters() if name in rms}
    mean = torch.cat([each.flatten() for each in rms.values()]).mean().item()
    state = None
    try:
        with evaluating(model):
            for batch, begins in windows:
                with torch.enable_grad():
                    output, state = model(batch.main.x, None if begins else state)
                    loss = model.cross_entropy(output, batch.target, "mean")
                state = cut_off(state, model.device)
                yield _read(model, output.detach(), batch)
                gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
                with torch.no_grad():
                    for (name, value), gradient in zip(named.items(), gradients, strict=True):
                        if gradient is not None:
                            value.addcdiv_(gradient, rms[name] + EPSILON * mean, value=-how.rate)
                        value.lerp_(before[name], (how.decay * rms[name] / mean).clamp(max=1))
    finally:
        restore(model, before)


def root_mean_squares(model: LanguageModel, windows: Windows) -> dict[str, Tensor]:
    """Return the root of the mean square of each weight's gradient over windows of training text, by name."""
    sums, count, state = {name: torch.zeros_like(each) for name, each in model.named_parameters()}, 0, None
    with evaluating(model):
        for batch, begins in windows:
            output, state = model(batch.main.x, None if begins else state)
            state = cut_off(state, model.device)
            loss = model.cross_entropy(output, batch.target, "mean")
            gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
            for total, gradient in zip(sums.values(), gradients, strict=True):
                if gradient is not None:
                    total.addcmul_(gradient, gradient)
            count += 1
    return {name: (total / max(1, count)).sqrt_() for name, total in sums.items()}


@torch.no_grad()
def with_cache(parts: Iterable[Read], caches: tuple[Cache, ...]) -> Iterator[Tensor]:
    """Yield ln p of each symbol under each cache, `[cache step]`, part by part; the cache goes on between parts."""
    most = max(cache.size for cache in caches)
    kinds = sorted({(cache.size, cache.sharpness) for cache in caches})
    past, after = None, None
    for part in parts:
        found = []
        for at in range(0, len(part.gold), BLOCK):
            h, gold = part.hidden[at : at + BLOCK], part.gold[at : at + BLOCK]
            vectors = h if past is None else torch.cat((past, h))
            symbols = gold if after is None else torch.cat((after, gold))
            first = len(symbols) - len(gold)
            back = torch.arange(first, len(symbols))[:, None] - torch.arange(len(symbols))  # how many steps ago
            same, like = gold[:, None] == symbols, h @ vectors.t()
            told = {}
            for size, sharpness in kinds:
                near = (back >= 1) & (back <= size)
                weights = torch.softmax((sharpness * like).masked_fill(~near, -torch.inf), -1).nan_to_num()
                told[size, sharpness] = (weights * same).sum(-1), near.any(-1)
            log_p = part.log_p[at : at + BLOCK]
            rows = []
            for cache in caches:
                p, there = told[cache.size, cache.sharpness]
                rows.append(torch.where(there, mixed(log_p, p.log(), cache.share), log_p))
            found.append(torch.stack(rows))
            past, after = vectors[-most:], symbols[-most:]
        if found:
            yield torch.cat(found, 1)


def mixed(log_p: Tensor, other: Tensor, share: float) -> Tensor:
    """Return ln of (1 - share) p + share p_other, from ln p of both."""
    return torch.logaddexp(log_p + math.log1p(-share), other + math.log(share))


def best_share(log_p: Tensor, other: Tensor) -> float:
    """Return the share of another model, ln p of the same symbols and more, under which they are likeliest."""
    found = [mixed(log_p, other[: len(log_p)], share).double().sum().item() for share in SHARES]
    return SHARES[found.index(max(found))]


def best_of(nats: Callable[[], Iterator[Tensor]]) -> int:
    """Return the number of the row with the largest sum of ln p `[row step]` over all parts."""
    total: Tensor = torch.stack([part.double().sum(-1) for part in nats()]).sum(0)
    return int(total.argmax())


@torch.no_grad()
def _read(model: LanguageModel, output: Tensor, batch: Batch) -> Read:
    there = batch.target >= 0
    hidden, gold = output[there], batch.target[there]
    pieces = zip(torch.split(hidden, BLOCK), torch.split(gold, BLOCK), strict=True)
    log_p = [-score(model.logits(h), g)[1].float() for h, g in pieces]
    return Read(torch.cat(log_p) if log_p else hidden.new_zeros(0), gold, hidden)
