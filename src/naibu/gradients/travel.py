"""The norm of the derivative of a layer's state at step T by its state at an earlier step t, against the lag T - t.

With s_t the state of a cell (h_t, and c_t where it has one) and x given, s_T is a function of s_t alone, and

    d s_T / d s_t = J_T J_{T-1} ... J_{t+1},    J_k = d s_k / d s_{k-1},

the product of document D's eqs. 11-13, with every path through the gates in it. It is taken from the left, one
vector-Jacobian product of `step` after the other, so that one pass from T down to t gives every lag on its way.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from naibu.cells.base import State
from naibu.cells.edits import Edit
from naibu.cells.layers import Recurrent
from naibu.cells.unroll import unroll
from naibu.errors import OptionError
from naibu.progress import Report, silent

WRT = {
    "hidden": "d h_T / d h_t: the output alone is moved at t, the rest of the state held; all paths between",
    "state": "d s_T / d s_t: the whole state, output and cell together; all paths between",
    "cell": "d c_T / d c_t: the cell alone is moved at t, the output held; all paths between",
    "carousel": "d c_T / d c_t through the cells alone: every h between is held, so gates that read h are constants",
}
"""What is differentiated by what. `carousel` is the product of the forget gates (of cells without one it is 1:
document D's constant error carousel, and all that the truncated gradient of 1997 lets through many steps)."""
KINDS = ("spectral", "frobenius")


def norms_against_lag(
    layers: Recurrent,
    x: Tensor,
    *,
    lags: Sequence[int],
    layer: int = 0,
    wrt: str = "hidden",
    kind: str = "spectral",
    vectors: int = 0,
    seed: int = 1,
    edit: Mapping[tuple[str, str], Edit] | None = None,
    progress: Report = silent,
) -> Tensor:
    """Return the norm of the Jacobian, float64 `[lag sequence]`, at T = the last step of `x [time batch input]`.

    `lags` ascend, from 0 (the identity: the state by itself) to the number of steps of x, where the
    derivative is by the initial state of zeros. Within a stack, `layer`'s input is what the layers below
    gave, held; `edit` maps (layer, signal) to what is done to it, as in `Recurrent.signals`. `wrt` is a key
    of WRT; `kind` "spectral", the largest factor by which any error grows, or "frobenius", the root of the
    sum of the squares of all entries (the square root of the width at lag 0).

    With `vectors` = 0 the norms are exact: as many products as the state has rows. With `vectors` random
    signs v the square of the Frobenius norm is estimated by the mean of |v J|^2: its expectation is right
    (the root's is a little below), its relative standard error at most (2 / vectors)^0.5, reached where one
    direction carries all. Computed in float64 on the plain path, whatever the layer's own type.

    Raises OptionError for a layer, signal, lag, `wrt` or `kind` that does not exist, and for two directions.
    """
    _check(layers, x, lags, layer, wrt, kind, vectors)
    double = copy.deepcopy(layers).double().eval()
    double.edits = {**layers.edits, **(edit or {})}
    alone = _Layer(double, x.double(), layer)
    states = alone.states(max(lags))
    rows, seen = _start(states[-1], wrt, vectors, seed)
    found = []
    for lag in range(max(lags) + 1):
        if lag:
            rows = alone.back(len(x) - lag, states[-1 - lag], rows)
            if wrt == "carousel":
                rows = [rows[k] if k in seen else torch.zeros_like(rows[k]) for k in range(len(rows))]
        if lag in lags:
            found.append(_norm(torch.cat([rows[k] for k in seen], -1), kind, vectors))
        progress(lag, max(lags), "")
    return torch.stack(found)


def _check(layers: Recurrent, x: Tensor, lags: Sequence[int], layer: int, wrt: str, kind: str, vectors: int) -> None:
    if layers.bidirectional:
        raise OptionError("bidirectional=True: the gradient is followed in one direction; measure a layer with one")
    if not 0 <= layer < layers.num_layers:
        raise OptionError(f"layer {layer}: there are layers 0 to {layers.num_layers - 1}")
    if wrt not in WRT:
        raise OptionError(f"wrt {wrt!r}: must be one of {', '.join(WRT)}")
    if wrt in ("cell", "carousel") and "cell" not in layers.cell_type.state_type._fields:
        raise OptionError(f"wrt {wrt!r}: a {layers.cell_type.__name__} has no cell; ask for hidden or state")
    if kind not in KINDS:
        raise OptionError(f"norm {kind!r}: must be one of {', '.join(KINDS)}")
    if vectors < 0 or (vectors and kind == "spectral"):
        raise OptionError(
            f"vectors {vectors}: 0 for exact norms, or more with the Frobenius norm, which can be estimated"
        )
    if list(lags) != sorted(set(lags)) or not lags or lags[0] < 0:
        raise OptionError(f"lags {list(lags)}: must ascend from 0 or more")
    if lags[-1] > len(x):
        raise OptionError(f"lag {lags[-1]}: the sequences have {len(x)} steps, which is the longest lag")


class _Layer:
    """One layer of a stack, step by step: what it reads is what the layers below gave, `[time batch input]`."""

    def __init__(self, layers: Recurrent, x: Tensor, layer: int) -> None:
        """Run the layers below."""
        if layers.batch_first:
            x, layers.batch_first = x.transpose(0, 1), False
        layers.requires_grad_(False)
        names = [name for _, _, name in layers.directions()]
        layers.check_names((), layers.edits)
        self.x = x if not layer else layers.signals(x, keep=("hidden",)).signals[names[layer - 1], "hidden"]
        self.cell = layers.cell(layer)
        self.edits = {signal: edit for (name, signal), edit in layers.edits.items() if name == names[layer]}

    def step(self, number: int, state: State) -> State:
        """Return the state after one step."""

        def at(edit: Edit) -> Edit:
            return lambda value, _: edit(value, number)

        edits = {signal: at(edit) for signal, edit in self.edits.items()}
        return unroll(self.cell, self.x[number : number + 1], state, edit=edits).state

    @torch.no_grad()
    def states(self, back: int) -> list[State]:
        """Return the last `back + 1` states, oldest first; that before the first step where `back` reaches it."""
        state = self.cell.initial_state(self.x.shape[1], self.x)
        kept = [state]
        for number in range(len(self.x)):
            state = self.step(number, state)
            kept = [*kept[-back:], state] if back else [state]
        return kept

    def back(self, number: int, state: State, rows: list[Tensor]) -> list[Tensor]:
        """Return the rows before a step that began in `state`: each times d state after / d state before,
        `[row batch hidden]` for each part of the state."""
        before = type(state)(*(part.detach().requires_grad_() for part in state))
        with torch.enable_grad():
            after = self.step(number, before)
        parts = [(value, row) for value, row in zip(after, rows, strict=True) if value.requires_grad]
        if not parts:
            return [torch.zeros_like(row) for row in rows]
        outputs, given = zip(*parts, strict=True)
        found = torch.autograd.grad(outputs, tuple(before), given, is_grads_batched=True, allow_unused=True)
        return [torch.zeros_like(row) if part is None else part for part, row in zip(found, rows, strict=True)]


def _start(state: State, wrt: str, vectors: int, seed: int) -> tuple[list[Tensor], list[int]]:
    """Return the rows to carry back, `[row batch hidden]` for each part of the state, and the parts whose
    columns count."""
    names = list(state._fields)
    of = names if wrt == "state" else ["hidden" if wrt == "hidden" else "cell"]
    seen = [names.index(name) for name in of]
    widths = [state[k].shape[-1] for k in seen]
    if vectors:
        draw = torch.Generator().manual_seed(seed)
        batch = len(state[0])
        size = (vectors, batch, sum(widths))
        block = torch.randint(0, 2, size, generator=draw).to(state[0]) * 2 - 1
    else:
        block = torch.eye(sum(widths)).to(state[0])[:, None].expand(-1, len(state[0]), -1)
    pieces = dict(zip(seen, torch.split(block, widths, -1), strict=True))
    nothing = [part.new_zeros(len(block), *part.shape) for part in state]
    return [pieces.get(k, nothing[k]) for k in range(len(names))], seen


def _norm(rows: Tensor, kind: str, vectors: int) -> Tensor:
    """Return the norm of each sequence's matrix, `[row batch column] -> [batch]`."""
    largest = rows.abs().amax((0, 2))  # squares of entries below 1e-154 would vanish
    matrices = (rows / torch.where(largest > 0, largest, 1.0)[:, None]).transpose(0, 1)
    if kind == "spectral":
        gram = matrices @ matrices.transpose(1, 2)
        squared: Tensor = torch.linalg.eigvalsh(gram)[:, -1]
        return largest * squared.clamp(min=0).sqrt()
    squares = matrices.square().sum((1, 2))
    return largest * (squares / (vectors or 1)).sqrt()
