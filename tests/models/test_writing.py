"""The model that writes texts: its window against the equations written out, pieces against the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from naibu.cells.edits import Clamp
from naibu.cells.exchange import edited
from naibu.config import StrokesConfig
from naibu.data.batch import Batch, Stream
from naibu.data.strokes.coder import StrokeCoder, WritingCoder
from naibu.errors import OptionError
from naibu.generation.strokes import Wanted, _Writer, drawings, drawn
from naibu.models.parts.window import Text, Window
from naibu.models.strokes import StrokeModel
from naibu.models.writing import WritingModel
from naibu.tasks.strokes_reading import distance

CODER = WritingCoder((1.0, -2.0), (4.0, 5.0), 0.5, text="word", characters=" abc")


def model_of(cell="lstm", layers=1):
    torch.manual_seed(3)
    config = StrokesConfig(cell, units=6, layers=layers, mixtures=3, bumps=2)
    return WritingModel({"numbers": 3, "characters": 4}, config).eval()


def batch_of(steps=9, texts=((1, 2, 3), (2,), (3, 0, 1, 1))):
    torch.manual_seed(5)
    lengths = torch.tensor([len(each) for each in texts])
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(each) for each in texts])
    x = torch.randn(steps, len(texts), 3)
    target = torch.cat([torch.roll(x, -1, 0), torch.zeros(steps, len(texts), 1)], -1)
    target[..., 2] = (target[..., 2] > 0).float()
    return Batch({"text": Stream(ids, lengths), "input": Stream(x, torch.full((len(texts),), steps))}, target)


def test_a_window_is_what_the_equations_say():
    torch.manual_seed(1)
    window = Window(5, 3).double()
    hidden, kappa = torch.randn(2, 5, dtype=torch.float64), torch.rand(2, 3, dtype=torch.float64)
    ids, lengths = torch.tensor([[1, 0], [2, 3], [1, 0]]), torch.tensor([3, 2])
    text = Text.of(ids, lengths, 4)
    text = Text(text.one_hot.double(), text.places.double())
    found, after = window(hidden, kappa, text)
    w, b = window.numbers.weight.detach().numpy(), window.numbers.bias.detach().numpy()
    for row in range(2):
        numbers = np.exp(w @ hidden[row].numpy() + b)
        alpha, beta, moved = numbers[:3], numbers[3:6], kappa[row].numpy() + numbers[6:]
        wanted = np.zeros(4)
        for place in range(int(lengths[row])):
            wanted[ids[place, row]] += (alpha * np.exp(-beta * (moved - place) ** 2)).sum()
        np.testing.assert_allclose(found[row].detach().numpy(), wanted, rtol=1e-12)
        np.testing.assert_allclose(after[row].detach().numpy(), moved, rtol=1e-12)


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 1), ("gru", 2), ("min-gru", 1)])
def test_pieces_carry_all_of_the_state_on(cell, layers):
    model, batch = model_of(cell, layers), batch_of()
    whole, _ = model.outcomes(batch)
    first, state = model.outcomes(batch.cut(0, 4))
    second, _ = model.outcomes(batch.cut(4, 9), state)
    for name, column in whole.items():
        torch.testing.assert_close(torch.cat([first[name], second[name]]), column, rtol=1e-4, atol=1e-5)


def test_a_text_beside_is_read_by_none_other_and_padding_changes_nothing():
    model, batch = model_of(), batch_of()
    whole, _ = model.outcomes(batch)
    alone, _ = model.outcomes(batch_of(texts=((1, 2, 3), (2,), (1, 0, 1, 1))))
    torch.testing.assert_close(whole["loss"][:, :2], alone["loss"][:, :2])
    assert not torch.allclose(whole["loss"][:, 2], alone["loss"][:, 2])
    streams = batch.streams
    one = Batch(
        {
            "text": Stream(streams["text"].x[:1, 1:2], torch.tensor([1])),
            "input": Stream(streams["input"].x[:, 1:2], torch.tensor([9])),
        },
        batch.target[:, 1:2],
    )
    torch.testing.assert_close(model.outcomes(one)[0]["loss"][:, 0], whole["loss"][:, 1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_step_at_a_time_is_the_network_run_as_a_whole(cell):
    model, batch = model_of(cell, 2), batch_of()
    text = batch.streams["text"]
    ids = [text.x[:length, row].numpy() for row, length in enumerate(text.lengths.tolist())]
    with torch.no_grad():
        writer = _Writer(model, [], ids)
        by_step = torch.stack([writer.step(point) for point in batch.main.x])
        told, _, _ = model.told(batch, None)
    torch.testing.assert_close(model.parted(by_step).mixture.flatten(0, 1), told.mixture, rtol=1e-4, atol=1e-5)


def test_gradients_reach_every_weight():
    model, batch = model_of().train(), batch_of()
    model.loss(batch).mean.backward()
    for name, each in model.named_parameters():
        assert each.grad is not None, name
        assert each.grad.abs().sum() > 0, name


def test_what_is_held_of_the_window_is_read():
    model, batch = model_of(), batch_of()
    free, _ = model.outcomes(batch)
    with edited(model, {("window", "weights"): Clamp([0, 1, 2, 3], [0.0, 0.0, 0.0, 0.0])}):
        held, _ = model.outcomes(batch)
    shut, _ = model.outcomes(
        batch._replace(streams={**batch.streams, "text": Stream(batch.streams["text"].x, torch.tensor([0, 0, 0]))})
    )
    torch.testing.assert_close(held["loss"], shut["loss"])
    assert not torch.allclose(held["loss"], free["loss"])


@pytest.mark.parametrize("key", [("window", "weights"), ("hand.0", "cell"), ("lstm.0", "cell")])
def test_what_is_held_from_a_step_on_changes_nothing_before_it(key):
    model, batch = model_of(), batch_of()
    free = model.outcomes(batch)[0]["loss"]
    with edited(model, {key: Clamp([0, 1], 3.0, range(4, 6))}):
        held = model.outcomes(batch)[0]["loss"]
    torch.testing.assert_close(held[:4], free[:4])
    assert (held[4:6] - free[4:6]).abs().max() > 1e-3
    with edited(model, {key: Clamp([0, 1], 3.0, range(6, 9))}):
        later = model.outcomes(batch)[0]["loss"]
    torch.testing.assert_close(later[:6], free[:6])
    assert (later[6:] - held[6:]).abs().max() > 1e-4


def test_texts_are_written_that_are_asked_for():
    model = model_of()
    found = drawings(model, CODER, count=2, length=12, texts=["ab", "c"])
    assert [each.text for each in found] == ["ab", "ab", "c", "c"]
    assert found[2].row()["text"] == "c"
    same = drawn(model, CODER, [Wanted(None, "ab")] * 4, bias=0.0, length=12)
    np.testing.assert_array_equal(same[0].points, found[0].points)
    assert not np.array_equal(same[2].points, found[2].points)
    with pytest.raises(OptionError, match="which text is to be written"):
        drawings(model, CODER)
    plain = StrokeModel({"numbers": 3}, StrokesConfig(units=6, mixtures=3))
    with pytest.raises(OptionError, match="--text ab: the network was told no texts"):
        drawings(plain, StrokeCoder((1.0, -2.0), (4.0, 5.0), 0.5), texts=["ab"])


@pytest.mark.parametrize(
    ("one", "other", "fewest"), [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
)
def test_the_distance_of_texts_is_the_fewest_changes(one, other, fewest):
    assert distance(one, other) == distance(other, one) == fewest
