"""The weights of a model as they are written: each tensor once, however many names it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from naibu.storage import written_beside


def stored(model: nn.Module) -> dict[str, Tensor]:
    """Return what is to be written, by the first name of each tensor; tied weights have several."""
    return {name: value.contiguous() for name, value, first in _named(model) if name == first}


def write_weights(model: nn.Module, path: Path) -> None:
    """Write `stored` into a safetensors file."""
    with written_beside(path) as beside:
        save_file(stored(model), beside)


def restore(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `stored` gave. Raises RuntimeError where names or shapes are not the model's."""
    again = {name: tensors[first] for name, _, first in _named(model) if name != first and first in tensors}
    model.load_state_dict({**again, **tensors})


def _named(model: nn.Module) -> Iterator[tuple[str, Tensor, str]]:
    """Yield name, tensor, and the first name under which the same storage is held in the same shape."""
    firsts: dict[object, str] = {}
    for name, value in model.state_dict().items():
        place = (value.data_ptr(), value.shape, value.stride()) if value.numel() else name
        yield name, value, firsts.setdefault(place, name)
