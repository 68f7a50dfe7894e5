"""The shape of a network that recovers missing values."""

from dataclasses import dataclass
from typing import get_args

from naibu.config.series import DistributionName
from naibu.config.shared import ModelConfig, check, one_of

UNITS = 48
"""Units of the layers in each direction, where nothing is asked for."""


@dataclass(frozen=True)
class RecoveryConfig(ModelConfig):
    """The shape of a network that recovers missing values of series."""

    dropout: float = 0.1
    """Share of values dropped between layers, before the output, and of what is learnt of a series."""
    distribution: DistributionName = "student"
    """What comes out: Student's t, a Gaussian, a negative binomial for counts, or quantiles, which never cross."""
    head: int = 64
    """Units of the layer between the recurrent layers and the distribution."""
    series_size: int = 16
    """Size of the vector that is learnt for each series, where there are several."""

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = get_args(DistributionName)
        check(self.distribution in kinds, "distribution", self.distribution, one_of(DistributionName))
        for name in ("head", "series_size"):
            check(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        check(not self.tied, "tied", self.tied, "left away: numbers are read, there is no table of symbols")
        check(self.softmax == "full", "softmax", self.softmax, "left away: no symbols are told")
