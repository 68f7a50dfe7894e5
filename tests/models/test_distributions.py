"""Distributions of numbers: scores against their definitions, quantiles against scipy, samples, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from naibu.models.parts.distributions import KINDS, LEVELS, Unit, ensemble_crps, pinball

UNIT = Unit(*(torch.tensor(part) for part in ([0.5, -1.0, 2.0], [20.0, 30.0, 3000.0], [4.0, 12.0, 500.0])))


def made(kind, seed=3, spread=1.0):
    torch.manual_seed(seed)
    raw = (spread * torch.randn(3, KINDS[kind].outputs)).requires_grad_()
    place = torch.tensor([0.3, 1.5, -0.4], requires_grad=True)
    return KINDS[kind].of(raw, place, UNIT), raw, place


def scipys(found, row):
    """The same distribution of scipy, of the value in the data's units."""
    base, centre, spread = (float(part[row]) for part in UNIT)
    if hasattr(found, "share"):
        n = 1 / found.share[row].item()
        return stats.nbinom(n, n / (n + found.count[row].item()))
    place, scale = centre + spread * (base + found.place[row].item()), spread * found.scale[row].item()
    return stats.t(found.freedom[row].item(), place, scale) if hasattr(found, "freedom") else stats.norm(place, scale)


def z_of(value, row):
    return (value - float(UNIT.centre[row])) / float(UNIT.spread[row]) - float(UNIT.base[row])


@pytest.mark.parametrize("kind", ["student", "gaussian", "negative-binomial"])
def test_nats_quantiles_and_means_are_scipys(kind):
    found, _, _ = made(kind)
    discrete = kind == "negative-binomial"
    for level in (0.025, 0.1, 0.5, 0.9, 0.975):
        told = UNIT.value(found.quantile(level)).detach()
        wanted = [scipys(found, row).ppf(level) for row in range(3)]
        assert told.tolist() == pytest.approx(wanted, rel=1e-4, abs=1e-3)
    assert UNIT.value(found.mean()).tolist() == pytest.approx([scipys(found, row).mean() for row in range(3)], rel=1e-4)
    values = np.array([21.0, 40.0, 4100.0])
    z = torch.tensor([z_of(value, row) for row, value in enumerate(values)])
    wanted = [
        -(
            scipys(found, row).logpmf(value)
            if discrete
            else scipys(found, row).logpdf(value) + np.log(UNIT.spread[row].item())
        )
        for row, value in enumerate(values)
    ]
    assert found.nats(z).tolist() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("kind", ["student", "gaussian"])
def test_the_score_is_the_integral_that_defines_it(kind):
    found, _, _ = made(kind)
    for value in (-3.0, 0.2, 4.0):
        told = found.crps(torch.full((3,), value)).detach()
        for row in range(3):
            own = stats.t(found.freedom[row].item()) if kind == "student" else stats.norm()
            place, scale = found.place[row].item(), found.scale[row].item()
            low = integrate.quad(lambda x, o=own, p=place, s=scale: o.cdf((x - p) / s) ** 2, -np.inf, value)[0]
            high = integrate.quad(lambda x, o=own, p=place, s=scale: o.sf((x - p) / s) ** 2, value, np.inf)[0]
            assert float(told[row]) == pytest.approx(low + high, rel=1e-4)


@pytest.mark.parametrize("mean", [0.4, 30.0, 900.0, 20_000.0])
@pytest.mark.parametrize("share", [0.002, 0.3, 2.0])
def test_the_score_of_counts_is_the_sum_that_defines_it(mean, share):
    kind = KINDS["negative-binomial"]
    unit = Unit(torch.tensor([0.0]), torch.tensor([0.0]), torch.tensor([1.0]))
    found = kind(torch.tensor([mean], dtype=torch.float64), torch.tensor([share], dtype=torch.float64), unit)
    n = 1 / share
    own, y = stats.nbinom(n, n / (n + mean)), np.round(1.3 * mean)
    k = np.arange(0, int(own.isf(1e-13)) + 2)
    wanted = np.sum((own.cdf(k) - (k >= y)) ** 2)
    assert float(found.crps(torch.tensor([y]).float())[0]) == pytest.approx(wanted, rel=2e-3)


