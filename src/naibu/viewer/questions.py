"""What the page asks of an exhibit, answered in plain values: each question is one function of what was typed."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from naibu.errors import NaibuError, OptionError
from naibu.recording.index import SPLITS, Array
from naibu.recording.recording import Recording
from naibu.recording.store import Key
from naibu.version import __version__
from naibu.viewer import lift, windows
from naibu.viewer.columns_of_units import UnitColumns
from naibu.viewer.exhibits import Exhibit, named_key
from naibu.viewer.lift import Lifts
from naibu.viewer.sequence_table import Wanted
from naibu.viewer.spans import read_conditions, search, units_in_span
from naibu.viewer.statistics import Statistics, rounded, statistics_of
from naibu.viewer.windows import Window, window

if TYPE_CHECKING:
    from naibu.runs import Run
    from naibu.viewer.given import Given
    from naibu.viewer.live import Network, Reading

T = TypeVar("T")
Asked = Mapping[str, str]
"""What stands in an address behind the question mark."""
LISTED, PLACES = 200, 200
"""Sequences, and places found, of one answer."""
BEFORE, AFTER = 12, 24
"""Steps that are shown around a place."""
DRAWN = 12
"""Units of which series are shown, at most, and signals of each."""


@dataclass
class Room:
    """What is known of one exhibit beside itself: made when it is first asked for, and kept."""

    exhibit: Exhibit
    lock: Lock = field(default_factory=Lock)
    statistics: OrderedDict[Key, Statistics] = field(default_factory=OrderedDict)
    lifts: Lifts = field(init=False)
    network: Network | None = None
    given: OrderedDict[str, Given] = field(default_factory=OrderedDict)
    readings: OrderedDict[str, Reading] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.lifts = Lifts(self.exhibit)

    def statistics_of(self, key: Key) -> Statistics:
        """Return what is known of the units of a signal, computed once."""
        with self.lock:
            return kept(self.statistics, key, lambda: statistics_of(self.exhibit, key), 64)

    def live(self) -> Network:
        """Return the network. Raises StoredError where no run is at hand."""
        from naibu.viewer.live import Network

        with self.lock:
            if self.network is None:
                self.network = Network(self.exhibit)
            return self.network


def kept(found: OrderedDict[Any, T], name: Any, make: Callable[[], T], most: int) -> T:
    """Return what is kept under a name, made where it is not; of more than `most` those asked for longest ago go."""
    if name not in found:
        found[name] = make()
        while len(found) > most:
            found.popitem(last=False)
    found.move_to_end(name)
    return found[name]


class Questions:
    """All that can be asked of some exhibits. Every answer is made of plain values, or float16 `[step unit]`.

    Each raises OptionError or StoredError, a line that says what was wrong.
    """

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        self.rooms = [Room(exhibit) for exhibit in exhibits]
        self.columns = UnitColumns()

    def room(self, number: str) -> Room:
        """Return an exhibit by its number."""
        if not number.isdigit() or int(number) >= len(self.rooms):
            raise OptionError(f"exhibit {number}: there are 0 to {len(self.rooms) - 1}")
        return self.rooms[int(number)]

    def about(self) -> dict[str, Any]:
        """Return what there is: of every exhibit its name, layers and signals, labels, outcomes, named units."""
        return {"naibu": __version__, "exhibits": [self._described(room) for room in self.rooms]}

    def _described(self, room: Room) -> dict[str, Any]:
        exhibit = room.exhibit
        recording, run = exhibit.recording, exhibit.run
        index = recording.index
        control = next(
            (
                number
                for number, other in enumerate(self.rooms)
                if other.exhibit.beginning and not exhibit.beginning and run and other.exhibit.run == run
            ),
            None,
        )
        return {
            "name": exhibit.name,
            "tokens": recording.tokens,
            "layers": [{"layer": a, "signal": b, "units": recording.units((a, b))} for a, b in recording.keys()],
            "inputs": list(index.input_names),
            "spelled": bool(index.symbols),
            "labels": [{"name": name, "values": _names(index.label(name))} for name in index.label_names],
            "outcomes": list(index.outcome_names),
            "splits": list(SPLITS),
            "beside": list(recording.beside),
            "pairs": bool(recording.beside) and index.gold is not None,
            "live": run is not None,
            "typed": None if run is None or recording.beside else _typing(run),
            "writes": run is not None and run.task == "text",
            "translates": run is not None and run.task == "translation" and not exhibit.beginning,
            "network": "" if run is None else f"{run.model.cell} of {run.model.units} units, task {run.task}",
            "beginning": exhibit.beginning,
            "control": control,
            "undefined": recording.undefined,
        }

    def named(self, room: Room) -> dict[str, Any]:
        """Return the units that have a name from a search, and the sentence of a report."""
        if room.exhibit.run is not None and room.network is None:
            Thread(target=_warmed, args=(room,), daemon=True).start()
        return {"named": room.exhibit.named, "finding": room.exhibit.finding}

    def units(self, room: Room, asked: Asked) -> dict[str, Any]:
        """Return the table of the units of one layer and signal."""
        return room.statistics_of(named_key(asked.get("key", ""), room.exhibit.recording)).plain()

    def sequences(self, room: Room, asked: Asked) -> dict[str, Any]:
        """Return a part of the list of sequences: those that are wanted, in the order that is wanted."""
        table, recording = room.exhibit.sequences, room.exhibit.recording
        wanted, values = _wanted(asked), None
        if wanted.sort in ("mean", "highest", "lowest", "range"):
            ((key, unit),) = _series(asked.get("unit", ""), recording, 1)
            (values,) = self.columns.of(recording, key, [unit])
        found = table.listed(wanted, values)
        first = max(0, _number(asked, "first", 0))
        some = found[first : first + LISTED]
        loss = None if table.loss is None else rounded(table.loss[some].astype(np.float64))
        starts = table.starts
        return {
            "count": len(found),
            "all": len(table),
            "first": first,
            "sequences": some.tolist(),
            "lengths": (starts[some + 1] - starts[some]).tolist(),
            "splits": [SPLITS[code] for code in recording.index.split[starts[some]].tolist()],
            "loss": loss,
            "begins": [self._begins(room.exhibit, number) for number in some.tolist()],
        }

    def _begins(self, exhibit: Exhibit, number: int) -> str:
        """Return how a sequence begins, in words."""
        first, last = exhibit.sequences.span(number)
        return self._words(exhibit, number, first, min(last, first + BEFORE + AFTER))

    def _words(self, exhibit: Exhibit, number: int, start: int, stop: int) -> str:
        return joined(windows.text_of(exhibit.recording, Window(number, 0, stop - start, start, stop - start)))

    def sequence(self, room: Room, asked: Asked) -> dict[str, Any]:
        """Return every column over some steps of a sequence."""
        seen = self._window(room, asked)
        text = windows.text_of(room.exhibit.recording, seen)
        return {**windows.columns(room.exhibit.recording, seen), "text": text, "sequences": len(room.exhibit.sequences)}

    def values(self, room: Room, asked: Asked) -> Array:
        """Return values float16 `[step unit]` of some steps of a sequence, or of what the network was last asked."""
        units = _numbers(asked.get("units", ""))
        if reading := asked.get("reading"):
            with room.lock:
                if reading not in room.readings:
                    raise OptionError(f"reading {reading}: forgotten; ask the network again")
                recording = room.readings[reading].recording
            steps = recording.tokens
            start, stop = _number(asked, "from", 0), min(steps, _number(asked, "to", steps))
            seen = Window(0, start, max(start, stop), start, steps)
            return windows.values(recording, named_key(asked.get("key", ""), recording), units, seen)
        recording = room.exhibit.recording
        return windows.values(recording, named_key(asked.get("key", ""), recording), units, self._window(room, asked))

    def find(self, room: Room, asked: Asked) -> dict[str, Any]:
        """Return where in the whole recording conditions hold, and what is more frequent there than anywhere."""
        exhibit, recording = room.exhibit, room.exhibit.recording
        conditions = read_conditions(_json(asked, "conditions"), recording)
        found = search(exhibit, conditions, self.columns)
        end = max((each.stop for each in conditions if not each.off), default=1) - 1
        rows, places = found.rows + end, found.places
        first = max(0, _number(asked, "first", 0))
        table, some = exhibit.sequences, places[first : first + PLACES]
        with room.lock:
            lifts = lift.plain(room.lifts.of(rows)) if len(rows) else []
        of = table.of_rows(some)
        return {
            "steps": len(found.rows),
            "places": len(places),
            "searched": recording.tokens,
            "thresholds": rounded(np.array(found.thresholds)),
            "end": end,
            "first": first,
            "lifts": lifts,
            "found": [self._place(exhibit, int(row), int(number), end) for row, number in zip(some, of, strict=True)],
        }

    def _place(self, exhibit: Exhibit, row: int, number: int, end: int) -> dict[str, Any]:
        first, last = exhibit.sequences.span(number)
        parts = (max(first, row - BEFORE), row), (row, min(last, row + end + 1))
        after = min(last, parts[1][1] + AFTER)
        before, within, behind = (self._words(exhibit, number, a, b) for a, b in (*parts, (parts[1][1], after)))
        return {"sequence": number, "step": row - first, "before": before, "within": within, "after": behind}

    def span(self, room: Room, asked: Asked) -> dict[str, Any]:
        """Return the units of a signal that a span of steps sets apart from what stands around it."""
        recording = room.exhibit.recording
        key, whisker = named_key(asked.get("key", ""), recording), _number(asked, "whisker", 3)
        first, last = room.exhibit.sequences.span(_number(asked, "sequence", 0))
        start, stop = first + _number(asked, "from", 0), first + _number(asked, "to", 1)
        if not first <= start < stop <= last or stop - start > windows.LONGEST or not 0 <= whisker <= 100:
            raise OptionError(f"steps {start - first} to {stop - first}: must ascend, within the sequence")
        around = max(first, start - whisker), min(last, stop + whisker)
        found = units_in_span(recording, key, (start, stop), around, room.statistics_of(key).deviation)
        return {"key": "/".join(key), "units": [each._asdict() for each in found]}

    def page(self, asked: Asked) -> dict[str, Any]:
        """Return all that the page of an address shows, as plain values: its twin."""
        room = self.room(asked.get("in", "0"))
        recording = room.exhibit.recording
        key = asked.get("key") or "/".join(recording.keys()[0])
        found = {"about": self._described(room), **self.named(room), "units": self.units(room, {"key": key})}
        if not recording.tokens:
            return found
        seen = self._window(room, asked)
        series = {}
        for (layer, signal), unit in _series(asked.get("units", ""), recording, DRAWN):
            values = windows.values(recording, (layer, signal), [unit], seen)[:, 0]
            series[f"{layer}/{signal}:{unit}"] = rounded(values.astype(np.float64))
        return {**found, "sequence": self.sequence(room, asked), "series": series}

    def table(self, asked: Asked) -> str:
        """Return what the page of an address shows of its sequence, as CSV."""
        room = self.room(asked.get("in", "0"))
        recording = room.exhibit.recording
        chosen = _series(asked.get("units", ""), recording, DRAWN)
        return windows.as_csv(windows.table(recording, self._window(room, asked), chosen))

    def _window(self, room: Room, asked: Asked) -> Window:
        stop = _number(asked, "to", -1)
        return window(
            room.exhibit, _number(asked, "sequence", 0), _number(asked, "from", 0), None if stop < 0 else stop
        )


def _typing(run: Run) -> dict[str, Any] | None:
    """Return how a text is typed for a run's network: in words, whether it may be drawn, and whether symbols as they
    stand are one; None where it is given none."""
    from naibu.tasks.catalogue import task_named
    from naibu.tasks.task import Task

    task = task_named(run.task)
    if type(task).typed is Task.typed:
        return None
    try:
        typing = task.typing(run.options, run.path)
    except NaibuError as error:  # a coder that is damaged: it is said when something is typed
        return {"how": " ".join(str(error).split()), "drawn": False, "symbols": True}
    return {**typing._asdict(), "symbols": type(task).as_typed is Task.as_typed}


def _warmed(room: Room) -> None:
    """Load a network before it is asked, so that the first answer is as quick as the others; what is wrong with it is
    said when it is asked."""
    with suppress(NaibuError):
        _ = room.live().listeners


def joined(words: Sequence[str]) -> str:
    """Return symbols as a text: single characters beside each other, words with blanks around them."""
    parts: list[str] = []
    for k, word in enumerate(words):
        apart = k and max(len(word), len(words[k - 1])) > 1
        parts.append(f" {word}" if apart else word)
    return "".join(parts)


def _names(column: Any) -> list[str] | None:
    return None if column.names is None else list(column.names[:200])


def _wanted(asked: Asked) -> Wanted:
    given: dict[str, Any] = {}
    for each in fields(Wanted):
        typed = asked.get(each.name)
        if typed in (None, ""):
            continue
        if each.name in ("shortest", "longest"):
            given[each.name] = _number(asked, each.name, 0)
        elif each.name in ("least_loss", "most_loss"):
            given[each.name] = _float(each.name, str(typed))
        else:
            given[each.name] = typed == "1" if each.name == "down" else typed
    if given.get("sort", "number") not in ("number", "length", "loss", "mean", "highest", "lowest", "range"):
        raise OptionError(f"sort {given['sort']}: must be number, length, loss, mean, highest, lowest or range")
    return Wanted(**given)


def _series(typed: str, recording: Recording, most: int) -> list[tuple[Key, int]]:
    """Return the units that a text names: LAYER/SIGNAL:UNIT, parted by commas."""
    found = []
    for each in (part for part in typed.split(",") if part):
        key, _, unit = each.rpartition(":")
        if not unit.isdigit():
            raise OptionError(f"unit {each}: must be LAYER/SIGNAL:UNIT, as in lstm.0/cell:17")
        found.append((named_key(key, recording), int(unit)))
    if len(found) > most or (most == 1 and not found):
        raise OptionError(f"{len(found)} units: give 1 to {most}")
    return found


def _number(asked: Asked, name: str, usual: int) -> int:
    typed = asked.get(name, "")
    if not typed:
        return usual
    if not typed.isdigit() or len(typed) > 15:
        raise OptionError(f"{name} {typed}: must be a whole number")
    return int(typed)


def _numbers(typed: str) -> list[int] | None:
    if not typed:
        return None
    if not all(part.isdigit() and len(part) < 10 for part in typed.split(",")):
        raise OptionError(f"units {typed[:40]}: must be whole numbers parted by commas")
    return [int(part) for part in typed.split(",")]


def _float(name: str, typed: str) -> float:
    try:
        return float(typed)
    except ValueError:
        raise OptionError(f"{name} {typed}: must be a number") from None


def _json(asked: Asked, name: str) -> Any:
    try:
        return json.loads(asked.get(name, ""))
    except ValueError:
        raise OptionError(f"{name}: not JSON") from None
