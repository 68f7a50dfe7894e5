"""Hold a unit still and see what the network can no longer do; random units beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from naibu.cells.edits import Clamp, Edit
from naibu.data.sequences import Sequences
from naibu.errors import OptionError
from naibu.interventions.exchange import edited
from naibu.interventions.results import Effect, Holding
from naibu.interventions.scoring import Scorer
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import Resampler
from naibu.probes.source import Key, Source, blocks
from naibu.progress import Report, silent

Edits = Mapping[Key, Edit]


@dataclass(frozen=True)
class _Plan:
    kind: str
    what: str
    units: tuple[int, ...]
    edits: Edits


def hold(
    model: LanguageModel,
    test: Sequences,
    recording: Source,
    *,
    key: Key,
    unit: int,
    label: str,
    seen: np.ndarray | None = None,
    draws: int = 10,
    resamples: int = 1000,
    seed: int = 1,
    run: str = "",
    progress: Report = silent,
) -> Holding:
    """Return how well the network predicts with one unit of `key` held at its training mean at every step.

    Beside it stand: the network as it is; `draws` random units, one at a time, held at their own means; and,
    for an LSTM, document C's two thought experiments on the whole layer (input gate shut and forget gate
    open; the other way round). `recording` gives the means (its training rows), `test` are the sequences
    scored, `seen` marks those that occur in training. A unit that matters more than random ones is used by
    the network; that it follows a label well does not by itself show this.
    Raises OptionError for a unit or signal that does not exist.
    """
    means = training_means(recording, key)
    if not 0 <= unit < len(means):
        raise OptionError(f"--unit {unit}: {key[0]} has units 0 to {len(means) - 1}")
    plans = list(_plans(model, key, unit, means, draws, seed))
    scorer = Scorer(model, test, seen, Resampler(resamples, seed))
    effects = []
    for done, plan in enumerate(plans):
        progress(done, len(plans), plan.what)
        with edited(model, plan.edits):
            effects.append(_effect(scorer, plan, key[0]))
    progress(len(plans), len(plans), "")
    return Holding(run, *key, unit, label, float(means[unit]), tuple(effects))


def training_means(recording: Source, key: Key) -> np.ndarray:
    """Return the mean of every unit over the recording's training rows (over all where there are none)."""
    rows = np.asarray(recording.index.split) == 0
    rows = rows if rows.any() else np.ones(recording.tokens, bool)
    total = np.zeros(recording.units(key))
    for block in blocks(recording, [key], rows):
        total += block[key].sum(axis=0, dtype=np.float64)
    return total / np.count_nonzero(rows)


def _plans(model: LanguageModel, key: Key, unit: int, means: np.ndarray, draws: int, seed: int) -> Iterator[_Plan]:
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
    if {"input_gate", "forget_gate"} <= {*model.layers.cell_type.signals}:
        everything = range(len(means))
        for word, shut, opened in (
            ("keeps all, takes in nothing", 0.0, 1.0),
            ("takes in all, keeps nothing", 1.0, 0.0),
        ):
            edits = {(layer, "input_gate"): Clamp(everything, shut), (layer, "forget_gate"): Clamp(everything, opened)}
            yield _Plan("gates", f"input gate at {shut:.0f}, forget gate at {opened:.0f}: {word}", (), edits)


def _effect(scorer: Scorer, plan: _Plan, layer: str) -> Effect:
    """Return the scores under whatever edits are in force."""
    found = scorer.prediction()
    return Effect(
        plan.kind, plan.what, layer, plan.units, found.end_recall, found.end_precision, found.accuracy, found.loss
    )
