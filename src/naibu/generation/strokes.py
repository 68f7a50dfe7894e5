"""Drawings that a network makes, point by point, many side by side."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from naibu.cells.exchange import edited
from naibu.cells.units import HeldUnit, held_units
from naibu.data.examples import Array
from naibu.data.strokes.coder import StrokeCoder, WritingCoder
from naibu.data.strokes.examples import START, Strokes
from naibu.errors import OptionError
from naibu.generation.drawing_options import DrawingOptions
from naibu.generation.drawn import Drawn
from naibu.generation.text_stepper import STEPS, Parts
from naibu.models.model import evaluating
from naibu.models.parts.bivariate import BivariateMixture
from naibu.models.parts.window import Text
from naibu.models.strokes import StrokeModel
from naibu.models.writing import WritingModel

LONGEST = 100_000
"""Points at most of a drawing."""
MOST = 10_000
"""Drawings at most that are made in one go."""
AT_ONCE = 64
"""Drawings that are read side by side where they are judged."""


def drawings(
    model: StrokeModel,
    coder: StrokeCoder,
    *,
    count: int = 1,
    bias: float = 0.0,
    length: int = 400,
    classes: Sequence[str] = (),
    texts: Sequence[str] = (),
    hold: Sequence[str | HeldUnit] = (),
    seed: int = 1,
) -> list[Drawn]:
    """Return drawings that a network makes, `count` of each class and text, of at most `length` points.

    bias: how likely each point is to be like the likeliest (Graves 2013, section 5.4): 0 draws as the network believes;
    it sharpens where points lie alone, not the pen. What is drawn is a function of the seed, whatever is held. Raises
    OptionError for classes, characters and units that are not there.
    """
    _check(count * max(1, len(classes)) * max(1, len(texts)), bias, length, seed)
    if coder.classes and not classes:
        raise OptionError(f"--class: which {coder.label} is to be drawn? There are {_some(coder.classes)}")
    if isinstance(coder, WritingCoder) != bool(texts):
        told = "which text is to be written? Say it with --text TEXT"
        raise OptionError(told if not texts else f"--text {texts[0]}: the network was told no texts; learn with them")
    asked = [Wanted(name, text) for name in classes or (None,) for text in texts or (None,) for _ in range(count)]
    return drawn(model, coder, asked, bias=bias, length=length, hold=hold, seed=seed)


class Wanted(NamedTuple):
    """What one drawing is to be of; None where the network is not told."""

    class_: str | None = None
    text: str | None = None


@torch.no_grad()
def drawn(
    model: StrokeModel,
    coder: StrokeCoder,
    asked: Sequence[Wanted],
    *,
    bias: float,
    length: int,
    hold: Sequence[str | HeldUnit] = (),
    seed: int = 1,
) -> list[Drawn]:
    """Return a drawing of each that is asked for, all side by side; see `drawings`."""
    codes = [coder.code(name) for name, _ in asked if name is not None]
    ids = [coder.ids(text) for _, text in asked if text is not None and isinstance(coder, WritingCoder)]
    held = held_units(hold, model)
    generator = torch.Generator().manual_seed(seed)
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        for each in held:
            each.now, each._kept = 0, None
            stack.enter_context(edited(model, {(each.layer, each.signal): each}))
        stepper = _stepper(model, len(asked), codes, ids)
        points, lengths, ended = _drawn(model, stepper, len(asked), bias, length, held, generator)
    found = []
    for row, (name, text) in enumerate(asked):
        own = points[: lengths[row], row].astype(np.float64)
        own = np.column_stack([coder.written(own[:, :2]), own[:, 2]])
        names = {coder.label: name, getattr(coder, "text", None): text}
        labels = {key: value for key, value in names.items() if key is not None and value is not None}
        found.append(Drawn(own, bool(ended[row]), name, text, labels))
    return found


def _drawn(
    model: StrokeModel,
    stepper: _Stepping,
    rows: int,
    bias: float,
    length: int,
    held: Sequence[HeldUnit],
    generator: torch.Generator,
) -> tuple[Array, Array, Array]:
    """Return points `[time row 3]` as the network reads them, how many each drawing has, and whether it ended."""
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


class _Stepping(Protocol):
    """A network that reads a point of each of some drawings at a time."""

    def step(self, point: Tensor) -> Tensor:
        """Return the output layer's numbers, `[row number]`, after `point [row 3]`."""
        ...


def _stepper(model: StrokeModel, rows: int, codes: Sequence[int], ids: Sequence[Array]) -> _Stepping:
    """Return what draws: `codes` are the classes, `ids` the numbers of the texts' characters, where there are such."""
    return _Writer(model, codes, ids) if isinstance(model, WritingModel) else _Stepper(model, rows, codes)


class _Stepper:
    """A stroke model that draws."""

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


class _Writer:
    """A model that writes texts."""

    def __init__(self, model: WritingModel, codes: Sequence[int], ids: Sequence[Array]) -> None:
        self.model = model
        lengths = torch.tensor([len(each) for each in ids])
        padded = pad_sequence([torch.from_numpy(each).long() for each in ids])
        self._text = Text.of(padded, lengths, model.characters)
        self._hand, self._state = model.begin(self._text), None
        self._codes = torch.tensor(codes)[:, None].float() if codes else torch.empty(len(ids), 0)

    def step(self, point: Tensor) -> Tensor:
        """Return the output layer's numbers, `[row number]`, after `point [row 3]`."""
        point = self.model.read(torch.cat([point, self._codes], 1))
        read, self._hand = self.model.step(point, self._hand, self._text)
        hidden, self._state = self.model.layers(read[None], self._state)
        return self.model.output_of(hidden[0], read)


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
