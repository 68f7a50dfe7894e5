"""What a model and its training are made of: frozen, checked at construction, written into the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from naibu.errors import OptionError, StoredError

CELLS = ("lstm", "gru", "rnn", "rnn-relu")
DECAYS = ("linear", "cosine", "none")


def _check(condition: bool, option: str, value: object, allowed: str) -> None:
    if not condition:
        raise OptionError(f"--{option.replace('_', '-')} {value}: must be {allowed}")


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a language model."""

    cell: str = "lstm"
    """Which recurrent layer: lstm, gru, rnn (Elman, tanh) or rnn-relu."""
    units: int = 100
    """Hidden units of each layer."""
    layers: int = 1
    """Layers, one on the other."""
    embedding: int = 0
    """Size of the vector of a symbol; 0 chooses: the units, or twice the vocabulary where that is less."""
    dropout: float = 0.3
    """Share of values dropped from the embedding, between layers and before the output."""
    tied: bool = False
    """Whether the output layer uses the embedding's weights (then embedding equals units)."""
    forget_bias: float = 1.0
    """Added to the forget gate's bias of an LSTM before training."""

    def __post_init__(self) -> None:
        _check(self.cell in CELLS, "cell", self.cell, f"one of {', '.join(CELLS)}")
        _check(self.units >= 1, "units", self.units, "at least 1")
        _check(self.layers >= 1, "layers", self.layers, "at least 1")
        _check(self.embedding >= 0, "embedding", self.embedding, "0 (chosen for you) or more")
        _check(0 <= self.dropout < 1, "dropout", self.dropout, "from 0 up to, not including, 1")
        tied_fits = not self.tied or self.embedding in (0, self.units)
        _check(tied_fits, "embedding", self.embedding, f"{self.units}, the units, when --tied")


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained; every schedule counts steps."""

    steps: int | None = None
    """Steps, one batch each; repeats a run exactly."""
    minutes: float | None = None
    """Minutes for this network; becomes a number of steps after a short warm-up."""
    seed: int = 1
    """Seed of weights, batches and dropout."""
    batch_size: int = 16
    """Sequences in a batch, at most."""
    batch_tokens: int = 4096
    """Symbols in a batch, at most (a longer sequence makes a batch of its own)."""
    truncation: int = 500
    """Steps through which gradients travel back; longer sequences are cut and carry their state on."""
    learning_rate: float = 3e-3
    """Learning rate of Adam at its highest."""
    warmup: int = 50
    """Steps over which the learning rate rises from 0."""
    decay: str = "linear"
    """How the learning rate falls to a fiftieth at the last step: linear, cosine or none."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    validations: int = 12
    """How often the validation sequences are scored, evenly over the steps."""
    patience: int = 6
    """Validations without a better loss after which training stops; 0 never stops."""
    threads: int = 0
    """Threads; 0 takes what a warm-up finds fastest (all with --steps). A run repeats to the bit with as many."""

    def __post_init__(self) -> None:
        _check(self.steps is None or self.steps >= 1, "steps", self.steps, "at least 1")
        _check(self.minutes is None or self.minutes > 0, "minutes", self.minutes, "more than 0")
        _check(self.seed >= 0, "seed", self.seed, "0 or more")
        for name in ("batch_size", "batch_tokens", "truncation", "validations"):
            _check(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        _check(self.learning_rate > 0, "learning_rate", self.learning_rate, "more than 0")
        _check(self.warmup >= 0, "warmup", self.warmup, "0 or more")
        _check(self.decay in DECAYS, "decay", self.decay, f"one of {', '.join(DECAYS)}")
        _check(self.clip > 0, "clip", self.clip, "more than 0")
        _check(self.patience >= 0, "patience", self.patience, "0 (never stop early) or more")
        _check(self.threads >= 0, "threads", self.threads, "0 (the framework's own) or more")


Config = TypeVar("Config", ModelConfig, TrainingConfig)


def as_json(config: ModelConfig | TrainingConfig) -> dict[str, Any]:
    """Return the fields of a configuration as they are written."""
    return asdict(config)


def from_json(kind: type[Config], written: dict[str, Any], where: object) -> Config:
    """Return the configuration that was written; an unknown or missing key raises StoredError."""
    known = {field.name for field in fields(kind)}
    for key in {*written} ^ known:
        raise StoredError(
            f"{where}: {'unknown' if key in written else 'missing'} setting {key!r}; it was written by another version"
        )
    return kind(**written)
