"""Marks on a drawing: boxes, circles, wires and text with subscripts, as SVG on white."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from naibu.storage import deliver_text

INK, QUIET, PAPER = "#1a1a1a", "#5f5f5f", "#ffffff"
CELL, HIDDEN, OTHER = "#d55e00", "#0072b2", "#5f5f5f"
WEIGHTED, POINTWISE = ("#fff1cc", "#9a6b00"), ("#e3f0fa", "#33698f")  # fill and edge
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
SIZE = 14.0


class Drawing:
    """A drawing: `str()` is its SVG, `save(path)` writes it, a notebook shows it."""

    def __init__(self, body: Sequence[str], width: float, height: float, label: str) -> None:
        self.width, self.height, self.label = round(width), round(height), label
        self._body = "\n".join(body)

    def __str__(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(self.label)}" '
            f'font-family="{FONT}" font-size="{SIZE:g}" fill="{INK}">\n<title>{escape(self.label)}</title>\n'
            f'<rect width="100%" height="100%" fill="{PAPER}"/>\n{self._body}\n</svg>\n'
        )

    def __repr__(self) -> str:
        return f"Drawing({self.label}, {self.width} x {self.height}: .save('cell.svg'))"

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: str | Path) -> None:
        """Write it as an SVG file. Raises StoredError where the file cannot be written."""
        deliver_text(Path(path), str(self))


def text(
    x: float, y: float, words: str, *, anchor: str = "middle", size: float = SIZE, colour: str = INK, bold: bool = False
) -> str:
    """Return text with its middle at height y; `W_{xi}` has a subscript, `^h` is h of the step before."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y + size * 0.35:g}" text-anchor="{anchor}" font-size="{size:g}" fill="{colour}"{weight}>'
        f"{_spans(words, size)}</text>"
    )


def _spans(words: str, size: float) -> str:
    """Return words with subscripts lowered, and what follows them raised again."""
    drop, parts, low = round(size * 0.28, 1), list[str](), False
    for plain, lowered in _pieces(words):
        if plain:
            parts.append(f'<tspan dy="-{drop:g}">{escape(plain)}</tspan>' if low else escape(plain))
            low = False
        if lowered:
            parts.append(f'<tspan dy="{drop:g}" font-size="{size * 0.72:g}">{escape(lowered)}</tspan>')
            low = True
    return "".join(parts)


def _pieces(words: str) -> list[tuple[str, str]]:
    """Return pairs of what stands on the line and the subscript behind it."""
    old = re.sub(r"\^(\w+)", r"\1_{t−1}", words)
    found = re.findall(r"([^_]*)_\{([^}]*)\}|([^_]+)$", old)
    return [(plain or rest, lowered) for plain, lowered, rest in found]


def width_of(words: str, size: float = SIZE) -> float:
    """Return about how wide text is, rather too wide than too narrow."""
    return sum(size * (0.56 * len(plain) + 0.42 * len(lowered)) for plain, lowered in _pieces(words))


def box(x: float, y: float, width: float, height: float, colours: tuple[str, str] = WEIGHTED) -> str:
    """Return a box with its middle at x, y."""
    fill, edge = colours
    place = f'x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}"'
    radius = min(height / 2, 6 if colours is not POINTWISE else 15)
    return f'<rect {place} rx="{radius:g}" fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'


def line(points: Sequence[tuple[float, float]], colour: str, *, arrow: bool = False) -> str:
    """Return a wire through its corners, which are rounded."""
    (x, y), *rest = points
    path = f"M{x:g} {y:g}"
    for k, (px, py) in enumerate(rest):
        if k == len(rest) - 1:
            path += f"L{px:g} {py:g}"
            break
        nx, ny = rest[k + 1]
        into, out = _towards((px, py), (x, y)), _towards((px, py), (nx, ny))
        path += f"L{into[0]:g} {into[1]:g}Q{px:g} {py:g} {out[0]:g} {out[1]:g}"
        x, y = px, py
    drawn = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    return drawn + (_head(points[-2], points[-1], colour) if arrow else "")


def _towards(corner: tuple[float, float], end: tuple[float, float], most: float = 5.0) -> tuple[float, float]:
    dx, dy = end[0] - corner[0], end[1] - corner[1]
    length = max((dx * dx + dy * dy) ** 0.5, 1e-9)
    share = min(most, length / 2) / length
    return round(corner[0] + dx * share, 1), round(corner[1] + dy * share, 1)


def _head(before: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    dx, dy = end[0] - before[0], end[1] - before[1]
    length = max((dx * dx + dy * dy) ** 0.5, 1e-9)
    dx, dy = 7 * dx / length, 7 * dy / length
    corners = (end, (end[0] - dx - dy / 2, end[1] - dy + dx / 2), (end[0] - dx + dy / 2, end[1] - dy - dx / 2))
    return f'<polygon points="{" ".join(f"{round(x, 1):g},{round(y, 1):g}" for x, y in corners)}" fill="{colour}"/>'


def dot(x: float, y: float, colour: str) -> str:
    """Return the dot where a wire parts."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="{colour}"/>'


def moved(marks: Sequence[str], x: float, y: float) -> str:
    """Return marks at another place."""
    return f'<g transform="translate({x:g} {y:g})">' + "\n".join(marks) + "</g>"
