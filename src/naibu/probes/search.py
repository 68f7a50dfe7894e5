"""The cells people look for: of every label the one unit that tells it best, among all units and signals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from naibu.errors import OptionError
from naibu.probes.detector import auc_scores
from naibu.probes.found import Best, Found, Search
from naibu.probes.resampling import Resampler
from naibu.probes.results import Controls, Scores
from naibu.probes.scoring import Scorer
from naibu.probes.search_statistics import draws_of, statistics_of_all
from naibu.probes.source import Key, Source, gather, read_codes, run_name
from naibu.probes.target import (
    Target,
    choose_keys,
    numeric,
    position_prediction,
    random_target,
    same_tokens,
    some_sequences,
    two_valued,
)
from naibu.probes.threads import one_thread

MOST_SEARCHED = 100_000
PERMUTATIONS = 99
NONE: Mapping[str, Mapping[Key, int]] = {}


@one_thread
def search(
    recording: Source,
    labels: Sequence[str] | None = None,
    *,
    untrained: Source | None = None,
    keys: tuple[Key, ...] | None = None,
    named: Mapping[str, Mapping[Key, int]] | None = None,
    permutations: int = PERMUTATIONS,
    resamples: int = 1000,
    seed: int = 1,
) -> Search:
    """Of every label the unit and signal that tell it best, chosen on training rows and scored on test rows.

    A label of two values is told by the area under the ROC curve: the probability that the unit is higher (or
    lower, as on training rows) at a place where the label holds than at one where it does not, a tie counting
    half; .5 knows nothing, 1 tells always. Any other number is told by Spearman's r. Both come from mid-ranks of
    values rounded to float16, see `search_statistics`. All units are searched on at most 100,000 training rows (whole
    sequences). `p` is corrected for the units searched by the greatest statistic, see `_p`.

    How it can mislead: a unit may only know the symbol just read; `symbol` says what the label's mean after each
    symbol type gives, a table fitted on training rows, and the random label how well a unit can know symbols; a small
    p says that the unit knows something, not that it knows the label, see the test score; nearness to a counter raises
    the rank correlation though nothing is counted; the AUC ignores how rare the label is, so that .95 may still mean
    many false alarms.
    labels: all of the recording when not given; those that are categorical or do not vary are named in `skipped`.
    named: units that stand for some labels already, by signal, the one to speak of first: chosen on training rows by
        another measure, they are scored in place of the best ones, so that a label has one unit wherever it is told.
    Controls: the same search on an untrained network, the position alone, the symbol alone, a random label per symbol
    type. Source: Karpathy, Johnson & Fei-Fei 2015 (cells found by eye there); Hewitt & Liang 2019.
    """
    if permutations < 1:
        raise OptionError(f"permutations {permutations}: must be at least 1")
    keys = choose_keys(recording, keys)
    same_tokens(recording, untrained)
    targets, skipped = _targets(recording, labels, seed)
    asked = _Asked(recording, untrained, keys, permutations, Resampler(resamples, seed), seed, named or NONE)
    found = {each.label: each for group in _alike(targets) for each in asked.of(group)}
    tokens = max((int(some_sequences(t.index, t.train, MOST_SEARCHED, seed).sum()) for t in targets), default=0)
    in_order = tuple(found[target.name] for target in targets)
    searched = sum(recording.units(key) for key in keys)
    return Search(run_name(recording), searched, permutations, tokens, in_order, tuple(skipped))


@dataclass(frozen=True)
class _Asked:
    """What is searched, and how."""

    recording: Source
    untrained: Source | None
    keys: tuple[Key, ...]
    permutations: int
    resampler: Resampler
    seed: int
    named: Mapping[str, Mapping[Key, int]]

    def of(self, group: list[Target]) -> Iterator[Found]:
        """Yield what was found for each of some targets that are defined on the same rows."""
        rows = some_sequences(group[0].index, group[0].train, MOST_SEARCHED, self.seed)
        draws = draws_of(np.asarray(group[0].index.sequence)[rows], self.permutations, self.seed)
        randoms = {target.name: random_target(target, self.seed) for target in group}
        there = [*group, *(random for random in randoms.values() if random is not None)]
        statistics, greatest = statistics_of_all(self.recording, self.keys, there, rows, draws, len(group))
        bests = _bests(self.recording, self.keys, there, statistics, self.resampler, len(group), self.named)
        bare = _untrained(self.untrained, self.keys, group, rows, self.resampler)
        for target, sizes in zip(group, greatest, strict=True):
            random = randoms[target.name]
            chance = None if random is None else _leading(bests[random.name]).scores
            yield self._found(target, bests[target.name], None if bare is None else bare[target.name], chance, sizes)

    def _found(
        self, target: Target, bests: list[Best], bare: Best | None, chance: Scores | None, greatest: np.ndarray
    ) -> Found:
        best, resampler = _leading(bests, self.named.get(target.name)), self.resampler
        position = _scores(position_prediction(target)[target.test], target, resampler)
        controls = Controls(None if bare is None else bare.scores, position, chance)
        symbol = _scores(_symbol_prediction(target)[target.test], target, resampler)
        return Found(
            target.name, _statistic(target), target.names, _share(target), best, tuple(bests), bare, controls, symbol,
            _p(best, target, greatest), target.rows,
        )  # fmt: skip


def _p(best: Best, target: Target, greatest: np.ndarray) -> float:
    """How often the best of all units does as well when the label belongs to other sequences.

    `greatest` [draw] is what the best unit reaches in each. Units are alike and tokens hang together, so that dividing
    by the number of units, or counting tokens as trials, would not be right; this asks of neither. A unit that knows no
    more than the position in the sequence passes it too, see that control. It is not corrected for the number of
    labels, and is never below 1 / (draws + 1).
    """
    return (1 + int(np.count_nonzero(greatest >= _strength(best, target) - 1e-6))) / (len(greatest) + 1)


def _targets(source: Source, labels: Sequence[str] | None, seed: int) -> tuple[list[Target], list[str]]:
    """The labels as targets, and those that cannot be searched with the reason; one asked for by name is an error."""
    targets, skipped = list[Target](), list[str]()
    for name in source.index.label_names if labels is None else labels:
        found = source.index.label(name)
        values = np.asarray(found.values, np.float64)
        distinct = np.unique(values[~np.isnan(values)] if found.names is None else values[values >= 0])
        try:
            targets.append((two_valued if len(distinct) == 2 else numeric)(source, name, seed))
        except OptionError:
            if labels is not None:
                raise
            skipped.append(f"{name} (it {'is categorical' if found.names is not None else 'does not vary'})")
    return targets, skipped


def _symbol_prediction(target: Target) -> np.ndarray:
    """The label's mean after each symbol type over the training rows, looked up for every token, float64 [token]."""
    symbol = read_codes(target.index) + 1  # -1: not known
    y = target.values[target.train]
    n = np.bincount(symbol[target.train], minlength=int(symbol.max()) + 1)
    total = np.bincount(symbol[target.train], y, len(n))
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), y.mean())[symbol])


