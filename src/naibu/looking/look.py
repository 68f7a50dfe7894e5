"""Look into networks: the five steps in order, on the data of one task, for as many networks as asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.corpus import Corpus
from naibu.looking.asked import NOTE, Look, begin
from naibu.looking.places import Places
from naibu.looking.probing import probe_run
from naibu.looking.report import make_report
from naibu.looking.steps import intervene_run, record_run
from naibu.progress import shown
from naibu.reporting.content import Report
from naibu.runs import Run
from naibu.storage import write_json
from naibu.tasks.catalogue import task_named
from naibu.training.seeds import Seeds, train_seeds
from naibu.training.train import run_name, train


def look_into(asked: Look, console: Console, *, command: str, workers: int = 1) -> Report:
    """Train, record, probe, intervene and report; go on where an earlier call stopped.

    Everything lies under `asked.out`: a folder for each network, report.html, summary.json. `workers` is for
    `probe_run`. Raises StoredError where the folder looks into something else.
    """
    whole, looked = asked.whole(), []
    for name, options in asked.networks().items():
        corpus = open_shown(asked.task, options, console)
        begin(asked)
        out = asked.out / name_of(corpus, name, asked.model, asked.training)
        if asked.seeds == 1:
            runs: tuple[Run, ...] = (train_shown(corpus, asked.model, asked.training, out, console),)
        else:
            runs = train_seeds_shown(corpus, asked.seeds, asked.model, asked.training, out, console).runs
        for places in map(Places, runs):
            record_run(places, corpus)
            probe_run(places, missing_only=True, workers=workers)
            if not (places.results / "holding.json").exists():
                intervene_run(places, corpus)
            looked.append(places)
    report = make_report(looked, asked.out / "report.html", command=command)
    # Taken before the corpus was read: a file changed meanwhile is not said to be looked into.
    write_json(asked.out / NOTE, {**asked.source(), "whole": whole})
    return report


def open_shown(task: str, options: Any, console: Console) -> Corpus:
    """Open the data of a task and print what was found in it."""
    data = cast(Corpus, task_named(task).open(options))  # what is recorded and probed by these steps today
    table = Table(title=f"{data.name}, form {data.form}", show_header=False, title_justify="left")
    for name, value in data.found:
        table.add_row(name, value)
    console.print(table)
    return data


def name_of(corpus: Corpus, called: str, model: ModelConfig, training: TrainingConfig) -> str:
    """Return the usual name of a network's folder: what its data is called, units, and what is unusual of its shape."""
    return run_name(called, task_named(corpus.task).configured(corpus, model, training)[0])


def train_seeds_shown(
    corpus: Corpus, count: int, model: ModelConfig, training: TrainingConfig, out: Path, console: Console
) -> Seeds:
    """Train with several seeds and print what they score: mean, spread and each."""
    with shown(f"{out.name}: training with {count} seeds", "seeds") as progress:
        found = train_seeds(corpus, count, out=out, model=model, training=training, progress=progress)
    table = Table("test data", "mean", "spread", "each seed", title=out.name, title_justify="left")
    for each in found.measures:
        seeds = "  ".join(f"{one:.4f}" for one in each.each)
        table.add_row(each.measure, f"{each.mean:.4f}", f"{each.spread:.4f}", seeds)
    console.print(table)
    for run in found.runs:
        write_facts(Places(run), corpus)
    return found


def train_shown(corpus: Corpus, model: ModelConfig, training: TrainingConfig, out: Path, console: Console) -> Run:
    """Train in a folder with a progress bar, or say that it is done already."""
    with shown(f"{out.name}: training", "steps") as progress:
        run = train(corpus, out=out, model=model, training=training, progress=progress)
    write_facts(Places(run), corpus)
    end = run.summary()
    console.print(
        f"{out.name}: {end['steps']:,} steps, {end['tokens']:,} symbols in {end['seconds']:.0f} s "
        f"({end['tokens_per_second']:,.0f} a second), validation loss {end['validation_loss']:.4f} nats"
    )
    return run


def write_facts(places: Places, corpus: Corpus) -> None:
    """Write what was found in the corpus beside the results, for the report."""
    short = min(range(min(len(corpus.test), 500)), key=lambda s: abs(int(corpus.test.lengths[s]) - 24))
    example = " ".join(corpus.test[short].symbols[:60])
    facts: dict[str, Any] = {"found": corpus.describe(), "example": example, "category": corpus.category}
    facts |= {
        "asks": corpus.asks,
        "singled_out": corpus.singled_out,
        "inside_share": corpus.inside_share,
        "seen_share": corpus.seen_share,
        "unknown_share": corpus.unknown_share,
    }
    write_json(places.results / "corpus.json", facts)
