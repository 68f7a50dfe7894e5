"""The page: every published table with ours beside it, learning curves, the grammar, and looks inside solved trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from naibu.papers.hochreiter1997 import outcomes, traces
from naibu.papers.hochreiter1997.blocks import digest, folder_of
from naibu.papers.hochreiter1997.compare import Version, every_stored
from naibu.papers.hochreiter1997.curves import plot_curves
from naibu.papers.hochreiter1997.reber_drawing import plot_grammar
from naibu.papers.hochreiter1997.rows import TODAY, Row, Table, original, published
from naibu.papers.hochreiter1997.tables import (
    MEDIAN,
    NOTE,
    OURS,
    RANGE,
    SEQUENCES,
    SOLVED,
    TEST,
    TIME,
    TRIALS,
    VERDICT,
    Line,
    header,
    lines_of,
)
from naibu.reporting.markup import Markup, element, figure, folded, joined, paragraph, table
from naibu.reporting.page import document
from naibu.reporting.plots.canvas import drawn
from naibu.storage import sealed_page, write_text

TITLE = "Long Short-Term Memory, 1997: the experiments run again"
LEAD = (
    "Hochreiter and Schmidhuber introduced the LSTM with six experiments, whose tables stand here as they were "
    "published. Under each published row is ours: the paper's network without forget gates, its truncated gradient, "
    "its plain gradient descent, one sequence after another, with the parameters of its appendix. Where the same row "
    "was also run with other settings (a lower cap, another seed, a departure from the literal reading), these follow, "
    "named by what is different. Last, on some tasks, comes today's LSTM: with forget gate, exact gradient and Adam."
)
WIDER = "body { max-width: 72rem; } td .units { min-width: 14rem; }"
"""The tables have more columns than those of other pages."""
LONG = 12
"""Lines of a table above which it is folded."""


def write(folder: Path, path: Path, made: str) -> None:
    """Write the page of all trials under a folder, whole or not at all; `made` is the day."""
    write_text(path, sealed_page(render(every_stored(folder), folder, made)))


def render(versions: Sequence[Version], folder: Path, made: str) -> str:
    """Return the page; equal trials give an equal page."""
    of = {table.table: [v for v in versions if v.row.table == table.table] for table in published()}
    main = joined(
        _opening(versions),
        folded("What the tables show, and how verdicts are made", paragraph(LEAD), paragraph(NOTE)),
        element(
            "nav",
            element("h2", "Contents"),
            element("ol", *(element("li", element("a", _title(t), href=f"#{_anchor(t)}")) for t in published())),
            aria_label="Contents",
        ),
        *(_section(each, of[each.table], folder) for each in published()),
        element("footer", paragraph(f"{TITLE}, made {made} by `naibu papers hochreiter1997`.")),
    )
    return document(TITLE, main, rules=WIDER)


def _title(of: Table) -> str:
    return f"{of.table}: {of.title}"


def _anchor(of: Table) -> str:
    return "".join(c if c.isalnum() else "-" for c in of.table.lower())


def _opening(versions: Sequence[Version]) -> Markup:
    """Return the first screen: how many rows come out, the picture of them, and a sentence on each."""
    ran = outcomes.literal(versions)
    rows = len({version.row.key for version in versions if version.row.learner != TODAY and not version.row.of})
    picture = []
    if ran:
        draw, size = partial(outcomes.plot_outcomes, ran), (outcomes.WIDE, outcomes.height(ran))
        label = "Mean sequences until solved, published and ours, of every row that was run"
        caption = (
            "Ring: published. Dot: ours, with the 95 % interval of the ratio of means; blue where the row agrees. "
            "Cross: none solved, at the cap. Over each line: trials solved."
        )
        picture.append(figure([drawn(draw, size=size, name="outcomes", label=label)], caption))
    items = [element("li", f.text, class_="present" if f.present else "absent") for f in outcomes.findings(ran)]
    left = f"{rows - len(ran)} of the {rows} published rows were not run here; `naibu papers hochreiter1997` runs all."
    return element(
        "header",
        paragraph(TITLE, "eyebrow"),
        element("h1", outcomes.in_short(ran)),
        *picture,
        element("ul", *items, class_="findings"),
        *([paragraph(left)] if rows > len(ran) else []),
        class_="opening",
    )


def _section(of: Table, versions: Sequence[Version], folder: Path) -> Markup:
    ran = [version for version in versions if version.trials]
    return element(
        "section",
        element("h2", _title(of), id=_anchor(of), class_="network"),
        paragraph(of.about),
        *_grammar(of),
        _table(of, versions),
        *_curves(ran),
        *_traces(ran, folder),
        folded("Settings of each row, and what departs from the paper", _settings(versions)),
        paragraph(f"Published: {of.source}.", "quiet"),
        aria_labelledby=_anchor(of),
    )


def _grammar(of: Table) -> Iterator[Markup]:
    if of.table != "Table 1":
        return
    label = "The embedded Reber grammar: from begin to end, a letter on every arc"
    svg = drawn(plot_grammar, size=(7.4, 4.2), name="grammar", label=label, wide=True)
    caption = (
        "The grammar. Where two arcs leave a node each is taken half the time. The first T or P has to be remembered "
        "until it returns at the end, over a string of any length."
    )
    yield figure([svg], caption)


def _table(of: Table, versions: Sequence[Version]) -> Markup:
    lines: list[Line] = []
    shown: set[str] = set()
    for version in versions:
        lines += lines_of(version.row, version.found, version.label)[-1 if version.row.key in shown else 0 :]
        shown.add(version.row.key)
    kept = [TRIALS, SOLVED, SEQUENCES, *[TEST] * any(line.cells[TEST] for line in lines), VERDICT]
    names = header(of)
    first = len(names) - len(OURS)
    rows = []
    for line in lines:
        whose = line.whose if line.whose == "published" else element("strong", line.whose)
        cells = _cells(line)
        rows.append([*line.own, whose, *(cells[place] for place in kept)])
    head = [*names[:first], *(names[first + place] for place in kept)]
    made = table(head, rows, f"{_title(of)}. Published, and ours under it.", names=first)
    if not any(version.trials for version in versions):
        return folded("The published figures; no row was run here", made)
    return folded(f"The table, {len(rows)} lines", made) if len(rows) > LONG else made


def _cells(line: Line) -> list[str]:
    """Return the cells with time, interval, median and range in small letters under what they belong to."""
    cells = list(line.cells)
    share, _, interval = cells[SOLVED].partition(" [")
    if interval:
        cells[SOLVED] = joined(share, element("small", f"[{interval}"))
    cells[TRIALS] = joined(cells[TRIALS], *[element("small", cells[TIME])] * bool(cells[TIME]))
    under = [f"median {cells[MEDIAN]}"] * bool(cells[MEDIAN]) + [cells[RANGE]] * bool(cells[RANGE])
    cells[SEQUENCES] = joined(cells[SEQUENCES], *(element("small", text) for text in under))
    told, *more = cells[TEST].split("; ")
    cells[TEST] = joined(told, *(element("small", text) for text in more))
    cells[VERDICT] = element("span", cells[VERDICT], class_="units")
    return cells


def _curves(ran: Sequence[Version]) -> Iterator[Markup]:
    """Draw the learning curves of all versions that have some."""
    panels = []
    for number, version in enumerate(ran):
        if not any(trial.curve for trial in version.trials):
            continue
        mean = version.row.published.get("sequences")
        title = f"{version.row.row}{', ' if version.label else ''}{version.label}"
        draw = partial(
            plot_curves,
            version.trials,
            published=float(mean) if isinstance(mean, (int, float)) and mean <= version.row.cap else None,
            title=title if len(title) <= 42 else f"{title[:40]} …",
        )
        name = f"curves-{version.row.key.replace('.', '-')}-{number}"
        panels.append(drawn(draw, size=(3.5, 2.4), name=name, label=f"Curves of {title}"))
    if panels:
        caption = (
            "Learning curves, a line for each trial: blue, ending in a dot, where it was solved; vermillion, ending in "
            "a cross, where it was not. Dotted: the published mean, where the cap reaches so far. The error is the "
            "mean absolute one; in experiment 2 and of RTRL, ELM and RCC the mean squared one; of endless streams, "
            "mistakes for each symbol."
        )
        yield figure(panels, caption)


def _traces(ran: Sequence[Version], folder: Path) -> Iterator[Markup]:
    """Draw the inside of one solved trial of each experiment, that of its first version which has a trace."""
    seen: set[tuple[str, bool]] = set()
    for version in ran:
        assert version.found is not None
        path = traces.path_of(folder_of(folder, version.row), digest(dict(version.found.settings)))
        which = version.row.experiment, version.row.learner == TODAY
        if which in seen or not path.exists():
            continue
        seen.add(which)
        trace, number = traces.read(path)
        label = f"Signals of a solved trial of {version.row.row}"
        svg = drawn(
            partial(traces.plot_trace, trace),
            size=(7.4, traces.height(trace)),
            name=f"trace-{version.row.key.replace('.', '-')}",
            label=label,
            wide=True,
        )
        shaded = " Shaded: the steps that the answer depends on." if len(trace.marks) else ""
        yield figure([svg], f"Inside trial {number} of {version.row.row}, solved: {trace.words}.{shaded}")


def _settings(versions: Sequence[Version]) -> Markup:
    items = []
    for version in versions:
        row = version.row
        name = f"{row.row}{': ' if version.label else ''}{version.label}"
        said = [f"{_words(row)}; cap {row.cap:,} sequences, {_caps(row)}"]
        said += [row.words] if row.words else []
        said += [f"Doubtful among the published figures: {', '.join(row.doubtful)}."] if row.doubtful else []
        items.append(joined(element("dt", name), element("dd", " ".join(said))))
    return element("dl", *items, class_="words")


def _caps(row: Row) -> str:
    mean, published_row = row.published.get("sequences"), original(row)
    if row.cap != published_row.cap:
        return f"in place of {published_row.cap:,}."
    if isinstance(mean, (int, float)) and row.cap == 5 * mean:
        return "five times the published mean."
    return "stated here." if row.published.get("sequences_above") != row.cap else "as in the paper."


def _words(row: Row) -> str:
    parts = [f"learner {row.learner}"]
    for settings in (row.task, row.network, row.learning):
        parts += [f"{name.replace('_', ' ')} {_value(value)}" for name, value in settings.items()]
    return "; ".join(parts)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
