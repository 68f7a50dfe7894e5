"""The colours of a value: two away from zero for what has a sign, one from zero for a gate."""

from __future__ import annotations

RGB = tuple[int, int, int]

LEVELS = 9
"""Steps of a colour on the page, beside none."""
# Okabe & Ito's, told apart by the colour-blind.
UP: RGB = (213, 94, 0)
DOWN: RGB = (0, 114, 178)
GATE: RGB = (0, 158, 115)
_STRONGEST = 0.9  # of the colour, the rest white: black text stays readable on it


def colour(share: float, signed: bool) -> RGB:
    """Return the background of a value from its share of the scale, -1 to 1: white at 0, vermillion above, blue below.

    A value without a sign, a gate's, goes from white to green.
    """
    size = min(abs(share), 1.0) * _STRONGEST
    hue = GATE if not signed else UP if share > 0 else DOWN
    red, green, blue = (round(255 + (part - 255) * size) for part in hue)
    return red, green, blue


def ink(background: RGB) -> RGB:
    """Return black or white, whichever differs more from a background (relative luminance, WCAG 2.2)."""
    light = luminance(background)
    return (0, 0, 0) if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else (255, 255, 255)


def luminance(rgb: RGB) -> float:
    """Return the relative luminance, 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def level(value: int, full: int, signed: bool) -> str:
    """Return the class of a value on the page: u1 to u9, d1 to d9 or g1 to g9, "" near zero."""
    step = round(abs(value) / full * LEVELS)
    return "" if not step else f"{'g' if not signed else 'u' if value > 0 else 'd'}{step}"
