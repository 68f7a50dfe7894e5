"""What is asked of words: parts of speech told apart, and words along principal components."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from naibu.errors import OptionError
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed, Results
from naibu.looking.numbers import interval, known, of_baselines, scored, value
from naibu.probes.baseline import categorical
from naibu.probes.components import components, frequent, of_word, usual_word, word_tokens
from naibu.probes.components_results import Components, Neighbours, UniqueComponents, WordTokens
from naibu.probes.neighbours import neighbours
from naibu.probes.part_of_speech import LABEL, choose_values, part_of_speech
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.source import Key
from naibu.probes.unique_components import LEAST, types_taken, unique_components
from naibu.reporting.content import Subject
from naibu.reporting.findings.finding import Finding
from naibu.reporting.findings.of_words import along, few_neighbours, parts_told, types_apart
from naibu.reporting.findings.of_words import one_word as one_word_told
from naibu.reporting.sections.components import along_components, one_word
from naibu.reporting.sections.part_of_speech import parts_of_speech
from naibu.reporting.sections.word_types import word_types

SIGNALS = ("update", "candidate", "hidden")
"""What components are taken of, by order of preference."""
SEED = 1  # of the probes, as when none is given


class OneWord(NamedTuple):
    """The tokens of one word, and the nearest neighbours of some of them."""

    tokens: WordTokens
    near: Neighbours | None


def _key(probed: Probed) -> Key | None:
    """Return the signal that components are taken of; None where there is none or no word has a part of speech."""
    index = probed.recording.index
    there = LABEL in index.label_names and index.label(LABEL).names is not None
    return next(iter(probed.keys(SIGNALS)), None) if there else None


def _frequent_key(probed: Probed) -> Key | None:
    """Return the same where enough words have a part of speech."""
    return _key(probed) if _applies(lambda: frequent(probed.recording, LABEL, SEED)) else None


def _applies(asked: Callable[[], object]) -> bool:
    try:
        asked()
    except OptionError:
        return False
    return True


def parts_ask(probed: Probed, parts: tuple[str, str] | None = None) -> Ask:
    """Return telling two parts of speech apart; OptionError where the recording lacks them."""
    categorical(probed.recording, LABEL, SEED, choose_values(probed.recording, LABEL, parts))
    return Ask("part_of_speech", partial(part_of_speech, probed.recording, parts, untrained=probed.control))


def _parts(probed: Probed) -> Iterator[Ask]:
    if _applies(lambda: parts_ask(probed)):
        yield parts_ask(probed)


def _of_parts(found: PartOfSpeech) -> Numbers:
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
    more = {"signals": signals, "differences": differences, "baselines": of_baselines(found.baselines)}
    return {"values": list(found.values), "told_by": found.told_by, **more}


PART_OF_SPEECH = Analysis(
    "part_of_speech",
    "one part of speech told from another",
    PartOfSpeech,
    parts_of_speech,
    parts_told,
    asks=_parts,
    numbers=_of_parts,
)


# ---------------------------------------------------------------- principal components


def _along(probed: Probed) -> Iterator[Ask]:
    if (key := _frequent_key(probed)) is not None:
        yield Ask("components", partial(components, probed.recording, key, untrained=probed.control))


def _told(found: Components | WordTokens) -> dict[str, Any]:
    telling = {
        t.name.replace(" ", "_"): {
            "dimensions": t.dimensions,
            **scored("accuracy", t.scores),
            "untrained": value(t.untrained),
        }
        for t in found.telling
    }
    return {"told_by": found.told_by, **telling, "baselines": of_baselines(found.baselines)}


def _of_components(found: Components) -> Numbers:
    return {"layer": found.layer, "signal": found.signal, "names": len(found.classes), **_told(found)}


COMPONENTS = Analysis(
    "components",
    "words along principal components",
    Components,
    along_components,
    along,
    asks=_along,
    numbers=_of_components,
)


def _types(probed: Probed) -> Iterator[Ask]:
    key, recording = _frequent_key(probed), probed.recording
    if key is None:
        return
    target, tags = frequent(recording, LABEL, SEED)
    if _applies(lambda: types_taken(recording, target, len(tags), LEAST)):
        yield Ask("unique_components", partial(unique_components, recording, key, untrained=probed.control))


def _of_types(found: UniqueComponents) -> Numbers:
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
    asks=_types,
    numbers=_of_types,
)


# ---------------------------------------------------------------- one word


def word_asks(probed: Probed, word: str) -> Iterator[Ask]:
    """Yield what is asked of one word; OptionError where the recording lacks it, before anything is computed."""
    key = _key(probed)
    if key is None:
        raise OptionError(f"word {word!r}: the words of this recording have no part of speech, or no signal fits")
    of_word(probed.recording, LABEL, word, SEED)
    yield Ask("word_tokens", partial(word_tokens, probed.recording, key, word, untrained=probed.control))
    yield Ask("neighbours", partial(neighbours, probed.recording, key, word=word))


def _word(probed: Probed) -> Iterator[Ask]:
    key, recording = _frequent_key(probed), probed.recording
    if key is not None and _applies(lambda: of_word(recording, LABEL, usual_word(recording, LABEL), SEED)):
        yield Ask("word_tokens", partial(word_tokens, recording, key, untrained=probed.control))
        yield Ask("neighbours", partial(neighbours, recording, key))


def _read(results: Results, subject: Subject) -> OneWord | None:
    found = results.get(WordTokens, "word_tokens")
    return None if found is None else OneWord(found, results.get(Neighbours, "neighbours"))


def _say(found: OneWord) -> Finding:
    told = one_word_told(found.tokens)
    return told if found.near is None else replace(told, text=f"{told.text} {few_neighbours(found.near).text}")


def _of_word(found: OneWord) -> Numbers:
    tokens, near = found
    where = {"layer": tokens.layer, "signal": tokens.signal, "names": len(tokens.tags)}
    return {"word": tokens.word, **where, **_told(tokens), "neighbours": None if near is None else _near(near)}


def _near(found: Neighbours) -> Numbers:
    queries = [
        {
            "word": q.symbol,
            "part_of_speech": q.tag,
            "cosine": max((n.cosine for n in q.others), default=None),
            "usual": q.usual,
            "others": len(q.others),
            "others_alike": sum(n.tag == q.tag for n in q.others),
        }
        for q in found.queries
    ]
    return {"layer": found.layer, "signal": found.signal, "looked_at": found.looked_at, "queries": queries}


WORD_TOKENS = Analysis(
    "word_tokens",
    "one word with several functions",
    OneWord,
    lambda found, pen: one_word(found.tokens, found.near, pen),
    _say,
    asks=_word,
    read=_read,
    numbers=_of_word,
)
