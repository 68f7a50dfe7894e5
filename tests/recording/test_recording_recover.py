"""Every signal of every layer of anybody's module equals a plain loop over the steps in float64."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from naibu.cells.recover import recover
from naibu.errors import OptionError
from naibu.recording import record

STEPS, BATCH, INPUT, HIDDEN = 7, 3, 5, 4
EVERY = (
    "input_gate", "forget_gate", "candidate", "output_gate", "update", "cell", "hidden", "reset_gate", "update_gate",
)  # fmt: skip
Array = np.ndarray[Any, Any]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def one_sequence(kind: str, weights: list[Array], x: Array, h: Array, c: Array, bias: bool) -> dict[str, Array]:
    """The equations, step by step, of one direction of one layer: `x [time input]`, weights as torch names them."""
    w_ih, w_hh = weights[:2]
    b_ih, b_hh = weights[2:4] if bias else (np.zeros(len(w_ih)), np.zeros(len(w_ih)))
    w_hr = weights[4 if bias else 2] if len(weights) in (3, 5) else None
    found: dict[str, list[Array]] = {}
    for x_t in x:
        a, b = w_ih @ x_t + b_ih, w_hh @ h + b_hh
        if kind == "LSTM":
            i, f, g, o = np.split(a + b, 4)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            c = f * c + i * g
            h = o * np.tanh(c)
            if w_hr is not None:
                h = w_hr @ h
            step = dict(zip(EVERY, (i, f, g, o, i * g, c, h), strict=False))
        elif kind == "GRU":
            (a_r, a_z, a_n), (b_r, b_z, b_n) = np.split(a, 3), np.split(b, 3)
            r, z = sigmoid(a_r + b_r), sigmoid(a_z + b_z)
            n = np.tanh(a_n + r * b_n)
            h = (1 - z) * n + z * h
            step = {"reset_gate": r, "update_gate": z, "candidate": n, "hidden": h}
        else:
            h = np.tanh(a + b) if kind == "RNN_TANH" else np.maximum(a + b, 0)
            step = {"hidden": h}
        for name, value in step.items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def expected(layer: nn.RNNBase, x: Array, lengths: list[int], state: list[Array] | None, name: str) -> dict[Any, Array]:
    """The signals `[token unit]` of every layer and direction, sequence after sequence; `x [batch time input]`."""
    directions = 2 if layer.bidirectional else 1
    rows: dict[Any, list[Array]] = {}
    for s, length in enumerate(lengths):
        below = x[s, :length]
        for number in range(layer.num_layers):
            outputs = []
            for way in range(directions):
                place = number * directions + way
                weights = [w.detach().double().numpy() for w in layer.all_weights[place]]
                h = np.zeros(layer.proj_size or layer.hidden_size) if state is None else state[0][place, s]
                c = np.zeros(layer.hidden_size) if state is None or len(state) == 1 else state[1][place, s]
                found = one_sequence(layer.mode, weights, below[::-1] if way else below, h, c, layer.bias)
                found = {signal: values[::-1] if way else values for signal, values in found.items()}
                outputs.append(found["hidden"])
                for signal, values in found.items():
                    rows.setdefault((f"{name}.{number}{'.reverse' if way else ''}", signal), []).append(values)
            below = np.concatenate(outputs, 1)
    return {key: np.concatenate(parts) for key, parts in rows.items()}


def spread(layer: nn.Module) -> None:
    """Weights wide enough that swapped gates show."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-1, 1)


