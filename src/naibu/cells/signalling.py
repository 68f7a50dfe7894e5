"""Parts of a network beside its recurrent layers that have signals too, attention for example."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from torch import Tensor, nn

from naibu.cells.edits import Edit
from naibu.errors import OptionError

Hear = Callable[[dict[str, Tensor]], None]
"""What is told of one call: signals by name, `[time batch unit]`."""


class Signalling(nn.Module):
    """A part whose signals can be listened to and edited as those of a recurrent layer.

    A signal is known as (path of the part in its network, name). How many units it has may differ from call to call:
    attention has one for each place of what it attends to; then behind the last there is nothing.
    """

    signals: ClassVar[tuple[str, ...]]
    units: ClassVar[int | None] = None
    """How many units each signal has, where these are always as many."""

    def __init__(self) -> None:
        super().__init__()
        self.edits: Mapping[tuple[str, str], Edit] = {}  # (path, signal) -> made at each step of every call
        self._hearing: list[Hear] = []

    def tell(self, signals: dict[str, Tensor]) -> None:
        """Tell whoever listens of a call."""
        for hear in self._hearing:
            hear(signals)

    @contextmanager
    def listen(self, hear: Hear) -> Iterator[None]:
        """Within the block, `hear` is told of every call of the part, as it is after its edits."""
        self._hearing.append(hear)
        try:
            yield
        finally:
            self._hearing.remove(hear)

    def check_names(self, signals: Collection[str], name: str) -> None:
        """Raise OptionError for a signal that is not there; `name` is what the part goes by."""
        for signal in signals:
            if signal not in self.signals:
                raise OptionError(f"signal {signal!r}: the {name} has {', '.join(self.signals)}")


def signalling_parts(module: nn.Module) -> Iterator[tuple[str, Signalling]]:
    """Yield every such part of a module with its path there."""
    for path, part in module.named_modules():
        if isinstance(part, Signalling):
            yield path, part
