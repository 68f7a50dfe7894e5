"""What there is of a network: how it was trained, what was recorded, which units have a name."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from naibu.looking.drawing import drawable
from naibu.looking.places import Places
from naibu.looking.subject import commands_of
from naibu.probes.found import Search
from naibu.recording.files import Manifest
from naibu.recording.index import LABEL
from naibu.reporting.numbers import count, number
from naibu.reporting.training import cut_short
from naibu.reporting.words import label_name, layer_name, signal_name
from naibu.runs import Run
from naibu.training.origin import said_of


def shown(places: Places) -> dict[str, Any]:
    """Return what there is of a network, as plain values under fixed names. Raises StoredError where it is damaged."""
    run = places.run
    found: dict[str, Any] = {"run": str(run.path), "task": run.task, "data": run.found["name"], "cell": run.model.cell}
    found |= {"units": run.model.units, "layers": run.model.layers, "finished": run.finished}
    if run.finished:
        found |= {name: value for name, value in run.summary().items() if name in ("steps", "validation_loss")}
    found |= training_told(run)
    recordings, labels = {}, list[str]()
    for folder in sorted(places.recordings.glob("*/manifest.json")):
        manifest = Manifest.read(folder.parent)
        recordings[folder.parent.name] = {
            "tokens": manifest.tokens,
            "signals": ["/".join(key) for key in manifest.units],
        }
        labels += [name.removeprefix(LABEL) for name in manifest.columns if name.startswith(LABEL)]
    search = places.stored().get(Search, "search")
    named = [] if search is None else [_named(each) for each in search.found]
    return {
        **found,
        "recordings": recordings,
        "labels": list(dict.fromkeys(labels)),
        "named": named,
        "drawable": drawable(places),
    }


def training_told(run: Run) -> dict[str, Any]:
    """Return what a training was asked for in all, whose weights it began with, and whether it was cut short."""
    short = cut_short(run.metrics(), commands_of(Places(run))["longer"]) if run.finished else ""
    return {"asked_steps": run.asked_steps, "origin": run.origin, "cut_short": short}


def _named(found: Any) -> dict[str, Any]:
    best = found.best
    return {
        "label": found.label,
        "layer": best.layer,
        "signal": best.signal,
        "unit": best.unit,
        found.statistic: best.scores.test.value,
    }


def shown_table(found: dict[str, Any]) -> Table:
    """Return the same as a table for the terminal."""
    table = Table(title=Text(found["run"]), show_header=False, title_justify="left")
    size = f"{found['cell']}, {found['units']} units" + (f", {found['layers']} layers" * (found["layers"] > 1))
    table.add_row("network", Text(f"{size}; task {found['task']}, {found['data']}"))
    trained = "unfinished: the command that began it goes on"
    if found["finished"]:
        trained = f"{count(found['steps'])} steps, validation loss {number(found['validation_loss'])} nats"
    asked = " and ".join(map(count, found["asked_steps"]))
    trained += f"; asked for {asked} steps" * (len(found["asked_steps"]) > 1)
    table.add_row("trained", trained)
    for name, said in (("", found["cut_short"]), ("weights", found["origin"] and said_of(found["origin"]))):
        if said:
            table.add_row(name, Text(said))
    for name, recording in found["recordings"].items():
        signals = ", ".join(recording["signals"])
        table.add_row(Text(f"recording {name}"), Text(f"{count(recording['tokens'])} places: {signals}"))
    table.add_row("labels", Text(", ".join(found["labels"]) or "none recorded"))
    for each in found["named"]:
        score = next(iter(each[kind] for kind in ("auc", "spearman") if kind in each))
        who = f"unit {each['unit']} of the {signal_name(each['signal'])}, {layer_name(each['layer'])} ({number(score)})"
        table.add_row(Text(f"named: {label_name(each['label'])}"), Text(who))
    table.add_row("to draw", Text(", ".join(found["drawable"]) or "nothing was probed"))
    return table