@pytest.mark.parametrize("mean", [0.4, 4.0, 900.0])
def test_an_interval_of_counts_holds_as_much_as_it_says(mean):
    """Counts drawn from the distribution itself, on their way through float32: ends of the interval lie within it."""
    rng, share, many = np.random.default_rng(2), 0.3, 3000
    counts = rng.negative_binomial(1 / share, 1 / (1 + share * mean), many).astype(np.float64)
    base, centre, spread = rng.standard_normal(many), np.full(many, 1.37 * mean), np.full(many, 0.713 * mean)
    unit = Unit(*(torch.from_numpy(part.astype(np.float32)) for part in (base, centre, spread)))
    z = torch.from_numpy(((counts - centre) / spread - base).astype(np.float32))
    wide = Unit(*(part.double() for part in unit))
    found = KINDS["negative-binomial"](torch.full((many,), mean).double(), torch.full((many,), share).double(), wide)
    truth = found.value(z, unit).numpy()
    np.testing.assert_array_equal(truth, counts)
    own = stats.nbinom(1 / share, 1 / (1 + share * mean))
    low, high = (found.value(found.quantile(level), unit).numpy() for level in (0.1, 0.9))
    assert (set(low), set(high)) == ({own.ppf(0.1)}, {own.ppf(0.9)})
    slack = 0.0 if mean < 100 else 3 * np.sqrt(0.8 * 0.2 / many)  # few counts: the ends hold more than they have to
    assert ((low <= counts) & (counts <= high)).mean() >= 0.8 - slack
    assert np.array_equal(found.value(found.sample(), unit) % 1, np.zeros(many))


def test_quantiles_never_cross_and_their_score_is_that_of_their_distribution():
    found, _, _ = made("quantiles", spread=3.0)
    assert (found.values.diff(dim=-1) > 0).all()
    assert torch.equal(found.values[:, LEVELS.index(0.5)], found.quantile(0.5))
    levels = (np.arange(200_000) + 0.5) / 200_000
    for value in (-20.0, -1.0, 0.35, 2.0, 30.0):
        told = found.crps(torch.full((3,), value)).detach()
        for row in range(3):
            drawn = np.interp(levels, LEVELS, found.values[row].detach().numpy())
            score = 2 * pinball(np.float64(value), drawn, levels).mean()  # 2 * integral of the pinball loss
            assert float(told[row]) == pytest.approx(score, rel=1e-3)
            assert found.mean()[row].item() == pytest.approx(drawn.mean(), rel=1e-3)


def test_the_score_of_samples_is_their_empirical_distributions():
    rng = np.random.default_rng(1)
    samples, truth = rng.normal(size=(40, 3)), np.array([0.0, 1.5, -9.0])
    for column, value in enumerate(truth):
        x = samples[:, column]
        by_definition = np.abs(x - value).mean() - np.abs(x[:, None] - x).mean() / 2
        assert ensemble_crps(samples, truth)[column] == pytest.approx(by_definition)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_have_the_quantiles_that_are_told(kind):
    found, _, _ = made(kind)
    torch.manual_seed(1)
    with torch.no_grad():
        drawn = torch.stack([found.sample() for _ in range(4000)])
    for level in (0.1, 0.5, 0.9):
        share = (drawn <= found.quantile(level) + 1e-6).float().mean(0)
        slack = 0.04 if kind == "negative-binomial" else 0.025
        assert ((share - level).abs() < slack).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_place_and_shape(kind):
    found, raw, place = made(kind)
    found.nats(torch.tensor([0.1, 0.2, -1.0])).sum().backward()
    assert place.grad.abs().min() > 0
    assert raw.grad.abs().sum() > 0
    assert raw.grad.isfinite().all()
