"""One part of speech against another, told from each signal of one layer."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from naibu.errors import OptionError
from naibu.probes import resampling
from naibu.probes.baseline import baselines_of, categorical, position_choice, told_by_symbol
from naibu.probes.logistic import fit_logistic
from naibu.probes.part_of_speech_results import Difference, PartOfSpeech, SignalTelling
from naibu.probes.regression import linear_predictions
from naibu.probes.resampling import Resampler
from naibu.probes.results import Controls, Scores
from naibu.probes.scoring import Columns, Scorer
from naibu.probes.source import Key, Source, gather, run_name
from naibu.probes.target import Target, choose_keys, random_target, same_tokens, some_sequences
from naibu.probes.threads import one_thread_if_narrow

LABEL = "part_of_speech"
USUAL = ("VB", "NN")
COMPARED = (("update", "cell"), ("update", "hidden"), ("update", "candidate"), ("candidate", "hidden"))
"""Differences that are given where a layer has both signals."""
MOST_ROWS = 100_000  # training rows fitted on; more add little to some hundred weights
KEPT_BYTES = 300_000_000  # of training rows in memory, as float32


@one_thread_if_narrow
def part_of_speech(
    recording: Source,
    values: tuple[str, str] | None = None,
    *,
    label: str = LABEL,
    keys: tuple[Key, ...] | None = None,
    penalty: str = "l2",
    untrained: Source | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> PartOfSpeech:
    """Accuracy of telling one part of speech from another from each signal of the top layer, side by side.

    `values` are two names of `label`, by default VB and NN, or the two most frequent where the recording lacks these;
    `VB*` stands for every name that begins with VB. A word's row is the state after the word was read. Per signal a
    logistic regression (`penalty` "l2" or "l1") of all units, standardised, is fitted and scored as `_hits` says.
    Differences between signals and selectivity (accuracy less that of the control task) are paired: the same sequences
    are drawn for both.

    How it can mislead: most word types have one part of speech, so a signal that only knows which word was read does
    well: compare the 1-gram, which sees nothing else, and selectivity, which falls where a probe can remember any
    label for each word (Hewitt & Liang 2019). Word types that never occur in the training rows have a random label
    that nobody can know, which makes selectivity larger. A signal with higher accuracy holds the label in a form that
    a weighted sum can use; the others may hold it too. In form `tagged+words` the symbol before the word is its tag:
    `told_by` says so, and the numbers mean nothing but copying. Source: document A, VB against NN: the update is better
    than the cell (a plot without numbers). OptionError: no part of speech, an unknown name, values that do not vary.
    """
    if penalty not in ("l1", "l2"):
        raise OptionError(f"penalty is {penalty!r}; choose l1 or l2")
    keys = choose_keys(recording, keys if keys is not None else top_keys(recording))
    same_tokens(recording, untrained)
    groups = choose_values(recording, label, values)
    target = categorical(recording, label, seed, groups)
    scorer = Scorer(target, Resampler(resamples, seed))
    told = _told_by_all(recording, untrained, keys, target, scorer, penalty, seed)
    return _result(recording, label, groups, penalty, target, scorer, told)


def _result(
    recording: Source,
    label: str,
    groups: tuple[tuple[str, ...], tuple[str, ...]],
    penalty: str,
    target: Target,
    scorer: Scorer,
    told: tuple[list[SignalTelling], list[Difference]],
) -> PartOfSpeech:
    """What was told by each signal, with the baselines and the counts of rows."""
    count = np.bincount(target.values[target.test].astype(np.int64), minlength=2)
    names = (" ".join(groups[0]), " ".join(groups[1]))
    return PartOfSpeech(
        run_name(recording), label, names, target.rows, (int(count[0]), int(count[1])), penalty, told_by_symbol(target),
        baselines_of(target, True, scorer.resampler), tuple(told[0]), tuple(told[1]),
    )  # fmt: skip


def _told_by_all(
    recording: Source,
    untrained: Source | None,
    keys: Sequence[Key],
    target: Target,
    scorer: Scorer,
    penalty: str,
    seed: int,
) -> tuple[list[SignalTelling], list[Difference]]:
    """What every signal tells, with its controls, and the differences between signals."""
    random = random_target(target, seed)
    targets = [target] if random is None else [target, random]
    hits = {key: _hits(recording, key, targets, penalty, seed) for key in keys}
    bare = {} if untrained is None else {key: _hits(untrained, key, [target], penalty, seed) for key in keys}
    position = scorer.accuracy(position_choice(target)[target.test])
    signals = []
    for key, mine in hits.items():
        before = _mean(scorer, bare[key].hit[0]) if bare else None
        chance, selectivity = (
            (None, None) if random is None else (_mean(scorer, hit) for hit in (mine.hit[1], mine.hit[0] - mine.hit[1]))
        )
        controls, score = Controls(before, position, chance), _mean(scorer, mine.hit[0])
        width = recording.units(key)
        signals.append(SignalTelling(*key, width, mine.nonzero, mine.price, score, controls, selectivity))
    return signals, _differences(keys, scorer, hits, bare)


def top_keys(recording: Source) -> tuple[Key, ...]:
    """All signals of the uppermost layer, forward direction."""
    names = [layer for layer, _ in recording.keys() if not layer.endswith(".reverse")]
    top = max(names, key=lambda name: int(name.rsplit(".", 1)[-1]) if name.rsplit(".", 1)[-1].isdigit() else 0)
    return tuple(key for key in recording.keys() if key[0] == top)


def choose_values(
    recording: Source, label: str, values: Sequence[str] | None, usual: Sequence[str] = USUAL
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two groups of names of a label. OptionError where the label or a name is not in the recording."""
    if label not in recording.index.label_names:
        raise OptionError(
            f"this recording has no label {label!r}: the network has to read words (form words, brackets+words or "
            "tagged+words; in form tagged the symbol itself is the tag), and the label be recorded; there are "
            f"{', '.join(recording.index.label_names)}"
        )
    found = recording.index.label(label)
    codes = np.asarray(found.values)
    counts = np.bincount(codes[codes >= 0].astype(np.int64), minlength=len(found.names or ()))
    there = [(found.names or ())[k] for k in np.argsort(-counts, kind="stable") if counts[k]]
    if values is None:
        values = usual if all(name in there for name in usual) else there[:2]
    if len(values) != 2:
        raise OptionError(f"label {label!r}: two values are compared, found {', '.join(values) or 'none'}")
    groups = [tuple(sorted(name for name in there if fnmatchcase(name, wanted))) for wanted in values]
    for wanted, group in zip(values, groups, strict=True):
        if not group:
            more = f" and {len(there) - 30} more" if len(there) > 30 else ""
            raise OptionError(
                f"label {label!r} never takes the value {wanted!r}; it takes {', '.join(there[:30])}{more}"
            )
    if set(groups[0]) & set(groups[1]):
        raise OptionError(f"{values[0]!r} and {values[1]!r} have names in common; choose two that exclude each other")
    return groups[0], groups[1]


