"""Distributions of a number: what a network's last layer becomes, and all that is asked of one.

Everything is in a step's own unit, z: how far the value is off the step's base, in spreads of its series.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from scipy import special
from torch import Tensor
from torch.nn import functional

Array = npt.NDArray[np.float64]
LEAST = 1e-3
"""The smallest scale, in spreads: what lies on a straight line would else be told with any certainty."""
LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
"""The levels of `Quantiles`."""
POINTS = 400
"""Counts at which a distribution function is looked at, at most."""


class Unit(NamedTuple):
    """What turns z into the data's units: the base in spreads from the centre, the centre and the spread."""

    base: Tensor
    centre: Tensor
    spread: Tensor

    def value(self, z: Tensor) -> Tensor:
        """Return values in the data's units."""
        return self.centre + self.spread * (self.base + z)


@dataclass(frozen=True)
class Distribution(ABC):
    """Distributions of numbers, as many as its tensors have elements."""

    outputs: ClassVar[int]
    """Numbers of the last layer that make one, beside its place."""

    @classmethod
    @abstractmethod
    def of(cls, raw: Tensor, place: Tensor, unit: Unit) -> Self:
        """Return the distributions that `raw [... outputs]` stand for, around `place [...]`."""

    @abstractmethod
    def nats(self, z: Tensor) -> Tensor:
        """Return -ln p of values, with gradients; for quantiles the pinball loss, summed over the levels."""

    @abstractmethod
    def mean(self) -> Tensor:
        """Return the means."""

    @abstractmethod
    def quantile(self, level: float) -> Tensor:
        """Return the quantiles of a level."""

    @abstractmethod
    def sample(self) -> Tensor:
        """Return a number drawn from each, from torch's generator."""

    def value(self, z: Tensor, unit: Unit) -> Tensor:
        """Return truths, quantiles or numbers drawn in the data's units, as they can be there: of counts, whole."""
        return unit.value(z)

    @abstractmethod
    def crps(self, z: Tensor) -> Tensor:
        """Return the continuous ranked probability score of values: the integral of (F(x) - 1{x >= z})^2 over x."""


@dataclass(frozen=True)
class Gaussian(Distribution):
    """Normal distributions."""

    outputs: ClassVar[int] = 1
    place: Tensor
    scale: Tensor

    @classmethod
    def of(cls, raw: Tensor, place: Tensor, unit: Unit) -> Self:
        """Return normal distributions whose standard deviation is a softplus."""
        return cls(place, LEAST + functional.softplus(raw[..., 0]))

    def nats(self, z: Tensor) -> Tensor:
        """Return -ln p of values."""
        off = (z - self.place) / self.scale
        return 0.5 * off.square() + self.scale.log() + 0.5 * math.log(2 * math.pi)

    def mean(self) -> Tensor:
        """Return the means."""
        return self.place

    def quantile(self, level: float) -> Tensor:
        """Return the quantiles of a level."""
        return self.place + self.scale * float(special.ndtri(level))

    def sample(self) -> Tensor:
        """Return a number drawn from each."""
        return self.place + self.scale * torch.randn_like(self.scale)

    def crps(self, z: Tensor) -> Tensor:
        """Return the score of values, in closed form (Gneiting & Raftery 2007, equation 5)."""
        off = (z - self.place) / self.scale
        density = torch.exp(-0.5 * off.square()) / math.sqrt(2 * math.pi)
        found: Tensor = self.scale * (off * (2 * torch.special.ndtr(off) - 1) + 2 * density - 1 / math.sqrt(math.pi))
        return found


