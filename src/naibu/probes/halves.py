"""Stored float16 values brought to float32, several times as fast as numpy's own conversion."""

from __future__ import annotations

import numpy as np

_EXPONENT = np.float32(2.0**112)  # float32's exponent begins 112 lower
_KEPT = np.int32(-0x70002000)  # 0x8FFFE000: the sign, and where the shifted exponent and fraction lie
_FINITE = 0x7C00  # of the bits without the sign: from here on infinite, or no number
BUFFER = 262_144  # values at a time, so that all steps stay in the processor's cache


def widened(values: np.ndarray) -> np.ndarray:
    """Return values [row unit] of any type as float32, always a new array; of float16 exactly, by moving its bits.

    numpy converts value by value (1.5 ns each where this was written), which took most of the time of every pass over
    a recording; four operations on whole integers do the same in a quarter of that. Where a value is infinite or no
    number, numpy converts.
    """
    if values.dtype != np.float16 or values.ndim != 2 or not values.size:
        return values.astype(np.float32)
    out = np.empty(values.shape, np.float32)
    step = max(1, BUFFER // values.shape[1])
    for a in range(0, len(values), step):
        _widen(values[a : a + step], out[a : a + step])
    return out


def _widen(values: np.ndarray, out: np.ndarray) -> None:
    half = values.view(np.int16)
    if (half & np.int16(0x7FFF)).max() >= _FINITE:
        out[:] = values
        return
    bits = out.view(np.int32)
    bits[:] = half
    bits <<= 13
    bits &= _KEPT
    out *= _EXPONENT
