"""The gates and cells of a fused layer, recovered from its output without running it step by step.

A fused layer returns h at every step, so what enters step t, x_t and h_{t-1}, is known for all steps at once:
one matrix product gives every pre-activation, and an elementwise scan gives c. A few units in the last place
separate the result from a loop over the steps, for the sums are added in another order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.elman import ElmanCell
from naibu.cells.gru import GRUCell
from naibu.cells.lstm import LSTMCell
from naibu.cells.products import padded_rows, product

LSTM_SIGNALS, GRU_SIGNALS, ELMAN_SIGNALS = LSTMCell.signals, GRUCell.signals, ElmanCell.signals


def recover(
    cell: str,
    x: Tensor,
    output: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    keep: Collection[str],
) -> dict[str, Tensor]:
    """Return the signals named in `keep`, each `[time batch hidden]`, of one layer that has run in one direction.

    `cell` is "LSTMCell", "GRUCell", "ElmanCell" or "ElmanReLUCell"; `x [time batch input]` what the layer read,
    `output [time batch hidden]` what it returned, `state` where it began, `(hidden,)` or `(hidden, cell)`, each
    `[batch hidden]`; `weights` its weight_ih, weight_hh and, where it has biases, bias_ih and bias_hh, in torch's
    order of gates. `hidden` is `output` itself.
    """
    wanted = {name for name in keep if name != "hidden"}
    found: dict[str, Tensor] = {}
    if wanted:
        bias_ih, bias_hh = weights[2:4] if len(weights) >= 4 else (None, None)
        previous = hidden_previous(output, state[0])
        if cell == "LSTMCell":
            found = recover_lstm(x, previous, state[1], weights[0], weights[1], bias_ih, bias_hh, wanted)
        elif cell == "GRUCell":
            found = recover_gru(x, previous, weights[0], weights[1], bias_ih, bias_hh, wanted)
    if "hidden" in keep:
        found["hidden"] = output
    return found


def hidden_previous(output: Tensor, hidden0: Tensor) -> Tensor:
    """Return h_{t-1} for every step t, `[time batch hidden]`, from the outputs and the initial state."""
    return torch.cat([hidden0[None].to(output.dtype), output[:-1]])


def recover_lstm(
    x: Tensor,
    hidden_previous: Tensor,
    cell0: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    keep: Collection[str],
) -> dict[str, Tensor]:
    """Return the LSTM's signals named in `keep` except `hidden`, each `[time batch hidden]`.

    `x [time batch input]`, `hidden_previous [time batch hidden]` (of a layer with a projection, the projected
    h), `cell0 [batch hidden]`; the weights as torch stacks them, i f g o. Padding after the end of a sequence
    does no harm to the steps before it. Only the rows of the product that `keep` needs are computed.
    """
    size = cell0.shape[-1]
    update, cell = "update" in keep or "cell" in keep, "cell" in keep
    needed = [
        "input_gate" in keep or update,
        "forget_gate" in keep or cell,
        "candidate" in keep or update,
        "output_gate" in keep,
    ]
    if not any(needed):
        return {}
    first, last = needed.index(True), 4 - needed[::-1].index(True)
    z = _product(x, hidden_previous, weight_ih, weight_hh, bias_ih, bias_hh, slice(first * size, last * size))
    gates = {name: z.narrow(-1, k * size, size) for k, name in enumerate(LSTM_SIGNALS[first:last])}
    for name, gate, is_needed in zip(gates, gates.values(), needed[first:last], strict=True):
        if is_needed:
            gates[name] = _tanh(gate) if name == "candidate" else _sigmoid(gate)
    if update:
        gates["update"] = gates["input_gate"] * gates["candidate"]
    if cell:
        gates["cell"] = _scan(gates["update"], gates["forget_gate"], cell0)
    return {name: gates[name] for name in LSTM_SIGNALS if name in keep and name in gates}


def recover_gru(
    x: Tensor,
    hidden_previous: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    keep: Collection[str],
) -> dict[str, Tensor]:
    """Return the GRU's signals named in `keep` except `hidden`, each `[time batch hidden]`.

    The weights as torch stacks them, r z n, with the reset gate after the product: n = tanh(W_xn x + b_xn +
    r * (W_hn h + b_hn)).
    """
    size = hidden_previous.shape[-1]
    wanted = {"reset_gate": "reset_gate" in keep or "candidate" in keep, "update_gate": "update_gate" in keep}
    first, last = (0 if wanted["reset_gate"] else 1), (2 if wanted["update_gate"] else 1)
    found: dict[str, Tensor] = {}
    if first < last:
        rows = slice(first * size, last * size)
        z = _product(x, hidden_previous, weight_ih, weight_hh, bias_ih, bias_hh, rows)
        z = _sigmoid(z)
        found = {name: z.narrow(-1, k * size, size) for k, name in enumerate(GRU_SIGNALS[first:last])}
    if "candidate" in keep:
        rows = slice(2 * size, 3 * size)
        n = _linear(hidden_previous, weight_hh[rows], None if bias_hh is None else bias_hh[rows])
        n = n.mul_(found["reset_gate"]) if not n.requires_grad else n * found["reset_gate"]
        n = n + _linear(x, weight_ih[rows], None if bias_ih is None else bias_ih[rows])
        found["candidate"] = _tanh(n)
    return {name: found[name] for name in GRU_SIGNALS if name in keep and name in found}


def _product(
    x: Tensor,
    hidden_previous: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    rows: slice,
) -> Tensor:
    """Return W_ih x + b_ih + W_hh h + b_hh for all steps, `[time batch rows]`, of the rows chosen."""
    both = torch.cat([x, hidden_previous], -1)
    weight = torch.cat([weight_ih[rows], weight_hh[rows]], -1)
    bias = None if bias_ih is None or bias_hh is None else bias_ih[rows] + bias_hh[rows]
    return _linear(both, weight, bias)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return W x + b, `[time batch rows]`, by the fastest library where no gradient is asked for."""
    if torch.is_grad_enabled():
        return functional.linear(x, weight, bias)
    count = x.shape[:-1].numel()
    padded = functional.pad(x.reshape(count, x.shape[-1]), (0, 0, 0, padded_rows(count) - count))
    return product(padded, weight, bias)[:count].view(*x.shape[:-1], len(weight))


