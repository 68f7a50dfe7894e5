"""Hold units of anybody's network: while it runs, layers of ours stand in for its own, with the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import nn

from naibu.cells.edits import Both, Edit
from naibu.cells.layers import Recurrent
from naibu.cells.names import TORCH_CELLS, recurrent_parts, within
from naibu.cells.signalling import signalling_parts
from naibu.cells.standing_in import standing_in, stands_in_for
from naibu.cells.swap import ours
from naibu.errors import OptionError


@contextmanager
def edited(module: nn.Module, edit: Mapping[tuple[str, str], Edit]) -> Iterator[None]:
    """Within the block the module runs with the edits; after it, it is as it was.

    `edit` maps (layer, signal), named as in a recording of the module, to what is done to the signal at
    every step: `{("encoder.0", "cell"): Clamp([17], 0.3)}`. For the module's own `torch.nn.LSTM`, `GRU` and `RNN`
    layers ours stand in, sharing their parameters; hooks, a subclass's own `forward` and all else run as ever.
    Raises OptionError for a layer or a signal that is not there, and for one that cannot be edited.
    """
    parts = {name: part for name, part in recurrent_parts(module) if not isinstance(part, TORCH_CELLS)}
    with_signals = dict(signalling_parts(module))
    chosen: dict[str, dict[tuple[str, str], Edit]] = {}
    beside: dict[str, dict[tuple[str, str], Edit]] = {}
    for (layer, signal), change in edit.items():
        if layer in with_signals:
            with_signals[layer].check_names((signal,), layer)
            beside.setdefault(layer, {})[layer, signal] = change
            continue
        name = next((name for name in parts if within(name, layer) is not None), None)
        if name is None:
            known = ", ".join([*(f"{name}.0" for name in parts), *with_signals]) or "none"
            raise OptionError(f"layer {layer!r}: not one that can be edited; this module has {known}")
        chosen.setdefault(name, {})[layer, signal] = change
    ours_for = {name: _ours(parts[name], name) for name in chosen}
    before = {name: layer.edits for name, layer in ours_for.items()}
    before_beside = {name: with_signals[name].edits for name in beside}
    others = {parts[name]: layer for name, layer in ours_for.items() if layer is not parts[name]}
    try:
        for name, ours_here in ours_for.items():
            ours_here.check_names((), chosen[name], name)
            own = ours_here.known_as
            for (at, signal), change in chosen[name].items():
                key = own + at[len(name) :], signal
                ours_here.edits = _with(ours_here.edits, key, change)
        for name, changes in beside.items():
            for key, change in changes.items():
                with_signals[name].edits = _with(with_signals[name].edits, key, change)
        with standing_in(others):
            yield
    finally:
        for name, ours_here in ours_for.items():
            ours_here.edits = before[name]
        for name, edits_before in before_beside.items():
            with_signals[name].edits = edits_before


def _with(edits: Mapping[tuple[str, str], Edit], key: tuple[str, str], change: Edit) -> dict[tuple[str, str], Edit]:
    """Return edits with one more, after the one that there may be of the same signal."""
    outer = edits.get(key)
    return {**edits, key: change if outer is None else Both(outer, change)}


def _ours(layer: nn.Module, name: str) -> Recurrent:
    """Return our layer on the very parameters of a torch layer."""
    other = stands_in_for(layer)
    if isinstance(layer, Recurrent):
        return layer
    if isinstance(other, Recurrent):
        return other
    if other is not None:
        raise OptionError(f"layer {name!r}: is being recorded; hold its units first, and record within that")
    assert isinstance(layer, nn.RNNBase)
    if layer.proj_size:
        raise OptionError(f"layer {name!r}: has proj_size={layer.proj_size}, which cannot be edited yet")
    return ours(layer)
