"""The formal languages by name, from the bottom of the Chomsky hierarchy up."""

from __future__ import annotations

from naibu.data.formal.binary import BinaryAddition, BinaryMultiplication, SquareRoot
from naibu.data.formal.context_free import ModularArithmetic, ReverseString, SolveEquation, StackManipulation
from naibu.data.formal.context_sensitive import BucketSort, DuplicateString, MissingDuplicate, OddsFirst
from naibu.data.formal.counting import AnBn, AnBnCn, Dyck
from naibu.data.formal.language import Language
from naibu.data.formal.regular import CycleNavigation, EvenPairs, ModularArithmeticSimple, Parity
from naibu.errors import OptionError

LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        EvenPairs(),
        ModularArithmeticSimple(),
        Parity(),
        CycleNavigation(),
        StackManipulation(),
        ReverseString(),
        ModularArithmetic(),
        SolveEquation(),
        AnBn(),
        Dyck(),
        DuplicateString(),
        MissingDuplicate(),
        OddsFirst(),
        BinaryAddition(),
        BinaryMultiplication(),
        SquareRoot(),
        BucketSort(),
        AnBnCn(),
    )
}
"""Name -> language."""


def language_named(name: str) -> Language:
    """Return a language. Raises OptionError that lists those there are."""
    if name not in LANGUAGES:
        raise OptionError(f"{name}: no such formal language; there are {', '.join(LANGUAGES)}")
    return LANGUAGES[name]
