"""How the values of each signal are distributed: histograms, the fitted beta of gates, peaks of the others."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks
from scipy.special import betainc, digamma, polygamma

from naibu.probes.halves import widened
from naibu.probes.levels import PLACES, Bands, levels_of
from naibu.probes.resampling import Resampler, per_sequence
from naibu.probes.results import BetaFit, Distributions, Peak, SignalDistribution
from naibu.probes.source import Key, Source, blocks, gather, run_name
from naibu.probes.target import choose_keys, count_rows, divide, same_tokens, some_sequences
from naibu.probes.threads import one_thread

NEAREST = 2.0**-12  # to 0 and 1; half the step of float16 below 1, so that log(1 - x) of a rounded 1 is finite
SMOOTHED_OVER = 0.015  # standard deviation of the smoothing before peaks are sought, as a share of the range
PROMINENCE = 0.05
NEAR = 0.05
MOST_FITTED = 200_000  # training rows of a gate, times all its units


@one_thread
def distributions(
    recording: Source,
    *,
    untrained: Source | None = None,
    keys: tuple[Key, ...] | None = None,
    bins: int = 200,
    resamples: int = 200,
    seed: int = 1,
) -> Distributions:
    """Histograms of all units of each signal on test rows; the beta fitted to each gate; peaks of the others.

    Ranges: gates 0 to 1; candidate, update and hidden -1 to 1, unless a sample of training rows leaves that (some
    cells do not bound them); other signals the quantiles .0005 to .9995 of the sample; what lies outside is
    counted in the first or last bin. The beta distribution is fitted by maximum likelihood on training rows (whole
    sequences of at most 200,000), from sums of log x and log(1 - x), with x kept 2^-12 away from 0 and 1 (float16
    cannot tell them apart nearer to 1).
    `distance` is the Kolmogorov distance on test rows, at the edges of the bins: what happens within the bin next
    to 0 or 1 it does not see. Peaks are sought in the histogram smoothed by a Gaussian of 1.5 % of the range,
    extended by empty bins, with a prominence of 5 % of the highest. The untrained network is given on the same
    edges, with its own beta and peaks. Levels: the share of values within 0.1 of -1, 0, 1 (update, candidate), within
    0.05 of 0, ±tanh 1, ±1 (hidden), within 0.1 of whole numbers up to 3 (cell), against what a smooth distribution
    has there; see `levels_of`.

    How it can mislead: units are pooled, so a shape may come from a mixture of units of which none has it; a
    mass at the saturated end looks like a peak at the edge of the range; the distance is never 0 and its
    resampled values lie above it; a and b depend on the 2^-12. Source: document A (f near a beta distribution,
    update near -1, 0, 1, hidden near 0, .75, 1). OptionError for a key the recording does not have.
    """
    keys = choose_keys(recording, keys)
    same_tokens(recording, untrained)
    train, test, unseen, fitted_on = divide(recording.index, seed)
    rows = count_rows(recording.index, train, test, unseen, fitted_on)
    edges = _edges(recording, keys, train, bins, seed)
    gates = [k for k in keys if _is_gate(k)]
    fitted = some_sequences(recording.index, train, MOST_FITTED, seed)
    logs = _log_sums(recording, gates, fitted)
    bare_logs = {} if untrained is None else _log_sums(untrained, gates, fitted)
    found = _histograms(recording, edges, test)
    bare = {} if untrained is None else _histograms(untrained, edges, test)
    resampler = Resampler(resamples, seed)
    return Distributions(
        run_name(recording),
        rows,
        PROMINENCE,
        tuple(
            _one(key, recording.units(key), (found[key], logs.get(key)), (bare.get(key), bare_logs.get(key)), resampler)
            for key in keys
        ),
        int(np.count_nonzero(fitted)) if gates else None,
    )


class _Histogram:
    """Counts and moments of one signal, added up block by block."""

    def __init__(self, edges: np.ndarray, sequences: int, key: Key) -> None:
        self.edges, self.by_sequence = edges, _is_gate(key)
        by_sequence = self.by_sequence
        self.bands = Bands(*PLACES[key[1]], sequences) if key[1] in PLACES else None
        rows, kind = (sequences, np.int32) if by_sequence else (1, np.int64)
        self.counts = np.zeros((rows, len(edges) - 1), kind)  # [sequence bin], or [1 bin]
        self.sums = np.zeros((sequences, 3))  # [sequence 3]: n, x, xx
        self.outside = 0

    def add(self, x: np.ndarray, sequence: np.ndarray) -> None:
        """Add values x float32 [row unit] of sequences `sequence` [row], ascending."""
        bins, low = len(self.edges) - 1, self.edges[0]
        first, last = int(sequence[0]), int(sequence[-1]) + 1
        at = (x - np.float32(low)) * np.float32(bins / (self.edges[-1] - low))
        self.outside += int(np.count_nonzero((at < 0) | (at > bins)))
        cell = np.clip(at, 0, bins - 1).astype(np.int64)
        if self.by_sequence:
            cell += ((sequence - first) * bins)[:, None]
            found = np.bincount(cell.ravel(), minlength=(last - first) * bins).reshape(-1, bins)  # sequence bin
            self.counts[first:last] += found.astype(np.int32)
        else:
            self.counts[0] += np.bincount(cell.ravel(), minlength=bins)
        if self.bands is not None:
            self.bands.add(x, sequence)
        moments = (np.full(len(x), x.shape[1]), x.sum(1, dtype=np.float64), np.einsum("tu,tu->t", x, x))
        for k, column in enumerate(moments):
            self.sums[first:last, k] += np.bincount(sequence - first, column, last - first)


def _is_gate(key: Key) -> bool:
    return key[1].endswith("_gate")


def _edges(source: Source, keys: tuple[Key, ...], train: np.ndarray, bins: int, seed: int) -> dict[Key, np.ndarray]:
    bounded = ("candidate", "update", "hidden")
    free = [key for key in keys if not _is_gate(key)]
    sample = np.flatnonzero(train)
    if len(sample) > 2000:
        sample = np.random.default_rng((seed, 3)).choice(sample, 2000, replace=False)
    marked = np.zeros(len(train), bool)
    marked[sample] = True
    ranges = {key: (0.0, 1.0) if _is_gate(key) else (-1.0, 1.0) for key in keys}
    for key, values in gather(source, dict.fromkeys(free), marked).items():
        if key[1] in bounded and np.abs(values).max(initial=0) <= 1:
            continue
        low, high = (float(q) for q in np.quantile(values.astype(np.float32), (0.0005, 0.9995)))
        ranges[key] = (low, high) if high > low else (low - 0.5, low + 0.5)
    return {key: np.linspace(low, high, bins + 1) for key, (low, high) in ranges.items()}


def _log_sums(source: Source, keys: list[Key], rows: np.ndarray) -> dict[Key, np.ndarray]:
    """Per sequence: number of values, sum of log x, sum of log(1 - x); [sequence 3] per key."""
    if not keys:
        return {}
    parts: dict[Key, list[np.ndarray]] = {key: [] for key in keys}
    numbers = []
    for block in blocks(source, keys, rows):
        numbers.append(block.rows)
        for key in keys:
            x = np.clip(widened(block[key]), NEAREST, 1 - NEAREST)
            logs = np.stack([np.log(x).sum(1, dtype=np.float64), np.log(1 - x).sum(1, dtype=np.float64)])
            parts[key].append(logs)
    sequence = np.asarray(source.index.sequence)[np.concatenate(numbers)]
    out = {}
    for key, pieces in parts.items():
        n = np.full(len(sequence), float(source.units(key)))
        out[key] = per_sequence([n, *np.concatenate(pieces, axis=1)], sequence)
    return out


def _histograms(source: Source, edges: dict[Key, np.ndarray], rows: np.ndarray) -> dict[Key, _Histogram]:
    sequence = np.asarray(source.index.sequence)
    numbers = np.cumsum(np.append(0, np.diff(sequence[rows]) != 0))
    of_token = np.zeros(len(rows), np.int64)
    of_token[rows] = numbers
    found = {key: _Histogram(e, int(numbers[-1]) + 1, key) for key, e in edges.items()}
    for block in blocks(source, edges, rows):
        for key in edges:
            found[key].add(widened(block[key]), of_token[block.rows])
    return found


def _one(
    key: Key,
    units: int,
    mine: tuple[_Histogram, np.ndarray | None],
    bare: tuple[_Histogram | None, np.ndarray | None],
    resampler: Resampler,
) -> SignalDistribution:
    found, other = mine[0], bare[0]
    edges, counts = found.edges, found.counts.sum(axis=0, dtype=np.int64)
    values = int(found.sums[:, 0].sum())
    mean = resampler.score(lambda s: s[..., 1] / s[..., 0], found.sums, values // units)
    deviation = resampler.score(
        lambda s: np.sqrt(np.maximum(s[..., 2] / s[..., 0] - (s[..., 1] / s[..., 0]) ** 2, 0)),
        found.sums,
        values // units,
    )
    betas = [
        None if h is None or logs is None else _beta(logs, edges, h.counts, units, resampler)
        for h, logs in (mine, bare)
    ]
    others = None if other is None else other.counts.sum(axis=0, dtype=np.int64)
    peaks = [() if c is None or _is_gate(key) else peaks_of(c, edges) for c in (counts, others)]
    levels = None
    if found.bands is not None:
        beside = None if other is None or other.bands is None else (other.bands, other.sums)
        levels = levels_of(found.bands, found.sums, beside, units, resampler)
    return SignalDistribution(
        *key, edges, counts, found.outside, values, mean, deviation, betas[0], peaks[0], others, betas[1], peaks[1],
        levels,
    )  # fmt: skip


def _beta(logs: np.ndarray, edges: np.ndarray, counts: np.ndarray, units: int, resampler: Resampler) -> BetaFit:
    n = int(logs[:, 0].sum()) // units
    a = resampler.score(lambda s: fit_beta(s)[..., 0], logs, n)
    b = resampler.score(lambda s: fit_beta(s)[..., 1], logs, n)
    fitted = betainc(a.value, b.value, edges[1:])

    def distance(sums: np.ndarray) -> np.ndarray:
        below = np.cumsum(sums, axis=-1)
        return np.asarray(np.abs(below / below[..., -1:] - fitted).max(axis=-1))

    return BetaFit(a, b, resampler.score(distance, counts, int(counts.sum()) // units))


def fit_beta(sums: np.ndarray) -> np.ndarray:
    """Maximum-likelihood a, b of beta distributions from sums [... 3] of 1, log x, log(1 - x); [... 2].

    Newton steps on log a, log b for digamma(a) - digamma(a + b) = mean log x, and the same for b.
    """
    want = sums[..., 1:] / sums[..., :1]
    log = np.zeros_like(want)
    for _ in range(200):
        ab = np.exp(log)
        total = ab.sum(-1, keepdims=True)
        error = digamma(ab) - digamma(total) - want
        own, shared = polygamma(1, ab), polygamma(1, total)
        # the 2 x 2 system (diag(own) - shared) step = error, in a and b
        other = own[..., ::-1]
        below = (own - shared) * (other - shared) - shared**2
        step = ((other - shared) * error + shared * error[..., ::-1]) / below
        move = np.clip(-step / ab, -1, 1)
        log += move
        if np.abs(move).max() < 1e-10:
            break
    return np.asarray(np.exp(log))


def peaks_of(counts: np.ndarray, edges: np.ndarray) -> tuple[Peak, ...]:
    """The peaks of a histogram, by place; a heap in the first or last bin is one."""
    spread = max(1.0, SMOOTHED_OVER * len(counts))
    margin = int(4 * spread)
    smooth = gaussian_filter1d(np.pad(counts.astype(np.float64), margin), spread, mode="constant")
    if smooth.max() <= 0:
        return ()
    # A heap in the last bin is cut in half by the range; the empty margin lets it have a top.
    places, facts = find_peaks(smooth, prominence=PROMINENCE * smooth.max())
    centres = (edges[1:] + edges[:-1]) / 2
    out = []
    for at, prominence in zip(places, facts["prominences"], strict=True):
        place = float(centres[np.clip(at - margin, 0, len(counts) - 1)])
        share = float(counts[np.abs(centres - place) <= NEAR].sum() / counts.sum())
        out.append(Peak(place, share, float(prominence / smooth.max())))
    return tuple(out)
