"""summary.json: the main numbers of each network under fixed names, for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from naibu.looking.analyses.catalogue import answered
from naibu.looking.analysis import Results
from naibu.looking.numbers import scored
from naibu.memory import peak_memory
from naibu.reporting.content import Subject
from naibu.reporting.training import still_falling

VERSION = 2
"""Of the layout of summary.json; version 1 had `forms` alone, which is written one release more."""
FORMER = {
    "run": "run",
    "tokens_per_second_train": "training.tokens_per_second",
    "seen_share": "data.seen_share",
    "category": "data.category",
    "inside_share": "data.inside_share",
    "seconds": "seconds",
    "peak_memory_mb": "peak_memory_mb",
    "perplexity_test": "scores.perplexity.test",
    "perplexity_unseen": "scores.perplexity.unseen",
    "ed_recall_test": "scores.end_recall.test",
    "ed_recall_unseen": "scores.end_recall.unseen",
    "ed_precision_test": "scores.end_precision.test",
    "depth_correlation": "analyses.depth.signals",
    "phrase_correlation": "analyses.phrase.signals",
    "depth_regression": "analyses.regression.signals.*",
    "phrase_regression": "analyses.regression-phrase.signals.*",
    "bracket_recall": "analyses.bracket_prediction",
    "inside_overlap": "analyses.overlap.best.overlap",
    "inside_overlap_unit": "analyses.overlap.best",
    "l1_path": "analyses.l1.strengths",
    "named_cells": "analyses.search",
    **{name: f"analyses.{name}" for name in ("part_of_speech", "components", "unique_components", "word_tokens")},
    "neighbours": "analyses.word_tokens.neighbours",
    "intervention": "analyses.holding",
}
"""Keys of version 1 -> where the same numbers are now; * is the first of several."""


def summary_of(subject: Subject, results: Results) -> dict[str, Any]:
    """Return the main numbers of one network: scores by measure, and those of each analysis that has a result."""
    scores: dict[str, Any] = {}
    fall = still_falling(subject.metrics)
    analyses: dict[str, Any] = {}
    for analysis, found in answered(subject, results):
        analyses[analysis.name] = analysis.numbers(found)
        for name, s in analysis.scores(found).items():
            scores.setdefault(name, None if s is None else scored("test", s))
    return {
        "run": subject.name,
        "data": dict(subject.data),
        "training": dict(subject.training),
        "cut_short": {"fall": fall, "command": subject.commands.get("longer")} if fall else None,
        "scores": scores,
        "analyses": analyses,
        "seconds": dict(subject.seconds),
        "peak_memory_mb": peak_memory(),
    }


def of_forms(subjects: Sequence[Subject], networks: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers as version 1 had them: by form, two networks of one form by their own names."""
    forms = Counter(subject.form for subject in subjects)
    return {s.form if forms[s.form] == 1 else s.name: _former(networks[s.name]) for s in subjects if s.form}


def _former(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of one network under the keys of version 1; what was not analysed is left out, as there."""
    found = {key: _at(summary, path.split(".")) for key, path in FORMER.items()}
    return {key: value for key, value in found.items() if value is not None or not FORMER[key].startswith("analyses")}


def _at(found: Any, path: list[str]) -> Any:
    """Return what lies at the end of a path, None where it breaks off."""
    for step in path:
        found = next(iter(found.values()), None) if step == "*" and found else (found or {}).get(step)
    return found
