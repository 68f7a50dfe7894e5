"""Listening to the recurrent layers of a module that somebody else wrote, without changing it."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from naibu.cells.drawn import Drawn, check_same_draws
from naibu.cells.kernels import own
from naibu.cells.layers import Recurrent, Tell, Told
from naibu.cells.names import TORCH_CELLS, recurrent_parts
from naibu.cells.recover import ELMAN_SIGNALS, GRU_SIGNALS, LSTM_SIGNALS, recover, recover_gru, recover_lstm
from naibu.cells.signalling import Signalling, signalling_parts
from naibu.cells.standing_in import has_own_forward, own_forward, standing_in, stands_in_for
from naibu.cells.swap import ours
from naibu.cells.unroll import reverse_padded, within
from naibu.cells.variants import LAYERS
from naibu.errors import OptionError
from naibu.recording.index import Array
from naibu.recording.store import Key
from naibu.recording.symbols import Embeddings

_clock = itertools.count()
SIGNALS = tuple(dict.fromkeys(signal for layer in LAYERS.values() for signal in layer.cell_type.signals))
"""Every signal that some layer has."""
RAW = ("0", "1", "2", "3", "4")
"""What a cell read, the parts of its state before, and after."""
SUPPORTED = "torch.nn.LSTM, GRU, RNN, LSTMCell, GRUCell, RNNCell and naibu.LSTM, GRU, RNN"
_FUSED: dict[str, Any] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
}
_CELLS = {"LSTM": "LSTMCell", "GRU": "GRUCell", "RNN_TANH": "ElmanCell", "RNN_RELU": "ElmanReLUCell"}


class Heard(NamedTuple):
    """What one layer did in one run: in one call of it, or in several that hand the state on."""

    values: dict[Key, Tensor]  # [time batch unit]
    steps: int
    batch: int
    lengths: Tensor | None  # [batch] of packed input, else None
    begin: tuple[Tensor, ...] | None  # the state it was given, None for zeros
    end: tuple[Tensor, ...]  # the state after the last step
    symbols: Array | None  # [time batch] of what was read, -1 where it is not known; None where none is
    when: int  # counts the runs of all layers

    def reads_as(self, other: Heard) -> bool:
        """Return whether this run read as many steps of as many sequences as another, as long if both say how long."""
        if (self.steps, self.batch) != (other.steps, other.batch):
            return False
        return self.lengths is None or other.lengths is None or torch.equal(self.lengths, other.lengths)

    def goes_on_from(self, before: Heard) -> bool:
        """Return whether this run began in the state in which another ended, held still in part or not."""
        if self.begin is None or self.batch != before.batch:
            return False
        pairs = list(zip(self.begin, before.end, strict=True))
        if all(one is other for one, other in pairs):
            return True
        return any(one.shape == other.shape and bool(((one == other) & (one != 0)).any()) for one, other in pairs)

    def shape(self) -> str:
        """Return the size in words."""
        return f"{self.steps} steps of {self.batch} sequences"


class Listener(ABC):
    """Hears one recurrent layer of a module, under its name there."""

    def __init__(
        self, name: str, layer: nn.Module, keep: Collection[str], embeddings: Embeddings | None, copy: bool
    ) -> None:
        """`embeddings`: what its symbols may be known from; `copy`: whether the module might change in place what the
        layer gave it."""
        self.name, self.layer, self.copy, self._embeddings = name, layer, copy, embeddings
        self.keep = tuple(signal for signal in self.signals() if not keep or signal in keep)
        self.after: Callable[[], None] | None = None
        """What is told that a call was heard."""
        self._calls: list[Heard] = []
        self._entered = 0

    @abstractmethod
    def signals(self) -> tuple[str, ...]:
        """Return the signals that the layer has."""

    @abstractmethod
    def listening(self) -> AbstractContextManager[None]:
        """Return a block in which the layer is heard."""

    @abstractmethod
    def refusal(self) -> str | None:
        """Return why the layer cannot be recorded as it stands, or None."""

    @abstractmethod
    def units(self) -> dict[Key, int]:
        """Return what is kept, and how many units each has."""

    def forget(self) -> None:
        """Leave what was heard since the last time."""
        self._calls, self._entered = [], 0

    def runs(self) -> list[Heard]:
        """Return what was heard since the last time: a run goes on where the state is handed on.

        Raises OptionError where the layer was called but computed by itself, or where calls that hand their state on
        cannot be laid end to end.
        """
        calls, self._calls = self._calls, []
        entered, self._entered = self._entered, 0
        if entered and not calls:
            raise OptionError(
                f"{self.name}: a {type(self.layer).__name__} that computes in a forward of its own, not in that of "
                "torch's layer; what it does inside cannot be heard"
            )
        runs: list[list[Heard]] = []
        for call in calls:
            if runs and call.goes_on_from(runs[-1][-1]):
                runs[-1].append(call)
            else:
                runs.append([call])
        return [self._finished(self._joined(parts)) for parts in runs]

    def _hear(self, call: Heard) -> None:
        self._calls.append(call)
        if self.after is not None:
            self.after()

    def _finished(self, run: Heard) -> Heard:
        """Return a run with what is only computed once it is whole."""
        return run

    def _joined(self, parts: list[Heard]) -> Heard:
        if len(parts) == 1:
            return parts[0]
        if any(part.lengths is not None for part in parts):
            raise OptionError(
                f"{self.name}: ran {len(parts)} times with its state carried on, on packed input; such calls cannot be "
                "laid end to end"
            )
        values = {key: torch.cat([part.values[key] for part in parts]) for key in parts[0].values}
        steps, batch = sum(part.steps for part in parts), parts[0].batch
        symbols = None
        if any(part.symbols is not None for part in parts):
            unknown = [np.full((part.steps, batch), -1) if part.symbols is None else part.symbols for part in parts]
            symbols = np.concatenate(unknown)
        return Heard(values, steps, batch, None, parts[0].begin, parts[-1].end, symbols, parts[-1].when)

    def _symbols(self, x: Tensor) -> Array | None:
        return None if self._embeddings is None else self._embeddings.read_by(x)

    @property
    def batch_first(self) -> bool:
        """Whether the layer takes `[batch time input]`."""
        return bool(getattr(self.layer, "batch_first", False))

    @contextmanager
    def _entering(self) -> Iterator[None]:
        """Count the calls of a layer that has a forward of its own."""
        if not has_own_forward(self.layer):
            yield
            return

        def enter(*_: Any) -> None:
            self._entered += 1

        handle = self.layer.register_forward_pre_hook(enter)
        try:
            yield
        finally:
            handle.remove()


class LayerListener(Listener):
    """Hears a fused layer: our kernels write its signals as they go, or its output gives them back."""

    layer: nn.RNNBase | Recurrent

    def signals(self) -> tuple[str, ...]:
        """Return the signals that the layer has."""
        if isinstance(self.layer, Recurrent):
            return self.layer.cell_type.signals
        return {"LSTM": LSTM_SIGNALS, "GRU": GRU_SIGNALS}.get(self.layer.mode, ELMAN_SIGNALS)

    def units(self) -> dict[Key, int]:
        """Return what is kept, and how many units each has."""
        layer, found = self.layer, {}
        for number in range(layer.num_layers):
            for way in ("", ".reverse")[: 1 + layer.bidirectional]:
                for signal in self.keep:
                    found[f"{self.name}.{number}{way}", signal] = self._width(number, signal)
        return found

    def _width(self, number: int, signal: str) -> int:
        layer = self.layer
        if isinstance(layer, Recurrent):
            return layer.cell(number).width(signal)
        return (layer.proj_size or layer.hidden_size) if signal == "hidden" else layer.hidden_size

    def refusal(self) -> str | None:
        """Return why the layer cannot be recorded as it stands, or None."""
        layer = self.layer
        if not isinstance(layer, Recurrent) and layer.training and layer.num_layers > 1 and layer.dropout > 0:
            return (
                f"{self.name}: is in training mode with dropout={layer.dropout} between its layers, so what the lower "
                "layers did cannot be found again; call module.eval() first"
            )
        return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the layer: ours tells by itself, for torch's one of ours stands in where its kernels serve."""
        twin = self._twin()
        if twin is None:
            with self._entering(), standing_in({self.layer: self._overheard}):
                yield
        elif twin is self.layer:
            with twin.listen(self.keep, self._told(twin)):
                yield
        else:
            with self._entering(), twin.listen(self.keep, self._told(twin)), standing_in({self.layer: twin}):
                yield

    def _told(self, layer: Recurrent) -> Tell:
        def tell(told: Told) -> None:
            watched = told.watched
            values = {
                (self.name + place[len(layer.known_as) :], signal): value.detach().clone()
                if self.copy and signal == "hidden"
                else value.detach()
                for (place, signal), value in watched.signals.items()
            }
            steps, batch = watched.output.shape[:2]
            symbols = self._symbols(told.read)
            end = watched.state
            self._hear(Heard(values, steps, batch, told.lengths, told.begin, end, symbols, next(_clock)))

        return tell

    def _twin(self) -> Recurrent | None:
        """Return what tells of itself: our layer, one that stands in already, or one on the same parameters, where our
        kernels compute what the layer would."""
        layer = self.layer
        if isinstance(layer, Recurrent):
            return layer
        other = stands_in_for(layer)
        if isinstance(other, Recurrent):
            return other
        try:
            twin = ours(layer)
        except OptionError:
            return None
        return twin if own.refusal(twin.cell_type, next(layer.parameters())) is None else None

    def _overheard(self, *args: Any, **kwargs: Any) -> Any:
        """Let the layer compute as it would, and take note of it."""
        result = own_forward(self.layer)(*args, **kwargs)
        input, state = _arguments(args, kwargs)
        with torch.no_grad():
            self._hear(self._recovered(input, state, *result))
        return result

    def _recovered(self, input: Tensor | PackedSequence, state: Any, output: Any, end: Any) -> Heard:
        """Return what the layer did, found again from what it read and gave; lower layers of a stack are run again."""
        assert isinstance(self.layer, nn.RNNBase)
        x, lengths = self._time_first(input)
        symbols, read = self._symbols(self._as_read(input)), x
        y = self._time_first(output)[0].clone()  # the module may change its copy in place
        directions = 2 if self.layer.bidirectional else 1
        begin = self._initial(state, x)
        values = {}
        for number in range(self.layer.num_layers):
            top = number == self.layer.num_layers - 1
            outputs = []
            for direction in range(directions):
                place = number * directions + direction
                x_way = reverse_padded(x, lengths) if direction else x
                weights = self._weights(number, direction)
                start = [part[place] for part in begin]
                if top:
                    y_way = y.chunk(directions, -1)[direction]
                    y_way = reverse_padded(y_way, lengths) if direction else y_way
                    if number and self.layer.training and self.layer.dropout:
                        there = slice(None) if lengths is None else within(lengths, len(x_way))
                        again = self._run_again(x_way, start, weights)
                        check_same_draws(again[there], y_way[there], self.name)
                else:
                    y_way = self._run_again(x_way, start, weights)
                found = self._recover(x_way, y_way, start, weights)
                suffix = ".reverse" if direction else ""
                for signal in self.keep:
                    value = reverse_padded(found[signal], lengths) if direction else found[signal]
                    values[(f"{self.name}.{number}{suffix}", signal)] = value
                outputs.append(reverse_padded(y_way, lengths) if direction else y_way)
            x = torch.cat(outputs, -1) if directions == 2 else outputs[0]
            if not top:
                x = functional.dropout(x, self.layer.dropout, self.layer.training)
        end = _parts(end) or ()
        return Heard(values, len(read), read.shape[1], lengths, _parts(state), end, symbols, next(_clock))

    def _as_read(self, x: Tensor | PackedSequence) -> Tensor:
        """Return `[time batch input]` in the type in which it came."""
        if isinstance(x, PackedSequence):
            return pad_packed_sequence(x)[0]
        return x[:, None] if x.dim() == 2 else x.transpose(0, 1) if self.batch_first else x

    def _time_first(self, x: Tensor | PackedSequence) -> tuple[Tensor, Tensor | None]:
        """Return `[time batch ...]`, and the lengths `[batch]` if it was packed."""
        if isinstance(x, PackedSequence):
            padded, lengths = pad_packed_sequence(x)
            return _wide(padded), lengths.to(padded.device)
        return _wide(self._as_read(x)), None

    def _initial(self, state: Any, x: Tensor) -> list[Tensor]:
        """Return the parts of the initial state, `[layer*direction batch hidden]` each."""
        layer = self.layer
        assert isinstance(layer, nn.RNNBase)
        if state is None:
            count = layer.num_layers * (2 if layer.bidirectional else 1)
            sizes = [layer.proj_size or layer.hidden_size, layer.hidden_size][: 2 if layer.mode == "LSTM" else 1]
            return [x.new_zeros(count, x.shape[1], size) for size in sizes]
        parts = [state] if isinstance(state, Tensor) else list(state)
        return [_wide(part if part.dim() == 3 else part[:, None]) for part in parts]

    def _weights(self, number: int, direction: int) -> list[Tensor]:
        layer = self.layer
        assert isinstance(layer, nn.RNNBase)
        place = number * (2 if layer.bidirectional else 1) + direction
        return [_wide(weight.detach()) for weight in layer.all_weights[place]]

    def _run_again(self, x: Tensor, start: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        """Return the output `[time batch hidden]` of one lower layer in one direction."""
        layer = self.layer
        assert isinstance(layer, nn.RNNBase)
        parts = tuple(part[None].contiguous() for part in start)
        state = parts if layer.mode == "LSTM" else parts[0]
        output: Tensor = _FUSED[layer.mode](x, state, list(weights), layer.bias, 1, 0.0, False, False, False)[0]
        return output

    def _recover(self, x: Tensor, y: Tensor, start: Sequence[Tensor], weights: Sequence[Tensor]) -> dict[str, Tensor]:
        layer = self.layer
        assert isinstance(layer, nn.RNNBase)
        return recover(_CELLS[layer.mode], x, y, start, weights[: 4 if layer.bias else 2], self.keep)


class CellListener(Listener):
    """Hears a cell that the module calls in a loop of its own: a run is a loop that hands the state on."""

    layer: nn.LSTMCell | nn.GRUCell | nn.RNNCell

    def signals(self) -> tuple[str, ...]:
        """Return the signals that the cell has."""
        if isinstance(self.layer, nn.LSTMCell):
            return LSTM_SIGNALS
        return GRU_SIGNALS if isinstance(self.layer, nn.GRUCell) else ELMAN_SIGNALS

    def refusal(self) -> str | None:
        """Return None: cells are recorded as they are called."""
        return None

    def units(self) -> dict[Key, int]:
        """Return what is kept, and how many units each has."""
        return {(f"{self.name}.0", signal): self.layer.hidden_size for signal in self.keep}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the cell, which computes as it would."""
        with self._entering(), standing_in({self.layer: self._overheard}):
            yield

    def _overheard(self, *args: Any, **kwargs: Any) -> Any:
        result = own_forward(self.layer)(*args, **kwargs)
        x, state = _arguments(args, kwargs)
        with torch.no_grad():
            end, begin = self._rows(_parts(result) or ()), self._rows(_parts(state))
            x = x if x.dim() == 2 else x[None]
            before = tuple(torch.zeros_like(part) for part in end or ()) if begin is None else begin
            raw = dict(zip(RAW, (_wide(x).clone(), *before, *(end or ())), strict=False))
            values = {("", name): value[None] for name, value in raw.items()}
            symbols = self._symbols(x[None])
        self._hear(Heard(values, 1, len(x), None, begin, end or (), symbols, next(_clock)))
        return result

    def _finished(self, run: Heard) -> Heard:
        """Return the run with its signals in place of what the cell read, began and ended with."""
        x, *parts = (value.detach() for value in run.values.values())
        before, after = parts[: len(parts) // 2], parts[len(parts) // 2 :]
        with torch.no_grad():
            found = self._recover(x, before)
        found |= dict(zip(("hidden", "cell"), after, strict=False))
        return run._replace(values={(f"{self.name}.0", signal): found[signal] for signal in self.keep})

    def _rows(self, state: tuple[Tensor, ...] | None) -> tuple[Tensor, ...] | None:
        """Return the parts of a state as `[batch unit]`, kept as they are now."""
        if state is None:
            return None
        return tuple(_wide(part if part.dim() == 2 else part[None]).clone() for part in state)

    def _recover(self, x: Tensor, before: Sequence[Tensor]) -> dict[str, Tensor]:
        cell = self.layer
        weight_ih, weight_hh = _wide(cell.weight_ih), _wide(cell.weight_hh)
        bias_ih, bias_hh = (_wide(cell.bias_ih), _wide(cell.bias_hh)) if cell.bias else (None, None)
        wanted = set(self.keep) - {"cell", "hidden"}
        if isinstance(cell, nn.LSTMCell):
            return recover_lstm(x, before[0], before[1][0], weight_ih, weight_hh, bias_ih, bias_hh, wanted)
        if isinstance(cell, nn.GRUCell):
            return recover_gru(x, before[0], weight_ih, weight_hh, bias_ih, bias_hh, wanted)
        return {}


class PartListener(Listener):
    """Hears a part that has signals beside the recurrent layers; all its calls since the last time are one run.

    `width` is the most units that its signals have; what a call has fewer of is 0 behind them.
    """

    layer: Signalling
    width = 0

    def signals(self) -> tuple[str, ...]:
        """Return the signals that the part has."""
        return self.layer.signals

    def units(self) -> dict[Key, int]:
        """Return what is kept, and how many units each has."""
        return {(self.name, signal): self.width for signal in self.keep}

    def refusal(self) -> str | None:
        """Return None: a part that has signals tells of them."""
        return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the part, which computes as it would."""
        with self.layer.listen(self._told):
            yield

    def runs(self) -> list[Heard]:
        """Return what was heard since the last time, all calls one after the other."""
        calls, self._calls = self._calls, []
        return [self._joined(calls)] if calls else []

    def _told(self, signals: dict[str, Tensor]) -> None:
        values = {(self.name, signal): self._wide(signals[signal].detach()) for signal in self.keep}
        steps, batch = next(iter(signals.values())).shape[:2]
        self._hear(Heard(values, steps, batch, None, None, (), None, next(_clock)))

    def _wide(self, values: Tensor) -> Tensor:
        missing = self.width - values.shape[-1]
        if missing < 0:
            raise OptionError(f"{self.name}: has {values.shape[-1]} units here, more than the {self.width} recorded")
        return functional.pad(values, (0, missing))


class Bystander(LayerListener):
    """Hears a fused layer in training, which computes to the last bit what it would if nobody heard it."""

    def refusal(self) -> str | None:
        """Return None: what was dropped at random is dropped again."""
        return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the layer from a second run of it, or from what it gave."""
        other = stands_in_for(self.layer)
        layer = other if isinstance(other, Recurrent) else self.layer
        if isinstance(layer, Recurrent):
            with layer.listen(self.keep, self._told(layer), beside=True):
                yield
        else:
            with self._entering(), standing_in({self.layer: self._overheard}):
                yield

    def _overheard(self, *args: Any, **kwargs: Any) -> Any:
        drawn = Drawn.now(next(self.layer.parameters()))
        result = own_forward(self.layer)(*args, **kwargs)
        with drawn.again():
            self._hear(self._recovered(*_arguments(args, kwargs), *result))
        return result


def find_listeners(
    module: nn.Module,
    keep: Collection[str],
    only: Sequence[str] | None = None,
    *,
    of_layers: type[LayerListener] = LayerListener,
    embeddings: Embeddings | None = None,
    copy: bool = True,
    widths: Mapping[str, int] | None = None,
) -> list[Listener]:
    """Return a listener for each recurrent layer in a module, or for those that `only` names.

    `widths` are the most units of other parts that are to be heard too, by their path.

    `keep` names signals, all where it is empty; `embeddings` are what symbols may be known from; `copy` says whether
    the module might change in place what a layer gave it; `of_layers` is what hears a fused layer.
    Raises OptionError where there is none, or none of that name, or none that has a signal of `keep`.
    """
    keep = (keep,) if isinstance(keep, str) else tuple(keep)
    found: list[Listener] = []
    for name, part in recurrent_parts(module):
        kind = CellListener if isinstance(part, TORCH_CELLS) else of_layers
        found.append(kind(name, part, keep, embeddings, copy))
    if not found:
        seen = sorted({_kind(part) for part in module.modules()})
        raise OptionError(f"no recurrent layer in this module (it has {', '.join(seen)}); recorded are {SUPPORTED}")
    names = [listener.name for listener in found]
    for name in only or ():
        if name not in names:
            raise OptionError(f"layers: {name!r} is no recurrent layer of this module; it has {', '.join(names)}")
    if only is not None:
        found = [listener for listener in found if listener.name in only]
    for name, other in signalling_parts(module) if widths else ():
        if widths and name in widths:
            listener = PartListener(name, other, keep, embeddings, copy)
            listener.width = widths[name]
            found.append(listener)
    there = dict.fromkeys(signal for listener in found for signal in listener.signals())
    for signal in keep:
        if signal not in SIGNALS and signal not in there:
            raise OptionError(f"keep: {signal!r} is no signal; there are {', '.join(there)}")
    if not any(listener.keep for listener in found):
        raise OptionError(f"keep: these layers have no {' or '.join(keep)}; they have {', '.join(there)}")
    return [listener for listener in found if listener.keep]


def signals_of(module: nn.Module, layer: str) -> tuple[str, ...]:
    """Return the signals of one layer of a module, named as in a recording; none where it is not there."""
    found = (each for each in find_listeners(module, ()) if (layer, each.signals()[0]) in each.units())
    return next((each.signals() for each in found), ())


@contextmanager
def heard(listeners: Sequence[Listener]) -> Iterator[None]:
    """Let the listeners hear their layers within the block. Raises OptionError for a layer that cannot be recorded."""
    for listener in listeners:
        if (reason := listener.refusal()) is not None:
            raise OptionError(reason)
    with ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(listener.listening())
        yield


@contextmanager
def listening(module: nn.Module, listeners: Sequence[Listener]) -> Iterator[None]:
    """Hear a module that is run only to be heard: afterwards its buffers and the random numbers are as they were."""
    # Batch normalisation in training mode counts what it reads.
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    devices = {value.device for value in module.parameters() if value.device.type == "cuda"}
    try:
        forked = torch.random.fork_rng(devices=sorted(device.index for device in devices))
        with forked, torch.no_grad(), heard(listeners):
            yield
    finally:
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def _kind(part: nn.Module) -> str:
    """Return a module's class, with where it is from where it only sounds like one that can be recorded."""
    kind = type(part)
    named = kind.__name__ in ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell")
    scripted = f" of {part.original_name}" if hasattr(part, "original_name") else ""
    return (f"{kind.__module__}.{kind.__name__}" if named else kind.__name__) + scripted


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Return the input and the state that a layer was called with."""
    input = args[0] if args else kwargs["input"]
    return input, args[1] if len(args) > 1 else kwargs.get("hx")


def _parts(state: Any) -> tuple[Tensor, ...] | None:
    """Return the parts of a state, None for one of zeros that was not given."""
    return None if state is None else (state,) if isinstance(state, Tensor) else tuple(state)


def _wide(x: Tensor) -> Tensor:
    """Return a tensor in at least float32, so that layers in half precision are recovered well."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
