"""Words along principal components of a signal: tokens of all words or of one, and nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from naibu.probes.baseline import Baseline
from naibu.probes.components_results import Components, Neighbours, Query, Telling, WordTokens
from naibu.reporting.markup import Safe, element, figure, folded, paragraph, table
from naibu.reporting.numbers import count, number, share
from naibu.reporting.sections.section import Pen, Scored, Section, Text, labelled_note, score_table
from naibu.reporting.words import shortened, signal_name, visible

READING = (
    "Do words of one part of speech have vectors of one kind? The principal components are the directions in which the "
    "vectors of all words vary most. To show negative values the vectors are also drawn with their signs split: each "
    "coordinate and its negative side by side, exponentiated, so that a large value on either side is dark on one of "
    "them. How well the parts of speech come apart is said by a linear rule fitted on training sequences; a picture "
    "can show apart what is not, and hide what is. Each word by itself mostly has one part of speech, so compare what "
    "a table of words reaches."
)
WORD = (
    "One word can have several functions, and which one it has must come from what was read before it. All these "
    "points are the same word; the colour is its part of speech. What often decides it, the words that follow, has not "
    "been read yet."
)
NEAR = (
    "The vectors that point most nearly in the same direction as that of one token (cosine: 1 the same direction, 0 "
    "unrelated). Such examples illustrate and prove nothing."
)
NAMES = {
    "components": "all components",
    "plane": "first two components",
    "signs split": "first two of the split signs",
    "majority": "always the commonest",
    "position": "position alone",
    "1-gram": "this word alone",
}
SQUARE = (4.3, 3.1)


def along_components(found: Components, pen: Pen) -> Section:
    """Return the section on tokens of every part of speech along principal components."""
    from naibu.reporting.plots.components import plot_plane, plot_signs

    signal = signal_name(found.signal)
    plane, split = (partial(plot_plane, found.points, found.tags, split=split) for split in (False, True))
    panels = [
        pen(plane, f"Words in the plane of the first two components of the {signal}.", SQUARE),
        pen(split, "The same words in the plane of the split signs.", SQUARE),
    ]
    text = f"Words of each part of speech along the components of the {signal}, signs split."
    rows = pen(partial(plot_signs, found.points, found.tags), text, (6.2, 3.8))
    two = f"{share(float(found.share[:2].sum()))} of the variance"
    drawn = f"{len(found.points.symbols)} words of test sequences, drawn at random, of the {len(found.tags)} commonest"
    figures = (
        figure(panels, f"{drawn} parts of speech; left, the first two components ({two}); right, with signs split."),
        figure(
            [rows],
            "The same words, a row each, name by name; left each component, right its negative, exp of both, in "
            "deviations of the first.",
        ),
    )
    kept = (
        f"{len(found.share)} components of {found.of} units hold {share(float(found.share.sum()))} of the variance; "
        f"{len(found.classes)} parts of speech are told apart."
    )
    tables = (_told(found.telling, found.baselines, len(found.classes)), labelled_note(found.fitted, kept))
    return Section(f"Words along the components of the {signal}", READING, figures, tables)


def baseline_name(name: str) -> str:
    """Return what needs no network in words: "last 2 symbols alone"."""
    return NAMES.get(name, name.replace("-gram", " symbols alone") if name[0].isdigit() else name)


def _told(telling: Sequence[Telling], baselines: Sequence[Baseline], classes: int) -> Safe:
    rows: list[Telling | Baseline] = [*telling, *baselines]
    return score_table(
        f"How often the part of speech is told right, of {classes}",
        Text("from", [baseline_name(row.name) for row in rows]),
        Text("dimensions", [str(row.dimensions) if isinstance(row, Telling) else "–" for row in rows]),
        Scored("", [row.scores for row in rows], share=True, both=True),
        Scored("control: untrained network", [getattr(row, "untrained", None) for row in rows], share=True),
    )


# ---------------------------------------------------------------- one word, and neighbours


def one_word(found: WordTokens, near: Neighbours | None, pen: Pen) -> Section:
    """Return the section on all tokens of one word, with the nearest neighbours of some of them."""
    from naibu.reporting.plots.components import plot_plane

    word = visible(found.word)
    text = f"Tokens of “{word}” in the plane of the first two components of their {signal_name(found.signal)}."
    panel = pen(partial(plot_plane, found.points, found.tags), text, SQUARE)
    caption = (
        f"{len(found.points.symbols)} of the {count(int(found.test_count.sum()))} test tokens of “{word}” in the plane "
        f"of the first two components of its training tokens ({share(float(found.share[:2].sum()))} of their variance)."
    )
    each = table(
        ["part of speech", "training tokens", "test tokens", "told right"],
        [
            [tag, count(float(a)), count(float(b)), share(float(r))]
            for tag, a, b, r in zip(found.tags, found.train_count, found.test_count, found.recall, strict=True)
        ],
        f"The parts of speech of “{word}”, and how often each is told right from all components (test)",
    )
    tables = [_told(found.telling, found.baselines, len(found.tags)), each, labelled_note(found.fitted)]
    if near is not None and near.queries:
        nearest = (_query(near, q) for q in near.queries)
        tables.append(folded("Nearest neighbours of single tokens", paragraph(NEAR), *nearest))
    return Section(f"One word, several functions: “{word}”", WORD, (figure([panel], caption),), tuple(tables))


def _read(before: Sequence[str]) -> Safe:
    return element("span", " ".join(shortened(w) for w in before) or "–", class_="units")


def _query(near: Neighbours, q: Query) -> Safe:
    rows = [
        [kind, visible(n.symbol), n.tag, number(n.cosine), _read(n.before)]
        for kind, found in (("any word", q.nearest), ("other words", q.others))
        for n in found
    ]
    read = " ".join(visible(w) for w in (*q.before, q.symbol))
    caption = (
        f"Nearest to “{visible(q.symbol)}” ({q.tag}) after “{read}”, {signal_name(near.signal)}, among "
        f"{count(near.looked_at)} test words; their median cosine is {number(q.usual)}"
    )
    return table(["among", "word", "part of speech", "cosine", "read before it"], rows, caption, names=2)
