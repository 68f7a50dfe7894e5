"""The compiled kernels against the framework's layers in float64: values and gradients, every path and option."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numba import njit
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import naibu
from naibu.cells.kernels import (
    compiled,
    elman,
    fixed_point,
    gru,
    lstm,
    lstm_backward,
    lstm_layer,
    own,
    products,
    sharing,
    steps,
)
from naibu.cells.kernels.vector import LANES
from naibu.cells.layers import Recurrent
from naibu.cells.peephole import PeepholeLSTMCell
from naibu.cells.unroll import unroll

Make = Callable[..., Any]
KINDS: list[tuple[str, Make, Make]] = [
    ("lstm", naibu.LSTM, nn.LSTM),
    ("gru", naibu.GRU, nn.GRU),
    ("rnn", naibu.RNN, nn.RNN),
    ("rnn-relu", partial(naibu.RNN, nonlinearity="relu"), partial(nn.RNN, nonlinearity="relu")),
]
kinds = pytest.mark.parametrize(("ours", "theirs"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS])

KERNELS = [(lstm, "forward"), (lstm_backward, "backward")]
KERNELS += [(module, name) for module in (gru, elman) for name in ("forward", "backward")]
PATHS: dict[str, dict[str, Any]] = {
    "chosen": {},
    "one thread": {"threads": 1, "by_units": False},
    "rows, one sum": {"threads": 2, "by_units": False, "direct": False, "chunk": 0},
    "rows, in chunks": {"threads": 2, "by_units": False, "direct": False, "chunk": 3},
    "units, one sum": {"threads": 2, "by_units": True, "direct": False, "chunk": 0},
    "units, input first": {"threads": 2, "by_units": True, "direct": False, "chunk": 1000},
    "rows, whole numbers": {"threads": 2, "by_units": False, "direct": False, "chunk": 3, "fixed": True},
    "units, whole numbers": {"threads": 2, "by_units": True, "direct": False, "chunk": 1000, "fixed": True},
    "weights as they lie": {"threads": 2, "by_units": True, "chunk": 4, "direct": True},
}


@pytest.fixture(params=PATHS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way in which threads may share out a layer, forced on it."""
    choose = sharing.plan

    def forced(steps: Any, hidden: int, inputs: int, gates: int = 4) -> sharing.Plan:
        return replace(choose(steps, hidden, inputs, gates), **PATHS[request.param])

    monkeypatch.setattr(sharing, "plan", forced)
    if request.param != "chosen":
        monkeypatch.setattr(lstm_layer, "CHUNK_ROWS", 7)
    return str(request.param)


def close(found: Tensor | None, expected: Tensor | None) -> None:
    """No further apart than 5e-6 of the largest value: what float32 leaves of the sums."""
    if found is None or expected is None:
        assert found is expected
        return
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    assert (found.double() - expected).abs().max() <= 5e-6 * max(1.0, expected.abs().max().item())


def twins(ours: Make, theirs: Make, *sizes: int, **options: Any) -> tuple[Recurrent, nn.RNNBase]:
    """Our layer, and torch's in float64 with the same weights."""
    torch.manual_seed(1)
    layer, reference = ours(*sizes, **options), theirs(*sizes, **options).double()
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -0.4, 0.4)
    reference.load_state_dict(layer.state_dict())
    assert own.refusal(layer.cell_type, layer.get_parameter("weight_ih_l0")) is None
    return layer, reference


def state_of(layer: Recurrent, batch: int) -> tuple[Tensor, ...]:
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    return tuple(torch.randn(count, batch, layer.hidden_size) for _ in layer.cell_type.state_type._fields)


