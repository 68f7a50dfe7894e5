"""The classifier: pooling and attention by hand, what training makes small, series varied; the discrete choice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from naibu.config import ClassesConfig
from naibu.data.batch import Batch, Stream
from naibu.errors import OptionError
from naibu.models.choice import MultinomialLogit, fit
from naibu.models.classifier import Classifier
from naibu.models.pooling import Attention, pooled
from naibu.models.variation import varied

HIDDEN = torch.tensor([[[1.0, 5.0], [4.0, 0.0]], [[3.0, -1.0], [9.0, 9.0]], [[2.0, 2.0], [9.0, 9.0]]])
LENGTHS = torch.tensor([3, 1])
"""Three steps of one sequence and one of another; what lies beyond the second's end must count for nothing."""


@pytest.mark.parametrize(
    ("how", "both", "wanted"),
    [
        ("mean", True, [[2, 2], [4, 0]]),
        ("max", True, [[3, 5], [4, 0]]),
        ("mean-max", False, [[2, 2, 3, 5], [4, 0, 4, 0]]),
        ("last", False, [[2, 2], [4, 0]]),
        ("last", True, [[2, 5], [4, 0]]),  # the second unit reads backwards: its last state is at the first step
    ],
)
def test_steps_are_pooled(how, both, wanted):
    assert pooled(HIDDEN, LENGTHS, how, both=both).tolist() == wanted


def test_attention_is_a_mean_by_weights_that_sum_to_1_over_what_is_there():
    torch.manual_seed(1)
    attention = Attention(2, 3).double()
    weights = attention(HIDDEN.double(), LENGTHS)
    assert weights[1:, 1].tolist() == [0, 0]
    torch.testing.assert_close(weights.sum(0), torch.ones(2, dtype=torch.float64))
    w, b, v = (attention.hidden.weight, attention.hidden.bias, attention.context.weight[0])
    scores = torch.stack([v @ torch.tanh(w @ h + b) for h in HIDDEN[:, 0].double()])
    torch.testing.assert_close(weights[:, 0], scores.exp() / scores.exp().sum())
    heard = []
    with attention.listen(heard.append):
        attention(HIDDEN.double(), LENGTHS)
    assert torch.equal(heard[0]["weights"][..., 0], weights)
    found = pooled(HIDDEN.double(), LENGTHS, "attention", weights, both=True)
    torch.testing.assert_close(found[0], sum(a * h for a, h in zip(weights[:, 0], HIDDEN[:, 0].double(), strict=True)))


def batch_of(ids, lengths, codes):
    ids, lengths, codes = torch.tensor(ids), torch.tensor(lengths), torch.tensor(codes)
    target = torch.where(torch.arange(len(ids))[:, None] == lengths - 1, codes, -1)
    return Batch({"input": Stream(ids, lengths)}, target)


BATCH = batch_of([[1, 2, 3], [2, 0, 1], [3, 0, 0]], [3, 1, 2], [0, 2, 1])


def test_class_weights_and_smoothing_change_what_is_made_small_and_not_what_is_told():
    weights = (0.5, 1.0, 2.5)
    config = ClassesConfig(units=6, dropout=0.0, class_weights=weights, label_smoothing=0.2)
    torch.manual_seed(2)
    model = Classifier(4, 3, config).double()
    gold = torch.tensor([0, 2, 1])
    log_p = model.logits(BATCH).log_softmax(-1)
    found = model.loss(BATCH)
    plain = -log_p[torch.arange(3), gold].mean()
    torch.testing.assert_close(found.mean, plain)
    # Szegedy's smoothing: .8 of the target and .2 / 3 of every class, each term with its class's weight.
    w = torch.tensor(weights, dtype=torch.float64)
    aimed = (0.8 * (-log_p[torch.arange(3), gold] * w[gold]).sum() + 0.2 / 3 * (-log_p * w).sum()) / w[gold].sum()
    torch.testing.assert_close(found.mean + found.penalty, aimed)
    assert model.eval().loss(BATCH).penalty is None
    with pytest.raises(OptionError, match="--class-weights 1 2: must be 3"):
        Classifier(4, 3, ClassesConfig(units=6, class_weights=(1, 2)))


def test_outcomes_stand_at_the_last_step_and_an_unknown_class_predicts_nothing():
    torch.manual_seed(3)
    model = Classifier(4, 3, ClassesConfig(units=6, pooling="attention")).eval()
    outcomes, _ = model.outcomes(BATCH)
    p = model.probabilities(BATCH)
    for row, (step, gold) in enumerate([(2, 0), (0, 2), (1, 1)]):
        told = outcomes["predicted"][:, row]
        assert (told >= 0).tolist() == [k == step for k in range(3)]
        assert int(told[step]) == int(p[row].argmax())
        assert outcomes["loss"][step, row].item() == pytest.approx(-np.log(p[row, gold].item()), rel=1e-5)
        assert outcomes["probability"][step, row].item() == pytest.approx(p[row].max().item(), rel=1e-6)
    nobody = batch_of([[1, 2, 3], [2, 0, 1], [3, 0, 0]], [3, 1, 2], [-1, -1, -1])
    assert model.loss(nobody).count == 0
    assert model.outcomes(nobody)[0]["loss"].isnan().all()
    torch.testing.assert_close(model.probabilities(nobody), p)


