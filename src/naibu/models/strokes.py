"""The stroke model: a recurrent network that reads a point of a drawing and tells a density of the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.config import StrokesConfig
from naibu.data.batch import Batch
from naibu.models.dropout import dropout
from naibu.models.language_model import recurrent
from naibu.models.model import Loss, Model, Outcomes
from naibu.models.parts.bivariate import OUTPUTS, BivariateMixture
from naibu.models.parts.derivatives import clipped_derivative

POINT = 3
"""Numbers of a point: dx, dy and the pen."""
WIDTHS = (-4.0, 0.0)
"""Between which logarithms the standard deviations begin, in those of the training offsets."""


class Told(NamedTuple):
    """What comes out at steps, before it is a density: the mixture's numbers, and two log odds, [step ...] each."""

    mixture: Tensor  # [... 6*component]
    pen: Tensor  # [...], that the pen is lifted after the next point
    end: Tensor  # [...], that the drawing ends there, where it is


class StrokeModel(Model):
    """Recurrent layers over points, and after each a mixture of bivariate Gaussians for the next, the probability that
    the pen is lifted after it, and that the drawing ends there.

    The output layer reads the last layer and, past the layers, the point itself. Source: Graves 2013, section 4, with a
    mixture of 20. Other than there layers read the one below alone; a drawing may end (as in Ha & Eck 2017); and of the
    two bounds on derivatives the inner one, 10, holds where they come into the layers, not at every step within them.
    `sizes` has `numbers`, of a point, and `classes` where one is read beside each point. `beside`: numbers that the
    layers and the output read besides.
    """

    def __init__(self, sizes: Mapping[str, int], config: StrokesConfig, beside: int = 0) -> None:
        super().__init__()
        self.config = config
        self.classes = nn.Embedding(sizes["classes"], config.class_size) if "classes" in sizes else None
        size = POINT + (config.class_size if self.classes is not None else 0) + beside
        self.layers = recurrent(size, config)
        self.layers.called = self.layers.name
        self.output = nn.Linear(self.layers.hidden_size + size, OUTPUTS * config.mixtures + 2)
        with torch.no_grad():  # the components begin apart, and some of them narrow
            self.output.bias[config.mixtures : 3 * config.mixtures].normal_()
            self.output.bias[3 * config.mixtures : 5 * config.mixtures].uniform_(*WIDTHS)

    def read(self, x: Tensor) -> Tensor:
        """Return points, and the vectors of classes, `[time batch number]`, of `x [time batch column]`."""
        if self.classes is None:
            return x
        return torch.cat([x[..., :POINT], self.classes(x[..., POINT].long())], -1)

    def output_of(self, hidden: Tensor, read: Tensor) -> Tensor:
        """Return the output layer's numbers, `[... 6*component + 2]`."""
        drop = dropout(hidden, self.config.dropout, self.training)
        found: Tensor = self.output(torch.cat([drop, read], -1))
        return found

    def parted(self, raw: Tensor) -> Told:
        """Return the output layer's numbers by what they are."""
        return Told(raw[..., :-2], raw[..., -2], raw[..., -1])

    def told(self, batch: Batch, state: Any, count: int = 0) -> tuple[Told, Tensor, Any]:
        """Return what comes out where something is predicted, what was to be told there, `[step 4]`, and the state.

        `count` is by what a loss that goes back is divided; derivatives are cut as if it were summed.
        """
        return self.told_of(self.read(batch.main.x), batch, state, count)

    def told_of(self, read: Tensor, batch: Batch, state: Any, count: int) -> tuple[Told, Tensor, Any]:
        """Return the same of what the layers read, `[time batch input]`."""
        hidden, state = self.layers(read, state)
        where = batch.predicted
        hidden, read = hidden[where], read[where]
        if count:
            hidden = clipped_derivative(hidden, self.config.hidden_clip / count)
        raw = self.output_of(hidden, read)
        if count:
            raw = clipped_derivative(raw, self.config.output_clip / count)
        return self.parted(raw), batch.target[where], state

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the mean nats of a point: of where it lies, of the pen, and of the end after it."""
        count = max(1, int(batch.predicted.sum()))
        told, target, state = self.told(batch, state, count if torch.is_grad_enabled() else 0)
        place, pen, end = nats_of(told, target)
        return Loss((place + pen + end).sum() / count, len(target), state)

    @torch.no_grad()
    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return of every point its `loss`, of which `nats` are those of where it lies and of the pen, `pen_nats` those
        of the pen alone; `dx` and `dy`, the means that were told, as the network reads offsets; `pen`, the probability
        that it is lifted after the point, and `end`, that the drawing ends there if it is."""
        told, target, state = self.told(batch, state)
        place, pen, end = nats_of(told, target)
        dx, dy = BivariateMixture.of(told.mixture).expected().unbind(-1)
        columns = {"loss": place + pen + end, "nats": place + pen, "pen_nats": pen, "dx": dx, "dy": dy}
        columns |= {"pen": told.pen.sigmoid(), "end": told.end.sigmoid()}
        where = batch.predicted
        nothing = torch.full(where.shape, torch.nan, device=where.device)
        return {name: nothing.masked_scatter(where, each.float()) for name, each in columns.items()}, state


def nats_of(told: Told, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return -ln p of where points lie, of the pen and of the end of the drawing, `[step]` each, of `target [step 4]`.

    The end is told only of points after which the pen is lifted; of others it is 0.
    """
    place = BivariateMixture.of(told.mixture).nats(target[:, :2])
    pen = functional.binary_cross_entropy_with_logits(told.pen, target[:, 2], reduction="none")
    end = functional.binary_cross_entropy_with_logits(told.end, target[:, 3].clamp(min=0), reduction="none")
    return place, pen, torch.where(target[:, 3] < 0, 0.0, end)