def run(
    layer: nn.Module, x: Any, state: tuple[Tensor, ...], weigh: Callable[[Any, Any], Tensor], learnt: bool
) -> list[Tensor | None]:
    """Output, final state, and the gradients of a weighted sum of both, in one list; a state of none is zeros."""
    layer.zero_grad()
    inputs = [part.clone() for part in ((x.data if hasattr(x, "batch_sizes") else x), *state)]
    for part in inputs if learnt else inputs[:1]:
        part.requires_grad_()
    entered = x._replace(data=inputs[0]) if hasattr(x, "batch_sizes") else inputs[0]
    output, final = layer(entered, None if not state else inputs[1] if len(state) == 1 else tuple(inputs[1:]))
    data = output.data if hasattr(output, "batch_sizes") else output
    finals = [final] if isinstance(final, Tensor) else list(final)
    weigh(data, finals).backward()  # type: ignore[no-untyped-call]
    return [
        data.detach(),
        *(f.detach() for f in finals),
        *(i.grad for i in inputs),
        *(p.grad for p in layer.parameters()),
    ]


def compare(layer: Recurrent, reference: nn.Module, x: Any, state: tuple[Tensor, ...]) -> None:
    """Values and gradients of both, of output and final state: with a state that learns, a given one, and none."""
    for first, learnt in ((state, True), (state, False), ((), False)):
        compare_once(layer, reference, x, first, learnt=learnt)


def compare_once(layer: Recurrent, reference: nn.Module, x: Any, state: tuple[Tensor, ...], *, learnt: bool) -> None:
    generator = torch.Generator().manual_seed(2)

    def weigh(data: Tensor, finals: list[Tensor]) -> Tensor:
        parts = []
        for part in (data, *finals):
            parts.append((part * torch.randn(part.shape, generator=generator).to(part.dtype)).sum())
        generator.manual_seed(2)
        return torch.stack(parts).sum()

    found = run(layer, x, state, weigh, learnt)
    doubled = x._replace(data=x.data.double()) if hasattr(x, "batch_sizes") else x.double()
    expected = run(reference, doubled, tuple(s.double() for s in state), weigh, learnt)
    for ours, theirs in zip(found, expected, strict=True):
        close(ours, theirs)


@kinds
@pytest.mark.parametrize(
    "size", [(5, 7, 3, 6), (1, 1, 1, 1), (13, 37, 9, 5), (16, 32, 40, 4), (70, 100, 2, 3)], ids=str
)
def test_values_and_gradients(ours, theirs, size, plan):
    inputs, hidden, batch, steps = size
    layer, reference = twins(ours, theirs, inputs, hidden)
    compare(layer, reference, torch.randn(steps, batch, inputs), state_of(layer, batch))


@kinds
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_every_small_batch(ours, theirs, steps):
    """The way of sharing changes with the number of rows: none of them may be left out."""
    for hidden in (8, 17):
        layer, reference = twins(ours, theirs, 5, hidden)
        for batch in range(1, 20):
            compare(layer, reference, torch.randn(steps, batch, 5), state_of(layer, batch))


@kinds
def test_every_number_of_units_in_the_last_panel(ours, theirs, plan):
    """Few units have their gates in fewer vectors; their sums lie nearer to each other."""
    for hidden in range(1, 34):
        layer, reference = twins(ours, theirs, 3, hidden)
        compare_once(layer, reference, torch.randn(4, 5, 3), state_of(layer, 5), learnt=True)
        symbols, vectors = torch.randint(0, 4, (4, 5)), torch.randn(4, 3)
        with torch.no_grad():
            found, _ = layer.forward_symbols(symbols, vectors)
            close(found, reference(vectors.double()[symbols])[0])


@kinds
@pytest.mark.parametrize(
    "options",
    [
        {"bias": False},
        {"bidirectional": True},
        {"num_layers": 2},
        {"num_layers": 2, "bidirectional": True},
        {"batch_first": True},
    ],
    ids=str,
)
def test_options(ours, theirs, options, plan):
    layer, reference = twins(ours, theirs, 6, 21, **options)
    compare(layer, reference, torch.randn(5, 5, 6), state_of(layer, 5))


@kinds
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
def test_packed_sequences(ours, theirs, bidirectional, plan):
    layer, reference = twins(ours, theirs, 4, 18, bidirectional=bidirectional)
    lengths = [2, 7, 7, 1, 4, 5]
    packed = pack_padded_sequence(torch.randn(7, 6, 4), torch.tensor(lengths), enforce_sorted=False)
    compare(layer, reference, packed, state_of(layer, 6))


