"""Look into a network: the five steps in order, on one corpus, in as many forms as asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from naibu.config import ModelConfig, TrainingConfig
from naibu.corpora import detect
from naibu.corpora.builtin import NAME as STANDARD_LIBRARY
from naibu.corpora.corpus import Corpus, open_corpus
from naibu.errors import StoredError
from naibu.look.places import Places
from naibu.look.report import make_report
from naibu.look.steps import intervene_run, probe_run, record_run
from naibu.progress import shown
from naibu.report.content import Report
from naibu.runs import Run
from naibu.storage import read_json, write_json
from naibu.training.train import run_name, train

UNITS = {"brackets": 100, "tagged": 200, "characters": 200}
"""Units of a network by form, where none are asked for; 300 for forms with words."""
MINUTES = {"brackets": 1.0, "tagged": 1.5}
"""Minutes of training on what every machine has, so that a newcomer need not wait; elsewhere 5."""


@dataclass(frozen=True)
class Look:
    """What is looked into: a corpus with its options, the forms, the networks, and where the work lies."""

    corpus: str
    options: dict[str, Any]
    forms: tuple[str, ...]
    model: ModelConfig
    training: TrainingConfig
    units: int | None
    out: Path

    def model_for(self, form: str) -> ModelConfig:
        """Return the shape of the network for one form."""
        return replace(self.model, units=units_for(form, self.units))

    def training_for(self, form: str) -> TrainingConfig:
        """Return the training for one form: shorter on what every machine has."""
        if self.training.minutes is None and self.training.steps is None and self.corpus == STANDARD_LIBRARY:
            return replace(self.training, minutes=MINUTES.get(form, 5.0))
        return self.training


def units_for(form: str, asked: int | None) -> int:
    """Return the units of a network: as asked, else what suits the form."""
    return UNITS.get(form, 300) if asked is None else asked


def default_forms(corpus: str, reader: str | None) -> tuple[str, ...]:
    """Return the forms looked into where none is asked for: plain text has no brackets."""
    builtin = corpus == STANDARD_LIBRARY and not Path(corpus).exists()
    kind = "python" if builtin else detect.choose(Path(corpus), reader, "tagged").reader
    return ("characters",) if kind == "text" else ("brackets", "tagged")


def look(asked: Look, console: Console, *, command: str) -> Report:
    """Train, record, probe, intervene and report on a corpus; go on where an earlier call stopped.

    Everything lies under `asked.out`: runs/, recordings/, results/, report.html, summary.json.
    Raises StoredError where the folder holds the work of another corpus.
    """
    note = asked.out / "look.json"
    _same_corpus(note, asked)
    for form in asked.forms or default_forms(asked.corpus, asked.options["reader"]):
        corpus = open_shown(asked.corpus, form, asked.options, console)
        write_json(note, {"corpus": asked.corpus, "options": asked.options})
        run = train_shown(corpus, asked.model_for(form), asked.training_for(form), asked.out, console)
        places = Places(asked.out, run)
        write_facts(places, corpus)
        record_run(places, corpus)
        probe_run(places, corpus.category, missing_only=True)
        if not (places.results / "holding.json").exists():
            intervene_run(places, corpus)
    return make_report(asked.out, command=command)


def _same_corpus(note: Path, asked: Look) -> None:
    if not note.exists():
        return
    there = read_json(note, "what this folder looks into")
    now = {"corpus": asked.corpus, "options": asked.options}
    if there != now:
        differing = [key for key in now["options"] if there["options"].get(key) != now["options"][key]]
        what = (
            f"corpus {there['corpus']}"
            if there["corpus"] != asked.corpus
            else "other options: " + ", ".join(f"{key} = {there['options'].get(key)}" for key in differing)
        )
        raise StoredError(
            f"--out {asked.out}: holds the work on {what}; "
            "give the same again to go on, or choose another folder with --out"
        )


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
        run = train(corpus, out=out, model=model, training=training, progress=progress)
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
    facts = {"found": corpus.describe(), "example": example, "category": corpus.category}
    facts |= {
        "inside_share": corpus.inside_share,
        "seen_share": corpus.seen_share,
        "unknown_share": corpus.unknown_share,
    }
    write_json(places.results / "corpus.json", facts)
