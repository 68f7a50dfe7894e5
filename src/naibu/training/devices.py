"""Where training computes, and in which type."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from naibu.cells.products import has_bfloat16_tiles
from naibu.config import TrainingConfig
from naibu.errors import OptionError


def device_of(config: TrainingConfig) -> torch.device:
    """Return the device that a training asks for. Raises OptionError where this torch cannot reach it, or where its
    processor has nothing for the precision."""
    if config.device == "cuda" and not torch.cuda.is_available():
        built = "it is built without CUDA" if torch.version.cuda is None else "no GPU answers"
        raise OptionError(f"--device cuda: torch {torch.__version__} cannot compute there, {built}; take --device cpu")
    if config.device == "cpu" and config.precision == "bfloat16" and not has_bfloat16_tiles():
        raise OptionError(
            "--precision bfloat16: this processor has no bfloat16 tiles (amx_bf16); take --precision float32"
        )
    return torch.device(config.device)


def seeded(config: TrainingConfig) -> AbstractContextManager[None]:
    """Return a block that leaves every random state of torch as it found it."""
    devices = list(range(torch.cuda.device_count())) if config.device == "cuda" else []
    return torch.random.fork_rng(devices=devices)


def precision(config: TrainingConfig) -> AbstractContextManager[object]:
    """Return a block in which products are taken in the configuration's type, while weights stay float32.

    bfloat16 has the range of float32 and 8 bits of it, so no scaling of the loss is needed.
    """
    if config.precision == "float32":
        return nullcontext()
    return torch.autocast(config.device, dtype=torch.bfloat16)
