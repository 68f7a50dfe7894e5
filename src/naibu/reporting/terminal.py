"""The main numbers of a report as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from naibu.probes.results import Scores
from naibu.reporting.content import NetworkPart, Report
from naibu.reporting.findings import fewest, measured, random_values
from naibu.reporting.numbers import MISSING, count, number, share, with_interval
from naibu.reporting.words import headline, label_name, leading, of_signal, on_split, signal_name

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(report: Report) -> Table:
    """Return the main numbers as a table of rich: a row per number, a column per network."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(report.title), title_justify="left")
    table.add_column("")
    for part in report.parts:
        table.add_column(Text(part.name), overflow="fold")
    for name, value in LINES:
        cells = [value(part) for part in report.parts]
        if any(cell != MISSING for cell in cells):
            table.add_row(name, *(Text(cell) for cell in cells))  # Text: a symbol like [b] is no markup
    return table


def _rate(part: NetworkPart) -> str:
    rate = part.training.get("tokens_per_second")
    return count(rate) if isinstance(rate, (int, float)) else MISSING


def _both(scores: Scores | None, write: Callable[[float | None], str]) -> str:
    """Return a score on test and on unseen sequences."""
    if scores is None:
        return MISSING
    unseen = f" / {write(scores.unseen.value)}" if scores.unseen is not None else ""
    return write(scores.test.value) + unseen


def _perplexity(part: NetworkPart) -> str:
    return MISSING if part.confusion is None else _both(part.confusion.perplexity, number)


def _end_recall(part: NetworkPart) -> str:
    return MISSING if part.confusion is None else _both(part.confusion.end_recall, share)


def _unit(part: NetworkPart, which: str) -> str:
    correlation = part.depth if which == "depth" else part.phrase
    if correlation is None:
        return MISSING
    best = leading(correlation)
    text = f"{with_interval(headline(best.pearson)[0])} (unit {best.pearson_unit} of {signal_name(best.signal)})"
    if which == "depth" and correlation.label != "depth":
        text = f"{label_name(correlation.label)}: {text}"
    other = of_signal(correlation, "hidden")
    if other is not None and other is not best:
        text += f"; hidden state {number(headline(other.pearson)[0].value)}"
    return text


def _linear(part: NetworkPart) -> str:
    values = [
        f"{number(headline(model.r2)[0].value)} ({signal_name(regression.signal)})"
        for regression in part.regression
        for model in regression.models
        if model.name == "linear"
    ]
    return ", ".join(values) or MISSING


def _overlap(part: NetworkPart) -> str:
    if part.overlap is None:
        return MISSING
    best = part.overlap.best()
    return (
        f"{with_interval(headline(best.overlap)[0])} (unit {best.unit} of {signal_name(best.signal)}, "
        f"{label_name(part.overlap.label)})"
    )


def _l1(part: NetworkPart) -> str:
    if part.l1 is None or not part.l1.strengths:
        return MISSING
    row = fewest(part.l1)
    return f"{with_interval(headline(row.of_units)[0], True)} with {row.nonzero} of {part.l1.of} units"


def _held(part: NetworkPart) -> str:
    if part.holding is None or not part.holding.of("before") or not part.holding.of("held"):
        return MISSING
    name, split = measured(part.holding)
    write = share if name == "end_recall" else number
    before, held = (on_split(getattr(part.holding.of(kind)[0], name), split) for kind in ("before", "held"))
    drawn = random_values(part.holding, name, split)
    random = f"; random {write(sum(drawn) / len(drawn))}" if drawn else ""
    what = "" if name == "end_recall" else "loss "
    return f"{what}{write(before.value if before else None)} → {write(held.value if held else None)}{random}"


LINES: tuple[tuple[str, Callable[[NetworkPart], str]], ...] = (
    ("symbols a second in training", _rate),
    ("perplexity, test / unseen", _perplexity),
    ("ends foreseen, test / unseen", _end_recall),
    ("best unit with the depth, r", lambda part: _unit(part, "depth")),
    ("best unit with the phrase's depth, r", lambda part: _unit(part, "phrase")),
    ("depth from all units, R²", _linear),
    ("inside or not, overlap", _overlap),
    ("inside or not, few units", _l1),
    ("unit held: before → held", _held),
)
