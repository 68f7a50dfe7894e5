"""Word types, each once, along principal components of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from naibu.looking.analyses.words import SEED, applies, frequent_key
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.looking.numbers import interval, known
from naibu.probes.components import frequent
from naibu.probes.components_results import Pair, UniqueComponents
from naibu.probes.part_of_speech import LABEL
from naibu.probes.unique_components import LEAST, types_taken, unique_components
from naibu.reporting.finding import Finding
from naibu.reporting.markup import Markup, element, figure, paragraph, table
from naibu.reporting.numbers import count, share, with_interval
from naibu.reporting.score_table import Scored, Text, score_table
from naibu.reporting.section import Pen, Section, fitted_on
from naibu.reporting.words import signal_name, visible

READING = (
    "Here each word counts once, by its mean vector over training sequences, and components are computed anew. The "
    "component that parts two kinds best is chosen on half of their words and scored on the other half: how often a "
    "word of the second kind lies beyond one of the first, 50 % if it knew nothing. Intervals resample words."
)
COMPONENTS_LISTED = 5
WORDS_LISTED = 8


def _asks(probed: Probed) -> Iterator[Ask]:
    key, recording = frequent_key(probed), probed.recording
    if key is None:
        return
    target, tags = frequent(recording, LABEL, SEED)
    if applies(lambda: types_taken(recording, target, len(tags), LEAST)):
        yield Ask("unique_components", partial(unique_components, recording, key, untrained=probed.control))


def types_apart(found: UniqueComponents) -> Finding:
    """Say of each pair of names whether their word types come apart along one component, on held-out types."""
    if not found.pairs:
        return Finding("That word types come apart is not shown: no two parts of speech have enough of them.", False)
    shown = [pair for pair in found.pairs if _comes_apart(pair)]
    missed = [pair for pair in found.pairs if not _comes_apart(pair)]
    where = f"by the mean {signal_name(found.signal, found.layer)} of each"
    parts = []
    if shown:
        parts.append(f"Word types come apart along one component, {where}: {'; '.join(map(_pair, shown))}.")
    if missed:
        parts.append(f"That word types come apart along one component is not shown of {'; '.join(map(_pair, missed))}.")
    return Finding(" ".join(parts), bool(shown))


def _comes_apart(pair: Pair) -> bool:
    before = 0.5 if pair.untrained is None else max(0.5, pair.untrained.value)
    return pair.auc.low > before


def _pair(pair: Pair) -> str:
    before = "" if pair.untrained is None else f"; untrained network: {share(pair.untrained.value)}"
    return (
        f"{pair.values[1]} beyond {pair.values[0]} in {with_interval(pair.auc, True)} of {pair.auc.n} held-out words "
        f"(by chance 50\u202f%{before})"
    )


def word_types(found: UniqueComponents, pen: Pen) -> Section:
    """Return the section on word types along components of their own."""
    from naibu.reporting.plots.components import plot_pair, plot_words

    signal = signal_name(found.signal, found.layer)
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
    return Section(f"Each word once: components of the {signal}", READING, tuple(figures), tuple(tables))


def _held(found: UniqueComponents) -> str:
    return (
        f"Mean vectors over {count(found.fitted.train_tokens)} symbols of {fitted_on(found.fitted)}, after "
        f"{found.first} components of all of them. What is held out here are words, not sequences."
    )


def _pairs(found: UniqueComponents) -> Markup:
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


def _ends(found: UniqueComponents) -> Markup:
    rows = []
    for k in range(min(COMPONENTS_LISTED, found.coordinates.shape[1])):
        sides = (
            _words([f"{visible(found.words[i])} ({found.tags[found.tag[i]]})" for i in some])
            for some in found.ends(k, WORDS_LISTED)
        )
        rows.append([str(k + 1), share(float(found.share[k])), *sides])
    return table(["component", "variance", "lowest", "highest"], rows, "Words at the ends of the first components")


def _words(words: Sequence[str]) -> Markup:
    return element("span", ", ".join(words), class_="units")


def _numbers(found: UniqueComponents) -> Numbers:
    pairs = {
        "/".join(p.values): {
            "component": p.component + 1,
            **interval("auc", p.auc),
            "words": p.auc.n,
            "untrained": None if p.untrained is None else known(p.untrained.value),
        }
        for p in found.pairs
    }
    return {"layer": found.layer, "signal": found.signal, "types": found.types, "pairs": pairs}


UNIQUE_COMPONENTS = Analysis(
    "unique_components",
    "each word once along principal components",
    UniqueComponents,
    word_types,
    types_apart,
    _asks,
    numbers=_numbers,
)
