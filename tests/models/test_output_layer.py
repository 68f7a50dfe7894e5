"""The output layer: chunked cross-entropy, adaptive softmax, dropout; each against what it stands for."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

import naibu
from naibu.cells.layers import Recurrent
from naibu.cells.products import has_bfloat16_tiles, padded_rows, product
from naibu.config import ModelConfig, TrainingConfig
from naibu.data.batch import Batch, Stream
from naibu.data.batches import pad
from naibu.interventions.hold import hold
from naibu.models import cross_entropy
from naibu.models.cross_entropy import chunked_cross_entropy
from naibu.models.dropout import dropout, mask
from naibu.models.language_model import TABLE_SYMBOLS, LanguageModel
from naibu.models.output import AdaptiveSoftmax, FullSoftmax
from naibu.recording import record_examples
from naibu.training.devices import device_of
from naibu.training.trainer import Trainer, clip_gradients
from naibu.training.validation import mean_loss, validation_part

VOCABULARY = 1200


@pytest.fixture
def few(monkeypatch):
    """Chunks so small that everything has several, the last one padded."""
    monkeypatch.setattr(cross_entropy, "CHUNK_VALUES", 1)
    monkeypatch.setattr(cross_entropy, "FEWEST_SYMBOLS", 32)


def example(symbols=75, hidden=6, vocabulary=11, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(symbols, hidden, generator=generator, dtype=dtype, requires_grad=True)
    weight = torch.randn(vocabulary, hidden, generator=generator, dtype=dtype, requires_grad=True)
    bias = torch.randn(vocabulary, generator=generator, dtype=dtype, requires_grad=True)
    targets = torch.randint(-2, vocabulary, (symbols,), generator=generator)
    return h, weight, bias, targets


def whole(h, weight, bias, targets, reduction):
    """What the chunks stand for: the whole matrix of logits."""
    there = targets >= 0
    return functional.cross_entropy(functional.linear(h, weight, bias)[there], targets[there], reduction=reduction)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("vocabulary", [2, 11, 700, 3000])
def test_loss_and_gradients_are_those_of_the_whole_matrix(few, reduction, dtype, vocabulary):
    h, weight, bias, targets = example(vocabulary=vocabulary, dtype=dtype)
    expected = whole(h, weight, bias, targets, reduction)
    loss = chunked_cross_entropy(h, weight, bias, targets, reduction)
    tolerance = {"rtol": 1e-12, "atol": 1e-12} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 3e-6}
    torch.testing.assert_close(loss, expected, **tolerance)
    ours = torch.autograd.grad(1.7 * loss, (h, weight, bias))
    theirs = torch.autograd.grad(1.7 * expected, (h, weight, bias))
    for one, other in zip(ours, theirs, strict=True):
        assert one.is_contiguous()
        torch.testing.assert_close(one, other, **tolerance)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_gradients_against_finite_differences(few, reduction):
    h, weight, bias, targets = example(symbols=40, hidden=3, vocabulary=4)
    assert torch.autograd.gradcheck(
        lambda *args: chunked_cross_entropy(*args, targets, reduction), (h, weight, bias), fast_mode=True
    )
    assert torch.autograd.gradcheck(
        lambda *args: chunked_cross_entropy(*args, None, targets, reduction), (h, weight), fast_mode=True
    )


@pytest.mark.parametrize("size", [(1, 1, 1), (5, 3, 2), (97, 17, 16), (200, 100, 33), (130, 40, 160), (50, 6, 999)])
@pytest.mark.parametrize("threads", [1, 2])
def test_few_symbols_by_the_kernel(size, threads):
    """In float32, against float64: all panels, several blocks of rows, padding, with and without a bias."""
    rows, hidden, vocabulary = size
    h, weight, bias, targets = example(rows, hidden, vocabulary, torch.float32)
    before, exact = torch.get_num_threads(), [part.detach().double().requires_grad_() for part in (h, weight, bias)]
    torch.set_num_threads(threads)
    try:
        for with_bias in (True, False):
            parts = (h, weight, bias) if with_bias else (h, weight)
            args = parts if with_bias else (*parts, None)
            wide = exact[: len(parts)]
            expected = functional.cross_entropy(
                functional.linear(*wide), targets.clamp(min=-1), ignore_index=-1, reduction="none"
            )
            loss = chunked_cross_entropy(*args, targets)
            torch.testing.assert_close(loss.double(), expected.sum(), rtol=1e-6, atol=1e-6)
            theirs = torch.autograd.grad(expected.sum(), wide)
            for one, other in zip(torch.autograd.grad(loss, parts), theirs, strict=True):
                torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)
            with torch.no_grad():
                each = chunked_cross_entropy(*args, targets, "none")
            torch.testing.assert_close(each.double(), expected.detach(), rtol=1e-5, atol=1e-5)
    finally:
        torch.set_num_threads(before)


def test_a_target_that_is_no_symbol_is_named():
    h, weight, bias, targets = example(dtype=torch.float32)
    targets[7] = 11
    with pytest.raises(IndexError, match="target 11: there are 11 symbols"):
        chunked_cross_entropy(h, weight, bias, targets)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_only_the_gradients_asked_for_are_made(frozen, dtype):
    *args, targets = example(dtype=dtype)
    args[frozen] = args[frozen].detach()
    wanted = [value for value in args if value.requires_grad]
    ours = torch.autograd.grad(chunked_cross_entropy(*args, targets), wanted)
    theirs = torch.autograd.grad(whole(*args, targets, "sum"), wanted)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_without_a_gradient_only_the_loss_is_computed(few, dtype):
    h, weight, bias, targets = example(dtype=dtype)
    with torch.no_grad():
        each = chunked_cross_entropy(h.view(25, 3, 6), weight, bias, targets.view(25, 3), "none")
        total = chunked_cross_entropy(h, weight, bias, targets)
        mean = chunked_cross_entropy(h, weight, bias, targets, "mean")
    expected = functional.cross_entropy(functional.linear(h, weight, bias), targets.clamp(min=0), reduction="none")
    torch.testing.assert_close(each.view(-1), torch.where(targets >= 0, expected.detach(), 0.0))
    torch.testing.assert_close(total, each.sum())
    torch.testing.assert_close(mean, each.sum() / (targets >= 0).sum())
    assert not total.requires_grad


def test_a_loss_beyond_what_a_probability_can_hold():
    """p(target) is 0 in float32 here, and the loss is still right: it is taken from the logits."""
    weight, bias = torch.tensor([[1.0], [-1.0], [0.0]]), torch.zeros(3)
    h = torch.tensor([[200.0], [0.5]], requires_grad=True)
    loss = chunked_cross_entropy(h, weight, bias, torch.tensor([1, 1]))
    assert loss.item() == pytest.approx(400 + math.log(math.exp(0.5) + math.exp(-0.5) + 1) + 0.5, rel=1e-6)
    loss.backward()
    assert h.grad[0].item() == pytest.approx(2.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_nothing_but_padding_gives_zero(dtype):
    h, weight, bias, _ = example(dtype=dtype)
    for reduction in ("sum", "mean"):
        loss = chunked_cross_entropy(h, weight, bias, torch.full((75,), -1), reduction)
        assert loss.item() == 0
        assert all(not g.any() for g in torch.autograd.grad(loss, (h, weight, bias)))
        with torch.no_grad():
            assert chunked_cross_entropy(h, weight, bias, torch.full((75,), -1), reduction).item() == 0


def test_what_chunked_cross_entropy_refuses():
    h, weight, bias, targets = example()
    with pytest.raises(naibu.OptionError, match="reduction='max': must be"):
        chunked_cross_entropy(h, weight, bias, targets, "max")
    with pytest.raises(naibu.OptionError, match="has no gradient here"):
        chunked_cross_entropy(h, weight, bias, targets, "none")


def test_the_logits_are_never_there_as_a_whole(monkeypatch):
    """No tensor that a training step makes has as many values as the matrix of logits, [2000 symbols 3000]."""
    h, weight, bias, targets = example(2000, 4, 3000, torch.float32)
    monkeypatch.setattr(cross_entropy, "CHUNK_VALUES", 600_000)
    sizes = []

    class Sizes(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            made = function(*args, **(kwargs or {}))
            sizes.extend(part.numel() for part in torch.utils._pytree.tree_leaves(made) if torch.is_tensor(part))
            return made

    with Sizes():
        chunked_cross_entropy(h, weight, bias, targets).backward()
    assert 500_000 < max(sizes) <= 700_000
    sizes.clear()
    with Sizes():
        whole(h, weight, bias, targets, "sum").backward()
    assert max(sizes) > 3_000_000


def test_without_features_every_symbol_is_as_likely():
    hidden, targets = torch.ones(9, 4), torch.tensor([0, 1, 2])
    chunked_cross_entropy(hidden, torch.ones(5, 4), None, torch.zeros(9, dtype=torch.int64), "mean")
    loss = chunked_cross_entropy(torch.empty(3, 0), torch.empty(5, 0), None, targets, "mean")
    assert loss.item() == pytest.approx(math.log(5))


def test_products_of_views_and_few_sizes():
    x, weight, bias = torch.randn(5, 7), torch.randn(9, 7), torch.randn(9)
    expected = x.double() @ weight.double().t() + bias.double()
    for a in (x, x.t().contiguous().t()):
        for b in (weight, weight.t().contiguous().t()):
            torch.testing.assert_close(product(a, b, bias).double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(product(x.double(), weight.double(), bias.double()), expected)
    sizes = [padded_rows(count) for count in range(1, 5000)]
    assert all(count <= size <= max(32, count * 9 / 8 + 32) for count, size in enumerate(sizes, 1))
    assert sizes == sorted(sizes)
    assert len({*sizes}) < 60
    assert all(padded_rows(size) == size for size in sizes)


def test_the_loss_of_a_model_with_dropout_and_tied_weights():
    """Against the plain formula with the same masks; the tied weight gets both its gradients."""
    config = ModelConfig(units=8, embedding_dropout=0.25, dropout=0.25, tied=True, layers=2)
    model = LanguageModel(30, config).train()
    ids = torch.randint(0, 30, (6, 4), generator=torch.Generator().manual_seed(2))
    targets = torch.where(torch.arange(6)[:, None] < 5, ids.roll(-1, 0), -1)

    def gradients(plain):
        model.zero_grad()
        torch.manual_seed(5)
        output, _ = model(ids)
        loss = (
            functional.cross_entropy(model.logits(output).flatten(0, 1), targets.flatten(), ignore_index=-1)
            if plain
            else model.cross_entropy(output, targets, "mean")
        )
        loss.backward()
        return [loss.detach(), *(parameter.grad for parameter in model.parameters())]

    for one, other in zip(gradients(False), gradients(True), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rows", [3, 200])
def test_scores_are_the_same_with_and_without_a_gradient(rows):
    layer = FullSoftmax(12, 40)
    h = torch.randn(rows, 2, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        plain = layer.scores(h)
    assert plain.shape == (rows, 2, 40)
    torch.testing.assert_close(plain, layer.scores(h).detach())


# Adaptive softmax.

ADAPTIVE = ModelConfig(units=16, dropout=0.0, softmax="adaptive")


def test_adaptive_probabilities_add_up_and_the_loss_is_theirs():
    torch.manual_seed(1)
    layer = AdaptiveSoftmax(16, VOCABULARY)
    h = torch.randn(10, 3, 16, requires_grad=True)
    scores = layer.scores(h)
    assert scores.shape == (10, 3, VOCABULARY)
    torch.testing.assert_close(scores.logsumexp(-1), torch.zeros(10, 3), atol=1e-5, rtol=0)
    targets = torch.randint(-1, VOCABULARY, (10, 3))
    there = targets >= 0
    expected = functional.nll_loss(scores[there], targets[there], reduction="sum")
    torch.testing.assert_close(layer.loss(h, targets, "sum"), expected)
    torch.testing.assert_close(layer.loss(h, targets, "mean"), expected / there.sum())
    ours, theirs = torch.autograd.grad(layer.loss(h, targets, "sum"), h)[0], torch.autograd.grad(expected, h)[0]
    torch.testing.assert_close(ours, theirs)
    nothing = layer.loss(h, torch.full((10, 3), -1), "mean")
    assert nothing.item() == 0
    nothing.backward()


def test_what_an_adaptive_softmax_refuses():
    with pytest.raises(naibu.OptionError, match="--softmax adaptive: needs a vocabulary of 1000 symbols"):
        LanguageModel(20, ADAPTIVE)
    with pytest.raises(naibu.OptionError, match="cutoffs 900 100: must rise"):
        LanguageModel(VOCABULARY, replace(ADAPTIVE, cutoffs=(900, 100)))
    with pytest.raises(naibu.OptionError, match="--softmax adaptive: needs a vocabulary of 1000 symbols"):
        LanguageModel(20, replace(ADAPTIVE, tied=True))
    with pytest.raises(naibu.OptionError, match="cutoffs 900 100: must rise"):
        LanguageModel(VOCABULARY, replace(ADAPTIVE, tied=True, cutoffs=(900, 100)))
    with pytest.raises(naibu.OptionError, match="--cutoffs 10: must be left away"):
        ModelConfig(cutoffs=(10,))
    with pytest.raises(naibu.OptionError, match="--softmax sampled: must be one of full, adaptive"):
        ModelConfig(softmax="sampled")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A corpus of lines over more than a thousand words, some of them frequent."""
    rng = np.random.default_rng(4)
    path = tmp_path_factory.mktemp("words") / "words.txt"
    drawn = np.minimum(rng.zipf(1.4, 14_000) - 1, 1500)
    lines = [" ".join(f"w{word}" for word in drawn[start : start + 10]) for start in range(0, len(drawn), 10)]
    lines += [" ".join(f"w{word}" for word in range(start, start + 10)) for start in range(0, 1500, 10)]
    path.write_text("\n".join(lines) + "\n")
    return naibu.open_corpus(path, form="words")


