"""Hold a unit still and see what the network can no longer do; random units beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from naibu.cells.edits import Clamp, Edit
from naibu.corpora.batches import pad
from naibu.corpora.sequences import Sequences
from naibu.errors import OptionError
from naibu.interventions.exchange import edited
from naibu.interventions.results import Effect, Holding
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import Resampler, ratio
from naibu.probes.results import Scores
from naibu.probes.source import Key, Source, blocks
from naibu.progress import Report, silent

Edits = Mapping[Key, Edit]
END = "ED"
BATCH_TOKENS = 60_000
BATCH_SEQUENCES = 256


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
    scorer = _Scorer(model, test, seen, Resampler(resamples, seed))
    effects = []
    for done, plan in enumerate(plans):
        progress(done, len(plans), plan.what)
        with edited(model, plan.edits):
            effects.append(scorer.effect(plan, key[0]))
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


class _Scorer:
    """Scores of a model on test sequences: sums per sequence, then ratios with intervals."""

    def __init__(self, model: LanguageModel, test: Sequences, seen: np.ndarray | None, resampler: Resampler) -> None:
        self.model, self.test, self.resampler = model, test, resampler
        self.unseen = np.ones(len(test), bool) if seen is None else ~seen
        self.end = test.vocabulary.index.get(END)

    def effect(self, plan: _Plan, layer: str) -> Effect:
        """Return the scores under whatever edits are in force."""
        sums = self.sums()
        has_end = self.end is not None
        recall = self._scores(sums[:, [3, 4]]) if has_end else None
        precision = self._scores(sums[:, [3, 5]]) if has_end else None
        return Effect(
            plan.kind,
            plan.what,
            layer,
            plan.units,
            recall,
            precision,
            self._scores(sums[:, [2, 0]]),
            self._scores(sums[:, [1, 0]]),
        )

    @torch.no_grad()
    def sums(self) -> np.ndarray:
        """Return per sequence: symbols predicted, loss, right, ends found, ends there, ends predicted."""
        out = np.zeros((len(self.test), 6))
        for which in _by_length(self.test.lengths):
            ids, lengths = pad(self.test, which)
            inputs, targets = torch.from_numpy(ids[:-1]), torch.from_numpy(ids[1:])
            there = torch.arange(len(targets))[:, None] < torch.from_numpy(lengths - 1)
            logits = self.model.logits(self.model(inputs)[0][there])
            gold, guess = targets[there], logits.argmax(-1)
            loss = torch.nn.functional.cross_entropy(logits, gold, reduction="none")
            end = -1 if self.end is None else self.end
            columns = (
                torch.ones_like(loss),
                loss,
                gold == guess,
                (gold == end) & (guess == end),
                gold == end,
                guess == end,
            )
            sequence = torch.arange(len(which)).expand_as(targets)[there]
            for column, values in enumerate(columns):
                out[which, column] = torch.bincount(sequence, values.double(), len(which)).numpy()
        return out

    def _scores(self, sums: np.ndarray) -> Scores:
        parts = [sums, sums[self.unseen]]
        scored = [self.resampler.score(ratio, part, int(part[:, 1].sum())) for part in parts if len(part)]
        return Scores(scored[0], scored[1] if len(scored) > 1 else None)


def _by_length(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield numbers of sequences, longest first, so many at a time that a padded batch stays small."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order) and lengths[order[start]] > 1:
        size = max(1, min(BATCH_SEQUENCES, BATCH_TOKENS // int(lengths[order[start]])))
        yield order[start : start + size]
        start += size
