"""The embedded Reber grammar drawn from its own table: nodes as circles, a letter on every arc."""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch

from naibu.data.generated.reber import BRANCH, END, NODES, REBER
from naibu.reporting.plots.canvas import BLUE, VERMILLION, ink, new_axes

Place = tuple[float, float]

INSIDE: tuple[Place, ...] = ((0.0, 0.0), (1.0, 0.62), (1.0, -0.62), (2.2, 0.62), (2.2, -0.62), (3.2, 0.0))
"""Where the nodes of the inner diagram stand, its end the last."""
RADIUS = 0.13
_LEFT, _UP, _STEP = 2.6, 1.4, 0.85


class Arc(NamedTuple):
    """An arc from node to node that writes a letter; `outer` marks the two that have to agree."""

    begin: int
    end: int
    letter: str
    outer: bool


def arcs() -> list[Arc]:
    """Return the arcs of the grammar."""
    found = []
    for node, leaving in enumerate(NODES):
        for letter, end in leaving.items():
            within = (node - 2) % BRANCH
            found.append(Arc(node, end, letter, node == 1 or (node > 1 and within == len(REBER) + 2)))
    return found


def places() -> dict[int, Place]:
    """Return where each node stands: the branch of T above, that of P below."""
    found = {0: (0.0, 0.0), 1: (_STEP, 0.0), END: (_LEFT + INSIDE[-1][0] + 3 * _STEP, 0.0)}
    for branch, side in ((0, 1), (1, -1)):
        first, y = 2 + branch * BRANCH, side * _UP
        line = [(_LEFT - _STEP, y), *((_LEFT + x, y + dy) for x, dy in INSIDE)]
        line += [(_LEFT + INSIDE[-1][0] + k * _STEP, y) for k in (1, 2)]
        found |= {first + k: place for k, place in enumerate(line)}
    return found


def plot_grammar(ax: Axes | None = None) -> Axes:
    """Draw the embedded grammar. The outer T or P, which has to be held until it returns, is vermillion."""
    ax = new_axes((7.4, 4.2)) if ax is None else ax
    where = places()
    for arc in arcs():
        _draw(ax, where, arc)
    for x, y in where.values():
        ax.add_patch(Circle((x, y), RADIUS, facecolor="none", edgecolor=ink(ax), linewidth=1.0, zorder=3))
    ax.annotate("begin", (where[0][0], -0.4), ha="center")
    ax.annotate("end", (where[END][0], -0.4), ha="center")
    ax.set(xlim=(-0.4, where[END][0] + 0.4), ylim=(-2.8, 2.8))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _draw(ax: Axes, where: dict[int, Place], arc: Arc) -> None:
    colour = VERMILLION if arc.outer else BLUE
    ends, style, name = _loop(where[arc.begin]) if arc.begin == arc.end else _straight(where[arc.begin], where[arc.end])
    arrow = FancyArrowPatch(
        *ends, connectionstyle=style, arrowstyle="-|>", mutation_scale=9, color=colour, shrinkA=0, shrinkB=0
    )
    ax.add_patch(arrow)
    ax.annotate(arc.letter, name, ha="center", va="center", fontweight="bold", color=colour)


def _loop(place: Place) -> tuple[tuple[Place, Place], str, Place]:
    """Return ends, bend and place of the letter for an arc back to its own node, away from the diagram's middle."""
    (x, y), up = place, 1 if place[1] > _UP or -_UP < place[1] < 0 else -1
    ends = (x - up * 0.09, y + up * 0.1), (x + up * 0.09, y + up * 0.1)
    return ends, "arc3,rad=-2.6", (x, y + up * 0.52)


def _straight(begin: Place, end: Place) -> tuple[tuple[Place, Place], str, Place]:
    """Return ends, bend and place of the letter for an arc between two nodes; the letter stands to its left."""
    (x0, y0), (x1, y1) = begin, end
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    ends = (x0 + dx * RADIUS, y0 + dy * RADIUS), (x1 - dx * RADIUS, y1 - dy * RADIUS)
    return ends, "arc3,rad=0", ((x0 + x1) / 2 - dy * 0.18, (y0 + y1) / 2 + dx * 0.18)
