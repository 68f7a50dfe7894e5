"""All analyses, in the order of the page; probing, page, terminal and summary read this list and nothing else."""

from __future__ import annotations

from typing import Any

from naibu.looking.analyses.interventions import HOLDING, TERNARY
from naibu.looking.analyses.labels import DEPTH, L1, LABEL, OVERLAP, PHRASE, REGRESSION, REGRESSION_PHRASE
from naibu.looking.analyses.prediction import BRACKET_PREDICTION, CONFUSION
from naibu.looking.analyses.search import SEARCH
from naibu.looking.analyses.values import DISTRIBUTIONS, TIMESCALES
from naibu.looking.analyses.words import COMPONENTS, PART_OF_SPEECH, UNIQUE_COMPONENTS, WORD_TOKENS
from naibu.looking.analysis import Analysis, Results
from naibu.reporting.content import Subject

ANALYSES: tuple[Analysis[Any], ...] = (
    CONFUSION,
    BRACKET_PREDICTION,
    DEPTH,
    PHRASE,
    LABEL,
    OVERLAP,
    SEARCH,
    L1,
    REGRESSION,
    REGRESSION_PHRASE,
    PART_OF_SPEECH,
    COMPONENTS,
    UNIQUE_COMPONENTS,
    WORD_TOKENS,
    DISTRIBUTIONS,
    TIMESCALES,
    HOLDING,
    TERNARY,
)


def answered(subject: Subject, results: Results) -> list[tuple[Analysis[Any], Any]]:
    """Return the analyses of a network that have a result, with it, in order."""
    found = ((analysis, analysis.found(results, subject)) for analysis in ANALYSES)
    return [(analysis, result) for analysis, result in found if result is not None]
