"""A cell's trainings against the baseline's: means, intervals and a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from naibu.config import CellName
from naibu.papers.intervals import Interval, over_trials
from naibu.papers.runner import Experiment, Figures
from naibu.papers.variants.cells import ALIKE, BASELINE, BETTER, SOURCE, WORSE, Variant, variant_named
from naibu.papers.variants.scores import FOLLOWED
from naibu.papers.variants.tasks import Task
from naibu.papers.variants.training import FULL, QUICK, Plan, Result
from naibu.probes.resampling import Resampler, ratio

RESAMPLES = 2000


def plan(folder: Path, quick: bool) -> Plan:
    """Return the trainings of the table, full or quick, which share no folder."""
    return Plan(folder / "quick", QUICK) if quick else Plan(folder, FULL)


def experiments(whole: Plan) -> Iterator[Experiment]:
    """Yield a row for each task and cell; its trainings have to be there when it is obtained."""
    for task in whole.tasks:
        for cell in whole.cells:
            yield _experiment(whole, task, variant_named(cell))


def _experiment(whole: Plan, task: Task, variant: Variant) -> Experiment:
    def obtain(quick: bool) -> Figures:
        return figures(whole.results(task, variant.cell), whole.results(task, BASELINE))

    return Experiment(
        table=task.name,
        row=variant.cell,
        published={"name": variant.name_there, "found": variant.found} if variant.found else {},
        source=SOURCE if variant.found else "",
        obtain=obtain,
        judge=lambda _, obtained: judged(variant, str(obtained["verdict"])),
        settings={"trainings": _stamp(whole, task, variant.cell), "baseline": _stamp(whole, task, BASELINE)},
    )


def figures(of: Sequence[Result], baseline: Sequence[Result]) -> Figures:
    """Return what the table says of a cell: each figure the mean over seeds, with `_low` and `_high` over seeds.

    loss: nats a predicted symbol. difference: loss minus the baseline's, of the same seed, that is of the same
    batches in the same order; `_seeds_low` and `_seeds_high` are Student's t interval over these differences (other
    trainings, the same test sequences), `_sequences_low` and `_sequences_high` resample test sequences (other
    sequences, the same trainings). verdict: see `verdict`. `trials` and `seconds`: of the trainings that count.
    """
    found: Figures = {"units": of[0].facts["units"], "parameters": of[0].facts["parameters"]}
    found["parameters_in_all"] = of[0].facts["parameters_in_all"]
    found["learning_rate"] = of[0].training.rate
    found |= _named("loss", over_trials([_loss(result) for result in of]))
    apart = over_trials([_loss(mine) - _loss(theirs) for mine, theirs in zip(of, baseline, strict=True)])
    resampled = over_sequences(of, baseline)
    found["difference"] = apart.value
    found |= {"difference_seeds_low": apart.low, "difference_seeds_high": apart.high}
    found |= {"difference_sequences_low": resampled.low, "difference_sequences_high": resampled.high}
    found["verdict"] = "baseline" if of[0].training.cell == BASELINE else verdict(apart, resampled)
    for name, values in _shares(of).items():
        found |= _named(name, over_trials(values)) if values else {name: None}
    found["symbols_per_second"] = float(np.mean([result.facts["symbols_per_second"] for result in of]))
    found["symbols_read"] = int(np.mean([result.facts["symbols_read"] for result in of]))
    found["sequences_scored"] = len(of[0].scored.loss)
    found["diverged"] = sum(result.facts["diverged"] for result in of)
    found |= {"trials": len(of), "seconds": round(sum(result.facts["seconds"] for result in of), 1)}
    return {name: None if value != value else value for name, value in found.items()}  # nan is no JSON


def over_sequences(of: Sequence[Result], baseline: Sequence[Result]) -> Interval:
    """Return the difference of two cells' losses, each the mean over seeds, with an interval from resampling test
    sequences: both cells are scored on the sequences drawn."""
    mine, theirs = (np.mean([result.scored.loss for result in results], axis=0) for results in (of, baseline))
    sums = np.stack([mine - theirs, np.array(of[0].scored.tokens, float)], axis=1)  # sequence column
    found = Resampler(RESAMPLES, 1).score(ratio, sums, int(sums[:, 1].sum()))
    return Interval(found.value, found.low, found.high)


def verdict(seeds: Interval, sequences: Interval) -> str:
    """Return better or worse where both intervals of the difference lie on that side of 0, else not told apart.

    Not corrected for the number of cells compared: of seventeen that are all alike one interval in twenty would
    leave 0 out by chance, though seldom both.
    """
    if seeds.high < 0 and sequences.high < 0:
        return BETTER
    return WORSE if seeds.low > 0 and sequences.low > 0 else ALIKE


def judged(variant: Variant, found: str) -> str:
    """Return the verdict, and how it stands to what Greff et al. found where they tried the cell."""
    if not variant.found or found == "baseline":
        return found
    return f"{found}: {'within' if found in variant.within else 'unlike'} what was found there"


def _loss(result: Result) -> float:
    return float(np.sum(result.scored.loss) / np.sum(result.scored.tokens))


def _shares(of: Sequence[Result]) -> dict[str, list[float]]:
    """Return what else is scored, a value for each training; none where the task or the cell does not have it."""
    scored = [result.scored for result in of]
    pairs = {
        "accuracy": [_share(s.right, s.tokens) for s in scored],
        "closing_recall": [_share(s.closings_right, s.closings) for s in scored],
        "end_recall": [_share(s.ends_right, s.ends) for s in scored],
        **{f"depth_{signal}": [s.depth.get(signal) for s in scored] for signal in FOLLOWED},
    }
    return {name: [value for value in values if value is not None] for name, values in pairs.items()}


def _share(above: Sequence[int], below: Sequence[int]) -> float | None:
    return float(np.sum(above) / np.sum(below)) if np.sum(below) else None


def _named(name: str, interval: Interval) -> Figures:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _stamp(whole: Plan, task: Task, cell: CellName) -> str:
    digest = hashlib.sha256()
    for training in whole.chosen(task, cell):
        digest.update(training.path.read_bytes())
    return digest.hexdigest()[:16]
