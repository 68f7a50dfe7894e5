"""Networks that translate: attention, encoders, one step at a time, what is kept of sources."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

import naibu
from naibu.cells.edits import Clamp
from naibu.cells.names import recurrent_parts
from naibu.config import CELLS, TranslationConfig
from naibu.data.batch import Batch, Stream
from naibu.generation.beam import beam
from naibu.generation.options import SearchOptions
from naibu.generation.translation_stepper import TranslationStepper
from naibu.interventions import edited
from naibu.models.parts.attention import Attention
from naibu.models.translation import TranslationModel

SOURCES, TARGETS = 13, 11
CONFIGS = {
    "plain": TranslationConfig(units=8, embedding=6),
    "two layers, dot, forward": TranslationConfig(
        "gru", units=7, embedding=5, layers=2, attention="dot", encoder="forward"
    ),
    "additive, fed": TranslationConfig(units=8, embedding=6, attention="additive", input_feeding=True, layers=2),
    "gnmt": TranslationConfig(units=6, layers=5, encoder="gnmt", embedding=6),
    "gnmt, fed, untied": TranslationConfig("gru", units=6, layers=4, encoder="gnmt", input_feeding=True, tied=False),
}


def made(config, seed=1, dtype=torch.float64):
    torch.manual_seed(seed)
    return TranslationModel(SOURCES, TARGETS, config).to(dtype).eval()


def a_batch(lengths, targets=None, seed=2):
    """Sources of such lengths and targets, with 1 as the end, padded."""
    rng = np.random.default_rng(seed)
    targets = targets or [n + 1 for n in lengths]

    def padded(rows, fill):
        found = np.full((max(map(len, rows)), len(rows)), fill)
        for k, row in enumerate(rows):
            found[: len(row), k] = row
        return torch.from_numpy(found)

    sources = [[*rng.integers(2, SOURCES, n - 1), 1] for n in lengths]
    told = [[*rng.integers(2, TARGETS, n - 1), 1] for n in targets]
    streams = {
        "source": Stream(padded(sources, 0), torch.tensor(lengths)),
        "target": Stream(padded([[1, *row[:-1]] for row in told], 0), torch.tensor(targets)),
    }
    return Batch(streams, padded(told, -1))


def rows(batch, which):
    streams = {}
    for name, stream in batch.streams.items():
        lengths = stream.lengths[which]
        streams[name] = Stream(stream.x[: int(lengths.max()), which], lengths)
    return Batch(streams, batch.target[: len(streams["target"].x), which])


@pytest.mark.parametrize("kind", ["general", "dot", "additive"])
def test_weights_sum_to_one_and_are_zero_behind_the_end(kind):
    torch.manual_seed(3)
    attention = Attention(5, kind)
    for _ in range(20):
        places, steps = np.random.default_rng(_).integers(1, 9, 2)
        lengths = torch.randint(1, int(places) + 1, (4,))
        values, query = 30 * torch.randn(4, int(places), 5), 30 * torch.randn(4, int(steps), 5)
        _, weights = attention(query, attention.memory(values, lengths))
        torch.testing.assert_close(weights.sum(-1), torch.ones(4, int(steps)))
        assert (weights >= 0).all()
        assert all((weights[k, :, lengths[k] :] == 0).all() for k in range(4))


@pytest.mark.parametrize("kind", ["general", "dot", "additive"])
@torch.no_grad()
def test_attention_is_its_equations(kind):
    torch.manual_seed(4)
    attention = Attention(3, kind).double()
    values, query, lengths = torch.randn(2, 4, 3).double(), torch.randn(2, 5, 3).double(), torch.tensor([4, 2])
    found, weights = attention(query, attention.memory(values, lengths))
    for k in range(2):
        for t in range(5):
            h, scores = query[k, t], []
            for m in values[k, : lengths[k]]:
                if kind == "dot":
                    scores.append(float(h @ m))
                elif kind == "general":
                    scores.append(float(attention.key.weight @ m @ h))
                else:
                    inner = torch.tanh(attention.query.weight @ h + attention.key.weight @ m)
                    scores.append(float(attention.score.weight[0] @ inner))
            p = np.exp(np.array(scores) - max(scores))
            p /= p.sum()
            np.testing.assert_allclose(weights[k, t, : lengths[k]].detach(), p, rtol=1e-9)
            mean = sum(float(w) * m for w, m in zip(p, values[k], strict=False))
            np.testing.assert_allclose(found[k, t].detach(), mean, rtol=1e-5, atol=1e-6)


def test_additive_attention_in_pieces_is_the_whole(monkeypatch):
    attention = Attention(4, "additive")
    query, memory = torch.randn(3, 7, 4), attention.memory(torch.randn(3, 5, 4))
    whole = attention(query, memory)[0]
    monkeypatch.setattr("naibu.models.parts.attention.SUMS", 2 * memory.keys.numel())
    torch.testing.assert_close(attention(query, memory)[0], whole)


@torch.no_grad()
def stepped(model, batch):
    """ln p of the targets [time batch], one step after the other, by what searches ask of a network."""
    place, target, found = model.begin(batch), batch.target, []
    for last, wanted in zip(batch.main.x, target, strict=True):
        log_p, place = model.step(last, place)
        torch.testing.assert_close(log_p.exp().sum(-1), log_p.new_ones(len(last)))
        found.append(log_p.gather(-1, wanted.clamp_min(0)[:, None])[:, 0])
    return torch.stack(found)


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_rows_of_several_places_go_on_as_they_would_alone(name):
    """Of a place before the first symbol and of one after two, whose rows are joined."""
    model = made(CONFIGS[name])
    fresh = model.begin(a_batch([3, 6, 4]))
    after, last = fresh, torch.tensor([1, 1, 1])
    for symbol in (4, 7):
        _, after = model.step(last, after)
        last = torch.full((3,), symbol)
    which = (torch.tensor([2, 0]), torch.tensor([1, 2]))
    place = model.join([(fresh, which[0]), (after, which[1])])
    together, _ = model.step(torch.tensor([1, 1, 7, 7]), place)
    alone = (model.step(torch.tensor([1, 1, 1]), fresh)[0][which[0]], model.step(last, after)[0][which[1]])
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_one_step_after_the_other_is_the_whole_target_at_once(name):
    model, batch = made(CONFIGS[name]), a_batch([3, 6, 6, 1], [4, 2, 7, 5])
    loss = model.outcomes(batch)[0]["loss"]
    there = batch.target >= 0
    torch.testing.assert_close(-stepped(model, batch)[there].float(), loss[there].float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_any_cell_reads_and_tells_and_rows_do_not_touch_one_another(cell):
    ways = "forward" if cell == "ntm" else "bidirectional"
    config = TranslationConfig(cell, units=4, embedding=4, layers=2, encoder=ways)
    model, batch = made(config), a_batch([2, 5, 4], [3, 3, 6])
    loss, _ = model.outcomes(batch)
    there = batch.target >= 0
    torch.testing.assert_close(-stepped(model, batch)[there].float(), loss["loss"][there].float(), rtol=1e-4, atol=1e-4)
    for k in range(3):
        alone, _ = model.outcomes(rows(batch, [k]))
        torch.testing.assert_close(alone["loss"][:, 0], loss["loss"][: len(alone["loss"]), k], equal_nan=True)


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_chosen_rows_go_on_as_they_would_by_themselves(name):
    """Rows doubled, dropped and put in another order, over steps in which whole sources go."""
    model, batch = made(CONFIGS[name]), a_batch([3, 5, 5, 2, 4, 7])
    rng, place = np.random.default_rng(5), model.begin(batch)
    sources, read = np.arange(6), [[1] for _ in range(6)]
    for step in range(5):
        log_p, place = model.step(torch.tensor([each[-1] for each in read]), place)
        for k, (source, symbols) in enumerate(zip(sources, read, strict=True)):
            other = model.begin(rows(batch, [int(source)]))
            for symbol in symbols:
                alone, other = model.step(torch.tensor([symbol]), other)
            torch.testing.assert_close(log_p[k], alone[0], rtol=1e-4, atol=1e-5)
            width = other.weights.shape[1]
            torch.testing.assert_close(place.weights[k, :width], other.weights[0], rtol=1e-4, atol=1e-5)
        left = rng.choice(len(read), 9 - step)
        left = left[sources[left] != sources[left[0]]] if step > 1 and len(set(sources[left])) > 1 else left
        place = model.pick(place, torch.from_numpy(left))
        sources, read = sources[left], [[*read[k], int(rng.integers(2, TARGETS))] for k in left]


@torch.no_grad()
def test_rows_of_several_steps_are_joined():
    model, batch = made(CONFIGS["plain"]), a_batch([3, 5])
    begin = model.begin(batch)
    _, one = model.step(torch.tensor([1, 1]), begin)
    _, two = model.step(torch.tensor([4, 7]), one)
    joined = model.join([(one, torch.tensor([1, 0, 1])), (two, torch.tensor([0]))])
    log_p, _ = model.step(torch.tensor([2, 3, 4, 5]), joined)
    for k, (place, row, symbol) in enumerate([(one, 1, 2), (one, 0, 3), (one, 1, 4), (two, 0, 5)]):
        alone, _ = model.step(torch.tensor([symbol]), model.pick(place, torch.tensor([row])))
        torch.testing.assert_close(log_p[k], alone[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [1, 4])
def test_a_search_finds_the_same_for_a_batch_and_for_one_sentence_at_a_time(width):
    stepper, batch = TranslationStepper(made(CONFIGS["plain"])), a_batch([3, 7, 2, 6, 6])
    options = SearchOptions(beam=width)
    together = beam(stepper, batch, options, n_best=2)
    for k, found in enumerate(together):
        (alone,) = beam(stepper, rows(batch, [k]), options, n_best=2)
        assert [each.symbols for each in found] == [each.symbols for each in alone]
        assert [each.score for each in found] == pytest.approx([each.score for each in alone], rel=1e-5)
    assert all(0 not in each.symbols for found in together for each in found)  # <unk> is never written


def test_padding_and_packing_leave_the_loss_and_its_gradients():
    """Sources of one length read as they are; as packed ones; and one at a time."""
    model, batch = made(CONFIGS["two layers, dot, forward"]).train(), a_batch([5, 5, 5])
    model.config = TranslationConfig("gru", units=7, embedding=5, layers=2, attention="dot", encoder="forward",
                                     dropout=0.0, symbol_dropout=0.0)  # fmt: skip
    model.encoder.dropout = model.decoder.dropout = 0.0
    found = model.loss(batch)
    gradients = torch.autograd.grad(found.mean, list(model.parameters()))
    longer, streams = a_batch([5, 5, 5, 8]), {}
    for name, stream in longer.streams.items():
        x = functional.pad(batch.streams[name].x, (0, 0, 0, 3))
        streams[name] = Stream(torch.cat((x, stream.x[:, 3:]), 1), stream.lengths)
    target = functional.pad(batch.target, (0, 0, 0, 3), value=-1)
    longer = Batch(streams, torch.cat((target, torch.full((9, 1), -1)), 1))
    packed = model.loss(longer)
    assert packed.count == found.count
    assert packed.mean.item() == pytest.approx(found.mean.item(), rel=1e-6)
    for one, other in zip(gradients, torch.autograd.grad(packed.mean, list(model.parameters())), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


def test_every_parameter_has_a_gradient():
    for name, config in CONFIGS.items():
        model = made(config).train()
        torch.manual_seed(0)
        found = model.loss(a_batch([4, 6, 5]))
        (found.mean + found.penalty).backward()
        for key, parameter in model.named_parameters():
            assert parameter.grad is not None, (name, key)
            assert parameter.grad.abs().sum() > 0, (name, key)


def test_label_smoothing_is_torchs():
    """Training adds what the field's smoothed loss has more than the plain one, ε (ln p(y) - mean ln p)."""
    config = TranslationConfig(units=8, embedding=6, dropout=0.0, symbol_dropout=0.0, label_smoothing=0.2)
    model, batch = made(config).train(), a_batch([4, 6, 5])
    found = model.loss(batch)
    hidden = model.decode(batch.main.x, *model.encode(batch.streams["source"])).hidden
    logits, targets = model.output.scores(hidden).flatten(0, 1), batch.target.t().flatten()
    smoothed = functional.cross_entropy(logits, targets, ignore_index=-1, label_smoothing=0.2)
    assert (found.mean + found.penalty).item() == pytest.approx(smoothed.item(), rel=1e-6)
    assert model.eval().loss(batch).penalty is None


