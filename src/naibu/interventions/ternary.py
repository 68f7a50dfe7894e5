"""What it costs to replace the update of an LSTM by its ternary rounding at every step while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from naibu.cells.base import NormalisedState
from naibu.cells.edits import Clamp, Edit
from naibu.data.sequences import Sequences
from naibu.errors import OptionError
from naibu.interventions.exchange import edited
from naibu.interventions.rounding import Sizes, ToThree, ToTwo, ToWhole, sizes
from naibu.interventions.scoring import ENDS, ENDS_FOUND, LOSS, RIGHT, SYMBOLS, Scorer
from naibu.interventions.ternary_results import Rounding, Ternary, UnitLevels
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import Resampler
from naibu.probes.results import Scores
from naibu.progress import Report, silent

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
    model: LanguageModel,
    test: Sequences,
    *,
    train: Sequences,
    seen: np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 1,
    run: str = "",
    progress: Report = silent,
) -> Ternary:
    """Return how well the network predicts `test` with its update (i * g) rounded at every step, in all layers.

    Roundings: to the nearest of -1, 0, 1; to them with the threshold that gives the least loss on `train`; to
    -s, 0, s with threshold and s of each unit from the updates on `train`; and, in their place, the cell rounded to
    whole numbers. Controls: to the nearest of -1/2, 1/2, a grid of the same step moved by half a step; to -m, m by
    sign, with m each unit's mean size on `train`; the update dropped, 0 always. `seen` marks test sequences that
    occur in training. Changes are paired with the network as it is, sentence by sentence.

    How it can mislead: nothing is trained again, so a high cost does not show that no network with three levels
    could do it, and a low one holds for this network; errors pass on through the hidden state, so it is the cost of
    running rounded, not of reading off; where most updates are near 0 the rounding is mostly a dropping, so compare
    with the update dropped; whole numbers suit a cell only if it counts in ones.
    Source: document A sees the update near -1, 0, 1; replacing it is our addition. Raises OptionError for a network
    that has no update, or whose update is scaled anew at each step (sLSTM), and where `train` or `test` is empty.
    """
    _check(model, train, test)
    resampler = Resampler(resamples, seed)
    on_train = Scorer(model, train, None, resampler)
    measured = sizes(model, train, "update")
    losses = []
    for done, threshold in enumerate(THRESHOLDS):
        progress(done, len(THRESHOLDS), f"training sequences, threshold {threshold:g}")
        with edited(model, _of_updates(model, ToThree(threshold))):
            losses.append(_loss(on_train.sums()))
    best = THRESHOLDS[int(np.argmin(losses))]
    levels = tuple(UnitLevels(layer, *found.three_levels()) for layer, found in measured.items())
    plans = list(_plans(model, best, levels, measured))
    scorer, sums = Scorer(model, test, seen, resampler), []
    for done, plan in enumerate(plans):
        progress(done, len(plans), plan.what)
        with edited(model, plan.edits):
            sums.append(scorer.sums())
    progress(len(plans), len(plans), "")
    roundings = tuple(_rounding(scorer, plan, sums[0], found) for plan, found in zip(plans, sums, strict=True))
    symbols = int((train.lengths - 1).sum())
    tried, losses_tried = np.array(THRESHOLDS), np.array(losses)
    return Ternary(run, symbols, len(train), tried, losses_tried, best, levels, roundings)


def _check(model: LanguageModel, train: Sequences, test: Sequences) -> None:
    cell = model.layers.cell_type
    if "update" not in cell.signals:
        raise OptionError(f"cell {model.config.cell}: has no update to round, only {', '.join(cell.signals)}")
    if cell.state_type is NormalisedState:
        raise OptionError(f"cell {model.config.cell}: its update is scaled anew at each step, so -1 and 1 mean nothing")
    for name, sequences in (("training", train), ("test", test)):
        if not len(sequences) or not (sequences.lengths > 1).any():
            raise OptionError(f"no {name} sequence of two symbols or more: there is nothing to predict")


def _plans(
    model: LanguageModel, threshold: float, levels: tuple[UnitLevels, ...], measured: dict[str, Sizes]
) -> Iterator[_Plan]:
    every = list(measured.values())
    yield _Plan("before", "as it is", {})
    for kind, t, aside in (("ternary", 0.5, ""), ("threshold", threshold, f", 0 up to {threshold:g}")):
        zero = float(np.mean([found.share_within(t) for found in every]))
        yield _Plan(kind, f"update to −1, 0, 1{aside}", _of_updates(model, ToThree(t)), zero)
    scaled = {(u.layer, "update"): ToThree(_tensor(model, u.threshold), _tensor(model, u.size)) for u in levels}
    zero = float(np.mean([measured[u.layer].share_within(u.threshold) for u in levels]))
    yield _Plan("scaled", "update to −s, 0, s, s of each unit", scaled, zero)
    if "cell" in model.layers.cell_type.signals:
        yield _Plan("cell", "cell to whole numbers", _of_updates(model, ToWhole(), "cell"))
    yield _Plan("halves", "control: update to −1/2, 1/2", _of_updates(model, ToTwo(0.5)))
    signs = {(layer, "update"): ToTwo(_tensor(model, found.mean())) for layer, found in measured.items()}
    yield _Plan("signs", "control: update to −m, m, m of each unit", signs)
    dropped = _of_updates(model, Clamp(range(model.layers.hidden_size), 0.0))
    yield _Plan("dropped", "control: update always 0", dropped, 1.0)


def _of_updates(model: LanguageModel, edit: Edit, signal: str = "update") -> dict[tuple[str, str], Edit]:
    """Return the same edit for every layer."""
    return {(layer, signal): edit for _, _, layer in model.layers.directions()}


def _tensor(model: LanguageModel, values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).to(model.embedding.weight)


def _loss(sums: np.ndarray) -> float:
    return float(sums[:, LOSS].sum() / sums[:, SYMBOLS].sum())


def _rounding(scorer: Scorer, plan: _Plan, before: np.ndarray, after: np.ndarray) -> Rounding:
    """Return the scores of one plan from the sums per sequence as it is and under its edits."""
    found = scorer.prediction(after)
    change = after - before  # taken before the sums are rounded to float32 for the resamples

    def paired(column: int, per: int) -> Scores | None:
        counted = before[:, SYMBOLS if per == LOSS else per]
        columns = np.stack([change[:, column], before[:, per]], axis=1)
        return None if plan.kind == "before" else scorer.scores(columns, counted)

    return Rounding(
        plan.kind,
        plan.what,
        plan.zero,
        found.loss,
        paired(LOSS, SYMBOLS),
        paired(LOSS, LOSS),
        found.accuracy,
        paired(RIGHT, SYMBOLS),
        found.end_recall,
        None if found.end_recall is None else paired(ENDS_FOUND, ENDS),
    )
