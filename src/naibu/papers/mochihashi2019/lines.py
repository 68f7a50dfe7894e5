"""Which numbers the study sets beside the document's, table by table in its order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from naibu.papers.mochihashi2019 import analyses as of
from naibu.papers.mochihashi2019.learning import settled
from naibu.papers.mochihashi2019.line import (
    OPEN,
    Judge,
    Line,
    above,
    always,
    at_least,
    at_most,
    below,
    below_cell,
    better_than_usual,
    beyond_control,
    reported,
)
from naibu.papers.mochihashi2019.networks import Network
from naibu.papers.mochihashi2019.questions import (
    AGREEMENT,
    BRACKETS,
    CAUSES,
    DEPTH,
    ENDS,
    FEW,
    LINEAR,
    PHRASE,
    TERNARY,
    TIMES,
    VALUES,
    WORDS,
    Table,
)
from naibu.papers.mochihashi2019.study import Study
from naibu.papers.runner import Figures

L1_PUBLISHED = ((0.134, 0.9996), (0.1, 0.9992), (0.071, 0.998), (0.051, 0.991), (0.027, 0.97), (0.012, 0.87))
"""Share of 1000 units that have a weight, and the accuracy of "inside VP" with them."""
OVERLAP_PUBLISHED = 0.12
SIGNALS = ("cell", "hidden", "update", "candidate", "input_gate", "forget_gate", "output_gate")
LEVELS = {"update": "-1, 0, 1", "hidden": "0, ±.75, ±1", "cell": ""}
ROUNDINGS = {
    "ternary": "to -1, 0, 1",
    "threshold": "the same, threshold from training",
    "scaled": "three levels for each unit",
    "cell": "the cell to whole numbers",
}
SHARES_OF_UNITS = {0.5: "half of the units", 0.9: "nine units in ten"}
CONDITIONS = {"none": "no noun between", "congruent": "nouns of its number", "incongruent": "of the other number"}
WORD_PAIRS = {("NN", "NNS"): "separate", ("VBP", "VBZ"): "separate", ("VB", "VBD"): ""}


def lines(study: Study) -> Iterator[Line]:
    """Yield every line of the study, in the order of `TABLES`."""
    yield from _values(study)
    yield from _ends(study)
    yield from _depth(study)
    yield from _brackets(study)
    yield from _phrase(study)
    yield from _linear(study)
    yield from _few(study)
    yield from _words(study)
    yield from _causes(study)
    yield from _beyond(study)


def row_name(network: Network) -> str:
    """Return how a network is called in a row: its type, units and seed."""
    seed = "" if network.seed == 1 else f", seed {network.seed}"
    dropout = "" if network.dropout == Network.dropout else f", dropout {network.dropout:g}"
    return f"type {network.type}, {network.units} units{dropout}{seed}"


def settings(study: Study, *networks: Network) -> dict[str, Any]:
    """Return what a line depends on."""
    corpus = {"corpus": study.corpus, "options": [list(option) for option in study.options]}
    size = {"train_tokens": study.size.train_tokens, "test_tokens": study.size.test_tokens}
    return corpus | size | {"networks": [asdict(network) for network in networks]}


@dataclass(frozen=True)
class _Of:
    """Makes the lines of one table."""

    study: Study
    table: Table

    def line(
        self,
        network: Network,
        figure: Any,
        *asked: Any,
        more: str = "",
        claim: str = "",
        judge: Judge = reported,
        value: float | None = None,
    ) -> Line:
        name = row_name(network) + (f": {more}" if more else "")

        def of_network(study: Study, one: Network) -> Figures | None:
            found: Figures | None = figure(study, one, *asked)
            return found

        obtain, half = partial(of_network, self.study, network), partial(settled, self.study, network, of_network)
        kept, says = settings(self.study, network), self.table.says_of(more)
        return Line(self.table.title, name, claim, obtain, judge, value, kept, says, half)


def _values(study: Study) -> Iterator[Line]:
    make = _Of(study, VALUES)
    for network in study.size.of(1, 2, 3, 4, 5):
        yield make.line(network, of.beta_distance, more="forget gate", claim="near a beta", judge=at_most(0.1, 0.2))
        for signal, levels in LEVELS.items():
            claim, judge = ("", reported) if signal == "cell" else (f"peaks at {levels}", beyond_control())
            yield make.line(network, of.near_levels, signal, more=signal, claim=claim, judge=judge)


def _ends(study: Study) -> Iterator[Line]:
    make = _Of(study, ENDS)
    claims = {1: "almost always", 2: "always", 4: "always"}
    for network in study.size.of(1, 2, 3, 4, 5):
        claim = claims.get(network.type)
        if claim is None:
            yield make.line(network, of.end_recall)
        else:
            yield make.line(network, of.end_recall, claim=claim, judge=always, value=1.0)


def _depth(study: Study) -> Iterator[Line]:
    make = _Of(study, DEPTH)
    first = study.size.of(1)[0]
    for network in [*study.size.seeds(), *(n for n in study.size.of(1, 2, 3, 4) if n != first)]:
        said, judge = ("very high", at_least(0.99, 0.9)) if network.type == 1 else ("", reported)
        yield make.line(network, of.unit_with, "depth", "cell", more="cell", claim=said, judge=judge)
        said, judge = ("lower than the cell", below_cell) if network.type == 1 else ("", reported)
        yield make.line(network, of.hidden_against_cell, "depth", more="hidden", claim=said, judge=judge)
        for signal in SIGNALS[2:] if network == first else ():
            yield make.line(network, of.unit_with, "depth", signal, more=signal)


def _brackets(study: Study) -> Iterator[Line]:
    make = _Of(study, BRACKETS)
    for network in study.size.of(2, 4):
        for statistic, judge in (("recall", below()), ("loss", above())):
            more = f"opening less closing, {statistic}"
            claim = "closing better" if network.type == 2 else ""
            yield make.line(
                network, of.closing_better, statistic, more=more, claim=claim, judge=judge if claim else reported
            )


def _phrase(study: Study) -> Iterator[Line]:
    make = _Of(study, PHRASE)
    for network in study.size.of(2, 3, 4, 5, seeds=True):
        for signal in ("cell", "hidden"):
            yield make.line(network, of.unit_with, "phrase", signal, more=f"depth, {signal}")
        if network.type in (3, 4):
            judge = _of_phrases(study, at_most(OVERLAP_PUBLISHED, 0.2))
            yield make.line(
                network, of.overlap, more="inside or not", claim="overlap", judge=judge, value=OVERLAP_PUBLISHED
            )
        else:
            yield make.line(network, of.overlap, more="inside or not")


def _linear(study: Study) -> Iterator[Line]:
    make = _Of(study, LINEAR)
    for network in study.size.of(1, 2, 3, 4):
        for model in ("linear", "lasso", "single"):
            yield make.line(network, of.regression, "regression-cell", model, more=model)
    for network in study.size.of(5):
        for model in ("linear", "lasso", "single", "monotone", "monotone of all"):
            yield make.line(network, of.regression, "regression-phrase", model, more=f"phrases, {model}")
        judge = _of_phrases(study, above())
        yield make.line(network, of.bend, "monotone", more="phrases, best unit", claim="not linear", judge=judge)


def _of_phrases(study: Study, judge: Judge) -> Judge:
    """Return a judge of verb phrases, or of the category asked for; of any other the document makes no claim."""
    return lambda found: judge(found) if study.judges(found.get("label")) else OPEN


def _few(study: Study) -> Iterator[Line]:
    make = _Of(study, FEW)
    for network in study.size.of(4, seeds=True):
        for share, accuracy in L1_PUBLISHED:
            judge = _of_phrases(study, better_than_usual(at_least(accuracy, accuracy - 0.02)))
            for name, units in (("l1-raw", "units"), ("l1", "units of one spread")):
                more = f"{100 * share:.1f} % of the {units}"
                yield make.line(
                    network, of.few_units, name, share, more=more, claim="accuracy", judge=judge, value=accuracy
                )


def _words(study: Study) -> Iterator[Line]:
    make = _Of(study, WORDS)
    for network in study.size.of(3, 4, 5):
        told = network.type == 5  # in type 4 the bracket just read names the part of speech
        claim, judge = ("update better", above()) if told else ("", reported)
        yield make.line(network, of.parts_of_speech, "update", "cell", more="update", claim=claim, judge=judge)
        yield make.line(network, of.parts_of_speech, "candidate", "cell", more="candidate")
    for network in study.size.of(5):
        for pair, claim in WORD_PAIRS.items():
            judge = beyond_control(0.5) if claim else reported
            yield make.line(network, of.word_types, pair, more=" / ".join(pair), claim=claim, judge=judge)


def _causes(study: Study) -> Iterator[Line]:
    make = _Of(study, CAUSES)
    for network in [*study.size.seeds(), *(n for n in study.size.of(1, 2, 3, 4) if n != study.size.of(1)[0])]:
        yield make.line(network, of.held)


def _beyond(study: Study) -> Iterator[Line]:
    """Yield what the document does not ask."""
    for network in study.size.of(1, 2, 3, 4, 5):
        for kind, words in ROUNDINGS.items():
            yield _Of(study, TERNARY).line(network, of.rounded, kind, more=words)
    for network in study.size.of(1, 2, 3, 4, 5):
        for level, words in SHARES_OF_UNITS.items():
            yield _Of(study, TIMES).line(network, of.timescale, level, more=words)
    for network in study.size.of(3, 4, 5):
        for kind, words in CONDITIONS.items():
            yield _Of(study, AGREEMENT).line(network, of.agreed, kind, more=words)
