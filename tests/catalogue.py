"""Every cell and layer with its torch twin and its equations written out again: the general tests run over these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from naibu.cells.base import Cell
from naibu.cells.elman import ElmanCell, ElmanReLUCell
from naibu.cells.gru import GRUCell
from naibu.cells.layers import GRU, LSTM, RNN, Recurrent
from naibu.cells.lstm import LSTMCell
from naibu.cells.ntm import NTMCell, with_memory
from naibu.cells.variants import LAYERS, layer_of


def sigmoid(a: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-a))


def lstm_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    h, c, n = parts["hidden"], parts["cell"], cell.hidden_size
    a = x @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh
    i, f, g, o = (a[:, k * n : (k + 1) * n] for k in range(4))
    i, f, g, o = sigmoid(i), sigmoid(f), torch.tanh(g), sigmoid(o)
    c = f * c + i * g
    return {
        "input_gate": i,
        "forget_gate": f,
        "candidate": g,
        "output_gate": o,
        "update": i * g,
        "cell": c,
        "hidden": o * torch.tanh(c),
    }


def gru_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    h, n = parts["hidden"], cell.hidden_size
    rows = [slice(k * n, (k + 1) * n) for k in range(3)]
    ax = [x @ cell.weight_ih[rows[k]].T + cell.bias_ih[rows[k]] for k in range(3)]
    ah = [h @ cell.weight_hh[rows[k]].T + cell.bias_hh[rows[k]] for k in range(3)]
    r, z = sigmoid(ax[0] + ah[0]), sigmoid(ax[1] + ah[1])
    candidate = torch.tanh(ax[2] + r * ah[2])
    return {"reset_gate": r, "update_gate": z, "candidate": candidate, "hidden": (1 - z) * candidate + z * h}


def elman_by_hand(squash: Callable[[Tensor], Tensor]) -> Callable[..., dict[str, Tensor]]:
    def by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        a = x @ cell.weight_ih.T + cell.bias_ih + parts["hidden"] @ cell.weight_hh.T + cell.bias_hh
        return {"hidden": squash(a)}

    return by_hand


def pre_activations(cell: Cell, x: Tensor, h: Tensor) -> dict[str, Tensor]:
    """W x + U h + b of every gate, row block by row block, by its name."""
    n, found = cell.hidden_size, {}
    for k, gate in enumerate(cell.gates):
        block = slice(k * n, (k + 1) * n)
        found[gate] = x @ cell.weight_ih[block].T + cell.bias_ih[block]
        if "weight_hh" in dict(cell.named_parameters()):
            found[gate] = found[gate] + h @ cell.weight_hh[block].T + cell.bias_hh[block]
    return found


def feedforward_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"hidden": torch.tanh(x @ cell.weight_ih.T + cell.bias_ih)}


def lstm1997_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    a = pre_activations(cell, x, parts["hidden"])
    i, o = sigmoid(a["input_gate"]), sigmoid(a["output_gate"])
    g = 4 / (1 + torch.exp(-a["candidate"])) - 2
    c = parts["cell"] + i * g
    h = o * (2 / (1 + torch.exp(-c)) - 1)
    return {"input_gate": i, "candidate": g, "output_gate": o, "update": i * g, "cell": c, "hidden": h}


def peephole_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    a, c = pre_activations(cell, x, parts["hidden"]), parts["cell"]
    i = sigmoid(a["input_gate"] + c @ torch.diag(cell.peephole_input))
    f = sigmoid(a["forget_gate"] + c @ torch.diag(cell.peephole_forget))
    g = torch.tanh(a["candidate"])
    c = f * c + i * g
    o = sigmoid(a["output_gate"] + c @ torch.diag(cell.peephole_output))
    h = o * torch.tanh(c)
    return {
        "input_gate": i,
        "forget_gate": f,
        "candidate": g,
        "update": i * g,
        "cell": c,
        "output_gate": o,
        "hidden": h,
    }


def lstm_without(gate: str) -> Callable[..., dict[str, Tensor]]:
    """The LSTM's equations with one gate at 1; with "coupled" f = 1 - i."""

    def by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        a = pre_activations(cell, x, parts["hidden"])
        gates = {name: sigmoid(a[name]) for name in ("input_gate", "forget_gate", "output_gate") if name in a}
        if gate == "coupled":
            gates["forget_gate"] = 1 - gates["input_gate"]
        i, f, o = (gates.get(name, 1.0) for name in ("input_gate", "forget_gate", "output_gate"))
        g = torch.tanh(a["candidate"])
        c = f * parts["cell"] + i * g
        assert gate == "coupled" or gate not in gates
        return {**gates, "candidate": g, "update": i * g, "cell": c, "hidden": o * torch.tanh(c)}

    return by_hand


