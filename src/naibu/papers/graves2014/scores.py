"""What a trained network answers: wrong bits by size, where its heads go, and what is lost while they are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from naibu.cells.edits import Clamp, Edit
from naibu.papers.graves2014.tasks import Episodes, Size, Task
from naibu.papers.graves2014.training import Network

SCORED = 20
"""Sequences of each size that are scored, the same for every network."""
STAY = (0.0, 1.0, 0.0)
"""The shift of a head that does not move."""
OF_HEADS = ("key", "strength", "gate", "shift", "sharpening")


def scored_episodes(task: Task, size: Size) -> Episodes:
    """Return the sequences of a size that are scored."""
    return task.draw(Generator().manual_seed(10**6 + sum(size)), size, SCORED)


@torch.no_grad()
def wrong_bits(network: Network, episodes: Episodes, edit: Mapping[str, Edit] | None = None) -> Tensor:
    """Return how many bits of each sequence are answered wrongly, `[batch]`, with edits made."""
    said = network.answer(episodes) if edit is None else network.watched(episodes, edit=edit)[0]
    return ((said > 0) != (episodes.wanted > 0)).sum((0, 2))


def by_size(network: Network, task: Task) -> dict[Size, float]:
    """Return the wrong bits a sequence, the mean over the scored sequences of each size."""
    return {size: float(wrong_bits(network, scored_episodes(task, size)).double().mean()) for size in task.scored}


@dataclass(frozen=True)
class Heads:
    """Where the heads of a network go while it copies: shares of the steps."""

    writes_on: float
    """The write head's likeliest location is the next one, of the steps in which a vector after the first is read."""
    reads_on: float
    """The same of the read head, of the steps in which one after the first is answered."""
    reads_written: float
    """The location read for a vector is the one it was written to."""
    sharpness: float
    """Mean of the largest weight of both heads in these steps."""


@torch.no_grad()
def heads(network: Network, episodes: Episodes) -> Heads:
    """Return where the heads go, for sequences of the copy task."""
    length = len(episodes.wanted)
    _, signals = network.watched(episodes, "read_weighting", "write_weighting")
    read, write = signals["read_weighting"], signals["write_weighting"]
    written = write[:length].argmax(-1)  # [vector batch]
    found = read[-length:].argmax(-1)
    locations = read.shape[-1]

    def on(places: Tensor) -> float:
        moved = (places[1:] - places[:-1]) % locations
        return float((moved == 1).double().mean()) if len(moved) else 1.0

    sharp = torch.cat([write[:length], read[-length:]]).amax(-1).mean()
    return Heads(on(written), on(found), float((found == written).double().mean()), float(sharp))


@dataclass(frozen=True)
class Held:
    """What is held while the network answers, and the wrong bits a sequence then."""

    what: str
    wrong: float


@torch.no_grad()
def held(network: Network, episodes: Episodes, draws: int = 5, seed: int = 1) -> list[Held]:
    """Return the wrong bits while one thing is held: nothing; a head's shift at staying where it is; every other
    signal of a head at its mean; and as many randomly drawn units of the controller's cell at theirs."""
    names = [f"{head}_{kind}" for head in ("write", "read") for kind in OF_HEADS]
    _, signals = network.watched(episodes, *names, "cell")
    means = {name: value.mean((0, 1)).tolist() for name, value in signals.items()}
    edits: list[tuple[str, dict[str, Edit] | None]] = [("nothing", None)]
    for name in names:
        stays = name.endswith("shift")
        value: Sequence[float] = STAY if stays else means[name]
        words = f"{name.replace('_', ' ')}, {'at staying' if stays else 'at its mean'}"
        edits.append((words, {name: Clamp(range(len(value)), value)}))
    for unit in torch.randperm(len(means["cell"]), generator=Generator().manual_seed(seed))[:draws].tolist():
        edits.append((f"cell {unit}, at its mean", {"cell": Clamp([unit], means["cell"][unit])}))
    return [Held(what, float(wrong_bits(network, episodes, edit).double().mean())) for what, edit in edits]
