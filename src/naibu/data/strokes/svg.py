"""Drawings from SVG: paths, lines and polylines are strokes; curves become points at equal distances."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np

from naibu.data.examples import Array
from naibu.data.files import SourceFile
from naibu.data.strokes.drawings import Drawing, of_strokes
from naibu.data.strokes.xml import root_of, tag_of
from naibu.errors import CorpusError

POINTS = 36
"""Points of a curve as long as the longer side of the picture."""
FINE = 64
"""Straight pieces by which the length of one curve is measured."""
MOST = 10_000
"""Points of one curve at most."""
_TOKEN = re.compile(r"([MmZzLlHhVvCcSsQqTtAa])|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
Curve = Callable[[Array], Array]
"""Places `[point 2]` of a curve at shares of it, `[point]` from 0 to 1."""


def svg_drawing(file: SourceFile) -> Drawing:
    """Return the drawing of an SVG file. Points of a curve lie a 36th of the picture's longer side apart.

    Raises CorpusError for a file without strokes, paths that cannot be read, and strokes with a `transform`.
    """
    root = root_of(file)
    pieces = list(_strokes(root, file.name))
    if not pieces:
        raise CorpusError("no path, line or polyline is in it", file.name)
    spacing = _side(root, pieces) / POINTS
    return of_strokes([_points(each, spacing) for each in pieces], {}, file.name)


def _strokes(element: ElementTree.Element, name: str, turned: bool = False) -> Iterator[list[Curve]]:
    """Yield the curves of each stroke, in the order of the file."""
    turned = turned or element.get("transform") is not None
    tag = tag_of(element)
    if tag in ("defs", "clipPath", "mask", "symbol", "marker", "pattern", "text"):
        return
    if tag in ("path", "line", "polyline", "polygon"):
        if turned:
            raise CorpusError(f"a {tag} with a transform, which is not read; apply it to the places first", name)
        yield from _of_element(element, tag, name)
    for child in element:
        yield from _strokes(child, name, turned)


def _of_element(element: ElementTree.Element, tag: str, name: str) -> Iterator[list[Curve]]:
    if tag == "path":
        yield from _path(element.get("d", ""), name)
        return
    if tag == "line":
        text = " ".join(element.get(each, "0") for each in ("x1", "y1", "x2", "y2"))
    else:
        text = element.get("points", "")
    found = [float(number) for _, number in _tokens(text, name) if number]
    places = np.array(found[: len(found) // 2 * 2]).reshape(-1, 2)
    if tag == "polygon" and len(places):
        places = np.concatenate([places, places[:1]])
    if len(places) > 1:
        yield [_line(one, other) for one, other in pairwise(places)]


def _tokens(text: str, name: str) -> list[tuple[str, str]]:
    left = _TOKEN.sub("", text).replace(",", "").strip()
    if left:
        raise CorpusError(f"{left[:20]!r} in the path {text[:40]!r} cannot be read", name)
    return _TOKEN.findall(text)


def _path(text: str, name: str) -> Iterator[list[Curve]]:
    """Yield the curves of each part of a path; a part begins where the pen is moved."""
    curves: list[Curve] = []
    at = begun = control = np.zeros(2)
    before = ""
    for letter, numbers in _commands(text, name):
        kind, base = letter.upper(), at if letter.islower() else np.zeros(2)
        if kind == "M":
            if curves:
                yield curves
            curves, at = [], base + numbers
            begun = control = at
        elif kind == "Z":
            if not np.array_equal(at, begun):
                curves.append(_line(at, begun))
            at = control = begun
        elif kind == "A":
            if not set(numbers[3:5]) <= {0, 1}:
                raise CorpusError(f"an arc whose flags are not 0 or 1 in the path {text[:40]!r}", name)
            end = base + numbers[5:]
            curves.append(_arc(at, numbers, end))
            at = control = end
        else:
            if kind in "HV":
                end = at.copy()
                end["HV".index(kind)] = base["HV".index(kind)] + numbers[0]
                places = [end]
            else:
                places = [base + each for each in np.reshape(numbers, (-1, 2))]
            if kind in "ST":  # the control point is that of the curve before, mirrored, where it is of the same kind
                same = before in ("CS" if kind == "S" else "QT")
                places = [2 * at - control if same else at, *places]
            curves.append(_bezier([at, *places]))
            control = places[-2] if len(places) > 1 else places[-1]
            at = places[-1]
        before = kind
    if curves:
        yield curves


def _commands(text: str, name: str) -> Iterator[tuple[str, Array]]:
    """Yield each command of a path with its numbers; more numbers than it takes are the same command again."""
    found, letter = _tokens(text, name), ""
    numbers: list[float] = []
    for k, (one, number) in enumerate([*found, ("Z", "")]):
        if one:
            wanted = _NUMBERS.get(letter.upper(), 0)
            if letter and ((wanted and (not numbers or len(numbers) % wanted)) or (not wanted and numbers)):
                raise CorpusError(f"{letter} with {len(numbers)} numbers in the path {text[:40]!r}", name)
            if not letter and numbers:
                raise CorpusError(f"numbers before any command in the path {text[:40]!r}", name)
            for place in range(0, len(numbers), wanted or 1):
                yield letter, np.array(numbers[place : place + wanted])
                letter = {"M": "L", "m": "l"}.get(letter, letter)
            if letter in ("Z", "z") and not numbers:
                yield letter, np.zeros(0)
            if k < len(found):
                letter, numbers = one, []
        else:
            numbers.append(float(number))


def _line(start: Array, end: Array) -> Curve:
    return _bezier([start, end])


def _bezier(places: Sequence[Array]) -> Curve:
    """Return the Bezier curve of two to four places."""
    degree = len(places) - 1
    weights = [math.comb(degree, k) for k in range(degree + 1)]

    def at(share: Array) -> Array:
        t = share[:, None]
        each = enumerate(zip(weights, places, strict=True))
        return sum((w * t**k * (1 - t) ** (degree - k) * place for k, (w, place) in each), np.zeros(2))

    return at


def _arc(start: Array, numbers: Array, end: Array) -> Curve:
    """Return an elliptical arc, by its ends (SVG 1.1, appendix F.6)."""
    rx, ry = np.abs(numbers[:2])
    if rx == 0 or ry == 0 or np.array_equal(start, end):
        return _line(start, end)
    turn = math.radians(numbers[2])
    rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    x, y = rotation @ (start - end) / 2
    larger = math.sqrt(max(1.0, (x / rx) ** 2 + (y / ry) ** 2))
    rx, ry = rx * larger, ry * larger
    below = (rx * y) ** 2 + (ry * x) ** 2
    root = math.sqrt(max(0.0, (rx * ry) ** 2 / below - 1)) * (-1 if bool(numbers[3]) == bool(numbers[4]) else 1)
    centre = root * np.array([rx * y / ry, -ry * x / rx])
    first = math.atan2((y - centre[1]) / ry, (x - centre[0]) / rx)
    last = math.atan2((-y - centre[1]) / ry, (-x - centre[0]) / rx)
    sweep = (last - first) % (2 * math.pi) if numbers[4] else -((first - last) % (2 * math.pi))
    middle = (start + end) / 2

    def at(share: Array) -> Array:
        angle = first + sweep * share
        place: Array = np.stack([rx * np.cos(angle), ry * np.sin(angle)], 1) + centre
        found: Array = place @ rotation + middle
        return found

    return at


def _points(curves: Sequence[Curve], spacing: float) -> Array:
    """Return points along the curves of a stroke, its ends and the ends of its curves among them, `[point 2]`."""
    fine = np.linspace(0, 1, FINE + 1)
    found = [curves[0](fine[:1])]
    for curve in curves:
        length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve(fine), axis=0).T))])
        count = int(min(MOST, max(1, round(length[-1] / spacing)))) if spacing > 0 else 1
        if length[-1] > 0:
            found.append(curve(np.interp(np.linspace(0, length[-1], count + 1)[1:], length, fine)))
    return np.concatenate(found)


def _side(root: ElementTree.Element, strokes: Sequence[Sequence[Curve]]) -> float:
    """Return the longer side of the picture: of its viewBox, or without one of what is drawn."""
    box = re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", root.get("viewBox", ""))
    if len(box) == 4 and max(float(box[2]), float(box[3])) > 0:
        return max(float(box[2]), float(box[3]))
    places = np.concatenate([curve(np.linspace(0, 1, 9)) for curves in strokes for curve in curves])
    return float(np.ptp(places, axis=0).max())
