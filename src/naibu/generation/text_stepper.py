"""A language model as a stepper: it reads what stands before, and goes on symbol by symbol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from naibu.cells.elman import ElmanCell
from naibu.cells.gru import GRUCell
from naibu.cells.lstm import LSTMCell
from naibu.data.batch import Batch
from naibu.generation.stepper import Marks
from naibu.models.language_model import LanguageModel

Step = Callable[..., Any]
STEPS: dict[type, Step] = {LSTMCell: torch.lstm_cell, GRUCell: torch.gru_cell, ElmanCell: torch.rnn_tanh_cell}
"""What the framework has for one step of a cell: the same as our layers, and no work but the step's."""


class TextStepper:
    """A language model at some place of some texts, side by side; a state is that of its layers, None before any."""

    def __init__(self, model: LanguageModel, marks: Marks) -> None:
        self.model, self.marks = model.eval(), marks
        self._step = STEPS.get(model.layers.cell_type)
        self._weights = [
            [value for name, value in model.layers.named_parameters() if name.endswith(f"_l{k}")]
            for k in range(model.layers.num_layers)
        ]

    @torch.no_grad()
    def begin(self, batch: Batch) -> Any:
        """Return the state after the texts of a batch, which are of one length."""
        ids = batch.main.x
        return self.model(ids, None)[1] if len(ids) else None

    @torch.no_grad()
    def step(self, last: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return log probabilities of what follows `last [row]`, `[row vocabulary]`, and the state after it."""
        if state is None or self._step is None or self.model.layers.edits:
            output, state = self.model(last[None], state)
            x = output[-1]
        else:
            x, state = self._read_one(last, state, self._step)
        return self.model.logits(x).log_softmax(-1), state

    def pick(self, state: Any, rows: Tensor) -> Any:
        """Return the state of chosen rows."""
        return _rows(state, rows)

    def _read_one(self, ids: Tensor, state: Any, step: Step) -> tuple[Tensor, Any]:
        """Read one symbol of each text; return the layers' output `[row hidden]` and state."""
        x, several = self.model.embed(ids), isinstance(state, tuple)
        parts = state if several else (state,)  # [layer row hidden] each
        layers = []
        for k, weights in enumerate(self._weights):
            before = tuple(part[k] for part in parts)
            after = step(x, before if several else before[0], *weights)
            layers.append(after if several else (after,))
            x = layers[-1][0]
        found = tuple(torch.stack(part) for part in zip(*layers, strict=True))
        return x, found if several else found[0]


def _rows(state: Any, rows: Tensor) -> Any:
    if isinstance(state, Tensor):
        return state.index_select(1, rows)
    return state if state is None else tuple(_rows(part, rows) for part in state)
