"""One part of speech told from another, signal by signal."""

from __future__ import annotations

from functools import partial

from naibu.probes.part_of_speech_results import Difference, PartOfSpeech
from naibu.probes.results import Score
from naibu.reporting.content import NetworkPart
from naibu.reporting.markup import Markup, figure, folded, score_cell, table
from naibu.reporting.numbers import count, share, with_interval
from naibu.reporting.sections.section import (
    Pen,
    Section,
    command_for,
    control_cells,
    control_fields,
    control_heads,
    has_unseen,
    labelled_note,
    score_cells,
    score_heads,
    split_of,
)
from naibu.reporting.words import capital, on_split, rank, short_group, signal_name

READING = (
    "Can one part of speech be told from another by the numbers inside the network, just after the word was read? For "
    "each signal a weighted sum of all units is fitted on words of training sequences and says one or the other on "
    "words of test sequences. Most words have one part of speech only, so much can be known from the word alone: the "
    "line “this word alone” is what a table of words reaches, “last 2 symbols” a table of pairs of them. The random "
    "label gives each word one of the two at random, for good: how far a probe gets there is how well it remembers "
    "words, and the selectivity is what remains of its accuracy above that. Whether one signal is better than another "
    "is said by their difference on the same words, whose interval leaves out 0 or does not."
)
MAIN = ("update", "cell", "hidden")
NO_MORE = "; no signal named is above both by its interval, so no network is needed for that much."
NAMES = {"majority": "always the commoner one", "position": "position alone", "1-gram": "this word alone"}


def parts_of_speech(part: NetworkPart, found: PartOfSpeech, pen: Pen) -> Section:
    """Return the section on telling one part of speech from another."""
    from naibu.reporting.plots.part_of_speech import plot_differences, plot_telling

    split = split_of([s.accuracy for s in found.signals])
    where = "unseen" if split == "unseen" else "all test"
    names = " and ".join(short_group(v) for v in found.values)
    panels = [pen(partial(plot_telling, found, split=split), f"Accuracy of telling {names} apart.", (4.6, 2.9))]
    if found.differences:
        text = f"Differences in accuracy between signals, {names}."
        panels.append(
            pen(partial(plot_differences, found, split=split), text, (4.4, 1.2 + 0.4 * len(found.differences)))
        )
    caption = (
        f"Left: accuracy on {where} sequences, one row per signal, with 95 % intervals; marks are controls, grey lines "
        "what needs no network. Right: accuracy of one signal less that of another on the same words."
    )
    tables = [_signals(found), labelled_note(found.fitted, _balance(found))]
    if found.differences:
        tables.append(_differences(found))
    tables.append(folded("What needs no network", _baselines(found)))
    return Section(
        "part_of_speech",
        f"Telling {names} apart",
        READING,
        says(found),
        (figure(panels, caption),),
        tuple(tables),
        command_for(part, "part_of_speech", "depth", "report"),
    )


def says(found: PartOfSpeech) -> str:
    """Say how well the main signals tell, what tables of symbols reach, and whether the update beats the cell."""
    split = split_of([s.accuracy for s in found.signals])
    there = {s.signal: score for s in found.signals if (score := on_split(s.accuracy, split)) is not None}
    if not there:
        return "Nothing was scored."
    # Named beforehand, not picked by their scores: the best of several signals is flattered.
    shown = [name for name in MAIN if name in there] or list(there)[:1]
    scores = ", ".join(f"from the {signal_name(name)} in {with_interval(there[name], True)}" for name in shown)
    text = f"{short_group(found.values[0])} and {short_group(found.values[1])} are told apart {scores} ({split})."
    word, two = (on_split(found.baseline(name).scores, split) for name in ("1-gram", "2-gram"))
    if word is not None and two is not None:
        text += f" A table of words alone reaches {share(word.value)}, one of the last two symbols {share(two.value)}"
        over = [name for name in shown if there[name].low > max(word.value, two.value)]
        better = " and ".join(f"the {signal_name(name)}" for name in over)
        text += f"; above both, by its interval, {'is' if len(over) == 1 else 'are'} {better}." if over else NO_MORE
    first = found.difference("update", "cell")
    score = None if first is None else on_split(first.scores, split)
    if first is not None and score is not None:
        text += f" {capital(compared(first, score))}"
        before = on_split(first.untrained, split)
        text += f"; in the untrained network the difference is {_points(before)}." if before is not None else "."
    if found.told_by is not None:
        text += (
            f" But here {found.told_by} gives the part of speech away, so these numbers show that it is copied, not "
            "that it was learnt."
        )
    return text


def compared(d: Difference, score: Score) -> str:
    """Say whether one signal is better than another, by the interval of their difference."""
    one, other = signal_name(d.signal), signal_name(d.minus)
    points = f"difference {_points(score)} points of 100"
    if score.low > 0:
        return f"the {one} tells them better than the {other} ({points})"
    if score.high < 0:
        return f"the {one} tells them worse than the {other} ({points})"
    return f"between the {one} and the {other} no difference can be seen ({points})"


def _points(score: Score) -> str:
    value, low, high = (f"{100 * x:+.2f}".replace("-", "−") for x in (score.value, score.low, score.high))
    return f"{value} [{low}, {high}]"


def _balance(found: PartOfSpeech) -> str:
    first, second = (f"{count(n)} {short_group(v)}" for n, v in zip(found.counts, found.values, strict=True))
    return (
        f"Test words: {first}, {second}. The weights' price ({found.penalty.upper()}) is chosen on training sequences."
    )


def _signals(found: PartOfSpeech) -> Markup:
    signals = sorted(found.signals, key=lambda s: rank(s.signal))
    unseen, split = has_unseen([s.accuracy for s in signals]), split_of([s.accuracy for s in signals])
    fields = [f for f in control_fields([s.controls for s in signals]) if f != "position"]
    rows = [
        [
            signal_name(s.signal),
            f"{s.nonzero} of {s.of}",
            *score_cells(s.accuracy, unseen, as_share=True),
            *control_cells(s.controls, fields, split, as_share=True),
            score_cell(on_split(s.selectivity, split), True),
        ]
        for s in signals
    ]
    where = " (unseen)" if split == "unseen" else ""
    head = ["signal", "units used", *score_heads(unseen), *control_heads(fields, split), f"selectivity{where}"]
    return table(head, rows, f"Accuracy of telling {short_group(found.values[0])} from {short_group(found.values[1])}")


def _differences(found: PartOfSpeech) -> Markup:
    unseen = has_unseen([d.scores for d in found.differences])
    split = split_of([d.scores for d in found.differences])
    rows = [
        [
            f"{signal_name(d.signal)} less {signal_name(d.minus)}",
            *score_cells(d.scores, unseen, as_share=True),
            score_cell(on_split(d.untrained, split), True),
        ]
        for d in found.differences
    ]
    head = ["difference", *score_heads(unseen), "control: untrained network" + (" (unseen)" if unseen else "")]
    return table(head, rows, "Difference in accuracy on the same words, resampled together")


def _baselines(found: PartOfSpeech) -> Markup:
    unseen = has_unseen([b.scores for b in found.baselines])
    rows = [
        [
            NAMES.get(b.name, b.name.replace("-gram", " symbols alone") if b.name[0].isdigit() else b.name),
            "–" if b.known is None else share(b.known),
            *score_cells(b.scores, unseen, as_share=True),
        ]
        for b in found.baselines
    ]
    head = ["from", "test words whose symbols were met in training", *score_heads(unseen)]
    return table(head, rows, "Accuracy without a network, counted on training sequences")
