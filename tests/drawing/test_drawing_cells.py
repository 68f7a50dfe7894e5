"""Drawings of cells say what the cells compute: the same signals, the same dependences, the same equations."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import naibu
from naibu.cells.base import Cell
from naibu.cells.lstm import LSTMCell
from naibu.cells.slstm import SLSTMCell, block_diagonal
from naibu.cells.variants import LAYERS
from naibu.cells.wrappers import zoneout
from naibu.cli import main
from naibu.drawing import canvas, draw
from naibu.drawing import inside as drawn_inside
from naibu.drawing.layout import Item, Wire, lay_out
from naibu.drawing.tracing import Inside, trace
from naibu.errors import OptionError
from naibu.models.language_model import LanguageModel

EVERY = {name: layer.cell_type for name, layer in LAYERS.items() if layer.cell_type.unitwise}
EVERY |= {"two heads": block_diagonal(SLSTMCell, 2), "zoneout": zoneout(LSTMCell, 0.2, 0.3)}
PEEPHOLES = {"input gate": "peephole_input", "forget gate": "peephole_forget", "output gate": "peephole_output"}


def one_step(kind: type[Cell]) -> tuple[Cell, dict[str, Tensor], dict[str, Tensor]]:
    """A cell, what it reads, and the value of every signal in one step of it."""
    torch.manual_seed(3)
    cell = kind(3, 12).double().eval()
    x = torch.randn(1, 3, dtype=torch.float64)
    state = cell.initial_state(1, x)
    state = type(state)(*(torch.rand(part.shape).double() + 0.2 for part in state))
    read = {"input": x, **state._asdict()}
    for tensor in read.values():
        tensor.requires_grad_()
    signals: dict[str, Tensor] = {}

    def tap(signal: str, value: Tensor) -> Tensor:
        signals[signal] = value
        return value

    with torch.enable_grad():
        cell.step(cell.project(x), state, tap)
    return cell, read, signals


@pytest.mark.parametrize("name", EVERY)
def test_the_signals_drawn_are_the_cells_and_depend_on_what_they_truly_do(name: str) -> None:
    kind = EVERY[name]
    inside, (_, read, signals) = trace(kind), one_step(kind)
    assert [*inside.signals] == [*signals]
    assert {*inside.signals} == {*kind.signals}
    assert {*inside.state} == {*kind.state_type._fields} - ({"hidden"} if "hidden" not in inside.state else set())
    assert "hidden" in inside.state
    for signal, value in signals.items():
        found = torch.autograd.grad(value.sum(), [*read.values()], retain_graph=True, allow_unused=True)
        truly = {what for what, by in zip(read, found, strict=True) if by is not None and by.abs().max() > 0}
        assert inside.reads(inside.signals[signal]) == truly, signal


def value_of(
    text: str, name: str, cell: Cell, inside: Inside, read: dict[str, Tensor], known: dict[str, Tensor]
) -> Any:
    """What an equation comes to, computed from its text."""
    gate_of = {inside.letters[gate]: gate for gate in cell.gates}

    def weighted(source: str, row: str, x: Tensor) -> Tensor:
        return x @ (cell.weight_ih if source == "x" else cell.weight_hh)[cell.rows(gate_of[row])].T

    def bias(row: str) -> Tensor:
        halves = {"x": (cell.bias_ih,), "h": (cell.bias_hh,)}.get(
            row[0] if len(row) == 2 else "", (cell.bias_ih, cell.bias_hh)
        )
        return sum(half[cell.rows(gate_of[row[-1]])] for half in halves if half is not None)  # type: ignore[return-value]

    text = re.sub(r"W_\{(\w)(\w+)\} (\([^()]*\)|\^?\w)", r"weighted('\1', '\2', \3)", text)
    text = re.sub(r"b_\{(\w+)\}", r"bias('\1')", text)
    text = re.sub(r"\^(\w)", r"old_\1", text).replace("−", "-").replace("⊙", "*")
    text = (
        re.sub(r"(\d) σ", r"\1 * σ", text)
        .replace("log σ", "logsigmoid")
        .replace("σ", "sigmoid")
        .replace("max", "maximum")
    )
    names = {f"old_{inside.letters[part]}": read[part] for part in read if part != "input"}
    names |= {"x": read["input"], **known, "weighted": weighted, "bias": bias, "ReLU": torch.relu}
    names |= {"logsigmoid": nn.functional.logsigmoid, "p": getattr(cell, PEEPHOLES.get(name, ""), None)}
    names |= {each: getattr(torch, each) for each in ("sigmoid", "tanh", "exp", "maximum")}
    return eval(text, {"__builtins__": {}}, names)


@pytest.mark.parametrize("name", [name for name in EVERY if name in LAYERS and name != "lstm-layer-norm"])
def test_the_equations_drawn_come_to_what_the_cell_computes(name: str) -> None:
    kind = EVERY[name]
    inside, (cell, read, signals) = trace(kind), one_step(kind)
    known: dict[str, Tensor] = {}
    for letter, text, what in inside.equations():
        found = value_of(text, what, cell, inside, read, known)
        wanted = signals[what.replace(" ", "_")]
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12, msg=f"{letter} = {text}")
        known[letter] = wanted


def test_normalised_sums_are_said_to_be() -> None:
    said = {letter: text for letter, text, _ in trace(EVERY["lstm-layer-norm"]).equations()}
    assert said["i"] == "σ(LN(W_{xi} x) + LN(W_{hi} ^h) + b_{i})"
    assert said["h"] == "o ⊙ tanh(LN(c))"


def rectangle(item: Item, slack: float = 0.5) -> tuple[float, float, float, float]:
    width, height = item.width / 2 - slack, item.height / 2 - slack
    return item.x - width, item.y - height, item.x + width, item.y + height


def meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("name", EVERY)
def test_nothing_lies_on_anything_else(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    items: list[Item] = []
    wires: list[Wire] = []

    def kept(every: Any, last: Any) -> Any:
        found = lay_out(every, last)
        items.extend(every)
        wires.extend(found[0])
        return found

    monkeypatch.setattr(drawn_inside, "lay_out", kept)
    drawn_inside.draw_inside(trace(EVERY[name]))
    solid = [item for item in items if item.core]
    for one, other in itertools.combinations(solid, 2):
        assert not meet(rectangle(one), rectangle(other))
    runs: dict[tuple[bool, float], list[tuple[float, float, Item]]] = {}
    for wire in wires:
        for (ax, ay), (bx, by) in itertools.pairwise(wire.points):
            assert ax == bx or ay == by
            line = (min(ax, bx), min(ay, by), max(ax, bx) + 0.1, max(ay, by) + 0.1)
            for item in solid:
                assert item in (wire.target, wire.driver) or not meet(line, rectangle(item))
            flat = ay == by
            root = wire.driver
            while root.passes:
                root = root.drivers[0]
            low, high = sorted((ax, bx) if flat else (ay, by))
            merge = wire.target.core == 0 and not wire.target.passes  # where input and hidden state come together
            if high - low > 0.5 and not merge:
                runs.setdefault((flat, round(ay if flat else ax, 1)), []).append((low, high, root))
    for same in runs.values():
        for (low, high, root), (start, end, other) in itertools.combinations(same, 2):
            assert root is other or min(high, end) - max(low, start) < 0.5


def texts(drawing: Any) -> list[str]:
    tree = ElementTree.fromstring(str(drawing))
    return ["".join(each.itertext()) for each in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_layers_are_folded_and_unrolled() -> None:
    words = texts(draw(nn.LSTM(3, 4, num_layers=2), steps=4))
    assert words.count("LSTM") == 2 * (1 + 4)
    assert words.count("h, c") == 2 * (1 + 3)
    assert {
        "x1",
        "x4",
        "h4",
        "lstm.0",
        "lstm.1",
        "forget gate f",
        "output gate o",
        "LSTM, folded and unrolled over 4 steps",
    } <= {*words}
    both = texts(draw(naibu.GRU(3, 4, bidirectional=True), steps=2))
    assert both.count("GRU →") == both.count("GRU ←") == 3
    assert both.count("h") >= 2 * (1 + 1)
    assert texts(draw("one-to-one")).count("h") == 1  # the letter of its equation: nothing is handed on
    assert not any("unrolled" in word for word in texts(draw(LSTMCell, steps=0)))


def test_networks_cells_and_options_are_drawn_as_they_are() -> None:
    model = LanguageModel(5, naibu.ModelConfig(units=4, cell="gru", layers=2))
    assert {"gru.0", "gru.1"} <= {*texts(draw(model))}
    assert any("ReLU" in word for word in texts(draw(nn.RNN(3, 4, nonlinearity="relu"))))
    assert any("+ bi" in word for word in texts(draw(nn.LSTMCell(3, 4))))
    assert not any("+ b" in word for word in texts(draw(nn.LSTMCell(3, 4, bias=False))))
    assert [letter for letter, _, _ in trace(LSTMCell).equations()] == list("ifgouch"[:6] + "h")


def test_a_drawing_is_saved_as_it_is_shown(tmp_path: Path) -> None:
    drawing = draw("lstm")
    drawing.save(tmp_path / "lstm.svg")
    assert (tmp_path / "lstm.svg").read_text(encoding="utf-8") == drawing._repr_svg_() == str(draw("lstm"))
    assert (Path(__file__).parents[2] / "docs" / "lstm.svg").read_text(encoding="utf-8") == str(drawing)
    assert len(repr(drawing)) < 200
    tree = ElementTree.fromstring(str(drawing))
    xs = [float(each.get("x", 0)) for each in tree.iter() if each.tag.endswith("text")]
    assert max(xs) < drawing.width


@pytest.mark.parametrize(
    ("what", "steps", "said"),
    [
        ("lstn", 3, "lstn: no cell; there are lstm, gru, rnn"),
        ("lstm", 13, "steps 13: must be from 0 to 12"),
        (nn.Linear(2, 2), 3, "Linear: no cell and no module with recurrent layers"),
        (nn.ModuleList([nn.LSTM(2, 2), nn.GRU(2, 2)]), 3, "has layers of several kinds; draw one of them: 0, 1"),
    ],
)
def test_what_cannot_be_drawn_is_said(what: Any, steps: int, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        draw(what, steps)


def test_the_command_draws_cells_and_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from random_trees import sentences

    out = tmp_path / "gru.svg"
    assert main(["draw", "gru", "--out", str(out), "--steps", "2"]) == 0
    assert out.read_text(encoding="utf-8") == str(draw("gru", 2))
    (tmp_path / "some.mrg").write_text(sentences(60))
    training = naibu.TrainingConfig(steps=1, threads=1)
    run = naibu.train(
        naibu.open_trees(tmp_path / "some.mrg"),
        out=tmp_path / "run",
        model=naibu.ModelConfig(units=4),
        training=training,
    )
    assert main(["draw", str(run.path), "--out", str(out)]) == 0
    assert "lstm.0" in texts(out.read_text(encoding="utf-8"))
    assert main(["draw", "lstm", "--out", str(tmp_path / "lstm.png")]) == 2
    assert main(["draw", "nothing"]) == 2
    assert "nothing: no cell; there are lstm" in capsys.readouterr().err


def test_subscripts_are_lowered_and_raised_again() -> None:
    marked = canvas.text(0, 0, "W_{xi} ^h + b")
    assert "".join(ElementTree.fromstring(marked).itertext()) == "Wxi ht−1 + b"
    drops = [float(drop) for drop in re.findall(r'dy="(-?[\d.]+)"', marked)]
    np.testing.assert_allclose(np.cumsum(drops), [3.9, 0, 3.9, 0], atol=0.01)