@torch.no_grad()
def test_from_the_third_layer_on_gnmt_adds_what_a_layer_reads():
    model = made(CONFIGS["gnmt"])
    for stack in (model.encoder, model.decoder):
        y = x = torch.randn(4, 2, 6).double()
        for number, layer in enumerate(stack.layers, 1):
            assert layer.bidirectional == (number == 1 and stack is model.encoder)
            z, _ = layer(y)
            y = z + y if number >= 3 else z
        torch.testing.assert_close(stack(x)[0], y)


@torch.no_grad()
def test_the_bridge_is_a_copy():
    model = made(TranslationConfig(units=8, embedding=6, layers=2))
    batch = a_batch([5])
    x = model.source(batch.streams["source"].x) * model.scale
    _, (h, c) = model.encoder(x)
    _, state = model.encode(batch.streams["source"])
    for part, found in zip((h, c), state, strict=True):
        assert torch.equal(found[0], torch.cat((part[0], part[1]), -1))
        assert torch.equal(found[1], torch.cat((part[2], part[3]), -1))


def test_both_sides_may_read_one_table():
    config = TranslationConfig(units=8, embedding=6, shared_vectors=True)
    model = TranslationModel(TARGETS, TARGETS, config)
    assert model.source is model.target
    assert model.output.weight is model.target.weight
    with pytest.raises(naibu.OptionError, match="--shared-vectors: both sides have one vocabulary"):
        TranslationModel(SOURCES, TARGETS, config)


