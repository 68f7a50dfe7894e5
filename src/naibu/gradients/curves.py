"""One curve: the norm of the gradient against the lag for one network and layer, with intervals over sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from naibu.cells.layers import Recurrent
from naibu.gradients.bound import elman_bound
from naibu.gradients.travel import norms_against_lag
from naibu.probes.results import Row
from naibu.progress import Report, silent

RESAMPLES = 1000


@dataclass(frozen=True)
class GradientCurve:
    """The median over sequences of a Jacobian's norm at each lag, with its 95 % interval.

    The median, because single sequences differ by powers of ten and a mean would be the largest one's. The
    interval resamples whole sequences: it covers other sequences, not another training of the network.
    """

    run: str
    cell: str  # as ModelConfig names it
    units: int
    trained: bool
    layer: str  # "lstm.0"
    wrt: str  # a key of naibu.gradients.WRT
    kind: str  # "spectral" or "frobenius"
    vectors: int  # random vectors of the estimate; 0: exact
    sequences: int
    lags: tuple[int, ...]
    norm: tuple[float, ...]  # [lag], as are the following
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    greatest: tuple[float, ...]  # of all sequences
    bound: tuple[float, ...] | None  # (max |f'| ||W_hh||_2)^lag, for Elman cells
    bound_met: tuple[float, ...] | None  # the same with the greatest |f'| that was met

    def rows(self) -> list[Row]:
        """Return one row a lag."""
        head: Row = {"run": self.run, "cell": self.cell, "units": self.units}
        head |= {"trained": int(self.trained), "layer": self.layer, "wrt": self.wrt, "kind": self.kind}
        head |= {"vectors": self.vectors, "sequences": self.sequences}
        names = ("norm", "lower", "upper", "greatest", "bound", "bound_met")
        out: list[Row] = []
        for k, lag in enumerate(self.lags):
            values = {name: getattr(self, name) for name in names}
            out.append({**head, "lag": lag, **{n: None if v is None else v[k] for n, v in values.items()}})
        return out

    def at(self, lag: int) -> float:
        """Return the median norm at a lag that was measured."""
        return self.norm[self.lags.index(lag)]


def gradient_curve(
    layers: Recurrent,
    x: Tensor,
    *,
    lags: Sequence[int],
    layer: int = 0,
    wrt: str = "hidden",
    kind: str = "spectral",
    vectors: int = 0,
    seed: int = 1,
    run: str = "",
    cell: str = "",
    trained: bool = True,
    progress: Report = silent,
) -> GradientCurve:
    """Return the curve of one layer over the sequences `x [time batch input]`; arguments as `norms_against_lag`."""
    norms = norms_against_lag(
        layers, x, lags=lags, layer=layer, wrt=wrt, kind=kind, vectors=vectors, seed=seed, progress=progress
    ).numpy()
    lower, upper = _interval(norms, seed)
    bound = elman_bound(layers, x, layer=layer) if wrt in ("hidden", "state") else None
    wide = layers.hidden_size**0.5 if kind == "frobenius" else 1.0
    return GradientCurve(
        run=run,
        cell=cell or layers.name,
        units=layers.hidden_size,
        trained=trained,
        layer=next(name for number, _, name in layers.directions() if number == layer),
        wrt=wrt,
        kind=kind,
        vectors=vectors,
        sequences=norms.shape[1],
        lags=tuple(lags),
        norm=_floats(np.median(norms, axis=1)),
        lower=lower,
        upper=upper,
        greatest=_floats(norms.max(axis=1)),
        bound=None if bound is None else tuple(wide * bound.at(lag) for lag in lags),
        bound_met=None if bound is None else tuple(wide * bound.at(lag, met=True) for lag in lags),
    )


def _interval(norms: np.ndarray, seed: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the 2.5 and 97.5 percentiles of the median over resampled sequences, `[lag sequence] -> [lag]` each."""
    count = norms.shape[1]
    if count < 2:
        nothing = (float("nan"),) * len(norms)
        return nothing, nothing
    drawn = np.random.default_rng((seed, 31)).integers(0, count, (RESAMPLES, count))
    medians = np.median(norms[:, drawn], axis=2)
    low, high = np.percentile(medians, (2.5, 97.5), axis=1)
    return _floats(low), _floats(high)


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
