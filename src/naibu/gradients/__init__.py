"""How the gradient travels back through time: its norm against the lag, bounds, and clipping at work."""

from __future__ import annotations

from naibu.gradients.bound import Bound, elman_bound
from naibu.gradients.clipping import ClippingRun, clipping
from naibu.gradients.curves import GradientCurve, gradient_curve
from naibu.gradients.travel import KINDS, WRT, norms_against_lag

__all__ = [
    "KINDS",
    "WRT",
    "Bound",
    "ClippingRun",
    "GradientCurve",
    "clipping",
    "elman_bound",
    "gradient_curve",
    "norms_against_lag",
]
