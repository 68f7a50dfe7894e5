"""One part of speech told from another, signal by signal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from naibu.looking.analyses.words import SEED, applies, baseline_name, told
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.looking.numbers import scored, value
from naibu.probes.baseline import categorical
from naibu.probes.part_of_speech import LABEL, choose_values, part_of_speech
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.results import Score
from naibu.reporting.finding import Finding
from naibu.reporting.markup import Markup, figure, folded
from naibu.reporting.numbers import count, share
from naibu.reporting.score_table import Scored, Text, control_columns, score_table
from naibu.reporting.section import Pen, Section, labelled_note, split_of, where
from naibu.reporting.words import headline, on_split, rank, short_group, signal_name

READING = (
    "Can one part of speech be told from another by the numbers inside the network, just after the word was read? For "
    "each signal a weighted sum of all units is fitted on words of training sequences and says one or the other on "
    "words of test sequences. Most words have one part of speech only, so much can be known from the word alone: the "
    "line “the word alone” is what a table of words reaches, “last 2 symbols” a table of pairs of them. The random "
    "label gives each word one of the two at random, for good: how far a probe gets there is how well it remembers "
    "words, and the selectivity is what remains of its accuracy above that. Whether one signal is better than another "
    "is said by their difference on the same words, whose interval leaves out 0 or does not."
)
SPOKEN_OF = ("update", "cell", "hidden")
"""The first that was probed is spoken of: named beforehand, not picked by its score."""


def parts_ask(probed: Probed, parts: tuple[str, str] | None = None) -> Ask:
    """Return telling two parts of speech apart; OptionError where the recording lacks them."""
    categorical(probed.recording, LABEL, SEED, choose_values(probed.recording, LABEL, parts))
    return Ask("part_of_speech", partial(part_of_speech, probed.recording, parts, untrained=probed.control))


def _asks(probed: Probed) -> Iterator[Ask]:
    if applies(lambda: parts_ask(probed)):
        yield parts_ask(probed)


def parts_told(found: PartOfSpeech) -> Finding:
    """Say how well one signal tells two parts of speech apart, and whether that is beyond what symbols alone tell."""
    if not found.signals:
        return Finding("That parts of speech are told apart is not shown: no signal was probed.", False)
    one = next((s for name in SPOKEN_OF if (s := found.of(name)) is not None), found.signals[0])
    controls = {"the untrained network": one.controls.untrained, "a random label": one.controls.random_label}
    apart = f"{short_group(found.values[0])} from {short_group(found.values[1])}"
    scores = headline(one.accuracy)
    finding = told(f"the {signal_name(one.signal, one.layer)}", apart, scores, found, controls)
    return replace(finding, text=finding.text + _update_and_cell(found, scores[1]))


def _update_and_cell(found: PartOfSpeech, split: str) -> str:
    """Say whether the update tells them better than the cell, as the source has it, by the interval of both."""
    difference = found.difference("update", "cell")
    score = None if difference is None else on_split(difference.scores, split)
    if difference is None or score is None:
        return ""
    before = on_split(difference.untrained, split)
    untrained = "" if before is None else f"; untrained: {_points(before)}"
    points = f"difference {_points(score)} points of 100{untrained}"
    if score.low <= 0 <= score.high:
        return f" Between the update and the cell no difference can be seen ({points})."
    return f" The update tells them {'better' if score.low > 0 else 'worse'} than the cell ({points})."


def _points(score: Score) -> str:
    value, low, high = (f"{100 * x:+.2f}".replace("-", "−") for x in (score.value, score.low, score.high))
    return f"{value} [{low}, {high}]"


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


def _signals(found: PartOfSpeech) -> Markup:
    signals = sorted(found.signals, key=lambda s: rank(s.signal))
    controls = control_columns([s.controls for s in signals], share=True)
    return score_table(
        f"Accuracy of telling {short_group(found.values[0])} from {short_group(found.values[1])}",
        Text("signal", [signal_name(s.signal, s.layer) for s in signals]),
        Text("units used", [f"{s.nonzero} of {s.of}" for s in signals]),
        Scored("", [s.accuracy for s in signals], share=True, both=True),
        [column for column in controls if "position" not in column.head],
        Scored("selectivity", [s.selectivity for s in signals], share=True),
    )


def _differences(found: PartOfSpeech) -> Markup:
    return score_table(
        "Difference in accuracy on the same words, resampled together",
        Text(
            "difference", [f"{signal_name(d.signal, d.layer)} less {signal_name(d.minus)}" for d in found.differences]
        ),
        Scored("", [d.scores for d in found.differences], share=True, both=True),
        Scored("control: untrained network", [d.untrained for d in found.differences], share=True),
    )


def _baselines(found: PartOfSpeech) -> Markup:
    known = ["–" if b.known is None else share(b.known) for b in found.baselines]
    return score_table(
        "Accuracy without a network, counted on training sequences",
        Text("from", [baseline_name(b.name) for b in found.baselines]),
        Text("test words whose symbols were met in training", known),
        Scored("", [b.scores for b in found.baselines], share=True, both=True),
    )


def _numbers(found: PartOfSpeech) -> Numbers:
    signals = {
        s.signal: {
            "layer": s.layer,
            **scored("accuracy", s.accuracy),
            "untrained": value(s.controls.untrained),
            "random_label": value(s.controls.random_label),
            "selectivity": value(s.selectivity),
        }
        for s in found.signals
    }
    differences = {
        f"{d.signal}-{d.minus}": {**scored("difference", d.scores), "untrained": value(d.untrained)}
        for d in found.differences
    }
    baselines = {b.name: value(b.scores) for b in found.baselines}
    more = {"signals": signals, "differences": differences, "baselines": baselines}
    return {"values": list(found.values), "told_by": found.told_by, **more}


PART_OF_SPEECH = Analysis(
    "part_of_speech",
    "one part of speech told from another",
    PartOfSpeech,
    parts_of_speech,
    parts_told,
    _asks,
    numbers=_numbers,
)
