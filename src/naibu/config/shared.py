"""The configurations that all tasks share, and how their numbers are checked."""

import math
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Literal, get_args

from naibu.errors import OptionError

CellName = Literal[
    "lstm",
    "gru",
    "rnn",
    "rnn-relu",
    "one-to-one",
    "lstm-1997",
    "lstm-peephole",
    "lstm-coupled",
    "lstm-no-input-gate",
    "lstm-no-forget-gate",
    "lstm-no-output-gate",
    "lstm-cheat-sheet",
    "lstm-layer-norm",
    "gru-reset-before",
    "min-lstm",
    "min-gru",
    "slstm",
    "slstm-exponential",
    "ntm",
    "stack-rnn",
]
SignalName = Literal[
    "input_gate",
    "forget_gate",
    "candidate",
    "output_gate",
    "update",
    "cell",
    "hidden",
    "reset_gate",
    "update_gate",
    "relevance_gate",
    "stabiliser",
    "normaliser",
    "controller",
    "read_key",
    "write_key",
    "read_strength",
    "write_strength",
    "read_gate",
    "write_gate",
    "read_shift",
    "write_shift",
    "read_sharpening",
    "write_sharpening",
    "erase",
    "add",
    "read_weighting",
    "write_weighting",
    "memory",
    "read",
    "action",
    "pushed",
    "stack",
]
SoftmaxName = Literal["full", "adaptive"]
EmbeddingName = Literal["learned", "one-hot"]
KeepName = Literal["best", "last"]
DecayName = Literal["linear", "cosine", "one-cycle", "none", "plateau"]
AveragingName = Literal["none", "non-monotone", "last"]
OptimiserName = Literal["adam", "adamw", "sgd"]
SymbolsName = Literal["kept", "grown"]
PrecisionName = Literal["float32", "bfloat16"]
DeviceName = Literal["cpu", "cuda"]
PartName = Literal["test", "validation"]
CELLS: tuple[CellName, ...] = get_args(CellName)


LARGEST = {
    "units": 65_536,
    "hidden": 65_536,
    "embedding": 65_536,
    "memory_locations": 65_536,
    "memory_width": 65_536,
    "layers": 1_000,
    "threads": 1_024,
    "workers": 1_024,
    "seeds": 10_000,
    "seed": 2**32 - 1,
    "split_seed": 2**32 - 1,
    "steps": 10**12,
    "minutes": 10**6,
    "lag": 100_000,
    "lags": 100_000,
    "trials": 10**6,
    "draws": 10**6,
    "batch": 65_536,
    "rows": 10**9,
}
"""The largest number that an option takes, 2**31 - 1 where nothing is said: beyond it nothing is meant, or fits."""


def check_number(name: str, value: object) -> None:
    """Raise OptionError for a number that is NaN, infinite, or beyond what the option may be; others are let by."""
    for each in value if isinstance(value, tuple) else (value,):
        if isinstance(each, (int, float)) and not isinstance(each, bool):
            most = LARGEST.get(name, 2**31 - 1)
            shown = f"{each:.6g}" if isinstance(each, float) else str(each) if abs(each) < 10**20 else "..."
            fits = math.isfinite(each) and abs(each) <= most
            check(fits or (name, each) == ("clip", math.inf), name, shown, f"a number, of at most {most} in size")


def check_numbers(options: Any) -> None:
    """Raise OptionError as `check_number`, for every field of a dataclass of options."""
    for each in fields(options):
        check_number(each.name, getattr(options, each.name))


def check(condition: bool, option: str, value: object, allowed: str) -> None:
    """Raise OptionError that says what an option may be, unless the condition holds."""
    if not condition:
        raise OptionError(f"--{option.replace('_', '-')} {value}: must be {allowed}")


