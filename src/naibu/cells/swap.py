"""Torch's recurrent layers in anybody's model, exchanged for ours on the same parameters."""

from __future__ import annotations

from torch import nn

from naibu.cells.layers import GRU, LSTM, RNN, Recurrent
from naibu.errors import OptionError

_OURS: dict[type[nn.RNNBase], type[Recurrent]] = {nn.LSTM: LSTM, nn.GRU: GRU, nn.RNN: RNN}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def ours(layer: nn.RNNBase) -> Recurrent:
    """Return our layer on the very parameters of torch's, whichever of the three kinds it is; see `Recurrent.of`."""
    for theirs, kind in _OURS.items():
        if isinstance(layer, theirs):
            return kind.of(layer)
    raise OptionError(f"{type(layer).__name__}: not a torch.nn.LSTM, GRU or RNN")


def swap(module: nn.Module) -> tuple[str, ...]:
    """Put ours in the place of every `torch.nn.LSTM`, `GRU` and `RNN` inside a module; return where they were.

    The module is changed in place and keeps its parameters: the same tensors under the same names, so that its
    `state_dict`, its optimiser and files written before stay valid. A layer that stands in several places is
    exchanged in all of them for one. Somebody's own subclass of these three is left as it is. Raises OptionError,
    and changes nothing, where a layer cannot be exchanged: one with `proj_size`, with hooks (a weight norm is
    one), or the module itself.
    """
    places = [
        (parent, name, child, f"{path}.{name}" if path else name)
        for path, parent in module.named_modules()
        for name, child in parent.named_children()
    ]
    places = [place for place in places if type(place[2]) in _OURS]
    if type(module) in _OURS:
        kind = type(module).__name__
        raise OptionError(f"a bare {kind} cannot be exchanged in place: take naibu.{kind}.of(layer)")
    made: dict[nn.Module, Recurrent] = {}
    for _, _, layer, path in places:
        if layer not in made:
            assert isinstance(layer, nn.RNNBase)
            if any(getattr(layer, hooks) for hooks in _HOOKS):
                raise OptionError(f"layer {path!r}: has hooks, which would be lost; remove them first")
            try:
                made[layer] = ours(layer)
            except OptionError as error:
                raise OptionError(f"layer {path!r}: {error}") from None
    for parent, name, layer, _ in places:
        setattr(parent, name, made[layer])
    return tuple(path for _, _, _, path in places)
