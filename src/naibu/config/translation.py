"""The shape of a network that translates."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from naibu.config.shared import ModelConfig, SoftmaxName, check, one_of

EncoderName = Literal["bidirectional", "forward", "gnmt"]
AttentionName = Literal["general", "dot", "additive"]
UNITS, EMBEDDING = 512, 256
"""Units, and sizes of a symbol's vector, where nothing is asked for."""


@dataclass(frozen=True)
class TranslationConfig(ModelConfig):
    """The shape of a network that translates: an encoder, attention, and a decoder of as many layers and units."""

    tied: bool = True
    """Let the output layer use the vectors of the target's symbols."""
    softmax: SoftmaxName | None = None  # type: ignore[assignment]  # where nothing is asked for, the symbols say
    """The output layer; adaptive keeps rarer symbols in a group of their own; chosen when not given, by the symbols."""
    vector_scale: float = 16.0
    """By what the vectors of symbols are multiplied as they are read."""
    encoder: EncoderName = "bidirectional"
    """How the source is read: in both directions, each with half of the units; forward alone; or as GNMT does, --layers
    (8 where that is 1), the first in both directions, from the third on each added to what it read."""
    attention: AttentionName = "general"
    """How well a place of the source fits: general, h W m; dot, h m; or additive, v tanh(W h + U m)."""
    input_feeding: bool = False
    """Let the decoder read, with each symbol, what it attended to before; slower, step by step in training too."""
    shared_vectors: bool | None = None
    """Let the encoder read symbols by the decoder's vectors; when not given where both sides have one vocabulary."""
    locked: bool = False
    """Drop the same values at all steps of a sentence."""
    symbol_dropout: float = 0.1
    """Share of the target's symbols that the decoder reads as <unk> in training."""
    label_smoothing: float = 0.1
    """Share of each symbol to be predicted that training spreads over all symbols."""
    _open: ClassVar[tuple[None, ...]] = (None,)
    _free_embedding: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("symbol_dropout", "label_smoothing"):
            value = getattr(self, name)
            check(0 <= value < 1, name, value, "from 0 up to, not including, 1")
        check(self.vector_scale > 0, "vector_scale", self.vector_scale, "more than 0")
        check(self.encoder in get_args(EncoderName), "encoder", self.encoder, one_of(EncoderName))
        check(self.attention in get_args(AttentionName), "attention", self.attention, one_of(AttentionName))
        whole = self.cell != "ntm" or self.encoder == "forward"
        check(whole, "encoder", self.encoder, "forward with --cell ntm, for two memories read one each way are not one")
        halves = self.encoder == "forward" or self.units % 2 == 0
        check(halves, "units", self.units, f"even with --encoder {self.encoder}, which has half of them each way")
        apart = self.softmax == "adaptive" and not self.tied
        check(
            not (apart and self.label_smoothing),
            "label_smoothing",
            self.label_smoothing,
            "0 with an adaptive softmax that is not --tied",
        )
