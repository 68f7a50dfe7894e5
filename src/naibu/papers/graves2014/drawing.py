"""The pictures: where the heads are at each step, what is answered, and how the loss falls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from naibu.papers.graves2014.scores import scored_episodes
from naibu.papers.graves2014.tasks import Episodes, Task
from naibu.papers.graves2014.training import Network
from naibu.reporting.plots.canvas import BLUE, VERMILLION, new_axes


def plot_weighting(weights: NDArray[Any], title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a head's weighting `[step location]`, location over time, dark where it is large, as figure 6 there."""
    ax = new_axes((4, 3)) if ax is None else ax
    ax.imshow(weights.T, cmap="Greys", vmin=0, vmax=1, aspect="auto", origin="lower", interpolation="nearest")
    ax.set(xlabel="step", ylabel="location", title=title)
    return ax


def plot_bits(bits: NDArray[Any], title: str = "", ax: Axes | None = None) -> Axes:
    """Draw vectors of bits `[step bit]`, or of chances of them, dark where 1."""
    ax = new_axes((4, 1)) if ax is None else ax
    ax.imshow(bits.T, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    ax.set(title=title, yticks=[])
    return ax


@torch.no_grad()
def draw_heads(figure: Figure, network: Network, task: Task, length: int = 20) -> None:
    """Draw one copied sequence: what is read and answered, and under each half the weighting that matters there."""
    episodes = _first(scored_episodes(task, (length,)))
    said, signals = network.watched(episodes, "read_weighting", "write_weighting")
    write, read = (signals[f"{head}_weighting"][:, 0].numpy() for head in ("write", "read"))
    used = np.concatenate([write[:length], read[length:]]).max(0) > 0.1
    places = np.flatnonzero(used)
    low, high = (int(places.min()), int(places.max()) + 1) if len(places) else (0, write.shape[1])
    axes: Any = figure.subplots(2, 2, height_ratios=[1, 2.5])
    plot_bits(episodes.input[:length, 0].numpy(), "read", axes[0, 0])
    plot_bits(torch.sigmoid(said[:, 0]).numpy(), "answered", axes[0, 1])
    for ax, weights, title in ((axes[1, 0], write, "write weighting"), (axes[1, 1], read, "read weighting")):
        plot_weighting(weights, title, ax)
        ax.set_ylim(low - 1.5, high + 0.5)


@torch.no_grad()
def draw_answers(figure: Figure, networks: Mapping[str, Network], task: Task) -> None:
    """Draw what is to be answered for one sequence of each scored size, and what each network answers."""
    axes: Any = figure.subplots(1 + len(networks), len(task.scored), squeeze=False)
    for column, size in enumerate(task.scored):
        episodes = _first(scored_episodes(task, size))
        plot_bits(episodes.wanted[:, 0].numpy(), f"{size[0]} {task.counted}: wanted", axes[0, column])
        for row, (name, network) in enumerate(networks.items(), 1):
            said = torch.sigmoid(network.answer(episodes)[:, 0]).numpy()
            plot_bits(said, name, axes[row, column])


def plot_losses(losses: Mapping[str, Sequence[Sequence[float]]], every: int, ax: Axes | None = None) -> Axes:
    """Draw the loss in bits a sequence over the sequences learnt from, a line a seed; `every` sequences a value."""
    ax = new_axes((5, 3)) if ax is None else ax
    for (name, lines), colour in zip(losses.items(), (VERMILLION, BLUE), strict=False):
        for number, line in enumerate(lines):
            x = np.arange(1, len(line) + 1) * every
            ax.plot(x, line, color=colour, linewidth=0.9, label=name if number == 0 else None)
    ax.set(xlabel="sequences", ylabel="bits a sequence")
    ax.legend(loc="upper right")
    return ax


def _first(episodes: Episodes) -> Episodes:
    return Episodes(episodes.input[:, :1], episodes.wanted[:, :1])