def _sigmoid(z: Tensor) -> Tensor:
    """Return sigmoid(z), in place where no gradient is asked for."""
    return z.sigmoid() if z.requires_grad else z.sigmoid_()


def _tanh(z: Tensor) -> Tensor:
    """Return tanh(z), in place where no gradient is asked for.

    torch's float32 tanh on a CPU costs ten times its sigmoid, so tanh(z) = 2 sigmoid(2 z) - 1 is taken there;
    the error is 1e-7 of the largest value, not of small ones.
    """
    if z.requires_grad or z.device.type != "cpu" or z.dtype != torch.float32:
        return z.tanh()
    return z.mul_(2).sigmoid_().mul_(2).sub_(1)


def _scan(update: Tensor, forget_gate: Tensor, cell0: Tensor) -> Tensor:
    """Return c_t = f_t * c_{t-1} + update_t for all steps, `[time batch hidden]`."""
    if torch.is_grad_enabled() and update.requires_grad:
        c, cells = cell0, []
        for f, u in zip(forget_gate.unbind(), update.unbind(), strict=True):
            c = torch.addcmul(u, f, c)
            cells.append(c)
        return torch.stack(cells)
    scanned = torch.empty_like(update)
    c = cell0.to(update.dtype)
    for f, u, new in zip(forget_gate.unbind(), update.unbind(), scanned.unbind(), strict=True):
        torch.addcmul(u, f, c, out=new)
        c = new
    return scanned