# ---------------------------------------------------------------- looking inside


@pytest.mark.parametrize("name", ["plain", "additive, fed"])
@torch.no_grad()
def test_attention_held_at_one_place_finds_what_stands_there(name):
    model, batch = made(CONFIGS[name]), a_batch([4, 6])
    only = {
        ("attention", "weights"): lambda value, step: functional.one_hot(torch.tensor(2), value.shape[1]).expand_as(
            value
        )
    }
    memory, state = model.encode(batch.streams["source"])
    with edited(model, only):
        heard = []
        with model.attention.listen(heard.append):
            model.decode(batch.main.x, memory, state)
        found, weights = model.attention(torch.randn(2, 3, 8).double(), memory)
    torch.testing.assert_close(found, memory.values[:, 2:3].expand_as(found))
    assert (weights[..., 2] == 1).all()
    assert not model.attention.edits
    assert all(each["weights"].shape[1:] == (2, 6) for each in heard)


@torch.no_grad()
def test_a_weight_behind_the_end_of_a_source_does_nothing():
    model, batch = made(CONFIGS["plain"]), a_batch([4, 6])
    plain = model.outcomes(batch)[0]["loss"]
    with edited(model, {("attention", "weights"): naibu.Clamp([9], 0.5)}):
        assert torch.equal(plain.nan_to_num(), model.outcomes(batch)[0]["loss"].nan_to_num())
    with edited(model, {("attention", "weights"): naibu.Clamp([4], 0.5)}):
        held = model.outcomes(batch)[0]["loss"]
    assert torch.allclose(plain[:5, 0], held[:5, 0])
    assert not torch.allclose(plain[:7, 1], held[:7, 1])


