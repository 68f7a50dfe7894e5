"""Drawing networks: a layer folded and unrolled, and the inside of its cell as its equations say."""

from __future__ import annotations

from torch import nn

from naibu.cells.base import Cell
from naibu.cells.elman import ElmanCell, ElmanReLUCell
from naibu.cells.gru import GRUCell
from naibu.cells.layers import Recurrent
from naibu.cells.lstm import LSTMCell
from naibu.cells.names import recurrent_parts
from naibu.cells.variants import LAYERS
from naibu.drawing import canvas
from naibu.drawing.canvas import Drawing
from naibu.drawing.inside import Marks, draw_equations, draw_inside
from naibu.drawing.tracing import Inside, trace
from naibu.drawing.unrolled import draw_unrolled
from naibu.errors import OptionError

__all__ = ["Drawing", "draw"]

MARGIN, MOST = 26.0, 12
_TORCH: dict[type[nn.Module], type[Cell]] = {
    nn.LSTM: LSTMCell,
    nn.LSTMCell: LSTMCell,
    nn.GRU: GRUCell,
    nn.GRUCell: GRUCell,
    nn.RNN: ElmanCell,
    nn.RNNCell: ElmanCell,
}


def draw(what: nn.Module | type[Cell] | str, steps: int = 3) -> Drawing:
    """Return a drawing of a layer folded and unrolled over some steps, and of the inside of its cell; an SVG.

        naibu.draw(model.encoder).save("encoder.svg")

    `what` is a layer or a cell, of ours or torch's, a class of cells, the name of one (`lstm-peephole`), or a module
    with recurrent layers of one kind. `steps` 0 leaves out the unrolled layers. Boxes hold weights; round marks work on
    each unit alone. The inside is found by running a step of the cell, so a cell of one's own is drawn as well.
    Raises OptionError for what is no cell, for `steps` below 0 or above 12.
    """
    if not 0 <= steps <= MOST:
        raise OptionError(f"steps {steps}: must be from 0 to {MOST}")
    kind, title, rows, both_ways = _described(what)
    inside = trace(kind, bias=_has_bias(what))
    parts: list[tuple[str, Marks]] = []
    if steps:
        state = ", ".join(inside.letters[name] for name in _handed_on(inside))
        parts.append(
            (f"{title}, folded and unrolled over {steps} steps", draw_unrolled(title, rows, state, steps, both_ways))
        )
    parts.append((f"Inside one {title}", draw_inside(inside)))
    parts.append(("Its equations", draw_equations(inside)))
    marks, y = list[str](), MARGIN
    for heading, part in parts:
        marks.append(canvas.text(MARGIN, y, heading, anchor="start", size=15, bold=True))
        marks.append(canvas.moved(part.marks, MARGIN, y + 24))
        y += part.height + 24 + MARGIN + 8
    headings = (canvas.width_of(heading, 15) for heading, _ in parts)
    width = 2 * MARGIN + max(*headings, *(part.width for _, part in parts))
    return Drawing(marks, width, y, f"{title}: " + ", ".join(each for each, _, _ in inside.equations()))


def _handed_on(inside: Inside) -> list[str]:
    """Return the parts of the state that a step reads."""
    read = set[str]().union(*(inside.reads(node) for node in inside.nodes))
    return [name for name in inside.state if name in read]


def _described(what: nn.Module | type[Cell] | str) -> tuple[type[Cell], str, list[str], bool]:
    """Return the class of cells, what it is called, the layers' names from below, and whether they read both ways."""
    if isinstance(what, str):
        if what not in LAYERS:
            raise OptionError(f"{what}: no cell; there are {', '.join(LAYERS)}")
        return LAYERS[what].cell_type, LAYERS[what].__name__, ["one layer"], False
    if isinstance(what, type) and issubclass(what, Cell):
        return what, what.__name__.removesuffix("Cell"), ["one layer"], False
    if isinstance(what, Cell):
        return _described(type(what))
    if isinstance(what, nn.Module):
        layers = list(recurrent_parts(what))
        kinds = {_cell_of(layer) for _, layer in layers}
        if len(kinds) > 1:
            named = ", ".join(name for name, _ in layers)
            raise OptionError(f"{type(what).__name__}: has layers of several kinds; draw one of them: {named}")
        if layers:
            rows = [f"{name}.{k}" for name, layer in layers for k in range(getattr(layer, "num_layers", 1))]
            both_ways = any(getattr(layer, "bidirectional", False) for _, layer in layers)
            title = type(layers[0][1]).__name__.removesuffix("Cell")
            return kinds.pop(), title, rows, both_ways
    raise OptionError(f"{type(what).__name__}: no cell and no module with recurrent layers")


def _has_bias(what: object) -> bool:
    layers = [layer for _, layer in recurrent_parts(what)] if isinstance(what, nn.Module) else []
    return all(getattr(layer, "bias", True) is not False for layer in [what, *layers])


def _cell_of(layer: nn.Module) -> type[Cell]:
    if isinstance(layer, Recurrent):
        return layer.cell_type
    found = next(cell for kind, cell in _TORCH.items() if isinstance(layer, kind))
    return ElmanReLUCell if "relu" in str(getattr(layer, "nonlinearity", "")) else found
