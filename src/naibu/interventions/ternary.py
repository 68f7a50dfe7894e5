"""What it costs to replace the update of an LSTM by its ternary rounding at every step while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from naibu.cells.base import NormalisedState
from naibu.cells.edits import Clamp, Edit
from naibu.cells.exchange import edited
from naibu.cells.layers import Recurrent
from naibu.cells.names import recurrent_parts
from naibu.data.examples import Examples
from naibu.errors import OptionError
from naibu.interventions.measured import Scorer
from naibu.interventions.rounding import Sizes, ToThree, ToTwo, ToWhole, sizes
from naibu.interventions.ternary_results import Rounding, Ternary, UnitLevels
from naibu.models.model import Model
from naibu.probes.resampling import Resampler
from naibu.probes.results import Scores
from naibu.progress import Report, silent
from naibu.recording.listeners import find_listeners
from naibu.recording.store import Key
from naibu.tasks.task import Measure, usual_measures

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Thresholds that are tried on training sequences."""

Edits = Mapping[tuple[str, str], Edit]


@dataclass(frozen=True)
class _Plan:
    kind: str
    what: str
    edits: Edits
    zero: float | None = None


def ternary(
    model: Model,
    test: Examples,
    *,
    train: Examples,
    measures: Sequence[Measure] | None = None,
    resamples: int = 1000,
    seed: int = 1,
    run: str = "",
    progress: Report = silent,
) -> Ternary:
    """Return how well the network predicts `test` with its update (i * g) rounded at every step, in all layers.

    Roundings: to the nearest of -1, 0, 1; to them with the threshold that gives the least loss on `train`; to
    -s, 0, s with threshold and s of each unit from the updates on `train`; and, in their place, the cell rounded to
    whole numbers. Controls: to the nearest of -1/2, 1/2, a grid of the same step moved by half a step; to -m, m by
    sign, with m each unit's mean size on `train`; the update dropped, 0 always. Changes are paired
    with the network as it is, sentence by sentence.

    How it can mislead: nothing is trained again, so a high cost does not show that no network with three levels
    could do it, and a low one holds for this network; errors pass on through the hidden state, so it is the cost of
    running rounded, not of reading off; where most updates are near 0 the rounding is mostly a dropping, so compare
    with the update dropped; whole numbers suit a cell only if it counts in ones.
    Source: document A sees the update near -1, 0, 1; replacing it is our addition. Raises OptionError for a network
    that has no update, or whose update is scaled anew at each step (sLSTM), and where `train` or `test` is empty.
    """
    _check(model, train, test)
    resampler, measures = Resampler(resamples, seed), usual_measures(test) if measures is None else measures
    on_train = Scorer(model, train, measures[:1], resampler)
    measured = sizes(model, train, "update")
    losses = []
    for done, threshold in enumerate(THRESHOLDS):
        progress(done, len(THRESHOLDS), f"training sequences, threshold {threshold:g}")
        with edited(model, _of_updates(model, ToThree(threshold))):
            losses.append(_loss(on_train.sums()))
    best = THRESHOLDS[int(np.argmin(losses))]
    levels = tuple(UnitLevels(layer, *found.three_levels()) for layer, found in measured.items())
    plans = list(_plans(model, best, levels, measured))
    scorer, sums = Scorer(model, test, measures, resampler), []
    for done, plan in enumerate(plans):
        progress(done, len(plans), plan.what)
        with edited(model, plan.edits):
            sums.append(scorer.sums())
    progress(len(plans), len(plans), "")
    roundings = tuple(_rounding(scorer, plan, sums[0], found) for plan, found in zip(plans, sums, strict=True))
    symbols = int(on_train.sums()[:, 0, 1].sum())
    tried, losses_tried = np.array(THRESHOLDS), np.array(losses)
    return Ternary(run, symbols, len(train), tried, losses_tried, best, levels, roundings)


