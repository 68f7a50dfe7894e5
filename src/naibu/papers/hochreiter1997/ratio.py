"""Statistics of few trials against a published mean: success rates, the ratio of means, differences of errors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest, fisher_exact, t

from naibu.papers.intervals import Interval


def success_rate(solved: int, trials: int) -> Interval:
    """Return the share of trials solved with Wilson's 95 % interval.

    Of 16 trials that were all solved the interval still begins at 0.81: few trials cannot show that none fails.
    """
    found = binomtest(solved, trials).proportion_ci(method="wilson")
    return Interval(solved / trials, float(found.low), float(found.high))


def same_rate(solved: int, trials: int, share: float, published_trials: int) -> float:
    """Return the p-value of Fisher's exact test that both success rates are one.

    `share` is the published rate; the paper's count is the one nearest to it. A large p does not show that the rates
    are equal: with 4 of our trials against 30 nothing short of a collapse is noticed.
    """
    theirs = round(share * published_trials)
    table = [[solved, trials - solved], [theirs, published_trials - theirs]]
    return float(fisher_exact(table).pvalue)


def ratio_of_means(ours: Sequence[float], published: float, published_trials: int | None) -> Interval:
    """Return mean(ours) / published with a 95 % interval for the ratio of the two true means.

    The paper gives means only. Its trials are taken to scatter as ours do, with the same coefficient of variation v;
    then the logarithm of the ratio has a variance of about v^2 (1 / n + 1 / m), n our trials and m the paper's, and
    the interval is exp(log ratio -+ t(.975, n - 1) v sqrt(1 / n + 1 / m)). With m unknown (None) the published mean
    is taken as exact, and the interval is too narrow.

    In simulations it covers the true ratio in 93 to 96 % of cases where the trials' coefficient of variation is .5 or
    less, n from 4 to 30, and in 89 to 91 % where it is 1.3; resampling covers 80 % at n = 4. It misleads where
    the paper's trials scattered otherwise than ours, and wherever unsolved trials were left out of `ours`: those
    would have been long ones, so that the mean is too low. The bounds are nan where there is one value only.
    """
    values = np.asarray(ours, float)
    mean = float(values.mean())
    found = mean / published
    if len(values) < 2:
        return Interval(found, math.nan, math.nan)
    half = _t(len(values)) * float(values.std(ddof=1)) / mean * _both(len(values), published_trials)
    return Interval(found, found * math.exp(-half), found * math.exp(half))


def share_differs(wrong: Sequence[int], tested: int, published: float, published_trials: int | None) -> bool:
    """Return whether the published share of wrong test sequences lies outside the 95 % interval of ours.

    wrong: of `tested` sequences, for each trial. As for `ratio_of_means` the paper's trials are taken to scatter as
    ours; but at least as much as chance makes counts scatter, since trials that all have none wrong would seem
    certain, and the published share may be off by half a sequence, since it is rounded. Two trials are needed, with
    fewer the answer is no.
    """
    shares = np.asarray(wrong, float) / tested
    if len(shares) < 2:
        return False
    by_chance = math.sqrt(max(published, 1 / tested) / tested)
    half = _t(len(shares)) * max(float(shares.std(ddof=1)), by_chance) * _both(len(shares), published_trials)
    return bool(abs(float(shares.mean()) - published) > half + 0.5 / tested)


def _t(n: int) -> float:
    return float(t.ppf(0.975, n - 1))


def _both(n: int, m: int | None) -> float:
    return math.sqrt(1 / n + (1 / m if m else 0.0))