def test_vocabularies_follow_falling_frequency(words):
    """What the adaptive softmax takes for granted, but for the marks and unknown symbols."""
    special = 2 + len(words.vocabulary.unknown_ids)
    counts = np.bincount(words.train.ids, minlength=len(words.vocabulary))[special:]
    assert (np.diff(counts) <= 0).all()
    assert counts[0] > 100 * counts[-1]


def test_an_adaptive_run_is_trained_stored_recorded_and_held(words, tmp_path):
    training = TrainingConfig(steps=6, batch_size=32, validations=2, threads=1, warmup=1)
    config = replace(ADAPTIVE, cutoffs=(200, 700))
    run = naibu.train(words, out=tmp_path, model=config, training=training)
    assert naibu.open_run(run.path).model == config
    assert "output.head.weight" in load_file(run.weights)
    model = naibu.load(run)
    loss = run.summary()["validation_loss"]
    assert mean_loss(model, validation_part(words, training)) == pytest.approx(loss, abs=1e-5)
    part = words.test
    recording = record_examples(model, {"train": part, "test": part}, keep=("hidden",), labels=["position"])
    ids, lengths = pad(part, np.array([3]))
    with torch.no_grad():
        scores = model.logits(model(torch.from_numpy(ids[:-1]))[0])[: lengths[0] - 1, 0]
    first = int(part.starts[3])
    at = slice(first, first + int(lengths[0]) - 1)
    assert (np.asarray(recording.index.predicted)[at] == scores.argmax(-1).numpy()).all()
    surprise = -scores.gather(1, torch.from_numpy(ids[1 : lengths[0]]).long())[:, 0]
    np.testing.assert_allclose(np.asarray(recording.index.loss)[at], surprise, atol=1e-4)
    effects = hold(model, part, recording, key=("lstm.0", "hidden"), unit=1, label="position", draws=1, resamples=10)
    assert len(effects.effects) >= 3