@dataclass(frozen=True)
class Student(Distribution):
    """Student's t distributions, with more than two degrees of freedom."""

    outputs: ClassVar[int] = 2
    freedom: Tensor
    place: Tensor
    scale: Tensor

    @classmethod
    def of(cls, raw: Tensor, place: Tensor, unit: Unit) -> Self:
        """Return distributions whose degrees of freedom are 2 and a softplus, whose scale is a softplus."""
        return cls(2 + functional.softplus(raw[..., 1]), place, LEAST + functional.softplus(raw[..., 0]))

    def nats(self, z: Tensor) -> Tensor:
        """Return -ln p of values."""
        n, off = self.freedom, (z - self.place) / self.scale
        whole = torch.lgamma(n / 2) - torch.lgamma((n + 1) / 2) + 0.5 * (n * math.pi).log() + self.scale.log()
        return whole + (n + 1) / 2 * torch.log1p(off.square() / n)

    def mean(self) -> Tensor:
        """Return the means."""
        return self.place

    def quantile(self, level: float) -> Tensor:
        """Return the quantiles of a level."""
        return self.place + self.scale * _tensor(special.stdtrit(_array(self.freedom), level), self.scale)

    def sample(self) -> Tensor:
        """Return a number drawn from each."""
        return torch.distributions.StudentT(self.freedom, self.place, self.scale, validate_args=False).sample()

    def crps(self, z: Tensor) -> Tensor:
        """Return the score of values, in closed form (Jordan, Kruger & Lerch 2019, appendix A)."""
        n, off = _array(self.freedom), _array((z - self.place) / self.scale)
        density = np.exp(
            special.gammaln((n + 1) / 2) - special.gammaln(n / 2) - 0.5 * np.log(n * np.pi)
            - (n + 1) / 2 * np.log1p(off**2 / n)
        )  # fmt: skip
        whole = 2 * np.sqrt(n) / (n - 1) * np.exp(special.betaln(0.5, n - 0.5) - 2 * special.betaln(0.5, n / 2))
        found = off * (2 * special.stdtr(n, off) - 1) + 2 * density * (n + off**2) / (n - 1) - whole
        return self.scale * _tensor(found, self.scale)


@dataclass(frozen=True)
class NegativeBinomial(Distribution):
    """Negative binomial distributions of counts: of a mean m and the variance m + share * m^2, in float64.

    In float32 the difference of log gammas near 20,000 is good to a few hundredths only.
    """

    outputs: ClassVar[int] = 1
    count: Tensor  # float64, the mean in the data's units
    share: Tensor  # float64
    unit: Unit

    @classmethod
    def of(cls, raw: Tensor, place: Tensor, unit: Unit) -> Self:
        """Return distributions whose mean is a softplus of the place in the data's units, with a tenth of a spread."""
        unit = Unit(*(part.double() for part in unit))
        size = 0.1 * unit.spread
        count = 1e-3 * unit.spread + size * functional.softplus(unit.value(place.double()) / size)
        return cls(count, (raw[..., 0].double() - 4).clamp(-12, 3).exp(), unit)

    def nats(self, z: Tensor) -> Tensor:
        """Return -ln p of values, which are rounded to whole numbers, of at least 0."""
        y, n = self.value(z, self.unit), 1 / self.share
        odds = self.count.log() - n.log()
        found = torch.lgamma(y + n) - torch.lgamma(n) - torch.lgamma(y + 1)
        return (-(found - n * functional.softplus(odds) - y * functional.softplus(-odds))).to(z.dtype)

    def mean(self) -> Tensor:
        """Return the means."""
        return self._z(self.count)

    def quantile(self, level: float) -> Tensor:
        """Return the quantiles of a level: the least counts whose distribution function reaches it."""
        n, p = self._parameters()
        guess = np.ceil(np.maximum(0, special.nbdtrik(level, n, p)) - 1e-9)
        normal = _array(self.count) + special.ndtri(level) * np.sqrt(_array(self.count + self.share * self.count**2))
        guess = np.where(np.isfinite(guess), guess, np.maximum(0, np.ceil(normal)))
        for _ in range(3):  # what rounding left
            guess = np.where((guess > 0) & (_below(guess - 1, n, p) >= level), guess - 1, guess)
            guess = np.where(_below(guess, n, p) < level, guess + 1, guess)
        return self._z(_tensor(guess, self.count))

    def sample(self) -> Tensor:
        """Return a count drawn from each."""
        rate = torch.distributions.Gamma(1 / self.share, 1 / (self.share * self.count), validate_args=False).sample()
        return self._z(torch.poisson(rate))

    def crps(self, z: Tensor) -> Tensor:
        """Return the score of values: E|X - y| - E|X - X'| / 2, the second summed over the distribution function.

        Where counts range over more than 400, which of so smooth a function are taken as lines between 400 of them.
        """
        n, p = self._parameters()
        mean, y = _array(self.count), _array(self.value(z, self.unit))
        to_value = y * (2 * _below(y, n, p) - 1) + mean * (1 - 2 * _below(y - 1, n + 1, p))
        found = to_value - _half_distance(mean, n, p)
        return (_tensor(found, self.count) / self.unit.spread).float()

    def value(self, z: Tensor, unit: Unit) -> Tensor:
        """Return the counts that numbers stand for, float64: what float32 left of a count is no longer it, and a truth
        that equals an end of an interval would lie outside as often as not."""
        return Unit(*(part.double() for part in unit)).value(z.double()).round().clamp(min=0)

    def _parameters(self) -> tuple[Array, Array]:
        n = _array(1 / self.share)
        return n, n / (n + _array(self.count))

    def _z(self, counts: Tensor) -> Tensor:
        return ((counts - self.unit.centre) / self.unit.spread - self.unit.base).float()


