"""Holding units still: on our own models and on anybody's, and what it shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import naibu
from naibu.cells.edits import Clamp
from naibu.config import ModelConfig
from naibu.interventions import edited
from naibu.interventions.hold import hold, training_means
from naibu.interventions.measured import Scorer
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import Resampler
from naibu.recording import Recording
from naibu.tasks.task import usual_measures


class Tagger(nn.Module):
    """A user's own network: an embedding, a torch layer, a readout."""

    def __init__(self, layer: nn.Module, features: int):
        super().__init__()
        self.embedding, self.encoder, self.readout = nn.Embedding(9, 5), layer, nn.Linear(features, 3)

    def forward(self, ids):
        return self.readout(self.encoder(self.embedding(ids))[0])


LAYERS = [
    nn.LSTM(5, 6, 2, batch_first=True),
    nn.LSTM(5, 6, bidirectional=True),
    nn.GRU(5, 6),
    nn.RNN(5, 6, nonlinearity="relu"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_an_edit_that_changes_nothing_leaves_a_users_network_as_it_was(layer):
    module = Tagger(layer, 12 if layer.bidirectional else 6)
    ids = torch.randint(9, (4, 7))
    before, names = module(ids), list(module.state_dict())
    with edited(module, {("encoder.0", "hidden"): lambda value, step: value}):
        assert module.encoder is layer
        torch.testing.assert_close(module(ids), before)
        assert list(module.state_dict()) == names
    assert module.encoder is layer
    torch.testing.assert_close(module(ids), before)


def test_a_held_unit_of_a_users_network_stays_at_its_value():
    module = Tagger(LAYERS[0], 6)
    seen = []
    with edited(module, {("encoder.1", "hidden"): Clamp([2], 0.5)}):
        module.encoder.register_forward_hook(lambda m, i, o: seen.append(o[0]))
        module(torch.randint(9, (4, 7)))
    assert (seen[0][..., 2] == 0.5).all()


def test_the_module_is_whole_again_after_an_error():
    module = Tagger(LAYERS[0], 6)
    with pytest.raises(RuntimeError, match="mine"), edited(module, {("encoder.0", "cell"): Clamp([0], 1.0)}):
        raise RuntimeError("mine")
    assert module.encoder is LAYERS[0]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({("decoder.0", "cell"): Clamp([0], 1.0)}, "layer 'decoder.0'.*this module has encoder.0"),
        ({("encoder.5", "cell"): Clamp([0], 1.0)}, "layer 'encoder.5': there is encoder.0, encoder.1"),
        ({("encoder.0", "reset_gate"): Clamp([0], 1.0)}, "signal 'reset_gate'"),
    ],
)
def test_a_layer_or_signal_that_is_not_there_is_named(edit, said):
    module = Tagger(LAYERS[0], 6)
    with pytest.raises(naibu.OptionError, match=said), edited(module, edit):
        pass
    assert module.encoder is LAYERS[0]


def test_a_bare_layer_is_held_as_any():
    layer = nn.LSTM(2, 3)
    with edited(layer, {("lstm.0", "hidden"): Clamp([0], 0.25)}):
        assert (layer(torch.randn(4, 2, 2))[0][..., 0] == 0.25).all()
    assert (layer(torch.randn(4, 2, 2))[0][..., 0] != 0.25).all()


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    path = tmp_path_factory.mktemp("treebank") / "trees.mrg"
    path.write_text(
        "\n".join(f"(S (NP (N a)) {'(VP (V b) ' * k}(N c){')' * k})" for k in range(1, 5) for _ in range(12)) + "\n"
    )
    return naibu.open_corpus(path, form="brackets")