# Dropout.


def test_the_mask_has_the_probability_and_the_mean_that_it_says():
    torch.manual_seed(3)
    for rate in (0.1, 0.3, 0.5, 0.9, 1e-4, 1 - 1e-6):
        drawn = mask(torch.Size((1000, 1003)), rate, torch.float64)
        share, count = (drawn == 0).double().mean().item(), drawn.numel()
        really = min(round(rate * 65536), 65535) / 65536
        assert abs(share - really) < 5 * math.sqrt(really * (1 - really) / count)
        assert drawn.max().item() == pytest.approx(1 / (1 - really))
        deviation = math.sqrt(really / (1 - really))
        assert abs(drawn.mean().item() - 1) < 5 * deviation / math.sqrt(count)
        assert drawn.std().item() == pytest.approx(deviation, rel=0.2)


def test_values_are_dropped_one_by_one():
    """No two neighbours, nor values a draw apart, go together: the words of a draw are independent."""
    torch.manual_seed(4)
    drawn = (mask(torch.Size((400_000,)), 0.5, torch.float32) > 0).double() - 0.5
    for lag in (1, 2, 3, 4, 8):
        assert abs((drawn[:-lag] * drawn[lag:]).mean().item()) < 5 * 0.25 / math.sqrt(400_000)


def test_dropout_has_the_gradient_of_its_mask_and_repeats_with_the_seed():
    x = torch.randn(7, 9, dtype=torch.float64, requires_grad=True)

    def seeded(x):
        torch.manual_seed(11)
        return dropout(x, 0.4)

    assert torch.autograd.gradcheck(seeded, x)
    assert torch.equal(seeded(x), seeded(x))
    torch.manual_seed(12)
    assert not torch.equal(dropout(x, 0.4), seeded(x))
    assert dropout(x, 0.4, training=False) is x
    assert dropout(x, 0.0) is x
    assert dropout(x[:0], 0.4).shape == (0, 9)


