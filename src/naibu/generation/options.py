"""How translations are searched for, and what a proof may take, as it is typed."""

from dataclasses import dataclass
from typing import Literal

from naibu.errors import OptionError

PenaltyName = Literal["power", "gnmt"]
WIDEST, LONGEST_RATIO = 1_000, 100.0
EXTRA = 5
"""Words that any translation may have beyond the ratio to its source."""


@dataclass(frozen=True)
class SearchOptions:
    """What a search looks for, and how widely."""

    beam: int = 5
    """Prefixes that are kept at each step (B); 1 takes the likeliest word each time."""
    alpha: float = 1.0
    """Log probabilities are divided by T^alpha, T being the words and the end: .5 to 1 is usual, 0 ranks by P(y|x)."""
    penalty: PenaltyName = "power"
    """What log probabilities are divided by: T^alpha, or GNMT's ((5 + T) / 6)^alpha."""
    coverage: float = 0.0
    """Take this times ln of the attention that each source word got, up to 1, into the score; 0 does not (GNMT: .2)."""
    no_repeat: int = 0
    """No run of so many words comes twice in a translation; 0 allows any."""
    min_ratio: float = 0.0
    """Words at least, as a share of those of the source."""
    max_ratio: float = 2.0
    """Words at most, as a multiple of those of the source, and 5 more; a translation is ended there."""

    def __post_init__(self) -> None:
        if not 1 <= self.beam <= WIDEST:
            raise OptionError(f"--beam {self.beam}: must be from 1 (greedy search) to {WIDEST:,}")
        for name, most in (("alpha", 5.0), ("coverage", 100.0), ("min_ratio", LONGEST_RATIO)):
            if not 0 <= getattr(self, name) <= most:
                option = name.replace("_", "-")
                raise OptionError(f"--{option} {getattr(self, name):g}: must be from 0 to {most:g}")
        if not 0 < self.max_ratio <= LONGEST_RATIO:
            raise OptionError(f"--max-ratio {self.max_ratio:g}: must be more than 0 and at most {LONGEST_RATIO:g}")
        if self.min_ratio > self.max_ratio:
            told = f"--min-ratio {self.min_ratio:g}: must not be more than --max-ratio, which is {self.max_ratio:g}"
            raise OptionError(told)
        if self.no_repeat < 0:
            raise OptionError(f"--no-repeat {self.no_repeat}: must be 1 or more, or 0 to allow any")

    def fewest(self, source: int) -> int:
        """Return the words at least of the translation of so many."""
        return int(self.min_ratio * source)

    def longest(self, source: int) -> int:
        """Return the words at most of the translation of so many."""
        return int(self.max_ratio * source) + EXTRA


@dataclass(frozen=True)
class Budget:
    """What the proof of one sentence may take."""

    proof_prefixes: int = 20_000
    """Prefixes that are read at most to prove which translation is best, for each sentence."""
    proof_seconds: float = 60.0
    """Seconds that this may take, for each sentence."""
    proof_longer: int = 3
    """Symbols by which a translation may be longer than all that beams found, and the reference, for a proof under a
    normalised score to look at it; the more, the more there is to prove."""

    def __post_init__(self) -> None:
        if self.proof_prefixes < 1:
            raise OptionError(f"--proof-prefixes {self.proof_prefixes}: must be at least 1")
        if not self.proof_seconds > 0:
            raise OptionError(f"--proof-seconds {self.proof_seconds:g}: must be more than 0")
        if self.proof_longer < 0:
            raise OptionError(f"--proof-longer {self.proof_longer}: must be at least 0")
