"""Plots along principal components: tokens and word types in a plane, signs split, two kinds along one axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.components_results import Pair, Points, UniqueComponents
from naibu.probes.principal import signs_split
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, ink, new_axes, tinted
from naibu.reporting.words import shortened

COLOURS = (VERMILLION, BLUE, GREEN, ORANGE, PURPLE, GREY)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<")
TAGS_OF_WORDS = 5  # most frequent ones, that have a colour among word types; the others are grey
NAMED = 14  # word types that are named at the edge of the cloud


def plot_plane(points: Points, tags: Sequence[str], ax: Axes | None = None, *, split: bool = False) -> Axes:
    """Draw tokens in the plane of two components, a colour and mark per name; `split`: that of the split signs."""
    ax = new_axes((4.4, 3.2)) if ax is None else ax
    xy = points.split if split else points.coordinates[:, :2]
    for k, tag in enumerate(tags):
        some = xy[points.tag == k]
        ax.plot(
            some[:, 0], some[:, 1], MARKS[k % len(MARKS)], color=COLOURS[k % len(COLOURS)], markersize=3.6,
            markeredgewidth=0, alpha=0.7, label=tag,
        )  # fmt: skip
    what = "component {} of the split signs" if split else "component {}"
    ax.set(xlabel=what.format(1), ylabel=what.format(2))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.1)
    return ax


def plot_signs(points: Points, tags: Sequence[str], ax: Axes | None = None, *, components: int = 25) -> Axes:
    """Draw tokens as rows, name by name: exp of their first components on the left, of the negatives on the right.

    The darker, the larger; 1, the value of a coordinate of 0, is the lightest that is drawn.
    """
    ax = new_axes((6.2, 3.6)) if ax is None else ax
    order = np.argsort(points.tag, kind="stable")
    z = points.coordinates[order][:, :components]
    values = signs_split(z / points.scale)
    most = float(np.quantile(values, 0.98))
    width = z.shape[1]
    strength = np.clip((values - 1) / max(most - 1, 1e-12), 0, 1)
    image = tinted(strength, VERMILLION)
    image[:, width:] = tinted(strength[:, width:], BLUE)
    ax.imshow(image, aspect="auto", interpolation="none", extent=(0, 2 * width, len(z), 0))
    bounds = np.append(0, np.cumsum(np.bincount(points.tag, minlength=len(tags))))
    for edge in bounds[1:-1]:
        ax.axhline(edge, color=ink(ax), linewidth=0.4)
    ax.axvline(width, color=ink(ax), linewidth=0.8)
    ax.set_yticks((bounds[1:] + bounds[:-1]) / 2, tags)
    ax.tick_params(axis="y", length=0)
    at = [1, *range(5, width, 5)]
    ax.set_xticks([s * width + k - 0.5 for s in (0, 1) for k in at], [f"{sign}{k}" for sign in ("", "−") for k in at])
    ax.set_xlabel("component, and its negative: exp of the scaled coordinate")
    return ax


def plot_words(found: UniqueComponents, ax: Axes | None = None, *, components: tuple[int, int] = (0, 1)) -> Axes:
    """Draw word types in the plane of two components, coloured by their part of speech, the outermost named."""
    ax = new_axes((6.4, 4.4)) if ax is None else ax
    xy = found.coordinates[:, list(components)]
    count = np.bincount(found.tag, minlength=len(found.tags))
    lettered = [k for k in np.argsort(-count, kind="stable") if any(c.isalpha() for c in found.tags[k])]
    shown = lettered[:TAGS_OF_WORDS]
    for n, k in enumerate(shown):
        some = xy[found.tag == k]
        ax.plot(
            some[:, 0], some[:, 1], MARKS[n], color=COLOURS[n], markersize=3.2, markeredgewidth=0, alpha=0.75,
            label=found.tags[k],
        )  # fmt: skip
    rest = ~np.isin(found.tag, shown)
    ax.plot(xy[rest, 0], xy[rest, 1], ".", color=GREY, markersize=2.5, alpha=0.5, label="others")
    for k in _outermost(xy, NAMED):
        ax.annotate(shortened(found.words[k]), xy[k], (3, 2), textcoords="offset points", fontsize=7)
    ax.set(xlabel=f"component {components[0] + 1}", ylabel=f"component {components[1] + 1}")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.1)
    return ax


def _outermost(xy: np.ndarray, most: int) -> list[int]:
    """The points farthest out, in turn by direction, so that they do not crowd at one side."""
    centred = (xy - np.median(xy, axis=0)) / np.maximum(xy.std(axis=0), 1e-12)
    sector = np.floor((np.arctan2(centred[:, 1], centred[:, 0]) + np.pi) / (2 * np.pi) * most).astype(int)
    far = np.hypot(*centred.T)
    return [int(np.flatnonzero(sector == s)[far[sector == s].argmax()]) for s in np.unique(sector)]


def plot_pair(pair: Pair, ax: Axes | None = None, *, named: int = 5) -> Axes:
    """Draw the word types of two names along the component that parts them, a row each, their outermost named."""
    ax = new_axes((4.2, 2.3)) if ax is None else ax
    for row, here in enumerate((~pair.second, pair.second)):
        x = pair.along[here]
        words = [w for w, there in zip(pair.words, here, strict=True) if there]
        # The height within a row means nothing: a fixed sequence that spreads points evenly.
        height = row + 0.5 * ((np.arange(len(x)) * 0.618034) % 1 - 0.5)
        ax.plot(x, height, MARKS[row], color=COLOURS[row], markersize=3.5, markeredgewidth=0, alpha=0.6)
        for k in np.unique([np.abs(x - at).argmin() for at in np.linspace(x.min(), x.max(), named)]):
            up = 4 if height[k] < row else -4
            ax.annotate(
                shortened(words[k], 10), (x[k], height[k]), (0, up), textcoords="offset points", fontsize=6.5,
                ha="center", va="bottom" if up > 0 else "top",
            )  # fmt: skip
        ax.plot(np.median(x), row, "|", color=ink(ax), markersize=26, markeredgewidth=1.4)
    ax.set_yticks(range(2), pair.values)
    ax.set(ylim=(1.55, -0.55), xlabel=f"component {pair.component + 1} of the word types")
    return ax
