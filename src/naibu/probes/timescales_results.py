"""How long the units of each layer keep what they hold, and how often their gates are saturated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from naibu.probes.result import Result
from naibu.probes.results import Row, Rows, Scores, result_row

HALF = math.log(2)
"""Half-life divided by timescale."""


@dataclass(frozen=True)
class UnitTimescale:
    """One unit of those that keep longest."""

    unit: int
    timescale: Scores  # symbols


@dataclass(frozen=True)
class LayerTimescales:
    """The timescales of one layer: after so many symbols a unit keeps 1/e of what it held.

    Units are chosen and ordered by training rows; everything else is of test rows.
    """

    layer: str
    signal: str  # the gate that keeps: "forget_gate" or "update_gate"
    kept: str  # the share kept, as a formula: "f", "z", "1 - z"
    mean_log: np.ndarray  # [unit], mean over test steps of log(share kept)
    untrained_mean_log: np.ndarray | None  # [unit]
    levels: tuple[float, ...]  # which quantiles over units
    quantiles: tuple[Scores, ...]  # timescale at each level, symbols
    untrained_quantiles: tuple[Scores, ...] | None
    longest: tuple[UnitTimescale, ...]
    open: float  # share of test values that cannot be told from 1 as they are stored

    def timescale(self) -> np.ndarray:
        """Return the timescale of every unit in symbols, [unit]; its half-life is ln 2 times as long."""
        return np.asarray(-1 / self.mean_log)

    def untrained_timescale(self) -> np.ndarray | None:
        """Return the same of the untrained network."""
        return None if self.untrained_mean_log is None else np.asarray(-1 / self.untrained_mean_log)


@dataclass(frozen=True)
class Saturation:
    """How often each unit of a gate is nearly shut (left) or nearly open (right)."""

    left: np.ndarray  # [unit], share of test steps below 0.1
    right: np.ndarray  # [unit], share of test steps above 0.9
    mean_left: Scores  # all units together
    mean_right: Scores


@dataclass(frozen=True)
class GateSaturation:
    """The saturation of one gate, and of the same gate of the untrained network."""

    layer: str
    signal: str
    trained: Saturation
    untrained: Saturation | None


@dataclass(frozen=True)
class Timescales(Result):
    """How long units keep what they hold, and how often gates are saturated, of every layer or of one."""

    run: str
    fitted: Rows
    layers: tuple[LayerTimescales, ...]
    gates: tuple[GateSaturation, ...]

    def rows(self) -> list[Row]:
        """Return one row per split and score, then one per unit and statistic, which are of all test rows."""
        out: list[Row] = []
        for layer in self.layers:
            for control, found in (("", layer.quantiles), ("untrained", layer.untrained_quantiles or ())):
                for level, scores in zip(layer.levels, found, strict=bool(found)):
                    out += self._rows(layer.layer, layer.signal, "", f"timescale, quantile {level:g}", scores, control)
            for unit in layer.longest:
                out += self._rows(layer.layer, layer.signal, unit.unit, "timescale", unit.timescale, "")
        for gate in self.gates:
            for control, saturation in (("", gate.trained), ("untrained", gate.untrained)):
                if saturation is not None:
                    for side, mean in (("left", saturation.mean_left), ("right", saturation.mean_right)):
                        out += self._rows(gate.layer, gate.signal, "", f"share saturated {side}", mean, control)
        return out + self._units()

    def _rows(
        self, layer: str, signal: str, unit: int | str, statistic: str, scores: Scores, control: str
    ) -> list[Row]:
        more: Row = {"statistic": statistic, "control": control}
        return [result_row(self.run, split, layer, signal, unit, more, score) for split, score in scores.items()]

    def _units(self) -> list[Row]:
        tables: list[tuple[str, str, str, np.ndarray, np.ndarray | None]] = []
        for layer in self.layers:
            trained, bare = layer.timescale(), layer.untrained_timescale()
            tables.append((layer.layer, layer.signal, "timescale", trained, bare))
            half = None if bare is None else HALF * bare
            tables.append((layer.layer, layer.signal, "half-life", HALF * trained, half))
        for gate in self.gates:
            named = (("left", gate.trained.left), ("right", gate.trained.right))
            bare_shares = (None, None) if gate.untrained is None else (gate.untrained.left, gate.untrained.right)
            for (side, shares), other in zip(named, bare_shares, strict=True):
                tables.append((gate.layer, gate.signal, f"share saturated {side}", shares, other))
        out: list[Row] = []
        for at, signal, statistic, trained, bare in tables:
            for control, values in (("", trained), ("untrained", bare)):
                for unit, value in enumerate(() if values is None else values.tolist()):
                    more: Row = {"statistic": statistic, "control": control, "value": value}
                    out.append(result_row(self.run, "test", at, signal, unit, more))
        return out
