"""Languages that are decided by counting: a^n b^n, a^n b^n c^n and balanced brackets, and what may follow each symbol.

(Gers and Schmidhuber 2001; Weiss, Goldberg and Yahav 2018; the brackets are the first form of document A.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naibu.errors import OptionError

ST, ED = "ST", "ED"
OPEN, CLOSE = 1, 2


@dataclass(frozen=True, eq=False)
class Counted:
    """Strings side by side, all from step 0; ED is never read, so that a string of n symbols has n - 1 steps."""

    ids: NDArray[np.int64]  # [time string]: the symbol read at each step; 0 (ST) after the end
    legal: NDArray[np.bool_]  # [time string symbol]: what may follow; nothing after the end
    target: NDArray[np.int64]  # [time string]: what follows; -1 after the end
    depth: NDArray[np.int64]  # [time string]: symbols or brackets still to be closed, after the step

    @property
    def there(self) -> NDArray[np.bool_]:
        """bool [time string]: whether the string still goes on at the step."""
        return self.target >= 0

    @cached_property
    def determined(self) -> NDArray[np.bool_]:
        """bool [time string]: whether one symbol alone may follow."""
        found: NDArray[np.bool_] = self.legal.sum(-1) == 1
        return found

    @property
    def equally(self) -> NDArray[np.float32]:
        """float32 [time string symbol]: 1 shared among the symbols that may follow; 0 after the end."""
        share: NDArray[Any] = self.legal / np.maximum(1, self.legal.sum(-1, keepdims=True))
        return share.astype(np.float32)


class Language(ABC):
    """A language of strings between ST and ED."""

    symbols: tuple[str, ...]
    """The alphabet by number: ST first, ED last."""
    name: str

    @abstractmethod
    def legal_after(self, string: Sequence[int]) -> tuple[list[set[int]], list[int]]:
        """Return, for each symbol of a whole string but ED, what may follow it, and the count that is open then.

        Raises OptionError where the string is not of the language.
        """

    def counted(self, strings: Iterable[Sequence[int]]) -> Counted:
        """Return whole strings, ST and ED included, side by side."""
        strings = list(strings)
        if not strings:
            raise OptionError(f"{self.name}: there is no string")
        time, count = max(map(len, strings)) - 1, len(strings)
        ids, target = np.zeros((time, count), np.int64), np.full((time, count), -1, np.int64)
        legal, depth = np.zeros((time, count, len(self.symbols)), bool), np.zeros((time, count), np.int64)
        for column, string in enumerate(strings):
            steps = len(string) - 1
            ids[:steps, column], target[:steps, column] = string[:-1], string[1:]
            sets, depth[:steps, column] = self.legal_after(string)
            rows = [step for step, found in enumerate(sets) for _ in found]
            legal[rows, column, [symbol for found in sets for symbol in found]] = True
        return Counted(ids, legal, target, depth)


@dataclass(frozen=True)
class Blocks(Language):
    """n times each letter in turn, n >= 1: `Blocks("ab")` is a^n b^n, `Blocks("abc")` is a^n b^n c^n.

    After an a the next symbol is a or b; everything else is determined: the first a, every b and c, and ED.
    """

    letters: str = "abc"

    def __post_init__(self) -> None:
        if len(self.letters) < 2 or len(set(self.letters)) != len(self.letters):
            raise OptionError(f"Blocks: letters {self.letters!r} have to be two or more, all different")

    @property
    def symbols(self) -> tuple[str, ...]:  # type: ignore[override]
        """ST, the letters, ED."""
        return (ST, *self.letters, ED)

    @property
    def name(self) -> str:  # type: ignore[override]
        """a^n b^n c^n."""
        return " ".join(f"{letter}^n" for letter in self.letters)

    def string(self, n: int) -> list[int]:
        """Return the string of this n, ST and ED included. Raises OptionError for n below 1."""
        if n < 1:
            raise OptionError(f"{self.name}: n={n} has to be 1 or more")
        return [0, *np.repeat(np.arange(1, len(self.letters) + 1), n).tolist(), len(self.letters) + 1]

    def legal_after(self, string: Sequence[int]) -> tuple[list[set[int]], list[int]]:
        """Return what may follow each symbol, and how many of the current letter are still to come (of a: its number).

        The rule is that of a reader from left to right, who knows n only once the first b is there.
        """
        n = list(string).count(1)
        if n < 1 or list(string) != self.string(n):
            raise OptionError(f"{self.name}: {list(string)} is not a string of it")
        sets, left = [{1}, *[{1, 2}] * n], [0, *range(1, n + 1)]
        for letter in range(2, len(self.letters) + 1):
            sets += [*[{letter}] * (n - 1), {letter + 1}]
            left += range(n - 1, -1, -1)
        return sets, left

    def of(self, ns: Iterable[int]) -> Counted:
        """Return the strings of these n side by side."""
        return self.counted([self.string(n) for n in ns])


@dataclass(frozen=True)
class Brackets(Language):
    """Balanced brackets within one outer pair, as every tree of document A has it: ED follows where the depth is 0.

    Determined are the first bracket and ED; in between, ( or ) may follow.
    """

    symbols: tuple[str, ...] = (ST, "(", ")", ED)
    name: str = "brackets"

    def legal_after(self, string: Sequence[int]) -> tuple[list[set[int]], list[int]]:
        """Return what may follow each symbol, and the depth after it."""
        end, body = len(self.symbols) - 1, list(string[1:-1])
        depths = np.cumsum([1 if symbol == OPEN else -1 for symbol in body]).tolist()
        whole = [string[0], string[-1]] == [0, end] and set(body) == {OPEN, CLOSE} and depths[-1] == 0
        if not whole or min(depths[:-1]) < 1:
            raise OptionError(f"brackets: {list(string)} is not ST, one balanced outer pair, ED")
        return [{OPEN}, *({OPEN, CLOSE} if depth else {end} for depth in depths)], [0, *depths]

    def nest(self, depth: int) -> list[int]:
        """Return the string of one pair within the other, `depth` deep."""
        return [0, *[OPEN] * depth, *[CLOSE] * depth, len(self.symbols) - 1]

    def draw(self, rng: np.random.Generator, pairs: int) -> list[int]:
        """Return a string of so many pairs, each such string with the same chance.

        Of the rotations of `pairs` opening and one fewer closing brackets exactly one never comes to depth 0 (the
        cycle lemma); a last bracket closes it. Its depth grows as the root of the pairs only: see `nest`.
        """
        if pairs < 1:
            raise OptionError(f"brackets: pairs={pairs} has to be 1 or more")
        step = rng.permutation(np.repeat([1, -1], [pairs, pairs - 1]))
        height = np.cumsum(step)
        begin = len(step) - 1 - int(np.argmin(height[::-1]))  # the last of the lowest places
        body = np.roll(step, -(begin + 1))
        return [0, *np.where(body > 0, OPEN, CLOSE).tolist(), CLOSE, len(self.symbols) - 1]
