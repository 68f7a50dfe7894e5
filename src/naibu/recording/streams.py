"""Which layers of a module lie together: those that read the same steps; the others are streams beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from naibu.errors import OptionError
from naibu.recording.listeners import Heard

MAIN = ""
"""The stream that a recording is of: that of the layer which ran last."""


class Grouping:
    """The streams of a module's layers, as they are named, or as the first call shows them."""

    def __init__(self, named: Mapping[str, str] | None) -> None:
        """`named`: layer -> stream; layers that it does not name are in the main one."""
        self._streams: dict[str, str] | None = None if named is None else dict(named)
        self._layers: tuple[str, ...] | None = None

    @property
    def beside(self) -> tuple[str, ...]:
        """The streams beside the main one."""
        return tuple(dict.fromkeys(name for name in (self._streams or {}).values() if name != MAIN))

    def streams(self, heard: Mapping[str, Heard]) -> dict[str, Heard]:
        """Return what was heard in one call stream by stream, the main one last.

        Raises OptionError where other layers ran than before, or layers of one stream did not read the same steps.
        """
        if self._layers is None:
            self._layers = tuple(heard)
            if self._streams is None:
                self._streams = _as_they_ran(heard)
            for layer in self._streams:
                if layer not in heard:
                    raise OptionError(f"streams: {layer!r} did not run; what ran are {', '.join(heard)}")
        if set(heard) != set(self._layers):
            some = sorted(set(heard) ^ set(self._layers))
            raise OptionError(
                f"{some[0]}: ran in some calls of the module and not in others; record those calls apart, or choose "
                f"layers={[name for name in self._layers if name not in some]!r}"
            )
        assert self._streams is not None
        parts: dict[str, dict[str, Heard]] = {name: {} for name in (*self.beside, MAIN)}
        for layer, run in heard.items():
            parts[self._streams.get(layer, MAIN)][layer] = run
        return {name: _one_stream(runs) for name, runs in parts.items()}


def _as_they_ran(heard: Mapping[str, Heard]) -> dict[str, str]:
    """Return the stream of each layer: those that read the same steps together, called by the first of them."""
    last = max(heard.values(), key=lambda run: run.when)
    found: dict[str, str] = {}
    for layer, run in heard.items():
        if run.reads_as(last):
            found[layer] = MAIN
        else:
            found[layer] = next((found[name] for name in found if found[name] and heard[name].reads_as(run)), layer)
    return found


def _one_stream(runs: Mapping[str, Heard]) -> Heard:
    """Return the runs of the layers of a stream as one. Raises OptionError where they did not read the same steps."""
    first_name, first = next(iter(runs.items()))
    for name, run in runs.items():
        if not run.reads_as(first):
            raise OptionError(
                f"{first_name} ran {first.shape()} and {name} {run.shape()}, but they were taken for one stream; say "
                f"which layers read something else: streams={{{first_name!r}: 'source'}}"
            )
    return together(list(runs.values()))


def together(runs: Sequence[Heard]) -> Heard:
    """Return runs of layers that read the same steps as one."""
    lengths = next((run.lengths for run in runs if run.lengths is not None), None)
    symbols = next((run.symbols for run in runs if run.symbols is not None), None)
    values = {key: value for run in runs for key, value in run.values.items()}
    return runs[0]._replace(values=values, lengths=lengths, symbols=symbols)


def one_run(name: str, runs: Sequence[Heard]) -> Heard:
    """Return the one run of a layer in a call of the module. Raises OptionError where there were several."""
    if len(runs) > 1:
        if any(run.begin is not None for run in runs[1:]):
            how = "from states of its own or in batches of different sizes"
        else:
            how = "each time from the zero state"
        raise OptionError(
            f"{name}: ran {len(runs)} times in one call of the module, {how}; record calls that run it once, or "
            "several times with its state carried on, or take naibu.listen, where each run is a sequence of its own"
        )
    return runs[0]
