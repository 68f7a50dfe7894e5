"""How numbers are written, in one place: three or four digits that matter, shares as per cent, – if missing."""

from __future__ import annotations

import math

from naibu.probes.results import Score

MISSING = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def count(value: float | None) -> str:
    """Return a whole number with its thousands set apart: 12,345."""
    return MISSING if _missing(value) else _minus(f"{value:,.0f}")


def number(value: float | None) -> str:
    """Return a number with three or four digits that matter: 0.9994, 12.31, 1,204, 3.1 × 10⁻⁶."""
    return MISSING if value is None or _missing(value) else _written(value, _decimals(value))


def share(value: float | None) -> str:
    """Return a share of 1 as per cent; close to 0 and to 100 % with more decimals, so that 1 is never rounded up to."""
    return MISSING if value is None or _missing(value) else _percent(value, _percent_decimals(value))


def scored(score: Score | None, as_share: bool = False) -> tuple[str, str]:
    """Return a score's value and its interval in brackets ("" without a score), to as many decimals as it is known."""
    if score is None or _missing(score.value):
        return MISSING, ""
    ends = [x for x in (score.low, score.high) if not _missing(x)]
    width = max(ends) - min(ends) if len(ends) == 2 else math.nan
    if as_share:
        decimals = _percent_decimals(score.value)
        write = _percent
    else:
        decimals = _decimals(score.value)
        if 0 < width < 1 and abs(score.value) <= 1:
            decimals = min(max(decimals, math.ceil(-math.log10(width))), 6)
        write = _written
    low, high = (MISSING if _missing(x) else write(x, decimals) for x in (score.low, score.high))
    return write(score.value, decimals), f"[{low}, {high}]"


def with_interval(score: Score | None, as_share: bool = False) -> str:
    """Return a score as "0.93 [0.92, 0.94]"."""
    return " ".join(part for part in scored(score, as_share) if part)


def duration(seconds: float | None) -> str:
    """Return a length of time in the unit a person would choose."""
    if seconds is None or _missing(seconds):
        return MISSING
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _decimals(value: float) -> int:
    size = abs(value)
    if size >= 1:
        return max(0, 3 - math.floor(math.log10(size))) if size != 1 else 3
    near = 1 - size
    if 0 < near < 0.01:  # 0.9994, not 0.999
        return min(6, math.ceil(-math.log10(near))) if near > 1e-6 else 6
    return 3 if size >= 0.01 or size == 0 else min(6, 1 - math.floor(math.log10(size)))


def _written(value: float, decimals: int) -> str:
    if value != 0 and abs(value) < 1e-5:
        digits, exponent = f"{value:.1e}".split("e")
        return _minus(digits) + " × 10" + str(int(exponent)).translate(_SUPERSCRIPT)
    if value == int(value) and abs(value) >= 1:
        return count(value) if abs(value) > 1 else _minus(f"{value:.{min(decimals, 3)}f}")
    text = f"{value:,.{decimals}f}"
    return _minus(text) if float(text.replace(",", "")) != 0 else text.lstrip("-")


def _percent_decimals(value: float) -> int:
    gap = min(abs(value), abs(1 - value))
    if gap == 0 or gap >= 0.001:
        return 1
    return min(4, math.ceil(-math.log10(gap)) - 2)


def _percent(value: float, decimals: int) -> str:
    text = "100" if value == 1 else "0" if value == 0 else f"{100 * value:.{decimals}f}"
    return _minus(text) + "\u202f%"


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text
