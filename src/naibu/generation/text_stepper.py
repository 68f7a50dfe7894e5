"""A language model as a stepper: it reads what stands before, and goes on symbol by symbol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from naibu.cells.elman import ElmanCell
from naibu.cells.gru import GRUCell
from naibu.cells.lstm import LSTMCell
from naibu.data.batch import Batch
from naibu.generation.stepper import Marks
from naibu.models.language_model import LanguageModel

Parts = tuple[Tensor, ...]
Step = Callable[[Tensor, Parts, Tensor, Tensor], Parts]
LARGEST_TABLE = 2**24
"""Numbers of a table of what each symbol brings to the gates, at most; without one vectors are multiplied each time."""


class TextStepper:
    """A language model at some place of some texts, side by side; a state is that of its layers, None before any."""

    def __init__(self, model: LanguageModel, marks: Marks) -> None:
        self.model, self.marks = model.eval(), marks
        self._step = STEPS.get(model.layers.cell_type)
        self._weights = [
            [value.detach() for name, value in model.layers.named_parameters() if name.endswith(f"_l{k}")]
            for k in range(model.layers.num_layers)
        ]
        self._table = self._brought() if self._step is not None else None

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

    def _brought(self) -> Tensor | None:
        """Return what each symbol brings to the gates of the first layer, `[symbol gates]`, W_ih x + b_ih."""
        w_ih, _, b_ih, _ = self._weights[0]
        if self.model.vocabulary * len(w_ih) > LARGEST_TABLE:
            return None
        with torch.no_grad():
            return functional.linear(self.model.embed(torch.arange(self.model.vocabulary)), w_ih, b_ih)

    def _read_one(self, ids: Tensor, state: Any, step: Step) -> tuple[Tensor, Any]:
        """Read one symbol of each text; return the layers' output `[row hidden]` and state."""
        several = isinstance(state, tuple)
        parts = state if several else (state,)  # [layer row hidden] each
        layers, x = list[Parts](), torch.empty(0)
        for k, (w_ih, w_hh, b_ih, b_hh) in enumerate(self._weights):
            if k == 0 and self._table is not None:
                brought = self._table[ids]
            else:
                brought = functional.linear(x if k else self.model.embed(ids), w_ih, b_ih)
            layers.append(step(brought, tuple(part[k] for part in parts), w_hh, b_hh))
            x = layers[-1][0]
        found = layers[0] if len(layers) == 1 else tuple(torch.stack(part) for part in zip(*layers, strict=True))
        if len(layers) == 1:
            found = tuple(part[None] for part in found)
        return x, found if several else found[0]


def _lstm(brought: Tensor, state: Parts, w_hh: Tensor, b_hh: Tensor) -> Parts:
    h, c = state
    i, f, g, o = (brought + _product(h, w_hh, b_hh)).chunk(4, -1)
    c = f.sigmoid().mul_(c).addcmul_(i.sigmoid(), g.tanh())
    return c.tanh().mul_(o.sigmoid()), c


def _gru(brought: Tensor, state: Parts, w_hh: Tensor, b_hh: Tensor) -> Parts:
    (h,) = state
    r, z, n = brought.chunk(3, -1)
    r_h, z_h, n_h = _product(h, w_hh, b_hh).chunk(3, -1)
    n = torch.tanh(n + torch.sigmoid(r + r_h) * n_h)
    return (torch.lerp(n, h, torch.sigmoid(z + z_h)),)


def _elman(brought: Tensor, state: Parts, w_hh: Tensor, b_hh: Tensor) -> Parts:
    return ((brought + _product(state[0], w_hh, b_hh)).tanh_(),)


def _product(h: Tensor, w_hh: Tensor, b_hh: Tensor) -> Tensor:
    """Return W_hh h + b_hh of each row; of one row alone by what is quicker for a vector."""
    return torch.addmv(b_hh, w_hh, h[0])[None] if len(h) == 1 else functional.linear(h, w_hh, b_hh)


STEPS: dict[type, Step] = {LSTMCell: _lstm, GRUCell: _gru, ElmanCell: _elman}
"""One step of the cells that need no work but the step's, as our layers compute them."""


def _rows(state: Any, rows: Tensor) -> Any:
    if isinstance(state, Tensor):
        return state.index_select(1, rows)
    return state if state is None else tuple(_rows(part, rows) for part in state)
