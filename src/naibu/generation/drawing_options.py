"""How drawings are made, as it is typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from naibu.errors import OptionError

SHARPEST = 20.0
"""The largest bias; beyond it nothing is left to be drawn."""
ENDINGS = (".svg", ".png", ".jsonl", ".npz")
"""What the name of a file of drawings may end in."""


@dataclass(frozen=True)
class DrawingOptions:
    """How a network of strokes draws, and where to."""

    bias: float = 0.0
    """How close each point lies to the likeliest: 0 draws as the network believes, 1 and more neater (Graves 2013)."""
    class_: tuple[str, ...] = ()
    """Draw one of this class, where the network was told classes; repeat it for more."""
    text: tuple[str, ...] = ()
    """Write this by hand, where the network was told texts; repeat it for more."""
    out: Path | None = None
    """Write the drawings here: a page where the name ends in .svg or .png, points where in .jsonl or .npz. Points are
    printed as JSON lines when not given."""

    def __post_init__(self) -> None:
        if not 0 <= self.bias <= SHARPEST:
            raise OptionError(f"--bias {self.bias:g}: must be from 0, as the network believes, to {SHARPEST:g}")
        if self.out is not None and self.out.suffix.lower() not in ENDINGS:
            raise OptionError(f"--out {self.out}: the name has to end in one of {', '.join(ENDINGS)}")
