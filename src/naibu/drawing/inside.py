"""The inside of a cell: what is weighted, what is multiplied, where the state goes; and its equations."""

from __future__ import annotations

from typing import NamedTuple

from naibu.drawing import canvas
from naibu.drawing.canvas import CELL, HIDDEN, INK, OTHER, POINTWISE, QUIET, WEIGHTED
from naibu.drawing.layout import Item, lay_out
from naibu.drawing.tracing import Inside, Node

SMALL = 12.0


class Marks(NamedTuple):
    """Some marks, and how much room they take."""

    marks: list[str]
    width: float
    height: float


def draw_inside(inside: Inside) -> Marks:
    """Return one step of a cell as a diagram from left to right."""
    before = [name for name in inside.sources if name != "input" and name != "hidden"]
    names = [*before, *(name for name in ("hidden", "input") if name in inside.sources)]
    used = set[str]().union(*(inside.reads(node) for node in inside.nodes))
    items = {inside.sources[name]: _sized(44, 24, 44) for name in names if name in used}
    joined = _joined(inside)
    joint = Item(0.0, 6.0, [items[source] for source in joined]) if joined else None
    for node in inside.nodes:
        items[node] = _item(node, inside)
        drivers = [items[each] for each in node.inputs if not (joint and _is_joined(node, joined) and each in joined)]
        items[node].drivers = [*([joint] if joint and _is_joined(node, joined) else []), *drivers]
    outputs = {name: _sized(36, 24, 36) for name in inside.state}
    for name, node in inside.state.items():
        outputs[name].drivers = [items[node]]
    every = [*items.values(), *outputs.values()]
    every = every if joint is None else [*every[: len(names)], joint, *every[len(names) :]]
    wires, width, height = lay_out(every, [*outputs.values()])
    of = {item: node for node, item in items.items()}
    marks, signs = list[str](), list[str]()
    for wire in wires:
        root = wire.driver
        while root not in of and root is not joint:
            root = root.drivers[0]
        colour = _colour(inside, of.get(root))
        marks.append(canvas.line(wire.points, colour, arrow=wire.target.core > 0))
        if wire.joint is not None:
            marks.append(canvas.dot(*wire.joint, colour))
        if (target := of.get(wire.target)) is not None and any(
            term.minus and items[term.node] is root for term in target.terms
        ):
            x, y = wire.points[-1]
            signs.append(canvas.text(x + 7, y, "−", size=SMALL))
    if joint is not None:
        marks.append(canvas.dot(joint.x, joint.y, OTHER))
    for name, source in inside.sources.items():
        if source in items:
            item, letter = items[source], inside.letters[name]
            words = f"{letter}_{{t}}" if name == "input" else f"^{letter}"
            marks.append(canvas.text(item.x, item.y, words, colour=_colour(inside, source), bold=True))
    for name, item in outputs.items():
        colour = _colour(inside, inside.state[name])
        marks.append(canvas.text(item.x, item.y, f"{inside.letters[name]}_{{t}}", colour=colour, bold=True))
    for node in inside.nodes:
        marks += _drawn(node, items[node], inside)
    return Marks([*marks, *signs], width, height)


def draw_equations(inside: Inside) -> Marks:
    """Return the equations of a cell, a line each, with the names of its signals."""
    lines, pitch = list(inside.equations()), 23.0
    wide = max(canvas.width_of(right) for _, right, _ in lines)
    marks = []
    for number, (letter, right, name) in enumerate(lines):
        y = pitch * (number + 0.5)
        marks.append(canvas.text(14, y, letter, bold=True))
        marks.append(canvas.text(26, y, "=  " + right.replace(" x", " x_{t}").replace("(x", "(x_{t}"), anchor="start"))
        marks.append(canvas.text(wide + 62, y, name, anchor="start", colour=QUIET))
    return Marks(marks, wide + 62 + max(canvas.width_of(name) for _, _, name in lines), pitch * len(lines))


def _joined(inside: Inside) -> tuple[Node, ...]:
    """Return input and hidden state where several gates read both, so that they are led there together."""
    both = tuple(inside.sources[name] for name in ("hidden", "input") if name in inside.sources)
    return both if sum(_is_joined(node, both) for node in inside.nodes) > 1 else ()


def _is_joined(node: Node, both: tuple[Node, ...]) -> bool:
    return len(both) > 1 and set(both) <= {term.node for term in node.terms if term.weight}


def _sized(width: float, height: float, core: float) -> Item:
    return Item(width, height, [], core=core)


def _label(node: Node, inside: Inside) -> str:
    return f"{node.signal.replace('_', ' ')} {inside.letters[node.signal]}" if node.signal else ""


def _item(node: Node, inside: Inside) -> Item:
    label = _label(node, inside)
    if node.kind == "weighted":
        width = 112.0 if label else 56.0
        width = max(width, canvas.width_of(label, SMALL) + 16)
        return _sized(width, 44 if label else 30, width)
    core = max(30.0, canvas.width_of(node.symbol) + 14) + 16 * any(term.minus for term in node.terms)
    return _sized(max(core, canvas.width_of(label, SMALL)), 64 if label else 30, core)


def _drawn(node: Node, item: Item, inside: Inside) -> list[str]:
    label = _label(node, inside)
    if node.kind == "weighted":
        shape = canvas.box(item.x, item.y, item.core, item.height, WEIGHTED)
        if not label:
            return [shape, canvas.text(item.x, item.y, node.symbol)]
        words = canvas.text(item.x, item.y + 10, label, size=SMALL)
        return [shape, canvas.text(item.x, item.y - 9, node.symbol, bold=True), words]
    shape = canvas.box(item.x, item.y, item.core, 30, POINTWISE)
    marks = [shape, canvas.text(item.x, item.y, node.symbol)]
    return marks + [canvas.text(item.x, item.y - 24, label, size=SMALL)] * bool(label)


def _colour(inside: Inside, node: Node | None) -> str:
    """Return the colour of a wire: that of the cell and of the hidden state as on all plots."""
    named = {"cell": CELL, "hidden": HIDDEN, "input": INK}
    for name, colour in named.items():
        if node is not None and node in (inside.sources.get(name), inside.signals.get(name)):
            return colour
    return OTHER
