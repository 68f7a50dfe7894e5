"""The papers whose experiments can be run, by the name that `naibu papers NAME` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from naibu.papers.hochreiter1997.asked import Asked
    from naibu.papers.mochihashi2019.asked import Asked as Studied
    from naibu.papers.runner import Reproduction


@dataclass(frozen=True)
class Paper:
    """A paper, and the function that gives the way its experiments are run once they are asked for."""

    title: str
    reproduction: Callable[[], Reproduction]
    chosen: Callable[[Any], Reproduction] | None = None
    """The same with options of its own; None for a paper that takes none."""


def _variants() -> Reproduction:
    from naibu.papers.variants.reproduction import VARIANTS

    return VARIANTS


def _hochreiter1997(asked: Asked | None = None) -> Reproduction:
    from naibu.papers.hochreiter1997.asked import Asked
    from naibu.papers.hochreiter1997.reproduction import reproduction

    return reproduction(asked or Asked())


def _mochihashi2019(asked: Studied | None = None) -> Reproduction:
    from naibu.papers.mochihashi2019.reproduction import reproduction

    return reproduction(asked)


PAPERS: dict[str, Paper] = {
    "hochreiter1997": Paper(
        "Long Short-Term Memory: all tables, by the paper's own algorithm", _hochreiter1997, _hochreiter1997
    ),
    "mochihashi2019": Paper(
        "How LSTM Encodes Syntax: the study again, and a network that counts", _mochihashi2019, _mochihashi2019
    ),
    "variants": Paper("Every cell on two tasks, beside Greff et al. 2017", _variants),
}
