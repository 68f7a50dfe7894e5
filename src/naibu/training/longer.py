"""Going on with a finished run: more steps, by a schedule of their own, from its best weights."""

from __future__ import annotations

import re
from dataclasses import replace

from naibu.config import TrainingConfig
from naibu.errors import OptionError, StoredError
from naibu.models.weights import stored
from naibu.runs import Run
from naibu.runs.load import load
from naibu.storage import read_text
from naibu.training.loop import Counters, save

AMOUNT = re.compile(r"(?P<steps>\d{1,13})|(?P<minutes>\d{1,6}(\.\d+)?) ?min")


def asked_longer(training: TrainingConfig, longer: int | str) -> TrainingConfig:
    """Return a training for so many more steps, 20000, or minutes, "30min". Raises OptionError for anything else."""
    found = AMOUNT.fullmatch(str(longer).strip())
    if found is None or float(found["steps"] or found["minutes"]) == 0:
        raise OptionError(f"--longer {longer}: must be a number of steps, as 20000, or of minutes, as 30min")
    if found["steps"]:
        return replace(training, steps=int(found["steps"]), minutes=None)
    return replace(training, steps=None, minutes=float(found["minutes"]))


def begin_longer(run: Run, training: TrainingConfig) -> Run:
    """Return a finished run with more training ahead, unfinished from now on.

    It goes on from the best weights, for its last ones and what its optimiser knew are gone: that begins anew, as do
    patience and averaging. Steps, symbols and the learning curve go on counting. Raises StoredError where the run is
    damaged, or of a version that wrote no checksums.
    """
    if run.format < 3:
        raise StoredError(f"{run.path}: written by an older naibu, and cannot be gone on with; train again")
    ended, model = run.ended(), load(run)
    run.metrics()
    lines = read_text(run.path / "metrics.jsonl", "the learning curve of a run").splitlines(keepends=True)
    counters = Counters(
        step=ended.steps,
        tokens=ended.tokens,
        seconds=ended.seconds,
        best_loss=ended.validation_loss,
        best_step=ended.best_step,
        best_here=ended.validation_loss,
        stopped=ended.stopped_early,
        longer=len(run.longer),
    )
    # In this order a break at any place leaves the run as it was, finished or to be finished again at once.
    save(run, {"model": stored(model), "optimiser": {}}, None, counters, lines)
    (run.path / "finished.json").unlink()
    return run.go_on(ended.steps, training)
