"""Checkpoints: a tree of tensors and plain values in one safetensors file, so that training goes on to the bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from naibu.errors import StoredError
from naibu.storage import written_beside


def save(path: Path, tree: Mapping[str, Any]) -> None:
    """Write dictionaries, tuples, tensors and plain values, one in the other; a tensor's name is its place in them."""
    tensors: dict[str, Tensor] = {}
    plain = _apart(tree, "", tensors)
    with written_beside(path) as beside:
        save_file(tensors, beside, metadata={"tree": json.dumps(plain)})


def read(path: Path) -> Any:
    """Return what `save` wrote; keys are text then, and lists and named tuples are tuples.

    Raises StoredError where it is damaged, or of an older version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            written, tensors = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from None
    if "tree" not in written:
        raise StoredError(f"{path}: written by an older naibu; remove it to begin this run again")
    return _together(json.loads(written["tree"]), "", tensors)


def damaged(path: Path, error: Exception) -> StoredError:
    """Return the one-line error for a checkpoint that cannot be gone on from."""
    return StoredError(f"{path}: damaged ({str(error).splitlines()[0]}); remove it to begin this run again")


def _apart(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return a tree without its tensors, which are put into `tensors`; None stands in their place."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().contiguous()
        return None
    if isinstance(value, Mapping):
        return {key: _apart(each, f"{name}.{key}".lstrip("."), tensors) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_apart(each, f"{name}.{number}", tensors) for number, each in enumerate(value)]
    return value


def _together(plain: Any, name: str, tensors: Mapping[str, Tensor]) -> Any:
    if name in tensors:
        return tensors[name]
    if isinstance(plain, dict):
        return {key: _together(each, f"{name}.{key}".lstrip("."), tensors) for key, each in plain.items()}
    if isinstance(plain, list):
        return tuple(_together(each, f"{name}.{number}", tensors) for number, each in enumerate(plain))
    return plain
