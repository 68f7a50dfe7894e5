"""Drawings that a network makes, point by point, many side by side."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu.cells.exchange import edited
from naibu.cells.units import HeldUnit, held_units
from naibu.data.examples import Array
from naibu.data.strokes.coder import StrokeCoder
from naibu.data.strokes.examples import START, Strokes
from naibu.errors import OptionError
from naibu.generation.drawing_options import DrawingOptions
from naibu.generation.drawn import Drawn
from naibu.generation.text_stepper import STEPS, Parts
from naibu.models.model import evaluating
from naibu.models.parts.bivariate import BivariateMixture
from naibu.models.strokes import StrokeModel

LONGEST = 100_000
"""Points at most of a drawing."""
MOST = 10_000
"""Drawings at most that are made in one go."""
AT_ONCE = 64
"""Drawings that are read side by side where they are judged."""


@torch.no_grad()
def drawings(
    model: StrokeModel,
    coder: StrokeCoder,
    *,
    count: int = 1,
    bias: float = 0.0,
    length: int = 400,
    classes: Sequence[str] = (),
    hold: Sequence[str | HeldUnit] = (),
    seed: int = 1,
) -> list[Drawn]:
    """Return drawings that a network makes, `count` of each class, of at most `length` points.

    bias: how likely each point is to be like the likeliest (Graves 2013, section 5.4): 0 draws as the network believes;
    it sharpens where points lie alone, not the pen. What is drawn is a function of the seed, whatever is held. Raises
    OptionError for classes and units that are not there.
    """
    _check(count * max(1, len(classes)), bias, length, seed)
    if coder.classes and not classes:
        raise OptionError(f"--class: which {coder.label} is to be drawn? There are {_some(coder.classes)}")
    codes = [coder.code(name) for name in classes for _ in range(count)]
    names: list[str | None] = [name for name in classes for _ in range(count)]
    names = names or [None] * count
    held = held_units(hold, model)
    generator = torch.Generator().manual_seed(seed)
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        for each in held:
            each.now, each._kept = 0, None
            stack.enter_context(edited(model, {(each.layer, each.signal): each}))
        points, lengths, ended = _drawn(model, len(names), codes, bias, length, held, generator)
    found = []
    for row, name in enumerate(names):
        own = points[: lengths[row], row].astype(np.float64)
        own = np.column_stack([coder.written(own[:, :2]), own[:, 2]])
        found.append(Drawn(own, bool(ended[row]), name))
    return found


def _drawn(
    model: StrokeModel,
    rows: int,
    codes: Sequence[int],
    bias: float,
    length: int,
    held: Sequence[HeldUnit],
    generator: torch.Generator,
) -> tuple[Array, Array, Array]:
    """Return points `[time row 3]` as the network reads them, how many each drawing has, and whether it ended."""
    stepper = _Stepper(model, rows, codes)
    last = torch.tensor(START).expand(rows, 3)
    found: list[Tensor] = []
    lengths, over = torch.full((rows,), length), torch.zeros(rows, dtype=torch.bool)
    for step in range(length):
        for each in held:
            each.now = step
        told = model.parted(stepper.step(last))
        shares = torch.rand(3, rows, generator=generator)
        place = BivariateMixture.of(told.mixture, bias).drawn(shares[0], torch.randn(rows, 2, generator=generator))
        up = shares[1] < told.pen.sigmoid()
        last = torch.cat([place, up[:, None].float()], 1)
        found.append(last)
        ends = up & (shares[2] < told.end.sigmoid()) & ~over
        lengths[ends] = step + 1
        over |= ends
        if bool(over.all()):
            break
    return torch.stack(found).numpy(), lengths.numpy(), over.numpy()


class _Stepper:
    """A stroke model that reads a point of each of some drawings at a time."""

    def __init__(self, model: StrokeModel, rows: int, codes: Sequence[int]) -> None:
        self.model, layers = model, model.layers
        self._vectors: Tensor | None = None
        if model.classes is not None:
            self._vectors = model.classes(torch.tensor(codes))
        quick = not layers.edits and layers.cell_type in STEPS
        self._step = STEPS[layers.cell_type] if quick else None
        self._weights = [
            [value.detach() for name, value in layers.named_parameters() if name.endswith(f"_l{k}")]
            for k in range(layers.num_layers)
        ]
        parts = 2 if layers.cell_type.__name__ == "LSTMCell" else 1
        self._state: list[Parts] = [
            tuple(torch.zeros(rows, layers.hidden_size) for _ in range(parts)) for _ in range(layers.num_layers)
        ]
        self._whole: Any = None

    def step(self, point: Tensor) -> Tensor:
        """Return the output layer's numbers, `[row number]`, after `point [row 3]`."""
        read = point if self._vectors is None else torch.cat([point, self._vectors], 1)
        if self._step is None:
            hidden, self._whole = self.model.layers(read[None], self._whole)
            return self.model.output_of(hidden[0], read)
        x = read
        for k, (w_ih, w_hh, b_ih, b_hh) in enumerate(self._weights):
            self._state[k] = self._step(torch.addmm(b_ih, x, w_ih.T), self._state[k], w_hh, b_hh)
            x = self._state[k][0]
        return self.model.output_of(x, read)


@torch.no_grad()
def nats_of_points(model: StrokeModel, examples: Strokes) -> Array:
    """Return the nats of every point of drawings, float64 [point], without those of the end of a drawing."""
    found: list[Array] = []
    with evaluating(model):
        for start in range(0, len(examples), AT_ONCE):
            batch = examples.batch(np.arange(start, min(len(examples), start + AT_ONCE)))
            nats = model.outcomes(batch.to(model.device))[0]["nats"].cpu().numpy()
            found.append(nats.T[batch.predicted.numpy().T].astype(np.float64))
    return np.concatenate(found)


def _check(count: int, bias: float, length: int, seed: int) -> None:
    DrawingOptions(bias)
    if not 1 <= length <= LONGEST:
        raise OptionError(f"--length {length}: must be from 1 to {LONGEST:,}")
    if not 1 <= count <= MOST:
        raise OptionError(f"--count {count}: must be from 1 to {MOST:,}")
    if seed < 0:
        raise OptionError(f"--seed {seed}: must be at least 0")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