KINDS = [
    (nn.LSTM, {}),
    (nn.LSTM, {"proj_size": 3}),
    (nn.GRU, {}),
    (nn.RNN, {"nonlinearity": "tanh"}),
    (nn.RNN, {"nonlinearity": "relu"}),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")  # torch's own
@pytest.mark.parametrize(("kind", "options"), KINDS, ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one-way", "both-ways"])
@pytest.mark.parametrize("entry", ["batch_first", "time_first", "packed", "packed-unsorted-state"])
def test_signals_equal_a_plain_loop(
    kind: type[nn.RNNBase], options: dict[str, Any], layers: int, bidirectional: bool, entry: str
) -> None:
    layer = kind(INPUT, HIDDEN, layers, bidirectional=bidirectional, batch_first=entry == "batch_first", **options)
    spread(layer)
    x = torch.randn(BATCH, STEPS, INPUT)
    lengths = [4, STEPS, 1] if entry.startswith("packed") else [STEPS] * BATCH
    state: list[Tensor] | None = None
    call: Any = x if entry == "batch_first" else x.transpose(0, 1)
    if entry.startswith("packed"):
        call = pack_padded_sequence(call, torch.tensor(lengths), enforce_sorted=False)
    if entry == "packed-unsorted-state":
        count = layers * (2 if bidirectional else 1)
        sizes = [layer.proj_size or HIDDEN, HIDDEN][: 2 if kind is nn.LSTM else 1]
        state = [torch.randn(count, BATCH, size) for size in sizes]
        call = (call, tuple(state) if kind is nn.LSTM else state[0])
    recording = record(layer, call, keep=EVERY, dtype="float32")
    states = None if state is None else [part.double().numpy() for part in state]
    name = kind.__name__.lower()
    wanted = expected(layer, x.double().numpy(), lengths, states, name)
    assert set(recording.keys()) == set(wanted)
    assert recording.index.starts.tolist() == [0, *np.cumsum(lengths)]
    for key, values in wanted.items():
        np.testing.assert_allclose(np.asarray(recording[key]), values, rtol=3e-6, atol=3e-6, err_msg=str(key))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_float64_is_recovered_to_1e_12(kind: type[nn.RNNBase], bias: bool) -> None:
    layer = kind(INPUT, HIDDEN, bias=bias).double()
    spread(layer)
    x = torch.randn(40, BATCH, INPUT, dtype=torch.float64)
    with torch.no_grad():
        output, _ = layer(x)
    state = [torch.zeros(BATCH, HIDDEN, dtype=torch.float64)] * 2
    found = recover(f"{kind.__name__}Cell", x, output, state, layer.all_weights[0], EVERY)
    wanted = expected(layer, x.transpose(0, 1).numpy(), [40] * BATCH, None, "layer")
    for (_, signal), values in wanted.items():
        found_rows = found[signal].detach().transpose(0, 1).reshape(values.shape).numpy()
        np.testing.assert_allclose(found_rows, values, atol=1e-12, err_msg=signal)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_one_signal_alone_equals_the_same_signal_among_all(kind: type[nn.RNNBase]) -> None:
    layer = kind(INPUT, HIDDEN)
    x = torch.randn(STEPS, 40, INPUT)  # enough rows for the product in oneDNN
    together = record(layer, x, keep=EVERY, dtype="float32")
    for layer_name, signal in together.keys():
        alone = record(layer, x, keep=[signal], dtype="float32")
        assert alone.keys() == ((layer_name, signal),)
        np.testing.assert_allclose(alone[layer_name, signal][:], together[layer_name, signal][:], atol=1e-6)


def test_recovered_signals_have_the_gradients_of_the_steps() -> None:
    layer = nn.LSTM(INPUT, HIDDEN).double()
    x = torch.randn(STEPS, BATCH, INPUT, dtype=torch.float64, requires_grad=True)
    output, (_, last) = layer(x)
    state = [torch.zeros(BATCH, HIDDEN, dtype=torch.float64)] * 2
    cell = recover("LSTMCell", x, output, state, layer.all_weights[0], ["cell", "input_gate", "candidate"])["cell"]
    (ours,) = torch.autograd.grad(cell[-1].square().sum(), x, retain_graph=True)
    (theirs,) = torch.autograd.grad(last.square().sum(), x)
    torch.testing.assert_close(ours, theirs)


class Tagger(nn.Module):
    """A network as people write them: embedding, packed stack both ways, a second layer elsewhere, output."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, INPUT)
        self.body = nn.ModuleDict({"encoder": nn.LSTM(INPUT, HIDDEN, 2, bidirectional=True, batch_first=True)})
        self.head = nn.GRU(2 * HIDDEN, HIDDEN, batch_first=True)
        self.output = nn.Linear(HIDDEN, 2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = self.body["encoder"](input=packed)
        hidden, _ = self.head(hidden)
        padded, _ = pad_packed_sequence(hidden, batch_first=True)
        result: Tensor = self.output(padded)
        return result


def test_padding_and_neighbours_have_no_effect() -> None:
    module = Tagger()
    ids, lengths = torch.randint(11, (4, STEPS)), torch.tensor([2, STEPS, 5, 1])
    together = record(module, [(ids, lengths)], keep=EVERY, dtype="float32")
    assert together.keys()[0] == ("body.encoder.0", "input_gate")
    assert ("body.encoder.1.reverse", "cell") in together.keys()
    assert ("head.0", "reset_gate") in together.keys()
    for s, (row, length) in enumerate(zip(ids, lengths, strict=True)):
        alone = record(module, [{"ids": row[None, :length], "lengths": length[None]}], keep=EVERY, dtype="float32")
        a, b = together.index.starts[s : s + 2]
        assert together.index.symbol[a:b].tolist() == row[:length].tolist()
        for key in together.keys():
            np.testing.assert_allclose(together[key][a:b], alone[key][:], atol=2e-6, err_msg=str(key))


class Loop(nn.Module):
    """A loop of one's own over cells, with a reset in the middle that no layer could know of."""

    def __init__(self) -> None:
        super().__init__()
        self.lower = nn.LSTMCell(INPUT, HIDDEN)
        self.upper = nn.GRUCell(HIDDEN, HIDDEN, bias=False)
        self.side = nn.RNNCell(HIDDEN, HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        state: Any = None
        h = s = None
        for step, x_t in enumerate(x.unbind(1)):
            state = self.lower(x_t, state)
            if step == 3:
                state = (state[0], state[1] * 0.5)
            h = self.upper(state[0], h)
            s = self.side(h, s)
        assert s is not None
        return s


def test_cells_in_a_loop_are_read_call_by_call() -> None:
    module = Loop()
    spread(module)
    x = torch.randn(BATCH, STEPS, INPUT)
    recording = record(module, [x], keep=EVERY, dtype="float32", lengths=[STEPS, 5, 6])
    assert {layer for layer, _ in recording.keys()} == {"lower.0", "upper.0", "side.0"}
    weights = [w.detach().double().numpy() for w in module.lower.parameters()]
    for s, length in enumerate([STEPS, 5, 6]):
        steps = x[s].double().numpy()
        first = one_sequence("LSTM", weights, steps[:4], np.zeros(HIDDEN), np.zeros(HIDDEN), True)
        second = one_sequence("LSTM", weights, steps[4:], first["hidden"][-1], first["cell"][-1] * 0.5, True)
        a, b = recording.index.starts[s : s + 2]
        assert b - a == length
        for signal in first:
            whole = np.concatenate([first[signal], second[signal]])[:length]
            np.testing.assert_allclose(recording["lower.0", signal][a:b], whole, atol=2e-6, err_msg=signal)
    below = recording["lower.0", "hidden"][: recording.index.starts[1]].astype(np.float64)
    weights = [w.detach().double().numpy() for w in module.upper.parameters()]
    gru = one_sequence("GRU", weights, below, np.zeros(HIDDEN), np.zeros(HIDDEN), False)
    for signal, values in gru.items():
        np.testing.assert_allclose(recording["upper.0", signal][:STEPS], values, atol=3e-6, err_msg=signal)


class Stepwise(nn.Module):
    """A fused layer that is called one step at a time, its state carried on, as decoders do."""

    def __init__(self, carry: bool) -> None:
        super().__init__()
        self.lstm, self.carry = nn.LSTM(INPUT, HIDDEN, 2), carry

    def forward(self, x: Tensor) -> None:
        state = None
        for x_t in x:
            _, new = self.lstm(x_t[None], state)
            state = new if self.carry else None


def test_a_layer_called_step_by_step_with_its_state_is_one_sequence() -> None:
    module = Stepwise(carry=True)
    x = torch.randn(STEPS, BATCH, INPUT)
    by_steps = record(module, x, keep=EVERY, dtype="float32")
    whole = record(module.lstm, x, keep=EVERY, dtype="float32")
    for layer, signal in whole.keys():
        np.testing.assert_allclose(by_steps[layer, signal][:], whole[layer, signal][:], atol=2e-6)
    with pytest.raises(OptionError, match=rf"lstm: ran {STEPS} times .* zero state"):
        record(Stepwise(carry=False), x)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_our_own_layers_inside_a_module_read_like_torchs(kind: str) -> None:
    import naibu

    theirs = getattr(nn, kind)(INPUT, HIDDEN, 2, bidirectional=True)
    ours = getattr(naibu, kind)(INPUT, HIDDEN, 2, bidirectional=True)
    ours.load_state_dict(theirs.state_dict())
    x = pack_padded_sequence(torch.randn(STEPS, BATCH, INPUT), torch.tensor([7, 2, 4]), enforce_sorted=False)
    first, second = record(nn.Sequential(theirs), x, keep=EVERY), record(nn.Sequential(ours), x, keep=EVERY)
    assert set(first.keys()) == set(second.keys())
    for key in first.keys():
        assert key[0].startswith("0.")
        np.testing.assert_allclose(first[key][:], second[key][:], atol=2e-3)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float64])
def test_layers_of_other_precision_are_recorded(half: torch.dtype) -> None:
    layer = nn.GRU(INPUT, HIDDEN).to(half)
    x = torch.randn(STEPS, BATCH, INPUT).to(half)
    recording = record(layer, x, keep=["hidden", "candidate"])
    with torch.no_grad():
        output = layer(x)[0].float().transpose(0, 1).reshape(-1, HIDDEN)
    np.testing.assert_allclose(recording["gru.0", "hidden"][:], output, atol=1e-3)


def test_unbatched_input_is_one_sequence() -> None:
    for batch_first, layers in itertools.product([False, True], [1, 2]):
        layer = nn.LSTM(INPUT, HIDDEN, layers, batch_first=batch_first)
        x = torch.randn(STEPS, INPUT)
        alone = record(layer, [x], dtype="float32")
        batch = record(layer, x[None] if batch_first else x[:, None], dtype="float32")
        assert alone.tokens == STEPS
        for key in batch.keys():
            np.testing.assert_allclose(alone[key][:], batch[key][:], atol=1e-6)
