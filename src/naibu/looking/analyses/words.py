"""What the analyses of words share: which signal is asked, what needs no network, how a telling is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from naibu.errors import OptionError
from naibu.looking.analysis import Numbers, Probed
from naibu.looking.numbers import scored, value
from naibu.probes.baseline import Baseline
from naibu.probes.components import frequent
from naibu.probes.components_results import Components, Telling, WordTokens
from naibu.probes.part_of_speech import LABEL
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.results import Score, Scores
from naibu.probes.source import Key
from naibu.reporting.finding import Finding, above, controlled
from naibu.reporting.markup import Markup
from naibu.reporting.numbers import share, with_interval
from naibu.reporting.score_table import Scored, Text, score_table

SIGNALS = ("update", "candidate", "hidden")
"""What components are taken of, by order of preference."""
SEED = 1  # of the probes, as when none is given
COPIED = "But here {} gives the part of speech away: this is copied, not learnt."
NAMES = {
    "components": "all components",
    "plane": "first two components",
    "signs split": "first two of the split signs",
    "majority": "always the commonest",
    "position": "position alone",
    "1-gram": "the word alone",
}


def key_of(probed: Probed) -> Key | None:
    """Return the signal that components are taken of; None where there is none or no word has a part of speech."""
    index = probed.recording.index
    there = LABEL in index.label_names and index.label(LABEL).names is not None
    return next(iter(probed.keys(SIGNALS)), None) if there else None


def frequent_key(probed: Probed) -> Key | None:
    """Return the same where enough words have a part of speech."""
    return key_of(probed) if applies(lambda: frequent(probed.recording, LABEL, SEED)) else None


def applies(asked: Callable[[], object]) -> bool:
    """Return whether what is asked can be asked: it raises no OptionError."""
    try:
        asked()
    except OptionError:
        return False
    return True


def told(
    who: str,
    what: str,
    scores: tuple[Score, str],
    found: PartOfSpeech | Components | WordTokens,
    controls: Mapping[str, Scores | None],
    needless: Sequence[str] = ("majority", "1-gram", "2-gram"),
) -> Finding:
    """Return what is told how well; it is found where the interval lies above all that needs no trained network.

    `needless` are the baselines that it is set against.
    """
    score, split = scores
    there = {**{baseline_name(b.name): b.scores for b in found.baselines if b.name in needless}, **controls}
    values = {name: value for name, scores in there.items() if (value := controlled(scores, split)) is not None}
    beyond = bool(values) and above(score, max(values.values())) and found.told_by is None
    numbers = f"{with_interval(score, True)} of the places right ({split}"
    numbers += "".join(f"; {name}: {share(value)}" for name, value in values.items()) + ")"
    if beyond:
        return Finding(f"A weighted sum of {who} tells {what}, {numbers}.", True)
    text = f"That a weighted sum of {who} tells {what} beyond what needs no trained network is not shown: {numbers}."
    return Finding(text + (" " + COPIED.format(found.told_by) if found.told_by is not None else ""), False)


def baseline_name(name: str) -> str:
    """Return what needs no network in words: "the last 2 symbols alone"."""
    return NAMES.get(name, f"the last {name.partition('-')[0]} symbols alone" if name.endswith("-gram") else name)


def told_table(telling: Sequence[Telling], baselines: Sequence[Baseline], classes: int) -> Markup:
    """Return how often the part of speech is told, from components and without a network."""
    rows: list[Telling | Baseline] = [*telling, *baselines]
    return score_table(
        f"How often the part of speech is told right, of {classes}",
        Text("from", [baseline_name(row.name) for row in rows]),
        Text("dimensions", [str(row.dimensions) if isinstance(row, Telling) else "–" for row in rows]),
        Scored("", [row.scores for row in rows], share=True, both=True),
        Scored("control: untrained network", [getattr(row, "untrained", None) for row in rows], share=True),
    )


def told_numbers(found: Components | WordTokens) -> Numbers:
    """Return the numbers of the same, for scripts."""
    telling = {
        t.name.replace(" ", "_"): {
            "dimensions": t.dimensions,
            **scored("accuracy", t.scores),
            "untrained": value(t.untrained),
        }
        for t in found.telling
    }
    return {"told_by": found.told_by, **telling, "baselines": {b.name: value(b.scores) for b in found.baselines}}
