"""Word types, each once, along principal components of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from naibu.probes.components_results import UniqueComponents
from naibu.reporting.content import NetworkPart
from naibu.reporting.markup import Markup, element, figure, paragraph, score_cell, table
from naibu.reporting.numbers import count, share, with_interval
from naibu.reporting.sections.section import Pen, Section, command_for
from naibu.reporting.words import signal_name, visible

UNIQUE = (
    "Here each word counts once, by its mean vector over training sequences, and components are computed anew. The "
    "component that parts two kinds best is chosen on half of their words and scored on the other half: how often a "
    "word of the second kind lies beyond one of the first, 50 % if it knew nothing. Intervals resample words."
)
COMPONENTS_LISTED = 5
WORDS_LISTED = 8


def word_types(part: NetworkPart, found: UniqueComponents, pen: Pen) -> Section:
    """Return the section on word types along components of their own."""
    from naibu.reporting.plots.components import plot_pair, plot_words

    signal = signal_name(found.signal)
    text = f"Word types in the plane of the first two components of their mean {signal}."
    cloud = pen(partial(plot_words, found), text, (6.6, 4.4))
    caption = (
        f"The {count(len(found.words))} most frequent of {count(found.types)} words with at least {found.least} "
        "training tokens, each once, by its most frequent part of speech; the outermost are named."
    )
    figures = [figure([cloud], caption)]
    if found.pairs:
        panels = [
            pen(partial(plot_pair, p), f"{' and '.join(p.values)} along component {p.component + 1}.", (4.1, 2.3))
            for p in found.pairs
        ]
        figures.append(
            figure(
                panels,
                "Words of the half that the component was not chosen on; the height within a row means nothing, the "
                "bar is the median.",
            )
        )
    tables = [*([_pairs(found)] if found.pairs else []), _ends(found), paragraph(_held(found), "quiet")]
    return Section(
        "unique_components",
        f"Each word once: components of the {signal}",
        UNIQUE,
        types_say(found),
        tuple(figures),
        tuple(tables),
        command_for(part, "unique_components", "depth", "report"),
    )


def types_say(found: UniqueComponents) -> str:
    """Say of each pair whether its words come apart along a component, by the interval."""
    parts = []
    for p in found.pairs:
        first, second = p.values
        score = with_interval(p.auc, True)
        if p.auc.low > 0.5:
            way = "nearly always" if p.auc.value >= 0.95 else "mostly" if p.auc.value >= 0.75 else "somewhat more often"
            parts.append(f"{second} lies {way} beyond {first} along component {p.component + 1} ({score})")
        else:
            parts.append(f"no component found parts {first} from {second} ({score})")
    text = "; ".join(parts)
    return f"On words the component was not chosen on: {text}." if text else "No two parts of speech have enough words."


def _held(found: UniqueComponents) -> str:
    rows = found.fitted
    where = "training sequences" if rows.fitted_on == "train" else rows.fitted_on
    return (
        f"Mean vectors over {count(rows.train_tokens)} symbols of {where}, after {found.first} components of all of "
        "them. What is held out here are words, not sequences."
    )


def _pairs(found: UniqueComponents) -> Markup:
    rows = []
    for p in found.pairs:
        low, high = p.ends(WORDS_LISTED)
        rows.append(
            [
                " and ".join(p.values),
                str(p.component + 1),
                score_cell(p.auc, True),
                score_cell(p.untrained, True),
                count(p.auc.n),
                _words([f"{visible(p.words[k])} ({p.values[int(p.second[k])]})" for k in low]),
                _words([f"{visible(p.words[k])} ({p.values[int(p.second[k])]})" for k in high]),
            ]
        )
    head = [
        "pair",
        "component",
        "second beyond first",
        "control: untrained network",
        "words scored",
        "lowest",
        "highest",
    ]
    return table(head, rows, "Pairs of parts of speech along one component of the word types")


def _ends(found: UniqueComponents) -> Markup:
    rows = []
    for k in range(min(COMPONENTS_LISTED, found.coordinates.shape[1])):
        low, high = found.ends(k, WORDS_LISTED)
        sides = [
            _words([f"{visible(found.words[i])} ({found.tags[found.tag[i]]})" for i in some]) for some in (low, high)
        ]
        rows.append([str(k + 1), share(float(found.share[k])), *sides])
    return table(["component", "variance", "lowest", "highest"], rows, "Words at the ends of the first components")


def _words(words: Sequence[str]) -> Markup:
    return element("span", ", ".join(words), class_="units")
