"""How good vectors are: whether words that people find alike have a large cosine, and whether analogies come out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from naibu.data.events import Array
from naibu.data.vector_file import Vectors
from naibu.shown import Row, Shown
from naibu.vectors.question_files import Analogies, JudgedPairs, read_questions

DRAWS = 2000
"""Resamplings of the pairs behind an interval."""
FEWEST = 4
"""Pairs of which a rank correlation is told."""
QUESTIONS = 256
"""Analogies that are answered at a time."""
_Z = 1.959963984540054  # of the normal distribution, at .975


@dataclass(frozen=True)
class Score:
    """A score with its 95 % interval, None where nothing is covered; what was covered, and of how many questions."""

    name: str
    measure: str
    value: float | None
    low: float | None
    high: float | None
    covered: int
    of: int


@dataclass(frozen=True, repr=False)
class Scores(Shown):
    """The scores of vectors, one a file of pairs, one a section of analogies and one for all of them."""

    scores: tuple[Score, ...]

    def __repr__(self) -> str:
        told = (f"{each.name}: {'-' if each.value is None else f'{each.value:.3f}'}" for each in self.scores)
        return f"Scores({', '.join(told)})"

    def rows(self) -> list[Row]:
        """Return a row a score."""
        return [dict(vars(each)) for each in self.scores]


def score(vectors: Vectors, *files: str | Path, seed: int = 1) -> Scores:
    """Return how vectors do on files of judged pairs and of analogies; see `read_questions`.

    Words that have no vector leave their question uncovered, and it counts in no score: vectors of few, frequent words
    are scored on easier questions, so compare scores of the same coverage alone. Raises CorpusError for a file that
    asks nothing.
    """
    found: list[Score] = []
    for file in files:
        asked = read_questions(Path(file))
        found += [judged(vectors, asked, seed)] if isinstance(asked, JudgedPairs) else answered(vectors, asked)
    return Scores(tuple(found))


def judged(vectors: Vectors, asked: JudgedPairs, seed: int = 1) -> Score:
    """Return Spearman's rank correlation of cosines and judgements over the pairs that are covered.

    The interval is that of other pairs of the same kind: the 2.5th to the 97.5th percentile over resampled pairs. Pairs
    that share a word are not independent, so that it is somewhat narrow; it says nothing of other seeds of training.
    """
    units = vectors.directions
    places = np.array([[vectors.place(word) for word in pair] for pair in asked.pairs])
    there = (places >= 0).all(1)
    covered = int(there.sum())
    value = low = high = None
    if covered >= FEWEST:
        cosines = (units[places[there, 0]] * units[places[there, 1]]).sum(1, dtype=np.float64)
        people = np.array(asked.judged)[there]
        rho = float(spearman(cosines[None], people[None])[0])
        value = rho if math.isfinite(rho) else None
        drawn = np.random.default_rng([seed, 0x5C0]).integers(0, covered, (DRAWS, covered))
        again = spearman(cosines[drawn], people[drawn])
        if value is not None and np.isfinite(again).any():
            low, high = (float(each) for each in np.nanpercentile(again, (2.5, 97.5)))
    return Score(asked.name, "spearman", value, low, high, covered, len(places))


def spearman(x: Array, y: Array) -> Array:
    """Return the rank correlation of each row, [row], from `x y [row value]`; ties have their mean rank, and a row of
    one value NaN."""
    ranks = [rankdata(each, axis=1) for each in (x, y)]
    a, b = (each - each.mean(1, keepdims=True) for each in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return found


def answered(vectors: Vectors, asked: Analogies) -> list[Score]:
    """Return the share of analogies whose fourth word has the largest cosine with b - a + c (3CosAdd), of all words but
    those three: for each section, then for all, with Wilson's interval over questions.

    Questions of a section are made of few words (46 capitals are 4,524 questions), so that the interval is too narrow.
    """
    found, right, covered, of = list[Score](), 0, 0, 0
    for name, questions in asked.sections.items():
        places = np.array([[vectors.place(word) for word in each] for each in questions])
        places = places[(places >= 0).all(1)]
        hits = _hits(vectors, places)
        found.append(_share(f"{asked.name}: {name}", hits, len(places), len(questions)))
        right, covered, of = right + hits, covered + len(places), of + len(questions)
    return [*found, _share(asked.name, right, covered, of)]


def _hits(vectors: Vectors, places: Array) -> int:
    units, hits = vectors.directions, 0
    for at in range(0, len(places), QUESTIONS):
        a, b, c, d = places[at : at + QUESTIONS].T
        cosines = (units[b] - units[a] + units[c]) @ units.T
        rows = np.arange(len(a))
        for each in (a, b, c):
            cosines[rows, each] = -np.inf
        hits += int((cosines.argmax(1) == d).sum())
    return hits


def _share(name: str, right: int, covered: int, of: int) -> Score:
    if not covered:
        return Score(name, "accuracy", None, None, None, 0, of)
    return Score(name, "accuracy", right / covered, *wilson(right, covered), covered, of)


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (Wilson 1927); it stays within 0 and 1."""
    share, square = right / count, _Z * _Z / count
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)
