"""Hold units of anybody's network: while it runs, its layers are exchanged for ours with the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import nn

from naibu.cells.edits import Edit
from naibu.cells.layers import Recurrent
from naibu.cells.swap import ours
from naibu.errors import OptionError

TORCH_LAYERS = (nn.LSTM, nn.GRU, nn.RNN)


@contextmanager
def edited(module: nn.Module, edit: Mapping[tuple[str, str], Edit]) -> Iterator[None]:
    """Within the block the module runs with the edits; after it, it is as it was.

    `edit` maps (layer, signal), named as in a recording of the module, to what is done to the signal at
    every step: `{("encoder.0", "cell"): Clamp([17], 0.3)}`. The module's own `torch.nn.LSTM`, `GRU` and
    `RNN` layers are exchanged for ours, sharing their parameters; weights and results are otherwise the same.
    Raises OptionError for a layer or a signal that is not there, and for one that cannot be edited.
    """
    layers = recurrent_layers(module)
    chosen: dict[str, dict[tuple[str, str], Edit]] = {}
    for (name, signal), change in edit.items():
        path = next((path for path in layers if _holds(path, name)), None)
        if path is None:
            known = ", ".join(f"{path}.0" for path in layers) or "none"
            raise OptionError(f"layer {name!r}: not one that can be edited; this module has {known}")
        chosen.setdefault(path, {})[name, signal] = change
    undo: list[tuple[nn.Module, str, nn.Module]] = []
    exchanged = {path: _ours(layers[path], path) for path in chosen}
    before = {path: layer.edits for path, layer in exchanged.items()}
    try:
        for path, layer in exchanged.items():
            layer.edits = chosen[path]
            layer._check_names((), layer.edits)
            if layer is not layers[path]:
                parent, child = _place(module, layers[path])
                undo.append((parent, child, layers[path]))
                setattr(parent, child, layer)
        yield
    finally:
        for parent, child, original in undo:
            setattr(parent, child, original)
        for path, layer in exchanged.items():
            layer.edits = before[path]


def recurrent_layers(module: nn.Module) -> dict[str, Recurrent | nn.RNNBase]:
    """Return the module's recurrent layers by the name under which a recording has them, without index."""
    found: dict[str, Recurrent | nn.RNNBase] = {}
    for path, child in module.named_modules():
        if isinstance(child, Recurrent):
            found[child.name] = child
        elif isinstance(child, TORCH_LAYERS):
            found[path or type(child).__name__.lower()] = child
    return found


def _holds(path: str, name: str) -> bool:
    rest = name.removeprefix(path + ".")
    return rest != name and rest.split(".")[0].isdigit()


def _place(module: nn.Module, layer: nn.Module) -> tuple[nn.Module, str]:
    for parent in module.modules():
        for name, child in parent.named_children():
            if child is layer:
                return parent, name
    raise OptionError(
        f"{type(layer).__name__}: a bare layer cannot be exchanged in place; put it in a module "
        "(torch.nn.Sequential(layer) will do), or build a naibu layer with its weights"
    )


def _ours(layer: Recurrent | nn.RNNBase, name: str) -> Recurrent:
    """Return our layer on the very parameters of a torch layer."""
    if isinstance(layer, Recurrent):
        return layer
    if getattr(layer, "proj_size", 0):
        raise OptionError(f"layer {name!r}: has proj_size={layer.proj_size}, which cannot be edited yet")
    exchanged = ours(layer)
    exchanged.name = name
    return exchanged
