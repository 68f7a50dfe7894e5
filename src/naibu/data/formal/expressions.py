"""Expressions in brackets modulo 5: how they are drawn, and their value, with an unknown where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

MODULUS = 5
PLUS, MINUS, OPEN, CLOSE, TIMES = range(MODULUS, MODULUS + 5)
"""The numbers of what is no digit."""

END = -1
"""What stands behind the last symbol while it is parsed."""
Value = tuple[int, int]
"""a and b of a + b x, modulo 5."""


def drawn(rng: np.random.Generator, length: int, operators: Sequence[int]) -> list[int]:
    """Return an expression of a length: 3, -3, (3), (-3), or two expressions in brackets with an operator between.

    How long the first of the two is, is drawn uniformly (Delétang et al. 2023).
    """
    found, waiting = list[int](), [length]
    while waiting:
        part = waiting.pop()
        if part < 0:  # a symbol that stands where it is, kept as its number below 0
            found.append(-part)
        elif part < 5:
            digit = int(rng.integers(MODULUS))
            found += {1: [digit], 2: [MINUS, digit], 3: [OPEN, digit, CLOSE], 4: [OPEN, MINUS, digit, CLOSE]}[part]
        else:
            left = int(rng.integers(1, part - 3))
            operator = operators[int(rng.integers(len(operators)))]
            found.append(OPEN)
            waiting += [-CLOSE, part - 3 - left, -operator, left]
    return found


@dataclass
class _Open:
    """What has been read of an expression that is open: its first operand, the operator behind it, and a sign."""

    first: Value | None = None
    operator: int | None = None
    negative: bool = False

    def take(self, value: Value) -> None:
        """Take up an operand."""
        if self.negative:
            value, self.negative = (-value[0], -value[1]), False
        self.first = value if self.first is None else _combined(self.first, self.operator or PLUS, value)

    def take_operator(self, operator: int) -> None:
        """Take up what stands before an operand: its sign, or what it is combined by."""
        if self.first is None or self.operator is not None:
            self.negative = True
        else:
            self.operator = operator


def is_expression(symbols: Sequence[int], operators: Sequence[int], unknown: int | None = None) -> bool:
    """Return whether symbols are an expression: a digit, or x, with or without -, or in brackets an expression or two
    with an operator between."""
    try:
        return _after_expression([*symbols, END], 0, operators, unknown) == len(symbols)
    except RecursionError:
        return False


def _after_expression(symbols: Sequence[int], at: int, operators: Sequence[int], unknown: int | None) -> int:
    """Return the place behind the expression that begins at a place; beyond the end where there is none."""
    if symbols[at] == OPEN:
        at = _after_expression(symbols, at + 1, operators, unknown)
        if at < len(symbols) and symbols[at] in operators:
            at = _after_expression(symbols, at + 1, operators, unknown)
        return at + 1 if at < len(symbols) and symbols[at] == CLOSE else len(symbols)
    at += symbols[at] == MINUS
    return at + 1 if 0 <= symbols[at] < MODULUS or symbols[at] == unknown else len(symbols)


def value_of(symbols: Iterable[int], unknown: int | None = None) -> Value:
    """Return the value of an expression as a and b of a + b x, read once from left to right, with a stack.

    unknown: the number of x; where it is not given, b is 0.
    """
    stack = [_Open()]
    for symbol in symbols:
        if symbol < MODULUS:
            stack[-1].take((symbol, 0))
        elif symbol == unknown:
            stack[-1].take((0, 1))
        elif symbol == OPEN:
            stack.append(_Open())
        elif symbol == CLOSE:
            closed = stack.pop().first
            assert closed is not None
            stack[-1].take(closed)
        else:
            stack[-1].take_operator(symbol)
    value = stack[-1].first
    assert value is not None
    return value[0] % MODULUS, value[1] % MODULUS


def _combined(one: Value, operator: int, other: Value) -> Value:
    if operator == TIMES:
        return one[0] * other[0] % MODULUS, (one[0] * other[1] + one[1] * other[0]) % MODULUS
    sign = -1 if operator == MINUS else 1
    return (one[0] + sign * other[0]) % MODULUS, (one[1] + sign * other[1]) % MODULUS