def _below(y: Array, n: Array, p: Array) -> Array:
    """Return P(X <= y) of negative binomials; 0 below 0."""
    return np.where(y < 0, 0.0, special.betainc(n, np.maximum(y, 0) + 1, p))


def _half_distance(mean: Array, n: Array, p: Array) -> Array:
    """Return half the mean distance of two independent draws, the sum of F (1 - F) over all counts.

    Between points it is summed as a straight line; points lie closer near 0, where those of a small n crowd.
    """
    deviation = np.sqrt(mean + mean**2 / n)
    low = np.maximum(0, np.floor(mean - 12 * deviation))
    high = np.ceil(mean + np.where(low > 0, 12, 40) * deviation + 40)
    short, power = high - low <= POINTS, np.where(low > 0, 1, 3)
    total, before, last = np.zeros_like(mean), low, _spread(low, n, p)
    first = last
    for k in range(1, POINTS + 1):
        place = np.where(short, np.minimum(low + k, high), np.round(low + (high - low) * (k / POINTS) ** power))
        here = _spread(place, n, p)
        total += (place - before) * (last + here) / 2
        before, last = place, here
    return np.asarray(total + (first + last) / 2)


def _spread(y: Array, n: Array, p: Array) -> Array:
    """Return F (1 - F) at counts."""
    below = _below(y, n, p)
    return below * (1 - below)


