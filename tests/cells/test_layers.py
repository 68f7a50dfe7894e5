"""The drop-in layers against torch's, in value and gradient, on every path."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import naibu
from catalogue import CELLS, TORCHS
from naibu.cells.edits import Clamp
from naibu.cells.kernels import explain
from naibu.cells.unroll import unroll

each_cell = pytest.mark.parametrize("entry", CELLS, ids=lambda entry: entry.name)
each_torch_cell = pytest.mark.parametrize("entry", TORCHS, ids=lambda entry: entry.name)
TIGHT = {"rtol": 1e-10, "atol": 1e-10}
SHAPES = [
    {"num_layers": layers, "bidirectional": both, "batch_first": first, "bias": bias}
    for layers, both, first, bias in itertools.product((1, 2), (False, True), (False, True), (True, False))
]


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def initial(layer, batch, like):
    state = tuple(torch.randn_like(part) for part in layer.initial_state(batch, like))
    return state if len(state) == 2 else state[0]


@each_torch_cell
@pytest.mark.parametrize("options", SHAPES, ids=str)
@pytest.mark.parametrize("packed", [False, True])
def test_layer_is_torchs_in_value_and_gradient(entry, options, packed):
    ours, theirs = entry.twins(3, 5, **options)
    x = torch.randn(4, 7, 3).double() if options["batch_first"] else torch.randn(7, 4, 3).double()
    x.requires_grad_()
    state = initial(ours, 4, x)
    lengths, outcomes = torch.tensor([5, 7, 1, 4]), []
    for layer in (ours, theirs):
        feed = pack_padded_sequence(x, lengths, options["batch_first"], enforce_sorted=False) if packed else x
        output, final = layer(feed, state)
        output = pad_packed_sequence(output)[0] if packed else output
        loss = sum(
            (value * torch.cos(torch.arange(value.numel())).view_as(value)).sum() for value in (output, *parts(final))
        )
        gradients = torch.autograd.grad(loss, [x, *layer.parameters()])
        outcomes.append((output, *parts(final), *gradients))
    for mine, other in zip(*outcomes, strict=True):
        torch.testing.assert_close(mine, other, **TIGHT)


@each_torch_cell
@pytest.mark.parametrize("options", SHAPES[::2], ids=str)
@pytest.mark.parametrize("lengths", [None, torch.tensor([5, 7, 1, 4])], ids=["whole", "lengths"])
def test_kept_signals_are_those_of_the_plain_path(entry, options, lengths):
    """The signals recovered from the fused layer's output equal those of the loop, in value and gradient."""
    layer = entry.layer(3, 5, **{**options, "batch_first": False}).double()
    x = torch.randn(7, 4, 3).double()
    state = initial(layer, 4, x)
    keep = layer.cell_type.signals
    fast = layer.signals(x, state, keep=keep, lengths=lengths)
    untouched = {(name, signal): (lambda value, step: value) for _, _, name in layer.directions() for signal in keep}
    plain = layer.signals(x, state, keep=keep, lengths=lengths, edit=untouched)
    torch.testing.assert_close(fast.output, plain.output, **TIGHT)
    for mine, other in zip(fast.state, plain.state, strict=True):
        torch.testing.assert_close(mine, other, **TIGHT)
    assert list(fast.signals) == [(name, signal) for _, _, name in layer.directions() for signal in keep]
    there = torch.ones(7, 4, dtype=torch.bool) if lengths is None else torch.arange(7)[:, None] < lengths
    for key, value in fast.signals.items():
        torch.testing.assert_close(value[there], plain.signals[key][there], **TIGHT)
    losses = [sum((value[there] ** 2).sum() for value in way.signals.values()) for way in (fast, plain)]
    for mine, other in zip(*(torch.autograd.grad(loss, list(layer.parameters())) for loss in losses), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-9)


@each_torch_cell
def test_unbatched_input_and_float32(entry):
    ours, theirs = entry.twins(3, 5, 2)
    x = torch.randn(7, 3).double()
    for mine, other in zip(ours(x), theirs(x), strict=True):
        torch.testing.assert_close(mine, other)
    ours, theirs = ours.float(), theirs.float()
    torch.testing.assert_close(ours(x.float())[0], theirs(x.float())[0])


@each_torch_cell
def test_state_dict_has_torchs_names_and_copies_are_independent(entry):
    ours, theirs = entry.twins(3, 5, 2, bidirectional=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    copied = copy.deepcopy(ours)
    with torch.no_grad():
        copied.weight_hh_l1.add_(1)
    x = torch.randn(2, 1, 3).double()
    torch.testing.assert_close(ours(x)[0], theirs(x)[0])
    assert not torch.allclose(copied(x)[0], ours(x)[0])
    assert copied.cell(1).weight_hh is copied.weight_hh_l1


@each_cell
def test_training_reaches_every_parameter_and_learns(entry):
    layer = entry.layer(2, 8, 2, dropout=0.1)
    readout = torch.nn.Linear(8, 1)
    parameters = [*layer.parameters(), *readout.parameters()]
    optimiser = torch.optim.Adam(parameters, 0.02)
    x = torch.randn(10, 64, 2)
    y = x.sum(-1, keepdim=True).tanh()  # something a step can compute
    losses = []
    for _ in range(60):
        loss = (readout(layer(x)[0]) - y).square().mean()
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters)
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_eight_layers_train_without_divergence():
    """As deep as the translation system of document B: the loss falls and every gradient stays finite."""
    layer, readout = naibu.LSTM(4, 24, 8), torch.nn.Linear(24, 4)
    parameters = [*layer.parameters(), *readout.parameters()]
    optimiser = torch.optim.Adam(parameters, 0.01)
    ids = torch.randint(4, (1, 16)).expand(12, 16)  # repeat the first symbol for ever
    x = torch.nn.functional.one_hot(ids, 4).float()
    losses = []
    for _ in range(250):
        loss = torch.nn.functional.cross_entropy(readout(layer(x)[0]).flatten(0, 1), ids.flatten())
        optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        assert torch.isfinite(norm)
        optimiser.step()
        losses.append(loss.item())
    assert max(losses) < 2.0
    assert losses[-1] < 0.3


