"""One part of speech told from another, signal by signal."""

from __future__ import annotations

from functools import partial

from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.reporting.markup import Safe, figure, folded
from naibu.reporting.numbers import count, share
from naibu.reporting.sections.components import baseline_name
from naibu.reporting.sections.section import (
    Pen,
    Scored,
    Section,
    Text,
    control_columns,
    labelled_note,
    score_table,
    split_of,
    where,
)
from naibu.reporting.words import rank, short_group, signal_name

READING = (
    "Can one part of speech be told from another by the numbers inside the network, just after the word was read? For "
    "each signal a weighted sum of all units is fitted on words of training sequences and says one or the other on "
    "words of test sequences. Most words have one part of speech only, so much can be known from the word alone: the "
    "line “this word alone” is what a table of words reaches, “last 2 symbols” a table of pairs of them. The random "
    "label gives each word one of the two at random, for good: how far a probe gets there is how well it remembers "
    "words, and the selectivity is what remains of its accuracy above that. Whether one signal is better than another "
    "is said by their difference on the same words, whose interval leaves out 0 or does not."
)


def parts_of_speech(found: PartOfSpeech, pen: Pen) -> Section:
    """Return the section on telling one part of speech from another."""
    from naibu.reporting.plots.part_of_speech import plot_differences, plot_telling

    split = split_of(s.accuracy for s in found.signals)
    names = " and ".join(short_group(v) for v in found.values)
    panels = [pen(partial(plot_telling, found, split=split), f"Accuracy of telling {names} apart.", (4.6, 2.9))]
    if found.differences:
        text = f"Differences in accuracy between signals, {names}."
        size = (4.4, 1.2 + 0.4 * len(found.differences))
        panels.append(pen(partial(plot_differences, found, split=split), text, size))
    caption = (
        f"Left: accuracy on {where(split)} sequences, one row per signal, with 95 % intervals; marks are controls, "
        "grey lines what needs no network. Right: accuracy of one signal less that of another on the same words."
    )
    tables = [_signals(found), labelled_note(found.fitted, _balance(found))]
    if found.differences:
        tables.append(_differences(found))
    tables.append(folded("What needs no network", _baselines(found)))
    return Section(f"Telling {names} apart", READING, (figure(panels, caption),), tuple(tables))


def _balance(found: PartOfSpeech) -> str:
    first, second = (f"{count(n)} {short_group(v)}" for n, v in zip(found.counts, found.values, strict=True))
    return (
        f"Test words: {first}, {second}. The weights' price ({found.penalty.upper()}) is chosen on training sequences."
    )


def _signals(found: PartOfSpeech) -> Safe:
    signals = sorted(found.signals, key=lambda s: rank(s.signal))
    controls = control_columns([s.controls for s in signals], share=True)
    return score_table(
        f"Accuracy of telling {short_group(found.values[0])} from {short_group(found.values[1])}",
        Text("signal", [signal_name(s.signal) for s in signals]),
        Text("units used", [f"{s.nonzero} of {s.of}" for s in signals]),
        Scored("", [s.accuracy for s in signals], share=True, both=True),
        [column for column in controls if "position" not in column.head],
        Scored("selectivity", [s.selectivity for s in signals], share=True),
    )


def _differences(found: PartOfSpeech) -> Safe:
    return score_table(
        "Difference in accuracy on the same words, resampled together",
        Text("difference", [f"{signal_name(d.signal)} less {signal_name(d.minus)}" for d in found.differences]),
        Scored("", [d.scores for d in found.differences], share=True, both=True),
        Scored("control: untrained network", [d.untrained for d in found.differences], share=True),
    )


def _baselines(found: PartOfSpeech) -> Safe:
    known = ["–" if b.known is None else share(b.known) for b in found.baselines]
    return score_table(
        "Accuracy without a network, counted on training sequences",
        Text("from", [baseline_name(b.name) for b in found.baselines]),
        Text("test words whose symbols were met in training", known),
        Scored("", [b.scores for b in found.baselines], share=True, both=True),
    )
