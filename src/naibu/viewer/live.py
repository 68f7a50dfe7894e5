"""The live network: what it makes of a text, or of a recorded sequence, with signals held over spans of steps."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

from naibu.cells.edits import Both, Clamp, Edit
from naibu.cells.exchange import edited
from naibu.data.batch import Batch, Stream
from naibu.data.examples import Examples
from naibu.errors import OptionError, StoredError
from naibu.models.model import Model, evaluating
from naibu.models.weights import digest_of_tensors, stored
from naibu.recording.index import INPUT, LABEL, OUTCOME, Array, Index, fixed_columns
from naibu.recording.listeners import Listener, find_listeners, listening
from naibu.recording.recording import Recording
from naibu.recording.store import Held, Key
from naibu.runs.load import beginning, load
from naibu.training.threads import threads
from naibu.viewer.exhibits import Exhibit
from naibu.viewer.holds import Hold
from naibu.viewer.windows import LONGEST, Window, columns, halves

ALIKE = 0.05
"""The largest difference that is taken for the rounding of what was recorded."""
_RUNNING = Lock()
"""Networks run one at a time: how many threads the framework uses is said for all of them."""
LIKELIEST = 5
"""Classes that are told at every step, the most probable ones."""


class Given(NamedTuple):
    """What a network reads: one sequence, and what is known of its steps."""

    batch: Batch
    columns: Mapping[str, Array]  # input.NAME and label.NAME [step]
    names: Mapping[str, tuple[str, ...]]  # of the codes of categorical ones
    begin: Mapping[Key, Array] = MappingProxyType({})
    """Values `[unit]` of the first step where that was not read from a state of zeros: it is set to these, and the
    network goes on from there."""
    difference: float = 0.0
    """The largest difference between values as recorded and as read again; beyond the rounding of float16 another
    state stood before the recording."""


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
        found = {**told, "series": base64.b64encode(packed.tobytes()).decode("ascii"), "total": _number(self.total)}
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
        self._exhibit = exhibit

    @cached_property
    def model(self) -> Model:
        """The network, with the weights that were recorded. Raises StoredError where it has others, or none."""
        run, recording = self._exhibit.run, self._exhibit.recording
        if run is None:
            raise StoredError("no run is at hand: a recording alone cannot read anything new; open it inside its run")
        model = beginning(run) if self._exhibit.beginning else load(run)
        weights = recording.made_from.get("weights")
        if weights and weights != digest_of_tensors(stored(model)):
            raise StoredError(f"{run.path}: its weights are not those that were recorded; record it again")
        return model

    @cached_property
    def listeners(self) -> list[Listener]:
        """What hears the signals of its layers."""
        return find_listeners(self.model, (), copy=False)

    def typed(self, text: str) -> Given:
        """Return a text that somebody typed as the network reads it. Raises errors as its task does."""
        from naibu.tasks.catalogue import task_named

        run = self._exhibit.run
        if run is None:
            raise StoredError("no run is at hand: a recording alone cannot read a text; open it inside its run")
        examples = task_named(run.task).typed(text, run.options, run.path, run.found)
        if len(examples.streams) > 1:
            raise OptionError(f"this network reads {' and '.join(examples.streams)}; only one stream can be typed here")
        return _given(examples)

    def recorded(self, seen: Window) -> Given:
        """Return a recorded sequence, from its first step, as the network reads it.

        It is read from what the index has. Where the recording did not begin from a state of zeros (running text goes
        on from what stands before it), the first step is set to what was recorded. Raises OptionError where what was
        recorded does not suffice.
        """
        recording = self._exhibit.recording
        index = recording.index
        if recording.beside:
            raise OptionError(
                f"this network reads {', '.join(recording.beside)} besides; it cannot be run from one stream"
            )
        first = seen.first - seen.start
        rows = slice(first, first + min(seen.length, LONGEST))
        columns = {INPUT + name: np.asarray(index.input(name).values[rows]) for name in index.input_names}
        columns |= {LABEL + name: np.asarray(index.label(name).values[rows]) for name in index.label_names}
        names = {INPUT + name: found for name in index.input_names if (found := index.input(name).names)}
        names |= {LABEL + name: found for name in index.label_names if (found := index.label(name).names)}
        if index.gold is None:
            raise OptionError(
                "what was to be told is not in this recording, so that a loss cannot be told; type a text"
            )
        target = np.asarray(index.gold[rows])
        x = _read([columns[INPUT + name] for name in index.input_names], symbols="symbol" in index.input_names)
        batch = Batch(
            {"input": Stream(x, torch.tensor([len(target)]))}, torch.from_numpy(target.astype(np.int64))[:, None]
        )
        given = Given(batch, columns, names)
        given = given._replace(difference=self._difference(given, rows))
        if given.difference > ALIKE and len(target):
            begin = {key: np.asarray(recording[key][rows.start], np.float32) for key in recording.keys()}
            given = given._replace(begin=begin)
            given = given._replace(difference=self._difference(given, rows))
        return given

    def read(self, given: Given, holds: Sequence[Hold] = ()) -> Reading:
        """Return what the network makes of a sequence, with signals held."""
        steps = len(given.batch.target)
        if steps > LONGEST:
            raise OptionError(f"{steps:,} steps: {LONGEST:,} at most are read live")
        with _RUNNING, threads(1), evaluating(self.model), edited(self.model, self._edits(given, holds)):
            for each in self.listeners:
                each.forget()
            with listening(self.model, self.listeners):
                told = self.model.likeliest(given.batch.to(self.model.device), LIKELIEST)
            heard = [run for each in self.listeners for run in each.runs()]
        values = {key: value[:, 0].float().cpu().numpy() for run in heard for key, value in run.values.items()}
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
        """Return the largest difference between values as recorded and as read again."""
        again, recorded = self.read(given).recording, self._exhibit.recording
        parts = [
            np.abs(np.asarray(recorded[key][rows], np.float32) - again[key][:]).max(initial=0)
            for key in again.keys()
            if key in recorded
        ]
        return float(max(parts, default=0.0))


def _given(examples: Examples) -> Given:
    """Return the first example as it is read."""
    stream = examples.streams[-1]
    one = examples.subset(np.arange(1))
    columns, names = dict[str, Array](), dict[str, tuple[str, ...]]()
    known = {INPUT + name: column for name, column in one.inputs(stream).items()}
    for label in one.labels(stream):
        if ":" not in label:
            known[LABEL + label] = one.label(label, stream)
    for name, column in known.items():
        columns[name] = np.asarray(column.values)
        if column.names is not None:
            names[name] = column.names
    batch = one.batch(np.arange(1))
    steps = len(batch.target)
    return Given(batch, {name: column[:steps] for name, column in columns.items()}, names)


def _read(parts: Sequence[Array], *, symbols: bool) -> torch.Tensor:
    """Return what is read `[step 1]`, symbols, or `[step 1 feature]`, numbers."""
    if symbols and len(parts) == 1:
        if (parts[0] < 0).any():
            raise OptionError("some symbols of this sequence are not known, so that it cannot be read again")
        return torch.from_numpy(parts[0].astype(np.int64))[:, None]
    if symbols or not parts:
        raise OptionError("what was read is not in this recording, so that it cannot be read again; type a text")
    return torch.from_numpy(np.stack(parts, -1).astype(np.float32))[:, None]


def _spelled(outcomes: Mapping[str, Array], classes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    told = [name for name in (OUTCOME + "gold", OUTCOME + "predicted") if name in outcomes]
    return dict.fromkeys(told, classes) if classes else {}


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None
