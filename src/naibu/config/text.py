"""The shape of a network that learns running text."""

from dataclasses import dataclass
from typing import ClassVar, get_args

from naibu.config.shared import EmbeddingName, ModelConfig, SoftmaxName, check, one_of


@dataclass(frozen=True)
class TextConfig(ModelConfig):
    """The shape of a network that learns running text."""

    tied: bool | None = None  # type: ignore[assignment]  # where nothing is asked for, the level says
    """Let the output layer use the embedding's weights; chosen when not given: not for characters."""
    softmax: SoftmaxName | None = None  # type: ignore[assignment]
    """The output layer; adaptive keeps rarer symbols in a group of their own; chosen when not given, by the symbols."""
    tied_scale: float | None = None
    """By what the vectors of a tied embedding are multiplied as they are read; 4 when not given. (Networks trained
    before this could be said have the square root of their units.)"""
    _open: ClassVar[tuple[None, ...]] = (None,)
    locked: bool = True
    """Drop the same values at all steps of a window: of the vectors read, between layers and before the output."""
    symbol_dropout: float = 0.0
    """Share of the symbols whose vectors are dropped, at every place of a window."""
    activation_penalty: float = 0.0
    """Weight of the mean square of the layers' output, after dropout, in what training makes small."""
    temporal_penalty: float = 0.0
    """Weight of the mean square of the change of the layers' output from step to step, before dropout."""
    label_smoothing: float = 0.0
    """Share of each symbol to be predicted that training spreads over all symbols."""
    embedding_kind: EmbeddingName = "learned"
    """What the layers read of a symbol: a vector that is learned, or one-hot, a 1 at the symbol's place among 0s."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("symbol_dropout", "label_smoothing"):
            value = getattr(self, name)
            check(0 <= value < 1, name, value, "from 0 up to, not including, 1")
        for name in ("activation_penalty", "temporal_penalty"):
            check(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        check(
            self.embedding_kind in get_args(EmbeddingName),
            "embedding_kind",
            self.embedding_kind,
            one_of(EmbeddingName),
        )
        learned = self.embedding_kind == "learned"
        check(learned or not self.tied, "embedding_kind", self.embedding_kind, "learned when --tied")
        check(learned or not self.embedding, "embedding", self.embedding, "0 with --embedding-kind one-hot")
        scale = self.tied_scale
        check(scale is None or scale > 0, "tied_scale", scale, "more than 0")
        check(scale is None or self.tied is not False, "tied_scale", scale, "left away unless --tied")
        apart = self.softmax == "adaptive" and not self.tied
        smooth = f"0 with --softmax {self.softmax}, unless --tied"
        check(not (apart and self.label_smoothing), "label_smoothing", self.label_smoothing, smooth)