# Symbols in, precision, device, clipping.


def test_small_vocabularies_go_by_the_table_unless_vectors_are_dropped(monkeypatch):
    calls = []
    plain = Recurrent.forward_symbols
    monkeypatch.setattr(Recurrent, "forward_symbols", lambda *args: calls.append(args) or plain(*args))
    for vocabulary, rate, training in ((20, 0.0, True), (20, 0.5, True), (20, 0.5, False), (501, 0.0, True)):
        model = LanguageModel(vocabulary, ModelConfig(units=8, embedding_dropout=rate)).train(training)
        calls.clear()
        ids = torch.arange(12).view(4, 3)
        output, _ = model(ids)
        dropped = rate and training
        assert bool(calls) == (vocabulary <= TABLE_SYMBOLS and not dropped)
        if not dropped:
            torch.testing.assert_close(output, model.layers(model.embedding(ids))[0])


def batch_of(vocabulary, seed=7):
    ids = torch.randint(0, vocabulary, (9, 4), generator=torch.Generator().manual_seed(seed))
    target = torch.where(torch.arange(8)[:, None] < 7, ids[1:], -1)
    return Batch({"input": Stream(ids[:-1], torch.full((4,), 8))}, target)


def losses(device="cpu", precision="float32", steps=30, **options):
    torch.manual_seed(1)
    model = LanguageModel(40, ModelConfig(units=16, dropout=0.0, **options)).train()
    trainer = Trainer(model, TrainingConfig(device=device, precision=precision))
    found = [trainer.step(batch_of(40), step, 0.02 * (1 - step / steps)).total for step in range(steps)]
    return found, model


