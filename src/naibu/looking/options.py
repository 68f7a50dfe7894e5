"""What single steps are asked for: every field is an option of the command, its docstring the help. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from naibu.config import CellName, SignalName
from naibu.errors import OptionError

Part = Literal["train", "validation", "test"]


def _at_least(options: object, **least: int) -> None:
    for name, low in least.items():
        value = getattr(options, name)
        if value is not None and value < low:
            raise OptionError(f"--{name} {value}: must be at least {low}")


@dataclass(frozen=True)
class Recorded:
    """What of a network is recorded, and under which name."""

    keep: tuple[SignalName, ...] = ()
    """A signal to keep; repeat it for more. All when not given."""
    label: tuple[str, ...] = ()
    """A label to carry besides the usual ones, depth:NP or inside:SBAR for example; repeat it for more."""
    labels: tuple[str, ...] = ()
    """A file of your own labels of a text, or source:FILE and target:FILE of a translation: tab-separated columns, a
    line a symbol or a word, a header line; repeat it for more."""
    split: tuple[Part, ...] = ("train", "test")
    """A part to record; repeat it, or validation,test. Probes are fitted on train and scored on test."""
    positions: int | None = None
    """Symbols of each part, at most; when not given 100,000 of train, 150,000 of the others."""
    name: str = "trained"
    """The recording's name. Probes read trained, beside which alone the untrained network is recorded."""
    dtype: Literal["float16", "float32"] = "float16"
    """How values are stored."""

    def __post_init__(self) -> None:
        _at_least(self, positions=1)
        if not self.name or Path(self.name).name != self.name or self.name == "untrained":
            raise OptionError(f"--name {self.name}: must be the name of a folder, and not untrained")

    def symbols(self, part: Part) -> int:
        """Return how many symbols of a part are recorded, at most."""
        return self.positions or (100_000 if part == "train" else 150_000)


@dataclass(frozen=True)
class Probed:
    """Which probes alone are computed; all of them when nothing is given."""

    label: str | None = None
    """Only the correlation of every unit with this label of the recording; source:NAME is one of the source."""
    parts: tuple[str, str] | None = None
    """Only telling these two parts of speech apart, VB and NN when not given; VB* is all that begin with VB."""
    word: str | None = None
    """Only the tokens of this word by part of speech, with their nearest neighbours; "that" when not given."""


@dataclass(frozen=True)
class Held:
    """What is held still, or rounded in its place."""

    unit: int | None = None
    """The unit to hold, counted from 0; the one that follows depth best when not given."""
    signal: SignalName | None = None
    """The signal in which it is held; cell when not given (hidden where there is no cell)."""
    draws: int = 10
    """How many random units to hold beside it, one at a time."""
    by: str | None = None
    """A label of few values, rush_hour or hour for example: tell every measure at the steps of each of them, too."""
    ternary: bool = False
    """In place of holding a unit, round the update (i * g) to -1, 0, 1 at every step, and see what that costs."""

    def __post_init__(self) -> None:
        _at_least(self, draws=0)
        if self.ternary and (self.unit is not None or self.signal is not None or self.by is not None):
            raise OptionError("--ternary: rounds the update of every unit; give no --unit, no --signal and no --by")


@dataclass(frozen=True)
class Coloured:
    """Which unit colours a text, and which text: held-out text of the corpus without one."""

    unit: int | None = None
    """The unit, counted from 0; when not given, the one that was found for the label."""
    signal: SignalName | None = None
    """Its signal; with --unit cell when not given (hidden where there is no cell)."""
    layer: str | None = None
    """Its layer, lstm.0 for example; with --unit the uppermost when not given."""
    label: str | None = None
    """A label of the text: its unit is shown, its places are underlined."""
    text: str | None = None
    """The text to read; trees or source code where the network learnt those."""
    symbols: int = 2_000
    """Symbols shown at most."""

    def __post_init__(self) -> None:
        _at_least(self, symbols=1)


@dataclass(frozen=True)
class Gradients:
    """What is measured of gradients: of which networks to train, at which lags, of what, and on how much."""

    cells: tuple[CellName, ...] = ()
    """A cell to train; repeat it, or rnn,gru. When not given rnn, lstm without and with forget gate, gru."""
    units: int = 100
    """Hidden units of the networks to train; norms are exact up to 128, estimated beyond."""
    steps: int = 600
    """Steps of training for each; the same number for all cells."""
    lags: int = 100
    """The longest lag."""
    wrt: tuple[Literal["hidden", "state", "cell", "carousel"], ...] = ()
    """Derivative of what at T by the same at t; repeat it for more. All but state when not given."""
    norm: Literal["spectral", "frobenius"] | None = None
    """Which norm; spectral when not given, frobenius beyond 128 units, where 64 random vectors estimate it."""
    sequences: int = 24
    """Test sequences at most; the norm is their median, with an interval over them."""
    seed: int = 1
    """Seed of weights, batches, sequences and random vectors."""
    clipping: bool = False
    """Show clipping at work instead: the gradient's norm and the loss with and without it."""
    out: Path = Path("looks/gradients")
    """Holds the networks trained, the tables and the pictures."""

    def __post_init__(self) -> None:
        _at_least(self, units=1, steps=1, lags=1, sequences=2, seed=0)
        if self.clipping and self.cells:
            raise OptionError("--clipping: trains an Elman network of its own; leave --cells out")
