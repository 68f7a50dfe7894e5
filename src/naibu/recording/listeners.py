"""Listening to the recurrent layers of a module that somebody else wrote, without changing it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from naibu.cells.kernels import own
from naibu.cells.layers import GRU, LSTM, RNN, Recurrent
from naibu.cells.recover import ELMAN_SIGNALS, GRU_SIGNALS, LSTM_SIGNALS, recover, recover_gru, recover_lstm
from naibu.cells.unroll import reverse_padded
from naibu.errors import OptionError
from naibu.recording.recording import Key

SUPPORTED = "torch.nn.LSTM, GRU, RNN, LSTMCell, GRUCell, RNNCell and naibu.LSTM, GRU, RNN"
_FUSED: dict[str, Any] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
}
_CELLS = {"LSTM": "LSTMCell", "GRU": "GRUCell", "RNN_TANH": "ElmanCell", "RNN_RELU": "ElmanReLUCell"}


class Heard(NamedTuple):
    """What one layer did in one call of the module."""

    values: dict[Key, Tensor]  # [time batch unit]
    steps: int
    batch: int
    lengths: Tensor | None  # [batch] of packed input, else None


class Listener(ABC):
    """Hears one recurrent layer of a module, under its name there."""

    def __init__(self, name: str, layer: nn.Module, keep: Sequence[str]) -> None:
        self.name, self.layer = name, layer
        self.keep = tuple(signal for signal in self.signals() if signal in keep)

    @abstractmethod
    def signals(self) -> tuple[str, ...]:
        """Return the signals that the layer has."""

    @abstractmethod
    def hear(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Take note of one call of the layer; a forward hook."""

    def hook_in(self) -> Callable[[], None]:
        """Begin to listen; return what ends it."""
        return self.layer.register_forward_hook(self.hear, with_kwargs=True).remove

    @abstractmethod
    def heard(self) -> Heard | None:
        """Return what was heard since the last time, None if the layer did not run."""

    @abstractmethod
    def refusal(self) -> str | None:
        """Return why the layer cannot be recorded as it stands, or None."""

    @property
    def batch_first(self) -> bool:
        """Whether the layer takes `[batch time input]`."""
        return bool(getattr(self.layer, "batch_first", False))


