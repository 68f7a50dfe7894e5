"""Fast paths for the layers: each says what it supports; what none supports, the plain path computes.

A path is used only where it gives what `unroll` gives, in value and gradient.
"""

from __future__ import annotations

from naibu.cells.kernels.path import explain

__all__ = ["explain"]
