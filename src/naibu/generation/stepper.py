"""A language model that reads and is asked, its state kept between."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from naibu.models.language_model import LanguageModel


class Stepper:
    """A language model at some place of some texts, side by side."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model.eval()
        self.state: Any = None

    @torch.no_grad()
    def read(self, ids: Tensor) -> Tensor:
        """Read symbols `[time batch]`; return scores of what follows `[batch vocabulary]`, ln p up to a constant."""
        output, self.state = self.model(ids, self.state)
        return self.model.logits(output[-1])
