"""The steps as functions of runs, for Python: each is the command of its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from naibu.config import ModelConfig, TrainingConfig
from naibu.interventions.results import Holding
from naibu.looking.asked import Look
from naibu.looking.look import look_into, write_facts
from naibu.looking.places import Places
from naibu.looking.probing import probe_run
from naibu.looking.report import make_report
from naibu.looking.steps import intervene_run
from naibu.reporting.content import Report
from naibu.runs import Run


def look(
    task: str,
    options: Any,
    *,
    out: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    workers: int = 1,
) -> Report:
    """Return the report of a look: networks trained on a task's data, recorded, probed, held still and shown in `out`.

    task, options: "trees" and a `TreesOptions`, for example; several forms in it are as many networks. workers: the
    most probes at a time, in processes of their own; a script that asks for more than one needs the guard of Python's
    `multiprocessing`. What an earlier call left in `out` is gone on with.

    Raises StoredError where `out` looks into something else, CorpusError and OptionError for what cannot be learnt.
    """
    asked = Look(task, options, model or ModelConfig(), training or TrainingConfig(), Path(out))
    return look_into(asked, Console(quiet=True), command="naibu.look", workers=workers)


def probe(run: Run, *, label: str | None = None, parts: tuple[str, str] | None = None, word: str | None = None) -> Path:
    """Return the folder of tables that probing a run's recording left: a .csv of every probe, a .json to load again.

    `label` restricts it to the correlation of every unit with that label, `parts` to telling two parts of speech
    apart, `word` to the tokens of one word. The recording is that of `naibu record`, or `naibu.look`.
    """
    places = _known(run)
    probe_run(places, label=label, parts=parts, word=word)
    return places.results


def _known(run: Run) -> Places:
    """Return the places of a run, once what was found in its data is written beside the results."""
    places = Places(run)
    if not (places.folder_of("corpus") / "corpus.json").exists():
        write_facts(places, places.run.data())
    return places


def intervene(run: Run, *, unit: int | None = None, signal: str | None = None, draws: int = 10) -> Holding:
    """Return what a network can no longer do with a unit held still on the test sequences, and with random ones.

    Without `unit` that which follows the depth best, for which the run has to be probed.
    """
    places = Places(run)
    return intervene_run(places, places.run.data(), unit=unit, signal=signal, draws=draws)


def report(runs: Run | Iterable[Run], *, out: str | Path = "report.html") -> Report:
    """Return what is shown of runs, written as a page `out`, with the main numbers in summary.json beside it."""
    looked = [_known(run) for run in ([runs] if isinstance(runs, Run) else runs)]
    return make_report(looked, Path(out), command="naibu.report")
