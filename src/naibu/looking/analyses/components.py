"""Words along the principal components of a signal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from naibu.looking.analyses.words import frequent_key, told, told_numbers, told_table
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.probes.components import components
from naibu.probes.components_results import Components
from naibu.reporting.finding import Finding
from naibu.reporting.markup import figure
from naibu.reporting.numbers import share
from naibu.reporting.section import Pen, Section, labelled_note
from naibu.reporting.words import headline, signal_name

READING = (
    "Do words of one part of speech have vectors of one kind? The principal components are the directions in which the "
    "vectors of all words vary most. To show negative values the vectors are also drawn with their signs split: each "
    "coordinate and its negative side by side, exponentiated, so that a large value on either side is dark on one of "
    "them. How well the parts of speech come apart is said by a linear rule fitted on training sequences; a picture "
    "can show apart what is not, and hide what is. Each word by itself mostly has one part of speech, so compare what "
    "a table of words reaches."
)
SQUARE = (4.3, 3.1)


def _asks(probed: Probed) -> Iterator[Ask]:
    if (key := frequent_key(probed)) is not None:
        yield Ask("components", partial(components, probed.recording, key, untrained=probed.control))


def along(found: Components) -> Finding:
    """Say how well the first principal components tell the part of speech, against the word alone."""
    telling = next(t for t in found.telling if t.name == "components")
    who = f"the first {telling.dimensions} components of the {signal_name(found.signal, found.layer)}"
    what = f"the part of speech of a word (of {len(found.classes)})"
    return told(who, what, headline(telling.scores), found, {"the untrained network": telling.untrained})


def along_components(found: Components, pen: Pen) -> Section:
    """Return the section on tokens of every part of speech along principal components."""
    from naibu.reporting.plots.components import plot_plane, plot_signs

    signal = signal_name(found.signal, found.layer)
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
    tables = (told_table(found.telling, found.baselines, len(found.classes)), labelled_note(found.fitted, kept))
    return Section(f"Words along the components of the {signal}", READING, figures, tables)


def _numbers(found: Components) -> Numbers:
    return {"layer": found.layer, "signal": found.signal, "names": len(found.classes), **told_numbers(found)}


COMPONENTS = Analysis(
    "components",
    "words along principal components",
    Components,
    along_components,
    along,
    _asks,
    numbers=_numbers,
)
