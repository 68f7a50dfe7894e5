"""The probes of words: parts of speech told apart, and words along principal components, where they apply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from naibu.errors import OptionError
from naibu.probes.baseline import categorical
from naibu.probes.components import components, frequent, usual_word, word_tokens
from naibu.probes.components import of_word as target_of_word
from naibu.probes.neighbours import neighbours
from naibu.probes.part_of_speech import LABEL, choose_values, part_of_speech
from naibu.probes.unique_components import LEAST, types_taken, unique_components
from naibu.recording import Recording

SIGNALS = ("update", "candidate", "hidden")
"""What components are taken of, by order of preference."""
SEED = 1  # of the probes, as when none is given


Job = tuple[str, Callable[[], Any]]


def asked_jobs(
    recording: Recording, untrained: Recording | None, layer: str, parts: tuple[str, str] | None, word: str | None
) -> Iterator[Job]:
    """Yield the probes of two parts of speech, and of one word, where they were asked for by name.

    OptionError where the recording lacks what was asked for, before anything is computed.
    """
    if parts is not None:
        categorical(recording, LABEL, SEED, choose_values(recording, LABEL, parts))
        yield "part_of_speech", partial(part_of_speech, recording, parts, untrained=untrained)
    if word is not None:
        key = _key(recording, layer)
        if LABEL not in recording.index.label_names or key is None:
            raise OptionError(f"word {word!r}: the words of this recording have no part of speech, or no signal fits")
        target_of_word(recording, LABEL, word, SEED)
        yield "word_tokens", partial(word_tokens, recording, key, word, untrained=untrained)
        yield "neighbours", partial(neighbours, recording, key, word=word)


def _key(recording: Recording, layer: str) -> tuple[str, str] | None:
    signal = next((s for s in SIGNALS if (layer, s) in recording.keys()), None)
    return None if signal is None else (layer, signal)


def word_jobs(recording: Recording, untrained: Recording | None, layer: str) -> Iterator[Job]:
    """Yield name and probe of all that can be asked of the words of a recording; nothing where it has none."""
    if LABEL not in recording.index.label_names or recording.index.label(LABEL).names is None:
        return
    if _applies(lambda: categorical(recording, LABEL, SEED, choose_values(recording, LABEL, None))):
        yield "part_of_speech", partial(part_of_speech, recording, untrained=untrained)
    key = _key(recording, layer)
    if key is None or not _applies(lambda: frequent(recording, LABEL, SEED)):
        return
    yield "components", partial(components, recording, key, untrained=untrained)
    target, tags = frequent(recording, LABEL, SEED)
    if _applies(lambda: types_taken(recording, target, len(tags), LEAST)):
        yield "unique_components", partial(unique_components, recording, key, untrained=untrained)
    if _applies(lambda: target_of_word(recording, LABEL, usual_word(recording, LABEL), SEED)):
        yield "word_tokens", partial(word_tokens, recording, key, untrained=untrained)
        yield "neighbours", partial(neighbours, recording, key)


def _applies(asked: Callable[[], object]) -> bool:
    try:
        asked()
    except OptionError:
        return False
    return True