@pytest.mark.skipif(not has_bfloat16_tiles(), reason="this processor has no bfloat16 tiles")
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "lstm-peephole"])
def test_bfloat16_trains_and_leaves_weights_in_float32(cell):
    exact, _ = losses(cell=cell)
    rough, model = losses(precision="bfloat16", cell=cell)
    assert rough[0] == pytest.approx(exact[0], rel=0.01)
    assert rough[0] != exact[0]
    assert rough[-1] < 0.7 * rough[0]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_chunks_under_autocast_are_those_of_the_whole_matrix():
    h, weight, bias, targets = example(dtype=torch.float32)
    loss = whole(h, weight, bias, targets, "mean")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = chunked_cross_entropy(h, weight, bias, targets, "mean")
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, loss, rtol=0.02, atol=0)
    ours, theirs = (torch.autograd.grad(value, (h, weight, bias)) for value in (rough, loss))
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == torch.float32
        assert ((one - other).norm() / other.norm()).item() < 0.02


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_on_a_gpu_goes_as_on_the_cpu(precision):
    ours, theirs = losses("cuda", precision)[0], losses()[0]
    assert ours[0] == pytest.approx(theirs[0], rel=0.01 if precision == "bfloat16" else 1e-4)
    assert ours[-1] < 0.7 * ours[0]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_named(words, tmp_path):
    with pytest.raises(naibu.OptionError, match=r"--device cuda: torch .* take --device cpu"):
        device_of(TrainingConfig(device="cuda"))
    with pytest.raises(naibu.OptionError, match="--device cuda"):
        naibu.train(words, out=tmp_path, training=TrainingConfig(steps=1, device="cuda"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precision": "float16"}, "--precision float16: must be one of float32, bfloat16"),
        ({"device": "tpu"}, "--device tpu: must be one of cpu, cuda"),
    ],
)
def test_precisions_and_devices_that_do_not_exist_are_named(options, said):
    with pytest.raises(naibu.OptionError, match=said):
        TrainingConfig(**options)


