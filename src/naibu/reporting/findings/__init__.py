"""What was found, in plain sentences computed from the results; where nothing was found they say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from naibu.reporting.content import NetworkPart
from naibu.reporting.findings.brackets import closings as closings
from naibu.reporting.findings.finding import Finding as Finding
from naibu.reporting.findings.intervention import cause as cause
from naibu.reporting.findings.intervention import measured as measured
from naibu.reporting.findings.intervention import random_values as random_values
from naibu.reporting.findings.named import naming as naming
from naibu.reporting.findings.of_words import along, few_neighbours, one_word, parts_told, types_apart
from naibu.reporting.findings.prediction import prediction as prediction
from naibu.reporting.findings.rounding import rounding as rounding
from naibu.reporting.findings.timescales import keeping as keeping
from naibu.reporting.findings.units import few_units as few_units
from naibu.reporting.findings.units import fewest as fewest
from naibu.reporting.findings.units import following as following
from naibu.reporting.findings.units import telling_apart as telling_apart


def findings(part: NetworkPart) -> list[Finding]:
    """Return the findings for one network, each computed from a result the part has."""
    told: tuple[tuple[Any, Callable[[Any], Finding]], ...] = (
        (part.confusion, prediction),
        (part.bracket_prediction, closings),
        (part.depth, following),
        (part.phrase, following),
        (part.overlap, lambda overlap: telling_apart(overlap, part.l1)),
        (part.search, naming),
        (part.part_of_speech, parts_told),
        (part.components, along),
        (part.unique_components, types_apart),
        (part.word_tokens, one_word),
        (part.neighbours, few_neighbours),
        (part.timescales, keeping),
        (part.holding, cause),
        (part.ternary, rounding),
    )
    return [say(result) for result, say in told if result is not None]
