"""The viewer: a local page on any recording and, where its run is at hand, on the live network."""

from __future__ import annotations

from naibu.viewer.notebook import Shown as Shown
from naibu.viewer.notebook import view as view

__all__ = ["Shown", "view"]
