"""What was found, in plain sentences computed from the results; where nothing was found they say so."""

from __future__ import annotations

from naibu.report.content import NetworkPart
from naibu.report.findings.brackets import closings as closings
from naibu.report.findings.finding import Finding as Finding
from naibu.report.findings.intervention import cause as cause
from naibu.report.findings.intervention import measured as measured
from naibu.report.findings.intervention import random_values as random_values
from naibu.report.findings.named import naming as naming
from naibu.report.findings.of_words import along, few_neighbours, one_word, parts_told, types_apart
from naibu.report.findings.prediction import prediction as prediction
from naibu.report.findings.rounding import rounding as rounding
from naibu.report.findings.timescales import keeping as keeping
from naibu.report.findings.units import few_units as few_units
from naibu.report.findings.units import fewest as fewest
from naibu.report.findings.units import following as following
from naibu.report.findings.units import telling_apart as telling_apart


def findings(part: NetworkPart) -> list[Finding]:
    """Return the findings for one network, each computed from a result the part has."""
    found: list[Finding] = []
    if part.confusion is not None:
        found.append(prediction(part.confusion))
    if part.bracket_prediction is not None:
        found.append(closings(part.bracket_prediction))
    if part.depth is not None:
        found.append(following(part.depth))
    if part.phrase is not None:
        found.append(following(part.phrase))
    if part.overlap is not None:
        found.append(telling_apart(part.overlap, part.l1))
    if part.search is not None:
        found.append(naming(part.search))
    found += _of_words(part)
    if part.timescales is not None:
        found.append(keeping(part.timescales))
    if part.holding is not None:
        found.append(cause(part.holding))
    if part.ternary is not None:
        found.append(rounding(part.ternary))
    return found


def _of_words(part: NetworkPart) -> list[Finding]:
    found: list[Finding] = []
    if part.part_of_speech is not None:
        found.append(parts_told(part.part_of_speech))
    if part.components is not None:
        found.append(along(part.components))
    if part.unique_components is not None:
        found.append(types_apart(part.unique_components))
    if part.word_tokens is not None:
        found.append(one_word(part.word_tokens))
    if part.neighbours is not None:
        found.append(few_neighbours(part.neighbours))
    return found