def cheat_sheet_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    a, n = parts["hidden"], cell.hidden_size
    W, U, b = cell.weight_ih, cell.weight_hh, cell.bias_ih + cell.bias_hh
    gamma_u, gamma_r, gamma_f, gamma_o = (
        sigmoid(x @ W[k * n : (k + 1) * n].T + a @ U[k * n : (k + 1) * n].T + b[k * n : (k + 1) * n]) for k in range(4)
    )
    # W_c [Gamma_r * a, x] + b_c, of the two laid side by side
    W_c = torch.cat([U[4 * n :], W[4 * n :]], 1)
    c_tilde = torch.tanh(torch.cat([gamma_r * a, x], 1) @ W_c.T + b[4 * n :])
    c = gamma_u * c_tilde + gamma_f * parts["cell"]
    return {
        "update_gate": gamma_u,
        "relevance_gate": gamma_r,
        "forget_gate": gamma_f,
        "output_gate": gamma_o,
        "candidate": c_tilde,
        "update": gamma_u * c_tilde,
        "cell": c,
        "hidden": gamma_o * c,
    }


def gru_reset_before_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    h, n = parts["hidden"], cell.hidden_size
    b = cell.bias_ih + cell.bias_hh
    r = sigmoid(x @ cell.weight_ih[:n].T + h @ cell.weight_hh[:n].T + b[:n])
    z = sigmoid(x @ cell.weight_ih[n : 2 * n].T + h @ cell.weight_hh[n : 2 * n].T + b[n : 2 * n])
    candidate = torch.tanh(x @ cell.weight_ih[2 * n :].T + (r * h) @ cell.weight_hh[2 * n :].T + b[2 * n :])
    return {"reset_gate": r, "update_gate": z, "candidate": candidate, "hidden": z * h + (1 - z) * candidate}


