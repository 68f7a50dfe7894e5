"""What the page asks of a live network: read this, with that held; write on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naibu.errors import OptionError
from naibu.recording.store import Key
from naibu.storage import digest_of
from naibu.viewer.exhibits import named_key
from naibu.viewer.given import Given
from naibu.viewer.holds import Hold, in_python, read_holds
from naibu.viewer.live import Reading
from naibu.viewer.numbers import plain
from naibu.viewer.questions import DRAWN, Room, kept
from naibu.viewer.windows import text_of, window

GIVEN, READINGS = 8, 6
"""Sequences as they are read, and what was made of them, that are kept for each exhibit."""
SIGNALS = 12
"""Signals of each unit that are shown, at most."""
LONGEST_TEXT = 20_000
WRITTEN = 400
"""Symbols that are written in one go, at most."""
Asked = Mapping[str, Any]


def read(room: Room, asked: Asked) -> dict[str, Any]:
    """Return what the network makes of a text, or of a recorded sequence, as it is and with signals held.

    asked: `text` or `sequence`; `holds`, as on the command line; `series`, LAYER/SIGNAL:UNIT of what is to be shown.
    """
    holds = read_holds(_texts(asked, "holds"), room.exhibit.recording)
    chosen = _chosen(room, asked)
    given = _given(room, asked)
    pinned = _reading(room, asked, given, ())
    name, reading = _reading(room, asked, given, holds) if holds else pinned
    recording = reading.recording
    steps = window(room.exhibit, 0)._replace(sequence=0, start=0, stop=reading.steps, first=0, length=reading.steps)
    return {
        **reading.plain(chosen),
        "reading": name,
        "pinned": pinned[1].plain(chosen) if holds else None,
        "text": text_of(recording, steps),
        "sequences": len(room.exhibit.sequences),
        "holds": [hold.typed() for hold in holds],
        "python": in_python(holds, room.exhibit.recording),
        "from_recorded_state": bool(given.begin),
        "difference": plain(given.difference, 3),
    }


def write(room: Room, asked: Asked) -> dict[str, Any]:
    """Return what a network of running text writes after a text, free and with signals held, with the same draws; see
    `Network.written`."""
    from naibu.generation.sampling import Sampling
    from naibu.looking.writing import Asked as Writing

    run = room.exhibit.run
    if run is None or room.exhibit.beginning:
        raise OptionError("no trained run is at hand, so that nothing can be written")
    holds = read_holds(_texts(asked, "holds"), room.exhibit.recording)
    length, seed = asked.get("length", 200), asked.get("seed", 1)
    if type(length) is not int or not 1 <= length <= WRITTEN or type(seed) is not int or seed < 0:
        raise OptionError(f"length {length}, seed {seed}: 1 to {WRITTEN} symbols are written, the seed is not below 0")
    prime = _text(asked, "text")
    found = {}
    for name, held in (("free", ()), ("held", holds)):
        writing = Writing(prime, length, 1, Sampling(), seed, unknown=True)
        found[name] = room.live().written(writing, held) if held or name == "free" else None
    return {**found, "holds": [hold.typed() for hold in holds]}


def as_typed(room: Room, asked: Asked) -> dict[str, Any]:
    """Return a recorded sequence as somebody would type it. asked: `sequence`."""
    return {"text": room.live().as_typed(window(room.exhibit, _sequence(asked)))}


def _given(room: Room, asked: Asked) -> Given:
    network = room.live()
    if "text" in asked:
        text = _text(asked, "text")
        return _kept_given(room, f"text {text}", lambda: network.typed(text))
    number = _sequence(asked)
    return _kept_given(room, f"sequence {number}", lambda: network.recorded(window(room.exhibit, number)))


def _sequence(asked: Asked) -> int:
    number = asked.get("sequence")
    if type(number) is not int:
        raise OptionError("give text, or the number of a sequence")
    return number


def _kept_given(room: Room, name: str, make: Any) -> Given:
    with room.lock:
        return kept(room.given, name, make, GIVEN)


def _reading(room: Room, asked: Asked, given: Given, holds: tuple[Hold, ...]) -> tuple[str, Reading]:
    network = room.live()
    what = asked["text"] if "text" in asked else asked["sequence"]
    name = digest_of(repr((type(what).__name__, what, [hold.typed() for hold in holds])))
    with room.lock:
        return name, kept(room.readings, name, lambda: network.read(given, holds), READINGS)


def _chosen(room: Room, asked: Asked) -> list[tuple[Key, int]]:
    typed = _texts(asked, "series")
    if len(typed) > DRAWN * SIGNALS:
        raise OptionError(f"{len(typed)} series: {DRAWN * SIGNALS} at most")
    found, recording = [], room.exhibit.recording
    for each in typed:
        key, _, unit = each.rpartition(":")
        known = named_key(key, recording)
        if not unit.isdigit() or int(unit) >= recording.units(known):
            raise OptionError(f"series {each}: must be LAYER/SIGNAL:UNIT, a unit that is there")
        found.append((known, int(unit)))
    return found


def _text(asked: Asked, name: str) -> str:
    text = asked.get(name, "")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise OptionError(f"{name}: must be a text of {LONGEST_TEXT:,} characters at most")
    return text


def _texts(asked: Asked, name: str) -> list[str]:
    found = asked.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) and len(each) < 400 for each in found):
        raise OptionError(f"{name}: must be a list of texts")
    return found
