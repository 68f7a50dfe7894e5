"""What is recorded and held is the layer itself, whatever a subclass or a hook does around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import naibu
from naibu.errors import OptionError
from naibu.interventions import edited
from naibu.recording import record

STEPS, BATCH, SIZE = 6, 3, 4
EVERY = ("input_gate", "forget_gate", "candidate", "output_gate", "update", "cell", "hidden")


class Residual(nn.LSTM):
    def forward(self, x: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
        y, state = super().forward(x, hx)
        return y + x, state


class Doubled(nn.LSTM):
    def forward(self, x: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
        return super().forward(2 * x, hx)


class Backwards(nn.LSTM):
    def forward(self, x: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
        y, state = super().forward(x.flip(0), hx)
        return y.flip(0), state


class Dropping(nn.LSTM):
    def forward(self, x: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
        y, state = super().forward(nn.functional.dropout(x, 0.5, self.training), hx)
        return nn.functional.dropout(y, 0.5, self.training), state


class Packing(nn.LSTM):
    def forward(self, x: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
        packed = pack_padded_sequence(x, torch.tensor([2, 6, 4]), enforce_sorted=False)
        return pad_packed_sequence(super().forward(packed, hx)[0])[0]


class Last(nn.LSTM):
    def forward(self, x: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
        return super().forward(x, hx)[1][0]


class Plain(nn.LSTM):
    pass


class Alone(nn.LSTM):
    """Computes by itself."""

    def forward(self, x: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
        return torch.tanh(x @ self.weight_ih_l0[:SIZE].t()), None


def with_hook(layer: nn.LSTM, *, before: bool) -> nn.LSTM:
    if before:
        layer.register_forward_pre_hook(lambda m, args: (2 * args[0], *args[1:]))
    else:
        layer.register_forward_hook(lambda m, args, output: (0.5 * output[0], output[1]))
    return layer


def what_torch_reads(layer: nn.LSTM, x: Tensor) -> tuple[Tensor, Tensor]:
    """The input and the output of the forward of `nn.LSTM`, heard by putting ears into the class."""
    seen: list[tuple[Tensor, Tensor]] = []
    original = nn.LSTM.forward

    def ears(self: nn.LSTM, input: Any, hx: Any = None) -> Any:
        result = original(self, input, hx)
        packed = not isinstance(input, Tensor)
        padded = (pad_packed_sequence(input)[0], pad_packed_sequence(result[0])[0]) if packed else (input, result[0])
        seen.append(padded)
        return result

    nn.LSTM.forward = ears  # type: ignore[method-assign]
    try:
        with torch.no_grad():
            layer(x)
    finally:
        nn.LSTM.forward = original  # type: ignore[method-assign]
    return seen[0]


def loop(layer: nn.LSTM, x: Tensor, hold: float | None = None) -> dict[str, Tensor]:
    """Every signal `[time batch unit]` by a loop over the steps in float64; unit 1 of the cell held, if so asked."""
    w_ih, w_hh, b_ih, b_hh = (weight.detach().double() for weight in layer.all_weights[0][:4])
    found: dict[str, list[Tensor]] = {name: [] for name in EVERY}
    h = c = torch.zeros(x.shape[1], SIZE, dtype=torch.float64)
    for row in x.double():
        i, f, g, o = (row @ w_ih.t() + b_ih + h @ w_hh.t() + b_hh).chunk(4, 1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        if hold is not None:
            c[:, 1] = hold
        h = o * c.tanh()
        for name, value in zip(EVERY, (i, f, g, o, i * g, c.clone(), h), strict=True):
            found[name].append(value)
    return {name: torch.stack(values) for name, values in found.items()}


MAKERS: dict[str, Callable[[], nn.LSTM]] = {
    **{kind.__name__: (lambda kind=kind: kind(SIZE, SIZE)) for kind in (Plain, Residual, Doubled, Backwards, Dropping)},
    "Packing": lambda: Packing(SIZE, SIZE),
    "Last": lambda: Last(SIZE, SIZE),
    "hook": lambda: with_hook(nn.LSTM(SIZE, SIZE), before=False),
    "pre-hook": lambda: with_hook(nn.LSTM(SIZE, SIZE), before=True),
}
DTYPES = [torch.float32, torch.float64, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", MAKERS)
def test_signals_are_those_of_the_layer_inside(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    layer, x = MAKERS[name]().to(dtype), torch.randn(STEPS, BATCH, SIZE).to(dtype)
    torch.manual_seed(5)
    read, _ = what_torch_reads(layer, x)
    torch.manual_seed(5)
    found = record(layer, x, dtype="float32")
    wanted = loop(layer, read)
    near = 0.05 if dtype == torch.bfloat16 else 2e-6
    lengths = [2, 6, 4] if name == "Packing" else [STEPS] * BATCH
    for signal in EVERY:
        rows = torch.cat([wanted[signal][:n, b] for b, n in enumerate(lengths)])
        np.testing.assert_allclose(found[found.keys()[0][0], signal][:], rows, atol=near, err_msg=signal)


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ("Dropping", "Packing")])
def test_a_held_network_keeps_its_hooks_and_its_own_forward(name: str) -> None:
    torch.manual_seed(2)
    layer, x = MAKERS[name]().eval(), torch.randn(STEPS, BATCH, SIZE)
    read, _ = what_torch_reads(layer, x)
    hidden = loop(layer, read, hold=0.3)["hidden"].float()
    wanted = {
        "Residual": lambda: hidden + x,
        "Backwards": lambda: hidden.flip(0),
        "Last": lambda: hidden[-1:],
        "hook": lambda: 0.5 * hidden,
    }.get(name, lambda: hidden)()
    with torch.no_grad(), edited(layer, {("lstm.0", "cell"): naibu.Clamp([1], 0.3)}):
        output = layer(x)
    torch.testing.assert_close(output[0] if isinstance(output, tuple) else output, wanted, atol=1e-5, rtol=1e-5)


def test_weight_norm_is_recorded_right_and_refused_to_be_held() -> None:
    torch.manual_seed(2)
    layer, x = nn.LSTM(SIZE, SIZE), torch.randn(STEPS, BATCH, SIZE)
    with_hook(nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0"), before=False)
    found, wanted = record(layer, x, dtype="float32"), loop(layer, x)
    for signal in EVERY:
        rows = wanted[signal].transpose(0, 1).flatten(0, 1)
        np.testing.assert_allclose(found[found.keys()[0][0], signal][:], rows, atol=2e-6)
    with pytest.raises(OptionError, match="not plain ones"), edited(layer, {("lstm.0", "cell"): naibu.Clamp([1], 0.3)}):
        pass


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_forward_of_ones_own_that_torch_never_sees_is_refused(wrapped: bool) -> None:
    layer: nn.LSTM = Alone(SIZE, SIZE)
    if wrapped:  # the old forward, held from before, goes around whatever stands in its place
        layer = nn.LSTM(SIZE, SIZE)
        inside = layer.forward
        layer.forward = lambda x: inside(2 * x)  # type: ignore[method-assign, assignment]
    with pytest.raises(OptionError, match="computes in a forward of its own"):
        record(layer, torch.randn(STEPS, BATCH, SIZE))


def test_a_cells_hook_does_not_change_what_it_did() -> None:
    torch.manual_seed(2)

    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(SIZE, SIZE)
            self.cell.register_forward_hook(lambda m, args, output: (output[0] * 0.5, output[1]))

        def forward(self, x: Tensor) -> Tensor:
            state = None
            for row in x:
                state = self.cell(row, state)
            assert state is not None
            return state[0]

    module, x = Loop(), torch.randn(STEPS, BATCH, SIZE)
    found = record(module, x, dtype="float32")
    cell = module.cell
    h = c = torch.zeros(BATCH, SIZE)
    hidden = []
    with torch.no_grad():
        for row in x:
            gates = row @ cell.weight_ih.t() + cell.bias_ih + h @ cell.weight_hh.t() + cell.bias_hh
            i, f, g, o = gates.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            hidden.append(o.sigmoid() * c.tanh())
            h = 0.5 * hidden[-1]
    rows = torch.stack(hidden).transpose(0, 1).flatten(0, 1)
    np.testing.assert_allclose(found["cell.0", "hidden"][:], rows, atol=2e-6)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("kind", ["quantised", "scripted"])
def test_a_layer_that_only_sounds_like_torchs_is_named_with_where_it_is_from(kind: str) -> None:
    if kind == "quantised":
        module: nn.Module = torch.ao.nn.quantizable.LSTM(SIZE, SIZE)
        match = r"torch\.ao\.nn\.quantizable\.\S*LSTM"
    else:
        module, match = torch.jit.script(nn.LSTM(SIZE, SIZE)), "RecursiveScriptModule of LSTM"
    with pytest.raises(OptionError, match=match):
        record(module, torch.randn(STEPS, BATCH, SIZE))
