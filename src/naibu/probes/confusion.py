"""The most probable next symbol against the one that came."""

from __future__ import annotations

import numpy as np

from naibu.errors import OptionError
from naibu.probes import resampling
from naibu.probes.resampling import Resampler, Statistic, per_sequence
from naibu.probes.results import Confusion, Controls, Scores
from naibu.probes.source import Source, run_name
from naibu.probes.target import FARTHEST, count_rows, divide, same_tokens
from naibu.probes.threads import one_thread

END = "ED"
OTHERS = "others"


@one_thread
def confusion(
    recording: Source,
    *,
    untrained: Source | None = None,
    singled_out: str | None = END,
    most: int = 30,
    resamples: int = 1000,
    seed: int = 1,
) -> Confusion:
    """Confusion matrix of the next symbol, its accuracy and perplexity, and how surely one symbol, the end, is told.

    On test rows; the last token of a sequence has no next symbol and is left out. The `most` most frequent
    symbols have a row and column, the rest share "others" (so its diagonal counts every pair of rare symbols,
    right or not; `accuracy` does not). Recall of what is `singled_out`, the end unless another is named, is the
    share of ends that were predicted, precision the share of predicted ends that were ends. Controls: the untrained
    network's own predictions, and the most frequent next symbol at each position of the training rows; `majority`
    always says the most frequent next symbol. Nothing is fitted here except these two.

    How it can mislead: the most probable symbol is one number of a whole distribution, see `loss`; perplexity
    is per symbol, its exponent makes the interval lopsided, and it cannot be compared between vocabularies
    or training types; on brackets alone a high accuracy needs no syntax. Source: document A, types 1, 2, 4.
    OptionError where the recording has no predictions (it is not of a language model).
    """
    same_tokens(recording, untrained)
    index = recording.index
    train, test, unseen, fitted_on = divide(index, seed)
    sequence, symbol = np.asarray(index.sequence), np.asarray(index.symbol)
    inner = np.append(np.diff(sequence) == 0, False)
    next_symbol = np.append(symbol[1:], 0)
    train, test, unseen = train & inner, test & inner, unseen & inner
    scores = _Scores(sequence[test], unseen[test], Resampler(resamples, seed))
    if index.predicted is None:
        raise OptionError("this recording has no predictions of the next symbol; record a language model")
    gold, predicted = next_symbol[test], np.asarray(index.predicted)[test]
    other = None if untrained is None else untrained.index.predicted
    bare = None if other is None else np.asarray(other)[test]
    usual = _at_position(np.asarray(index.position), next_symbol, train)[test]
    end = index.symbols.index(singled_out) if singled_out in index.symbols else None
    symbols, counts = _matrix(gold, predicted, index.symbols, most)
    with np.errstate(invalid="ignore"):
        recall, precision = np.diag(counts) / counts.sum(axis=1), np.diag(counts) / counts.sum(axis=0)
    first = int(np.bincount(next_symbol[train]).argmax())

    def controls(kind: str) -> Controls:
        return Controls(
            None if bare is None else scores.hits(kind, gold, bare, end), scores.hits(kind, gold, usual, end)
        )

    loss = None if index.loss is None else np.asarray(index.loss, np.float64)[test]
    return Confusion(
        run=run_name(recording),
        fitted=count_rows(index, train, test, unseen, fitted_on),
        symbols=symbols,
        counts=counts,
        recall=recall,
        precision=precision,
        end=None if end is None else singled_out,
        end_recall=scores.hits("recall", gold, predicted, end),
        end_recall_controls=controls("recall"),
        end_precision=scores.hits("precision", gold, predicted, end),
        end_precision_controls=controls("precision"),
        accuracy=scores.ratio(gold == predicted, np.ones(len(gold))),
        accuracy_controls=controls("accuracy"),
        majority=scores.ratio(gold == first, np.ones(len(gold))),
        loss=None if loss is None else scores.ratio(loss, np.ones(len(gold))),
        perplexity=None if loss is None else scores.ratio(loss, np.ones(len(gold)), exponent=True),
    )


class _Scores:
    """Ratios of sums over test tokens, with intervals."""

    def __init__(self, sequence: np.ndarray, unseen: np.ndarray, resampler: Resampler) -> None:
        self.sequence, self.unseen, self.resampler = sequence, unseen, resampler

    def ratio(self, above: np.ndarray, below: np.ndarray, *, exponent: bool = False) -> Scores:
        """Sum of `above` over sum of `below`, tokens counted by `below`."""

        def perplexity(sums: np.ndarray) -> np.ndarray:
            return np.asarray(np.exp(resampling.ratio(sums)))

        statistic: Statistic = perplexity if exponent else resampling.ratio
        found = []
        for rows in (np.ones(len(above), bool), self.unseen):
            if rows.any():
                sums = per_sequence([above[rows].astype(np.float64), below[rows]], self.sequence[rows])
                found.append(self.resampler.score(statistic, sums, int(below[rows].sum())))
        return Scores(found[0], found[1] if len(found) > 1 else None)

    def hits(self, kind: str, gold: np.ndarray, predicted: np.ndarray, end: int | None) -> Scores | None:
        """Accuracy, or recall or precision of the end symbol; None where there is none."""
        if kind == "accuracy":
            return self.ratio(gold == predicted, np.ones(len(gold)))
        if end is None:
            return None
        asked = (gold if kind == "recall" else predicted) == end
        return self.ratio((gold == end) & (predicted == end), asked.astype(np.float64))


def _at_position(position: np.ndarray, next_symbol: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The most frequent next symbol of the training rows at each position, looked up for every token."""
    position = np.minimum(position, FARTHEST)
    symbols = int(next_symbol.max()) + 1
    pairs, count = np.unique(position[train] * np.int64(symbols) + next_symbol[train], return_counts=True)
    table = np.full(FARTHEST + 1, np.bincount(next_symbol[train]).argmax())
    order = np.argsort(count, kind="stable")
    table[pairs[order] // symbols] = pairs[order] % symbols  # the last written, the most frequent, stays
    return np.asarray(table[position])


def _matrix(
    gold: np.ndarray, predicted: np.ndarray, names: tuple[str, ...], most: int
) -> tuple[tuple[str, ...], np.ndarray]:
    frequency = np.bincount(gold)
    shown = [int(k) for k in np.argsort(-frequency, kind="stable")[:most] if frequency[k]]
    code = np.full(max(int(gold.max()), int(predicted.max())) + 1, len(shown))
    code[shown] = np.arange(len(shown))
    size = len(shown) + 1
    pairs = np.bincount(code[gold] * size + code[predicted], minlength=size * size)
    counts = pairs.reshape(size, size)  # gold predicted
    labels = tuple(names[k] if k < len(names) else str(k) for k in shown)
    if counts[-1].sum() + counts[:, -1].sum() == 0:
        return labels, counts[:-1, :-1]
    return (*labels, OTHERS), counts
