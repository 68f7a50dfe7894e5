"""Hold a unit still and see what the network can no longer do; random units beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from naibu.cells.edits import Clamp, Edit
from naibu.cells.exchange import edited
from naibu.data.examples import Data, Examples
from naibu.errors import OptionError
from naibu.interventions.by_label import measures_by
from naibu.interventions.measured import Scorer
from naibu.interventions.results import Effect, Holding
from naibu.models.model import Model, evaluating
from naibu.probes.correlation import correlation
from naibu.probes.resampling import Resampler
from naibu.probes.results import Scores
from naibu.probes.source import Key, Source, blocks
from naibu.progress import Report, silent
from naibu.recording.listeners import signals_of
from naibu.runs import Run
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.tasks.task import Measure, usual_measures

Edits = Mapping[Key, Edit]


@dataclass(frozen=True)
class _Plan:
    kind: str
    what: str
    units: tuple[int, ...]
    edits: Edits
    labels: tuple[str, ...] = ()


def hold(
    what: Run | Model,
    data: Data | Examples,
    recording: Source,
    *,
    label: str,
    key: Key | None = None,
    unit: int | None = None,
    measures: Sequence[Measure] | None = None,
    named: Mapping[str, int] | None = None,
    by: str | None = None,
    draws: int = 10,
    resamples: int = 1000,
    seed: int = 1,
    run: str = "",
    progress: Report = silent,
) -> Holding:
    """Return how good a network's outcomes are with one unit of `key` held at its training mean at every step.

    Beside it stand: the network as it is; `draws` random units, one at a time, held at their own means; and,
    for an LSTM, document C's two thought experiments on the whole layer (input gate shut and forget gate
    open; the other way round). `recording` gives the means (its training rows); scored is the test part of `data`, by
    the task's `measures`. Without a `unit` it is the one that follows `label` best, with it the signal of the top
    layer's memory. `named` maps other labels to the units of `key` that are named for them; each is held too. Every
    change of the loss is told as the difference on the same sequences, with its interval. `by` is a label: every
    measure is told at the steps of each of its values too, with its change. A unit that matters more than
    random ones is used by the network; that it follows a label well does not by itself show this.
    Raises OptionError for a unit, signal or label that does not exist, and for a label `by` of too many values.
    """
    model = load(what) if isinstance(what, Run) else what
    examples = data.test if isinstance(data, Data) else data
    if measures is None:
        task = task_named(data.task) if isinstance(data, Data) else None
        measures = usual_measures(examples) if task is None else task.measures(examples)
    if by is not None:
        measures = (*measures, *measures_by(measures, examples, by))
    if key is None or unit is None:
        key, unit = _best(recording, label, key)
    means = training_means(recording, key)
    if not 0 <= unit < len(means):
        raise OptionError(f"--unit {unit}: {key[0]} has units 0 to {len(means) - 1}")
    others = {name: other for name, other in (named or {}).items() if other != unit}
    plans = [*_plans(model, key, unit, means, draws, seed), *_named(key, means, others)]
    plans[1] = replace(plans[1], labels=tuple(name for name, other in (named or {}).items() if other == unit))
    scorer = Scorer(model, examples, measures, Resampler(resamples, seed), () if by is None else (by,))
    effects, before, loss = list[Effect](), None, scorer.column("loss")
    for done, plan in enumerate(plans):
        progress(done, len(plans), plan.what)
        with evaluating(model), edited(model, plan.edits):
            sums = scorer.sums()
        before = sums if before is None else before
        change = None if loss is None else _change(scorer, sums[:, loss], before[:, loss])
        measured = scorer.measured(sums, None if by is None else before)
        effects.append(Effect(plan.kind, plan.what, key[0], plan.units, measured, change, plan.labels))
    progress(len(plans), len(plans), "")
    return Holding(run, *key, unit, label, float(means[unit]), tuple(effects), by or "")


def _change(scorer: Scorer, after: np.ndarray, before: np.ndarray) -> Scores:
    """Return the mean change of two sums `[example 2]` over the same examples."""
    return scorer.scores(np.stack([after[:, 0] - before[:, 0], after[:, 1]], axis=1))


def _named(key: Key, means: np.ndarray, named: Mapping[str, int]) -> Iterator[_Plan]:
    labels: dict[int, list[str]] = {}
    for label, unit in named.items():
        labels.setdefault(unit, []).append(label)
    for unit, some in labels.items():
        what = f"unit {unit} of {key[1]} held at {means[unit]:.3g}"
        yield _Plan("named", what, (unit,), {key: Clamp([unit], means[unit])}, tuple(some))


def _best(recording: Source, label: str, key: Key | None) -> tuple[Key, int]:
    """Return the signal and unit that follow a label best on training sequences, of the signal asked for or of all."""
    found = correlation(recording, label, keys=recording.keys() if key is None else (key,)).best()
    return (found.layer, found.signal), found.pearson_unit


def training_means(recording: Source, key: Key) -> np.ndarray:
    """Return the mean of every unit over the recording's training rows (over all where there are none)."""
    rows = np.asarray(recording.index.split) == 0
    rows = rows if rows.any() else np.ones(recording.tokens, bool)
    total = np.zeros(recording.units(key))
    for block in blocks(recording, [key], rows):
        total += block[key].sum(axis=0, dtype=np.float64)
    return total / np.count_nonzero(rows)


def _plans(model: Model, key: Key, unit: int, means: np.ndarray, draws: int, seed: int) -> Iterator[_Plan]:
    layer, signal = key
    yield _Plan("before", "as trained", (), {})
    yield _Plan(
        "held", f"unit {unit} of {signal} held at {means[unit]:.3g}", (unit,), {key: Clamp([unit], means[unit])}
    )
    others = np.setdiff1d(np.arange(len(means)), [unit])
    drawn = np.random.default_rng((seed, 29)).permutation(others)[:draws]
    for other in drawn.tolist():
        yield _Plan(
            "random",
            f"unit {other} of {signal} held at {means[other]:.3g}",
            (other,),
            {key: Clamp([other], means[other])},
        )
    if {"input_gate", "forget_gate"} <= {*signals_of(model, layer)}:
        everything = range(len(means))
        for word, shut, opened in (
            ("keeps all, takes in nothing", 0.0, 1.0),
            ("takes in all, keeps nothing", 1.0, 0.0),
        ):
            edits = {(layer, "input_gate"): Clamp(everything, shut), (layer, "forget_gate"): Clamp(everything, opened)}
            yield _Plan("gates", f"input gate at {shut:.0f}, forget gate at {opened:.0f}: {word}", (), edits)