@pytest.mark.parametrize("rows", [7, 128])
@kinds
def test_fewer_threads_than_were_asked_for(monkeypatch, rows, ours, theirs):
    """A team may turn out smaller than the one for which there is room."""
    choose = sharing.plan
    monkeypatch.setattr(sharing, "plan", lambda *sizes: replace(choose(*sizes), threads=3, by_units=False))
    monkeypatch.setattr(lstm_layer, "CHUNK_ROWS", rows)
    kernels = [(module, name, getattr(module, name)) for module, name in KERNELS]
    for team in (1, 2):
        for module, name, kernel in kernels:
            fewer = lambda _, team=team, kernel=kernel, **values: kernel(team, **values)  # noqa: E731
            monkeypatch.setattr(module, name, fewer)
        layer, reference = twins(ours, theirs, 5, 18)
        compare(layer, reference, torch.randn(9, 13, 5), state_of(layer, 13))


@kinds
def test_inference_keeps_what_is_asked_for(ours, theirs, plan):
    layer, reference = twins(ours, theirs, 9, 20)
    x = torch.randn(6, 5, 9)
    reference_cell = layer.cell_type(9, 20).double()
    reference_cell.load_state_dict({name[:-3]: value for name, value in reference.state_dict().items()})
    expected = unroll(reference_cell, x.double(), keep=layer.cell_type.signals)
    with torch.no_grad():
        output, final = layer(x)
        close(output, expected.output)
        for part, wanted in zip([final] if isinstance(final, Tensor) else final, expected.state, strict=True):
            close(part[0], wanted)
        for keep in [(name,) for name in layer.cell_type.signals] + [layer.cell_type.signals]:
            signals = layer.signals(x, keep=keep).signals
            assert {signal for _, signal in signals} == set(keep)
            for (_, signal), value in signals.items():
                close(value, expected.signals[signal])


@kinds
def test_signals_have_gradients(ours, theirs, plan):
    layer, reference = twins(ours, theirs, 9, 20)
    cell = layer.cell_type(9, 20).double()
    cell.load_state_dict({name[:-3]: value for name, value in reference.state_dict().items()})
    x, names = torch.randn(6, 5, 9), layer.cell_type.signals
    scales = {name: 1.0 + k for k, name in enumerate(names)}
    found = layer.signals(x, keep=names).signals
    sum((scales[name] * value.pow(2)).sum() for (_, name), value in found.items()).backward()
    expected = unroll(cell, x.double(), keep=names).signals
    sum((scales[name] * value.pow(2)).sum() for name, value in expected.items()).backward()
    for name, parameter in cell.named_parameters():
        close(layer.get_parameter(f"{name}_l0").grad, parameter.grad)


@kinds
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True, "bias": False}, {"batch_first": True}], ids=str
)
def test_symbols_give_what_their_vectors_give(ours, theirs, options, plan):
    layer, _ = twins(ours, theirs, 6, 17, **options)
    ids, vectors = torch.randint(0, 4, (7, 5)), torch.randn(4, 6)
    by_hand = [vectors.clone().requires_grad_(), *layer.parameters()]
    layer(by_hand[0][ids])[0].pow(2).sum().backward()
    expected = [part.grad.double() for part in by_hand]
    layer.zero_grad()
    tabled = vectors.clone().requires_grad_()
    output, _ = layer.forward_symbols(ids, tabled)
    close(output, layer(vectors[ids])[0].double())
    output.pow(2).sum().backward()
    for part, wanted in zip([tabled, *layer.parameters()], expected, strict=True):
        close(part.grad, wanted)