def test_a_network_that_reads_forwards_alone_has_all_units_in_one_direction():
    both, one = (Classifier(4, 3, ClassesConfig(units=6, one_way=way)) for way in (False, True))
    assert (both.layers.hidden_size, both.layers.bidirectional) == (3, True)
    assert (one.layers.hidden_size, one.layers.bidirectional) == (6, False)


def test_series_are_varied_within_bounds():
    x = torch.arange(1.0, 21.0)[:, None, None].expand(20, 400, 1) * 1.0
    lengths = torch.full((400,), 20)
    torch.manual_seed(4)
    same, steps = varied(x, lengths, 0.0)
    torch.testing.assert_close(same, x)
    assert steps.tolist() == lengths.tolist()
    found, steps = varied(x, torch.where(torch.arange(400) % 2 == 0, 20, 10), 0.1)
    long, short = steps[::2], steps[1::2]
    assert (long.min(), long.max()) == (17, 20)  # none is longer than the batch
    assert (short.min(), short.max()) == (9, 11)
    assert all(not found[n:, k].any() for k, n in enumerate(steps.tolist()))
    first, last = found[0, ::2, 0], torch.stack([found[n - 1, k, 0] for k, n in enumerate(steps.tolist())])[::2]
    assert first.mean().item() == pytest.approx(1 + 1, abs=0.15)  # up to 2 of 20 are cut off, 1 on the mean
    assert last.mean().item() == pytest.approx(20 - 1, abs=0.4)
    torch.manual_seed(4)
    varied(x, lengths, 0.0)
    torch.testing.assert_close(varied(x, torch.where(torch.arange(400) % 2 == 0, 20, 10), 0.1)[0], found)


# ---------------------------------------------------------------- the discrete choice


def choices(count=400, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3, 2))
    utility = x @ np.array([-1.0, 0.6]) + np.array([0.0, 0.5, -0.8]) + rng.gumbel(size=(count, 3))
    available = rng.random((count, 3)) < 0.9
    available[np.arange(count), rng.integers(0, 3, count)] = True
    return x, np.where(available, utility, -np.inf).argmax(1), available


def log_likelihood(parameters, x, chosen, available):
    utility = x @ parameters[:2] + np.array([0.0, *parameters[2:]])
    e = np.where(available, np.exp(utility), 0.0)
    return float(np.log(e[np.arange(len(x)), chosen] / e.sum(1)).sum())


@pytest.mark.parametrize("some_missing", [False, True])
def test_the_network_is_the_maximum_likelihood_estimate_of_another_optimiser(some_missing):
    x, chosen, available = choices()
    if not some_missing:
        available = np.ones_like(available)
    tensors = (torch.from_numpy(x), torch.from_numpy(chosen), torch.from_numpy(available))
    found = fit(*tensors)
    other = minimize(lambda b: -log_likelihood(b, x, chosen, available), np.zeros(4), method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 20_000, "maxfev": 20_000})  # fmt: skip
    mine = torch.cat([found.model.weight, found.model.bias]).detach().numpy()
    np.testing.assert_allclose(mine, other.x, atol=1e-6)
    assert found.log_likelihood == pytest.approx(-other.fun, abs=1e-8)
    h, curvature = 1e-4, np.zeros((4, 4))
    for a in range(4):
        for b in range(4):
            s, t = h * np.eye(4)[a], h * np.eye(4)[b]
            terms = [
                log_likelihood(mine + i * s + j * t, x, chosen, available) * i * j for i in (1, -1) for j in (1, -1)
            ]
            curvature[a, b] = -sum(terms) / (4 * h * h)
    np.testing.assert_allclose(found.errors.numpy(), np.sqrt(np.diag(np.linalg.inv(curvature))), rtol=1e-5)
    if some_missing:
        assert abs(mine - [-1.0, 0.6, 0.5, -0.8]).max() < 4 * found.errors.max()


def test_constants_alone_give_the_shares_and_gradients_are_finite_differences():
    chosen = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
    x = torch.randn(10, 3, 1, generator=torch.Generator().manual_seed(6)).double()
    model = MultinomialLogit(1, 3).double()
    shares = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    with torch.no_grad():
        model.bias.copy_((shares[1:] / shares[0]).log())
    torch.testing.assert_close(model(torch.zeros(1, 3, 1, dtype=torch.float64))[0].exp(), shares)

    def loss(weight, bias):
        return -torch.func.functional_call(model, {"weight": weight, "bias": bias}, (x,))[
            torch.arange(10), chosen
        ].mean()

    assert torch.autograd.gradcheck(loss, (model.weight, model.bias))


def test_a_choice_that_was_not_there_and_one_that_is_told_for_certain_are_refused():
    x, chosen, available = (torch.from_numpy(each) for each in choices(50))
    available[7, chosen[7]] = False
    with pytest.raises(OptionError, match="choice 7: what was chosen was not available"):
        fit(x, chosen, available)
    certain = torch.zeros(50, 3, 1, dtype=torch.float64)
    certain[torch.arange(50), chosen] = 1
    with pytest.raises(OptionError, match="no largest value"):
        fit(certain, chosen)