class LayerListener(Listener):
    """Hears a fused layer: its output gives the gates and cells; lower layers of a stack are run again."""

    layer: nn.RNNBase | Recurrent

    def __init__(self, name: str, layer: nn.Module, keep: Sequence[str]) -> None:
        super().__init__(name, layer, keep)
        self._calls: list[Heard] = []

    def signals(self) -> tuple[str, ...]:
        """Return the signals that the layer has."""
        if isinstance(self.layer, Recurrent):
            return self.layer.cell_type.signals
        return {"LSTM": LSTM_SIGNALS, "GRU": GRU_SIGNALS}.get(self.layer.mode, ELMAN_SIGNALS)

    def refusal(self) -> str | None:
        """Return why the layer cannot be recorded as it stands, or None."""
        layer = self.layer
        if layer.training and layer.num_layers > 1 and layer.dropout > 0:
            return (
                f"{self.name}: is in training mode with dropout={layer.dropout} between its layers, so what the lower "
                "layers did cannot be found again; call module.eval() first"
            )
        if isinstance(layer, Recurrent) and layer.training and layer.cell_type.random:
            return (
                f"{self.name}: is in training mode, where a {layer.cell_type.__name__} draws at random, so what it did "
                "cannot be found again; call module.eval() first"
            )
        return None

    def hear(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Take note of one call of the layer."""
        input, state = _arguments(args, kwargs)
        self._check_carried_on(state)
        self._calls.append(self._signals(input, state, output[0]))

    def hook_in(self) -> Callable[[], None]:
        """Run the layer by our own kernels, which write the signals as they go, where they compute it; else listen."""
        twin = self._twin()
        if twin is None:
            return super().hook_in()

        def forward(*args: Any, **kwargs: Any) -> Any:
            input, state = _arguments(args, kwargs)
            self._check_carried_on(state)
            result, watched = twin.forward_watched(input, state, self.keep)
            # The module may change its copy of the output in place.
            values = {
                (self.name + layer[len(twin.name) :], signal): value.clone() if signal == "hidden" else value
                for (layer, signal), value in watched.signals.items()
            }
            x, lengths = self._time_first(input)
            self._calls.append(Heard(values, x.shape[0], x.shape[1], lengths))
            return result

        self.layer.forward = forward  # type: ignore[method-assign]

        def back() -> None:
            del self.layer.forward

        return back

    def _twin(self) -> Recurrent | None:
        """Return our layer on the same parameters, where its kernels compute what the layer would."""
        layer, like = self.layer, next(self.layer.parameters())
        if isinstance(layer, Recurrent):
            taken = None if layer.edits else own.refusal(layer.cell_type, like)
            return layer if taken is None and type(layer).forward is Recurrent.forward else None
        for kind, ours in ((nn.LSTM, LSTM), (nn.GRU, GRU), (nn.RNN, RNN)):
            if type(layer).forward is kind.forward and "forward" not in vars(layer):
                try:
                    twin = ours.of(layer)
                except OptionError:
                    return None
                return twin if own.refusal(twin.cell_type, like) is None else None
        return None

    def _check_carried_on(self, state: Any) -> None:
        if self._calls and state is None:
            raise OptionError(
                f"{self.name}: ran {len(self._calls) + 1} times in one call of the module, each time from the zero "
                "state; record calls that run it once, or several times with its state carried on"
            )

    def heard(self) -> Heard | None:
        """Return what was heard since the last time; several calls follow each other in time."""
        calls, self._calls = self._calls, []
        if len(calls) < 2:
            return calls[0] if calls else None
        if len({call.batch for call in calls}) > 1 or any(call.lengths is not None for call in calls):
            raise OptionError(
                f"{self.name}: ran {len(calls)} times in one call of the module, on packed input or on different "
                "numbers of sequences; they cannot be laid end to end"
            )
        values = {key: torch.cat([call.values[key] for call in calls]) for key in calls[0].values}
        return Heard(values, sum(call.steps for call in calls), calls[0].batch, None)

    def _signals(self, input: Tensor | PackedSequence, state: Any, output: Tensor | PackedSequence) -> Heard:
        x, lengths = self._time_first(input)
        y = self._time_first(output)[0].clone()  # the module may change its copy in place
        if isinstance(self.layer, Recurrent):
            watched = self.layer.signals(input, state, keep=self.keep)
            own = self.layer.name
            values = {(self.name + name[len(own) :], signal): v for (name, signal), v in watched.signals.items()}
            return Heard(values, x.shape[0], x.shape[1], lengths)
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
                else:
                    y_way = self._run_again(x_way, start, weights)
                found = self._recover(x_way, y_way, start, weights)
                suffix = ".reverse" if direction else ""
                for signal in self.keep:
                    value = reverse_padded(found[signal], lengths) if direction else found[signal]
                    values[(f"{self.name}.{number}{suffix}", signal)] = value
                outputs.append(reverse_padded(y_way, lengths) if direction else y_way)
            x = torch.cat(outputs, -1) if directions == 2 else outputs[0]
        return Heard(values, x.shape[0], x.shape[1], lengths)

    def _time_first(self, x: Tensor | PackedSequence) -> tuple[Tensor, Tensor | None]:
        """Return `[time batch ...]`, and the lengths `[batch]` if it was packed."""
        if isinstance(x, PackedSequence):
            padded, lengths = pad_packed_sequence(x)
            return _wide(padded), lengths.to(padded.device)
        if x.dim() == 2:
            x = x[:, None]
        elif self.batch_first:
            x = x.transpose(0, 1)
        return _wide(x), None

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
    """Hears a cell that the module calls in a loop of its own: the i-th call is step i."""

    layer: nn.LSTMCell | nn.GRUCell | nn.RNNCell

    def __init__(self, name: str, layer: nn.Module, keep: Sequence[str]) -> None:
        super().__init__(name, layer, keep)
        self._steps: list[tuple[Tensor, ...]] = []

    def signals(self) -> tuple[str, ...]:
        """Return the signals that the cell has."""
        if isinstance(self.layer, nn.LSTMCell):
            return LSTM_SIGNALS
        return GRU_SIGNALS if isinstance(self.layer, nn.GRUCell) else ELMAN_SIGNALS

    def refusal(self) -> str | None:
        """Return None: cells are recorded as they are called."""
        return None

    def hear(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Take note of one call of the cell: input, state before it, state after it."""
        x, state = _arguments(args, kwargs)
        after = [output] if isinstance(output, Tensor) else list(output)
        before = [torch.zeros_like(part) for part in after] if state is None else state
        before = [before] if isinstance(before, Tensor) else list(before)
        parts = [part if part.dim() == 2 else part[None] for part in (x, *before, *after)]
        self._steps.append(tuple(_wide(part).clone() for part in parts))

    def heard(self) -> Heard | None:
        """Return what was heard since the last time."""
        steps, self._steps = self._steps, []
        if not steps:
            return None
        if len({step[0].shape for step in steps}) > 1:
            shapes = ", ".join(str(list(step[0].shape)) for step in steps[:4])
            raise OptionError(f"{self.name}: was called with different shapes ({shapes} ...); keep the batch whole")
        x, *parts = (torch.stack(part) for part in zip(*steps, strict=True))
        before, after = parts[: len(parts) // 2], parts[len(parts) // 2 :]
        found = self._recover(x, before)
        found |= dict(zip(("hidden", "cell"), after, strict=False))
        values = {(f"{self.name}.0", signal): found[signal] for signal in self.keep}
        return Heard(values, x.shape[0], x.shape[1], None)

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


def find_listeners(module: nn.Module, keep: Sequence[str], only: Sequence[str] | None) -> list[Listener]:
    """Return a listener for each recurrent layer in a module, or for those that `only` names.

    Raises OptionError where there is none, or none of that name, or none that has a signal of `keep`.
    """
    found: list[Listener] = []
    for path, part in module.named_modules():
        if isinstance(part, nn.LSTM | nn.GRU | nn.RNN | Recurrent):
            kind = part.name if isinstance(part, Recurrent) else part.mode.split("_")[0].lower()
            found.append(LayerListener(path or kind, part, keep))
        elif isinstance(part, nn.LSTMCell | nn.GRUCell | nn.RNNCell):
            found.append(CellListener(path or type(part).__name__.lower(), part, keep))
    if not found:
        seen = sorted({type(part).__name__ for part in module.modules()})
        raise OptionError(f"no recurrent layer in this module (it has {', '.join(seen)}); recorded are {SUPPORTED}")
    names = [listener.name for listener in found]
    for name in only or ():
        if name not in names:
            raise OptionError(f"layers: {name!r} is no recurrent layer of this module; it has {', '.join(names)}")
    if only is not None:
        found = [listener for listener in found if listener.name in only]
    if not any(listener.keep for listener in found):
        there = dict.fromkeys(signal for listener in found for signal in listener.signals())
        raise OptionError(f"keep: these layers have no {' or '.join(keep)}; they have {', '.join(there)}")
    return [listener for listener in found if listener.keep]


@contextmanager
def listening(module: nn.Module, listeners: Sequence[Listener]) -> Iterator[None]:
    """Hook the listeners in; afterwards the hooks, the buffers and the random numbers are as they were."""
    for listener in listeners:
        if (reason := listener.refusal()) is not None:
            raise OptionError(reason)
    # Batch normalisation in training mode counts what it reads.
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    ends = [each.hook_in() for each in listeners]
    devices = {value.device for value in module.parameters() if value.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=sorted(device.index for device in devices)), torch.no_grad():
            yield
    finally:
        for end in ends:
            end()
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Return the input and the state that a layer was called with."""
    input = args[0] if args else kwargs["input"]
    return input, args[1] if len(args) > 1 else kwargs.get("hx")


def _wide(x: Tensor) -> Tensor:
    """Return a tensor in at least float32, so that layers in half precision are recovered well."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
