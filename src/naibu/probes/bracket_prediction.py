"""Opening and closing brackets as next symbols: which of the two is predicted better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from naibu.errors import OptionError
from naibu.probes import resampling
from naibu.probes.bracket_results import Asymmetry, BracketPrediction, CategoryPrediction, KindPrediction
from naibu.probes.resampling import Resampler, per_sequence
from naibu.probes.results import Scores
from naibu.probes.source import Source, run_name
from naibu.probes.target import count_rows, divide, same_tokens
from naibu.probes.threads import one_thread

KINDS = ("open", "close", "later close", "word", "end")
"""What can come next. A later close is a closing bracket that comes after another closing one (words between them or
not): the name to be said is not that of the bracket read last. Part-of-speech brackets close right after they open."""
OPEN, CLOSE, WORD, END, OTHER = range(5)
CATEGORIES = 12


@one_thread
def bracket_prediction(
    recording: Source,
    untrained: Source | None = None,
    *,
    resamples: int = 1000,
    seed: int = 1,
) -> BracketPrediction:
    """Recall and loss of opening and of closing brackets, of words and of the end, where they come next.

    Over places of test rows whose next symbol is of the kind: recall, the share of them where it was the most
    probable symbol; foreseen, the share where the most probable symbol was of the same kind at least; loss, the mean
    of -ln p. The difference is opening less closing, both resampled together. Categories are the 12 commonest on
    training rows. Symbols are told apart by their spelling (forms): `(XP` opens, `XP)` closes.

    Controls: the untrained network; the commonest symbol of the kind on training rows, said where one of the kind
    comes (which knows the kind already); the commonest follower of the last two symbols on training rows, of the last
    one where the two were not met, of all else.

    How it can mislead: which symbol closes is fixed by what is open, which one opens is a choice of the writer's, so
    a better recall of closings is in the task before any network: it says something only as far as it exceeds
    the table of two symbols, which closes every part-of-speech bracket without memory. `later close` leaves those
    out. Recall is taken where the symbol did come: always saying `NP)` would have a full recall of it; the loss has
    not this fault, but it compares kinds of different numbers of symbols. Source: document A, type 2, a plot: XP) is
    predicted better than (XP. OptionError for a recording without predictions or without brackets.
    """
    same_tokens(recording, untrained)
    places = Places(recording, seed)
    rows, gold = places.test, places.gold[places.test]
    score = Differences(places.sequence[rows], places.unseen[rows], Resampler(resamples, seed))
    hit, loss = places.hits(recording)[rows], places.losses(recording, rows)
    bare = None if untrained is None or untrained.index.predicted is None else places.hits(untrained)[rows]
    bare_loss = None if untrained is None else places.losses(untrained, rows)
    same = (places.kind_of[places.predicted(recording)[rows]] == places.kind_of[gold]).astype(np.float64)
    ngram = (places.followers()[rows] == gold).astype(np.float64)
    masks = places.masks(rows)
    kinds = [
        KindPrediction(
            kind, len(np.unique(gold[mask])), score.mean(hit, mask), score.mean(same, mask),
            None if loss is None else score.mean(loss, mask),
            None if bare is None else score.mean(bare, mask),
            None if bare_loss is None else score.mean(bare_loss, mask),
            score.mean((gold == places.commonest(kind)).astype(np.float64), mask), score.mean(ngram, mask),
        )
        for kind, mask in masks.items()
    ]  # fmt: skip
    differences = []
    for minus in ("close", "later close"):
        if minus not in masks or "open" not in masks:
            continue
        pair = masks["open"], masks[minus]
        before, dear = (None if values is None else score.less(values, *pair) for values in (bare, bare_loss))
        differences.append(Asymmetry(minus, "recall", score.less(hit, *pair), before, score.less(ngram, *pair)))
        if loss is not None:
            differences.append(Asymmetry(minus, "loss", score.less(loss, *pair), dear, None))
    return BracketPrediction(
        run_name(recording),
        count_rows(recording.index, places.train, rows, places.unseen, places.fitted_on),
        tuple(kinds),
        tuple(differences),
        tuple(_categories(places, gold, hit, ngram, score)),
    )


def _categories(
    places: Places, gold: np.ndarray, hit: np.ndarray, ngram: np.ndarray, score: Differences
) -> list[CategoryPrediction]:
    """The commonest categories of the training rows, those with both brackets among the test rows."""
    count = np.bincount(places.gold[places.train], minlength=len(places.symbols))
    number = {name: k for k, name in enumerate(places.symbols)}
    pairs = {
        places.symbols[k][1:]: (int(k), number[places.symbols[k][1:] + ")"])
        for k in np.flatnonzero(places.kind_of[: len(places.symbols)] == OPEN)
        if places.symbols[k][1:] + ")" in number
    }
    often = {name: int(count[a] + count[b]) for name, (a, b) in pairs.items() if count[a] and count[b]}
    out = []
    for name in sorted(often, key=lambda name: -often[name])[:CATEGORIES]:
        opening, closing = (gold == k for k in pairs[name])
        if opening.any() and closing.any():
            scores = (score.mean(values, mask) for values in (hit, ngram) for mask in (opening, closing))
            out.append(CategoryPrediction(name, often[name], *scores))
    return out


def kind_of_symbols(symbols: Sequence[str]) -> np.ndarray:
    """The kind of each symbol as its form spells it, int64 [symbol]: OPEN, CLOSE, WORD, END or OTHER (ST)."""
    there = set(symbols)
    marks = {"ST": OTHER, "ED": END}

    def kind(symbol: str) -> int:
        if symbol in marks or symbol.startswith("("):
            return marks.get(symbol, OPEN)
        # A word that ends with ) has a backslash before it, so has a bracket of a name with a backslash.
        closes = symbol.endswith(")") and (not symbol.startswith("\\") or "(" + symbol[:-1] in there)
        return CLOSE if closes else WORD

    return np.array([kind(symbol) for symbol in symbols], np.int64)


class Places:
    """The places of a recording that have a next symbol: what comes there, and of which kind; [token] throughout."""

    def __init__(self, recording: Source, seed: int) -> None:
        index = recording.index
        if index.predicted is None:
            raise OptionError("this recording has no predictions of the next symbol; record a language model")
        self.symbols = index.symbols
        # One entry more, so that the symbol -1 (not known) has a kind.
        self.kind_of = np.append(kind_of_symbols(index.symbols), OTHER)
        self.sequence, self.read = np.asarray(index.sequence), np.asarray(index.symbol).astype(np.int64)
        inner = np.append(np.diff(self.sequence) == 0, False)
        train, test, unseen, self.fitted_on = divide(index, seed)
        self.train, self.test, self.unseen = train & inner, test & inner, unseen & inner
        self.gold = np.append(self.read[1:], 0)
        self.kind = np.where(inner, self.kind_of[self.gold], OTHER)
        if not all((self.kind[self.test] == kind).any() for kind in (OPEN, CLOSE)):
            raise OptionError(
                "the test rows of this recording have no opening and closing brackets to predict: this needs the form "
                "brackets, tagged, brackets+words or tagged+words"
            )

    def predicted(self, recording: Source) -> np.ndarray:
        """The most probable next symbol."""
        return np.asarray(recording.index.predicted).astype(np.int64)

    def hits(self, recording: Source) -> np.ndarray:
        """Whether the most probable symbol came, 0 or 1."""
        return np.asarray(self.predicted(recording) == self.gold, np.float64)

    def losses(self, recording: Source, rows: np.ndarray) -> np.ndarray | None:
        """-ln p of what came, on the marked rows; None where it was not recorded."""
        found = recording.index.loss
        return None if found is None else np.asarray(found, np.float64)[rows]

    def masks(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Which of the marked rows are of each kind that comes there, in the order of KINDS."""
        numbers = {"open": OPEN, "close": CLOSE, "word": WORD, "end": END}
        later = (self.kind == CLOSE) & (self.last_bracket() == CLOSE)
        found = {kind: (later if kind == "later close" else self.kind == numbers[kind])[rows] for kind in KINDS}
        return {kind: mask for kind, mask in found.items() if mask.any()}

    def last_bracket(self) -> np.ndarray:
        """The kind of the last bracket read, this symbol included; OTHER before the first of a sequence."""
        kind = self.kind_of[self.read]
        place = np.where((kind == OPEN) | (kind == CLOSE), np.arange(len(kind)), -1)
        starts = np.append(True, np.diff(self.sequence) != 0)
        first = np.maximum.accumulate(np.where(starts, np.arange(len(kind)), 0))
        place = np.maximum.accumulate(place)
        return np.where(place >= first, kind[place], OTHER)

    def commonest(self, kind: str) -> int:
        """The commonest next symbol of a kind on training rows, -1 where it never comes."""
        some = self.gold[
            self.train & self.masks(np.ones(len(self.gold), bool)).get(kind, np.zeros(len(self.gold), bool))
        ]
        return int(np.bincount(some).argmax()) if len(some) else -1

    def followers(self) -> np.ndarray:
        """The commonest follower on training rows of the last two symbols; where not met, of the last; else of all."""
        size = len(self.kind_of) + 1
        here = self.read + 1  # 0: not known
        before = np.where(np.append(False, np.diff(self.sequence) == 0), np.append(0, here[:-1]), size)
        out = np.full(len(here), np.bincount(self.gold[self.train]).argmax())
        for context in (here, before * np.int64(size) + here):
            numbers, code = np.unique(context, return_inverse=True)
            pairs, count = np.unique(code[self.train] * size + self.gold[self.train], return_counts=True)
            order = np.argsort(count, kind="stable")
            table = np.full(len(numbers), -1)
            table[pairs[order] // size] = pairs[order] % size  # the last written, the most frequent, stays
            out = np.where(table[code] >= 0, table[code], out)
        return np.asarray(out)


class Differences:
    """Means over some rows, and differences of two means resampled together."""

    def __init__(self, sequence: np.ndarray, unseen: np.ndarray, resampler: Resampler) -> None:
        self.sequence, self.unseen, self.resampler = sequence, unseen, resampler

    def mean(self, values: np.ndarray, mask: np.ndarray) -> Scores:
        """The mean of `values` [row] over the rows of a mask."""
        return self._of(resampling.ratio, [np.where(mask, values, 0.0), mask.astype(np.float64)], mask)

    def less(self, values: np.ndarray, one: np.ndarray, other: np.ndarray) -> Scores:
        """The mean over one mask less that over another."""
        columns = [np.where(m, values, 0.0) if k else m.astype(np.float64) for m in (one, other) for k in (1, 0)]
        return self._of(difference_of_means, columns, one | other)

    def gain(self, values: np.ndarray, others: np.ndarray, mask: np.ndarray) -> Scores:
        """The mean of `values` less that of `others` over the same rows."""
        return self.mean(values - others, mask)

    def _of(self, statistic: resampling.Statistic, columns: list[np.ndarray], mask: np.ndarray) -> Scores:
        found = []
        for rows in (np.ones(len(mask), bool), self.unseen):
            if rows.any():
                sums = per_sequence([column[rows] for column in columns], self.sequence[rows])
                found.append(self.resampler.score(statistic, sums, int(np.count_nonzero(mask & rows))))
        return Scores(found[0], found[1] if len(found) > 1 else None)


def difference_of_means(sums: np.ndarray) -> np.ndarray:
    """First column over second less third over fourth; nan where one of them is empty."""
    return np.asarray(resampling.ratio(sums[..., :2]) - resampling.ratio(sums[..., 2:]))
