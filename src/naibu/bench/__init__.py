"""Measure speed as ratios against named peers in the same run."""

from __future__ import annotations

from naibu.bench.rounds import QUIET, Measured, interleaved

__all__ = ["QUIET", "Measured", "interleaved"]