def test_edit_reaches_one_layer_alone():
    layer = naibu.LSTM(3, 5, 2).double()
    x = torch.randn(6, 2, 3).double()
    keep = ("cell",)
    before = layer.signals(x, keep=keep)
    held = layer.signals(x, keep=keep, edit={("lstm.1", "cell"): Clamp([2], 9.0)})
    torch.testing.assert_close(before.signals["lstm.0", "cell"], held.signals["lstm.0", "cell"])
    assert (held.signals["lstm.1", "cell"][..., 2] == 9).all()


def test_the_path_taken_is_explained():
    layer, clamp = naibu.LSTM(3, 5), Clamp([0], 0.5)
    assert explain(layer).startswith("compiled kernel")
    assert "recovered" in explain(layer.double(), keep=("cell",))
    assert "not float64 on cpu" in explain(layer, torch.zeros(1, dtype=torch.float64))
    layer = layer.float()
    assert "weights hold" in explain(layer, edits={"cell": clamp})
    assert explain(layer, edits={"hidden": clamp}).startswith("plain path: the hidden")
    assert explain(layer, edits={"cell": Clamp([0], 0.5, steps=[1])}).startswith("plain path: the edit of the cell")
    assert explain(layer, keep=("cell",), edits={"cell": clamp}).startswith("plain path: signals are kept")
    assert explain(naibu.GRU(3, 5), edits={"update_gate": clamp}).startswith("plain path: a GRUCell")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize(
    "edits",
    [
        {"cell": Clamp([1, 3], [2.5, -7.0])},
        {"input_gate": Clamp(range(5), 0.0), "forget_gate": Clamp(range(5), 1.0)},
        {"input_gate": Clamp([0, 2], 1.0), "forget_gate": Clamp([0], 0.25), "candidate": Clamp([4], [-0.5])},
        {"candidate": Clamp([0], 1.0), "output_gate": Clamp([1], 0.5), "cell": Clamp([0], 0.5)},
    ],
    ids=str,
)
def test_units_held_by_weights_are_those_held_step_by_step(edits, both, bias):
    layer = naibu.LSTM(3, 5, 2, bias=bias, bidirectional=both).double()
    x, state = torch.randn(7, 4, 3).double(), initial(layer, 4, torch.zeros(1).double())
    layer.edits = {("lstm.1" + ".reverse" * both, signal): edit for signal, edit in edits.items()}
    fast, final = layer(x, state)
    plain = layer.signals(x, state, keep=("cell",))
    torch.testing.assert_close(fast, plain.output, **TIGHT)
    for mine, other in zip(final, plain.state, strict=True):
        torch.testing.assert_close(mine, other, **TIGHT)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: naibu.LSTM(3, 0), "hidden_size=0: must be at least 1"),
        (lambda: naibu.LSTM(3, 4, proj_size=2), "proj_size=2"),
        (lambda: naibu.RNN(3, 4, nonlinearity="elu"), "'tanh' or 'relu'"),
        (lambda: naibu.GRU(3, 4, dropout=1.5), "dropout=1.5"),
        (lambda: naibu.GRU(3, 4)(torch.randn(2, 1, 5)), "last dimension is 5, the layer's input_size 3"),
        (
            lambda: naibu.GRU(3, 4)(torch.randn(2, 1, 3), torch.randn(1, 2, 4)),
            r"expected shape \(1, 1, 4\), got \(1, 2, 4\)",
        ),
        (
            lambda: naibu.GRU(3, 4).signals(torch.randn(2, 1, 3), keep=("cell",)),
            "signal 'cell': the gru has reset_gate",
        ),
        (
            lambda: naibu.LSTM(3, 4).signals(torch.randn(2, 1, 3), edit={("lstm.1", "cell"): Clamp([0], 1.0)}),
            "layer 'lstm.1': there is lstm.0",
        ),
    ],
)
def test_wrong_use_is_said_in_one_line(wrong, said):
    with pytest.raises(naibu.OptionError, match=said) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_unroll_of_a_layers_cell_is_the_layer():
    layer = naibu.GRU(3, 5)
    x = torch.randn(6, 2, 3)
    torch.testing.assert_close(unroll(layer.cell(0), x).output, layer(x)[0])


@each_torch_cell
@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (2, 1), (3, 3), (16, 8)])
def test_few_steps_give_the_same_on_whichever_path_is_quicker(entry, steps, batch):
    """Which path that is follows from the sizes alone, and recording or holding asks for no other values."""
    ours, theirs = entry.twins(3, 5)
    x = torch.randn(steps, batch, 3)
    expected, state = theirs(x.double())
    ours = ours.float()
    assert explain(ours, x) == explain(ours, 100 * x)
    for found, value in zip(parts(ours(x)[1]), parts(state), strict=True):
        torch.testing.assert_close(found.double(), value, rtol=0, atol=1e-6)
    torch.testing.assert_close(ours(x)[0].double(), expected, rtol=0, atol=1e-6)
    recorded = naibu.record(ours, x, keep=("hidden",), dtype="float32")
    hidden = torch.as_tensor(np.asarray(recorded[f"{type(ours).__name__.lower()}.0", "hidden"]))
    by_sequence = expected.transpose(0, 1).reshape(-1, 5).float()
    torch.testing.assert_close(hidden, by_sequence, rtol=0, atol=1e-6)
