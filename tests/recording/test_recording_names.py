"""A layer has one name, for recording and for holding, whoever wrote it and however many there are."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import naibu
from naibu.interventions import edited
from naibu.models.language_model import LanguageModel
from naibu.recording import Recording, record


class Both(nn.Module):
    """Two layers of one kind, the second reading what the first gives."""

    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.encoder, self.decoder = kind(3, 4), kind(4, 4)

    def forward(self, x: Tensor) -> Any:
        return self.decoder(self.encoder(x)[0])


@pytest.mark.parametrize("kind", [naibu.LSTM, naibu.GRU, naibu.RNN, nn.LSTM, nn.GRU, nn.RNN])
def test_two_layers_of_one_kind_are_recorded_and_held_under_the_same_names(kind: type[nn.Module]) -> None:
    torch.manual_seed(1)
    module, x = Both(kind), torch.randn(5, 2, 3)
    before = record(module, x, keep=("hidden",), dtype="float32")
    assert [layer for layer, _ in before.keys()] == ["encoder.0", "decoder.0"]
    for held, other in (("encoder", "decoder"), ("decoder", "encoder")):
        with edited(module, {(f"{held}.0", "hidden"): naibu.Clamp([1], 0.25)}):
            found = record(module, x, keep=("hidden",), dtype="float32")
        assert (np.asarray(found[f"{held}.0", "hidden"])[:, 1] == 0.25).all()
        assert (np.asarray(found[f"{other}.0", "hidden"])[:, 1] != 0.25).all()
        upstream = np.array_equal(found["encoder.0", "hidden"][:], before["encoder.0", "hidden"][:])
        assert upstream == (held == "decoder")


def test_recording_sees_what_is_held_inside_or_outside_of_it() -> None:
    torch.manual_seed(1)
    module, x = nn.LSTM(3, 4), torch.randn(5, 2, 3)
    with naibu.listen(module, ("cell",)) as calls, edited(module, {("lstm.0", "cell"): naibu.Clamp([2], 1.5)}):
        module(x)
    assert (np.asarray(calls.recording["lstm.0", "cell"])[:, 2] == 1.5).all()
    with edited(module, {("lstm.0", "cell"): naibu.Clamp([2], 1.5)}):
        inside = record(module, x, keep=("cell",))
        with edited(module, {("lstm.0", "cell"): naibu.Clamp([1], 0.5)}):
            both = record(module, x, keep=("cell",))
    assert (np.asarray(inside["lstm.0", "cell"])[:, 2] == 1.5).all()
    assert (np.asarray(both["lstm.0", "cell"])[:, 1:3] == [0.5, 1.5]).all()
    assert (np.asarray(record(module, x)["lstm.0", "cell"])[:, 2] != 1.5).all()


def test_without_keep_every_signal_is_recorded() -> None:
    found: Recording = record(nn.GRU(3, 4), torch.randn(5, 2, 3))
    assert [signal for _, signal in found.keys()] == ["reset_gate", "update_gate", "candidate", "hidden"]


@pytest.mark.parametrize("kind", [naibu.LSTM, naibu.GRU, naibu.RNN])
def test_every_door_calls_a_layer_by_its_path_in_the_users_model(kind: type[nn.Module]) -> None:
    torch.manual_seed(1)
    part, x = kind(3, 4, num_layers=2), torch.randn(5, 2, 3)
    assert list(part.signals(x, keep=("hidden",)).signals) == [(f"{part.name}.{k}", "hidden") for k in (0, 1)]
    model = nn.Sequential(OrderedDict(body=nn.Sequential(OrderedDict(rnn=part))))
    keys = [("body.rnn.0", "hidden"), ("body.rnn.1", "hidden")]
    recorded = record(model, x, keep=("hidden",), dtype="float32")
    assert list(part.signals(x, keep=("hidden",)).signals) == [*recorded.keys()] == keys
    assert [name for _, _, name in part.directions()] == [layer for layer, _ in keys]
    with naibu.listen(model, ("hidden",)) as calls:
        model(x)
    assert [*calls.recording.keys()] == keys
    hold = {keys[1]: naibu.Clamp([1], 0.25)}
    with edited(model, hold), naibu.watch(model, {keys[1]: [1]}) as seen:
        model(x)
    assert (seen.last()[keys[1]] == 0.25).all()
    assert (part.signals(x, keep=("hidden",), edit=hold).signals[keys[1]][..., 1] == 0.25).all()
    assert [*record(part, x, keep=("hidden",)).keys()] == keys  # by itself as well, once it is part of something
    naibu.swap(other := Both(nn.LSTM))
    assert list(other.decoder.signals(torch.randn(2, 1, 4), keep=("cell",)).signals) == [("decoder.0", "cell")]


def test_a_network_of_ours_keeps_its_name_wherever_it_stands() -> None:
    model = LanguageModel(5, naibu.ModelConfig(units=4))
    outer = nn.Sequential(model)
    for module in (model, outer):
        assert record(module, torch.zeros(3, 2, dtype=torch.int64), keep=("cell",)).keys() == (("lstm.0", "cell"),)
    assert [name for _, _, name in model.layers.directions()] == ["lstm.0"]