def held_fifth(target: Target, rows: np.ndarray, seed: int) -> np.ndarray:
    """Marks, among the marked rows, those of a fifth of their sequences, drawn with the seed; bool [row]."""
    sequence = np.asarray(target.index.sequence)[rows]
    numbers = np.unique(sequence)
    held = np.random.default_rng((seed, 5)).permutation(numbers)[: max(1, len(numbers) // 5)]
    return np.isin(sequence, held)


class _Told:
    """Whether each test row was told right, per target, 0 or 1 as float64 [test row]; and the first target's fit."""

    def __init__(self, hit: list[np.ndarray], nonzero: int, price: float) -> None:
        self.hit, self.nonzero, self.price = hit, nonzero, price


def _hits(source: Source, key: Key, targets: Sequence[Target], penalty: str, seed: int) -> _Told:
    """Logistic regressions on training rows, at most 100,000 (whole sequences drawn with the seed), price chosen on a
    held-out fifth of their sequences, and whether each test row is told right."""
    first = targets[0]
    rows = some_sequences(first.index, first.train, max(1, min(MOST_ROWS, KEPT_BYTES // (4 * source.units(key)))), seed)
    x = gather(source, {key: None}, rows)[key]
    held = held_fifth(first, rows, seed)
    fits = [fit_logistic(x, target.values[rows], held, penalty=penalty) for target in targets]
    weights = np.stack([fit.weights for fit in fits], axis=1)
    scores = linear_predictions(source, key, weights, first.test) + [fit.intercept for fit in fits]
    hit = [
        ((scores[:, k] > 0) == (target.values[target.test] == 1)).astype(np.float64) for k, target in enumerate(targets)
    ]
    return _Told(hit, fits[0].nonzero, fits[0].price)


def _mean(scorer: Scorer, x: np.ndarray) -> Scores:
    columns: Columns = lambda rows: [x[rows], np.ones(np.count_nonzero(rows))]  # noqa: E731
    return scorer.of(resampling.ratio, columns)


def _differences(
    keys: Sequence[Key], scorer: Scorer, hits: dict[Key, _Told], bare: dict[Key, _Told]
) -> list[Difference]:
    out = []
    for layer in dict.fromkeys(layer for layer, _ in keys):
        for signal, minus in COMPARED:
            one, other = (layer, signal), (layer, minus)
            if one in keys and other in keys:
                scores = _mean(scorer, hits[one].hit[0] - hits[other].hit[0])
                before = _mean(scorer, bare[one].hit[0] - bare[other].hit[0]) if bare else None
                out.append(Difference(layer, signal, minus, scores, before))
    return out
