"""Watching a few units while a network trains: what they are, call by call; the training stays as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import nn

from naibu.cells.names import within
from naibu.errors import OptionError
from naibu.recording.index import Array
from naibu.recording.listeners import Bystander, Listener, find_listeners, heard
from naibu.recording.store import Key
from naibu.shown import Row, Shown, drawn
from naibu.storage import deliver_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATISTICS = ("mean", "std", "min", "max")
"""What is kept of a unit of each call, over all steps of all sequences."""


class Writer(Protocol):
    """What TensorBoard's SummaryWriter is, and what other loggers imitate."""

    def add_scalar(self, tag: str, value: float, global_step: int) -> Any:
        """Write one number."""
        ...


@contextmanager
def watch(module: nn.Module, units: Mapping[Key, Sequence[int]]) -> Iterator[Seen]:
    """Within the block, watch units of a module while somebody else's loop trains it.

        with naibu.watch(model, {("rnn.0", "cell"): [17]}) as seen:
            for batch in loader:
                ...  # forward, backward, step, as ever
        seen.write_csv("unit17.csv")

    `units` maps (layer, signal), named as in a recording of the module, to numbers of units. The module computes to the
    last bit what it would without the block, dropout and training mode included. What a layer did is found again from
    what it read and gave, or, for layers of ours, by a second run of the layer without gradients: see
    docs/your-own-model.md for what that costs.
    Raises OptionError for a layer, signal or unit that is not there, and while the module runs for a layer whose
    dropout cannot be drawn again (a stack on a GPU, packed sequences).
    """
    there = {key: count for each in find_listeners(module, ()) for key, count in each.units().items()}
    for key, chosen in units.items():
        if key not in there:
            asked = "/".join(key) if isinstance(key, tuple) else repr(key)
            raise OptionError(f"{asked}: not in this module; it has {', '.join('/'.join(known) for known in there)}")
        for unit in chosen:
            if not 0 <= unit < there[key]:
                raise OptionError(f"unit {unit} of {'/'.join(key)}: it has units 0 to {there[key] - 1}")
    if not units:
        raise OptionError("units: none; give {('rnn.0', 'cell'): [17]}, for example")
    listeners = find_listeners(module, {signal for _, signal in units}, of_layers=Bystander)
    seen = Seen(units, [each for each in listeners if any(within(each.name, layer) is not None for layer, _ in units)])
    hooks = [module.register_forward_pre_hook(seen._begins), module.register_forward_hook(seen._ends, always_call=True)]
    try:
        with heard(seen._listeners):
            yield seen
            seen._take()
    finally:
        for hook in hooks:
            hook.remove()


class Seen(Shown):
    """What was seen of the units that are watched, so far and after the block.

    `last()` has their values in the last call, `rows()` and `table()` mean, standard deviation, least and largest of
    each call of the module, `plot()` their course.
    """

    def __init__(self, units: Mapping[Key, Sequence[int]], listeners: Sequence[Listener]) -> None:
        self.units = {key: tuple(chosen) for key, chosen in units.items()}
        self.calls = 0
        """Calls of the module so far in which one of the layers ran; a layer called past it counts as a call."""
        self._listeners = list(listeners)
        for listener in listeners:
            listener.after = self._ran
        self._inside = 0  # how many calls of the module are under way
        self._last: dict[Key, Array] = {}
        self._statistics: list[tuple[int, Key, Array]] = []  # [statistic unit]
        self._written = 0

    def last(self) -> dict[Key, Array]:
        """Return the values in the last call of the module, `[time batch unit]` each, float32, NaN at packed padding.

        A layer that ran several times in it: those of its last run.
        """
        self._take()
        return dict(self._last)

    def rows(self) -> list[Row]:
        """Return a row for each call and unit: call (from 0), layer, signal, unit, mean, std, min, max."""
        self._take()
        return list(self._rows(0))

    def write_csv(self, path: str | Path) -> None:
        """Write the rows so far as a table. Raises StoredError where that cannot be."""
        text = io.StringIO()
        writer = csv.DictWriter(text, ("call", "layer", "signal", "unit", *STATISTICS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        deliver_text(Path(path), text.getvalue())

    def write_tensorboard(self, writer: Writer) -> None:
        """Write what was not yet written, as `rnn.0/cell/17/mean` and so on, into a SummaryWriter or its like.

        Called once after the block, or now and then within it.
        """
        self._take()
        for row in self._rows(self._written):
            for name in STATISTICS:
                tag = f"{row['layer']}/{row['signal']}/{row['unit']}/{name}"
                writer.add_scalar(tag, row[name], row["call"])  # type: ignore[arg-type]
        self._written = len(self._statistics)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the mean of each unit against the calls, from mean - std to mean + std shaded; return the axes."""
        return drawn("naibu.reporting.plots.watched:plot_watched", self.rows(), ax)

    def __repr__(self) -> str:
        some = ", ".join(f"{'/'.join(key)}: {list(chosen)}" for key, chosen in self.units.items())
        return f"Seen({some}; {self.calls} calls: .last(), .table(), .plot())"

    def _begins(self, *_: Any) -> None:
        self._inside += 1

    def _ends(self, *_: Any) -> None:
        self._inside -= 1
        self._take()

    def _ran(self) -> None:
        """Take a layer that was called past its module as a call of its own."""
        if not self._inside:
            self._take()

    def _rows(self, start: int) -> Iterator[Row]:
        for call, (layer, signal), found in self._statistics[start:]:
            for unit, values in zip(self.units[layer, signal], found.T, strict=True):
                numbers = dict(zip(STATISTICS, map(float, values), strict=True))
                yield {"call": call, "layer": layer, "signal": signal, "unit": unit, **numbers}

    def _take(self) -> None:
        """Take what the layers did since the last time, as one call."""
        found: dict[Key, list[Array]] = {}  # of each run the steps that are none of padding, [step unit]
        for listener in self._listeners:
            for run in listener.runs():
                there = np.ones((run.steps, run.batch), bool)
                if run.lengths is not None:
                    there = np.arange(run.steps)[:, None] < run.lengths.cpu().numpy()
                for key in self.units.keys() & run.values.keys():
                    values: Array = run.values[key][..., list(self.units[key])].float().cpu().numpy()
                    found.setdefault(key, []).append(values[there].astype(np.float64))
                    values[~there] = np.nan
                    self._last[key] = values
        for key in (key for key in self.units if key in found):
            every = np.concatenate(found[key])
            if len(every):
                statistics = np.stack([every.mean(0), every.std(0), every.min(0), every.max(0)])
                self._statistics.append((self.calls, key, statistics))
        self.calls += bool(found)
