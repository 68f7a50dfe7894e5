"""The model that writes a text by hand: a stroke model that reads characters through a window along the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from naibu.cells.edits import later
from naibu.config import StrokesConfig
from naibu.data.batch import Batch
from naibu.models.language_model import recurrent
from naibu.models.parts.window import Text, Window
from naibu.models.strokes import StrokeModel, Told


class Hand(NamedTuple):
    """Where the hand is in some texts, side by side."""

    state: Any  # of the layer that moves the window; None before the first point
    kappa: Tensor  # [1 batch bump]
    window: Tensor  # [1 batch character]


class WritingModel(StrokeModel):
    """A recurrent layer that reads points and what the window showed a step before, and moves the window; above it the
    layers of a stroke model, which read its output, the window and the point.

    Source: Graves 2013, section 5. Other than there layers above the first read the one below alone, and a drawing has
    an end that is told. `sizes` has `characters` besides. Streams: `text`, its characters, and `input`, the points.
    The first layer is called `hand`.
    """

    attends: ClassVar[Mapping[str, str]] = {"window": "text"}

    def __init__(self, sizes: Mapping[str, int], config: StrokesConfig) -> None:
        super().__init__(sizes, config, beside=config.units + sizes["characters"])
        self.characters = sizes["characters"]
        self.hand = recurrent(self.layers.input_size - config.units, config, layers=1)
        self.window = Window(config.units, config.bumps)

    def text_of(self, batch: Batch) -> Text:
        """Return the texts of a batch."""
        stream = batch.streams["text"]
        return Text.of(stream.x, stream.lengths, self.characters)

    def begin(self, text: Text) -> Hand:
        """Return where a hand is before the first point of each text."""
        rows = len(text.one_hot)
        nothing = text.one_hot.new_zeros
        return Hand(None, nothing(1, rows, self.window.bumps), nothing(1, rows, self.characters))

    def step(self, point: Tensor, hand: Hand, text: Text) -> tuple[Tensor, Hand]:
        """Return what the layers read after `point [batch number]`, `[batch input]`, and where the hand is then."""
        hidden, state = self.hand(torch.cat([point, hand.window[0]], -1)[None], hand.state)
        window, kappa = self.window(hidden[0], hand.kappa[0], text)
        return torch.cat([point, hidden[0], window], -1), Hand(state, kappa[None], window[None])

    def told(self, batch: Batch, state: Any, count: int = 0) -> tuple[Told, Tensor, Any]:
        """Return what comes out where something is predicted; see `StrokeModel.told`."""
        text = self.text_of(batch)
        hand, state = (self.begin(text), None) if state is None else (Hand(*state[0]), state[1])
        read = []
        for number, point in enumerate(self.read(batch.main.x)):
            with later((self.hand, self.window), number):
                found, hand = self.step(point, hand, text)
            read.append(found)
        told, target, state = self.told_of(torch.stack(read), batch, state, count)
        return told, target, (tuple(hand), state)