def test_names_of_what_can_be_held():
    from naibu.cells.units import held_unit

    model = made(CONFIGS["plain"])
    assert held_unit("attention/weights:3=0", model).layer == "attention"
    assert held_unit("encoder.0.reverse/cell:1", model).layer == "encoder.0.reverse"
    assert held_unit("decoder.0/cell:7", model).unit == 7
    with pytest.raises(naibu.OptionError, match=r"encoder.0 has units 0 to 3"):
        held_unit("encoder.0/cell:4", model)
    with pytest.raises(naibu.OptionError, match=r"which layer\? encoder.0/cell:1, encoder.0.reverse/cell:1, decoder.0"):
        held_unit("cell:1", model)
    told = r"not one that can be edited; this module has encoder.0, decoder.0, attention"
    with pytest.raises(naibu.OptionError, match=told), edited(model, {("attentive", "weights"): naibu.Clamp([0], 0)}):
        pass
    told = r"signal 'cell': the attention has weights"
    with pytest.raises(naibu.OptionError, match=told), edited(model, {("attention", "cell"): naibu.Clamp([0], 0)}):
        pass


def test_what_cannot_be_is_said():
    for options, told in (
        ({"units": 7}, r"--units 7: must be even with --encoder bidirectional"),
        ({"attention": "hard"}, r"--attention hard: must be one of general, dot, additive"),
        ({"encoder": "both"}, r"--encoder both: must be one of bidirectional, forward, gnmt"),
        ({"label_smoothing": 1.0}, r"--label-smoothing 1.0: must be from 0 up to"),
        ({"softmax": "adaptive", "tied": False}, r"--label-smoothing 0.1: must be 0 with"),
    ):
        with pytest.raises(naibu.OptionError, match=told):
            TranslationConfig(**options)
    assert math.isclose(TranslationConfig().label_smoothing, 0.1)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("part", ["decoder", "attention"])
def test_what_is_held_from_a_step_on_changes_nothing_before_it(name, part):
    model, batch = made(CONFIGS[name]).eval(), a_batch([5, 5, 5], [7, 7, 7])
    key = ("attention", "weights")
    if part == "decoder":
        key = next((f"{each}.0", "hidden") for each, _ in recurrent_parts(model) if each.startswith("decoder"))
    free = model.outcomes(batch)[0]["loss"]
    with edited(model, {key: Clamp([0, 1], 3.0, range(3, 4))}):
        held = model.outcomes(batch)[0]["loss"]
    torch.testing.assert_close(held[:3], free[:3])
    assert (held[3] - free[3]).abs().max() > 1e-3