@pytest.mark.parametrize(
    "size", [(5, 3, 2), (300, 40, 33), (64, 17, 70), (513, 5, 1), (1, 1, 1), (800, 1100, 70)], ids=str
)
def test_products(size):
    rows, width, columns = size
    torch.manual_seed(3)
    a, b, weight = torch.randn(rows, width), torch.randn(rows, columns), torch.randn(width, columns)
    ids = torch.randint(0, 3, (rows,))
    for threads in (1, 2, 3):
        close(products.times(a, weight, threads), a.double() @ weight.double())
        across, bias = weight.t().contiguous().t(), torch.randn(columns)
        close(products.times(a, across, threads, bias), a.double() @ weight.double() + bias.double())
        close(products.sum_of_outer(a, b, threads), a.double().T @ b.double())
        by_symbol = torch.zeros(3, width, dtype=torch.float64).index_add_(0, ids, a.double())
        close(products.sum_by_symbol(a, ids, 3, threads), by_symbol)


def test_a_sum_of_nothing_is_zero():
    products.times(torch.ones(9, 30), torch.ones(30, 4), 1)  # leaves sums in the kept workspace
    nothing, bias = (torch.ones(3, 0), torch.ones(0, 4), 1), torch.randn(4)
    assert torch.equal(products.times(*nothing), torch.zeros(3, 4))
    assert torch.equal(products.times(*nothing, bias), bias.expand(3, 4))


def test_what_the_kernels_do_not_compute_is_refused_by_name():
    layer = naibu.LSTM(2, 3)
    assert "PeepholeLSTMCell" in str(own.refusal(PeepholeLSTMCell, torch.zeros(1)))
    assert "float64" in str(own.refusal(layer.cell_type, torch.zeros(1, dtype=torch.float64)))
    with torch.autocast("cpu", torch.bfloat16):
        assert "autocast" in str(own.refusal(naibu.GRU.cell_type, torch.zeros(1)))
    with torch.autocast("cpu", torch.float16):
        assert "autocast" in str(own.refusal(layer.cell_type, torch.zeros(1)))


@kinds
@pytest.mark.parametrize("trained", [("bias_ih_l0", "bias_hh_l0"), ("bias_hh_l0",)], ids=" ".join)
def test_biases_alone_can_be_trained(ours, theirs, trained):
    layer, reference = twins(ours, theirs, 4, 6)
    x = torch.randn(5, 3, 4)
    for network, values in ((layer, x), (reference, x.double())):
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name in trained)
        network(values)[0].pow(2).sum().backward()
    for name in trained:
        close(layer.get_parameter(name).grad, reference.get_parameter(name).grad)


@kinds
def test_tensors_of_different_types_are_the_frameworks_error(ours, theirs):
    layer, _ = twins(ours, theirs, 4, 6)
    x, doubled = torch.randn(5, 3, 4), tuple(part.double() for part in state_of(layer, 3))
    with pytest.raises((RuntimeError, ValueError)):
        layer(x.double())
    with pytest.raises((RuntimeError, ValueError)):
        layer(x, doubled[0] if len(doubled) == 1 else doubled)
    with pytest.raises((RuntimeError, ValueError)):
        layer.double()(x)


@kinds
def test_symbols_that_have_no_vector_are_an_error(ours, theirs):
    layer, _ = twins(ours, theirs, 4, 6)
    vectors = torch.randn(3, 4)
    for wrong in (-1, 3):
        with pytest.raises(IndexError):
            layer.forward_symbols(torch.tensor([[0, 1], [2, wrong]]), vectors)
    ids = torch.tensor([[0, 1], [2, 0]])
    close(layer.forward_symbols(ids.int(), vectors)[0], layer(vectors[ids])[0].double())


@kinds
def test_what_is_no_number_stays_none(ours, theirs):
    layer, _ = twins(ours, theirs, 4, 6)
    x = torch.randn(5, 3, 4)
    x[2, 1, 0] = torch.nan
    with torch.no_grad():
        output = layer(x)[0]
    assert output[2:, 1].isnan().all()
    assert output[:2].isfinite().all()
    assert output[:, [0, 2]].isfinite().all()


def force(monkeypatch: pytest.MonkeyPatch, **parts: Any) -> None:
    """Let every plan have these parts."""
    choose = sharing.plan
    monkeypatch.setattr(sharing, "plan", lambda *sizes: replace(choose(*sizes), **parts))


