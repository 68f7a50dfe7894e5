"""The map of words: a point for each, and labels that do not lie over each other."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from naibu.reporting.plots.canvas import VERMILLION, ink, new_axes
from naibu.vectors.mapping import Map

AROUND = (
    ((3, 0), "left", "center"),
    ((-3, 0), "right", "center"),
    ((0, 3), "center", "bottom"),
    ((0, -3), "center", "top"),
    ((3, 3), "left", "bottom"),
    ((-3, 3), "right", "bottom"),
    ((3, -3), "left", "top"),
    ((-3, -3), "right", "top"),
)
"""Where a label may stand beside its point: points of the page away, and how it is aligned."""


def plot_map(found: Map, ax: Axes | None = None) -> Axes:
    """Draw words at their places; a label that would lie over another, or beyond the edge, is left away, its point
    stays. Words that come first in the map have theirs first."""
    ax = new_axes((7.5, 7.5)) if ax is None else ax
    ax.scatter(found.places[:, 0], found.places[:, 1], s=5, color=VERMILLION, linewidths=0, alpha=0.7)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.get_figure(root=True).draw_without_rendering()  # type: ignore[union-attr]  # the axes then have their size
    inside, taken = ax.get_window_extent(), list[Bbox]()
    for word, place in zip(found.words, found.places, strict=True):
        shown = word.replace("$", r"\$")
        for offset, across, along in AROUND:
            label = ax.annotate(
                shown, place, offset, textcoords="offset points", ha=across, va=along, fontsize=6, color=ink(ax)
            )
            label.set_in_layout(False)
            box = label.get_window_extent().padded(1)
            free = not any(box.overlaps(other) for other in taken)
            if free and inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1:
                taken.append(box)
                break
            label.remove()
    return ax