def normalised(z: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    centred = z - z.sum(1, keepdim=True) / z.shape[1]
    variance = (centred**2).sum(1, keepdim=True) / z.shape[1]
    return gain * centred / (variance + 1e-5) ** 0.5 + bias


def layer_norm_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    n = cell.hidden_size
    a = normalised(parts["hidden"] @ cell.weight_hh.T, cell.norm_hh_weight, cell.norm_hh_bias)
    a = a + normalised(x @ cell.weight_ih.T, cell.norm_ih_weight, cell.norm_ih_bias) + cell.bias_ih + cell.bias_hh
    i, f, o = sigmoid(a[:, :n]), sigmoid(a[:, n : 2 * n]), sigmoid(a[:, 3 * n :])
    g = torch.tanh(a[:, 2 * n : 3 * n])
    c = f * parts["cell"] + i * g
    h = o * torch.tanh(normalised(c, cell.norm_cell_weight, cell.norm_cell_bias))
    return {
        "input_gate": i,
        "forget_gate": f,
        "candidate": g,
        "output_gate": o,
        "update": i * g,
        "cell": c,
        "hidden": h,
    }


def min_lstm_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    a = pre_activations(cell, x, parts["hidden"])
    i, f, g = sigmoid(a["input_gate"]), sigmoid(a["forget_gate"]), a["candidate"]
    f, i = f / (f + i), i / (f + i)
    return {"input_gate": i, "forget_gate": f, "candidate": g, "update": i * g, "hidden": f * parts["hidden"] + i * g}


def min_gru_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    a = pre_activations(cell, x, parts["hidden"])
    z, n = sigmoid(a["update_gate"]), a["candidate"]
    return {"update_gate": z, "candidate": n, "update": z * n, "hidden": (1 - z) * parts["hidden"] + z * n}


def slstm_by_hand(log_forget: Callable[[Tensor], Tensor]) -> Callable[..., dict[str, Tensor]]:
    def by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        a = pre_activations(cell, x, parts["hidden"])
        log_i, log_f, m_old = a["input_gate"], log_forget(a["forget_gate"]), parts["stabiliser"]
        m = torch.stack([log_f + m_old, log_i]).amax(0)
        i, f = torch.exp(log_i - m), torch.exp(log_f + m_old - m)
        g, o = torch.tanh(a["candidate"]), sigmoid(a["output_gate"])
        c, n = f * parts["cell"] + i * g, f * parts["normaliser"] + i
        return {
            "stabiliser": m,
            "input_gate": i,
            "forget_gate": f,
            "candidate": g,
            "output_gate": o,
            "update": i * g,
            "cell": c,
            "normaliser": n,
            "hidden": o * (c / n),
        }

    return by_hand


def ntm_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    """Graves et al. 2014, sequence by sequence and location by location, eqs. 2 to 9 as numbered there."""
    rows = [ntm_row(cell, *(part[b] for part in (x, *parts.values()))) for b in range(len(x))]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def ntm_row(
    cell: Cell, x: Tensor, h: Tensor, c: Tensor, r: Tensor, memory: Tensor, w_read: Tensor, w_write: Tensor
) -> dict[str, Tensor]:
    n, N, M = cell.hidden_size, cell.locations, cell.memory_width
    a = cell.weight_ih @ x + cell.weight_hh @ h + cell.weight_read @ r + cell.bias_ih + cell.bias_hh
    i, f, g, o = sigmoid(a[:n]), sigmoid(a[n : 2 * n]), torch.tanh(a[2 * n : 3 * n]), sigmoid(a[3 * n :])
    seen = {"input_gate": i, "forget_gate": f, "candidate": g, "output_gate": o, "update": i * g}
    seen["cell"] = f * c + i * g
    seen["controller"] = o * torch.tanh(seen["cell"])
    z = cell.weight_heads @ seen["controller"] + cell.bias_heads
    names = ("read_key", "write_key", "add", "read_gate", "write_gate", "erase", "read_strength", "write_strength")
    names += ("read_sharpening", "write_sharpening", "read_shift", "write_shift")
    sizes = (M, M, M, 1, 1, M, 1, 1, 1, 1, 3, 3)
    block = dict(zip(names, z.split(sizes), strict=True))
    old = memory.view(N, M)
    weightings = {}
    for head, w in (("read", w_read), ("write", w_write)):
        k = seen[f"{head}_key"] = torch.tanh(block[f"{head}_key"])
        beta = seen[f"{head}_strength"] = torch.log(1 + torch.exp(block[f"{head}_strength"]))
        gate = seen[f"{head}_gate"] = sigmoid(block[f"{head}_gate"])
        s = seen[f"{head}_shift"] = torch.exp(block[f"{head}_shift"]) / torch.exp(block[f"{head}_shift"]).sum()
        gamma = seen[f"{head}_sharpening"] = 1 + torch.log(1 + torch.exp(block[f"{head}_sharpening"]))
        K = torch.stack([(k @ v) / ((k @ k) * (v @ v) + 1e-6) ** 0.5 for v in old])  # (6)
        w_c = torch.exp(beta * K) / torch.exp(beta * K).sum()  # (5)
        w_g = gate * w_c + (1 - gate) * w  # (7)
        share = {0: s[1], 1: s[2], N - 1: s[0]}  # of moves by 0, +1, -1, modulo N
        w_s = torch.stack([sum(w_g[j] * share.get((at - j) % N, 0.0) for j in range(N)) for at in range(N)])  # (8)
        weightings[head] = seen[f"{head}_weighting"] = w_s**gamma / (w_s**gamma).sum()  # (9)
    e, add = sigmoid(block["erase"]), torch.tanh(block["add"])
    erased = torch.stack([v * (1 - w * e) for v, w in zip(old, weightings["write"], strict=True)])  # (3)
    new = torch.stack([v + w * add for v, w in zip(erased, weightings["write"], strict=True)])  # (4)
    read = sum(w * v for v, w in zip(new, weightings["read"], strict=True))  # (2)
    hidden = seen["controller"] + cell.weight_shown @ read
    return {**seen, "erase": e, "add": add, "memory": new.flatten(), "read": read, "hidden": hidden}


def stack_rnn_by_hand(cell: Cell, x: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    size, h = cell.size, parts["hidden"]
    old = [*parts["places"].split(size, 1), torch.zeros(len(x), size).double()]
    a = x @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh + old[0] @ cell.weight_stack.T
    h = torch.tanh(a)
    e = torch.exp(h @ cell.weight_action.T + cell.bias_action)
    action = e / e.sum(1, keepdim=True)
    push, pop, stay = (action[:, k : k + 1] for k in range(3))
    v = h @ cell.weight_pushed.T + cell.bias_pushed
    new = [
        push * above + pop * below + stay * here for above, here, below in zip([v, *old], old, old[1:], strict=False)
    ]
    seen = (new + [torch.zeros(len(x), size).double()] * cell.seen)[: cell.seen]
    return {"hidden": h, "action": action, "pushed": v, "stack": torch.cat(seen, 1), "places": torch.cat(new, 1)}


@dataclass(frozen=True)
class Entry:
    name: str
    cell: type[Cell]
    by_hand: Callable[..., dict[str, Tensor]]
    torch_cell: Callable[..., nn.Module] | None
    layer: Callable[..., Recurrent]
    torch_layer: Callable[..., nn.Module] | None

    def twins(self, *args: Any, **options: Any) -> tuple[Recurrent, nn.Module]:
        """Our layer and torch's, in float64, with the same weights."""
        assert self.torch_layer is not None
        ours, theirs = self.layer(*args, **options).double(), self.torch_layer(*args, **options).double()
        theirs.load_state_dict(ours.state_dict())
        return ours, theirs


TORCHS = [
    Entry("lstm", LSTMCell, lstm_by_hand, nn.LSTMCell, LSTM, nn.LSTM),
    Entry("gru", GRUCell, gru_by_hand, nn.GRUCell, GRU, nn.GRU),
    Entry("rnn-tanh", ElmanCell, elman_by_hand(torch.tanh), nn.RNNCell, RNN, nn.RNN),
    Entry(
        "rnn-relu",
        ElmanReLUCell,
        elman_by_hand(lambda a: a * (a > 0)),
        lambda i, h: nn.RNNCell(i, h, nonlinearity="relu"),
        lambda *a, **k: RNN(*a, nonlinearity="relu", **k),
        lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k),
    ),
]
"""The cells that torch has too."""


def entry(name: str, by_hand: Callable[..., dict[str, Tensor]]) -> Entry:
    """A cell that torch does not have, by the name that a configuration has for it."""
    return Entry(name, LAYERS[name].cell_type, by_hand, None, LAYERS[name], None)


VARIANTS = [
    entry("one-to-one", feedforward_by_hand),
    entry("lstm-1997", lstm1997_by_hand),
    entry("lstm-peephole", peephole_by_hand),
    entry("lstm-coupled", lstm_without("coupled")),
    entry("lstm-no-input-gate", lstm_without("input_gate")),
    entry("lstm-no-forget-gate", lstm_without("forget_gate")),
    entry("lstm-no-output-gate", lstm_without("output_gate")),
    entry("lstm-cheat-sheet", cheat_sheet_by_hand),
    entry("lstm-layer-norm", layer_norm_by_hand),
    entry("gru-reset-before", gru_reset_before_by_hand),
    entry("min-lstm", min_lstm_by_hand),
    entry("min-gru", min_gru_by_hand),
    entry("slstm", slstm_by_hand(lambda a: torch.log(sigmoid(a)))),
    entry("slstm-exponential", slstm_by_hand(lambda a: a)),
    Entry("ntm", SMALL := with_memory(NTMCell, 5, 2), ntm_by_hand, None, layer_of(SMALL, "ntm"), None),
    entry("stack-rnn", stack_rnn_by_hand),
]
CELLS = [*TORCHS, *VARIANTS]
