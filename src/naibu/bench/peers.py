"""One layer computed by ours and by its peers, on the same weights and input: what the rounds call in turn.

onnxruntime (with onnx, which exports to it) and JAX join where they are installed; they are no dependencies.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.dlpack import from_dlpack

from naibu.cells.swap import ours

Calls = dict[str, Callable[[], Any]]
CELLS: dict[str, tuple[Callable[..., nn.RNNBase], Callable[..., nn.RNNCellBase]]] = {
    "lstm": (nn.LSTM, nn.LSTMCell),
    "gru": (nn.GRU, nn.GRUCell),
    "rnn": (nn.RNN, nn.RNNCell),
}
OPTIONAL = {"onnxruntime": ("onnxruntime", "onnx"), "jax": ("jax",), "gensim": ("gensim",)}
"""Peers that join where these packages are installed."""


class Contest:
    """A layer with as many inputs as hidden units, and everybody's way to compute it.

    `x [time batch input]`. Each call returns the output `[time batch hidden]`, or the gradients of its sum: of the
    input first, then of the parameters in torch's order.
    """

    def __init__(self, cell: str, hidden: int, batch: int, steps: int) -> None:
        self.cell = cell
        self.torch = CELLS[cell][0](hidden, hidden)
        self.ours = ours(self.torch)
        with torch.device("meta"):
            self.torch_cell = CELLS[cell][1](hidden, hidden)
        for name, parameter in self.torch.named_parameters():
            self.torch_cell._parameters[name.removesuffix("_l0")] = parameter
        self.x = torch.randn(steps, batch, hidden)
        self.x_training = self.x.clone().requires_grad_()

    def forward(self) -> Calls:
        """Return the calls that run the layer; `recording` is ours with every signal kept."""
        every = self.ours.cell_type.signals

        def recording() -> Tensor:
            return self.ours.signals(self.x, keep=every).output

        calls = {
            "naibu": lambda: self.ours(self.x)[0],
            "recording": recording,
            "torch": lambda: self.torch(self.x)[0],
            "loop": lambda: _loop(self.torch_cell, self.x),
        }
        calls = {name: _without_gradients(call) for name, call in calls.items()}
        if there("onnxruntime"):
            calls["onnxruntime"] = _onnxruntime(self.torch, self.x)
        if there("jax"):
            jax = _Jax(self)
            calls |= {"jax": jax.forward, "jax_recording": jax.recording}
        return calls

    def training(self) -> Calls:
        """Return the calls that run the layer forward and backward, to the input and all parameters."""
        calls = {
            "naibu": lambda: _gradients(self.ours(self.x_training)[0], self.ours, self.x_training),
            "torch": lambda: _gradients(self.torch(self.x_training)[0], self.torch, self.x_training),
            "loop": lambda: _gradients(_loop(self.torch_cell, self.x_training), self.torch, self.x_training),
        }
        return calls | ({"jax": _Jax(self).training} if there("jax") else {})

    def check(self, calls: Mapping[str, Callable[[], Any]], tolerance: float = 1e-3) -> None:
        """Assert that all compute the same thing: a quick peer that is wrong is none."""
        expected = _tensors(calls["torch"]())
        for name, call in calls.items():
            for mine, other in zip(_tensors(call()), expected, strict=True):
                error = (mine.view_as(other) - other).abs().max() / other.abs().max()
                assert error < tolerance, f"{name} differs from torch by {error:.1e}"


def there(peer: str) -> bool:
    """Return whether what an optional peer needs is installed."""
    return all(find_spec(package) is not None for package in OPTIONAL[peer])


def _without_gradients(call: Callable[[], Tensor]) -> Callable[[], Tensor]:
    def quietly() -> Tensor:
        with torch.no_grad():
            return call()

    return quietly


def _loop(cell: nn.RNNCellBase, x: Tensor) -> Tensor:
    state, outputs = None, []
    for each in x.unbind():
        state = cell(each, state)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(outputs)


def _gradients(output: Tensor, layer: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(output.sum(), [x, *layer.parameters()])


def _tensors(found: Any) -> list[Tensor]:
    return [torch.as_tensor(each) for each in (found if isinstance(found, tuple) else (found,))]


def _onnxruntime(layer: nn.RNNBase, x: Tensor) -> Callable[[], Any]:
    """Return onnxruntime's forward pass of a layer, with as many threads as torch."""
    import onnxruntime

    file, log = io.BytesIO(), logging.getLogger("torch.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's: of its age, and of a batch size that is fixed
        log_level = log.level
        log.setLevel(logging.ERROR)
        torch.onnx.export(layer, (x,), cast(Any, file), dynamo=False, input_names=["x"])
        log.setLevel(log_level)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    # Its threads would go on spinning after a run, and take the processor from whoever is next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    feed = {"x": x.numpy()}
    return lambda: session.run(None, feed)[0]


class _Jax:
    """The layer as a scan in JAX; it always takes as many threads as there are processors."""

    def __init__(self, contest: Contest) -> None:
        import jax
        from jax import numpy as jnp

        weights = tuple(jnp.asarray(each.detach().numpy()) for each in contest.torch.parameters())
        x, hidden = jnp.asarray(contest.x.numpy()), contest.torch.hidden_size
        step = {"lstm": _jax_lstm, "gru": _jax_gru, "rnn": _jax_rnn}[contest.cell]
        zero = jnp.zeros((x.shape[1], hidden))

        def run(x: Any, *weights: Any) -> Any:
            projected = x @ weights[0].T + weights[2]

            def once(state: Any, z: Any) -> Any:
                return step(z, state, weights[1].T, weights[3])

            return jax.lax.scan(once, (zero, zero), projected)[1]

        def ready(function: Any) -> Callable[[], Any]:
            compiled = jax.jit(function)
            return lambda: jax.block_until_ready(compiled(x, *weights))

        # what a compiler may leave out when only the output is asked for, it must keep for the recording
        forward, recording = ready(lambda *given: run(*given)[0]), ready(run)
        training = ready(jax.grad(lambda *given: run(*given)[0].sum(), argnums=tuple(range(5))))
        self.forward = lambda: _from_jax(forward())
        self.recording = lambda: _from_jax(recording()[0])
        self.training = lambda: tuple(_from_jax(each) for each in training())


def _from_jax(array: Any) -> Tensor:
    return from_dlpack(array)


def _jax_lstm(z: Any, state: Any, w_hh: Any, b_hh: Any) -> Any:
    from jax import nn as jnn
    from jax import numpy as jnp

    h, c = state
    i, f, g, o = jnp.split(z + h @ w_hh + b_hh, 4, -1)
    i, f, g, o = jnn.sigmoid(i), jnn.sigmoid(f), jnp.tanh(g), jnn.sigmoid(o)
    c = f * c + i * g
    h = o * jnp.tanh(c)
    return (h, c), (h, i, f, g, o, i * g, c)


def _jax_gru(z: Any, state: Any, w_hh: Any, b_hh: Any) -> Any:
    from jax import nn as jnn
    from jax import numpy as jnp

    h, c = state
    xr, xz, xn = jnp.split(z, 3, -1)
    hr, hz, hn = jnp.split(h @ w_hh + b_hh, 3, -1)
    r, u = jnn.sigmoid(xr + hr), jnn.sigmoid(xz + hz)
    n = jnp.tanh(xn + r * hn)
    h = (1 - u) * n + u * h
    return (h, c), (h, r, u, n)


def _jax_rnn(z: Any, state: Any, w_hh: Any, b_hh: Any) -> Any:
    from jax import numpy as jnp

    h, c = state
    h = jnp.tanh(z + h @ w_hh + b_hh)
    return (h, c), (h,)
