"""How fast a network of strokes draws, against a loop in PyTorch as everybody would write it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from naibu.bench.rounds import interleaved
from naibu.config import StrokesConfig
from naibu.data.strokes.coder import StrokeCoder
from naibu.generation.strokes import drawings
from naibu.models.strokes import StrokeModel
from naibu.training.threads import threads

UNITS, LENGTH, MIXTURES = 400, 300, 20
NEVER = -1e4
"""Log odds of the end of a drawing that never ends, so that every round draws as many points."""


def measure() -> list[dict[str, Any]]:
    """Return a row for one drawing and for 16 side by side: points a second in all, of one LSTM of 400 units with 20
    Gaussians on one thread, and `ratio_to_torch`, how many times those of a loop of `nn.LSTM`, `nn.Linear` and
    torch's own mixture of multivariate normal distributions."""
    with threads(1):
        return [_row(count) for count in (1, 16)]


def _row(count: int) -> dict[str, Any]:
    model = StrokeModel({"numbers": 3}, StrokesConfig(units=UNITS, mixtures=MIXTURES))
    with torch.no_grad():
        model.output.weight[-1] = 0
        model.output.bias[-1] = NEVER
    coder = StrokeCoder((0.0, 0.0), (1.0, 1.0), 0.0)
    layer, output = nn.LSTM(3, UNITS), nn.Linear(UNITS, 6 * MIXTURES + 1)

    @torch.no_grad()
    def plain() -> None:
        point, state = torch.zeros(1, count, 3), None
        for _ in range(LENGTH):
            hidden, state = layer(point, state)
            raw = output(hidden[-1])
            weights, x, y, s_x, s_y, r = raw[:, :-1].view(count, 6, MIXTURES).unbind(1)
            s_x, s_y, r = s_x.exp(), s_y.exp(), r.tanh() * 0.99
            covariance = torch.stack([s_x**2, r * s_x * s_y, r * s_x * s_y, s_y**2], -1).view(count, MIXTURES, 2, 2)
            each = MultivariateNormal(torch.stack([x, y], -1), covariance)
            place = MixtureSameFamily(Categorical(logits=weights), each).sample()  # type: ignore[no-untyped-call]
            point = torch.cat([place, torch.bernoulli(raw[:, -1:].sigmoid())], 1)[None]

    def ours() -> None:
        drawings(model, coder, count=count, length=LENGTH)

    found = interleaved({"ours": ours, "plain": plain}, rounds=7)
    rate = {name: count * LENGTH / seconds for name, seconds in found.seconds.items()}
    row = {"units": UNITS, "drawings": count, "points_per_second": rate["ours"]}
    return {**row, "ratio_to_torch": found.ratio("ours", "plain"), "load": found.load}
