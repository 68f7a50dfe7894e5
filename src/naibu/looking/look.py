"""Look into a network: the five steps in order, on one corpus, in as many forms as asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.corpus import Corpus, open_corpus
from naibu.looking.asked import Look, refuse_another_corpus
from naibu.looking.places import Places
from naibu.looking.probing import probe_run
from naibu.looking.report import make_report
from naibu.looking.steps import intervene_run, record_run
from naibu.progress import shown
from naibu.reporting.content import Report
from naibu.runs import Run
from naibu.storage import write_json
from naibu.training.train import run_name, train


def look(asked: Look, console: Console, *, command: str, workers: int = 1) -> Report:
    """Train, record, probe, intervene and report on a corpus; go on where an earlier call stopped.

    Everything lies under `asked.out`: runs/, recordings/, results/, report.html, summary.json. `workers` is for
    `probe_run`. Raises StoredError where the folder holds the work of another corpus.
    """
    whole = asked.whole()
    for form in asked.forms_or_default():
        places, corpus = trained(asked, form, console)
        record_run(places, corpus)
        probe_run(places, missing_only=True, workers=workers)
        if not (places.results / "holding.json").exists():
            intervene_run(places, corpus)
    report = make_report(asked.out, command=command)
    # Taken before the corpus was read: a file changed meanwhile is not said to be looked into.
    write_json(asked.out / "look.json", {**asked.source(), "whole": whole})
    return report


def trained(asked: Look, form: str, console: Console) -> tuple[Places, Corpus]:
    """Train a network of one form, or find it trained; return its places, and the corpus in that form."""
    refuse_another_corpus(asked)
    corpus = open_shown(asked.corpus, form, asked.options, console)
    run = train_shown(corpus, asked.model_for(form), asked.training_for(form), asked.out, console)
    places = Places(asked.out, run)
    write_facts(places, corpus)
    return places, corpus


def open_shown(path: str, form: str, options: dict[str, Any], console: Console) -> Corpus:
    """Open a corpus and print what was found in it."""
    corpus = open_corpus(path, form=form, **options)
    table = Table(title=f"{corpus.name}, form {corpus.form}", show_header=False, title_justify="left")
    for name, value in corpus.describe():
        table.add_row(name, value)
    console.print(table)
    return corpus


def train_shown(corpus: Corpus, model: ModelConfig, training: TrainingConfig, out: Path, console: Console) -> Run:
    """Train with a progress bar, or say that it is done already."""
    name = run_name(corpus.form, model)
    with shown(f"{name}: training", "steps") as progress:
        run = train(corpus, out=out / "runs" / name, model=model, training=training, progress=progress)
    end = run.summary()
    console.print(
        f"{name}: {end['steps']:,} steps, {end['tokens']:,} symbols in {end['seconds']:.0f} s "
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
