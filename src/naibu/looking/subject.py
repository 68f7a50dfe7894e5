"""All that the analyses and the report need to know of a run, gathered in one place."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace

from naibu.config import TrainingConfig, as_typed
from naibu.data import builtin
from naibu.data.corpus import DEPTHS
from naibu.data.forms import END_SYMBOL
from naibu.looking.places import Places
from naibu.reporting.content import Subject
from naibu.reporting.numbers import share
from naibu.reporting.words import FORMS, article
from naibu.runs import Run
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.training.origin import said_of

OPTIMISERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "gradient descent"}
AVERAGED = {
    "none": "",
    "non-monotone": ", weights averaged from where validation worsened",
    "last": ", weights averaged over the last tenth of the steps",
}


README = {
    "python": "3.11.7",
    "naibu": "0.1.0",
    "fingerprint": "ae9e32eb3112880744c48bb38932d1664db081a4428058dcdae142671eb135ae",
}
"""Of what the README's table is, as docs/standard-library.json keeps it."""


def subject_of(places: Places) -> Subject:
    """Return what is known of a run: of its task, of its data, of its training as it went.

    Raises StoredError where what was found in the data has not been written.
    """
    run, facts = places.run, places.facts()
    found = run.found
    category, inside = facts.get("category"), facts.get("inside_share")
    corpus, differs = made_from(run)
    return Subject(
        name=run.name,
        about=task_named(run.task).about,
        source="Python's standard library" if _is_builtin(run) else found["name"],
        corpus=corpus,
        differs=differs,
        asks=tuple(facts["asks"]) if "asks" in facts else _asks(category),
        singled_out=facts.get("singled_out", END_SYMBOL),
        categorical=facts.get("categorical", True),
        options=run.options,
        transitions=getattr(run.model, "decode", None) == "crf",
        reads=FORMS.get(found.get("form", ""), ""),
        notes=() if category is None else (_note(category, inside),),
        example=facts["example"],
        found=[(name, value) for name, value in facts["found"]],
        data={"category": category, "inside_share": inside, "seen_share": facts.get("seen_share"), **_made(run)},
        metrics=run.metrics(),
        seconds=places.seconds(),
        seed=run.training.seed,
        commands=commands_of(places),
    )


def made_from(run: Run) -> tuple[str, str]:
    """Return which data a network learnt, of the standard library with Python's version, and, where they should be
    those of the README's table, in what data and versions differ from them."""
    made = _made(run)
    name = f"the standard library of Python {made.get('python')}" if _is_builtin(run) else run.found["name"]
    corpus = f"{name}, fingerprint {run.fingerprint[:12]}; read and learnt with naibu {made.get('naibu')}"
    if not _is_builtin(run) or run.options.get("form") != "brackets":
        return corpus, ""
    names = {"python": "Python", "naibu": "naibu", "fingerprint": "fingerprint"}
    other = [f"{names[k]} {made.get(k, '')[:12]}, there {v[:12]}" for k, v in README.items() if made.get(k) != v]
    return corpus, f"Unit and numbers may differ from those of the README: {'; '.join(other)}." if other else ""


def _made(run: Run) -> dict[str, str]:
    return {**run.versions, "fingerprint": run.fingerprint}


def _is_builtin(run: Run) -> bool:
    return bool(run.options.get("corpus") == builtin.NAME)


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
        "vocabulary": next(iter(run.sizes.values())),
        "dropout": run.model.dropout,
        "optimiser": _schedule(config),
        "seed": config.seed,
        "steps": end["steps"],
        **{f"from step {each.begun:,}": _schedule(each.training) for each in run.longer},
        **({"weights": said_of(run.origin)} if run.origin else {}),
        "best step": end["best_step"],
        "seconds": end["seconds"],
        "tokens": end["tokens"],
        "passes": round(end["tokens"] / max(1, run.found["train_tokens"]), 2),
        "tokens_per_second": end["tokens_per_second"],
        **measures,
        "threads": config.threads,
    }
    return replace(subject, training=training)


def _schedule(config: TrainingConfig) -> str:
    averaged = AVERAGED[config.averaging]
    return (
        f"{OPTIMISERS[config.optimiser]}, learning rate {config.learning_rate}, {config.decay} decay, "
        f"clipped at {config.clip}{averaged}"
    )


def commands_of(places: Places) -> dict[str, str]:
    """Return what is typed to train and to record the run again, and what says of which run (`run`)."""
    run, folder = places.run, shlex.quote(str(places.run.path))
    options = task_named(run.task).options(**run.options)
    typed = [each for part in (options, run.model, replace(run.training, minutes=None)) for each in as_typed(part)]
    first = next(iter(run.options.values()))
    files = map(str, first if isinstance(first, list) else [first])
    train = shlex.join(["naibu", "train", run.task, *files, *typed])
    if run.origin:
        train += f" --from {shlex.quote(run.origin['run'])} --from-vocabulary {run.origin['vocabulary']}"
    train += f" --out {folder}"
    for each in run.longer:
        config = replace(each.training, steps=run.training.steps, minutes=run.training.minutes)
        typed = [f"--longer {each.training.steps}", *as_typed(config, run.training)]
        train += f" && naibu train {folder} {' '.join(typed)}"
    more = f"naibu train {folder} --longer {run.stretch.training.steps}"
    return {"run": folder, "train": train, "longer": more, "record": f"naibu record {folder}"}
