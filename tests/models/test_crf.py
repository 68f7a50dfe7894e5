"""The conditional random field against all paths written out, in value and gradient, by the kernel and without it."""

from __future__ import annotations

import itertools

import pytest
import torch

from naibu.models.parts import crf
from naibu.models.parts.crf import CRF
from naibu.models.parts.span_tags import Allowed

TAGS, LENGTHS = 4, torch.tensor([5, 1, 3, 4])


@pytest.fixture(params=["kernel", "plain"])
def way(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(crf, "_by_kernel", lambda scores: False)
    return request.param


def made(dtype=torch.float64, seed=3, forbidden=True):
    """A field with weights that are not zero, and scores."""
    generator = torch.Generator().manual_seed(seed)
    may = Allowed(*(torch.ones(shape, dtype=torch.bool) for shape in ((TAGS, TAGS), (TAGS,), (TAGS,))))
    if forbidden:
        may.pairs[0, 2] = may.pairs[3, 2] = may.first[2] = may.last[1] = False
    field = CRF(may).to(dtype)
    with torch.no_grad():
        for weight in field.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    scores = 2 * torch.randn(int(LENGTHS.max()), len(LENGTHS), TAGS, generator=generator, dtype=torch.float64)
    return field, scores.to(dtype).requires_grad_()


def paths(field, scores, row):
    """Every allowed path of a row with its score, from the definition."""
    steps = int(LENGTHS[row])
    for path in itertools.product(range(TAGS), repeat=steps):
        if not (field.may_begin[path[0]] and field.may_end[path[-1]]):
            continue
        if not all(field.may_follow[a, b] for a, b in itertools.pairwise(path)):
            continue
        score = field.first[path[0]] + field.last[path[-1]] + sum(scores[t, row, tag] for t, tag in enumerate(path))
        yield path, score + sum(field.pairs[a, b] for a, b in itertools.pairwise(path))


def by_hand(field, scores, target):
    """-ln p(target), summed over rows; a path agrees with a target wherever that says something."""
    total = 0.0
    for row in range(len(LENGTHS)):
        every = list(paths(field, scores, row))
        agree = [score for path, score in every if all(target[t, row] in (-1, tag) for t, tag in enumerate(path))]
        total = total + torch.logsumexp(torch.stack([s for _, s in every]), 0) - torch.logsumexp(torch.stack(agree), 0)
    return total


def targets(field, scores, some_unknown):
    rows = [list(paths(field, scores, row))[7 % 3 ** int(LENGTHS[row])][0] for row in range(len(LENGTHS))]
    found = torch.full((int(LENGTHS.max()), len(LENGTHS)), -1)
    for row, path in enumerate(rows):
        found[: len(path), row] = torch.tensor(path)
    if some_unknown:
        found[1, 0] = found[0, 3] = -1
    return found


@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize("some_unknown", [False, True])
def test_the_loss_and_its_gradients_are_those_over_all_paths(way, forbidden, some_unknown):
    field, scores = made(forbidden=forbidden)
    target = targets(field, scores, some_unknown)
    leaves = [scores, *field.parameters()]
    ours, theirs = field.loss(scores, target, LENGTHS), by_hand(field, scores, target)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-10)
    gradients = torch.autograd.grad(ours, leaves), torch.autograd.grad(theirs, leaves)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_what_each_step_costs_is_what_the_paths_that_begin_so_have(way):
    field, scores = made()
    target = targets(field, scores, some_unknown=True)
    costs = field.losses(scores, target, LENGTHS)
    assert torch.equal(costs.isnan(), target < 0)
    assert costs.nansum().item() == pytest.approx(field.loss(scores, target, LENGTHS).item(), abs=1e-10)
    for row in range(len(LENGTHS)):
        every = list(paths(field, scores, row))
        before = torch.logsumexp(torch.stack([score for _, score in every]), 0)
        for step in range(int(LENGTHS[row])):
            every = [(p, s) for p, s in every if target[step, row] in (-1, p[step])]
            now = torch.logsumexp(torch.stack([score for _, score in every]), 0)
            if target[step, row] >= 0:
                assert costs[step, row].item() == pytest.approx((before - now).item(), abs=1e-10)
            before = now


def test_the_best_path_is_the_best_of_all(way):
    for seed in range(20):
        field, scores = made(seed=seed)
        found = field.decode(scores, LENGTHS)
        for row, steps in enumerate(LENGTHS.tolist()):
            best, _ = max(paths(field, scores, row), key=lambda each: each[1].item())
            assert found[:steps, row].tolist() == list(best)
            assert (found[steps:, row] == -1).all()


def test_marginals_are_the_shares_of_the_paths(way):
    field, scores = made()
    found = field.marginals(scores, LENGTHS)
    for row, steps in enumerate(LENGTHS.tolist()):
        every = list(paths(field, scores, row))
        shares = torch.softmax(torch.stack([score for _, score in every]), 0)
        for step, tag in itertools.product(range(steps), range(TAGS)):
            share = sum(p.item() for (path, _), p in zip(every, shares, strict=True) if path[step] == tag)
            assert found[step, row, tag].item() == pytest.approx(share, abs=1e-10)
        assert not found[steps:, row].any()


def test_terms_that_vanish_beside_others_are_not_lost(way):
    """Only tag 1 may follow tag 0, whose sum is far below that of tag 1 itself."""
    allowed = torch.tensor([[False, True, False], [True, False, True], [True, False, False]])
    anything = torch.ones(3, dtype=torch.bool)
    field = CRF(Allowed(allowed, anything, anything)).double()
    scores = torch.zeros(3, 1, 3, dtype=torch.float64)
    scores[0, 0] = torch.tensor([0.0, 2000.0, 0.0])
    scores[1, 0] = torch.tensor([0.0, 0.0, 0.0])
    lengths = torch.tensor([3])
    target = torch.tensor([[0], [1], [2]])  # its first step is e^-2000 of the other
    wanted = torch.logsumexp(torch.tensor([2000.0, 2000.0, 0.0, 0.0, 0.0], dtype=torch.float64), 0)
    assert field.loss(scores, target, lengths).item() == pytest.approx(wanted.item(), rel=1e-12)
    paths_there = field.losses(scores, target, lengths)
    assert paths_there.sum().item() == pytest.approx(wanted.item(), rel=1e-12)


def test_float32_by_the_kernel_is_float64_rounded():
    field, scores = made(torch.float32)
    wide, scores64 = made(torch.float64)
    target = targets(wide, scores64, some_unknown=False)
    assert field.loss(scores, target, LENGTHS).item() == pytest.approx(
        wide.loss(scores64, target, LENGTHS).item(), rel=1e-5
    )


def test_nothing_learned_only_forbids():
    may = Allowed(torch.tensor([[True, False], [True, True]]), torch.tensor([True, False]), torch.tensor([True, True]))
    field = CRF(may, learned=False)
    assert not list(field.parameters())
    scores = torch.tensor([[[0.0, 9.0]], [[0.0, 9.0]], [[1.0, 0.0]]])
    assert field.decode(scores, torch.tensor([3]))[:, 0].tolist() == [0, 0, 0]
