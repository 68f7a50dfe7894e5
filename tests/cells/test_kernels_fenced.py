"""The compiled kernels in memory whose every piece lies against a page that may not be touched, and begins as NaN."""

from __future__ import annotations

import ctypes
import math
import mmap
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

import naibu
from naibu.cells.kernels import lstm_layer, sharing, workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are protected by Linux's own call")
PAGE = mmap.PAGESIZE
KINDS = {"lstm": naibu.LSTM, "gru": naibu.GRU, "rnn": naibu.RNN}
CASES = 60


class Fence:
    """Tensors that end where a page begins that may not be touched, or begin where one ends, by turns."""

    def __init__(self) -> None:
        self.ends, self.protect = False, ctypes.CDLL(None).mprotect

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        size = math.prod(shape) * dtype.itemsize
        if size == 0:
            return torch.empty(shape, dtype=dtype)
        whole = -(-size // PAGE) * PAGE
        room = mmap.mmap(-1, whole + 2 * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(room))
        for page in (start, start + PAGE + whole):
            assert self.protect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0) == 0
        self.ends = not self.ends
        place = PAGE + (whole - size if self.ends else 0)
        tensor = torch.frombuffer(room, dtype=dtype, count=math.prod(shape), offset=place).view(shape)
        return tensor.fill_(math.nan) if dtype.is_floating_point else tensor

    def copy(self, tensor: Tensor) -> Tensor:
        return self.empty(tuple(tensor.shape), tensor.dtype).copy_(tensor.detach())

    def rooms(self, _: Tensor, sizes: dict[str, int]) -> tuple[dict[str, int], Any]:
        rooms = {name: self.empty((size,)) for name, size in sizes.items()}
        return {name: room.data_ptr() for name, room in rooms.items()}, rooms


@pytest.fixture
def fence(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fence]:
    fence, threads = Fence(), torch.get_num_threads()

    def new_empty(like: Tensor, *shape: Any, **options: Any) -> Tensor:
        assert not options
        return fence.empty(tuple(shape[0] if isinstance(shape[0], (tuple, list)) else shape), like.dtype)

    def empty_like(like: Tensor, *, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
        return fence.empty(tuple(like.shape), dtype or like.dtype)

    monkeypatch.setattr(torch.Tensor, "new_empty", new_empty)
    monkeypatch.setattr(torch, "empty_like", empty_like)
    monkeypatch.setattr(workspace, "of", fence.rooms)
    yield fence
    torch.set_num_threads(threads)


def plan_of(draw: random.Random, kind: str, steps: int, hidden: int) -> dict[str, Any]:
    """Some way in which threads may share out a layer."""
    if draw.random() < 0.3:
        return {}
    threads, by_units = draw.randint(1, 3), draw.random() < 0.5
    if by_units:
        threads = min(threads, -(-hidden // 16))
    plan = {"threads": threads, "by_units": by_units, "chunk": draw.choice([0, 1, 3, steps, 1000]), "direct": False}
    if kind == "lstm" and draw.random() < 0.6:
        plan |= {"chunk": draw.choice([1, 3, 1000])} | draw.choice([{"fixed": True}, {"direct": True, "fixed": False}])
    return plan


def outcome(layer: Any, inputs: list[Tensor], lengths: Tensor | None, keep: tuple[str, ...]) -> list[Tensor]:
    """Output, state, and gradients of a sum of them; or, without a gradient, the signals that are kept."""
    x, *state = inputs
    begin = (state[0] if len(state) == 1 else tuple(state)) if state else None
    given = x if lengths is None else pack_padded_sequence(x, lengths, enforce_sorted=False)
    if keep:
        with torch.no_grad():
            watched = layer.signals(x, begin, keep=keep)
        return [watched.output, *watched.state, *watched.signals.values()]
    output, ended = layer(given, begin)
    parts = [output if lengths is None else output.data, *(ended if isinstance(ended, tuple) else (ended,))]
    total = sum((part * torch.linspace(-1, 1, part.numel(), dtype=part.dtype).view_as(part)).sum() for part in parts)
    return [part.detach() for part in (*parts, *torch.autograd.grad(total, [*inputs, *layer.parameters()]))]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_read_or_written_beyond_its_end(kind, fence, monkeypatch):
    ours, choose, forced = KINDS[kind], sharing.plan, {}
    monkeypatch.setattr(sharing, "plan", lambda *sizes: replace(choose(*sizes), **forced))
    for case in range(CASES):
        draw = random.Random(case)
        torch.manual_seed(case)
        torch.set_num_threads(draw.randint(1, 3))
        hidden, inputs = draw.choice([1, 4, 9, 15, 16, 17, 20, 32, 33, 50, 100]), draw.choice([1, 3, 16, 33])
        batch, steps = draw.choice([*range(1, 10), 17, 33]), draw.choice([1, 2, 3, 7, 20])
        options = {"num_layers": draw.choice([1, 2]), "bidirectional": draw.random() < 0.3, "bias": draw.random() < 0.8}
        forced.clear()
        forced.update(plan_of(draw, kind, steps, hidden))
        monkeypatch.setattr(lstm_layer, "CHUNK_ROWS", draw.choice([1, 7, 128]))
        layer = ours(inputs, hidden, **options)
        plain = ours(inputs, hidden, **options).double()  # in float64 no kernel of ours serves
        plain.load_state_dict(layer.state_dict())
        for parameter in layer.parameters():
            parameter.data = fence.copy(parameter)
        lengths = None
        if draw.random() < 0.4:
            lengths = torch.tensor([steps, *(draw.randint(1, steps) for _ in range(batch - 1))])
        given = [torch.randn(steps, batch, inputs)]
        if draw.random() < 0.6:
            parts = 2 if kind == "lstm" else 1
            count = options["num_layers"] * (2 if options["bidirectional"] else 1)
            given += [torch.randn(count, batch, hidden) for _ in range(parts)]
        names = layer.cell_type.signals
        keep = tuple(draw.sample(names, draw.randint(1, len(names)))) if lengths is None and draw.random() < 0.4 else ()
        with_fence = [fence.copy(part).requires_grad_(not keep) for part in given]
        found = outcome(layer, with_fence, lengths, keep)
        expected = outcome(plain, [part.double().requires_grad_(not keep) for part in given], lengths, keep)
        for part, wanted in zip(found, expected, strict=True):
            error = (part.double() - wanted).abs().max() / max(1.0, float(wanted.abs().max()))
            assert error < 1e-5, (case, options, hidden, inputs, batch, steps, forced)
