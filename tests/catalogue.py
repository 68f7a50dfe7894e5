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


@dataclass(frozen=True)
class Entry:
    name: str
    cell: type[Cell]
    by_hand: Callable[..., dict[str, Tensor]]
    torch_cell: Callable[..., nn.Module]
    layer: Callable[..., Recurrent]
    torch_layer: Callable[..., nn.Module]

    def twins(self, *args: Any, **options: Any) -> tuple[Recurrent, nn.Module]:
        """Our layer and torch's, in float64, with the same weights."""
        ours, theirs = self.layer(*args, **options).double(), self.torch_layer(*args, **options).double()
        theirs.load_state_dict(ours.state_dict())
        return ours, theirs


CELLS = [
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
