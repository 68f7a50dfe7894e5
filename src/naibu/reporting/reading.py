"""Passages on the page, each symbol on the colour of a unit's value; the unit is chosen there."""

from __future__ import annotations

import json
from base64 import b64encode

import numpy as np

from naibu.data.forms import START_SYMBOL
from naibu.probes.passages import FULL, NamedCell, Passage, Passages
from naibu.reporting.markup import Markup, element, folded, joined
from naibu.reporting.numbers import number
from naibu.reporting.palette import level
from naibu.reporting.words import label_name, signal_name, visible

AT_ONCE, MOST = 3, 12
"""Texts that are shown, and those of them and behind a click; all are in passages.csv."""
CAPTION = (
    "Each symbol lies on the colour of the unit's value after reading it; it is underlined where the label that the "
    "unit was found for holds. Point at a symbol for its value, or choose a text and step through it with the arrow "
    "keys."
)


def reading(found: Passages, name: str, spaced: bool, *, own: bool = False) -> Markup:
    """Return passages coloured by the first cell, with a choice of the others; `name` begins every id.

    `own`: the reader gave the text, so that it is called that, and not a test text.
    Symbols that are not `spaced` run on. The values of all cells lie in the page as base64 of int8; without scripts,
    and in print, the first is shown.
    """
    options = [element("option", cell_name(cell), value=str(k)) for k, cell in enumerate(found.cells)]
    cells = [{"signed": c.signed, "scale": float(f"{s:.6g}")} for c, s in zip(found.cells, found.scales, strict=True)]
    choice = joined(
        element("label", "Coloured by ", for_=f"{name}-cell"),
        element("select", *options, id=f"{name}-cell", autocomplete="off"),
        Markup(" "),
        element("output", for_=f"{name}-cell"),
    )
    first = found.cells[0]
    texts = [_text(passage, found, k, spaced, own) for k, passage in enumerate(found.passages[:MOST])]
    parts = joined(
        Markup('<p class="tools" hidden>{}</p>').format(choice),
        element("p", "Coloured by ", cell_name(first), class_="fixed"),
        _legend(first, float(found.scales[0])),
        *texts[:AT_ONCE],
        folded(f"{len(texts) - AT_ONCE} more texts", *texts[AT_ONCE:]) if len(texts) > AT_ONCE else Markup(""),
    )
    kind = "reading" if first.signed else "reading gated"
    box = element("div", parts, class_=kind, data_cells=json.dumps(cells, separators=(",", ":")))
    return element("figure", box, element("figcaption", CAPTION))


def cell_name(cell: NamedCell) -> str:
    """Return what a cell is called where it is chosen: its label first, then the unit, and how well it tells."""
    unit = f"unit {cell.unit} of the {signal_name(cell.signal, cell.layer)}"
    if not cell.label:
        return unit
    if not cell.statistic:
        return f"{label_name(cell.label)}: {unit}"
    measure = "AUC" if cell.statistic == "auc" else "rank correlation"
    way = "" if cell.rises else ", lower where it holds" if cell.statistic == "auc" else ", falling"
    return f"{label_name(cell.label)}: {unit} ({measure} {number(cell.score)}{way})"


def _legend(cell: NamedCell, scale: float) -> Markup:
    return element(
        "p",
        element("span", number(-scale) if cell.signed else "0", data_end="low"),
        element("span", class_="bar", aria_hidden="true"),
        element("span", number(scale), data_end="high"),
        element("span", "bold: above half the scale; italic: below minus half of it", class_="printed"),
        class_="legend",
    )


def _text(passage: Passage, found: Passages, k: int, spaced: bool, own: bool) -> Markup:
    """Return one passage as preformatted text with a span for each symbol."""
    scale, signed = float(found.scales[0]), found.cells[0].signed
    spans = []
    for symbol, value, holds in zip(passage.symbols, passage.values[0], passage.holds[0], strict=True):
        shown = f"{visible(symbol)}\n" if symbol == "\n" else symbol if symbol == " " else visible(symbol)
        kind = " ".join(part for part in (level(int(value), FULL, signed), "on" if holds == 1 else "") if part)
        after = " " if spaced else "\n" if symbol == START_SYMBOL else ""
        told = {"class_": kind, "title": _number(int(value) / FULL * scale)}
        coloured = told if k < AT_ONCE else {}  # the script colours the others
        spans.append(joined(element("span", shown, **coloured), after))
    where = "that also occurs in training" if passage.seen else "not seen in training"
    return element(
        "pre",
        *spans,
        tabindex="0",
        role="region",
        aria_label=f"Your text, part {k + 1}" if own else f"Test text {k + 1}, {where}",
        data_values=_packed(passage.values),
        data_holds=b64encode(np.packbits(passage.holds.ravel() == 1, bitorder="little").tobytes()).decode(),
    )


def _packed(values: np.ndarray) -> str:
    return b64encode(np.ascontiguousarray(values, np.int8).tobytes()).decode()


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
