"""The papers whose experiments can be run, by the name that `naibu papers NAME` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from naibu.papers.runner import Reproduction


@dataclass(frozen=True)
class Paper:
    """A paper, and the function that gives the way its experiments are run once they are asked for."""

    title: str
    reproduction: Callable[[], Reproduction]


def _variants() -> Reproduction:
    from naibu.papers.variants.reproduction import VARIANTS

    return VARIANTS


PAPERS: dict[str, Paper] = {
    "variants": Paper("Every cell on two tasks, beside Greff et al. 2017", _variants),
}
