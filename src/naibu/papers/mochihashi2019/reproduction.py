"""The door: what `naibu papers mochihashi2019` runs, one part after the other."""

from __future__ import annotations

from naibu.papers.mochihashi2019 import counting_reproduction, study_reproduction
from naibu.papers.mochihashi2019.asked import Asked
from naibu.papers.runner import Reproduction, in_turn


def reproduction(asked: Asked | None = None) -> Reproduction:
    """Return how the study is run on what is asked for, and then its future work: networks that count."""
    return in_turn(study_reproduction.reproduction(asked or Asked()), counting_reproduction.reproduction())
