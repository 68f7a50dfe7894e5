"""All that the analyses and the report need to know of a run, gathered in one place."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace
from typing import Any

from naibu.config import ModelConfig, TrainingConfig
from naibu.data import builtin
from naibu.data.corpus import DEPTHS
from naibu.data.forms import END_SYMBOL
from naibu.looking.asked import FLAGS
from naibu.looking.places import Places
from naibu.models.load import load
from naibu.reporting.content import Subject
from naibu.reporting.numbers import share
from naibu.reporting.words import FORMS, article
from naibu.runs import Run
from naibu.storage import read_json
from naibu.tasks.catalogue import task_named


def subject_of(places: Places) -> Subject:
    """Return what is known of a run: of its task, of its data, of its training as it went.

    Raises StoredError where what was found in the data has not been written.
    """
    run, corpus, task = places.run, places.run.corpus, task_named("trees")
    facts = read_json(places.results / "corpus.json", "what was found in the corpus; it is written by: naibu record")
    category, inside = facts["category"], facts["inside_share"]
    return Subject(
        name=run.name,
        about=task.about,
        source="Python's standard library" if corpus["options"]["path"] == builtin.NAME else corpus["name"],
        asks=tuple(facts["asks"]) if "asks" in facts else _asks(category),
        singled_out=facts.get("singled_out", END_SYMBOL),
        categorical=any(measure.name == "accuracy" for measure in task.measures(None)),
        options=corpus["options"],
        reads=FORMS.get(corpus["form"], ""),
        notes=() if category is None else (_note(category, inside),),
        example=facts["example"],
        found=[(name, value) for name, value in facts["found"]],
        data={"category": category, "inside_share": inside, "seen_share": facts["seen_share"]},
        metrics=run.metrics(),
        seconds=places.seconds(),
        seed=run.training.seed,
        commands=commands_of(places),
    )


def _asks(category: str | None) -> tuple[str, ...]:
    """Return the labels worth asking about of a corpus whose facts an older version wrote."""
    return (*DEPTHS, *(() if category is None else (f"depth:{category}", f"inside:{category}")))


def _note(category: str, inside: float | None) -> str:
    more = "" if inside is None else f"; {share(inside)} of the training symbols lie inside one"
    return f"The phrase looked at is {article(category)}{more}."


def trained_subject(places: Places) -> Subject:
    """Return the same of a run that is trained, with what its training came to. StoredError where it is not."""
    subject, run = subject_of(places), places.run
    end, config = run.summary(), run.training
    measures = {name: value for name, value in end.items() if name.startswith("validation_")}
    if subject.categorical:
        measures["validation_perplexity"] = math.exp(min(end["validation_loss"], 700))
    training: dict[str, str | int | float] = {
        "cell": run.model.cell,
        "units": run.model.units,
        "layers": run.model.layers,
        "parameters": sum(p.numel() for p in load(run).parameters()),
        "vocabulary": run.symbols,
        "dropout": run.model.dropout,
        "optimiser": f"Adam, learning rate {config.learning_rate}, {config.decay} decay, clipped at {config.clip}",
        "seed": config.seed,
        "steps": end["steps"],
        "best step": end["best_step"],
        "seconds": end["seconds"],
        "tokens": end["tokens"],
        "passes": round(end["tokens"] / max(1, run.corpus["train_tokens"]), 2),
        "tokens_per_second": end["tokens_per_second"],
        **measures,
        "threads": config.threads,
    }
    return replace(subject, training=training)


def commands_of(places: Places) -> dict[str, str]:
    """Return what is typed to train and to record the run again, and what says of which run (`run`)."""
    out, run = shlex.quote(str(places.out)), places.run
    return {
        "run": f"--out {out} --run {run.name}",
        "train": f"naibu train {shlex.quote(run.corpus['options']['path'])} {_typed_options(run)} --out {out}",
        "record": f"naibu record --out {out} --run {run.name}",
    }


def _typed_options(run: Run) -> str:
    """Return the options of `naibu train` that give this run again: those that are not as when nothing is given."""
    said: dict[str, Any] = {"--form": run.corpus["form"], "--units": run.model.units, "--steps": run.training.steps}
    said |= {"--threads": run.training.threads, "--seed": run.training.seed}
    options = run.corpus["options"]
    said |= {flag: options[name] for name, flag in {**FLAGS, "longest": "--longest"}.items() if options[name]}
    for config, usual in ((run.model, ModelConfig()), (run.training, TrainingConfig())):
        for name in ("cell", "layers", "dropout", "tied", "learning_rate", "batch_size", "truncation"):
            if getattr(config, name, None) != getattr(usual, name, None):
                said["--" + name.replace("_", "-")] = getattr(config, name)
    usual_corpus = {"--vocabulary": 10_000, "--split-seed": 1}
    return " ".join(
        flag if value is True else f"{flag} {shlex.quote(str(value))}"
        for flag, value in said.items()
        if usual_corpus.get(flag) != value
    )
