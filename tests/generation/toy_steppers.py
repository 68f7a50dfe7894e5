"""Networks that write, small enough that everything they could write can be looked at."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
import torch

from naibu.data.batch import Batch, Stream
from naibu.generation.hypothesis import Hypothesis, penalty
from naibu.generation.options import SearchOptions
from naibu.generation.stepper import Marks

BEGIN, END = 0, 1


class PrefixStepper:
    """A network whose state is what it has read, the sentence first; subclasses say what follows a prefix."""

    def __init__(self, vocabulary: int, source: int = 3) -> None:
        self.vocabulary, self.source, self.marks = vocabulary, source, Marks(BEGIN, END, (BEGIN,))
        self.rows: list[int] = []

    def log_p(self, prefix: tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError

    @cache  # noqa: B019
    def weights(self, prefix: tuple[int, ...]) -> np.ndarray:
        return np.random.default_rng([9, *prefix]).dirichlet(np.ones(self.source))

    def begin(self, batch):
        return [(int(k),) for k in batch.streams["source"].x[0]]

    def step(self, last, state):
        self.rows.append(len(last))
        state = [(*prefix, int(symbol)) for prefix, symbol in zip(state, last, strict=True)]
        return torch.tensor(np.stack([self.log_p(prefix) for prefix in state]), dtype=torch.float32), state

    def pick(self, state, rows):
        return [state[k] for k in rows.tolist()]

    def join(self, parts):
        return [state[k] for state, rows in parts for k in rows.tolist()]

    def attention(self, state):
        return torch.tensor(np.stack([self.weights(prefix) for prefix in state]), dtype=torch.float32)


class RandomStepper(PrefixStepper):
    """Each prefix of each sentence has probabilities of its own, drawn at random."""

    def __init__(self, vocabulary: int = 5, seed: int = 0, sharpness: float = 1.5) -> None:
        super().__init__(vocabulary)
        self.seed, self.sharpness = seed, sharpness
        self.log_p = cache(self._log_p)

    def _log_p(self, prefix):
        logits = self.sharpness * np.random.default_rng([self.seed, *prefix]).normal(size=self.vocabulary)
        return logits - np.log(np.exp(logits).sum())


class ToldStepper(PrefixStepper):
    """Probabilities as given: of the words so far, in letters, to what may follow, "." being the end."""

    def __init__(self, table: Mapping[str, Mapping[str, float]]) -> None:
        self.letters = "^." + "".join(sorted({letter for row in table.values() for letter in row} - {"."}))
        super().__init__(len(self.letters))
        self.table = table

    def log_p(self, prefix):
        row = self.table["".join(self.letters[k] for k in prefix[2:])]
        with np.errstate(divide="ignore"):
            return np.log([row.get(letter, 0.0) for letter in self.letters])

    def spelt(self, found: Hypothesis) -> str:
        return "".join(self.letters[k] for k in found.symbols)


def sentences(count: int, lengths: Sequence[int] | None = None, first: int = 0) -> Batch:
    """`count` sources, whose first symbol is their number."""
    lengths = lengths or [3] * count
    x = torch.arange(first, first + count).expand(max(lengths), count)
    return Batch({"source": Stream(x, torch.tensor(lengths))}, x[:0])


def everything(stepper: PrefixStepper, sentence: int, options: SearchOptions, source: int = 3) -> Iterator[Hypothesis]:
    """All translations that are allowed, with their scores: the oracle of searches."""
    words = [k for k in range(stepper.vocabulary) if k not in (BEGIN, END)]
    for length in range(options.fewest(source), options.longest(source) + 1):
        for symbols in itertools.product(words, repeat=length):
            if not repeats(symbols, options.no_repeat):
                yield scored(stepper, sentence, symbols, options)


def repeats(symbols: Sequence[int], n: int) -> bool:
    runs = [tuple(symbols[k : k + n]) for k in range(len(symbols) - n + 1)] if n else []
    return len(set(runs)) < len(runs)


def scored(stepper: PrefixStepper, sentence: int, symbols: Sequence[int], options: SearchOptions) -> Hypothesis:
    """A translation as its words say, one after the other."""
    total, prefix, attended = 0.0, (sentence, BEGIN), np.zeros(stepper.source)
    for symbol in (*symbols, END):
        total += float(stepper.log_p(prefix)[symbol])
        attended += stepper.weights(prefix)
        prefix = (*prefix, symbol)
    score = total / float(penalty(options, len(symbols) + 1))
    if options.coverage:
        score += options.coverage * float(np.log(np.minimum(attended, 1)).sum())
    return Hypothesis(score, total, tuple(symbols))


def textbook(stepper: PrefixStepper, sentence: int, options: SearchOptions, source: int = 3) -> Hypothesis | None:
    """Document E's three steps and nothing else: the best B of all prefixes one word longer, until none is left."""
    live, found = [((), 0.0)], []
    for length in range(options.longest(source) + 1):
        longer = []
        for symbols, total in live:
            log_p = stepper.log_p((sentence, BEGIN, *symbols))
            for k in [END] if length == options.longest(source) else range(stepper.vocabulary):
                if k != BEGIN:
                    longer.append(((*symbols, k), total + float(log_p[k])))
        longer = sorted(longer, key=lambda pair: -pair[1])[: options.beam]
        found += [scored(stepper, sentence, symbols[:-1], options) for symbols, _ in longer if symbols[-1] == END]
        live = [pair for pair in longer if pair[0][-1] != END]
    return max(found, default=None)
