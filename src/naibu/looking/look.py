"""Look into networks: the five steps in order, on the data of one task, for as many networks as asked for."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from naibu.config import ModelConfig, SymbolsName, TrainingConfig
from naibu.data.examples import Data
from naibu.locks import only_writer
from naibu.looking.asked import NOTE, Look, begin, files_of
from naibu.looking.places import Places
from naibu.looking.probing import probe_run
from naibu.looking.report import make_report, said
from naibu.looking.steps import intervene_run, record_run
from naibu.looking.subject import commands_of
from naibu.progress import shown
from naibu.reporting.content import Report
from naibu.reporting.training import cut_short
from naibu.runs import Run
from naibu.storage import write_json
from naibu.tasks.catalogue import task_named
from naibu.training.origin import said_of
from naibu.training.seeds import Seeds, train_seeds
from naibu.training.train import run_name, train


def look_into(asked: Look, console: Console, *, command: str, workers: int = 1) -> Report:
    """Train, record, probe, intervene and report; go on where an earlier call stopped.

    Everything lies under `asked.out`: a folder for each network, report.html, summary.json. `workers` is for
    `probe_run`. Raises StoredError where the folder looks into something else, or another process does so meanwhile.
    """
    with ExitStack() as held:
        return _look_into(asked, console, command, workers, held)


def _look_into(asked: Look, console: Console, command: str, workers: int, held: ExitStack) -> Report:
    whole, looked = asked.whole(), []
    for name, options in asked.networks().items():
        data = open_shown(asked.task, options, console, asked.out)
        held.enter_context(only_writer(asked.out, own=False))
        begin(asked)
        out = asked.out / name_of(data, name, asked.model, asked.training)
        if asked.seeds == 1:
            runs: tuple[Run, ...] = (train_shown(data, asked.model, asked.training, out, console),)
        else:
            runs = train_seeds_shown(data, asked.seeds, asked.model, asked.training, out, console).runs
        for places in map(Places, runs):
            record_run(places, data)
            probe_run(places, missing_only=True, workers=workers)
            if not places.stored().intact("holding"):
                intervene_run(places, data)
            looked.append(places)
        report = make_report(looked, asked.out / "report.html", command=command)
        if len(looked) < len(asked.networks()):  # to be read meanwhile
            page = asked.out / "report.html"
            console.print(f"{said(report)}\nReport of what is there so far: {page}", markup=False, soft_wrap=True)
    # Taken before the corpus was read: a file changed meanwhile is not said to be looked into.
    write_json(asked.out / NOTE, {**asked.source(), "whole": whole, "files": files_of(asked.out)})
    return report


def open_shown(task: str, options: Any, console: Console, folder: Path) -> Data:
    """Open the data of a task and print what was found in it; symbols of a large text are kept in a folder."""
    data = task_named(task).open_beside(options, folder)
    show_data(data, console)
    return data


def show_data(data: Data, console: Console) -> None:
    """Print what was found in data."""
    how = f"form {data.facts['form']}" if "form" in data.facts else f"task {data.task}"
    table = Table(title=Text(f"{data.name}, {how}"), show_header=False, title_justify="left")
    for name, value in data.found:
        table.add_row(Text(name), Text(value))
    console.print(table)


def name_of(data: Data, called: str, model: ModelConfig, training: TrainingConfig) -> str:
    """Return the usual name of a network's folder: what its data is called, units, and what is unusual of its shape."""
    return run_name(called, task_named(data.task).configured(data, model, training)[0])


def train_seeds_shown(
    data: Data, count: int, model: ModelConfig, training: TrainingConfig, out: Path, console: Console
) -> Seeds:
    """Train with several seeds and print what they score: mean, spread and each."""
    with shown(f"{out.name}: training with {count} seeds", "seeds") as progress:
        found = train_seeds(data, count, out=out, model=model, training=training, progress=progress)
    table = Table("test data", "mean", "spread", "each seed", title=Text(out.name), title_justify="left")
    for each in found.measures:
        seeds = "  ".join(f"{one:.4f}" for one in each.each)
        table.add_row(each.measure, f"{each.mean:.4f}", f"{each.spread:.4f}", seeds)
    console.print(table)
    for run in found.runs:
        write_facts(Places(run), data)
        say_if_short(run, console)
    return found


def train_shown(
    data: Data,
    model: ModelConfig,
    training: TrainingConfig,
    out: Path,
    console: Console,
    *,
    longer: str | None = None,
    begun: Path | None = None,
    begun_symbols: SymbolsName = "kept",
) -> Run:
    """Train in a folder with a progress bar, or say that it is done already; see `train`."""
    with shown(f"{out.name}: training", "steps") as progress:
        run = train(
            data,
            out=out,
            model=model,
            training=training,
            longer=longer,
            begun=begun,
            begun_symbols=begun_symbols,
            progress=progress,
        )
    write_facts(Places(run), run.as_read(data))
    if run.origin:
        console.print(f"{out.name}: {said_of(run.origin)}", markup=False, soft_wrap=True)
    end = run.summary()
    console.print(
        f"{out.name}: {end['steps']:,} steps, {end['tokens']:,} symbols in {end['seconds']:.0f} s "
        f"({end['tokens_per_second']:,.0f} a second), validation loss {end['validation_loss']:.4f} nats",
        markup=False,
    )
    say_if_short(run, console)
    return run


def say_if_short(run: Run, console: Console) -> None:
    """Print that a training ended while validation was still getting better, with the command that goes on."""
    if short := cut_short(run.metrics(), commands_of(Places(run))["longer"]):
        console.print(f"{run.name}: {short}", markup=False, highlight=False, soft_wrap=True)


def write_facts(places: Places, data: Data) -> None:
    """Write what was found in the data beside the results, for the report."""
    facts: dict[str, Any] = {"found": data.found, "example": data.example(), "asks": data.asks}
    facts |= {"singled_out": data.test.singled_out, "categorical": data.test.classes() is not None, **data.facts}
    with only_writer(places.run.path):
        write_json(places.results / "corpus.json", facts)
