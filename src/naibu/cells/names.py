"""What a recurrent layer is called: said here, for recording, holding, gradients and swapping alike."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from naibu.cells.layers import Recurrent

TORCH_LAYERS = (nn.LSTM, nn.GRU, nn.RNN)
TORCH_CELLS = (nn.LSTMCell, nn.GRUCell, nn.RNNCell)


def recurrent_parts(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield every recurrent layer and cell of a module with its name.

    A layer is called by its path in the module (`encoder.lstm`), or as it is `called` where its network has said so;
    the module itself by its kind (`lstm`), or, one of ours, by its path in the module that it is part of. Signals of
    its k-th layer of a stack are under `NAME.k`, read backwards under `NAME.k.reverse`; those of a cell under `NAME.0`.
    """
    for path, part in module.named_modules():
        if isinstance(part, Recurrent):
            yield part.called or path or part.known_as, part
        elif isinstance(part, TORCH_LAYERS):
            yield path or part.mode.split("_")[0].lower(), part
        elif isinstance(part, TORCH_CELLS):
            yield path or type(part).__name__.lower(), part


def within(name: str, layer: str) -> str | None:
    """Return what stands behind a part's name in that of a layer (`1.reverse` in `encoder.1.reverse`), or None."""
    rest = layer.removeprefix(name + ".")
    return rest if rest != layer and rest.split(".")[0].isdigit() else None
