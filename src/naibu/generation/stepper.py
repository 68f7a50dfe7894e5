"""A language model that reads and is asked, its state kept between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from naibu.cells.elman import ElmanCell
from naibu.cells.gru import GRUCell
from naibu.cells.lstm import LSTMCell
from naibu.models.language_model import LanguageModel

Step = Callable[..., Any]
STEPS: dict[type, Step] = {LSTMCell: torch.lstm_cell, GRUCell: torch.gru_cell, ElmanCell: torch.rnn_tanh_cell}
"""What the framework has for one step of a cell: the same as our layers, and no work but the step's."""


class Stepper:
    """A language model at some place of some texts, side by side."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model.eval()
        self.state: Any = None
        self._step = STEPS.get(model.layers.cell_type)
        self._weights = [
            [value for name, value in model.layers.named_parameters() if name.endswith(f"_l{k}")]
            for k in range(model.layers.num_layers)
        ]

    @torch.no_grad()
    def read(self, ids: Tensor) -> Tensor:
        """Read symbols `[time batch]`; return scores of what follows `[batch vocabulary]`, ln p up to a constant."""
        if len(ids) == 1 and self.state is not None and self._step is not None and not self.model.layers.edits:
            return self.model.logits(self._read_one(ids[0], self._step))
        output, self.state = self.model(ids, self.state)
        return self.model.logits(output[-1])

    def _read_one(self, ids: Tensor, step: Step) -> Tensor:
        """Read one symbol of each text; return the layers' output `[batch hidden]`."""
        x, several = self.model.embed(ids), isinstance(self.state, tuple)
        parts = self.state if several else (self.state,)  # [layer batch hidden] each
        layers = []
        for k, weights in enumerate(self._weights):
            before = tuple(part[k] for part in parts)
            after = step(x, before if several else before[0], *weights)
            layers.append(after if several else (after,))
            x = layers[-1][0]
        found = tuple(torch.stack(part) for part in zip(*layers, strict=True))
        self.state = found if several else found[0]
        return x
