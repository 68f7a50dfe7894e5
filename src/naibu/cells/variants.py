"""The layer of every cell, and the name by which a configuration asks for it."""

from __future__ import annotations

from naibu.cells.ablations import NoForgetGateLSTMCell, NoInputGateLSTMCell, NoOutputGateLSTMCell
from naibu.cells.base import Cell
from naibu.cells.cheat_sheet import CheatSheetLSTMCell
from naibu.cells.coupled import CoupledLSTMCell
from naibu.cells.elman import ElmanReLUCell
from naibu.cells.feedforward import FeedForwardCell
from naibu.cells.gru_reset_before import GRUResetBeforeCell
from naibu.cells.layer_norm import LayerNormLSTMCell
from naibu.cells.layers import GRU, LSTM, RNN, Recurrent
from naibu.cells.lstm1997 import LSTM1997Cell
from naibu.cells.minimal import MinGRUCell, MinLSTMCell
from naibu.cells.ntm import NTMCell
from naibu.cells.peephole import PeepholeLSTMCell
from naibu.cells.slstm import SLSTMCell, SLSTMExponentialCell
from naibu.cells.stack import StackRNNCell


class FeedForward(Recurrent):
    """Layers without recurrence, with the arguments of a recurrent layer."""

    cell_type = FeedForwardCell
    name = "feedforward"


class ElmanReLU(Recurrent):
    """Layers of `ElmanReLUCell`: `RNN(..., nonlinearity="relu")` under a name of its own."""

    cell_type = ElmanReLUCell
    name = "rnn"


class LSTM1997(Recurrent):
    """Layers of `LSTM1997Cell`: no forget gate."""

    cell_type = LSTM1997Cell
    name = "lstm"


class PeepholeLSTM(Recurrent):
    """Layers of `PeepholeLSTMCell`: gates that see the cell."""

    cell_type = PeepholeLSTMCell
    name = "lstm"


class CoupledLSTM(Recurrent):
    """Layers of `CoupledLSTMCell`: f = 1 - i."""

    cell_type = CoupledLSTMCell
    name = "lstm"


class NoInputGateLSTM(Recurrent):
    """Layers of `NoInputGateLSTMCell`: i = 1."""

    cell_type = NoInputGateLSTMCell
    name = "lstm"


class NoForgetGateLSTM(Recurrent):
    """Layers of `NoForgetGateLSTMCell`: f = 1."""

    cell_type = NoForgetGateLSTMCell
    name = "lstm"


class NoOutputGateLSTM(Recurrent):
    """Layers of `NoOutputGateLSTMCell`: o = 1."""

    cell_type = NoOutputGateLSTMCell
    name = "lstm"


class CheatSheetLSTM(Recurrent):
    """Layers of `CheatSheetLSTMCell`: a relevance gate in the candidate, no tanh at the output."""

    cell_type = CheatSheetLSTMCell
    name = "lstm"


class GRUResetBefore(Recurrent):
    """Layers of `GRUResetBeforeCell`: the reset gate before the product."""

    cell_type = GRUResetBeforeCell
    name = "gru"


class LayerNormLSTM(Recurrent):
    """Layers of `LayerNormLSTMCell`: pre-activations and cell normalised over the layer."""

    cell_type = LayerNormLSTMCell
    name = "lstm"


class MinLSTM(Recurrent):
    """Layers of `MinLSTMCell`, all steps at once."""

    cell_type = MinLSTMCell
    name = "min_lstm"


class MinGRU(Recurrent):
    """Layers of `MinGRUCell`, all steps at once."""

    cell_type = MinGRUCell
    name = "min_gru"


class SLSTM(Recurrent):
    """Layers of `SLSTMCell`: exponential input gate, sigmoid forget gate."""

    cell_type = SLSTMCell
    name = "slstm"


class SLSTMExponential(Recurrent):
    """Layers of `SLSTMExponentialCell`: both gates exponential."""

    cell_type = SLSTMExponentialCell
    name = "slstm"


class NTM(Recurrent):
    """Layers of `NTMCell`: an LSTM with a memory that its heads write and read."""

    cell_type = NTMCell
    name = "ntm"


class StackRNN(Recurrent):
    """Layers of `StackRNNCell`: Elman's, each with a stack."""

    cell_type = StackRNNCell
    name = "stack_rnn"


LAYERS: dict[str, type[Recurrent]] = {
    "lstm": LSTM,
    "gru": GRU,
    "rnn": RNN,
    "rnn-relu": ElmanReLU,
    "one-to-one": FeedForward,
    "lstm-1997": LSTM1997,
    "lstm-peephole": PeepholeLSTM,
    "lstm-coupled": CoupledLSTM,
    "lstm-no-input-gate": NoInputGateLSTM,
    "lstm-no-forget-gate": NoForgetGateLSTM,
    "lstm-no-output-gate": NoOutputGateLSTM,
    "lstm-cheat-sheet": CheatSheetLSTM,
    "lstm-layer-norm": LayerNormLSTM,
    "gru-reset-before": GRUResetBefore,
    "min-lstm": MinLSTM,
    "min-gru": MinGRU,
    "slstm": SLSTM,
    "slstm-exponential": SLSTMExponential,
    "ntm": NTM,
    "stack-rnn": StackRNN,
}
"""Every cell by the name that `ModelConfig.cell` has for it."""


def layer_of(cell: type[Cell], name: str = "recurrent") -> type[Recurrent]:
    """Return the layer that computes a cell, for cells of one's own and for wrapped ones.

    `name` is what the layer is called where signals are named: `("recurrent.0", "hidden")`.
    """
    return type(cell.__name__.removesuffix("Cell"), (Recurrent,), {"cell_type": cell, "name": name})
