"""From the tables on disk to `report.html`, `summary.json` and the table in the terminal."""

from __future__ import annotations

import platform
import resource
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

import naibu
from naibu.config import as_typed
from naibu.data import builtin
from naibu.errors import StoredError
from naibu.interventions.results import Holding
from naibu.interventions.ternary_results import Ternary
from naibu.looking.places import Places
from naibu.looking.probing import COMPARED
from naibu.looking.steps import load_result
from naibu.looking.summary_of_words import summary_of_words
from naibu.probes.bracket_results import BracketPrediction
from naibu.probes.components_results import Components, Neighbours, UniqueComponents, WordTokens
from naibu.probes.found import Search
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.passages import Passages
from naibu.probes.results import (
    Confusion,
    Correlation,
    Distributions,
    L1Path,
    Overlap,
    Regression,
    Score,
    Scores,
    Trajectories,
)
from naibu.probes.timescales_results import Timescales
from naibu.reporting.content import NetworkPart, Report
from naibu.runs import Run
from naibu.runs.load import load
from naibu.storage import write_json
from naibu.tasks.catalogue import task_named

OPTIMISERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "gradient descent"}


def part_of(places: Places) -> NetworkPart:
    """Return all that is known of one run, for its part of the report."""
    run = places.run
    facts = places.facts()
    regressions = (load_result(Regression, places, f"regression-{signal}") for signal in COMPARED)
    trajectories = (load_result(Trajectories, places, f"trajectories-{signal}") for signal in ("cell", "hidden"))
    return NetworkPart(
        name=run.name,
        form=run.found["form"],
        example=facts["example"],
        corpus=[(name, value) for name, value in facts["found"]],
        category=facts["category"],
        inside_share=facts["inside_share"],
        training=training_facts(run),
        metrics=run.metrics(),
        confusion=load_result(Confusion, places, "confusion"),
        depth=load_result(Correlation, places, "depth"),
        phrase=load_result(Correlation, places, "phrase"),
        overlap=load_result(Overlap, places, "overlap"),
        distributions=load_result(Distributions, places, "distributions"),
        trajectories=tuple(found for found in trajectories if found is not None),
        regression=tuple(found for found in regressions if found is not None),
        l1=load_result(L1Path, places, "l1"),
        search=load_result(Search, places, "search"),
        passages=load_result(Passages, places, "passages"),
        part_of_speech=load_result(PartOfSpeech, places, "part_of_speech"),
        components=load_result(Components, places, "components"),
        unique_components=load_result(UniqueComponents, places, "unique_components"),
        word_tokens=load_result(WordTokens, places, "word_tokens"),
        neighbours=load_result(Neighbours, places, "neighbours"),
        bracket_prediction=load_result(BracketPrediction, places, "bracket_prediction"),
        phrase_regression=load_result(Regression, places, "regression-phrase"),
        timescales=load_result(Timescales, places, "timescales"),
        ternary=load_result(Ternary, places, "ternary"),
        holding=load_result(Holding, places, "holding"),
        commands=commands_of(places),
    )


def training_facts(run: Run) -> dict[str, str | int | float]:
    """Return what was trained and how fast, for people to read."""
    end, config = run.summary(), run.training
    passes = end["tokens"] / max(1, run.found["train_tokens"])
    return {
        "cell": run.model.cell,
        "units": run.model.units,
        "layers": run.model.layers,
        "parameters": sum(p.numel() for p in load(run).parameters()),
        "vocabulary": run.sizes["input"],
        "dropout": run.model.dropout,
        "optimiser": f"{OPTIMISERS[config.optimiser]}, learning rate {config.learning_rate}, {config.decay} decay, "
        f"clipped at {config.clip}",
        "seed": config.seed,
        "steps": end["steps"],
        "best step": end["best_step"],
        "seconds": end["seconds"],
        "tokens": end["tokens"],
        "passes": round(passes, 2),
        "tokens_per_second": round(end["tokens_per_second"]),
        "validation_loss": end["validation_loss"],
        "validation_perplexity": 2.718281828459045 ** end["validation_loss"],
        "threads": config.threads,
    }


def commands_of(places: Places) -> dict[str, str]:
    """Return, for each section, the command that makes it again."""
    folder = shlex.quote(str(places.run.path))
    probe = f"naibu probe {folder}"
    sections = (
        "confusion",
        "distributions",
        "depth",
        "phrase",
        "overlap",
        "trajectories",
        "regression",
        "l1",
        "timescales",
    )
    of_forms = ("bracket_prediction", "phrase_regression")
    of_words = ("part_of_speech", "components", "unique_components", "word_tokens")
    return {
        "train": f"{_train_command(places.run)} --out {folder}",
        "record": f"naibu record {folder}",
        **dict.fromkeys((*sections, *of_forms, *of_words), probe),
        "holding": f"naibu intervene {folder}",
        "ternary": f"naibu intervene {folder} --ternary",
        "report": f"naibu report {folder}",
    }


def _train_command(run: Run) -> str:
    """Return the command that gives this run again, with the options that are not as when nothing is given."""
    options = task_named(run.task).options(**run.options)
    typed = [each for part in (options, run.model, replace(run.training, minutes=None)) for each in as_typed(part)]
    return shlex.join(["naibu", "train", run.task, str(options.corpus), *typed])


