"""What is inside a cell, found by running one step of it and noting what is made of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from naibu.cells.base import Cell
from naibu.errors import OptionError

INPUT, HIDDEN = 3, 2  # sizes of the cell that is run, of one head of it
LETTERS = {
    "input_gate": "i",
    "forget_gate": "f",
    "output_gate": "o",
    "candidate": "g",
    "update": "u",
    "cell": "c",
    "hidden": "h",
    "reset_gate": "r",
    "update_gate": "z",
    "relevance_gate": "q",
    "normaliser": "n",
    "stabiliser": "m",
    "input": "x",
}
"""What a signal is called in equations; that of a GRU's candidate is n, as in its papers."""
_FUNCTIONS = {
    "sigmoid": "σ",
    "tanh": "tanh",
    "relu": "ReLU",
    "exp": "exp",
    "log_sigmoid": "log σ",
    "logsigmoid": "log σ",
    "softplus": "softplus",
}
_VIEWS = {"chunk", "split", "__getitem__", "view", "reshape", "narrow", "unbind", "flatten", "squeeze", "unsqueeze"}
_BETWEEN = {"mul": "×", "div": "÷", "true_divide": "÷", "maximum": "max", "minimum": "min"}


@dataclass(eq=False)
class Node:
    """One value of a step: what was there before it (`source`), what is weighted and summed (`weighted`), or what is
    done to each unit alone (`pointwise`). `signal` is its name where it has one."""

    kind: str
    symbol: str
    terms: tuple[Term, ...] = ()
    signal: str = ""

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The values it is made of, each once."""
        return tuple(dict.fromkeys(term.node for term in self.terms))


class Term(NamedTuple):
    """One summand, or one of the values that a function takes."""

    node: Node
    weight: str = ""  # "W", "LN W", "p" where it is weighted
    row: str = ""  # the letter of the gate whose weights these are
    minus: bool = False


@dataclass
class Inside:
    """One step of a cell: what it begins with, every value in the order computed, and the state after it."""

    name: str
    sources: dict[str, Node]  # "input", and the parts of the state before
    nodes: list[Node] = field(default_factory=list)
    state: dict[str, Node] = field(default_factory=dict)  # after it
    signals: dict[str, Node] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    bias: bool = True
    recurrent: bool = True

    def reads(self, node: Node) -> set[str]:
        """Return the sources that a value depends on."""
        names = {source: name for name, source in self.sources.items()}
        found, waiting = set[str](), [node]
        while waiting:
            one = waiting.pop()
            if one in names:
                found.add(names[one])
            waiting += one.inputs
        return found

    def equations(self) -> Iterator[tuple[str, str, str]]:
        """Yield letter, right-hand side and name of every signal, in the order computed; `^` before what is old."""
        for name, node in self.signals.items():
            yield self.letters[name], self._text(node, top=True), name.replace("_", " ")

    def _called(self, node: Node) -> str:
        old = next((name for name, source in self.sources.items() if source is node), None)
        if old is not None:
            return self.letters[old] if old == "input" else f"^{self.letters[old]}"
        return self.letters[node.signal] if node.signal else self._text(node)

    def _text(self, node: Node, *, top: bool = False) -> str:
        sums, symbol = self._sum(node), node.symbol
        if symbol in ("W", "+"):
            return sums if top else f"({sums})"
        if symbol == "1−":
            return f"1 − {sums}" if top else f"(1 − {sums})"
        if symbol in ("×", "÷"):
            between = " ⊙ " if symbol == "×" else " / "
            return between.join(self._called(term.node) for term in node.terms)
        if symbol in ("max", "min"):
            return f"{symbol}({', '.join(self._called(term.node).strip('()') for term in node.terms)})"
        before, _, after = symbol.partition(" − ")
        text = f"{before}({sums})" + (f" − {after}" if after else "")
        return text if top or not after else f"({text})"

    def _sum(self, node: Node) -> str:
        said, matrices = "", list[str]()
        for term in node.terms:
            called = self._called(term.node)
            if term.weight.endswith("W"):
                matrices.append("x" if term.node is self.sources["input"] else "h")
                called = f"({called})" if " " in called else called
                called = f"W_{{{matrices[-1]}{term.row}}} {called}"
                called = f"LN({called})" if term.weight == "LN W" else called
            elif term.weight:
                called = f"{term.weight} ⊙ {called}"
            said += (" − " if said else "−") if term.minus else " + " if said else ""
            said += called
        if not matrices or not self.bias:
            return said
        half = matrices[0] if self.recurrent and len(matrices) == 1 else ""
        return f"{said} + b_{{{half}{next(term.row for term in node.terms if term.weight.endswith('W'))}}}"


class _Value(NamedTuple):
    """What a tensor stands for: a sum of terms, and from which row of the weights on it lies."""

    terms: tuple[Term, ...]
    first: int | None = None


class _Tracer(TorchFunctionMode):
    """Runs what is asked for, and notes what each tensor is made of."""

    def __init__(self, cell: Cell, inside: Inside) -> None:
        super().__init__()
        self.cell, self.inside = cell, inside
        self.values: dict[int, _Value] = {}
        self.alive: list[Tensor] = []

    def note(self, tensor: Tensor, value: _Value) -> None:
        """Say what a tensor stands for."""
        self.values[id(tensor)] = value
        self.alive.append(tensor)

    def of(self, tensor: object) -> _Value | None:
        """Return what a tensor stands for, None for a parameter or a constant."""
        return self.values.get(id(tensor)) if isinstance(tensor, Tensor) else None

    def node(self, tensor: Tensor) -> Node:
        """Return a tensor as one value; a sum becomes one."""
        value = self.values[id(tensor)]
        (first, *others) = value.terms
        if not others and not first.weight and not first.minus:
            return first.node
        weighted = all(term.weight for term in value.terms)
        made = self.made(Node("weighted", "W", value.terms) if weighted else Node("pointwise", "+", value.terms))
        self.note(tensor, _Value((Term(made),)))
        return made

    def made(self, node: Node) -> Node:
        """Note a new value."""
        self.inside.nodes.append(node)
        return node

    def tap(self, signal: str, value: Tensor) -> Tensor:
        """Name a value; one that had a name already is passed on under another."""
        with torch._C.DisableTorchFunctionSubclass():
            node = self.node(value)
            if node.signal or node.kind == "source":
                node = self.made(Node("pointwise", "=", (Term(node),)))
                value = value.clone()
            node.signal = signal
            self.inside.signals[signal] = node
            self.note(value, _Value((Term(node),)))
        return value

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given = [each for each in (*args, *kwargs.values()) if self.of(each) is not None]
        if not given:
            return result
        parts = [result] if isinstance(result, Tensor) else list(result) if isinstance(result, tuple | list) else []
        for part in parts:
            if isinstance(part, Tensor) and part.is_floating_point() and id(part) not in self.values:
                self.note(part, self._value(getattr(func, "__name__", str(func)), args, given, part))
        return result

    def _value(self, name: str, args: Any, given: list[Tensor], result: Tensor) -> _Value:
        first = self.values[id(given[0])]
        numbers = [each for each in args if isinstance(each, int | float)]
        others = [each for each in args if isinstance(each, Tensor) and self.of(each) is None]
        if name in _VIEWS:
            moved = (
                None
                if first.first is None
                else first.first + int(result.storage_offset()) - int(given[0].storage_offset())
            )
            return self._placed(first.terms, moved, result)
        if name == "linear":
            weight = args[1]
            row = int(weight.storage_offset()) // int(weight.shape[1])
            return self._placed((Term(self.node(given[0]), "W"),), row, result)
        if name in ("einsum", "matmul", "__matmul__", "mm"):
            return self._placed((Term(self.node(given[0]), "W"),), 0, result)
        if name in ("add", "sub", "__rsub__", "neg"):
            return self._sum(name, args, first, given, numbers, result)
        if name == "layer_norm" and all(term.weight == "W" for term in first.terms):
            return _Value(tuple(term._replace(weight="LN W") for term in first.terms), first.first)
        if name == "mul" and len(given) == 1 and others:
            return _Value((Term(self.node(given[0]), "p"),), first.first)
        if name == "mul" and len(given) == 1 and numbers:
            return self._unary(f"{numbers[0]:g} " + "{}", given[0])
        if name == "where":
            return self.values[id(next(each for each in (args[2], args[1]) if self.of(each) is not None))]
        if name in _FUNCTIONS:
            terms = first.terms
            weighted = any(term.weight for term in terms)
            return self._node(Node("weighted" if weighted else "pointwise", _FUNCTIONS[name], terms))
        symbol = "LN" if name == "layer_norm" else _BETWEEN.get(name, name.strip("_"))
        return self._node(Node("pointwise", symbol, tuple(Term(self.node(each)) for each in given)))

    def _sum(
        self, name: str, args: Any, first: _Value, given: list[Tensor], numbers: list[float], result: Tensor
    ) -> _Value:
        if numbers and name == "__rsub__":
            return self._node(Node("pointwise", f"{numbers[0]:g}−", (Term(self.node(given[0])),)))
        if numbers:
            sign = "−" if (name == "sub") == (numbers[0] > 0) else "+"
            return self._unary("{}" + f" {sign} {abs(numbers[0]):g}", given[0])
        terms = list[Term]()
        for place, each in enumerate(args):
            value = self.of(each)
            minus = name == "neg" or (name == "sub" and place == 1) or (name == "__rsub__" and place == 0)
            for term in () if value is None else value.terms:
                terms.append(term._replace(minus=term.minus != minus))
        firsts = {self.values[id(each)].first for each in given} - {None}
        return self._placed(tuple(terms), firsts.pop() if firsts else None, result)

    def _unary(self, text: str, tensor: Tensor) -> _Value:
        """Return a value with a number before or behind it: as part of the function that made it."""
        node = self.node(tensor)
        if node.signal or node.symbol not in {*_FUNCTIONS.values()} | {
            n.symbol for n in self.inside.nodes if " " in n.symbol
        }:
            return self._node(Node("pointwise", text.format("·"), (Term(node),)))
        node.symbol = text.format(node.symbol)
        return _Value((Term(node),))

    def _placed(self, terms: tuple[Term, ...], first: int | None, result: Tensor) -> _Value:
        """Return a sum whose weighted terms say which gate's rows they are, once it is one gate's."""
        if (
            first is not None
            and result.shape[-1] == (size := self.cell.hidden_size)
            and first < size * len(self.cell.gates)
        ):
            row = self.inside.letters.get(self.cell.gates[first // size], "")
            terms = tuple(term._replace(row=row) if term.weight and not term.row else term for term in terms)
        return _Value(terms, first)

    def _node(self, node: Node) -> _Value:
        return _Value((Term(self.made(node)),))


def trace(kind: type[Cell], *, bias: bool = True) -> Inside:
    """Return what one step of a cell does, from running it once, in evaluation mode.

    Raises OptionError for a cell that does more than weigh, sum, and work on each unit alone.
    """
    if not kind.unitwise:
        raise OptionError(f"{kind.__name__}: no drawing; it has a step that does not work on each unit alone")
    cell = kind(INPUT, HIDDEN * getattr(kind, "heads", 1), bias=bias).double().eval()
    letters = dict(LETTERS)
    if not {"cell", "input_gate"} & {*cell.signals}:
        letters["candidate"] = "n"
    for signal in (*cell.signals, *cell.state_type._fields):
        letters.setdefault(signal, signal.replace("_", " "))
    x = torch.ones(1, INPUT, dtype=torch.float64)
    state = cell.initial_state(1, x)
    state = type(state)(*(part + 0.5 for part in state))
    inside = Inside(type(cell).__name__, {}, letters=letters, bias=cell.bias, recurrent=cell.recurrent)
    tracer = _Tracer(cell, inside)
    for name, tensor in (("input", x), *state._asdict().items()):
        inside.sources[name] = Node("source", letters[name])
        tracer.note(tensor, _Value((Term(inside.sources[name]),)))
    with torch.no_grad():
        cell = cell.for_sequences(x[None])
        with tracer:
            after = cell.step(cell.project(x), state, tracer.tap)
        inside.state = {name: tracer.node(part) for name, part in after._asdict().items() if tracer.of(part)}
    return inside
