"""Measure speed as ratios against named peers in the same run."""

from __future__ import annotations

from naibu.bench.rounds import Measured, interleaved

__all__ = ["Measured", "interleaved"]