def counter_model(vocabulary) -> LanguageModel:
    """A network made by hand: unit 0 of its cell counts the depth, and ED is predicted where it comes to 0."""
    model = LanguageModel(
        len(vocabulary), ModelConfig(units=2, embedding=len(vocabulary), dropout=0.0, forget_bias=0.0)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.embedding.weight.copy_(torch.eye(len(vocabulary)))
        layer = model.layers
        layer.bias_ih_l0[:4] = 20.0  # input and forget gates open
        layer.bias_ih_l0[6:8] = 20.0  # output gates open
        layer.weight_ih_l0[4, vocabulary.index["("]] = 0.1  # candidate: up by tanh(.1) at (, down at )
        layer.weight_ih_l0[4, vocabulary.index[")"]] = -0.1
        layer.weight_ih_l0[5, vocabulary.index[")"]] = 0.5  # unit 1: some ) has been read
        model.output.weight[vocabulary.index["("], 0] = 100.0
        model.output.weight[vocabulary.index["ED"], 1] = 4.0
    return model.eval()


def test_holding_the_counter_of_a_hand_made_network_takes_away_its_ends(treebank):
    model = counter_model(treebank.vocabulary)
    test = treebank.test
    depth = test.label("depth").values
    recording = Recording.from_arrays(
        {("lstm.0", "cell"): np.stack([np.tanh(0.1) * depth, 0 * depth], 1).astype(np.float32)},
        sequence=np.repeat(np.arange(len(test)), test.lengths),
        split=np.zeros(test.tokens, np.int8),
    )
    assert training_means(recording, ("lstm.0", "cell"))[0] == pytest.approx(np.tanh(0.1) * depth.mean(), rel=1e-5)
    named = {"depth": 0, "after": 1, "closing": 1}  # the first is the unit that is held anyhow
    how = {"key": ("lstm.0", "cell"), "unit": 0, "label": "depth", "named": named, "draws": 1, "resamples": 50}
    found = hold(model, test, recording, **how)
    assert [effect.kind for effect in found.effects] == ["before", "held", "random", "gates", "gates", "named"]
    assert (found.effects[-1].units, found.effects[-1].labels) == ((1,), ("after", "closing"))
    assert found.of("held")[0].labels == ("depth",)
    before, held = found.of("before")[0], found.of("held")[0]
    assert before.loss_change.test.value == 0
    change = held.loss_change.test
    assert change.value == pytest.approx(held.loss.test.value - before.loss.test.value)
    assert change.low <= change.value <= change.high
    assert found.of("before")[0].end_recall.test.value == 1
    assert found.of("held")[0].end_recall.test.value == 0
    assert {row["statistic"] for row in found.rows()} == {"end recall", "end precision", "accuracy", "loss"}


def test_scores_are_those_of_one_sequence_at_a_time(treebank):
    torch.manual_seed(1)
    model = LanguageModel(len(treebank.vocabulary), ModelConfig(units=5)).eval()
    sums = Scorer(model, treebank.test, usual_measures(treebank.test), Resampler(10, 1)).sums()
    end = treebank.vocabulary.index["ED"]
    for s in range(len(treebank.test)):
        ids = torch.from_numpy(treebank.test[s].ids.astype(np.int64))
        with torch.no_grad():
            logits = model.logits(model(ids[:-1, None])[0])[:, 0]
        guess, gold = logits.argmax(-1), ids[1:]
        ends = ((guess == end) & (gold == end)).sum()
        by_hand = [
            (nn.functional.cross_entropy(logits, gold, reduction="sum"), len(gold)),  # loss
            ((guess == gold).sum(), len(gold)),  # accuracy
            (ends, (gold == end).sum()),  # recall of the end
            (ends, (guess == end).sum()),  # precision of the end
        ]
        np.testing.assert_allclose(sums[s], [[float(value) for value in pair] for pair in by_hand], rtol=1e-5)


def test_a_unit_that_does_not_exist_is_named(treebank):
    recording = Recording.from_arrays(
        {("lstm.0", "cell"): np.zeros((4, 2), np.float32)}, sequence=np.array([0, 0, 1, 1])
    )
    with pytest.raises(naibu.OptionError, match="--unit 7: lstm.0 has units 0 to 1"):
        hold(
            counter_model(treebank.vocabulary), treebank.test, recording, key=("lstm.0", "cell"), unit=7, label="depth"
        )
