"""Watching units in somebody's own training: the training stays the same to the bit, and what is seen is true."""

from __future__ import annotations

import csv
import itertools
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import naibu
from naibu.cells.variants import LAYERS, layer_of
from naibu.cells.wrappers import variational_dropout, weight_drop, zoneout
from naibu.interventions import edited
from naibu.models.language_model import LanguageModel


class Model(nn.Module):
    def __init__(self, make: Any, **options: Any) -> None:
        super().__init__()
        self.rnn = make(3, 5, num_layers=2, dropout=0.5, **options)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(5 * (2 if options.get("bidirectional") else 1), 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.drop(self.rnn(x)[0]))


class Loop(nn.Module):
    """A cell called step by step in a loop of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x:
            state = self.cell(step, state)
        assert state is not None
        return state[0]


MAKERS = {
    "torch LSTM": (nn.LSTM, {}),
    "torch GRU both ways": (nn.GRU, {"bidirectional": True, "batch_first": True}),
    "torch RNN": (nn.RNN, {}),
    "LSTM": (naibu.LSTM, {"batch_first": True}),
    "GRU both ways": (naibu.GRU, {"bidirectional": True}),
    "peephole": (LAYERS["lstm-peephole"], {}),
    "zoneout": (layer_of(zoneout(naibu.LSTM.cell_type, 0.2, 0.3), "lstm"), {}),
    "masks": (layer_of(weight_drop(variational_dropout(naibu.GRU.cell_type, 0.2, 0.2), 0.3), "gru"), {}),
}


def trained(model: nn.Module, units: dict[tuple[str, str], list[int]] | None, steps: int = 4) -> Any:
    """The parameters and the next random number after some steps of training, watched or not, and what was seen."""
    draw = torch.Generator().manual_seed(3)
    torch.manual_seed(7)
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    with nullcontext() if units is None else naibu.watch(model, units) as seen:
        for _ in range(steps):
            loss = model(torch.randn(6, 4, 3, generator=draw)).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return [*model.parameters(), torch.rand(1)], seen


@pytest.mark.parametrize("name", MAKERS)
def test_training_with_dropout_is_the_same_to_the_bit_and_what_is_seen_is_what_ran(name: str) -> None:
    make, options = MAKERS[name]
    torch.manual_seed(1)
    model = Model(make, **options)
    start = {key: value.clone() for key, value in model.state_dict().items()}
    keys = {("rnn.0", "hidden"): [1, 3], ("rnn.1", "hidden"): [0]}
    plain, _ = trained(model, None)
    model.load_state_dict(start)
    watched, seen = trained(model, keys)
    assert all(torch.equal(one, other) for one, other in zip(plain, watched, strict=True))
    assert seen.calls == 4
    # What the upper layer gave in the last call, and was seen of it, is the same.
    model.load_state_dict(start)
    outputs: list[Tensor] = []
    model.rnn.register_forward_hook(lambda *call: outputs.append(call[2][0].detach()))
    trained(model, None)
    output = outputs[-1].transpose(0, 1) if options.get("batch_first") else outputs[-1]
    np.testing.assert_allclose(seen.last()["rnn.1", "hidden"][..., 0], output[..., 0], atol=1e-5)


@pytest.mark.parametrize("make", [nn.LSTM, naibu.LSTM])
def test_dropped_inputs_are_seen_as_they_were_dropped(make: Any) -> None:
    """By hand: the upper layer's cell from the lower layer's output, times a mask that only that one call drew."""
    torch.manual_seed(2)
    model, x = Model(make), torch.randn(6, 4, 3)
    with naibu.watch(model, {("rnn.0", "hidden"): range(5), ("rnn.1", "cell"): range(5)}) as seen:
        torch.manual_seed(5)
        model(x)
    lower = torch.from_numpy(seen.last()["rnn.0", "hidden"])
    torch.manual_seed(5)
    below = nn.functional.dropout(lower, 0.5)
    layer, c, h = model.rnn, torch.zeros(4, 5), torch.zeros(4, 5)
    for step in range(6):
        z = below[step] @ layer.weight_ih_l1.T + layer.bias_ih_l1 + h @ layer.weight_hh_l1.T + layer.bias_hh_l1
        i, f, g, o = z.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        np.testing.assert_allclose(seen.last()["rnn.1", "cell"][step], c.detach(), atol=1e-5)


def test_a_network_of_ours_trains_the_same_while_it_is_watched() -> None:
    model = LanguageModel(9, naibu.ModelConfig(units=8, layers=2, dropout=0.4))
    ids = torch.randint(9, (12, 4), generator=torch.Generator().manual_seed(1))
    start = {key: value.clone() for key, value in model.state_dict().items()}
    ends = []
    for units in (None, {("lstm.0", "forget_gate"): [2], ("lstm.1", "cell"): [0, 7]}):
        model.load_state_dict(start)
        torch.manual_seed(3)
        optimiser = torch.optim.SGD(model.parameters(), 0.5)
        with nullcontext() if units is None else naibu.watch(model, units) as seen:
            for _ in range(3):
                loss = model.cross_entropy(model(ids)[0], ids.roll(-1, 0))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        ends.append([value.detach().clone() for value in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))
    assert seen.calls == 3
    assert seen.last()["lstm.1", "cell"].shape == (12, 4, 2)


def test_a_cell_in_a_loop_and_a_layer_called_past_its_module_are_watched() -> None:
    torch.manual_seed(1)
    loop, x = Loop(), torch.randn(6, 4, 3)
    with naibu.watch(loop, {("cell.0", "hidden"): [4]}) as seen:
        wanted = loop(x)
    assert seen.calls == 1
    np.testing.assert_array_equal(seen.last()["cell.0", "hidden"][-1, :, 0], wanted[:, 4].detach())
    model = Model(nn.LSTM)
    with naibu.watch(model, {("rnn.1", "cell"): [0]}) as seen:
        for _ in range(3):
            model.rnn(x)
    assert [row["call"] for row in seen.rows()] == [0, 1, 2]


def test_held_units_are_seen_held() -> None:
    torch.manual_seed(1)
    model, x, key = Model(nn.LSTM).eval(), torch.randn(6, 4, 3), ("rnn.0", "cell")
    hold = {key: naibu.Clamp([2], 0.5)}
    refused = pytest.raises(naibu.OptionError, match="is being recorded; hold its units first")
    with naibu.watch(model, {key: [2]}), refused, edited(model, hold):
        pass
    with edited(model, hold), naibu.watch(model, {key: [2]}) as seen:
        held = model(x)
    assert (seen.last()[key] == 0.5).all()
    with edited(model, hold):
        assert torch.equal(model(x), held)


def test_padding_is_left_out_where_it_is_known_and_dropout_on_packed_input_is_refused() -> None:
    torch.manual_seed(1)
    layer, x = nn.LSTM(3, 5), torch.randn(6, 2, 3)
    packed = pack_padded_sequence(x, torch.tensor([6, 2]))
    with naibu.watch(layer, {("lstm.0", "cell"): [1]}) as seen:
        layer(packed)
    values = seen.last()["lstm.0", "cell"]
    assert np.isnan(values[2:, 1]).all()
    assert np.isfinite(values[:2]).all()
    (row,) = seen.rows()
    there = values[~np.isnan(values)]
    assert len(there) == 8
    np.testing.assert_allclose([row["mean"], row["std"]], [there.mean(), there.std()], rtol=1e-5)
    model = Model(nn.LSTM)
    with (
        pytest.raises(naibu.OptionError, match="rnn: drops values at random"),
        naibu.watch(model, {("rnn.1", "cell"): [0]}),
    ):
        model(pack_padded_sequence(torch.randn(40, 8, 3), torch.arange(40, 0, -5)))


def test_what_was_seen_is_written_and_drawn(tmp_path: Any) -> None:
    class Writer:
        def __init__(self) -> None:
            self.written: list[tuple[str, float, int]] = []

        def add_scalar(self, tag: str, value: float, step: int) -> None:
            self.written.append((tag, value, step))

    torch.manual_seed(1)
    model, writer = Model(nn.LSTM), Writer()
    with naibu.watch(model, {("rnn.0", "cell"): [4, 1]}) as seen:
        for _ in range(2):
            model(torch.randn(6, 4, 3))
            seen.write_tensorboard(writer)
        last = seen.last()["rnn.0", "cell"]
    seen.write_csv(tmp_path / "seen.csv")
    rows = seen.rows()
    with open(tmp_path / "seen.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert [{name: str(value) for name, value in row.items()} for row in rows] == read
    assert [(row["call"], row["unit"]) for row in rows] == [(0, 4), (0, 1), (1, 4), (1, 1)]
    for row, values in zip(rows[2:], last.transpose(2, 0, 1), strict=True):
        found = [row[name] for name in ("mean", "std", "min", "max")]
        np.testing.assert_allclose(
            found, [values.mean(), values.std(), values.min(), values.max()], rtol=1e-4, atol=1e-6
        )
    tags = [f"rnn.0/cell/{unit}/{name}" for unit in (4, 1) for name in ("mean", "std", "min", "max")]
    assert [(tag, step) for tag, _, step in writer.written] == list(itertools.product(tags, [0])) + [
        (t, 1) for t in tags
    ]
    ax = seen.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [row["mean"] for row in rows if row["unit"] == 4])
    assert len({to_hex(line.get_color()) for line in ax.lines}) == 2
    assert "rnn.0/cell: [4, 1]; 2 calls" in repr(seen)
    assert seen._repr_html_().count("<tr>") == 5


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ({("lstm.0", "cell"): [0]}, "lstm.0/cell: not in this module; it has rnn.0/input_gate"),
        ({("rnn.0", "cells"): [0]}, "rnn.0/cells: not in this module"),
        ({("rnn.1", "cell"): [5]}, "unit 5 of rnn.1/cell: it has units 0 to 4"),
        ({}, "units: none"),
    ],
)
def test_what_is_not_there_is_said(units: Any, said: str) -> None:
    with pytest.raises(naibu.OptionError, match=said), naibu.watch(Model(nn.LSTM), units):
        pass