def make_report(looked: Sequence[Places], page: Path, *, command: str) -> Report:
    """Write a page, and `summary.json` beside it, from what is there of some runs; return what was reported."""
    from naibu.reporting import summary_table, write

    places = [each for each in looked if each.run.finished]
    if not places:
        unfinished = looked[0].run.path
        raise StoredError(f"{unfinished}: the training is unfinished; the command that began it goes on with it")
    parts = tuple(part_of(place) for place in places)
    made = f"{date.today()}, naibu {naibu.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    first = places[0].run
    title = "Inside networks that read " + (
        "Python's standard library" if first.options["corpus"] == builtin.NAME else first.found["name"]
    )
    report = Report(title, made, command, parts)
    write(report, page)
    forms = [place.run.found["form"] for place in places]
    # Two networks of one form go by their own names.
    names = [f if forms.count(f) == 1 else place.run.name for f, place in zip(forms, places, strict=True)]
    numbers = {name: summary_of(place, part) for name, place, part in zip(names, places, parts, strict=True)}
    table = summary_table(report)
    shown = {"columns": [part.name for part in parts], "rows": _cells(table)}
    write_json(
        page.with_name("summary.json"),
        {"title": title, "made": made, "command": command, "forms": numbers, "table": shown},
    )
    return report


def _cells(table: Table) -> list[list[str]]:
    return [list(row) for row in zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True)]


def summary_of(places: Places, part: NetworkPart) -> dict[str, Any]:
    """Return the main numbers of one network under fixed names, for scripts."""
    run, confusion = places.run, part.confusion
    summary: dict[str, Any] = {
        "run": run.name,
        "tokens_per_second_train": run.summary()["tokens_per_second"],
        "seen_share": places.facts()["seen_share"],
        "category": part.category,
        "inside_share": part.inside_share,
        "seconds": places.seconds(),
        "peak_memory_mb": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)
        ),
    }
    if confusion is not None:
        summary |= {
            "perplexity_test": _value(confusion.perplexity),
            "perplexity_unseen": _value(confusion.perplexity, "unseen"),
        }
        summary |= {
            "ed_recall_test": _value(confusion.end_recall),
            "ed_recall_unseen": _value(confusion.end_recall, "unseen"),
        }
        summary |= {"ed_precision_test": _value(confusion.end_precision)}
    for name, correlation in (("depth_correlation", part.depth), ("phrase_correlation", part.phrase)):
        if correlation is not None:
            summary[name] = {
                s.signal: {"unit": s.pearson_unit, **_interval("r", s.pearson.test), "layer": s.layer}
                for s in correlation.signals
            }
    for regression in part.regression[:1]:
        summary["depth_regression"] = {
            m.name: {"r2_test": m.r2.test.value, "r2_unseen": _value(m.r2, "unseen"), "units": len(m.units)}
            for m in regression.models
        }
    if part.phrase_regression is not None:
        summary["phrase_regression"] = {
            m.name: {"r2_test": m.r2.test.value, "r2_unseen": _value(m.r2, "unseen"), "units": len(m.units)}
            for m in part.phrase_regression.models
        }
    if part.bracket_prediction is not None:
        summary["bracket_recall"] = {
            k.kind: {**_interval("recall", k.recall.test), "ngram": k.ngram.test.value, "loss": _value(k.loss)}
            for k in part.bracket_prediction.kinds
        }
    if part.overlap is not None:
        best = part.overlap.best()
        summary["inside_overlap"] = best.overlap.test.value
        summary["inside_overlap_unit"] = {
            "layer": best.layer,
            "signal": best.signal,
            "unit": best.unit,
            **_interval("overlap", best.overlap.test),
        }
    if part.l1 is not None:
        summary["l1_path"] = [
            {
                "strength": row.strength,
                "accuracy_test": row.accuracy.test.value,
                "accuracy_unseen": _value(row.accuracy, "unseen"),
                "majority": part.l1.majority.test.value,
                "refitted_test": None if row.refitted is None else row.refitted.test.value,
                "refitted_unseen": _value(row.refitted, "unseen"),
                "nonzero": row.nonzero,
                "units": row.units.tolist(),
            }
            for row in part.l1.strengths
        ]
    if part.search is not None:
        summary["named_cells"] = {
            f.label: {
                "layer": f.best.layer,
                "signal": f.best.signal,
                "unit": f.best.unit,
                **_interval(f.statistic, f.best.scores.test),
                "untrained": _value(f.controls.untrained),
                "symbol": _value(f.symbol),
                "p": f.p,
            }
            for f in part.search.found
        }
    summary |= summary_of_words(part)
    if part.holding is not None:
        summary["intervention"] = {"unit": part.holding.unit, "signal": part.holding.signal, **_effects(part.holding)}
    return summary


def _effects(holding: Holding) -> dict[str, Any]:
    def by_kind(pick: Any) -> dict[str, Any]:
        named = {"before": "before", "held": "unit_held"}
        found = {word: _value(pick(holding.of(kind)[0])) for kind, word in named.items()}
        return {**found, "random_held": [_value(pick(effect)) for effect in holding.of("random")]}

    return {"ed_recall": by_kind(lambda e: e.end_recall), "loss": by_kind(lambda e: e.loss)}


def _value(scores: Scores | None, split: str = "test") -> float | None:
    score = None if scores is None else scores.test if split == "test" else scores.unseen
    return None if score is None else score.value


def _interval(name: str, score: Score) -> dict[str, float]:
    return {name: score.value, "low": score.low, "high": score.high}


def holding_table(found: Holding) -> Table:
    """Return an intervention as a table for the terminal: a row for each thing held."""
    table = Table(
        title=f"{found.run}: holding {found.signal} still; unit {found.unit} follows {found.label}",
        title_justify="left",
    )
    for column in ("what was held", "ED recall", "ED precision", "loss (nats)"):
        table.add_column(column)
    for effect in found.effects:
        scores = (effect.end_recall, effect.end_precision, effect.loss)
        table.add_row(
            effect.what,
            *("-" if s is None else f"{s.test.value:.4f} [{s.test.low:.4f}, {s.test.high:.4f}]" for s in scores),
        )
    return table
