"""Change what happens inside a network while it runs, and see what it can no longer do."""

from __future__ import annotations

from naibu.cells.exchange import edited
from naibu.interventions.hold import hold
from naibu.interventions.ternary import ternary

__all__ = ["edited", "hold", "ternary"]
