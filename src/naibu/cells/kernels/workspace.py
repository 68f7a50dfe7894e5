"""Memory that a kernel needs while it runs, kept from call to call."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu.cells.kernels.vector import F32

LARGE = 1 << 24
"""Numbers of a workspace that is kept from call to call, at most."""
HUGE = 1 << 21
"""Bytes of a large page."""


def of(like: Tensor, rooms: dict[str, int]) -> tuple[dict[str, int], Any]:
    """Return addresses of rooms for so many numbers each, and what they lie in, to be held until the kernel has run;
    no longer than until this thread asks again."""
    wanted = sum(rooms.values())
    if wanted > LARGE:
        apart = {name: like.new_empty(size) for name, size in rooms.items()}
        return {name: room.data_ptr() for name, room in apart.items()}, apart
    room = _kept_room(wanted)
    places, place = {}, room.data_ptr()
    for name, size in rooms.items():
        places[name] = place
        place += F32 * size
    return places, room


def _kept_room(numbers: int) -> Tensor:
    """Return room for so many numbers that this thread keeps, on large pages where the system has them.

    Packed weights are read over and over: with pages of 4 kB, finding these takes a twentieth of the time (measured at
    1000 units).
    """
    room = getattr(_this_thread, "room", None)
    if room is None or room.numel() < numbers:
        page = HUGE // F32
        fresh = torch.from_numpy(np.empty(-(-numbers // page) * page + page, np.float32))  # asks for them
        ahead = -fresh.data_ptr() % HUGE // F32
        room = _this_thread.room = fresh[ahead : fresh.numel() - page + ahead]
    return room


_this_thread = threading.local()
