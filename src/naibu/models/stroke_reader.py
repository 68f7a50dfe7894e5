"""A network that reads handwriting: points in, the text out, without being told which point is whose."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.layers import LSTM
from naibu.models.parts.encoder import encode

NOTHING = 0
"""The class that stands for no character."""


class StrokeReader(nn.Module):
    """Two layers of LSTM read both ways, and at each point the probability of every character and of none.

    Learnt by connectionist temporal classification (Graves et al. 2006): what counts is the probability of the text
    over all ways to lay its characters along the points.
    """

    def __init__(self, characters: int, units: int) -> None:
        super().__init__()
        self.layers = LSTM(3, units // 2, num_layers=2, bidirectional=True)
        self.output = nn.Linear(2 * self.layers.hidden_size, characters + 1)

    def log_probabilities(self, points: Tensor, lengths: Tensor) -> Tensor:
        """Return ln p of none and of every character at each point, `[time batch class]`, of `points [time batch 3]`
        padded behind `lengths [batch]`."""
        hidden = encode(self.layers, points, lengths)[0]
        found: Tensor = self.output(hidden).log_softmax(-1)
        return found

    def loss(self, points: Tensor, lengths: Tensor, texts: Sequence[Tensor]) -> Tensor:
        """Return the mean nats a character of texts, numbers of characters from 0 each; one that has more characters
        than points counts nothing."""
        told = torch.cat(list(texts)) + 1
        counts = torch.tensor([len(each) for each in texts])
        log_p = self.log_probabilities(points, lengths)
        return functional.ctc_loss(log_p, told, lengths, counts, NOTHING, "mean", zero_infinity=True)

    @torch.no_grad()
    def read(self, points: Tensor, lengths: Tensor) -> list[list[int]]:
        """Return the numbers of the characters of each text: the likeliest class of every point, a class that is told
        again and again once, none left out."""
        best = self.log_probabilities(points, lengths).argmax(-1).T
        found = []
        for row, length in zip(best, lengths.tolist(), strict=True):
            told = torch.unique_consecutive(row[:length])
            found.append([number - 1 for number in told.tolist() if number != NOTHING])
        return found
