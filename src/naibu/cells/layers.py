"""Recurrent layers that take the place of torch's: same arguments, shapes, packed sequences, parameter names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.module import register_module_module_registration_hook
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from naibu.cells.base import Cell
from naibu.cells.drawn import Drawn, check_same_draws
from naibu.cells.dropout import locked_dropout
from naibu.cells.edits import Edit
from naibu.cells.elman import ElmanCell, ElmanReLUCell
from naibu.cells.gru import GRUCell
from naibu.cells.kernels import fused, own, path
from naibu.cells.kernels.steps import dense_steps, packed_steps
from naibu.cells.lstm import LSTMCell
from naibu.errors import OptionError

Signals = dict[tuple[str, str], Tensor]
TABLE = 500
"""Symbols for which W_ih x is tabled, at most."""


class Watched(NamedTuple):
    """What a layer returns when its signals are asked for."""

    output: Tensor  # [time batch directions*hidden]
    state: tuple[Tensor, ...]  # each part [layers*directions batch hidden], as torch orders them
    signals: Signals  # (layer, signal) -> [time batch hidden]


class Told(NamedTuple):
    """What a listener is told of one call of a layer."""

    watched: Watched  # with the signals it listens to
    read: Tensor  # [time batch input], or symbols [time batch]
    lengths: Tensor | None  # [batch] where it was packed
    begin: tuple[Tensor, ...] | None  # the state it was given, None for zeros


Tell = Callable[[Told], None]


class _Entered(NamedTuple):
    """Input and state in one shape, with what is needed to give the output back as it came."""

    x: Tensor  # [time batch input], or what is packed, [token input]
    state: tuple[Tensor, ...] | None  # None: zeros
    batch: int
    lengths: Tensor | None
    packed: PackedSequence | None
    batched: bool


class _Run(NamedTuple):
    """One layer in one direction."""

    layer: int
    reverse: bool
    place: str  # what recordings have after the layer's name: `1.reverse`
    weights: list[str]  # their names, as torch orders them


class Recurrent(nn.Module):
    """A stack of recurrent layers of one cell, in one direction or both, with dropout between layers.

    Arguments, shapes and the names in `state_dict` are those of `torch.nn.LSTM`; `signals` returns besides
    what happened inside. `cell_type` says which cell a subclass computes.
    """

    cell_type: type[Cell]
    name = "recurrent"
    called: str | None = None
    """The name that the network it is part of gives it."""
    path: str | None = None
    """Where it stands in the outermost module that it was put into."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        for option, value in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("num_layers", num_layers),
        ):
            if value < 1:
                raise OptionError(f"{option}={value}: must be at least 1")
        if not 0 <= dropout <= 1:
            raise OptionError(f"dropout={dropout}: must be between 0 and 1")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        self.locked = False  # whether dropout between layers drops the same values at every step
        self.edits: dict[tuple[str, str], Edit] = {}  # (layer, signal) -> made at each step of every call
        self._listeners: list[tuple[tuple[str, ...], Tell]] = []
        self._beside: list[tuple[tuple[str, ...], Tell]] = []  # those that hear of a second run
        directions = 2 if bidirectional else 1
        self._cells: list[list[Cell]] = []
        self._runs: list[_Run] = []  # from the bottom up
        for layer in range(num_layers):
            size = input_size if layer == 0 else directions * hidden_size
            self._cells.append([self.cell_type(size, hidden_size, bias=bias) for _ in range(directions)])
            for cell, suffix in zip(self._cells[-1], ("", "_reverse"), strict=False):
                names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if bias else 2]
                weights = [f"{name}_l{layer}{suffix}" for name in names]
                self._runs.append(_Run(layer, suffix != "", f"{layer}{suffix.replace('_', '.')}", weights))
                for parameter_name, parameter in cell.named_parameters():
                    self.register_parameter(f"{parameter_name}_l{layer}{suffix}", parameter)
        if device is not None or dtype is not None:
            self.to(device=device, dtype=dtype)

    @classmethod
    def of(cls, layer: nn.RNNBase) -> Self:
        """Return our layer on the very parameters of torch's layer of the same name, in the same mode.

        Nothing is copied and no random number drawn: both layers share their tensors from then on, whatever
        their dtype and device. Hooks stay with the old layer. Raises OptionError for a layer of another kind,
        with `proj_size`, or whose parameters are not plain ones (parametrised, weight-normed).
        """
        kind = type(layer).__name__
        ours_too = issubclass(cls, LSTM | GRU | RNN)  # a variant may have the same names for other equations
        if not ours_too or cls.name != getattr(layer, "mode", "").split("_")[0].lower():
            raise OptionError(f"naibu.{cls.__name__}.of({kind}): must be a torch.nn.{cls.__name__}")
        options: dict[str, Any] = {"proj_size": layer.proj_size} if layer.proj_size else {}
        if isinstance(layer, nn.RNN):
            options["nonlinearity"] = layer.nonlinearity
        for name in ("bias", "batch_first", "dropout", "bidirectional"):
            options[name] = getattr(layer, name)
        with torch.device("meta"):
            ours = cls(layer.input_size, layer.hidden_size, layer.num_layers, **options)
        theirs = dict(layer.named_parameters())
        if theirs.keys() != ours._parameters.keys():
            strange = ", ".join(sorted(theirs.keys() ^ ours._parameters.keys()))
            raise OptionError(f"naibu.{cls.__name__}.of({kind}): its parameters are not plain ones ({strange})")
        ours._parameters.update(theirs)
        return ours.train(layer.training)

    def cell(self, layer: int = 0, *, reverse: bool = False) -> Cell:
        """Return the cell of one layer and direction; it shares the layer's parameters."""
        cell = self._cells[layer][1 if reverse else 0]
        suffix = f"_l{layer}{'_reverse' if reverse else ''}"
        for name, parameter in cell._parameters.items():
            if parameter is not None:
                cell._parameters[name] = getattr(self, name + suffix)
        if cell.training != self.training:
            cell.training = self.training
        return cell

    @property
    def known_as(self) -> str:
        """What its signals go by, here as in a recording of the module it is part of; by itself, its kind."""
        return self.called or self.path or self.name

    def directions(self) -> Iterator[tuple[int, bool, str]]:
        """Yield (layer, reverse, name) from the bottom up, names as recordings have them: `encoder.1.reverse`."""
        for run in self._runs:
            yield run.layer, run.reverse, f"{self.known_as}.{run.place}"

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return the state that the cells begin with, mostly zeros, each part `[layers*directions batch units]`."""
        cells = [self.cell(run.layer, reverse=run.reverse) for run in self._runs]
        states = [cell.initial_state(batch, like) for cell in cells]
        return tuple(torch.stack(parts) for parts in zip(*states, strict=True))

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> Any:
        """Return `output, state` exactly as the torch layer of the same name does."""
        drawn = Drawn.now(self._weights(self._runs[0])[0]) if self._beside else None
        result = self._forward(input, hx)
        if drawn is not None:
            self._run_beside(input, hx, result[0], drawn)
        return result

    def _run_beside(self, input: Tensor | PackedSequence, hx: Any, output: Any, drawn: Drawn) -> None:
        """Run once more, without gradients and with the same random numbers, and tell of that."""
        keep = tuple(dict.fromkeys(signal for signals, _ in self._beside for signal in signals))
        with drawn.again():
            entered = self._padded(self._enter(input, hx))
            watched = self._watch(entered, keep, {})
            if self.training and (self.dropout or self.cell_type.random):
                again = self._leave(watched.output, watched.state, entered)[0]
                both = [y.data if isinstance(y, PackedSequence) else y for y in (again, output)]
                check_same_draws(both[0], both[1], self.known_as)
            self._tell(self._beside, watched, entered.x, entered.lengths, entered.state)

    def _forward(self, input: Tensor | PackedSequence, hx: Any) -> Any:
        entered = self._enter(input, hx)
        if self._listeners:
            entered = self._padded(entered)
            watched = self._watch(entered, self._listened(), {})
            self._tell(self._listeners, watched, entered.x, entered.lengths, entered.state)
            return self._leave(watched.output, watched.state, entered)
        locked = self.locked and self.training and self.dropout > 0 and self.num_layers > 1
        if self.edits or locked or fused.refusal(self.cell_type) is not None:
            entered = self._padded(entered)
            watched = self._watch(entered, (), {})
            return self._leave(watched.output, watched.state, entered)
        x, packed = entered.x, entered.packed
        state = self._sorted(entered.state, packed)
        pays = packed is not None or own.pays(self.cell_type, len(x), entered.batch)
        if pays and self._own(x, state):
            output, state, _ = self._by_own_kernels(x, packed, state)
        else:
            output, state = fused.run(
                self.cell_type,
                x,
                None if packed is None else packed.batch_sizes,
                state or self.initial_state(entered.batch, x),
                [weight for run in self._runs for weight in self._weights(run)],
                bias=self.bias,
                layers=self.num_layers,
                dropout=self.dropout,
                training=self.training,
                bidirectional=self.bidirectional,
            )
        if packed is None:
            return self._leave(output, state, entered)
        order = packed.unsorted_indices
        state = state if order is None else tuple(part.index_select(1, order) for part in state)
        repacked = PackedSequence(output, packed.batch_sizes, packed.sorted_indices, order)
        return repacked, (state[0] if len(state) == 1 else state)

    def forward_symbols(self, ids: Tensor, vectors: Tensor, hx: Any = None) -> Any:
        """Return what `forward(vectors[ids])` returns, from symbols `ids [time batch]` (`[batch time]` with
        `batch_first`) and their vectors `[vocabulary input]`.

        Where our own kernels serve and symbols are fewer than steps, each symbol's W_ih x + b is computed once,
        which leaves the input no product at all, neither forward nor backward.
        """
        pays = ids.dim() == 2 and 0 < len(vectors) <= min(TABLE, ids.numel()) and not self.edits
        whole = ids.is_cpu and ids.dtype in (torch.int64, torch.int32)
        if not (pays and whole) or own.refusal(self.cell_type, vectors, *self._parameters.values()) is not None:
            return self.forward(functional.embedding(ids, vectors), hx)
        symbols = (ids.t() if self.batch_first else ids).to(torch.int64)
        low, high = torch.stack(torch.aminmax(symbols)).tolist()
        given = self._begin(hx, symbols.shape[1])
        wrong = vectors.shape[1] != self.input_size or low < 0 or high >= len(vectors)
        if wrong or own.refusal(self.cell_type, *(given or ())) is not None:
            return self.forward(functional.embedding(ids, vectors), hx)  # which says what is wrong
        drawn = Drawn.now(vectors) if self._beside else None
        watched = self._by_own_kernels(symbols, None, given, vectors=vectors, keep=self._listened())
        self._tell(self._listeners, watched, symbols, None, given)
        output, state, _ = watched
        if drawn is not None:
            x = functional.embedding(ids, vectors)
            self._run_beside(x, hx, output.transpose(0, 1) if self.batch_first else output, drawn)
        return output.transpose(0, 1) if self.batch_first else output, (state[0] if len(state) == 1 else state)

    def _by_own_kernels(
        self,
        x: Tensor,
        packed: PackedSequence | None,
        state: tuple[Tensor, ...] | None,
        *,
        vectors: Tensor | None = None,
        keep: tuple[str, ...] = (),
    ) -> Watched:
        """Return output and signals, shaped as x `[time batch ...]` or packed `[token ...]`, and the final state.

        With `vectors [symbol input]`, x holds symbols, `[time batch]`. Without a state it is one of zeros.
        """
        shape = x.shape[:2] if packed is None else x.shape[:1]
        finals, outputs, kept = [], [], cast(Signals, {})
        for number, run in enumerate(self._runs):
            layer, reverse, place, _ = run
            steps = dense_steps(*shape, reverse) if packed is None else packed_steps(packed.batch_sizes, reverse)
            ran = own.run(
                self.cell_type,
                x if packed is not None else x.flatten(0, 1),
                state if state is None or len(self._runs) == 1 else tuple(part[number : number + 1] for part in state),
                self._weights(run),
                steps,
                keep=keep,
                vectors=vectors if layer == 0 else None,
            )
            outputs.append(ran.output)
            finals.append(ran.state)
            name = f"{self.known_as}.{place}"
            for signal, values in ran.signals.items():
                kept[name, signal] = values
            if reverse or not self.bidirectional:
                x, outputs = torch.cat(outputs, -1) if self.bidirectional else ran.output, []
                if layer < self.num_layers - 1:
                    x = self._between(x)
        final = finals[0] if len(finals) == 1 else tuple(torch.cat(parts) for parts in zip(*finals, strict=True))
        return Watched(x, final, kept)

    def _between(self, x: Tensor) -> Tensor:
        """Return what the next layer reads of a layer's output `[time batch ...]`."""
        return (locked_dropout if self.locked else functional.dropout)(x, self.dropout, self.training)

    def signals(
        self,
        input: Tensor | PackedSequence,
        hx: Any = None,
        *,
        keep: Collection[str] = (),
        edit: Mapping[tuple[str, str], Edit] | None = None,
        lengths: Tensor | None = None,
    ) -> Watched:
        """Return output, state and the signals named in `keep` of every layer, `[time batch hidden]` each.

        Input and state come as `forward` takes them; output and signals leave with time first, padded.
        `edit` maps (layer, signal), for example `("lstm.0", "forget_gate")`, to an edit made at each step;
        `lengths [batch]` says where padded sequences end. Layers go by the names that they have in a recording of the
        module this one is part of: `encoder.0` where it is `module.encoder`, `lstm.0` where it is part of none.
        Raises OptionError for a layer or signal that does not exist.
        """
        entered = self._padded(self._enter(input, hx, lengths))
        return self._watch(entered, tuple(keep), dict(edit or {}))

    @contextmanager
    def with_weights(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """Within the block the layers compute with these tensors in the place of their parameters of the same names,
        so that a gradient goes on to what the tensors are made of."""
        held = {name: self._parameters[name] for name in weights}
        self._parameters.update(weights)  # type: ignore[arg-type]  # what computes takes any tensor
        try:
            yield
        finally:
            self._parameters.update(held)
            for run in self._runs:
                self.cell(run.layer, reverse=run.reverse)  # which takes the parameters up again

    @contextmanager
    def listen(self, keep: Collection[str], tell: Tell, *, beside: bool = False) -> Iterator[None]:
        """Within the block, `tell` hears of every call of the layer: output, state and the signals named in `keep`,
        from the very run that the call returns, with its edits and with its gradients.

        With `beside` the call computes to the last bit what it would if nobody listened, and a second run, without
        gradients and with the same random numbers, is told of. That run raises OptionError where it cannot draw them.
        """
        self.check_names(keep, {})
        listener, listeners = (tuple(keep), tell), self._beside if beside else self._listeners
        listeners.append(listener)
        try:
            yield
        finally:
            listeners.remove(listener)

    def _listened(self) -> tuple[str, ...]:
        """Return the signals that somebody listens to."""
        return tuple(dict.fromkeys(signal for keep, _ in self._listeners for signal in keep))

    def _tell(
        self,
        listeners: list[tuple[tuple[str, ...], Tell]],
        watched: Watched,
        x: Tensor,
        lengths: Tensor | None,
        begin: tuple[Tensor, ...] | None,
    ) -> None:
        for keep, tell in listeners:
            heard = {key: value for key, value in watched.signals.items() if key[1] in keep}
            tell(Told(watched._replace(signals=heard), x, lengths, begin))

    def extra_repr(self) -> str:
        """Return the arguments that differ from the defaults, as torch prints them."""
        said = [str(self.input_size), str(self.hidden_size)]
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        said += [f"{k}={getattr(self, k)}" for k, v in defaults.items() if getattr(self, k) != v]
        return ", ".join(said)

    def flatten_parameters(self) -> None:
        """Do nothing: present because programs written for torch's layers call it."""

    def _weights(self, run: _Run) -> list[Tensor]:
        """Return the weights of one layer in one direction: parameters, or what has been put in their place."""
        own = self._parameters
        return [cast(Tensor, own[name] if name in own else getattr(self, name)) for name in run.weights]

    def _enter(self, input: Tensor | PackedSequence, hx: Any, lengths: Tensor | None = None) -> _Entered:
        packed = input if isinstance(input, PackedSequence) else None
        x, batched = (input, input.dim() == 3) if isinstance(input, Tensor) else (input.data, True)
        if packed is None:
            if x.dim() not in (2, 3):
                raise OptionError(f"input: expected 2 or 3 dimensions, got {x.dim()}")
            x = x[:, None] if not batched else x.transpose(0, 1) if self.batch_first else x
        if x.shape[-1] != self.input_size:
            raise OptionError(f"input: last dimension is {x.shape[-1]}, the layer's input_size {self.input_size}")
        batch = x.shape[1] if packed is None else int(packed.batch_sizes[0])
        return _Entered(x, self._begin(hx, batch), batch, lengths, packed, batched)

    def _padded(self, entered: _Entered) -> _Entered:
        """Return what was packed as `[time batch input]`, with its lengths."""
        if entered.packed is None:
            return entered
        x, lengths = pad_packed_sequence(entered.packed)
        return entered._replace(x=x, lengths=lengths.to(x.device))

    def _begin(self, hx: Any, batch: int) -> tuple[Tensor, ...] | None:
        """Return the state to begin with, each part `[layers*directions batch hidden]`; None for one of zeros."""
        if hx is None:
            return None
        parts = (hx,) if isinstance(hx, Tensor) else tuple(hx)
        state = tuple(part[:, None] if part.dim() == 2 else part for part in parts)
        count, cell = self.num_layers * (2 if self.bidirectional else 1), self._cells[0][0]
        for name, part in zip(self.cell_type.state_type._fields, state, strict=False):
            expected = (count, batch, part.shape[-1] if name in cell.growing else cell.width(name))
            if part.shape != expected:
                raise OptionError(f"initial state: expected shape {expected}, got {tuple(part.shape)}")
        return state

    def _own(self, x: Tensor, state: tuple[Tensor, ...] | None) -> bool:
        """Return whether our own kernels compute this."""
        return x.numel() > 0 and own.refusal(self.cell_type, x, *(state or ()), *self._parameters.values()) is None

    def _sorted(self, state: tuple[Tensor, ...] | None, packed: PackedSequence | None) -> tuple[Tensor, ...] | None:
        if state is None or packed is None or packed.sorted_indices is None:
            return state
        return tuple(part.index_select(1, packed.sorted_indices) for part in state)

    def _leave(self, output: Tensor, state: tuple[Tensor, ...], entered: _Entered) -> Any:
        if entered.packed is not None:
            assert entered.lengths is not None
            output_packed = pack_padded_sequence(output, entered.lengths.cpu(), enforce_sorted=False)
            return output_packed, (state[0] if len(state) == 1 else state)
        if not entered.batched:
            output, state = output[:, 0], tuple(part[:, 0] for part in state)
        elif self.batch_first:
            output = output.transpose(0, 1)
        return output, (state[0] if len(state) == 1 else state)

    def _watch(self, entered: _Entered, keep: tuple[str, ...], edit: dict[tuple[str, str], Edit]) -> Watched:
        edit = {**self.edits, **edit}
        self.check_names(keep, edit)
        if not edit and entered.lengths is None and self._own(entered.x, entered.state):
            return self._by_own_kernels(entered.x, None, entered.state, keep=keep)
        x, kept, finals = entered.x, cast(Signals, {}), []
        begin = entered.state or self.initial_state(entered.batch, x)
        outputs: list[Tensor] = []
        for number, (layer, reverse, name) in enumerate(self.directions()):
            cell = self.cell(layer, reverse=reverse)
            state = cell.state_type(*(part[number] for part in begin))
            edits = {signal: change for (at, signal), change in edit.items() if at == name} if edit else {}
            done = path.run(cell, x, state, keep=keep, edits=edits, lengths=entered.lengths, reverse=reverse)
            outputs.append(done.output)
            finals.append(done.state)
            for signal, value in done.signals.items():
                kept[name, signal] = value
            if reverse or not self.bidirectional:
                x, outputs = torch.cat(outputs, -1) if self.bidirectional else done.output, []
                if layer < self.num_layers - 1:
                    x = self._between(x)
        return Watched(x, tuple(torch.stack(parts) for parts in zip(*finals, strict=True)), kept)

    def check_names(
        self, keep: Collection[str], edits: Mapping[tuple[str, str], Edit], name: str | None = None
    ) -> None:
        """Raise OptionError for a signal, or for an edited layer, that is not there; `name` is what the layer goes by
        where that is not its own."""
        for signal in (*keep, *(signal for _, signal in edits)):
            if signal not in self.cell_type.signals:
                raise OptionError(
                    f"signal {signal!r}: the {name or self.known_as} has {', '.join(self.cell_type.signals)}"
                )
        layers = [f"{name or self.known_as}.{run.place}" for run in self._runs] if edits else []
        for at, _ in edits:
            if at not in layers:
                raise OptionError(f"layer {at!r}: there is {', '.join(layers)}")


def _note_path(_: nn.Module, name: str, part: nn.Module | None) -> None:
    """Tell the layers of a module that is put into another what their path is there."""
    for below, layer in () if part is None else part.named_modules():
        if isinstance(layer, Recurrent):
            layer.path = f"{name}.{below}" if below else name


register_module_module_registration_hook(_note_path)


class LSTM(Recurrent):
    """A drop-in for `torch.nn.LSTM` (`proj_size` excepted) that can show and edit what happens inside."""

    cell_type = LSTMCell
    name = "lstm"

    def __init__(self, *args: Any, proj_size: int = 0, **options: Any) -> None:
        if proj_size:
            raise OptionError(
                f"proj_size={proj_size}: naibu.LSTM has no projection; use torch.nn.LSTM, which naibu.record reads"
            )
        super().__init__(*args, **options)


class GRU(Recurrent):
    """A drop-in for `torch.nn.GRU` that can show and edit what happens inside."""

    cell_type = GRUCell
    name = "gru"


class RNN(Recurrent):
    """A drop-in for `torch.nn.RNN` that can show and edit what happens inside."""

    cell_type: type[Cell] = ElmanCell
    name = "rnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **options: Any,
    ) -> None:
        cells: dict[str, type[Cell]] = {"tanh": ElmanCell, "relu": ElmanReLUCell}
        if nonlinearity not in cells:
            raise OptionError(f"nonlinearity={nonlinearity!r}: must be 'tanh' or 'relu'")
        self.cell_type, self.nonlinearity = cells[nonlinearity], nonlinearity
        super().__init__(input_size, hidden_size, num_layers, *args, **options)