@dataclass(frozen=True)
class Quantiles(Distribution):
    """Quantiles at `LEVELS`, each above the one before by a softplus: they never cross.

    Between them the quantile function is a straight line, beyond the outermost it stays; so mean and score are exact
    for that distribution, whose tails are cut.
    """

    outputs: ClassVar[int] = len(LEVELS) - 1
    values: Tensor  # [... level]

    @classmethod
    def of(cls, raw: Tensor, place: Tensor, unit: Unit) -> Self:
        """Return quantiles around the place, which is the median."""
        middle = LEVELS.index(0.5)
        apart = functional.softplus(raw - 1)
        above = place[..., None] + apart[..., middle:].cumsum(-1)
        under = place[..., None] - apart[..., :middle].flip(-1).cumsum(-1).flip(-1)
        return cls(torch.cat([under, place[..., None], above], -1))

    def nats(self, z: Tensor) -> Tensor:
        """Return the pinball loss of values, summed over the levels, times two."""
        levels = torch.tensor(LEVELS, device=z.device, dtype=z.dtype)
        off = z[..., None] - self.values
        return 2 * torch.maximum(levels * off, (levels - 1) * off).sum(-1)

    def mean(self) -> Tensor:
        """Return the means: the integral of the quantile function."""
        left, right, width = self._pieces()
        return (width * (left + right) / 2).sum(-1)

    def quantile(self, level: float) -> Tensor:
        """Return the quantiles of a level, on the line between the nearest two."""
        place = float(np.interp(level, LEVELS, np.arange(len(LEVELS))))
        low = min(int(place), len(LEVELS) - 2)
        return torch.lerp(self.values[..., low], self.values[..., low + 1], place - low)

    def sample(self) -> Tensor:
        """Return a number drawn from each."""
        drawn = torch.rand(self.values.shape[:-1], device=self.values.device)
        levels = torch.tensor(LEVELS, device=drawn.device)
        low = (torch.searchsorted(levels, drawn.contiguous()) - 1).clamp(0, len(LEVELS) - 2)
        share = ((drawn - levels[low]) / (levels[low + 1] - levels[low])).clamp(0, 1)
        left, right = (self.values.gather(-1, (low + k)[..., None])[..., 0] for k in (0, 1))
        return torch.lerp(left, right, share)

    def crps(self, z: Tensor) -> Tensor:
        """Return the score of values: twice the integral of the pinball loss over all levels, piece by piece."""
        left, right, width = self._pieces()
        ends = torch.tensor([0.0, *LEVELS, 1.0], device=z.device, dtype=z.dtype)
        first = ends[:-1].expand_as(left)
        z = z[..., None]
        slope = (right - left) / width
        # The level at which the quantile passes z, within the piece.
        cross = torch.where(slope > 0, first + (z - left) / slope.clamp(min=1e-30), torch.where(z > left, 2.0, -1.0))
        cross = torch.minimum(torch.maximum(cross, first), first + width)
        below, above = cross - first, first + width - cross  # of the piece, where the quantile is under z and over it
        under = _integral(first, below, z - left, -slope, 0.0)
        over = _integral(cross, above, left + slope * (cross - first) - z, slope, 1.0)
        return 2 * (under + over).sum(-1)

    def _pieces(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return both ends of each piece of the quantile function, and its width in levels."""
        ends = torch.tensor([0.0, *LEVELS, 1.0], device=self.values.device, dtype=self.values.dtype)
        values = torch.cat([self.values[..., :1], self.values, self.values[..., -1:]], -1)
        return values[..., :-1], values[..., 1:], ends[1:] - ends[:-1]


def _integral(first: Tensor, width: Tensor, height: Tensor, slope: Tensor, turned: float) -> Tensor:
    """Return the integral of |turned - u| * (height + slope * (u - first)) over u from `first`, `width` long."""
    weight, change = (first, 1.0) if turned == 0 else (1 - first, -1.0)
    return (
        weight * height * width
        + (weight * slope + change * height) * width.square() / 2
        + change * slope * width.pow(3) / 3
    )


KINDS: dict[str, type[Distribution]] = {
    "student": Student,
    "gaussian": Gaussian,
    "negative-binomial": NegativeBinomial,
    "quantiles": Quantiles,
}
"""Every distribution by the name that `SeriesConfig.distribution` has for it."""


def ensemble_crps(samples: Array, truth: Array) -> Array:
    """Return the score of the empirical distribution of samples [sample ...]: mean |x - y| - mean |x - x'| / 2."""
    ordered = np.sort(samples, 0)
    count = len(ordered)
    weight = (2 * np.arange(1, count + 1) - count - 1).reshape(-1, *([1] * truth.ndim))
    distance = (weight * ordered).sum(0) / count**2
    return np.asarray(np.abs(ordered - truth).mean(0) - distance)


def pinball(truth: Array, quantile: Array, level: float) -> Array:
    """Return the pinball loss of quantiles of a level."""
    return np.maximum(level * (truth - quantile), (level - 1) * (truth - quantile))


def _array(x: Tensor) -> Array:
    return np.asarray(x.detach().cpu().double().numpy())


def _tensor(x: Array, like: Tensor) -> Tensor:
    return torch.as_tensor(np.asarray(x), device=like.device).to(like.dtype)
