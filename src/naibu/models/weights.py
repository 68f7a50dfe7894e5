"""The weights of a model as they are written: each tensor once, however many names it has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from naibu.errors import StoredError
from naibu.storage import MALFORMED, digest_of, from_json, open_regular, written_beside

SAID = "naibu"
"""The name under which texts stand beside the tensors, as JSON."""


def stored(model: nn.Module) -> dict[str, Tensor]:
    """Return what is to be written, by the first name of each tensor; tied weights have several."""
    return {name: value.contiguous() for name, value, first in _named(model) if name == first}


def write_weights(model: nn.Module, path: Path, made_from: str = "") -> None:
    """Write `stored` into a safetensors file, with its checksum and that of what it was `made_from`."""
    write_tensors(path, stored(model), {"made_from": made_from})


def write_tensors(path: Path, tensors: Mapping[str, Tensor], said: Mapping[str, str]) -> None:
    """Write tensors and texts into a safetensors file, with the checksum of all."""
    text = json.dumps({**said, "digest": digest_of_tensors(tensors, said)})
    with written_beside(path) as beside:
        save_file(dict(tensors), beside, metadata={SAID: text})  # of several it would keep no order


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a safetensors file, and the texts beside them, `digest` among them where it has one.

    Raises FileNotFoundError where it is missing, ValueError where it is damaged.
    """
    open_regular(path).close()
    try:
        with safe_open(path, framework="pt") as file:
            written, tensors = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
        said = from_json(dict, json.loads(written.get(SAID, "{}")))
    except (SafetensorError, OSError, *MALFORMED) as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    if "digest" in said:
        others = {name: text for name, text in said.items() if name != "digest"}
        if said["digest"] != digest_of_tensors(tensors, others):
            raise ValueError("its content does not match its checksum")
    return tensors, said


def digest_of_tensors(tensors: Mapping[str, Tensor], said: Mapping[str, str] | None = None) -> str:
    """Return the checksum of named tensors, and of texts beside them."""
    parts: list[object] = []
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        parts += [f"{name} {value.dtype} {list(value.shape)}\n"]
        parts += [value.flatten().view(torch.uint8).numpy().data] if value.numel() else []
    return digest_of(*parts, repr(sorted((said or {}).items())))


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Raise StoredError where a weight is NaN or infinite: whatever is computed from it would be."""
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise StoredError(f"{path}: {name} has weights that are no numbers (NaN or infinite); train again")


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
