"""Series a little other than they are, to learn from: another speed and size, noise, a piece cut off either end."""

from __future__ import annotations

import torch
from torch import Tensor

FEWEST = 4
"""Steps of a varied series at least, or as many as it has."""


def varied(x: Tensor, lengths: Tensor, amount: float) -> tuple[Tensor, Tensor]:
    """Return series `[time batch feature]` that are drawn anew from the given ones, and their lengths.

    Of each a share of up to `amount` is cut off at either end (uniform); what is left is read again at another speed,
    up to 1.5 `amount` slower or faster (uniform), by straight lines between steps; it is made larger or smaller by a
    factor with mean 1 and standard deviation `amount`, and noise with that standard deviation is added. The time that
    is given is not made longer: what would be is cut. Numbers are drawn from torch's generator.
    """
    time, batch = x.shape[:2]
    long = lengths.to(x.device, x.dtype)
    cut = torch.rand(2, batch, device=x.device) * amount * long
    speed = 1 + 1.5 * amount * (2 * torch.rand(batch, device=x.device) - 1)
    fewest = long.clamp(max=FEWEST)
    steps = (long * speed).round().maximum(fewest).clamp(max=time)
    first, last = cut[0], (long - 1 - cut[1]).maximum(cut[0])
    share = torch.arange(time, device=x.device)[:, None] / (steps - 1).clamp(min=1)
    place = (first + share * (last - first)).minimum(last)
    low = place.floor()
    high = (low + 1).minimum(long - 1)
    part = (place - low)[..., None]
    wide = (-1, -1, x.shape[-1])
    before, after = (x.gather(0, each.long()[..., None].expand(*wide)) for each in (low, high))
    found = before * (1 - part) + after * part
    size = 1 + amount * torch.randn(batch, 1, device=x.device)
    found = found * size + amount * torch.randn_like(found)
    there = torch.arange(time, device=x.device)[:, None] < steps
    return found * there[..., None], steps.to(lengths.device, lengths.dtype)
