"""The shape of a network that tells the class of a sequence."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from naibu.config.shared import ModelConfig, check, one_of

PoolingName = Literal["last", "mean", "max", "mean-max", "attention"]


@dataclass(frozen=True)
class ClassesConfig(ModelConfig):
    """The shape of a network that tells the class of a sequence."""

    dropout: float | None = None  # type: ignore[assignment]  # where nothing is asked for, what is read says
    """Share of values dropped between layers and before the output; when not given .5 of words, .3 of characters,
    .4 of numbers."""
    embedding_dropout: float | None = None
    """Share of values dropped from the vectors of the symbols read, anew for each; when not given .2 of words, else
    0."""
    one_way: bool = False
    """Read forwards alone, with all units; else every layer reads both ways, with half of them each."""
    pooling: PoolingName = "mean-max"
    """What tells the class: the last state of each direction, the mean or the largest of each unit over the steps,
    both, or a mean by weights that attention gives the steps."""
    attention: int = 64
    """Hidden units of attention, where --pooling attention."""
    symbol_dropout: float | None = None
    """Share of symbols that are read as unknown in training, anew each time; .1 when not given."""
    variation: float | None = None
    """How far series are changed in training, anew each time: this share of either end is cut off at most, the speed
    changed by one and a half times as much, size and noise have this standard deviation; .1 when not given."""
    label_smoothing: float = 0.1
    """Share of each class to be told that training spreads over all classes."""
    balanced: bool = False
    """Let all classes weigh the same in training, however many examples each has."""
    class_weights: tuple[float, ...] = ()
    """The weight of each class in training, in the order of their names; repeat it; all 1 when not given."""
    _open: ClassVar[tuple[None, ...]] = (None,)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.pooling in get_args(PoolingName), "pooling", self.pooling, one_of(PoolingName))
        check(self.attention >= 1, "attention", self.attention, "at least 1")
        for name in ("symbol_dropout", "label_smoothing"):
            value = getattr(self, name)
            check(value is None or 0 <= value < 1, name, value, "from 0 up to, not including, 1")
        check(self.variation is None or 0 <= self.variation < 0.4, "variation", self.variation, "from 0 up to .4")
        object.__setattr__(self, "class_weights", tuple(self.class_weights))  # a list when read from a file
        for weight in self.class_weights:
            check(weight > 0, "class_weights", weight, "more than 0")
        check(not self.tied, "tied", True, "left away: what is told here are classes")
        check(self.softmax in (None, "full"), "softmax", self.softmax, "full, the only one for classes")
