"""The shape of a network that answers words of a formal language."""

from dataclasses import dataclass

from naibu.config.shared import ModelConfig, check


@dataclass(frozen=True)
class FormalConfig(ModelConfig):
    """The shape of a network that answers words of a formal language; symbols are read as 1 among zeros."""

    dropout: float = 0.0
    """Share of values dropped between layers and before the output."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.embedding == 0, "embedding", self.embedding, "left away: symbols are read as 1 among zeros")
        check(not self.tied, "tied", self.tied, "left away: symbols that are read are not those that are told")
        check(self.softmax == "full", "softmax", self.softmax, "left away: there are few symbols")
