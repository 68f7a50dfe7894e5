"""What each training of the paper's table is given. Light: the command's help reads it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Budget:
    """What each training is given, and how it is scored."""

    steps: int | None = None
    minutes: float | None = None
    units: int = 128
    lengths: str = "41:500"
    words: int = 32
    """Words of each length that is scored."""

    def told(self) -> str:
        """Return it in a few words."""
        amount = f"{self.minutes:g} minutes" if self.steps is None else f"{self.steps:,} steps"
        return f"{self.units} units, {amount}"

    @property
    def stamp(self) -> str:
        """A few letters that are others for another budget."""
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:8]
