"""The steps as functions of runs, for Python: each is the command of its name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import nn

from naibu.config import ModelConfig, TrainingConfig
from naibu.errors import OptionError
from naibu.interventions.results import Holding
from naibu.looking.asked import Look
from naibu.looking.look import look_into, write_facts
from naibu.looking.looked import Looked
from naibu.looking.options import Recorded
from naibu.looking.own import report_module
from naibu.looking.places import Places
from naibu.looking.probing import probe_run
from naibu.looking.report import make_report
from naibu.looking.steps import intervene_run, record_run
from naibu.runs import Run, open_run


def look(
    task: str,
    options: Any,
    *,
    out: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    workers: int = 1,
) -> Looked:
    """Return page, numbers and runs of a look: networks trained on a task's data, recorded, probed, held and shown.

    They lie in `out`.

    task, options: "trees" and a `TreesOptions`, for example; several forms in it are as many networks. workers: the
    most probes at a time, in processes of their own; a script that asks for more than one needs the guard of Python's
    `multiprocessing`. What an earlier call left in `out` is gone on with.

    Raises StoredError where `out` looks into something else, CorpusError and OptionError for what cannot be learnt.
    """
    asked = Look(task, options, model or ModelConfig(), training or TrainingConfig(), Path(out))
    content = look_into(asked, Console(quiet=True), command="naibu.look", workers=workers)
    return Looked(content, asked.out / "report.html", [open_run(asked.out / p.subject.name) for p in content.parts])


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


def intervene(
    run: Run, *, unit: int | None = None, signal: str | None = None, by: str | None = None, draws: int = 10
) -> Holding:
    """Return what a network can no longer do with a unit held still on the test sequences, and with random ones.

    Without `unit` that which follows the depth best, for which the run has to be probed. `by` is a label of few values:
    every measure is told at the steps of each of them, too.
    """
    places = Places(run)
    return intervene_run(places, places.run.data(), unit=unit, signal=signal, by=by, draws=draws)


def report(
    what: Run | Iterable[Run] | nn.Module,
    data: Any = None,
    *,
    labels: Mapping[str, Any] | Collection[str] = (),
    out: str | Path = "report.html",
    keep: Collection[str] = (),
    lengths: Any = None,
    symbols: Any = None,
    split: Any = None,
) -> Looked:
    """Return the page of a torch module of one's own, or of runs, with the main numbers in summary.json beside it.

    A module is recorded while it reads `data`, in eval mode, and so is the same module untrained where all its layers
    say how they are drawn (`reset_parameters`); then everything is asked of it that `labels` allow: name -> values,
    `[sequence time]`, one array a sequence, or a `Column`. `data`, `lengths`, `symbols` and `split` are as in
    `naibu.record`; without `split` units are chosen on one half of the sequences and scored on the other. A label
    called depth is taken for the depth of nested brackets.

    Of runs without `data` the page shows what was recorded and probed of them; with their `data` what is missing is
    recorded (`labels` are names then), probed and held first.

    Raises OptionError for what does not fit, StoredError where a run is damaged or a file cannot be written.
    """
    page = Path(out)
    if isinstance(what, nn.Module):
        if data is None or not isinstance(labels, Mapping):
            raise OptionError("report of a module: give data, what it reads, and labels, name -> values")
        more = {"lengths": lengths, "symbols": symbols, "split": split}
        return Looked(report_module(what, data, labels, page, keep=keep, **more), page)
    looked = [_known(run) for run in ([what] if isinstance(what, Run) else what)]
    for places in looked if data is not None else ():
        if not (places.recording / "manifest.json").exists():
            record_run(places, data, Recorded(label=tuple(labels)))
        probe_run(places, missing_only=True)
        if not places.stored().intact("holding"):
            intervene_run(places, data)
    return Looked(make_report(looked, page, command="naibu.report"), page, [places.run for places in looked])
