"""From the tables on disk to `report.html`, `summary.json` and the table in the terminal."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from rich.table import Table

from naibu.errors import StoredError
from naibu.interventions.results import Holding
from naibu.looking.analyses.catalogue import ANALYSES, answered
from naibu.looking.analyses.holding import chosen
from naibu.looking.analysis import Results
from naibu.looking.check import refuse_damaged
from naibu.looking.opening import opening_of
from naibu.looking.places import Places
from naibu.looking.subject import trained_subject
from naibu.looking.summary import VERSION, of_forms, summary_of
from naibu.reporting.content import Part, Report, Subject
from naibu.reporting.numbers import count
from naibu.reporting.page import write
from naibu.reporting.section import Pen
from naibu.reporting.terminal import scores_table, summary_table
from naibu.reporting.training import trained
from naibu.reporting.words import signal_name
from naibu.storage import deliver_json
from naibu.version import __version__


def part_of(places: Places, anchor: str) -> Part:
    """Return what the report says of a run that is trained; `anchor` begins every id on the page."""
    return told(trained_subject(places), places.stored(), anchor)


def told(subject: Subject, results: Results, anchor: str) -> Part:
    """Return what the analyses that have a result say and show of one network."""
    sections, findings, lines = [trained(subject, Pen(f"{anchor}-train"))], [], {}
    if "tokens_per_second" in subject.training:
        lines["places a second in training"] = count(float(subject.training["tokens_per_second"]))
    answers = answered(subject, results)
    for analysis, found in answers:
        section = analysis.section(found, Pen(f"{anchor}-{analysis.name}"))
        if analysis.finding is not None:
            findings.append(analysis.finding(found))
            section = replace(section, says=section.says or findings[-1].text)
        command = analysis.command.format_map(subject.commands) if subject.commands else None
        sections.append(replace(section, key=analysis.name, command=command))
        lines |= analysis.lines(found)
    there = {analysis.name for analysis, _ in answers}
    missing = tuple(a.title for a in ANALYSES if a.name not in there and a.suits(subject))
    opening = opening_of(subject, results, Pen(f"{anchor}-opening"))
    return Part(subject, anchor, tuple(sections), tuple(findings), lines, missing, opening)


def make_report(looked: Sequence[Places], page: Path, *, command: str) -> Report:
    """Write a page, and `summary.json` beside it, from what is there of some runs; return what was reported."""
    places = [each for each in looked if each.run.finished]
    if not places:
        unfinished = looked[0].run.path
        raise StoredError(f"{unfinished}: the training is unfinished; the command that began it goes on with it")
    for each in places:
        refuse_damaged(each.run.path)
    parts = tuple(part_of(place, f"network-{k}") for k, place in enumerate(places, 1))
    title = f"Inside networks that read {parts[0].subject.source}"
    return write_report(title, parts, [each.stored() for each in places], page, command)


def write_report(title: str, parts: Sequence[Part], results: Sequence[Results], page: Path, command: str) -> Report:
    """Write a page of some networks, and `summary.json` beside it; return what was reported."""
    made = f"{date.today()}, naibu {__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    report = Report(title, made, command, tuple(parts))
    write(report, page)
    pairs = zip(parts, results, strict=True)
    networks = {part.subject.name: summary_of(part.subject, found) for part, found in pairs}
    table = summary_table(report)
    summary = {"version": VERSION, "title": title, "made": made, "command": command, "networks": networks}
    shown = {"columns": [*networks], "rows": _cells(table)}
    forms = of_forms([part.subject for part in parts], networks)
    deliver_json(page.with_name("summary.json"), {**summary, "finding": said(report), "table": shown, "forms": forms})
    return report


def said(report: Report) -> str:
    """Return what the page opens with, "" where nothing was asked for."""
    return "" if report.opening is None else f"{report.opening[1].sentence} {report.opening[1].proof}"


def _cells(table: Table) -> list[list[str]]:
    return [list(row) for row in zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True)]


def holding_table(found: Holding) -> Table:
    """Return an intervention as a table for the terminal: a row for each thing held."""
    unit = f"unit {found.unit} of the {signal_name(found.signal, found.layer)}"
    title = " ".join(filter(None, (f"{found.run}: holding still {unit}", chosen(found))))
    measures = [each for each in found.effects[0].measured if not each.where]
    heads = {each.name: each.title for each in measures}
    if "end_recall" in heads:
        heads = {"end_recall": "ends foreseen", "end_precision": "precision of ends", "loss": "loss (nats)"}
    rows = ((effect.what, [effect.scores(name) for name in heads]) for effect in found.effects)
    return scores_table(title, ("what was held", *heads.values()), rows)


def by_table(found: Holding) -> Table:
    """Return the task's first measure besides the loss at the steps of each value of a label, for the terminal."""
    values = found.by_values()
    title = f"{values[0].title} by {found.by}; the change of it with unit {found.unit} held, and with others, one each"
    heads = (found.by, "as trained", "change", f"others: mean of {len(found.of('random'))}", "least", "most")
    table = Table(*heads, title=title, title_justify="left")
    for each in values:
        one = each.change
        change = "-" if one is None else f"{one.value:.4g} [{one.low:.4g}, {one.high:.4g}]"
        others = (np.mean, np.min, np.max) if each.others else ()
        table.add_row(each.value, f"{each.before.value:.4g}", change, *(f"{of(each.others):.4g}" for of in others))
    return table