def one_of(names: Any) -> str:
    """Return the names of a Literal, as an error lists them."""
    return f"one of {', '.join(get_args(names))}"


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a network."""

    cell: CellName = "lstm"
    """The recurrent cell: lstm, gru, rnn (Elman, tanh), or any of the table in docs/cells.md."""
    units: int = 0
    """Hidden units of each layer; 0 takes what suits the task."""
    layers: int = 1
    """Layers, one on the other."""
    embedding: int = 0
    """Size of the vector of a symbol; 0 chooses: the units, or twice the vocabulary where that is less."""
    dropout: float = 0.3
    """Share of values dropped between layers and before the output."""
    embedding_dropout: float | None = None
    """Share of values dropped from the vectors of the symbols read, anew for each; as --dropout when not given."""
    tied: bool = False
    """Let the output layer use the embedding's weights (then embedding equals units)."""
    softmax: SoftmaxName = "full"
    """The output layer; adaptive keeps rarer symbols in groups of their own, faster for large vocabularies."""
    cutoffs: tuple[int, ...] = ()
    """Symbols, the most frequent first, before each group of an adaptive softmax; chosen when not given."""
    forget_bias: float = 1.0
    """Added to the forget gate's bias before training, where that gate has weights of its own."""
    input_gate_bias: float = 0.0
    """Added to the input gate's bias before training; below 0 against a drift of the cell."""
    output_gate_bias: float = 0.0
    """Added to the output gate's bias before training; below 0 against cells abused as biases."""
    orthogonal: bool = False
    """Let the recurrent weights of each gate begin orthogonal."""
    zoneout: float = 0.0
    """Probability that a unit of the hidden state keeps its old value in a step of training."""
    zoneout_cell: float = 0.0
    """The same of the cell, where there is one."""
    variational_dropout: float = 0.0
    """Share of each layer's input and of the hidden state its gates read dropped, the same for a whole sequence."""
    weight_drop: float = 0.0
    """Share of the recurrent weights dropped, anew for every batch."""
    heads: int = 1
    """Groups of units of an slstm whose gates read only their own group."""
    memory_locations: int = 128
    """Locations of the memory of an ntm."""
    memory_width: int = 20
    """Numbers in each location of the memory of an ntm."""

    _open: ClassVar[tuple[None, ...]] = ()
    """What an option may be besides, as long as it has not been chosen."""
    _free_embedding: ClassVar[bool] = False
    """Whether a tied output layer reads vectors of the embedding's size, whatever the units."""

    @property
    def input_dropout(self) -> float:
        """The share of values dropped from the vectors of the symbols read."""
        return self.dropout if self.embedding_dropout is None else self.embedding_dropout

    def __post_init__(self) -> None:
        check_numbers(self)
        check(self.cell in CELLS, "cell", self.cell, one_of(CellName))
        check(self.units >= 0, "units", self.units, "at least 1, or 0 for what suits the task")
        check(self.layers >= 1, "layers", self.layers, "at least 1")
        check(self.embedding >= 0, "embedding", self.embedding, "0 (chosen for you) or more")
        for name in ("dropout", "embedding_dropout", "zoneout", "zoneout_cell", "variational_dropout", "weight_drop"):
            value = getattr(self, name)
            check(value is None or 0 <= value < 1, name, value, "from 0 up to, not including, 1")
        check(self.heads >= 1, "heads", self.heads, "at least 1")
        several = self.heads == 1 or self.cell.startswith("slstm")
        check(several, "heads", self.heads, f"1 with --cell {self.cell}; only an slstm has heads")
        for name in ("memory_locations", "memory_width"):
            value, usual = getattr(self, name), getattr(ModelConfig, name)
            check(value >= 1, name, value, "at least 1")
            fits = value == usual or self.cell == "ntm"
            check(fits, name, value, f"left away with --cell {self.cell}; only an ntm has a memory of its own")
        check(self.units % self.heads == 0, "heads", self.heads, f"a divisor of the {self.units} units")
        tied_fits = not self.tied or self._free_embedding or self.embedding in (0, self.units)
        check(tied_fits, "embedding", self.embedding, f"{self.units}, the units, when --tied")
        check(self.softmax in (*get_args(SoftmaxName), *self._open), "softmax", self.softmax, one_of(SoftmaxName))
        object.__setattr__(self, "cutoffs", tuple(self.cutoffs))  # a list when read from a file
        shown = " ".join(map(str, self.cutoffs))
        fits = self.softmax == "adaptive" or not self.cutoffs
        check(fits, "cutoffs", shown, "left away unless --softmax adaptive")


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained; every schedule counts steps."""

    steps: int | None = None
    """Steps of training, one update each, in place of minutes; repeats a run exactly."""
    minutes: float | None = None
    """Minutes of training, 5 when not given (steps on standard-library); becomes a number of steps after a warm-up."""
    seed: int = 1
    """Seed of weights, batches and dropout."""
    batch_size: int = 16
    """Sequences in a batch, at most."""
    batch_tokens: int = 4096
    """Symbols in a batch, at most (a longer sequence makes a batch of its own)."""
    truncation: int = 500
    """Steps through which gradients travel back; longer sequences are cut and carry their state on."""
    variable_truncation: bool = False
    """Draw the length of each piece anew around --truncation, and scale the learning rate with it; for tasks whose
    text is read as lanes side by side."""
    learning_rate: float = 3e-3
    """Learning rate at its highest."""
    optimiser: OptimiserName = "adam"
    """What changes the weights; sgd is plain gradient descent, without momentum."""
    adam_beta2: float = 0.999
    """How slowly adam and adamw forget how large gradients were; .99 forgets ten times as fast."""
    weight_decay: float = 0.0
    """Share of a weight that is taken from it in a step, times the learning rate; 0 with adam."""
    warmup: int = 50
    """Steps over which the learning rate rises from 0."""
    decay: DecayName = "linear"
    """How the learning rate falls: linear or cosine to a fiftieth at the last step; one-cycle, which rises over three
    tenths of the steps in place of --warmup, to a thousandth; none; or plateau, to a quarter after each validation that
    is not the best so far."""
    keep: KeepName = "best"
    """Which weights are kept: those with the best validation loss, or those of the last validation."""
    averaging: AveragingName = "none"
    """Weights that are validated and kept: those of the step; or, non-monotone, from a validation on that is worse than
    the best of those before the last --averaging-patience, the mean of all since; or, last, over the last tenth of the
    steps the mean of all in it."""
    averaging_patience: int = 5
    """Validations that --averaging non-monotone does not look back at."""
    clip: float = 1.0
    """Largest norm of the gradient; inf does not clip."""
    validations: int = 12
    """How often the validation sequences are scored, evenly over the steps."""
    patience: int = 6
    """Validations without a better loss after which training stops; 0 never stops."""
    l1: float = 0.0
    """Weight of an L1 term on the signals of --l1-signals: the sum of |value| over units, added to a symbol's loss."""
    l1_signals: tuple[SignalName, ...] = ("cell",)
    """A signal on which the L1 term lies, in all layers; repeat it for more."""
    precision: PrecisionName = "float32"
    """Type of the products in training; bfloat16 needs a GPU or a processor with tiles for it, weights stay float32."""
    device: DeviceName = "cpu"
    """Where training computes."""
    threads: int = 0
    """Threads; 0 takes what a warm-up finds fastest (all with --steps). A run repeats to the bit with as many."""

    _open: ClassVar[tuple[None, ...]] = ()
    """What an option may be besides, as long as it has not been chosen."""

    def __post_init__(self) -> None:
        check_numbers(self)
        check(self.steps is None or self.steps >= 1, "steps", self.steps, "at least 1")
        check(self.minutes is None or self.minutes > 0, "minutes", self.minutes, "more than 0")
        check(self.seed >= 0, "seed", self.seed, "0 or more")
        for name in ("batch_size", "batch_tokens", "validations", "averaging_patience"):
            check(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        check(self.truncation >= 0, "truncation", self.truncation, "at least 1, or 0 for what suits the task")
        check(self.learning_rate > 0, "learning_rate", self.learning_rate, "more than 0")
        check(self.optimiser in get_args(OptimiserName), "optimiser", self.optimiser, one_of(OptimiserName))
        check(0 <= self.adam_beta2 < 1, "adam_beta2", self.adam_beta2, "from 0 up to, not including, 1")
        betas = self.adam_beta2 == TrainingConfig.adam_beta2 or self.optimiser != "sgd"
        check(betas, "adam_beta2", self.adam_beta2, "left away with --optimiser sgd")
        check(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        decays = self.weight_decay == 0 or self.optimiser != "adam"
        check(decays, "weight_decay", self.weight_decay, "0 with --optimiser adam; take adamw")
        check(self.warmup >= 0, "warmup", self.warmup, "0 or more")
        check(self.decay in get_args(DecayName), "decay", self.decay, one_of(DecayName))
        check(self.keep in get_args(KeepName), "keep", self.keep, one_of(KeepName))
        check(self.averaging in get_args(AveragingName), "averaging", self.averaging, one_of(AveragingName))
        check(self.clip > 0, "clip", self.clip, "more than 0")
        check(self.patience >= 0, "patience", self.patience, "0 (never stop early) or more")
        check(
            self.precision in (*get_args(PrecisionName), *self._open),
            "precision",
            self.precision,
            one_of(PrecisionName),
        )
        check(self.device in get_args(DeviceName), "device", self.device, one_of(DeviceName))
        check(self.l1 >= 0, "l1", self.l1, "0 or more")
        check(self.l1 == 0 or bool(self.l1_signals), "l1_signals", "(none)", "at least one signal when --l1")
        object.__setattr__(self, "l1_signals", tuple(self.l1_signals))  # a list when read from a file
        check(self.threads >= 0, "threads", self.threads, "0 (the framework's own) or more")


def as_typed(config: Any, usual: Any = None) -> list[str]:
    """Return the options of a configuration that are not as usual, or not as in another, as words of the command line.

    Fields without a default, which are arguments, are left out.
    """
    words: list[str] = []
    for field in fields(config):
        value = getattr(config, field.name)
        if value == (getattr(usual, field.name) if usual else field.default) or field.default is MISSING:
            continue
        flag = "--" + field.name.strip("_").replace("_", "-")  # class_ is what Python lets us call --class
        several = value if isinstance(value, tuple) else (value,)
        if isinstance(value, bool):
            words += [flag if value else "--no-" + field.name.replace("_", "-")]
        else:
            words += [word for each in several for word in (flag, str(each))]
    return words
