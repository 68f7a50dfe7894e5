"""An n-gram model: what it says of a text, and of what may come after a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from naibu.data.events import Array
from naibu.data.running_text import Text
from naibu.data.vocabulary import Vocabulary
from naibu.ngrams import arpa
from naibu.ngrams.counts import stream
from naibu.ngrams.tables import Table, grown, shifted
from naibu.shown import Row, Shown


@dataclass(frozen=True, repr=False)
class NGramModel(Shown):
    """n-grams with their probabilities and what is left to shorter ones.

    vocabulary: the symbols that are told. tables: of order 1, 2 and so on; a symbol more than the vocabulary has
    stands for the beginning. across: whether n-grams go on across the ends of lines.
    """

    vocabulary: Vocabulary
    tables: tuple[Table, ...]
    across: bool = False

    def __repr__(self) -> str:
        return f"NGramModel(order {self.order}, {len(self.vocabulary):,} symbols, {sum(self.counts):,} n-grams)"

    @property
    def order(self) -> int:
        """The symbols of the longest n-grams."""
        return len(self.tables)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many n-grams of each order have a probability."""
        return tuple(int(np.isfinite(table.log_p).sum()) for table in self.tables)

    def rows(self) -> list[Row]:
        """Return a row for each order: order, n-grams."""
        return [{"order": n, "ngrams": count} for n, count in enumerate(self.counts, 1)]

    def log_probabilities(self, text: Text) -> Array:
        """Return ln p of each symbol that is predicted in a text, float64 [token], in its order.

        The symbols are those of the text, numbered in this vocabulary: others are `<unk>`. -inf where the model has no
        probability, as of unknown words in a file without `<unk>`. Raises OptionError for a text of another level.
        """
        before, found = np.zeros(0, np.int64), [np.zeros(0)]
        for piece in stream(text, self.vocabulary, self.across):
            log_p = self._log_p(np.concatenate([before, piece]))[len(before) :]
            found.append(log_p[piece != len(self.vocabulary)])
            before = np.concatenate([before, piece])[max(0, len(before) + len(piece) - self.order + 1) :]
        return np.concatenate(found)

    def _log_p(self, symbols: Array) -> Array:
        size, found, numbers = len(self.vocabulary) + 1, self.tables[0].log_p[symbols], symbols
        for below, table in pairwise(self.tables):
            before = shifted(numbers)
            numbers = table.find(grown(before, symbols, size))
            log_p = np.where(numbers >= 0, table.log_p[numbers], np.nan)
            found = np.where(np.isnan(log_p), found + np.where(before >= 0, below.backoff[before], 0), log_p)
        return found

    def probabilities(self, history: Sequence[str] = (), *, begins: bool = False) -> Array:
        """Return p of every symbol of the vocabulary after a history, float64 [symbol]; they sum to 1.

        history: symbols, unknown ones being `<unk>`. begins: whether a line, or a text of characters, begins with it.
        """
        size = len(self.vocabulary) + 1
        known = [*([size - 1] if begins else []), *self.vocabulary.encode(history).tolist()]
        p = np.exp(self.tables[0].log_p)
        for n, (below, table) in enumerate(pairwise(self.tables), 1):
            number = self._number(known[-n:]) if n <= len(known) else -1
            if number >= 0:
                low, high = np.searchsorted(table.keys, [number * size, (number + 1) * size])
                log_p, p = table.log_p[low:high], p * np.exp(below.backoff[number])
                there = ~np.isnan(log_p)
                p[table.keys[low:high][there] - number * size] = np.exp(log_p[there])
        return p[:-1]

    def _number(self, gram: Sequence[int]) -> int:
        numbers = np.array(gram[:1])
        for symbol, table in zip(gram[1:], self.tables[1:], strict=False):
            numbers = table.find(grown(numbers, np.array([symbol]), len(self.vocabulary) + 1))
        return int(numbers[0])

    def save_arpa(self, path: str | Path) -> None:
        """Write the model as ARPA, packed where the name ends in .gz.

        Characters that are blanks are written `<U+0020>` and so on. Raises OptionError where a symbol of the text is
        ARPA's own `<s>`, StoredError where the file cannot be written.
        """
        arpa.write(Path(path), self.vocabulary, self.tables, self.across)

    @classmethod
    def load_arpa(cls, path: str | Path) -> NGramModel:
        """Return the model of an ARPA file, of whatever program. Raises CorpusError, with the line, for a bad one."""
        return cls(*arpa.read(Path(path)))
