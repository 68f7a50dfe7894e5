"""Attention recorded: it is what the network had, and says where each symbol came from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import naibu
from catalogue_tasks import pairs
from naibu.config import TranslationConfig
from naibu.models.translation import TranslationModel
from naibu.recording.alignment import alignment, attended
from naibu.tasks.catalogue import task_named


@pytest.fixture(scope="module", params=[False, True], ids=["at once", "fed"])
def recorded(request, tmp_path_factory):
    data = task_named("translation").open(pairs(tmp_path_factory.mktemp("pairs"), "word"))
    torch.manual_seed(3)
    config = TranslationConfig(units=8, embedding=6, input_feeding=request.param, layers=2)
    model = TranslationModel(data.sizes["source"], data.sizes["target"], config).eval()
    return data, model, naibu.record(model, {"validation": data.validation, "test": data.test}, dtype="float32")


@torch.no_grad()
def test_recorded_attention_is_the_networks(recorded):
    data, model, recording = recorded
    for number, part in ((0, data.validation), (len(data.validation), data.test)):
        for k in (0, len(part) - 1):
            batch = part.batch(np.array([k]))
            weights = model.decode(batch.main.x, *model.encode(batch.streams["source"])).weights[0]
            found = alignment(recording, number + k)
            np.testing.assert_allclose(found.weights, weights, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(found.weights.sum(1), 1, rtol=1e-5)
            pair = int(part.which[k])
            assert found.source == (*part.source.text(pair).split(), "</s>")
            assert found.target == (*part.target.text(pair).split(), "</s>")


def test_where_attention_went_is_told_of_every_step(recorded):
    _, _, recording = recorded
    found, starts = attended(recording), recording.index.starts
    for sequence in (0, 5, len(starts) - 2):
        one, steps = alignment(recording, sequence), slice(starts[sequence], starts[sequence + 1])
        rows, places = one.rows(), np.arange(len(one.source))
        assert found["place"][steps].tolist() == [row["place"] for row in rows]
        assert [row["source"] for row in rows] == [one.source[row["place"]] for row in rows]
        np.testing.assert_allclose(found["weight"][steps], one.weights.max(1), rtol=1e-4)
        np.testing.assert_allclose(found["mean"][steps], (one.weights * places).sum(1), rtol=1e-4)
        entropy = [-sum(w * np.log(w) for w in row if w > 0) for row in one.weights.astype(float)]
        np.testing.assert_allclose(found["entropy"][steps], entropy, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found["share"][steps], found["place"][steps] / max(1, len(places) - 1), rtol=1e-5)


def test_what_is_not_there_is_said(recorded):
    data, model, recording = recorded
    with pytest.raises(naibu.OptionError, match=r"stream 'input': does not lie beside this recording; there is source"):
        alignment(recording, 0, source="input")
    with pytest.raises(naibu.OptionError, match=r"sequence 10000: the recording has 0 to"):
        alignment(recording, 10_000)
    without = naibu.record(model, {"test": data.test}, keep=("cell",))
    assert ("attention", "weights") not in without.keys()
    with pytest.raises(naibu.OptionError, match="attention"):
        alignment(without, 0)
