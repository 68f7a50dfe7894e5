"""Round the update of a run's network at every step and score it, from disk to disk."""

from __future__ import annotations

from rich.table import Table

from naibu.data.examples import Data
from naibu.interventions.ternary import ternary
from naibu.interventions.ternary_results import Ternary
from naibu.looking.places import Places
from naibu.looking.steps import TEST_TOKENS, sample
from naibu.probes import tables
from naibu.progress import shown
from naibu.reporting.terminal import scores_table
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.training.threads import threads

CHOOSING_TOKENS = 30_000
"""Symbols of training sequences on which thresholds and sizes are chosen."""


def ternary_run(places: Places, data: Data, *, test_tokens: int = TEST_TOKENS) -> Ternary:
    """Score the network with its update rounded on the test sequences; leave `ternary` in `results/`.

    Raises OptionError for a network that has no update.
    """
    run, seed = places.run, places.run.training.seed
    setting = threads(run.training.threads)
    with places.timed("ternary"), setting, shown(f"{run.name}: rounding the update", "runs") as progress:
        found = ternary(
            load(run),
            data.test.subset(sample(data.test, test_tokens)),
            train=data.train.subset(sample(data.train, min(CHOOSING_TOKENS, test_tokens))),
            measures=task_named(data.task).measures(data.test),
            seed=seed,
            run=run.name,
            progress=progress,
        )
        tables.save(found, places.results, "ternary", places.made_from())
    return found


def ternary_table(found: Ternary) -> Table:
    """Return the roundings as a table for the terminal, a row for each."""
    heads = ("what was rounded", "ends foreseen", "loss (nats)", "loss added")
    rows = ((each.what, (each.end_recall, each.loss, each.loss_change)) for each in found.roundings)
    return scores_table(f"{found.run}: the update rounded at every step", heads, rows)