def _check(model: Model, train: Examples, test: Examples) -> None:
    layers = [part for _, part in recurrent_parts(model) if isinstance(part, Recurrent)]
    kinds = ", ".join(dict.fromkeys(layer.name for layer in layers))
    if not any("update" in layer.cell_type.signals for layer in layers):
        there = ", ".join(dict.fromkeys(signal for layer in layers for signal in layer.cell_type.signals))
        raise OptionError(f"cell {kinds}: has no update to round, only {there}")
    if any(layer.cell_type.state_type is NormalisedState for layer in layers):
        raise OptionError(f"cell {kinds}: its update is scaled anew at each step, so -1 and 1 mean nothing")
    for name, examples in (("training", train), ("test", test)):
        if not len(examples) or not examples.batch(np.array([examples.lengths.argmax()])).predicted.any():
            raise OptionError(f"no {name} sequence of two symbols or more: there is nothing to predict")


def _plans(
    model: Model, threshold: float, levels: tuple[UnitLevels, ...], measured: dict[str, Sizes]
) -> Iterator[_Plan]:
    every = list(measured.values())
    yield _Plan("before", "as it is", {})
    for kind, t, aside in (("ternary", 0.5, ""), ("threshold", threshold, f", 0 up to {threshold:g}")):
        zero = float(np.mean([found.share_within(t) for found in every]))
        yield _Plan(kind, f"update to −1, 0, 1{aside}", _of_updates(model, ToThree(t)), zero)
    scaled = {(u.layer, "update"): ToThree(_tensor(model, u.threshold), _tensor(model, u.size)) for u in levels}
    zero = float(np.mean([measured[u.layer].share_within(u.threshold) for u in levels]))
    yield _Plan("scaled", "update to −s, 0, s, s of each unit", scaled, zero)
    if any(signal == "cell" for _, signal in _keys(model, "cell")):
        yield _Plan("cell", "cell to whole numbers", _of_updates(model, ToWhole(), "cell"))
    yield _Plan("halves", "control: update to −1/2, 1/2", _of_updates(model, ToTwo(0.5)))
    signs = {(layer, "update"): ToTwo(_tensor(model, found.mean())) for layer, found in measured.items()}
    yield _Plan("signs", "control: update to −m, m, m of each unit", signs)
    dropped = {key: Clamp(range(units), 0.0) for key, units in _keys(model, "update").items()}
    yield _Plan("dropped", "control: update always 0", dropped, 1.0)


def _keys(model: Model, signal: str) -> dict[Key, int]:
    """Return a signal of every layer that has it, and its units."""
    found = (listener.units() for listener in find_listeners(model, ()))
    return {key: units for some in found for key, units in some.items() if key[1] == signal}


def _of_updates(model: Model, edit: Edit, signal: str = "update") -> dict[Key, Edit]:
    """Return the same edit for every layer."""
    return dict.fromkeys(_keys(model, signal), edit)


def _tensor(model: Model, values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).to(next(model.parameters()))


def _loss(sums: np.ndarray) -> float:
    return float(sums[:, 0, 0].sum() / sums[:, 0, 1].sum())


def _rounding(scorer: Scorer, plan: _Plan, before: np.ndarray, after: np.ndarray) -> Rounding:
    """Return the scores of one plan from the sums per example as it is and under its edits."""
    change = after - before  # taken before the sums are rounded to float32 for the resamples

    def now(name: str) -> Scores | None:
        column = scorer.column(name)
        return None if column is None else scorer.scores(after[:, column])

    def paired(name: str, below: np.ndarray | None = None) -> Scores | None:
        column = scorer.column(name)
        if column is None or plan.kind == "before":
            return None
        counted = before[:, column, 1]
        columns = np.stack([change[:, column, 0], counted if below is None else below], axis=1)
        return scorer.scores(columns, counted)

    loss = now("loss")
    assert loss is not None
    return Rounding(
        plan.kind,
        plan.what,
        plan.zero,
        loss,
        paired("loss"),
        paired("loss", before[:, 0, 0]),
        now("accuracy"),
        paired("accuracy"),
        now("end_recall"),
        paired("end_recall"),
    )
