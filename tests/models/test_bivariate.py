"""Mixtures of bivariate Gaussians against plain formulas, and derivatives that are cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from naibu.models.parts.bivariate import LEAST, STRAIGHTEST, BivariateMixture
from naibu.models.parts.derivatives import clipped_derivative


def raw_of(rows=5, components=4):
    return torch.randn(rows, 6 * components, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def plain(raw, point, bias=0.0):
    """Graves' equations 23 to 26 with matrices: the density of every component, one by one."""
    found = []
    for row, (px, py) in zip(raw.numpy(), point.numpy(), strict=True):
        w, mx, my, sx, sy, r = row.reshape(6, -1)
        weights = np.exp(w * (1 + bias)) / np.exp(w * (1 + bias)).sum()
        density = 0.0
        for k, weight in enumerate(weights):
            a, b = ((math.exp(s[k]) + LEAST) * math.exp(-bias) for s in (sx, sy))
            rho = STRAIGHTEST * math.tanh(r[k])
            covariance = np.array([[a * a, rho * a * b], [rho * a * b, b * b]])
            off = np.array([px - mx[k], py - my[k]])
            distance = off @ np.linalg.inv(covariance) @ off
            density += weight * math.exp(-distance / 2) / (2 * math.pi * math.sqrt(np.linalg.det(covariance)))
        found.append(-math.log(density))
    return np.array(found)


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_nats_are_those_of_the_plain_formula(bias):
    raw, point = raw_of(), torch.randn(5, 2, dtype=torch.float64)
    np.testing.assert_allclose(BivariateMixture.of(raw, bias).nats(point).numpy(), plain(raw, point, bias), rtol=1e-9)


def test_a_density_is_one_over_the_whole_plane():
    mixture = BivariateMixture.of(raw_of(1).clamp(-1, 1))
    axis = torch.linspace(-20, 20, 801, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    assert (-mixture.nats(grid)).exp().sum().item() * (axis[1] - axis[0]).item() ** 2 == pytest.approx(1, abs=1e-6)


def test_what_is_drawn_has_the_mean_and_the_covariance_that_the_mixture_says():
    raw, count = raw_of(1, 3), 200_000
    mixture = BivariateMixture.of(raw.expand(count, -1))
    generator = torch.Generator().manual_seed(3)
    share = torch.rand(count, generator=generator, dtype=torch.float64)
    points = mixture.drawn(share, torch.randn(count, 2, generator=generator, dtype=torch.float64)).numpy()
    weight, mean, scale, r = (part[0].numpy() for part in (
        mixture.log_weight.exp(), mixture.mean, mixture.scale, mixture.correlation))  # fmt: skip
    expected = weight @ mean
    second = sum(
        w * (np.outer(m, m) + np.array([[a * a, c * a * b], [c * a * b, b * b]]))
        for w, m, (a, b), c in zip(weight, mean, scale, r, strict=True)
    )
    np.testing.assert_allclose(mixture.expected()[0].numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(points.mean(0), expected, atol=0.05)
    np.testing.assert_allclose(points.T @ points / count, second, atol=0.15)


def test_bias_makes_scales_smaller_and_weights_sharper():
    raw = raw_of()
    free, sharp = BivariateMixture.of(raw), BivariateMixture.of(raw, 1.0)
    torch.testing.assert_close(sharp.scale, free.scale / math.e)
    torch.testing.assert_close(sharp.log_weight, (2 * free.log_weight).log_softmax(-1))
    assert torch.equal(sharp.mean, free.mean)


def test_far_points_have_finite_nats_and_derivatives():
    raw = torch.full((1, 12), 50.0, requires_grad=True)
    nats = BivariateMixture.of(raw).nats(torch.tensor([[-1e4, 1e4]]))
    nats.sum().backward()
    assert bool(nats.isfinite().all())
    assert bool(raw.grad.isfinite().all())


def test_derivatives_are_cut_element_by_element():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    out = clipped_derivative(x, 5.0)
    assert torch.equal(out, x)
    out.backward(torch.tensor([-7.0, 4.0, 6.0]))
    assert x.grad.tolist() == [-5.0, 4.0, 5.0]
