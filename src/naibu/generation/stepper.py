"""What searches ask of a network: one step more of some rows, and rows chosen anew. They know nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from naibu.data.batch import Batch


class Marks(NamedTuple):
    """The symbols that are no words."""

    begin: int  # read before the first
    end: int = -1  # written after the last; -1 where nothing ends
    never: tuple[int, ...] = ()  # never written: padding, the beginning, unknown words


class Stepper(Protocol):
    """A network that writes. A state is whatever it needs to know of some rows; one row of it is one prefix."""

    marks: Marks

    def begin(self, batch: Batch) -> Any:
        """Return the state before anything is written, a row for each example of the batch."""

    def step(self, last: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return log probabilities of what follows `last [row]`, `[row vocabulary]`, and the state after it.

        The caller may write into the probabilities; the state given stays as it is.
        """

    def pick(self, state: Any, rows: Tensor) -> Any:
        """Return the state of chosen rows, int64, in their order; a row may be chosen more than once."""


class Joining(Stepper, Protocol):
    """A stepper for searches whose rows come from different steps."""

    def join(self, parts: Sequence[tuple[Any, Tensor]]) -> Any:
        """Return the state of chosen rows of several states, one after the other; all come from one `begin`."""


class Attending(Stepper, Protocol):
    """A stepper that says where it looked."""

    def attention(self, state: Any) -> Tensor:
        """Return the weights of the last step on places of the source, `[row source]`, 0 where there is none."""
