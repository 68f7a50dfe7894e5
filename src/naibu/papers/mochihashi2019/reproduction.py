"""The door: what `naibu papers mochihashi2019` runs, one part after the other."""

from __future__ import annotations

from naibu.papers.mochihashi2019 import counting_reproduction, study_reproduction, sweep_reproduction
from naibu.papers.mochihashi2019.asked import Asked
from naibu.papers.runner import Reproduction, in_turn


def reproduction(asked: Asked) -> Reproduction:
    """Return how the study is run on what is asked for, and its future work: an L1 term, and networks that count."""
    return in_turn(
        study_reproduction.reproduction(asked),
        sweep_reproduction.reproduction(asked),
        counting_reproduction.reproduction(),
    )
