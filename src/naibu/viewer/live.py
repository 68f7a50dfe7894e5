"""The live network: what it makes of a text, or of a recorded sequence, with signals held over spans of steps."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock, RLock
from typing import Any

import numpy as np

from naibu.cells.edits import Both, Clamp, Edit
from naibu.cells.exchange import edited
from naibu.cells.units import HeldUnit
from naibu.data.examples import Data
from naibu.errors import NaibuError, OptionError, StoredError
from naibu.looking.writing import Asked as Writing
from naibu.looking.writing import writer_of
from naibu.models.model import Model, evaluating
from naibu.models.weights import digest_of_tensors, stored
from naibu.recording.index import OUTCOME, Array, Index, fixed_columns
from naibu.recording.listeners import Listener, find_listeners, listening
from naibu.recording.recording import Recording
from naibu.recording.store import Held, Key
from naibu.runs import Run
from naibu.runs.load import beginning, load
from naibu.training.threads import threads
from naibu.viewer.exhibits import Exhibit
from naibu.viewer.given import Given, example_of, from_columns, from_data, from_examples
from naibu.viewer.holds import Hold
from naibu.viewer.numbers import plain
from naibu.viewer.windows import LONGEST, Window, columns, halves

UNREADABLE = (RuntimeError, ValueError, TypeError, IndexError, KeyError)
"""What a network raises that is given another kind of input than its own."""
ALIKE = 0.05
"""The largest difference that is taken for the rounding of what was recorded."""
RUNNING = Lock()
"""Networks run one at a time: how many threads the framework uses is said for all of them."""
LIKELIEST = 5
"""Classes that are told at every step, the most probable ones."""


@dataclass(frozen=True)
class Reading:
    """What a network made of a sequence: a recording of it in memory, and the likeliest classes at every step.

    likeliest: codes int64 and probabilities, both `[step class]`, None where no classes are told.
    """

    recording: Recording
    likeliest: tuple[Array, Array] | None
    total: float  # the loss summed over the predicted steps

    @property
    def steps(self) -> int:
        """How many steps were read."""
        return self.recording.tokens

    def plain(self, chosen: Iterable[tuple[Key, int]]) -> dict[str, Any]:
        """Return outcomes, and the values of chosen units one after the other, float16 in base64."""
        told = columns(self.recording, Window(0, 0, self.steps, 0, self.steps))
        series = [self.recording[key][:, [unit]][:, 0] for key, unit in chosen]
        packed = halves(np.stack(series)) if series else np.zeros((0, self.steps), "<f2")
        found = {**told, "series": base64.b64encode(packed.tobytes()).decode("ascii"), "total": plain(self.total)}
        if self.likeliest is not None:
            classes = self.recording.index.classes
            codes, shares = self.likeliest
            found["likeliest"] = [
                [
                    [classes[code] if code < len(classes) else str(code), round(share, 4)]
                    for code, share in zip(*both, strict=True)
                ]
                for both in zip(codes.tolist(), shares.tolist(), strict=True)
            ]
        return found


class Network:
    """The network of an exhibit, loaded when it is first asked."""

    def __init__(self, exhibit: Exhibit) -> None:
        self._exhibit, self._loading = exhibit, RLock()

    @property
    def model(self) -> Model:
        """The network, with the weights that were recorded. Raises StoredError where it has others, or none."""
        with self._loading:  # several may ask at once; it is loaded once
            return self._model

    @property
    def listeners(self) -> list[Listener]:
        """What hears the signals of its layers."""
        with self._loading:
            return self._listeners

    @property
    def data(self) -> Data:
        """What the network learnt from, opened again. Raises StoredError where that has gone or changed."""
        with self._loading:
            return self._data

    @cached_property
    def _model(self) -> Model:
        run, recording = self._exhibit.run, self._exhibit.recording
        if run is None:
            raise StoredError("no run is at hand: a recording alone cannot read anything new; open it inside its run")
        model = beginning(run) if self._exhibit.beginning else load(run)
        weights = recording.made_from.get("weights")
        if weights and weights != digest_of_tensors(stored(model)):
            raise StoredError(f"{run.path}: its weights are not those that were recorded; record it again")
        return model

    @cached_property
    def _listeners(self) -> list[Listener]:
        return find_listeners(self.model, (), copy=False)

    def typed(self, text: str) -> Given:
        """Return a text that somebody typed as the network reads it. Raises errors as its task does."""
        from naibu.tasks.catalogue import task_named

        run = self._run_at_hand()
        examples = task_named(run.task).typed(text, run.options, run.path, run.found)
        if len(examples.streams) > 1:
            raise OptionError(f"this network reads {' and '.join(examples.streams)}; only one stream can be typed here")
        return from_examples(examples)

    def _run_at_hand(self) -> Run:
        """Return the run of the exhibit. Raises StoredError where there is none."""
        if self._exhibit.run is None:
            raise StoredError("no run is at hand: a recording alone cannot read a text; open it inside its run")
        return self._exhibit.run

    def as_typed(self, seen: Window) -> str:
        """Return a recorded sequence as somebody would type it, from what the network learnt from. Raises errors as its
        task does, and where the sequence is not found there."""
        from naibu.tasks.catalogue import task_named

        run = self._run_at_hand()
        first = seen.first - seen.start
        examples, number = example_of(self.data, self._exhibit.recording, slice(first, first + seen.length))
        return task_named(run.task).as_typed(examples, number, run.options)

    @cached_property
    def _data(self) -> Data:
        assert self._exhibit.run is not None
        return self._exhibit.run.data()

    def recorded(self, seen: Window) -> Given:
        """Return a recorded sequence, from its first step, as the network reads it.

        It is put together from the columns; where the recording did not begin from a state of zeros (running text goes
        on from what stands before it), the first step is set to what was recorded; where that is not what was recorded,
        the sequence is looked for in the data. Raises OptionError where none of these can be read.
        """
        first = seen.first - seen.start
        rows = slice(first, first + min(seen.length, LONGEST))
        best, reason = None, "it is empty"
        for way in (self._by_columns, self._by_data):
            try:
                found = way(rows)
            except NaibuError as error:
                reason = str(error)
                continue
            except UNREADABLE as error:
                reason = f"{type(error).__name__} {error}".partition("\n")[0][:200]
                continue
            if best is None or found.difference < best.difference:
                best = found
            if best.difference <= ALIKE:
                return best
        if best is None:
            raise OptionError(f"this sequence cannot be read again: {reason}")
        return best

    def _by_columns(self, rows: slice) -> Given:
        recording = self._exhibit.recording
        given = from_columns(recording, rows)
        given = given._replace(difference=self._difference(given, rows))
        if given.difference > ALIKE:
            begin = {key: np.asarray(recording[key][rows.start], np.float32) for key in recording.keys()}
            again = given._replace(begin=begin)
            again = again._replace(difference=self._difference(again, rows))
            return again if again.difference <= ALIKE else given
        return given

    def _by_data(self, rows: slice) -> Given:
        given = from_data(self.data, self._exhibit.recording, rows)
        return given._replace(difference=self._difference(given, rows))

    def read(self, given: Given, holds: Sequence[Hold] = ()) -> Reading:
        """Return what the network makes of a sequence, with signals held."""
        steps = len(given.batch.target)
        if steps > LONGEST:
            raise OptionError(f"{steps:,} steps: {LONGEST:,} at most are read live")
        with RUNNING, threads(1), evaluating(self.model), edited(self.model, self._edits(given, holds)):
            for each in self.listeners:
                each.forget()
            with listening(self.model, self.listeners):
                told = self.model.likeliest(given.batch.to(self.model.device), LIKELIEST)
            heard = [run for each in self.listeners for run in each.runs()]
        recorded = self._exhibit.recording
        values = {
            key: value[:, 0].float().cpu().numpy()
            for run in heard
            for key, value in run.values.items()
            if key in recorded  # layers of another stream have steps of their own
        }
        outcomes = {OUTCOME + name: column[:, 0].cpu().numpy() for name, column in told.outcomes.items()}
        fixed = fixed_columns(0, np.array([steps]), 2, False)
        classes = self._exhibit.recording.index.classes
        index = Index({**fixed, **given.columns, **outcomes}, {**given.names, **_spelled(outcomes, classes)})
        sizes = {key: value.shape[1] for key, value in values.items()}
        recording = Recording(index, sizes, Held([values], [(0, steps)], np.float32))
        likeliest = None
        if told.classes is not None and told.probabilities is not None:
            likeliest = told.classes[:, 0].cpu().numpy(), told.probabilities[:, 0].cpu().numpy()
        return Reading(recording, likeliest, float(np.nansum(outcomes[OUTCOME + "loss"])))

    def written(self, asked: Writing, holds: Sequence[Hold] = ()) -> dict[str, Any]:
        """Return the text that the network writes, with its symbols and their probabilities.

        What stands before is read under the holds as `read` has them, at their steps; all of them go on from the first
        symbol that is written, of two of one unit the later. Raises OptionError for a network that is none of running
        text.
        """
        run = self._exhibit.run
        assert run is not None
        with RUNNING, threads(1), evaluating(self.model):
            free = writer_of(run, asked, self.model)
            if not holds:
                return asked.texts(free.write())[0]
            first = 1 - len(free.coder.ids(asked.prime))  # the first symbol of the prime, as steps of writing count
            held = tuple(_as_written(hold, first, stop) for hold in holds for stop in (1, None))
            return asked.texts(writer_of(run, replace(asked, hold=held), self.model).write())[0]

    def _edits(self, given: Given, holds: Sequence[Hold]) -> dict[Key, Edit]:
        edits: dict[Key, Edit] = {
            key: Clamp(range(len(first)), first.tolist(), range(1)) for key, first in given.begin.items()
        }
        for hold in holds:
            units = range(self._exhibit.recording.units(hold.key)) if hold.unit is None else [hold.unit]
            steps = None if (hold.start, hold.stop) == (0, None) else range(hold.start, hold.stop or LONGEST)
            edit: Edit = Clamp(units, hold.value, steps)
            edits[hold.key] = Both(edits[hold.key], edit) if hold.key in edits else edit
        return edits

    def _difference(self, given: Given, rows: slice) -> float:
        """Return the largest difference between values as recorded and as read again, infinite where it is unknown: of
        another number of steps, or of values that are no numbers."""
        again, recorded = self.read(given).recording, self._exhibit.recording
        if again.tokens != rows.stop - rows.start:
            return float("inf")
        parts = [
            np.abs(np.asarray(recorded[key][rows], np.float32) - again[key][:]).max(initial=0)
            for key in again.keys()
            if key in recorded
        ]
        largest = float(max(parts, default=0.0))
        return float("inf") if any(map(np.isnan, parts)) else largest


def _as_written(hold: Hold, first: int, stop: int | None) -> HeldUnit:
    """Return a hold in steps of writing, whose step 0 reads the last symbol of the prime: with `stop` over its own
    steps of the prime, without over all that is written."""
    layer, signal = hold.key
    if stop is None:
        return HeldUnit(layer, signal, hold.unit, hold.value)
    start = first - 1 if hold.start == 0 else first + hold.start  # the mark before the first symbol belongs to it
    end = stop if hold.stop is None else min(stop, first + hold.stop)
    return HeldUnit(layer, signal, hold.unit, hold.value, start, end)


def _spelled(outcomes: Mapping[str, Array], classes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    told = [name for name in (OUTCOME + "gold", OUTCOME + "predicted") if name in outcomes]
    return dict.fromkeys(told, classes) if classes else {}
