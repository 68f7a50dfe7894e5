"""Reber's grammar within itself: its diagram, its strings, and what may follow each symbol of them.

(Smith and Zipser 1989; Cleeremans, Servan-Schreiber and McClelland 1989; Hochreiter and Schmidhuber 1997, fig. 3)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naibu.errors import OptionError

LETTERS = "BTPSXVE"
"""The alphabet; a symbol's number is its place here."""

REBER = ({"T": 1, "P": 2}, {"S": 1, "X": 3}, {"T": 2, "V": 4}, {"X": 2, "S": 5}, {"P": 3, "V": 5})
"""The diagram between B and E: from each node, the letters that leave it and where they lead; 5 is its end."""

BRANCH = len(REBER) + 4  # nodes of a branch: before B, the diagram, before E, before the outer letter, before E


def _branch(outer: str, first: int) -> list[dict[str, int]]:
    """Return the nodes of the branch in which the inner string stands between two of the letter `outer`."""
    inside = first + 1
    diagram = [{letter: inside + node for letter, node in arcs.items()} for arcs in REBER]
    closing = inside + len(REBER)
    return [{"B": inside}, *diagram, {"E": closing + 1}, {outer: closing + 2}, {"E": END}]


END = 2 + 2 * BRANCH
"""The node after the last letter."""
NODES = [{"B": 1}, {"T": 2, "P": 2 + BRANCH}, *_branch("T", 2), *_branch("P", 2 + BRANCH), {}]
"""The diagram of the embedded grammar: from each node, the letters that leave it and where they lead."""


def _tables() -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    ways, letter = np.zeros(len(NODES), np.int32), np.zeros((len(NODES), 2), np.int32)
    leads, legal = np.full((len(NODES), len(LETTERS)), -1, np.int32), np.zeros((len(NODES), len(LETTERS)), bool)
    for node, arcs in enumerate(NODES):
        symbols = [LETTERS.index(name) for name in arcs]
        ways[node], letter[node, : len(arcs)] = len(arcs), symbols
        leads[node, symbols], legal[node, symbols] = list(arcs.values()), True
    return ways, letter, leads, legal


WAYS, LETTER, LEADS, LEGAL = _tables()
"""Of each node: how many letters leave it, which [node 2], where a letter leads [node 7], and which may [node 7]."""


def embedded_reber(rng: np.random.Generator) -> str:
    """Return a random string, such as BTBTXSETE; where two letters can follow, each has the chance 1/2."""
    node, string = 0, ""
    while node != END:
        letters = list(NODES[node])
        string += letters[int(rng.integers(len(letters)))]
        node = NODES[node][string[-1]]
    return string


def legal_next(string: str) -> list[set[str]]:
    """Return, for each symbol of a string or of its beginning, the set of those that may follow; none after the last E.

    Raises OptionError where the string breaks the grammar.
    """
    node, sets = 0, []
    for place, letter in enumerate(string):
        if letter not in NODES[node]:
            allowed = " or ".join(NODES[node]) or "nothing"
            raise OptionError(f"{string}: symbol {place + 1} is {letter}, where the grammar has {allowed}")
        node = NODES[node][letter]
        sets.append(set(NODES[node]))
    return sets


def reber_sets(seed: int, size: int = 256) -> tuple[list[str], list[str]]:
    """Return random training strings, and test strings none of which is among them.

    Both are drawn with replacement, so that short strings occur several times; those of the test are longer in the
    mean, because the short ones are mostly taken. (The paper: 256 of each.)
    """
    rng = np.random.default_rng(seed)
    training = [embedded_reber(rng) for _ in range(size)]
    known, test = set(training), list[str]()
    while len(test) < size:
        string = embedded_reber(rng)
        if string not in known:
            test.append(string)
    return training, test


def numbered(strings: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the strings as numbers of symbols, int32 [string time], -1 after the end, and their lengths [string].

    Raises OptionError where one is not a whole string of the grammar, or there is none.
    """
    if not strings:
        raise OptionError("strings of the embedded Reber grammar: there is none; see reber_sets")
    lengths = np.array([len(string) for string in strings], np.int64)
    symbols = np.full((len(strings), int(lengths.max(initial=0))), -1, np.int32)
    for row, string in zip(symbols, strings, strict=True):
        if not string or legal_next(string)[-1]:
            raise OptionError(f"{string or 'an empty string'}: not a whole string of the embedded Reber grammar")
        row[: len(string)] = [LETTERS.index(letter) for letter in string]
    return symbols, lengths


def legal_after(symbols: NDArray[np.int32], *, endless: bool = False) -> NDArray[np.bool_]:
    """Return which symbols may follow after each step, bool [time ... 7], for symbols int32 [time ...].

    Strings may begin late, after steps of -1, where nothing is legal. After the last E nothing is, or, where strings
    are `endless`, the B of the next one; they may follow each other in both cases.
    """
    node = np.zeros(symbols.shape[1:], np.int32)
    legal = np.zeros((*symbols.shape, len(LETTERS)), bool)
    for t, symbol in enumerate(symbols):
        node = np.where(symbol < 0, 0, LEADS[node, symbol] % END)
        legal[t] = LEGAL[node] & ((symbol >= 0) & ((node > 0) | endless))[..., None]
    return legal


def legal_first(output: NDArray[Any], legal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether every legal symbol is more active than every other one, bool [...].

    output, legal: [... 7]. True where nothing is legal; outputs that are no numbers are not above others.
    """
    least = np.where(legal, output, np.inf).min(-1)
    return np.asarray((least > np.where(legal, -np.inf, output).max(-1)) | ~legal.any(-1))
