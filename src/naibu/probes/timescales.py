"""How long each unit keeps what it holds, from the gate that keeps; how often gates are open or shut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from naibu.errors import OptionError
from naibu.probes.distributions import NEAREST
from naibu.probes.resampling import Resampler, Statistic, ratio
from naibu.probes.results import Scores
from naibu.probes.source import Key, Source, blocks, run_name
from naibu.probes.target import count_rows, divide, same_tokens
from naibu.probes.threads import one_thread
from naibu.probes.timescales_results import GateSaturation, LayerTimescales, Saturation, Timescales, UnitTimescale

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
LEFT, RIGHT = 0.1, 0.9
LONGEST = 5

Columns = Callable[[np.ndarray], np.ndarray]  # values [row unit] -> what is summed [row column]


@dataclass(frozen=True)
class _Keeper:
    key: Key
    kept: str  # "f", "z" or "1 - z"

    def share(self, gate: np.ndarray) -> np.ndarray:
        """Return the share of what a unit held that it keeps."""
        return 1 - gate if self.kept == "1 - z" else gate


@one_thread
def timescales(
    recording: Source,
    key_layer: str | None = None,
    untrained: Source | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> Timescales:
    """Timescale of every unit of a layer (all layers by default) on test rows; saturation of every gate there.

    A unit that keeps the share f of its value at each step holds the product of the f it has met; with m the mean
    of log f over steps, 1/e of it is left after -1/m symbols (the timescale), half after ln 2 times as many. f is
    the forget gate; for a GRU here, as in torch and Cho et al. 2014, h = (1 - z) * n + z * h, so it is the update
    gate z itself; for a minGRU, h = (1 - z) * h + z * n, it is 1 - z. The first symbol of a sequence is left out,
    for there is nothing to keep. Quantiles are over units, intervals from resampling sequences; the longest units
    are chosen on training rows. A gate is saturated left below 0.1, right above 0.9, counted over all test rows.

    How it can mislead: the mean of log f is ruled by the few steps at which a gate shuts, so a unit that keeps all
    through a sentence and is cleared at its end has the timescale of about a sentence, and one cleared at a
    twentieth of all steps a short one, though it keeps well in between; values are kept 2^-12 away from 0 and 1,
    as float16 cannot tell them apart nearer to 1, so that no timescale exceeds 4,096, and those of thousands are
    lower bounds; what leaves a unit may come back through the hidden state, so the network may remember longer.
    A long timescale does not say that the unit holds anything.
    Source: Karpathy, Johnson & Fei-Fei 2015, figure 3, for saturation. Raises OptionError for a recording without
    a forget gate or a GRU's update gate, for an sLSTM (its gates are scaled anew at each step), and for a layer
    that it does not have.
    """
    keepers = keeping(recording, key_layer)
    same_tokens(recording, untrained)
    train, test, unseen, fitted_on = divide(recording.index, seed)
    later = np.asarray(recording.index.position) > 0
    for part, rows in (("training", train), ("test", test)):
        if not (rows & later).any():
            raise OptionError(f"no {part} sequence of this recording has two symbols; there is nothing to keep")
    resampler = Resampler(resamples, seed)
    layers = []
    for keeper in keepers:
        found = _kept(recording, keeper, test & later, unseen)
        bare = None if untrained is None else _kept(untrained, keeper, test & later, unseen)
        layers.append(_layer(keeper, _kept(recording, keeper, train & later, unseen), found, bare, resampler))
    places = {keeper.key[0] for keeper in keepers}
    gates = [key for key in recording.keys() if key[0] in places and key[1].endswith("_gate")]
    saturated = [
        GateSaturation(
            *key,
            _saturation(recording, key, test, unseen, resampler),
            None if untrained is None else _saturation(untrained, key, test, unseen, resampler),
        )
        for key in gates
    ]
    counted = count_rows(recording.index, train, test, unseen, fitted_on)
    return Timescales(run_name(recording), counted, tuple(layers), tuple(saturated))


def keeping(recording: Source, layer: str | None = None) -> list[_Keeper]:
    """Return the gate that keeps of one layer, or of all that have one. OptionError where there is none."""
    signals: dict[str, set[str]] = {}
    for name, signal in recording.keys():
        signals.setdefault(name, set()).add(signal)
    if layer is not None and layer not in signals:
        raise OptionError(f"layer {layer!r}: not in this recording; it has {', '.join(signals)}")
    found = []
    for name in [layer] if layer is not None else list(signals):
        there = signals[name]
        scaled = "stabiliser" in there or "normaliser" in there or name.startswith("slstm")
        if "forget_gate" in there and not scaled:
            found.append(_Keeper((name, "forget_gate"), "f"))
        elif "update_gate" in there:
            # Of the cells with an update gate only the minGRU has an update, i * g; and its layers go by its name.
            other = "update" in there or name.startswith("min_gru")
            found.append(_Keeper((name, "update_gate"), "1 - z" if other else "z"))
    if not found:
        every = sorted({signal for name in signals for signal in signals[name] if layer in (None, name)})
        raise OptionError(
            f"timescales need a forget gate (not an sLSTM's), or a GRU's update gate; there is {', '.join(every)}"
        )
    return found


def applies(recording: Source) -> bool:
    """Return whether a layer of the recording has a gate that keeps."""
    try:
        keeping(recording)
    except OptionError:
        return False
    return True


class _Sums:
    """Sums of some columns per sequence, all and unseen, and their scores."""

    def __init__(self, source: Source, key: Key, rows: np.ndarray, unseen: np.ndarray, of: Columns) -> None:
        self.sums = _per_sequence(source, key, rows, of)  # [sequence 1 + column], steps first
        sequence = np.asarray(source.index.sequence)[rows]
        self.unseen = unseen[rows][np.append(True, np.diff(sequence) != 0)]  # whole sequences are unseen, or none of it

    def mean(self) -> np.ndarray:
        """Return the mean of every column, [column]."""
        total = self.sums.sum(axis=0)
        return np.asarray(total[1:] / total[0])

    def scores(self, statistic: Statistic, columns: np.ndarray, resampler: Resampler) -> Scores:
        """Return a statistic of summed `columns [sequence column]`, on all test and on unseen sequences."""
        parts = [(columns[rows], self.sums[rows, 0]) for rows in (slice(None), self.unseen)]
        scored = [resampler.score(statistic, part, int(n.sum())) for part, n in parts if len(part)]
        return Scores(scored[0], scored[1] if len(scored) > 1 else None)


def _kept(source: Source, keeper: _Keeper, rows: np.ndarray, unseen: np.ndarray) -> _Sums:
    """Return the sums of log(share kept) of each unit, and last how many units cannot be told from 1."""

    def columns(gate: np.ndarray) -> np.ndarray:
        share = keeper.share(gate)
        at_one = np.count_nonzero(share > 1 - NEAREST, axis=1)
        return np.column_stack([np.log(np.clip(share, NEAREST, 1 - NEAREST)), at_one])

    return _Sums(source, keeper.key, rows, unseen, columns)


def _quantiles(found: _Sums, resampler: Resampler) -> tuple[Scores, ...]:
    """Return the quantiles over units of the timescale."""

    def at(level: float) -> Statistic:
        return lambda sums: np.asarray(np.quantile(-sums[..., :1] / sums[..., 1:], level, axis=-1))

    return tuple(found.scores(at(level), found.sums[:, :-1], resampler) for level in LEVELS)


def _layer(keeper: _Keeper, train: _Sums, found: _Sums, bare: _Sums | None, resampler: Resampler) -> LayerTimescales:
    def timescale(sums: np.ndarray) -> np.ndarray:
        return np.asarray(-sums[..., 0] / sums[..., 1])

    longest = np.argsort(-train.mean()[:-1], kind="stable")[:LONGEST].tolist()
    return LayerTimescales(
        *keeper.key,
        keeper.kept,
        found.mean()[:-1],
        None if bare is None else bare.mean()[:-1],
        LEVELS,
        _quantiles(found, resampler),
        None if bare is None else _quantiles(bare, resampler),
        tuple(UnitTimescale(u, found.scores(timescale, found.sums[:, [0, u + 1]], resampler)) for u in longest),
        float(found.mean()[-1] / (len(found.mean()) - 1)),
    )


def _saturation(source: Source, key: Key, rows: np.ndarray, unseen: np.ndarray, resampler: Resampler) -> Saturation:
    units = source.units(key)
    found = _Sums(source, key, rows, unseen, lambda x: np.column_stack([x < LEFT, x > RIGHT]))

    def together(side: slice) -> Scores:
        columns = np.stack([found.sums[:, 1:][:, side].sum(axis=1), units * found.sums[:, 0]], axis=1)
        return found.scores(ratio, columns, resampler)

    left, right = np.split(found.mean(), 2)
    return Saturation(left, right, together(slice(units)), together(slice(units, None)))


def _per_sequence(source: Source, key: Key, rows: np.ndarray, of: Columns) -> np.ndarray:
    """Return per sequence the number of marked rows and the sums of the columns that `of` makes of their values."""
    sequence = np.asarray(source.index.sequence)[rows]
    number = np.zeros(len(rows), np.int64)
    number[rows] = np.cumsum(np.append(0, np.diff(sequence) != 0))[: len(sequence)]
    out: np.ndarray | None = None
    for block in blocks(source, [key], rows):
        at = number[block.rows]
        starts = np.flatnonzero(np.append(True, np.diff(at) != 0))
        columns = of(block[key].astype(np.float32))
        if out is None:
            out = np.zeros((int(number.max()) + 1, 1 + columns.shape[1]))
        out[at[starts], 0] += np.diff(np.append(starts, len(at)))
        out[at[starts], 1:] += np.add.reduceat(columns, starts, axis=0, dtype=np.float64)
    assert out is not None
    return out