def errors(layer: nn.Module, reference: nn.Module, x: Tensor) -> float:
    with torch.no_grad():
        return float((layer(x)[0] - reference(x.double())[0]).abs().max())


@pytest.mark.parametrize("size", [100, 200, 500])
def test_whole_numbers_are_as_exact_as_float32(size, monkeypatch):
    layer, reference = twins(naibu.LSTM, nn.LSTM, 10, size)
    for parameter in (*layer.parameters(), *reference.parameters()):  # or errors would grow from step to step
        parameter.data.mul_(1 / size**0.5)
    x = torch.randn(60, 1, 10)
    assert sharing.plan(steps.dense_steps(60, 1, False), size, 10).fixed
    in_whole_numbers = errors(layer, reference, x)
    force(monkeypatch, fixed=False)
    in_float32 = errors(layer, reference, x)
    assert in_float32 != in_whole_numbers < 1.5 * in_float32


@pytest.mark.parametrize("outstanding", [1.0, 1e4, 1e30])
def test_a_row_with_one_outstanding_weight_stays_in_float32(outstanding, monkeypatch):
    """The unit whose weight it is gives nothing, so that the others' would be lost in parts of it."""
    layer, reference = twins(naibu.LSTM, nn.LSTM, 3, 40)
    for each in (layer, reference):
        with torch.no_grad():
            each.weight_hh_l0[:, 5] = outstanding
            each.bias_ih_l0[120 + 5] = -200.0  # its output gate
            each.weight_hh_l0[120 + 5] = each.weight_ih_l0[120 + 5] = 0.0
    force(monkeypatch, **PATHS["units, whole numbers"])
    assert errors(layer, reference, torch.randn(9, 2, 3)) < 5e-7


@pytest.mark.parametrize("weight", [0.0, 1e-30, torch.nan, torch.inf])
def test_rows_of_any_size_stay_what_they_are(weight, monkeypatch):
    layer, reference = twins(naibu.LSTM, nn.LSTM, 3, 40)
    for each in (layer, reference):
        with torch.no_grad():
            each.weight_hh_l0[7] = weight
    force(monkeypatch, **PATHS["units, whole numbers"])
    x = torch.randn(9, 2, 3)
    with torch.no_grad():
        torch.testing.assert_close(layer(x)[0].double(), reference(x.double())[0], rtol=0, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("path", ["rows, in chunks", "units, input first"])
def test_threads_of_our_own_serve_where_torch_runs_on_others(path, monkeypatch):
    force(monkeypatch, **PATHS[path])
    monkeypatch.setattr(compiled, "_openmp", lambda: None)
    layer, reference = twins(naibu.LSTM, nn.LSTM, 5, 21)
    compare(layer, reference, torch.randn(6, 4, 5), state_of(layer, 4))


def test_a_second_derivative_is_refused():
    layer, x = naibu.LSTM(2, 3), torch.randn(4, 1, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="second derivatives"):
        torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)


@njit
def _compressed(panel: int, depth: int) -> bool:
    return fixed_point.compress(panel, depth)


def test_no_weight_is_wrong_by_more_than_it_says():
    """What `compress` has written, read here by its description alone."""
    draw = np.random.default_rng(7)
    for depth in (4, 33, 300):
        weights = (draw.uniform(-1, 1, (depth, 4, LANES)) * draw.uniform(0.01, 3, (4, LANES))).astype(np.float32)
        panel = weights.flatten()
        assert _compressed(panel.ctypes.data, depth) == (depth > 4)
        if depth > 4:
            three = panel.view(np.uint32)[: depth * 3 * LANES].reshape(depth, 3, LANES)
            fourth = (three[:, 0] & 255) << 24 | (three[:, 1] & 255) << 16 | (three[:, 2] & 255) << 8
            parts = np.concatenate([three, fourth[:, None]], 1).view(np.int32)
            scales = panel[depth * 3 * LANES :][: 4 * LANES].reshape(4, LANES)
            largest = np.abs(weights).max(0)
            assert (np.abs(parts * scales.astype(np.float64) - weights) <= 2e-7 * largest).all()
