"""Spans among the numbers of tags: which tag may follow which, and which spans are told rightly.

Number 0 is outside; the tags of each kind of span follow, B I or B I E S, as `naibu.data.span_schemes` numbers them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)


class Allowed(NamedTuple):
    """What a path of tags may be, bool."""

    pairs: Tensor  # [tag tag], from, to
    first: Tensor  # [tag]
    last: Tensor  # [tag]


def places_of(tags: int, kinds: int) -> tuple[Tensor, Tensor]:
    """Return the place in its span that each tag marks, and the kind of the span, int64 [tag] each; -1 outside."""
    number = torch.arange(tags) - 1
    letters = (tags - 1) // kinds
    place = torch.where(number < 0, OUTSIDE, number % letters + BEGIN)
    return place, torch.where(number < 0, -1, number // letters)


def allowed(tags: int, kinds: int) -> Allowed:
    """Return which paths are spans one after the other; all paths where the tags mark no spans (`kinds` 0)."""
    if not kinds:
        return Allowed(*(torch.ones(shape, dtype=torch.bool) for shape in ((tags, tags), (tags,), (tags,))))
    place, kind = places_of(tags, kinds)
    goes_on = (place == INSIDE) | (place == END)
    first = ~goes_on
    same = kind[:, None] == kind
    if (tags - 1) // kinds == 2:  # without ends, a span may end anywhere
        begun = (place == BEGIN) | (place == INSIDE)
        return Allowed(~goes_on | (begun[:, None] & same), first, torch.ones(tags, dtype=torch.bool))
    must = (place == BEGIN) | (place == INSIDE)
    return Allowed(torch.where(must[:, None], goes_on & same, first), first, ~must)


def span_columns(gold: Tensor, told: Tensor, tags: int, kinds: int) -> dict[str, Tensor]:
    """Return where a span of `gold`, and of `told`, begins, and where one ends that is right, int64 [time batch] each.

    gold, told: int64 [time batch], allowed paths; -1 is outside, and padding.
    """
    place, kind = (part.to(gold.device) for part in places_of(tags, kinds))
    time = torch.arange(len(gold), device=gold.device)[:, None]
    begun, ends, since = list[Tensor](), list[Tensor](), list[Tensor]()
    for path in (gold, told):
        here = torch.where(path < 0, OUTSIDE, place[path])
        begins = (here == BEGIN) | (here == SINGLE)
        goes_on = torch.zeros_like(begins)
        goes_on[:-1] = (here[1:] == INSIDE) | (here[1:] == END)
        begun.append(begins)
        ends.append((here != OUTSIDE) & ~goes_on)
        since.append(torch.where(begins, time, -1).cummax(0).values)
    right = ends[0] & ends[1] & (since[0] == since[1]) & (kind[gold] == kind[told])
    return {"span_gold": begun[0].long(), "span_told": begun[1].long(), "span_right": right.long()}
