"""The LSTM whose products are in bfloat16: near the one in float32, however it is called; refused without tiles."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import naibu
from naibu.cells import products
from naibu.cells.kernels import own
from naibu.cells.kernels.path import explain
from naibu.cells.products import has_bfloat16_tiles, product
from naibu.config import TrainingConfig
from naibu.training import devices

UNITS, BATCH, STEPS, INPUTS = 131, 5, 7, 9
tiles = pytest.mark.skipif(not has_bfloat16_tiles(), reason="this processor has no bfloat16 tiles")


def error(rough, exact):
    return ((rough.double() - exact).norm() / exact.norm()).item()


def compared(call, layer, *inputs):
    """Values and gradients of a call in bfloat16, and of the same in float64."""
    found = []
    for dtype in (torch.float32, torch.float64):
        network = layer.to(dtype)
        parts = [part.detach().to(dtype).requires_grad_() for part in inputs]
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.float32):
            values = call(network, *parts)
        total = sum((value * torch.linspace(-1, 2, value.numel()).view_as(value)).sum() for value in values)
        found.append([*values, *torch.autograd.grad(total, [*parts, *network.parameters()])])
    return list(zip(*found, strict=True))


def dense(layer, x, *state):
    output, (h, c) = layer(x, tuple(state) or None)
    return output, h, c


def packed(layer, x):
    output, (h, c) = layer(pack_padded_sequence(x, torch.tensor([3, 7, 1, 5, 7]), enforce_sorted=False))
    return output.data, h, c


def watched(layer, x):
    """Every signal, each with a gradient of its own."""
    found = layer.signals(x, keep=layer.cell_type.signals)
    return found.output, *found.signals.values()


@tiles
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"num_layers": 2, "bidirectional": True}])
@pytest.mark.parametrize("call", [dense, packed, watched])
@pytest.mark.parametrize("threads", [1, 2])
def test_values_and_gradients_are_near_those_in_float64(monkeypatch, options, call, threads):
    monkeypatch.setattr("naibu.cells.kernels.lstm_bfloat16.SHARED", 1)
    torch.manual_seed(0)
    layer, x = naibu.LSTM(INPUTS, UNITS, **options), torch.randn(STEPS, BATCH, INPUTS)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        pairs = compared(call, layer, x)
    finally:
        torch.set_num_threads(before)
    assert all(rough.dtype == torch.float32 for rough, _ in pairs)
    errors = [error(rough, exact) for rough, exact in pairs]
    assert max(errors) < 0.02
    assert min(errors) > 1e-6


@tiles
def test_the_state_has_its_gradient():
    torch.manual_seed(0)
    state = [torch.randn(1, BATCH, UNITS) for _ in range(2)]
    pairs = compared(dense, naibu.LSTM(INPUTS, UNITS), torch.randn(STEPS, BATCH, INPUTS), *state)
    assert max(error(rough, exact) for rough, exact in pairs) < 0.02


@tiles
def test_symbols_are_read_as_their_vectors():
    torch.manual_seed(0)
    layer, vectors, ids = naibu.LSTM(INPUTS, UNITS), torch.randn(4, INPUTS), torch.randint(4, (STEPS, BATCH))
    with torch.autocast("cpu", torch.bfloat16):
        by_symbol, by_vector = layer.forward_symbols(ids, vectors)[0], layer(vectors[ids])[0]
        assert torch.equal(by_symbol, by_vector)
        assert "products by tiles in bfloat16" in explain(layer)
        assert "bfloat16" not in explain(naibu.LSTM(INPUTS, own.FEWEST_HALF - 1))
    assert "bfloat16" not in explain(layer)


@tiles
def test_narrow_layers_stay_in_float32():
    layer, x = naibu.LSTM(INPUTS, own.FEWEST_HALF - 1), torch.randn(STEPS, BATCH, INPUTS)
    with torch.autocast("cpu", torch.bfloat16):
        rough = layer(x)[0]
    assert torch.equal(rough, layer(x)[0])


@tiles
def test_products_in_bfloat16_are_those_of_the_framework():
    x, weight = torch.randn(70, 33).bfloat16(), torch.randn(50, 33).bfloat16()
    exact = x.double() @ weight.double().t()
    for a in (x, x.t().contiguous().t()):
        for b in (weight, weight.t().contiguous().t()):
            assert error(product(a, b), exact) < 0.005


def test_what_onednn_can_do_does_not_depend_on_who_asks_first():
    products._has_onednn.cache_clear()
    with torch.autocast("cpu", torch.bfloat16):
        first = products._has_onednn()
    products._has_onednn.cache_clear()
    assert first == products._has_onednn()


def test_without_tiles_bfloat16_is_refused(monkeypatch):
    monkeypatch.setattr(devices, "has_bfloat16_tiles", lambda: False)
    with pytest.raises(naibu.OptionError, match=r"this processor has no bfloat16 tiles \(amx_bf16\); take --precision"):
        devices.device_of(TrainingConfig(precision="bfloat16"))
    devices.device_of(TrainingConfig())
    monkeypatch.setattr(own, "has_bfloat16_tiles", lambda: False)
    with torch.autocast("cpu", torch.bfloat16):
        assert "autocast" in str(own.refusal(naibu.LSTM.cell_type, torch.zeros(1)))
        layer, x = nn.LSTM(INPUTS, UNITS), torch.randn(STEPS, BATCH, INPUTS)
        torch.testing.assert_close(naibu.LSTM.of(layer)(x)[0], layer(x)[0])
