"""Our layers in the place of torch's for the length of a block, wherever their forward is called from.

A layer of torch's computes in the `forward` of its class: its hooks run around that, and somebody's subclass calls it
from a `forward` of its own. So it is there that another computation stands in, and all the rest stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from naibu.cells.layers import Recurrent

Forward = Callable[..., Any]
_KINDS: dict[type[nn.Module], Forward] = {
    kind: kind.forward for kind in (nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell)
}
_standing_in: dict[nn.Module, Forward | Recurrent] = {}


@contextmanager
def standing_in(others: Mapping[nn.Module, Forward | Recurrent]) -> Iterator[None]:
    """Within the block the layers compute what stands in for them: one of our layers, or a function of their call."""
    before = dict(_standing_in)
    _standing_in.update(others)
    for kind in _KINDS:
        kind.forward = _dispatch(kind)
    try:
        yield
    finally:
        _standing_in.clear()
        _standing_in.update(before)
        if not before:
            for kind, forward in _KINDS.items():
                kind.forward = forward


def stands_in_for(layer: nn.Module) -> Forward | Recurrent | None:
    """Return what stands in for a layer now, or None."""
    return _standing_in.get(layer)


def own_forward(layer: nn.Module) -> Forward:
    """Return what torch computes for a layer, whatever stands in for it."""
    forward = next(forward for kind, forward in _KINDS.items() if isinstance(layer, kind))
    return lambda *args, **kwargs: forward(layer, *args, **kwargs)


def has_own_forward(layer: nn.Module) -> bool:
    """Return whether a layer's forward is somebody's own, which may call torch's or not."""
    classes = type(layer).__mro__
    kind = next(kind for kind in classes if kind in _KINDS)
    return "forward" in vars(layer) or any("forward" in vars(each) for each in classes[: classes.index(kind)])


def _dispatch(kind: type[nn.Module]) -> Forward:
    original = _KINDS[kind]

    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        other = _standing_in.get(self)
        if other is None:
            return original(self, *args, **kwargs)
        return other.forward(*args, **kwargs) if isinstance(other, Recurrent) else other(*args, **kwargs)

    return forward
