"""The batches of a split as tensors, epoch after epoch, each epoch's order a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from naibu.config import TrainingConfig
from naibu.data.batches import length_batches, pad
from naibu.data.sequences import Sequences

MULTIPLE = 4
"""Batches are padded to a multiple of so many steps: the framework keeps a megabyte for every shape it meets."""


class Batch(NamedTuple):
    """Some sequences side by side: what is read, and what is to be predicted from it."""

    inputs: Tensor  # int64 [time batch]
    targets: Tensor  # int64 [time batch], -1 at padding
    tokens: int  # targets that are not padding


def make_batch(sequences: Sequences, which: np.ndarray) -> Batch:
    """Return the batch of the sequences whose numbers are given; the last symbol is never an input."""
    ids, lengths = pad(sequences, which)
    ids = np.pad(ids, ((0, (1 - len(ids)) % MULTIPLE), (0, 0)))
    step = np.arange(len(ids) - 1)[:, None]
    targets = np.where(step < lengths - 1, ids[1:], -1)
    return Batch(torch.from_numpy(ids[:-1]), torch.from_numpy(targets), int((lengths - 1).sum()))


def epoch_batches(sequences: Sequences, config: TrainingConfig, epoch: int) -> list[np.ndarray]:
    """Return the batches of one epoch as numbers of sequences; the same for equal seed and epoch."""
    generator = np.random.default_rng((config.seed, epoch))
    batches = length_batches(sequences.lengths, config.batch_tokens, config.batch_size, generator)
    return [which for which in batches if sequences.lengths[which].max() > 1]


def training_batches(sequences: Sequences, config: TrainingConfig, first: int = 0) -> Iterator[Batch]:
    """Yield batches for ever, from step `first` on, whatever number of epochs lies before it."""
    epoch, before = 0, 0
    while True:
        batches = epoch_batches(sequences, config, epoch)
        if before + len(batches) > first:
            for which in batches[max(0, first - before) :]:
                yield make_batch(sequences, which)
        epoch, before = epoch + 1, before + len(batches)
