"""The LSTM of 1997: how large it is, what is connected, how it begins and by what rule it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from naibu.errors import OptionError

Gate = Literal["input", "forget", "output"]


class Sizes(NamedTuple):
    """Where the units stand. In order: output gates, input gates, forget gates if there are any, cells."""

    inputs: int
    blocks: int
    size: int  # cells in a block
    outputs: int
    forget: int  # forget gates: as many as blocks, or none
    direct: int  # inputs that the outputs see: all or none

    @property
    def cells(self) -> int:
        """Cells in all."""
        return self.blocks * self.size

    @property
    def first_cell(self) -> int:
        """The first unit that is a cell."""
        return 2 * self.blocks + self.forget

    @property
    def units(self) -> int:
        """Gates and cells."""
        return self.first_cell + self.cells

    @property
    def sources(self) -> int:
        """What a unit sees, its bias included, which is the last."""
        return self.inputs + self.units + 1

    @property
    def seen(self) -> int:
        """What an output sees: the cells, the inputs if they are joined to it, and its bias, which is the last."""
        return self.cells + self.direct + 1


@dataclass(frozen=True)
class Network:
    """Memory blocks between inputs and outputs (Hochreiter & Schmidhuber 1997, section 4).

    Every gate and cell sees the inputs, and what all gates and cells did one step earlier; the outputs see the cells.
    """

    inputs: int
    blocks: int
    size: int
    """Cells in a block; they share its gates."""
    outputs: int
    gate_bias: bool = True
    cell_bias: bool = True
    output_bias: bool = True
    starts: dict[Gate, tuple[float, ...]] = field(default_factory=dict)
    """Initial biases of a kind of gate, a number for each block; drawn like the weights where not given."""
    initial: float = 0.1
    """Weights are drawn evenly from -initial to initial."""
    cell_range: float = 2.0
    """g, which squashes what a cell is given, goes from -cell_range to cell_range (equation 4)."""
    output_range: float = 1.0
    """h, which squashes what a cell gives, goes from -output_range to output_range (equation 5)."""
    forget_gate: bool = False
    """Gers, Schmidhuber & Cummins 2000."""
    peepholes: bool = False
    """Gates see the cells of their block; no error flows back there (Gers, Schraudolph & Schmidhuber 2002)."""
    hidden_sees_gates: bool = True
    """Whether gates and cells see the gates; without, the inputs and the cells only."""
    direct: bool = False
    """Whether the outputs see the inputs too."""

    def __post_init__(self) -> None:
        for name in ("inputs", "blocks", "size", "outputs"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} {getattr(self, name)}: must be at least 1")
        for gate, values in self.starts.items():
            if len(values) != self.blocks:
                raise OptionError(f"{gate} gates: {len(values)} initial biases for {self.blocks} blocks")

    @property
    def sizes(self) -> Sizes:
        """The numbers of units, as the compiled learner takes them."""
        forget, direct = self.blocks * self.forget_gate, self.inputs * self.direct
        return Sizes(self.inputs, self.blocks, self.size, self.outputs, forget, direct)

    def connected(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return 1 where there is a weight, else 0: of gates and cells `[unit source]`, of outputs `[output seen]`."""
        sizes = self.sizes
        hidden = np.ones((sizes.units, sizes.sources), np.float32)
        if not self.hidden_sees_gates:
            hidden[:, sizes.inputs : sizes.inputs + sizes.first_cell] = 0
        hidden[: sizes.first_cell, -1] = self.gate_bias
        hidden[sizes.first_cell :, -1] = self.cell_bias
        output = np.ones((sizes.outputs, sizes.seen), np.float32)
        output[:, -1] = self.output_bias
        return hidden, output

    @property
    def weights(self) -> int:
        """Weights in all, biases and peepholes included: the counts of the paper's tables."""
        gates = self.sizes.first_cell
        return int(sum(part.sum() for part in self.connected())) + self.peepholes * gates * self.size


class Weights(NamedTuple):
    """The weights of several trials side by side."""

    hidden: NDArray[np.float32]  # [unit source lane], the bias last
    output: NDArray[np.float32]  # [output seen lane], the bias last
    peephole: NDArray[np.float32]  # [gate size lane]

    def of(self, lane: int) -> Weights:
        """Return one trial's weights."""
        return Weights(*(part[..., lane].copy() for part in self))


def initial_weights(network: Network, seed: int, trials: Sequence[int]) -> Weights:
    """Return the weights with which trials begin; those of a trial depend on `seed` and its number alone."""
    drawn = [_drawn(network, np.random.default_rng([seed, trial, 1997])) for trial in trials]
    return Weights(*(np.stack(part, axis=-1) for part in zip(*drawn, strict=True)))


def _drawn(network: Network, rng: np.random.Generator) -> Weights:
    sizes = network.sizes
    shapes = ((sizes.units, sizes.sources), (sizes.outputs, sizes.seen), (sizes.first_cell, sizes.size))
    hidden, output, peephole = (
        rng.uniform(-network.initial, network.initial, shape).astype(np.float32) for shape in shapes
    )
    first = {"output": 0, "input": sizes.blocks, "forget": 2 * sizes.blocks}
    for gate, values in network.starts.items():
        hidden[first[gate] : first[gate] + sizes.blocks, -1] = values
    there, seen = network.connected()
    return Weights(hidden * there, output * seen, peephole * np.float32(network.peepholes))


@dataclass(frozen=True)
class Learning:
    """The rule by which weights change."""

    rate: float
    gradient: Literal["truncated", "full"] = "truncated"
    """truncated: errors leave a memory block for nowhere but its own cells' states (appendix A.1, the paper's
    algorithm). full: the exact gradient of the sequence's error (Graves & Schmidhuber 2005)."""
    update: Literal["sequence", "step"] = "sequence"
    """When weights change: after every sequence, by the sum of all steps, or at every step."""
    output_derivative: bool = True
    """Whether e_k = f'(net_k) (t_k - y_k), as equation 19 has it, or without f', as for cross-entropy."""

    def __post_init__(self) -> None:
        if self.gradient == "full" and self.update == "step":
            raise OptionError("gradient full: needs the whole sequence, so update must be sequence")
