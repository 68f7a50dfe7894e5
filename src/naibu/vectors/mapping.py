"""Words on a map: t-SNE (van der Maaten & Hinton 2008) of their vectors, so that near neighbours stay near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.data.events import Array
from naibu.data.vector_file import Vectors
from naibu.errors import OptionError
from naibu.shown import Row, Shown, drawn
from naibu.vectors.neighbours import place_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = 300
"""Words on a map where nothing is asked for."""
PERPLEXITY = 30.0
FEWEST = 4
"""Words of a map, at least."""


@dataclass(frozen=True, repr=False)
class Map(Shown):
    """Words and their places. What is near belongs together; distances of what is far, and directions, say nothing."""

    words: tuple[str, ...]
    places: Array  # float64 [word 2]
    by: str  # the package that computed it

    def __repr__(self) -> str:
        return f"Map({len(self.words)} words, by {self.by})"

    def rows(self) -> list[Row]:
        """Return a row a word."""
        return [{"word": w, "x": float(x), "y": float(y)} for w, (x, y) in zip(self.words, self.places, strict=True)]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the words; labels that would lie over others are left away."""
        return drawn("naibu.reporting.plots.vectors:plot_map", self, ax)


def place_words(
    vectors: Vectors,
    words: Sequence[str] | None = None,
    *,
    count: int = WORDS,
    perplexity: float = PERPLEXITY,
    seed: int = 1,
) -> Map:
    """Return a map of words, by openTSNE where it is installed, else by scikit-learn.

    words: those on the map; without any, the first `count` of the file, which are mostly the most frequent. perplexity:
    how many neighbours a word has, about; less where there are few words. Distances are those of directions: of two
    vectors of length 1. Raises OptionError for a word without a vector, and for too few words.
    """
    chosen = [place_of(vectors, word) for word in words] if words else [*range(min(count, len(vectors)))]
    chosen = list(dict.fromkeys(chosen))
    if len(chosen) < FEWEST:
        raise OptionError(f"{len(chosen)} words are too few for a map: at least {FEWEST} are needed")
    if perplexity <= 1:
        raise OptionError(f"--perplexity {perplexity}: must be more than 1")
    x = vectors.directions[chosen].astype(np.float64)
    near = min(perplexity, (len(chosen) - 1) / 3)
    other = find_spec("openTSNE") is not None
    places = _by_opentsne(x, near, seed) if other else _by_scikit_learn(x, near, seed)
    return Map(tuple(vectors.words[k] for k in chosen), places, "openTSNE" if other else "scikit-learn")


def _by_scikit_learn(x: Array, perplexity: float, seed: int) -> Array:
    from sklearn.manifold import TSNE

    found: Array = TSNE(perplexity=perplexity, init=_begin(x), random_state=seed).fit_transform(x)
    return found.astype(np.float64)


def _by_opentsne(x: Array, perplexity: float, seed: int) -> Array:
    import openTSNE

    made: Any = openTSNE.TSNE(perplexity=perplexity, initialization=_begin(x), random_state=seed, n_jobs=1)
    return np.asarray(made.fit(x), np.float64)


def _begin(x: Array) -> Array:
    """Return the two directions in which vectors differ most, made small, as places to begin at."""
    centred = x - x.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(x), 2))
    found[:, : min(2, len(s))] = (u * s)[:, :2]
    spread = found[:, 0].std()
    return found / spread * 1e-4 if spread > 0 else found