def test_clipping_is_torchs_own_and_leaves_small_gradients_alone():
    generator = torch.Generator().manual_seed(0)
    for limit in (0.5, 100.0):
        ours = [torch.nn.Parameter(torch.zeros(3, size)) for size in (1, 4)]
        for parameter in ours:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        theirs = [torch.nn.Parameter(torch.zeros_like(parameter)) for parameter in ours]
        for one, other in zip(ours, theirs, strict=True):
            other.grad = one.grad.clone()
        norm = clip_gradients(ours, limit)
        assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, limit).item(), rel=1e-6)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("vocabulary", [90, 1100])
def test_the_same_graph_twice_gives_twice_the_gradients(vocabulary: int) -> None:
    torch.manual_seed(3)
    hidden, weight, bias = torch.randn(40, 8), torch.randn(vocabulary, 8), torch.randn(vocabulary)
    targets = torch.randint(vocabulary, (40,))
    inputs = [part.requires_grad_() for part in (hidden, weight, bias)]
    loss = 3 * chunked_cross_entropy(hidden, weight, bias, targets, "mean")
    first = torch.autograd.grad(loss, inputs, retain_graph=True)
    second = torch.autograd.grad(loss, inputs)
    expected = torch.autograd.grad(
        3 * torch.nn.functional.cross_entropy(torch.nn.functional.linear(hidden, weight, bias), targets), inputs
    )
    for once, again, right in zip(first, second, expected, strict=True):
        torch.testing.assert_close(once, right, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(once, again, rtol=1e-6, atol=1e-7)
        assert once.data_ptr() != again.data_ptr()


def test_the_hidden_vectors_stay_as_they_are() -> None:
    """Of one unit, or lying column by column, their transpose is no copy."""
    torch.manual_seed(5)
    targets = torch.randint(80, (64,))
    for hidden, vocabulary in itertools.product((torch.randn(64, 1), torch.randn(6, 64).t()), (80, 1100)):
        before, weight = hidden.clone(), torch.randn(vocabulary, hidden.shape[1], requires_grad=True)
        chunked_cross_entropy(hidden, weight, None, targets, "mean").backward()
        assert torch.equal(hidden, before)


@pytest.mark.parametrize("vocabulary", [90, 1100])
def test_a_second_backward_after_the_weights_changed_is_refused(vocabulary: int) -> None:
    hidden, weight = torch.randn(40, 8, requires_grad=True), torch.randn(vocabulary, 8, requires_grad=True)
    loss = chunked_cross_entropy(hidden, weight, None, torch.randint(90, (40,)))
    loss.backward(retain_graph=True)
    with torch.no_grad():
        weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
