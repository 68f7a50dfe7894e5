"""The network of running text: each option against its equations written out again, and what must not change."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

import naibu
from naibu.cells import dropout as cells_dropout
from naibu.cells import layers as cells_layers
from naibu.cells import wrappers
from naibu.cells.kernels.path import explain
from naibu.config import ModelConfig, TextConfig, TrainingConfig, as_typed
from naibu.data.batch import Batch, Stream
from naibu.models import language_model, text_model
from naibu.models.language_model import LanguageModel
from naibu.models.output import TiedAdaptiveSoftmax, fastest_cutoff
from naibu.models.text_model import TextModel
from naibu.models.weights import restore, stored
from naibu.training.trainer import Trainer

STEPS, LANES, UNITS = 6, 3, 8
EVERYTHING = TextConfig(
    units=UNITS,
    layers=2,
    dropout=0.4,
    embedding_dropout=0.3,
    symbol_dropout=0.2,
    weight_drop=0.5,
    activation_penalty=2.0,
    temporal_penalty=1.5,
    label_smoothing=0.1,
)
KINDS = {
    "learned": (30, {}),
    "one-hot": (30, {"embedding_kind": "one-hot"}),
    "tied": (30, {"tied": True}),
    "adaptive": (1000, {"tied": True, "softmax": "adaptive", "cutoffs": (200, 600)}),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def built(kind, config=EVERYTHING, **options):
    vocabulary, more = KINDS[kind]
    torch.manual_seed(3)
    return TextModel(vocabulary, replace(config, **more, **options)).train()


def batch_of(vocabulary, padded=True, seed=1):
    ids = torch.randint(vocabulary, (STEPS + 1, LANES), generator=torch.Generator().manual_seed(seed))
    lengths = torch.tensor([STEPS, 4, 2]) if padded else torch.full((LANES,), STEPS)
    target = torch.where(torch.arange(STEPS)[:, None] < lengths, ids[1:], -1)
    return Batch({"input": Stream(ids[:-1], lengths)}, target)


@pytest.fixture
def masks(monkeypatch):
    """Every mask that is drawn, in the order of drawing."""
    drawn = []

    def listening(real):
        def told(x, rate, training=True):
            if not training or not rate:
                return x
            like = torch.ones_like(x[:1] if real is cells_dropout.locked_dropout else x)
            drawn.append(real(like.detach(), rate).double())
            return x * drawn[-1].to(x.dtype)

        return told

    monkeypatch.setattr(text_model, "dropout", listening(text_model.dropout))
    monkeypatch.setattr(language_model, "dropout", listening(language_model.dropout))
    for module in (text_model, cells_layers):
        monkeypatch.setattr(module, "locked_dropout", listening(cells_dropout.locked_dropout))
    return drawn


def written_out(model, weights, batch, masks):
    """The whole loss of `EVERYTHING` in float64, step by step, with these masks."""
    config, (hh0, hh1, symbols, inputs, between, outputs) = model.config, masks
    table = weights.get("embedding.weight", torch.eye(model.vocabulary, dtype=torch.float64))
    x = table[batch.main.x] * model.scale * symbols[batch.main.x] * inputs
    for layer, recurrent in enumerate((hh0, hh1)):
        w_ih, w_hh, b_ih, b_hh = (
            weights[f"layers.{n}_l{layer}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h = c = torch.zeros(LANES, UNITS, dtype=torch.float64)
        rows = []
        for each in x:
            i, f, g, o = (each @ w_ih.t() + b_ih + h @ (w_hh * recurrent).t() + b_hh).chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            rows.append(h)
        raw = torch.stack(rows)
        x = raw * (outputs if layer else between)
    there = batch.target >= 0
    loss = cross_entropies(model, weights, x[there], batch.target[there], config.label_smoothing) / there.sum()
    loss = loss + config.activation_penalty * x[there].square().mean()
    both = there[1:] & there[:-1]
    return loss + config.temporal_penalty * (raw[1:] - raw[:-1])[both].square().mean()


def cross_entropies(model, weights, h, targets, smoothing):
    """The sum over places; of a softmax in two steps each is smoothed by itself."""

    def summed(h, weight, bias, targets):
        return functional.cross_entropy(h @ weight.t() + bias, targets, reduction="sum", label_smoothing=smoothing)

    table, bias = weights.get("output.weight", weights.get("embedding.weight")), weights["output.bias"]
    if not isinstance(model.output, TiedAdaptiveSoftmax):
        return summed(h, table, bias, targets)
    edges = (*model.config.cutoffs, model.vocabulary)
    few, rare = edges[0], weights["output.rare"]
    group = sum((targets >= edge).long() for edge in edges[:-1])
    total = summed(h, torch.cat((table[:few], rare)), bias[: few + 2], targets.where(group == 0, few - 1 + group))
    for number in (1, 2):
        begin, end = edges[number - 1], edges[number]
        rows = group == number
        total = total + summed(h[rows], table[begin:end], bias[begin + 2 : end + 2], targets[rows] - begin)
    return total


@kinds
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("locked", [True, False])
def test_loss_and_gradients_are_those_of_the_equations_written_out(masks, kind, dtype, locked):
    model, batch = built(kind, locked=locked).to(dtype), batch_of(KINDS[kind][0])
    if not locked:  # what is dropped between layers is then the layers' own affair
        model.layers.locked = True
    found = model.loss(batch)
    names, parameters = zip(*model.named_parameters(), strict=True)
    exact = {name: each.detach().double().requires_grad_() for name, each in zip(names, parameters, strict=True)}
    expected = written_out(model, exact, batch, masks)
    near = {"rtol": 1e-9, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 2e-4, "atol": 2e-5}
    assert found.count == 12
    torch.testing.assert_close((found.mean + found.penalty).double(), expected, **near)
    for name, one, other in zip(
        names,
        torch.autograd.grad(found.mean + found.penalty, parameters),
        torch.autograd.grad(expected, exact.values()),
        strict=True,
    ):
        torch.testing.assert_close(one.double(), other, **near, msg=lambda said, name=name: f"{name}: {said}")
    shapes = [tuple(mask.shape) for mask in masks]
    size = model.embedding.embedding_dim
    steps = 1 if locked else STEPS
    assert shapes[:2] == [(4 * UNITS, UNITS)] * 2
    assert shapes[2:] == [(model.vocabulary, 1), (steps, LANES, size), (1, LANES, UNITS), (steps, LANES, UNITS)]


@kinds
def test_the_gradient_is_that_of_finite_differences(kind):
    model, batch = built(kind).double(), batch_of(KINDS[kind][0])
    directions = [torch.randn_like(parameter) for parameter in model.parameters()]

    def loss(share):
        with torch.no_grad():
            for parameter, direction in zip(model.parameters(), directions, strict=True):
                parameter.add_(direction, alpha=share)
        torch.manual_seed(8)
        found = model.loss(batch)
        return found.mean + found.penalty

    gradients = torch.autograd.grad(loss(0.0), list(model.parameters()))
    slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)).item()
    step = 1e-6
    assert (loss(step).item() - loss(-2 * step).item()) / (2 * step) == pytest.approx(slope, rel=1e-4)


def test_in_evaluation_nothing_is_dropped_added_or_smoothed():
    model, batch = built("learned").eval(), batch_of(30)
    plain = LanguageModel(30, ModelConfig(units=UNITS, layers=2)).eval()
    plain.load_state_dict(model.state_dict())
    ours, theirs = model.loss(batch), plain.loss(batch)
    assert ours.penalty is None
    assert torch.equal(ours.mean, theirs.mean)
    for one, other in zip(model.outcomes(batch)[0].values(), plain.outcomes(batch)[0].values(), strict=True):
        torch.testing.assert_close(one, other, equal_nan=True)


@kinds
def test_what_stands_at_padding_changes_nothing(kind):
    model, batch = built(kind), batch_of(KINDS[kind][0])
    other = batch_of(KINDS[kind][0], seed=9)
    changed = torch.where(batch.target >= 0, batch.main.x, other.main.x)
    found = []
    for ids in (batch.main.x, changed):
        torch.manual_seed(5)
        loss = model.loss(Batch({"input": Stream(ids, batch.main.lengths)}, batch.target))
        found.append([loss.mean, loss.penalty, *torch.autograd.grad(loss.mean + loss.penalty, [*model.parameters()])])
    assert not torch.equal(batch.main.x, changed)
    for one, again in zip(*found, strict=True):
        torch.testing.assert_close(one, again)


@kinds
def test_lanes_do_not_meet_and_a_text_in_pieces_is_the_whole_text(kind):
    model, ids = built(kind), batch_of(KINDS[kind][0]).main.x
    changed = ids.clone()
    changed[:, 0] = changed[:, 0].flip(0)
    outputs = []
    for each in (ids, changed):
        torch.manual_seed(5)
        outputs.append(model(each)[0])
    assert torch.equal(outputs[0][:, 1:], outputs[1][:, 1:])
    model.eval()
    whole, end = model(ids)
    first, state = model(ids[:2])
    rest, last = model(ids[2:], state)
    torch.testing.assert_close(torch.cat((first, rest)), whole)
    for one, other in zip(last, end, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "lstm-peephole", "min-lstm", "slstm"])
def test_locked_dropout_between_layers_is_the_same_at_every_step_and_each_layer_is_heard(cell):
    torch.manual_seed(4)
    model = TextModel(30, TextConfig(cell=cell, units=16, layers=2, dropout=0.5, embedding_dropout=0.0)).train()
    ids, heard = batch_of(30, padded=False).main.x, []
    with torch.no_grad():  # the layer above reads its input alone, so that what reaches it shows in its gates
        for name, parameter in model.layers.named_parameters():
            if name.endswith("_l1"):
                parameter.zero_()
    seen = []
    between = type(model.layers)._between
    model.layers._between = lambda x: seen.append((x, between(model.layers, x))) or seen[-1][1]
    with model.layers.listen(["hidden"], heard.append):
        model(ids)
    (x, dropped), signals = seen[0], heard[0].watched.signals
    assert [name for name, _ in signals] == [f"{model.layers.name}.{layer}" for layer in (0, 1)]
    zeros = dropped == 0
    assert (zeros == zeros[0]).all()
    assert zeros[0].any()
    assert not zeros[0].all()
    torch.testing.assert_close(dropped[~zeros], 2 * x[~zeros])
    assert not torch.equal(zeros[0, 0], zeros[0, 1])


def test_weight_drop_is_the_wrappers_on_the_quick_path(monkeypatch):
    mask = torch.bernoulli(torch.full((4 * UNITS, UNITS), 0.5)) * 2
    monkeypatch.setattr(text_model, "dropout", lambda weight, rate: weight * mask)
    monkeypatch.setattr(wrappers.functional, "dropout", lambda weight, rate: weight * mask)
    options = {"units": UNITS, "dropout": 0.0, "weight_drop": 0.5}
    model, plain = TextModel(30, TextConfig(**options)), LanguageModel(30, ModelConfig(**options))
    plain.load_state_dict(model.state_dict())
    assert "compiled kernel" in explain(model.layers)
    assert "plain path" in explain(plain.layers)
    losses = [each.train().loss(batch_of(30)).mean for each in (model, plain)]
    torch.testing.assert_close(*losses)
    gradients = [
        torch.autograd.grad(loss, list(each.parameters())) for loss, each in zip(losses, (model, plain), strict=True)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    assert (gradients[0][2][mask == 0] == 0).all()
    copy.deepcopy(model)  # the layers have their parameters back


def test_weights_are_back_after_an_error():
    layer = naibu.LSTM(3, 4)
    before = dict(layer.named_parameters())
    with pytest.raises(naibu.OptionError), layer.with_weights({"weight_hh_l0": torch.zeros(16, 4)}):
        layer(torch.zeros(2, 1, 5))
    assert all(value is before[name] for name, value in layer.named_parameters())
    assert layer.cell().weight_hh is before["weight_hh_l0"]


def test_one_hot_input_is_an_embedding_that_is_the_identity():
    model = TextModel(30, TextConfig(units=UNITS, embedding_kind="one-hot")).eval()
    plain = LanguageModel(30, ModelConfig(units=UNITS, embedding=30)).eval()
    assert "embedding.weight" not in model.state_dict()
    plain.load_state_dict({**model.state_dict(), "embedding.weight": torch.eye(30)})
    ids = batch_of(30).main.x
    torch.testing.assert_close(model(ids)[0], plain(ids)[0])
    column = model.layers.weight_ih_l0[:, ids[0, 0]] + model.layers.bias_ih_l0 + model.layers.bias_hh_l0
    gate = model.watch(ids[:1, :1], keep=["output_gate"]).signals["lstm.0", "output_gate"][0, 0]
    torch.testing.assert_close(gate, column[-UNITS:].sigmoid())
    large = TextModel(600, TextConfig(units=UNITS, embedding_kind="one-hot", dropout=0.0)).train()
    large.loss(batch_of(600)).mean.backward()
    assert large.layers.weight_ih_l0.grad.any()


def test_the_trainer_adds_the_penalty_and_tells_the_loss_without_it():
    model, batch = (
        built("learned", dropout=0.0, embedding_dropout=0.0, symbol_dropout=0.0, weight_drop=0.0),
        batch_of(30),
    )
    found = model.loss(batch)
    gradients = torch.autograd.grad(found.mean + found.penalty, list(model.parameters()))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    done = Trainer(model, TrainingConfig(optimiser="sgd", clip=math.inf)).step(batch, 0, 0.5)
    assert done.mean == pytest.approx(found.mean.item())
    for old, gradient, new in zip(before, gradients, model.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old - 0.5 * gradient)


# The tied softmax in two steps.


@pytest.mark.parametrize("cutoffs", [(), (300,), (50, 400, 900)])
def test_tied_probabilities_add_up_and_the_loss_is_theirs(cutoffs):
    torch.manual_seed(1)
    layer = TiedAdaptiveSoftmax(torch.nn.Parameter(torch.randn(1200, 16)), cutoffs)
    with torch.no_grad():
        layer.rare.normal_()
    h = torch.randn(10, 3, 16, requires_grad=True)
    scores = layer.scores(h)
    assert scores.shape == (10, 3, 1200)
    torch.testing.assert_close(scores.logsumexp(-1), torch.zeros(10, 3), atol=1e-5, rtol=0)
    targets = torch.randint(-1, 1200, (10, 3))
    there = targets >= 0
    expected = functional.nll_loss(scores[there], targets[there], reduction="sum")
    torch.testing.assert_close(layer.loss(h, targets, "sum"), expected)
    torch.testing.assert_close(layer.loss(h, targets, "mean"), expected / there.sum())
    wanted = [h, *layer.parameters()]
    ours, theirs = (torch.autograd.grad(loss, wanted) for loss in (layer.loss(h, targets, "sum"), expected))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    nothing = layer.loss(h, torch.full((10, 3), -1), "mean")
    assert nothing.item() == 0
    nothing.backward()


def test_at_first_a_tied_softmax_in_two_steps_holds_all_symbols_for_as_likely():
    layer = TiedAdaptiveSoftmax(torch.nn.Parameter(torch.randn(1200, 4)), (100, 500))
    torch.testing.assert_close(layer.scores(torch.zeros(1, 4)), torch.full((1, 1200), -math.log(1200)))


@pytest.mark.parametrize("vocabulary", [1000, 10_000, 33_278])
def test_the_cutoff_is_the_cheapest(vocabulary):
    harmonic = [0.0]
    for rank in range(1, vocabulary + 1):
        harmonic.append(harmonic[-1] + 1 / rank)
    cost = {c: c + 1 + (vocabulary - c) * (1 - harmonic[c] / harmonic[-1]) for c in range(1, vocabulary)}
    assert fastest_cutoff(vocabulary) == min(cost, key=cost.get)
    assert cost[fastest_cutoff(vocabulary)] / vocabulary < 0.37


def test_a_tied_softmax_in_two_steps_is_stored_once_and_scored():
    model, again = built("adaptive"), built("adaptive")
    tensors = stored(model)
    assert sum(value.shape == (1000, UNITS) for value in tensors.values()) == 1
    with torch.no_grad():
        again.embedding.weight.zero_()
    restore(again, tensors)
    batch = batch_of(1000)
    outcomes = again.eval().outcomes(batch)[0]
    there = batch.target >= 0
    assert outcomes["loss"][there].mean().item() == pytest.approx(model.eval().loss(batch).mean.item(), rel=1e-5)


# Options.


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"symbol_dropout": 1.0}, "--symbol-dropout 1.0: must be from 0 up to, not including, 1"),
        ({"label_smoothing": -0.1}, "--label-smoothing -0.1: must be from 0"),
        ({"activation_penalty": -1.0}, "--activation-penalty -1.0: must be 0 or more"),
        ({"temporal_penalty": math.nan}, "--temporal-penalty nan: must be a number"),
        ({"embedding_kind": "dense"}, "--embedding-kind dense: must be one of learned, one-hot"),
        ({"embedding_kind": "one-hot", "tied": True}, "--embedding-kind one-hot: must be learned when --tied"),
        ({"embedding_kind": "one-hot", "embedding": 9}, "--embedding 9: must be 0 with --embedding-kind one-hot"),
        ({"softmax": "adaptive", "label_smoothing": 0.1}, "--label-smoothing 0.1: must be 0 with --softmax adaptive"),
        ({"dropout": 1.0}, "--dropout 1.0: must be"),
    ],
)
def test_options_that_do_not_fit_are_named(options, said):
    with pytest.raises(naibu.OptionError, match=said):
        TextConfig(**options)


def test_what_the_network_refuses():
    with pytest.raises(naibu.OptionError, match="--embedding-kind one-hot: is for 2,000 symbols at most, .* 2,001"):
        TextModel(2001, TextConfig(embedding_kind="one-hot"))
    with pytest.raises(naibu.OptionError, match="weight drop 0.5: a MinLSTMCell has no recurrent weights"):
        TextModel(30, TextConfig(cell="min-lstm", weight_drop=0.5))


def test_a_flag_that_is_usually_set_is_typed_as_its_contrary():
    assert as_typed(TextConfig(locked=False, tied=True)) == ["--tied", "--no-locked"]