def _alike(targets: Iterable[Target]) -> list[list[Target]]:
    """Targets that are defined on the same rows together: their ranks are made once."""
    groups: dict[bytes, list[Target]] = {}
    for target in targets:
        masks = np.packbits(target.train).tobytes() + np.packbits(target.test).tobytes()
        groups.setdefault(masks, []).append(target)
    return list(groups.values())


def _bests(
    source: Source,
    keys: Sequence[Key],
    targets: Sequence[Target],
    statistics: dict[Key, np.ndarray],
    resampler: Resampler,
    whole: int,
    named: Mapping[str, Mapping[Key, int]] = NONE,
) -> dict[str, list[Best]]:
    """Of every target the best unit of every signal, of those after the first `whole` of all; scored on test rows."""
    chosen = [named.get(target.name, {}) if k < whole else {} for k, target in enumerate(targets)]
    greatest = {key: np.abs(statistics[key]).argmax(axis=1) for key in keys}
    units = {key: [some.get(key, int(greatest[key][k])) for k, some in enumerate(chosen)] for key in keys}
    columns = gather(source, dict(units), targets[0].test, np.float16)
    found = {}
    for k, target in enumerate(targets):
        bests, sizes = [], [abs(float(statistics[key][k, units[key][k]])) for key in keys]
        for key in keys if k < whole else [keys[int(np.argmax(sizes))]]:
            signed = float(statistics[key][k, units[key][k]])
            x = columns[key][:, k].astype(np.float64) * (1 if signed >= 0 else -1)
            value = abs(signed) + (0.5 if target.names is not None else 0.0)
            bests.append(Best(*key, units[key][k], signed >= 0, value, _scores(x, target, resampler)))
        found[target.name] = bests
    return found


def _untrained(
    source: Source | None, keys: Sequence[Key], targets: Sequence[Target], rows: np.ndarray, resampler: Resampler
) -> dict[str, Best] | None:
    if source is None:
        return None
    statistics, _ = statistics_of_all(source, keys, targets, rows, np.zeros((0, 0), np.int32), 0)
    bests = _bests(source, keys, targets, statistics, resampler, 0)
    return {name: _leading(some) for name, some in bests.items()}


def _scores(x: np.ndarray, target: Target, resampler: Resampler) -> Scores:
    x = x.astype(np.float16)
    return auc_scores(x, target, resampler) if target.names is not None else Scorer(target, resampler).spearman(x)


def _leading(bests: Sequence[Best], named: Mapping[Key, int] | None = None) -> Best:
    spoken = next(iter(named or ()), None)
    of_it = [best for best in bests if (best.layer, best.signal) == spoken]
    return max(of_it or bests, key=lambda best: best.train)


def _strength(best: Best, target: Target) -> float:
    return best.train - (0.5 if target.names is not None else 0.0)


def _statistic(target: Target) -> str:
    return "spearman" if target.names is None else "auc"


def _share(target: Target) -> float | None:
    return None if target.names is None else float(target.values[target.test].mean())
