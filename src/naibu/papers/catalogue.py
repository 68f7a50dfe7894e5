"""The papers whose experiments can be run, by the name that `naibu papers NAME` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from naibu.papers.runner import Experiment


@dataclass(frozen=True)
class Paper:
    """A paper, and the function that gives its experiments once they are asked for."""

    title: str
    experiments: Callable[[], Iterable[Experiment]]


PAPERS: dict[str, Paper] = {}
"""None yet."""
