"""What a label can be told from without any network: its most frequent value, the position, the last n symbols.

A control for every probe of a label: what a table of the last symbols tells needs no memory of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array

from naibu.errors import OptionError
from naibu.probes.resampling import Resampler
from naibu.probes.result import Result
from naibu.probes.results import Row, Rows, Scores, result_row
from naibu.probes.scoring import Scorer
from naibu.probes.source import Index, Source, read_codes, run_name
from naibu.probes.target import FARTHEST, Target, divide, numeric, position_prediction

AT_ONCE = 65_536  # contexts whose counts are dense at a time
TOLD = 0.999  # accuracy on test rows from which one symbol is said to give the label away


@dataclass(frozen=True)
class Baseline:
    """How well a label is told without a network."""

    name: str  # "majority" ("mean" for numbers), "position", "symbol before", "1-gram", "2-gram" ...
    scores: Scores
    known: float | None  # n-grams: share of test rows whose n symbols occur in this order in training


@dataclass(frozen=True)
class Baselines(Result):
    """A label from its most frequent value, from the position, and from the last n symbols."""

    run: str
    label: str
    statistic: str  # "accuracy"; "r2" for a label of numbers
    fitted: Rows
    models: tuple[Baseline, ...]

    def of(self, name: str) -> Baseline:
        """The baseline of that name; KeyError where it was not computed."""
        for model in self.models:
            if model.name == name:
                return model
        raise KeyError(name)

    def rows(self) -> list[Row]:
        """One row per split and baseline."""
        out: list[Row] = []
        for m in self.models:
            for split, s in m.scores.items():
                more: Row = {"label": self.label, "model": m.name, "statistic": self.statistic, "known": m.known}
                out.append(result_row(self.run, split, None, None, None, more, s))
        return out


def baselines(
    recording: Source, label: str, *, orders: Sequence[int] = (1, 2, 3), resamples: int = 1000, seed: int = 1
) -> Baselines:
    """Accuracy (categorical label) or R2 (numbers) of the majority, the position, and the last n symbols alone.

    All counted on training rows and scored on test rows. An n-gram of order n sees the symbols t-n+1 .. t, the one
    just read among them, not beyond the beginning of the sequence. Orders are mixed after Witten & Bell 1991: a
    context seen N times in training with T different labels has weight N / (N + T), the context shorter by one the
    rest; nothing is tuned. Of a categorical label the most probable value is said, of a numeric one the expectation.

    How it can mislead: a longer context is better only with enough text, so a probe above the 3-gram may owe it to a
    5-gram; and a probe below it may still hold what the n-gram cannot. The farthest symbol is given up first, so
    what a symbol before a rare one tells is lost: "symbol before" is counted alone for this. OptionError for an
    unknown label or an order below 1.
    """
    for n in orders:
        if n < 1:
            raise OptionError(f"an n-gram of {n} symbols does not exist; the order must be 1 or more")
    names = recording.index.label(label).names
    target = numeric(recording, label, seed) if names is None else categorical(recording, label, seed)
    found = baselines_of(target, names is not None, Resampler(resamples, seed), orders)
    return Baselines(run_name(recording), label, "r2" if names is None else "accuracy", target.rows, found)


def ngram_baseline(recording: Source, label: str, n: int, *, resamples: int = 1000, seed: int = 1) -> Baseline:
    """How well the last n symbols alone tell a label on test rows, by counts on training rows; see `baselines`."""
    return baselines(recording, label, orders=(n,), resamples=resamples, seed=seed).of(f"{n}-gram")


def baselines_of(
    target: Target, discrete: bool, resampler: Resampler, orders: Sequence[int] = (1, 2, 3)
) -> tuple[Baseline, ...]:
    """The majority (or mean), the position, the symbol before the one just read, and the n-grams of a target."""
    scorer = Scorer(target, resampler)
    score = scorer.accuracy if discrete else scorer.r2
    y = target.values[target.train]
    if discrete:
        values, counts = np.unique(y, return_counts=True)
        always, there = float(values[counts.argmax()]), position_choice(target)
    else:
        always, there = float(y.mean()), position_prediction(target)
    found = [
        Baseline("majority" if discrete else "mean", score(np.full(len(scorer.y), always)), None),
        Baseline("position", score(there[target.test]), None),
    ]
    predicted, known = _mixed(target, [_before(_symbols(target), target.index, 1)], discrete)
    found.append(Baseline("symbol before", score(predicted[target.test]), float(known[target.test].mean())))
    for n in orders:
        predicted, known = ngram_prediction(target, n, discrete)
        found.append(Baseline(f"{n}-gram", score(predicted[target.test]), float(known[target.test].mean())))
    return tuple(found)


def categorical(source: Source, label: str, seed: int, values: Sequence[Sequence[str]] | None = None) -> Target:
    """The target of a categorical label as its codes; with `values`, groups of names, the group's number instead.

    Rows of no group are left out. OptionError for a label of numbers, or one that does not vary.
    """
    found = source.index.label(label)
    if found.names is None:
        raise OptionError(f"label {label!r} has numbers, this needs names; choose another label")
    codes = np.asarray(found.values).astype(np.int64)
    table = np.arange(len(found.names) + 1, dtype=np.float64)
    table[-1] = np.nan  # -1: no label here
    if values is not None:
        group = {name: k for k, names in enumerate(values) for name in names}
        table[:-1] = [group.get(name, np.nan) for name in found.names]
    y = table[codes]
    train, test, unseen, fitted_on = divide(source.index, seed)
    there = ~np.isnan(y)
    target = Target(label, y, None, source.index, train & there, test & there, unseen & there, fitted_on)
    for part, rows in (("training", target.train), ("test", target.test)):
        if len(np.unique(y[rows])) < 2:
            raise OptionError(f"label {label!r} takes fewer than two of the values asked for on the {part} rows")
    if values is not None and len(values) == 2:
        return replace(target, names=(" ".join(values[0]), " ".join(values[1])))
    return target


def position_choice(target: Target) -> np.ndarray:
    """The most frequent training value at each position, float64 [token]; positions from 200 on share one."""
    position = np.minimum(np.asarray(target.index.position), FARTHEST)
    values, code = np.unique(target.values[target.train], return_inverse=True)
    counts = np.bincount(position[target.train] * len(values) + code, minlength=(FARTHEST + 1) * len(values))
    # A position without training rows takes the overall most frequent value, which also breaks ties.
    table = counts.reshape(FARTHEST + 1, -1) + np.bincount(code) / (len(code) + 1)
    return np.asarray(values[table.argmax(axis=1)][position])


def told_by_symbol(target: Target) -> str | None:
    """Which single symbol gives a categorical label away on test rows: "this symbol", "the symbol before", or None."""
    index = target.index
    here = _symbols(target)
    for name, column in (("this symbol", here), ("the symbol before", _before(here, index, 1))):
        predicted, _ = _mixed(target, [column], True)
        if float((predicted == target.values)[target.test].mean()) >= TOLD:
            return name
    return None


def ngram_prediction(target: Target, n: int, discrete: bool) -> tuple[np.ndarray, np.ndarray]:
    """The label said from the last n symbols, float64 [token], and whether that context was counted, bool [token].

    nan on rows that are neither fitted nor scored.
    """
    here = _symbols(target)
    return _mixed(target, [_before(here, target.index, k) for k in range(n)], discrete)


def _symbols(target: Target) -> np.ndarray:
    return read_codes(target.index).astype(np.int64) + 2  # 0: before the beginning; 1: an unknown symbol


def _before(symbol: np.ndarray, index: Index, k: int) -> np.ndarray:
    position = np.asarray(index.position)
    out = np.zeros_like(symbol)
    out[k:] = symbol[: len(symbol) - k]
    return np.where(position >= k, out, 0)


def _mixed(target: Target, columns: Sequence[np.ndarray], discrete: bool) -> tuple[np.ndarray, np.ndarray]:
    """Predictions from contexts that grow by one column at a time."""
    used = np.flatnonzero(target.train | target.test)
    train = target.train[used]
    values, code = np.unique(target.values[used[train]], return_inverse=True)
    prior = np.bincount(code, minlength=len(values)) / len(code)
    table = prior[None] if discrete else np.array([[prior @ values]])
    context, counted = np.zeros(len(used), np.int64), np.zeros(1, np.int64)
    for k, column in enumerate(columns):
        symbol = column[used]
        _, first, grown = np.unique(context * (symbol.max() + 1) + symbol, return_index=True, return_inverse=True)
        parent, context = context[first], grown
        pairs = (np.ones(int(train.sum())), (context[train], code))
        counts = csr_array(coo_array(pairs, shape=(len(first), len(values))))  # equal pairs add up
        counted = np.asarray(counts.sum(axis=1)).ravel()
        table = _smoothed(counts, table, parent, None if discrete else values, last=k == len(columns) - 1)
    said = values[table[:, 0].astype(np.int64)] if discrete else table[:, 0]
    out, known = np.full(len(target.values), np.nan), np.zeros(len(target.values), bool)
    out[used], known[used] = said[context], counted[context] > 0
    return out, known


def _smoothed(
    counts: csr_array, shorter: np.ndarray, parent: np.ndarray, values: np.ndarray | None, last: bool
) -> np.ndarray:
    """Probabilities [context value], or expectations [context 1]; at last the place of the most probable value."""
    out = np.empty((counts.shape[0], 1 if values is not None or last else counts.shape[1]), np.float64)
    for a in range(0, len(out), AT_ONCE):
        some = counts[a : a + AT_ONCE]
        kinds = np.diff(some.indptr)[:, None]
        n = np.asarray(some.sum(axis=1)).reshape(-1, 1)
        seen = some @ values[:, None] if values is not None else some.toarray()
        prior = shorter[parent[a : a + AT_ONCE]]
        mixed = np.where(n > 0, (seen + kinds * prior) / np.maximum(n + kinds, 1), prior)
        out[a : a + AT_ONCE] = mixed.argmax(axis=1)[:, None] if last and values is None else mixed
    return out
