"""A network that translates as a stepper: a row is a translation that is being written."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from naibu.data.batch import Batch
from naibu.data.parallel import END, UNKNOWN
from naibu.generation.stepper import Marks
from naibu.models.translation import Place, TranslationModel

MARKS = Marks(END, END, (UNKNOWN,))
"""A target begins and ends with the same symbol; <unk> is nothing that can be read."""


class TranslationStepper:
    """A network that translates, at some place of some translations; it is put in evaluation mode."""

    def __init__(self, model: TranslationModel) -> None:
        self.model, self.marks = model.eval(), MARKS

    def begin(self, batch: Batch) -> Place:
        """Return the state before anything is written, a row for each source of the batch."""
        return self.model.begin(batch.to(self.model.device))

    def step(self, last: Tensor, state: Place) -> tuple[Tensor, Place]:
        """Return log probabilities of what follows `last [row]`, `[row vocabulary]`, and the state after it."""
        return self.model.step(last, state)

    def pick(self, state: Place, rows: Tensor) -> Place:
        """Return the state of chosen rows."""
        return self.model.pick(state, rows)

    def join(self, parts: Sequence[tuple[Place, Tensor]]) -> Place:
        """Return the state of chosen rows of several states, one after the other; all come from one `begin`."""
        return self.model.join(parts)

    def attention(self, state: Place) -> Tensor:
        """Return the weights of the last step, of which there was one, on places of the source, `[row source]`, 0 where
        there is none."""
        assert state.weights is not None
        return state.weights
