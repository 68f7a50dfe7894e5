"""What a report is made of: for each network its training and the results found in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from naibu.interventions.results import Holding
from naibu.interventions.ternary_results import Ternary
from naibu.probes.bracket_results import BracketPrediction
from naibu.probes.components_results import Components, Neighbours, UniqueComponents, WordTokens
from naibu.probes.found import Search
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.passages import Passages
from naibu.probes.results import (
    Confusion,
    Correlation,
    Distributions,
    L1Path,
    Overlap,
    Regression,
    Trajectories,
)
from naibu.probes.timescales_results import Timescales


@dataclass(frozen=True)
class NetworkPart:
    """Everything the report says of one network; what is None or empty is left out, and the page says so."""

    name: str  # of the run: "tagged-200"
    form: str  # how the corpus was written down: "brackets", "tagged", ..., "words", "characters"
    example: str  # a short real sequence in this form, symbols separated by spaces
    corpus: list[tuple[str, str]]  # what was found in the corpus, rows to show
    category: str | None = None  # the phrase probed: "VP", "Call"
    inside_share: float | None = None  # share of training symbols inside such a phrase
    training: dict[str, str | int | float] = field(default_factory=dict)  # cell, units, layers, seconds ...
    metrics: list[dict[str, Any]] = field(default_factory=list)  # lines with step, loss, validation_loss
    confusion: Confusion | None = None
    depth: Correlation | None = None  # label "depth", or "bracket_depth" for plain text
    phrase: Correlation | None = None  # label "depth:VP"
    overlap: Overlap | None = None  # label "inside:VP"
    distributions: Distributions | None = None
    trajectories: tuple[Trajectories, ...] = ()  # best unit of the cell, best of the hidden state
    regression: tuple[Regression, ...] = ()  # depth from the cell, from the hidden state
    l1: L1Path | None = None
    holding: Holding | None = None
    commands: dict[str, str] = field(default_factory=dict)  # section key -> the command that makes that part
    search: Search | None = None
    passages: Passages | None = None  # test text with the values of the cells that the search named
    part_of_speech: PartOfSpeech | None = None  # two parts of speech told apart, where the network reads words
    components: Components | None = None  # of the update, or the signal that stands for it
    unique_components: UniqueComponents | None = None
    word_tokens: WordTokens | None = None
    neighbours: Neighbours | None = None
    timescales: Timescales | None = None  # where the cell has a gate that keeps
    ternary: Ternary | None = None  # the update rounded at every step, where there is one
    bracket_prediction: BracketPrediction | None = None  # where the network reads brackets
    phrase_regression: Regression | None = None  # depth of the category, from the cell


@dataclass(frozen=True)
class Report:
    """A whole report: its networks, and when, with what and by which command it was made."""

    title: str
    made: str  # date and versions
    command: str  # the command line that made this report
    parts: tuple[NetworkPart, ...]
