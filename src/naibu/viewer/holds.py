"""What is held while the network runs, as it is named on the command line: [LAYER/]SIGNAL:UNIT=VALUE[@FROM:TO]."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from naibu.errors import OptionError
from naibu.recording.recording import Recording
from naibu.recording.store import Key

MOST = 64
"""Holds of one reading, at most."""
_FORM = re.compile(
    r"(?:(?P<layer>[^/:=@]+)/)?(?P<signal>\w+):(?P<unit>\d+|\*)=(?P<value>[^@]+)(?:@(?P<from>\d*):(?P<to>\d*))?"
)


class Hold(NamedTuple):
    """A unit of a signal, or all of its units, held at a value over some steps, or over all."""

    key: Key
    unit: int | None  # None: all units
    value: float
    start: int = 0
    stop: int | None = None

    def typed(self) -> str:
        """Return it as it is typed after --hold."""
        steps = (
            "" if (self.start, self.stop) == (0, None) else f"@{self.start}:{'' if self.stop is None else self.stop}"
        )
        return f"{self.key[0]}/{self.key[1]}:{'*' if self.unit is None else self.unit}={self.value:g}{steps}"


def read_holds(typed: Sequence[str], recording: Recording) -> tuple[Hold, ...]:
    """Return what texts name, checked against a recording of the network. Raises OptionError for what is wrong."""
    if len(typed) > MOST:
        raise OptionError(f"{len(typed)} holds: {MOST} at most; hold all units of a signal with {'SIGNAL:*=VALUE'}")
    return tuple(_read(each, recording) for each in typed)


def _read(typed: str, recording: Recording) -> Hold:
    found = _FORM.fullmatch(typed)
    if found is None:
        raise OptionError(
            f"hold {typed}: must be [LAYER/]SIGNAL:UNIT=VALUE[@FROM:TO], as in cell:17=0.3@5:20, or * for all"
        )
    having = [key for key in recording.keys() if key[1] == found["signal"] and found["layer"] in (None, key[0])]
    if len(having) != 1:
        there = ", ".join("/".join(key) for key in having or recording.keys())
        raise OptionError(f"hold {typed}: {'which layer?' if having else 'not there;'} there are {there}")
    units = recording.units(having[0])
    unit = None if found["unit"] == "*" else int(found["unit"])
    if unit is not None and unit >= units:
        raise OptionError(f"hold {typed}: {'/'.join(having[0])} has units 0 to {units - 1}")
    try:
        value = float(found["value"])
    except ValueError:
        raise OptionError(f"hold {typed}: {found['value']} is no number") from None
    if not abs(value) < 1e30:
        raise OptionError(f"hold {typed}: {found['value']} is no value that a unit can have")
    start, stop = int(found["from"] or 0), int(found["to"]) if found["to"] else None
    if stop is not None and stop <= start:
        raise OptionError(f"hold {typed}: steps {start} to {stop}: the second must be larger than the first")
    return Hold(having[0], unit, value, start, stop)


def in_python(holds: Sequence[Hold], recording: Recording) -> str:
    """Return the lines of Python that do the same to a model."""
    if not holds:
        return ""
    parts = []
    for hold in holds:
        units = f"range({recording.units(hold.key)})" if hold.unit is None else f"[{hold.unit}]"
        stop = "10**9" if hold.stop is None else str(hold.stop)
        steps = "" if (hold.start, hold.stop) == (0, None) else f", range({hold.start}, {stop})"
        parts.append((hold.key, f"Clamp({units}, {hold.value:g}{steps})"))
    lines = ["from naibu.cells.edits import Both, Clamp", "from naibu.cells.exchange import edited", ""]
    grouped: dict[Key, str] = {}
    for key, clamp in parts:
        grouped[key] = f"Both({grouped[key]}, {clamp})" if key in grouped else clamp
    edits = ", ".join(f"{key!r}: {clamp}" for key, clamp in grouped.items())
    return "\n".join([*lines, f"with edited(model, {{{edits}}}):", "    outcomes, state = model.outcomes(batch)"])
