"""Checkpoints: a tree of tensors and plain values in one safetensors file, so that training goes on to the bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from naibu.errors import StoredError
from naibu.models.weights import read_tensors, write_tensors
from naibu.storage import MALFORMED


def save(path: Path, tree: Mapping[str, Any], made_from: str = "") -> None:
    """Write dictionaries, tuples, tensors and plain values, one in the other; a tensor's name is its place in them.

    `made_from` says of what run it is.
    """
    tensors: dict[str, Tensor] = {}
    plain = _apart(tree, "", tensors)
    write_tensors(path, tensors, {"tree": json.dumps(plain), "made_from": made_from})


def read(path: Path, made_from: str | None = None) -> Any:
    """Return what `save` wrote; keys are text then, and lists and named tuples are tuples.

    `made_from` says of what run it has to be. Raises StoredError where it is damaged, of another run, or of an older
    version.
    """
    try:
        tensors, said = read_tensors(path)
        if "tree" not in said or "digest" not in said:
            raise StoredError(f"{path}: written by an older naibu; remove it to begin this run again")
        if made_from is not None and said["made_from"] != made_from:
            raise StoredError(f"{path}: of another run; remove it to begin this run again")
        return _together(json.loads(said["tree"]), "", tensors)
    except (*MALFORMED, OSError) as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> StoredError:
    """Return the one-line error for a checkpoint that cannot be gone on from."""
    return StoredError(f"{path}: damaged ({str(error).partition(chr(10))[0]}); remove it to begin this run again")


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
