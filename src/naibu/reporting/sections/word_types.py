"""Word types, each once, along principal components of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from naibu.probes.components_results import UniqueComponents
from naibu.reporting.markup import Safe, element, figure, paragraph, table
from naibu.reporting.numbers import count, share
from naibu.reporting.sections.section import Pen, Scored, Section, Text, fitted_on, score_table
from naibu.reporting.words import signal_name, visible

UNIQUE = (
    "Here each word counts once, by its mean vector over training sequences, and components are computed anew. The "
    "component that parts two kinds best is chosen on half of their words and scored on the other half: how often a "
    "word of the second kind lies beyond one of the first, 50 % if it knew nothing. Intervals resample words."
)
COMPONENTS_LISTED = 5
WORDS_LISTED = 8


def word_types(found: UniqueComponents, pen: Pen) -> Section:
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
    return Section(f"Each word once: components of the {signal}", UNIQUE, tuple(figures), tuple(tables))


def _held(found: UniqueComponents) -> str:
    return (
        f"Mean vectors over {count(found.fitted.train_tokens)} symbols of {fitted_on(found.fitted)}, after "
        f"{found.first} components of all of them. What is held out here are words, not sequences."
    )


def _pairs(found: UniqueComponents) -> Safe:
    ends = [pair.ends(WORDS_LISTED) for pair in found.pairs]
    named = [
        [_words([f"{visible(p.words[k])} ({p.values[int(p.second[k])]})" for k in some]) for some in sides]
        for p, sides in zip(found.pairs, ends, strict=True)
    ]
    return score_table(
        "Pairs of parts of speech along one component of the word types",
        Text("pair", [" and ".join(p.values) for p in found.pairs]),
        Text("component", [str(p.component + 1) for p in found.pairs]),
        Scored("second beyond first", [p.auc for p in found.pairs], share=True),
        Scored("control: untrained network", [p.untrained for p in found.pairs], share=True),
        Text("words scored", [count(p.auc.n) for p in found.pairs]),
        Text("lowest", [low for low, _ in named]),
        Text("highest", [high for _, high in named]),
    )


def _ends(found: UniqueComponents) -> Safe:
    rows = []
    for k in range(min(COMPONENTS_LISTED, found.coordinates.shape[1])):
        sides = (
            _words([f"{visible(found.words[i])} ({found.tags[found.tag[i]]})" for i in some])
            for some in found.ends(k, WORDS_LISTED)
        )
        rows.append([str(k + 1), share(float(found.share[k])), *sides])
    return table(["component", "variance", "lowest", "highest"], rows, "Words at the ends of the first components")


def _words(words: Sequence[str]) -> Safe:
    return element("span", ", ".join(words), class_="units")
