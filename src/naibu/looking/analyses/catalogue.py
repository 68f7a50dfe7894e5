"""All analyses, in the order of the page; probing, page, terminal and summary read this list and nothing else."""

from __future__ import annotations

from typing import Any

from naibu.looking.analyses.attention import ATTENDING
from naibu.looking.analyses.bracket_prediction import BRACKET_PREDICTION
from naibu.looking.analyses.components import COMPONENTS
from naibu.looking.analyses.confusion import CONFUSION
from naibu.looking.analyses.distributions import DISTRIBUTIONS
from naibu.looking.analyses.following import DEPTH, LABEL, PHRASE
from naibu.looking.analyses.holding import HOLDING
from naibu.looking.analyses.l1 import L1
from naibu.looking.analyses.overlap import OVERLAP
from naibu.looking.analyses.part_of_speech import PART_OF_SPEECH
from naibu.looking.analyses.regression import REGRESSION, REGRESSION_PHRASE
from naibu.looking.analyses.search import SEARCH
from naibu.looking.analyses.ternary import TERNARY
from naibu.looking.analyses.timescales import TIMESCALES
from naibu.looking.analyses.transitions import TRANSITIONS
from naibu.looking.analyses.unique_components import UNIQUE_COMPONENTS
from naibu.looking.analyses.word_tokens import WORD_TOKENS
from naibu.looking.analysis import Analysis, Results
from naibu.reporting.content import Subject

ANALYSES: tuple[Analysis[Any], ...] = (
    CONFUSION,
    BRACKET_PREDICTION,
    TRANSITIONS,
    ATTENDING,
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
