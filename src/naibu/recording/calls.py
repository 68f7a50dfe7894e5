"""Recording a program: whatever it does with a module while it is listened to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from torch import nn

from naibu.errors import OptionError
from naibu.recording.assemble import Staging, check_dtype
from naibu.recording.index import INPUT, Array, Index, fixed_columns, narrowed
from naibu.recording.listeners import Heard, Listener, find_listeners, heard
from naibu.recording.recording import Recording
from naibu.recording.store import Held
from naibu.recording.streams import together
from naibu.recording.symbols import Embeddings


@contextmanager
def listen(
    module: nn.Module, keep: Collection[str] = (), *, layers: Sequence[str] | None = None, dtype: str = "float16"
) -> Iterator[Calls]:
    """Within the block, hear the recurrent layers of a module, whoever calls it and however often; in memory.

        with naibu.listen(package.model, keep=("cell",)) as calls:
            package.predict("a sentence")
            package.predict("another")
        recording = calls.recording

    Each run of a layer is a sequence, or a batch of them; where a run begins in the state in which the one before
    ended, it goes on with the same sequences: a loop over single steps is one sequence. `keep` names signals, all where
    it is empty; `layers` the layers, all by default. What the program computes does not change, but for the last digits
    where our kernels stand in for torch's.
    Raises OptionError where there is no recurrent layer, and for a stack in training mode with dropout between its
    layers.
    """
    check_dtype(dtype)
    if not isinstance(module, nn.Module):
        raise OptionError(f"module: a {type(module).__name__}; give the torch.nn.Module that the program calls")
    embeddings = Embeddings(module)
    listeners = find_listeners(module, keep, layers, embeddings=embeddings)
    calls = Calls(listeners, dtype)
    with heard(listeners), embeddings.listening():
        yield calls


class Calls:
    """What was heard of a program. `recording` has it so far, and whole after the block."""

    def __init__(self, listeners: Sequence[Listener], dtype: str) -> None:
        self._listeners, self._dtype = listeners, dtype
        self._runs: dict[str, list[Heard]] = {listener.name: [] for listener in listeners}

    def __repr__(self) -> str:
        return f"Calls({', '.join(listener.name for listener in self._listeners)}: .recording)"

    @property
    def recording(self) -> Recording:
        """The recording: layers that read the same steps lie together, with the one that ran last; others `beside`.

        Raises OptionError where no layer ran, or one that cannot be heard.
        """
        for listener in self._listeners:
            self._runs[listener.name] += listener.runs()
        ran = {name: runs for name, runs in self._runs.items() if runs}
        if not ran:
            raise OptionError(f"nothing was heard: none of {', '.join(self._runs)} ran; call the program in the block")
        groups: list[list[str]] = []
        for name, runs in ran.items():
            same = next((group for group in groups if _alike(ran[group[0]], runs)), None)
            if same is None:
                groups.append([name])
            else:
                same.append(name)
        groups.sort(key=lambda group: max(run.when for name in group for run in ran[name]))
        *others, main = ([ran[name] for name in group] for group in groups)
        beside = {group[0]: _recording(runs, self._dtype, {}) for group, runs in zip(groups, others, strict=False)}
        return _recording(main, self._dtype, beside)


def _alike(one: Sequence[Heard], other: Sequence[Heard]) -> bool:
    return len(one) == len(other) and all(a.reads_as(b) for a, b in zip(one, other, strict=True))


def _recording(layers: Sequence[Sequence[Heard]], dtype: str, beside: dict[str, Recording]) -> Recording:
    """Return the runs of layers that read the same steps, run after run."""
    joined = [together(runs) for runs in zip(*layers, strict=True)]
    lengths = [_lengths(run) for run in joined]
    there = [np.arange(run.steps) < steps[:, None] for run, steps in zip(joined, lengths, strict=True)]  # [batch time]
    units = {key: value.shape[-1] for key, value in joined[0].values.items()}
    staging = Staging(units, sum(each.size for each in there), dtype)
    order = [staging.put(run.values) + np.flatnonzero(each) for run, each in zip(joined, there, strict=True)]
    read = [_symbols(run)[each] for run, each in zip(joined, there, strict=True)]
    columns = fixed_columns(0, np.concatenate(lengths), 0, 0)
    index = Index({**columns, INPUT + "symbol": narrowed("symbols", np.concatenate(read))})
    found = staging.finish(np.concatenate(order))
    undefined = {"/".join(key): count for key, count in found.undefined.items()}
    store = Held([found.values], [(0, len(index))], dtype)
    return Recording(index, units, store, beside=beside, undefined=undefined)


def _lengths(run: Heard) -> Array:
    """Return the steps of each sequence of a run, `[batch]`."""
    return np.full(run.batch, run.steps) if run.lengths is None else run.lengths.cpu().numpy()


def _symbols(run: Heard) -> Array:
    """Return the symbols that a run read, `[batch time]`, -1 where they are not known."""
    return np.full((run.batch, run.steps), -1) if run.symbols is None else run.symbols.T
