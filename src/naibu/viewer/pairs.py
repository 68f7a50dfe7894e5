"""Translations on the page: a recorded pair with the attention between its sides, and a typed sentence translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.errors import OptionError
from naibu.recording.alignment import ATTENTION, alignment
from naibu.recording.index import Array
from naibu.viewer.live import RUNNING
from naibu.viewer.numbers import plain
from naibu.viewer.questions import Room

if TYPE_CHECKING:
    from naibu.looking.translating import Translator

LONGEST = 2_000
"""Characters of a sentence that is translated, at most."""
WIDEST, MOST = 10, 32
"""The beam, and units held at once, at most."""
ENDED = 5
"""Translations that a search ends with which are shown, at most."""
Asked = Mapping[str, Any]


def translates(room: Room) -> bool:
    """Return whether an exhibit is a trained network that translates."""
    run = room.exhibit.run
    return run is not None and run.task == "translation" and not room.exhibit.beginning


def pair(room: Room, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return a recorded pair of sentences: what was read, what was to be told, and the attention `[target source]`,
    None where it was not recorded; where no symbols are told, what was read beside alone. Raises OptionError where the
    recording is of one stream."""
    recording = room.exhibit.recording
    typed = asked.get("sequence", "0")
    first, last = room.exhibit.sequences.span(int(typed) if typed.isdigit() and len(typed) < 16 else -1)
    stream = next(iter(recording.beside), None)
    if stream is None:
        raise OptionError("this recording is of one text, not of pairs")
    number = int(np.searchsorted(recording.index.starts, first))
    sentence = _sentence(room, number, stream)
    if recording.index.gold is None or ATTENTION not in recording:
        gold = [] if recording.index.gold is None else np.asarray(recording.index.gold[first:last]).tolist()
        target = [recording.index.classes[code] for code in gold]
        beside = recording.beside[stream].index
        rows = slice(*beside.starts[number : number + 2])
        source = [beside.symbols[code] for code in np.asarray(beside.symbol[rows]).tolist()]
        return {"source": source, "target": target, "attention": None, "sentence": sentence}
    found = alignment(recording, number, source=stream)
    return {
        "source": list(found.source),
        "target": list(found.target),
        "attention": _weights(found.weights),
        "sentence": sentence,
    }


def _sentence(room: Room, number: int, stream: str) -> str:
    """Return the source of a pair as it would be typed, "" where the run is not at hand."""
    if not translates(room) or room.exhibit.run is None:
        return ""
    from naibu.data.parallel_coder import ParallelCoder

    run, beside = room.exhibit.run, room.exhibit.recording.beside[stream].index
    rows = slice(*beside.starts[number : number + 2])
    codes = np.asarray(beside.symbol[rows])[:-1]
    return ParallelCoder.load(run.path, run.options).source.spell(codes)


def translate(room: Room, asked: Asked) -> dict[str, Any]:
    """Return the translation of a sentence, free and with units held, each with attention and the tree of its search.

    asked: `text`, the sentence; `beam`, 1 to 10; `holds`, units of either side as on the command line.
    """
    from naibu.generation.options import SearchOptions
    from naibu.looking.translating import Asked as Translating
    from naibu.looking.translating import Translator

    if not translates(room):
        raise OptionError("no trained run that translates is at hand, so that nothing can be translated")
    text, beam, holds = asked.get("text"), asked.get("beam", 1), asked.get("holds", [])
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST or "\n" in text:
        raise OptionError(f"text: must be one sentence of at most {LONGEST:,} characters")
    if type(beam) is not int or not 1 <= beam <= WIDEST:
        raise OptionError(f"beam {beam}: must be from 1 (greedy search) to {WIDEST}")
    if not isinstance(holds, list) or len(holds) > MOST or not all(isinstance(each, str) for each in holds):
        raise OptionError(f"holds: must be at most {MOST} texts, as decoder.0/cell:17=1")
    run, model = room.exhibit.run, room.live().model
    assert run is not None
    wanted = Translating(SearchOptions(beam=beam), n_best=min(beam, ENDED), hold=tuple(holds))
    with RUNNING:
        free = _told(Translator(run, wanted.free(), model), text)
        held = _told(Translator(run, wanted, model), text) if holds else None
    return {"free": free, "held": held, "holds": holds}


def _told(translator: Translator, text: str) -> dict[str, Any]:
    """Return what a search for the translation of a sentence found."""
    found, tree = translator.with_tree(text)
    best = found[0]
    looked = translator.attention(text, best)
    return {
        "text": best.text,
        "score": plain(best.found.score),
        "log_probability": plain(best.found.log_probability),
        "cut": best.found.cut,
        "source": list(looked["source"]),
        "target": list(looked["target"]),
        "attention": _weights(looked["attention"]),
        "tree": tree,
        "unknown": translator.unknown,
    }


def _weights(weights: Array) -> list[list[float | None]]:
    return [[plain(round(float(each), 4)) for each in row] for row in np.asarray(weights)]
