"""The shape of a network that tells the next point of a drawing."""

from dataclasses import dataclass

from naibu.config.shared import ModelConfig, check


@dataclass(frozen=True)
class StrokesConfig(ModelConfig):
    """The shape of a network that tells the next point of a drawing."""

    dropout: float = 0.0
    """Share of values dropped between layers and before the output."""
    mixtures: int = 20
    """Bivariate Gaussians of which the next point is a mixture."""
    class_size: int = 24
    """Size of the vector of a class, where the network is told of which one a drawing is."""
    bumps: int = 10
    """Gaussian bumps of the window along a text, where one is written."""
    output_clip: float = 100.0
    """Largest derivative of a point's loss by a number of the output layer; inf does not clip."""
    hidden_clip: float = 10.0
    """The same by a unit of the last layer, as it comes from the output layer."""

    def __post_init__(self) -> None:
        clips = self.output_clip, self.hidden_clip
        for name, value in zip(("output_clip", "hidden_clip"), clips, strict=True):
            check(value > 0, name, value, "more than 0; inf does not clip")
            object.__setattr__(self, name, min(float(value), 2.0**30))
        super().__post_init__()
        for name in ("mixtures", "class_size", "bumps"):
            check(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        check(not self.tied, "tied", self.tied, "left away: numbers are read, there is no table of symbols")
        check(self.softmax == "full", "softmax", self.softmax, "left away: no symbols are told")
