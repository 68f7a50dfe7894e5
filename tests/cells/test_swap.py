"""Torch's layers exchanged for ours on the same parameters: outputs, gradients, places, refusals."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import nn

import naibu
from naibu.cells.layers import Recurrent
from naibu.cells.swap import ours

KINDS = {
    "LSTM": nn.LSTM,
    "GRU": nn.GRU,
    "RNN": nn.RNN,
    "RNN-relu": lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k),
}
SHAPES = [
    {"num_layers": layers, "bidirectional": both, "batch_first": first, "bias": bias}
    for layers, both, first, bias in itertools.product((1, 2), (False, True), (False, True), (True, False))
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ours_on_the_same_parameters_gives_the_same(kind, options, dtype):
    theirs = KINDS[kind](3, 5, dtype=dtype, **options)
    layer = ours(theirs)
    assert type(layer) is getattr(naibu, kind.removesuffix("-relu"))
    assert layer.batch_first == options["batch_first"]
    x = torch.randn(4, 7, 3, dtype=dtype)
    (one, state), (other, expected) = layer(x), theirs(x)
    tight = {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(one, other, **tight)
    torch.testing.assert_close(state, expected, **tight)
    assert [p is q for p, q in zip(layer.parameters(), theirs.parameters(), strict=True)] == [True] * len(
        list(theirs.parameters())
    )
    mine, its = (torch.autograd.grad(out.square().sum(), list(theirs.parameters())) for out in (one, other))
    torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(layer.signals(x, keep=("hidden",)).output.shape[-1], one.shape[-1])


def test_mode_dropout_and_random_numbers_stay():
    theirs = nn.GRU(3, 5, 2, dropout=0.25).eval()
    torch.manual_seed(3)
    first = torch.rand(1)
    torch.manual_seed(3)
    layer = naibu.GRU.of(theirs)
    assert torch.equal(torch.rand(1), first)
    assert (layer.training, layer.dropout) == (False, 0.25)
    assert naibu.GRU.of(theirs.train()).training
    theirs.weight_hh_l0.requires_grad_(False)
    assert not naibu.GRU.of(theirs).weight_hh_l0.requires_grad


def test_device_is_kept():
    layer = naibu.LSTM.of(nn.LSTM(3, 5, device="meta", dtype=torch.bfloat16))
    assert {(p.device.type, p.dtype) for p in layer.parameters()} == {("meta", torch.bfloat16)}


class Tagger(nn.Module):
    """A model as anybody writes it."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.stack = nn.Sequential(nn.LSTM(4, 6, batch_first=True), nn.Identity())
        self.reader = nn.ModuleList([nn.GRU(6, 6, batch_first=True), nn.RNN(6, 6, batch_first=True)])
        self.again = self.reader[0]
        self.output = nn.Linear(6, 2)

    def forward(self, ids):
        h = self.stack[0](self.embedding(ids))[0]
        for layer in (*self.reader, self.again):
            h = layer(h)[0]
        return self.output(h)


def test_every_layer_of_a_model_is_exchanged_and_the_model_stays():
    torch.manual_seed(1)
    model = Tagger()
    before, names = copy.deepcopy(model), list(model.state_dict())
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    assert naibu.swap(model) == ("again", "stack.0", "reader.0", "reader.1")
    assert isinstance(model.stack[0], naibu.LSTM)
    assert model.again is model.reader[0]
    assert list(model.state_dict()) == names
    ids = torch.randint(7, (3, 9))
    torch.testing.assert_close(model(ids), before(ids), rtol=1e-5, atol=1e-5)
    model(ids).square().sum().backward()
    weight = model.stack[0].weight_hh_l0.clone()
    optimiser.step()  # made before the swap
    assert not torch.equal(model.stack[0].weight_hh_l0, weight)
    before.load_state_dict(model.state_dict())
    torch.testing.assert_close(model(ids), before(ids), rtol=1e-5, atol=1e-5)
    assert naibu.swap(model) == ()


def test_a_subclass_is_left_alone():
    class Mine(nn.LSTM):
        def forward(self, x):
            return super().forward(2 * x)

    model = nn.Sequential(Mine(3, 5))
    assert naibu.swap(model) == ()
    assert type(model[0]) is Mine


def hooked():
    layer = nn.LSTM(3, 5)
    layer.register_forward_hook(lambda *given: None)
    return layer


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.LSTM(3, 5, proj_size=2), "layer '1': proj_size=2: naibu.LSTM has no projection"),
        (hooked, "layer '1': has hooks, which would be lost"),
    ],
)
def test_what_cannot_be_exchanged_is_named_and_nothing_is_changed(make, said):
    model = nn.Sequential(nn.GRU(3, 3), make())
    children = list(model)
    with pytest.raises(naibu.OptionError, match=said):
        naibu.swap(model)
    assert all(one is other for one, other in zip(model, children, strict=True))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: naibu.swap(nn.LSTM(3, 5)), r"a bare LSTM cannot be exchanged in place: take naibu.LSTM.of\(layer\)"),
        (lambda: naibu.LSTM.of(nn.GRU(3, 5)), r"naibu.LSTM.of\(GRU\): must be a torch.nn.LSTM"),
        (lambda: naibu.GRU.of(nn.Linear(3, 5)), r"naibu.GRU.of\(Linear\): must be a torch.nn.GRU"),
        (
            lambda: naibu.RNN.of(nn.utils.parametrizations.weight_norm(nn.RNN(3, 5), "weight_hh_l0")),
            r"its parameters are not plain ones \(parametrizations.weight_hh_l0",
        ),
        (lambda: ours(nn.LSTMCell(3, 5)), "LSTMCell: not a torch.nn.LSTM, GRU or RNN"),
    ],
)
def test_wrong_use_is_said_in_one_line(wrong, said):
    with pytest.raises(naibu.OptionError, match=said) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_ours_are_not_exchanged_again():
    model = nn.Sequential(naibu.LSTM(3, 5))
    assert isinstance(model[0], Recurrent)
    assert naibu.swap(model) == ()
