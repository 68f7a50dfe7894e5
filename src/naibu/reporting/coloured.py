"""A text coloured by the value of one unit in the terminal, with digits below it where there are no colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from naibu.data.forms import START_SYMBOL
from naibu.reporting.palette import RGB, colour, ink
from naibu.reporting.words import visible

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console
    from rich.text import Text

BAR = 24  # cells of the legend


def print_coloured(
    console: Console,
    symbols: Sequence[str],
    values: Sequence[float] | np.ndarray,
    held: Sequence[bool],
    *,
    scale: float,
    signed: bool,
    spaced: bool,
) -> None:
    """Print symbols on the colours of their values, underlined where `held`.

    `spaced` puts a blank between symbols; values beyond the scale have its last colour.

    Where the console has no colours (a file, a pipe, NO_COLOR) a digit stands below each symbol: 0 to 9 from -scale
    to scale, or from 0 for values without a sign.
    """
    from rich.cells import cell_len
    from rich.text import Text

    plain = _colourless(console)
    for line in _lines(symbols, values, held, spaced, console.width):
        text = Text(no_wrap=True)
        for shown, value, under, gap in line:
            share = value / scale if scale > 0 else 0.0
            style = "" if plain else _style(colour(share, signed))
            text.append(shown, style=f"{style} underline" if under and not plain else style)
            text.append(gap)
        console.print(text, soft_wrap=True)
        if plain and line:
            digits = (_digit(v, scale, signed).ljust(cell_len(shown)) + gap for shown, v, _, gap in line)
            console.print("".join(digits), markup=False, highlight=False, soft_wrap=True)


def _lines(
    symbols: Sequence[str], values: Sequence[float] | np.ndarray, held: Sequence[bool], spaced: bool, width: int
) -> Iterator[list[tuple[str, float, bool, str]]]:
    """Yield what stands on each line: symbols as shown, their values, whether held, and what follows them."""
    from rich.cells import cell_len

    line: list[tuple[str, float, bool, str]] = []
    taken = 0
    for symbol, value, under in zip(symbols, values, held, strict=True):
        shown = " " if symbol == " " else visible(symbol)
        size = cell_len(shown) + spaced
        if line and taken + size > max(width, 1):
            yield line
            line, taken = [], 0
        line.append((shown, float(value), under, " " if spaced else ""))
        taken += size
        if symbol == "\n" or (not spaced and symbol == START_SYMBOL):
            yield line
            line, taken = [], 0
    if line:
        yield line


def _colourless(console: Console) -> bool:
    return console.color_system is None or console.no_color


def legend(console: Console, scale: float, signed: bool) -> Text:
    """Return what the colours, or the digits, stand for."""
    from rich.text import Text

    low, high = (f"-{scale:.3g}" if signed else "0"), f"{scale:.3g}"
    if _colourless(console):
        return Text(f"0 below a symbol: {low}; 9: {high}")
    text = Text(f"{low} ")
    for k in range(BAR):
        share = k / (BAR - 1)
        text.append(" ", style=_style(colour(2 * share - 1 if signed else share, signed)))
    text.append(f" {high}")
    return text


def _style(background: RGB) -> str:
    return f"{_hex(ink(background))} on {_hex(background)}"


def _hex(rgb: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _digit(value: float, scale: float, signed: bool) -> str:
    share = value / scale if scale > 0 else 0.0
    place = (share + 1) / 2 if signed else share
    return str(min(9, max(0, int(place * 10))))
