"""Scores of trained networks: of text by hand, with a cache, with weights that follow the text."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import naibu
from catalogue_tasks import ENTRIES, with_own
from naibu.cli import main
from naibu.data.text_lanes import TextLanes
from naibu.errors import CorpusError, OptionError
from naibu.models.test_time import Cache, Dynamic, Read, read, read_dynamically, root_mean_squares, with_cache
from naibu.models.weights import digest_of_tensors, stored
from naibu.ngrams import train
from naibu.runs.load import load

LINES = [f"{a} {b} {c} ." for a in "abcdef" for b in ("sees", "likes") for c in "uvwxyz"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(len(LINES)), 4))
    (folder / "a.txt").write_text("\n".join(LINES[k] for k in order) + "\n")
    data = naibu.open_text(folder / "a.txt", level="word", validation=0.2, test=0.2)
    training = naibu.TrainingConfig(steps=60, threads=1, batch_size=4)
    return naibu.train(data, out=folder / "run", model=naibu.ModelConfig(units=16), training=training)


def pieces(run, part):
    order = TextLanes(part, 1, 10)
    return [(order.read(piece), piece.start == 0) for piece in order.beginning(part.steps)]


def test_perplexity_is_that_of_the_text_read_from_beginning_to_end(run):
    scores = naibu.evaluate(run)
    part = run.data().test
    begin, end = part.ranges[0]
    ids = torch.from_numpy(part.source.ids[part.source.numbers[begin:end]].astype(np.int64))[:, None]
    model = load(run)
    with torch.no_grad():
        log_p = torch.log_softmax(model.logits(model(ids[:-1])[0]).double(), -1)
    loss = -log_p.gather(-1, ids[1:, :, None]).mean().item()
    assert scores["loss"] == pytest.approx(loss, rel=1e-5)
    assert scores["perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
    assert scores["tokens"] == scores["steps"] == len(ids) - 1
    text = part.source.text(int(begin) + 1, int(end))
    assert scores["bits_per_character"] == pytest.approx(loss * (len(ids) - 1) / len(text) / math.log(2), rel=1e-5)
    assert scores["perplexity_per_word"] == pytest.approx(scores["perplexity"], rel=1e-5)


def test_another_file_is_scored_in_the_networks_symbols(run, tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("a sees u .\nnobody likes z .\n" * 5)
    scores = naibu.evaluate(run, [path])
    assert scores["tokens"] == 50
    assert scores["examples"] == 1
    path.write_text("ni\n")
    with pytest.raises(CorpusError, match="none of its symbols is known"):
        naibu.evaluate(run, [path])


def test_a_cache_is_the_equation():
    rng = torch.Generator().manual_seed(2)
    gold, hidden = torch.randint(0, 3, (40,), generator=rng), torch.randn(40, 4, generator=rng)
    log_p = torch.log(torch.rand(40, generator=rng))
    cache = Cache(size=7, sharpness=0.5, share=0.3)
    parts = [Read(log_p[k : k + 11], gold[k : k + 11], hidden[k : k + 11]) for k in range(0, 40, 11)]
    (found,) = torch.cat(list(with_cache(parts, (cache,))), 1)
    for t in range(40):
        before = range(max(0, t - 7), t)
        weights = [math.exp(0.5 * float(hidden[t] @ hidden[i])) for i in before]
        p = sum(w for w, i in zip(weights, before, strict=True) if gold[i] == gold[t]) / max(1e-30, sum(weights))
        mixed = 0.7 * math.exp(log_p[t]) + 0.3 * p if t else math.exp(log_p[t])
        assert float(found[t]) == pytest.approx(math.log(mixed), rel=1e-4)


def test_weights_follow_the_text_and_come_back(run):
    model, data = load(run), run.data()
    before = digest_of_tensors(stored(model))
    rms = root_mean_squares(model, pieces(run, data.train)[:20])
    assert set(rms) == {name for name, _ in model.named_parameters()}
    part = pieces(run, data.validation)
    plain = torch.cat([each.log_p for each in read(model, part)])
    still = torch.cat([each.log_p for each in read_dynamically(model, part, rms, Dynamic(0.0, 0.0))])
    assert torch.allclose(plain, still, atol=1e-5)
    moved = torch.cat([each.log_p for each in read_dynamically(model, part, rms, Dynamic(1e-3, 1e-3))])
    assert torch.allclose(plain[:10], moved[:10], atol=1e-5)
    assert not torch.allclose(plain[10:], moved[10:], atol=1e-3)
    assert digest_of_tensors(stored(model)) == before


def test_help_at_test_time_is_told_beside_the_network_alone(run):
    scores = naibu.evaluate(run, cache=True, dynamic=True)
    assert scores["plain"]["loss"] == pytest.approx(scores["loss"], rel=1e-5)
    assert {"cache", "dynamic", "dynamic_cache"} <= set(scores)
    assert scores["plain"]["scored"] == "all"
    own = naibu.evaluate(run, part="validation", cache=True)
    assert own["plain"]["scored"] == "the second half, fitted on the first"
    assert own["plain"]["steps"] == own["cache"]["steps"] < own["steps"]


def test_n_grams_are_counted_on_the_runs_own_text_and_mixed_with_a_fitted_share(run):
    data = run.data()
    model = train(data.train, 3)
    grams = {part: torch.from_numpy(model.log_probabilities(getattr(data, part))) for part in ("validation", "test")}
    log_p = {
        part: torch.cat([each.log_p for each in read(load(run), pieces(run, getattr(data, part)))]) for part in grams
    }

    def losses(part, share, which=slice(None)):
        return -((1 - share) * log_p[part].exp() + share * grams[part].exp()).log()[which].mean().item()

    scores = naibu.evaluate(run, ngram=3, cache=True)
    assert scores["ngram"]["loss"] == pytest.approx(-grams["test"].mean().item(), rel=1e-5)
    share = scores["ngram_mixture"]["ngram_share"]
    assert losses("validation", share) == pytest.approx(min(losses("validation", k / 50) for k in range(1, 50)))
    assert scores["ngram_mixture"]["loss"] == pytest.approx(losses("test", share), rel=1e-5)
    assert {"cache", "ngram_cache"} <= set(scores)
    assert scores["ngram_cache"]["size"] == scores["cache"]["size"]
    own = naibu.evaluate(run, part="validation", ngram=3)
    first = len(log_p["validation"]) - own["ngram"]["steps"]
    share = own["ngram_mixture"]["ngram_share"]
    half = slice(first)
    assert losses("validation", share, half) == min(losses("validation", k / 50, half) for k in range(1, 50))
    assert own["ngram_mixture"]["loss"] == pytest.approx(losses("validation", share, slice(first, None)), rel=1e-3)
    for order in (-1, 65):
        with pytest.raises(OptionError, match=f"--ngram {order}: must be 1 to 64"):
            naibu.evaluate(run, ngram=order)


def test_the_command_says_it(run, capsys):
    assert main(["evaluate", str(run.path), "--part", "validation"]) == 0
    assert "perplexity" in capsys.readouterr().out
    assert main(["evaluate", str(run.path), "nowhere.txt"]) == 2
    assert "nowhere.txt: there is no such file" in capsys.readouterr().err


def test_other_tasks_score_their_own_part(tmp_path):
    path = tmp_path / "trees.mrg"
    path.write_text("(S (NP a) (VP b (NP c)))\n(S (VP a))\n" * 20)
    data = naibu.open_trees(path, form="brackets")
    run = naibu.train(data, out=tmp_path / "run", training=naibu.TrainingConfig(steps=2, threads=1))
    scores = naibu.evaluate(run)
    assert {"loss", "accuracy", "end_recall", "examples", "steps"} <= set(scores)
    with pytest.raises(OptionError, match="name no file"):
        naibu.evaluate(run, [path])
    with pytest.raises(OptionError, match="--cache: is not for a network of the task trees"):
        naibu.evaluate(run, cache=True)


def test_one_lane_is_the_text_in_its_own_order():
    """Also where there is room for many: what looks back would look into other places of the text."""
    from naibu.data.levels import Characters
    from naibu.data.running_text import Source, Text
    from naibu.data.vocabulary import Vocabulary

    numbers = np.random.default_rng(1).integers(0, 5, 30_000).astype(np.uint32)
    ids = np.arange(5, dtype=np.int32)
    source = Source(numbers, np.array([0, 30_000]), ("a",), Characters(), Vocabulary(tuple("abcde")), ids)
    text = Text(source, np.array([[0, 30_000]]), 1000)
    order = TextLanes(text, 1, 100)
    assert all(len(piece.which) == 1 for piece in order.beginning(text.steps))
    read_in_order = np.concatenate([order.read(piece).target[:, 0] for piece in order.beginning(text.steps)])
    assert np.array_equal(read_in_order, numbers[1:])


def test_the_validation_file_named_again_is_known_for_what_it_is(run, tmp_path):
    part = run.data().validation
    begin, end = (int(place) for place in part.ranges[0])
    path = tmp_path / "same.txt"
    path.write_text(part.source.text(begin + 1, end))
    assert naibu.evaluate(run, [path], cache=True)["plain"]["scored"] == "the second half, fitted on the first"


def test_a_text_too_short_to_fit_on_is_refused(tmp_path):
    """All of the validation text is one window, of which there is no half."""
    (tmp_path / "a.txt").write_text("\n".join(LINES) + "\n")
    data = naibu.open_text(tmp_path / "a.txt", level="word", validation=0.2, test=0.2)
    training = naibu.TrainingConfig(steps=1, threads=1, truncation=400)
    run = naibu.train(data, out=tmp_path / "run", model=naibu.ModelConfig(units=4), training=training)
    assert data.validation.steps < 400
    with pytest.raises(OptionError, match="too short for weights to be fitted on a part of it"):
        naibu.evaluate(run, part="validation", cache=True)


def test_a_task_has_options_of_its_own_for_scores_and_predictions(tmp_path, monkeypatch, run):
    """In Python; on the command line an option of one task is refused by name for a network of another."""
    with_own(monkeypatch)
    waves = next(entry for entry in ENTRIES if entry.task == "waves")
    own = naibu.train(waves.open(tmp_path), out=tmp_path / "waves", model=waves.model, training=waves.training)
    scores = naibu.evaluate(own)
    assert "first" not in scores
    assert naibu.evaluate(own, twice=True)["first"] != 0
    (tmp_path / "x.csv").write_text("0.5\n")
    predicted = naibu.predict(own, [tmp_path / "x.csv"], ahead=2)
    assert list(predicted.lines()) == ["0.5", "0.5"]
    assert predicted.rows()[1] == {"step": 2, "mean": 0.5}
    with pytest.raises(OptionError, match="--cache: is not for a network of the task waves"):
        naibu.evaluate(own, cache=True)
    with pytest.raises(OptionError, match="predicts nothing of a file"):
        naibu.predict(run, [tmp_path / "x.csv"])


def test_options_of_other_tasks_are_refused_and_predictions_are_printed(tmp_path, monkeypatch, capsys):
    with_own(monkeypatch)
    waves = next(entry for entry in ENTRIES if entry.task == "waves")
    naibu.train(waves.open(tmp_path), out=tmp_path / "waves", model=waves.model, training=waves.training)
    (tmp_path / "x.csv").write_text("0.5\n")
    assert main(["evaluate", str(tmp_path / "waves"), "--cache"]) == 2
    assert "--cache: is not for a network of the task waves" in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "waves"), str(tmp_path / "x.csv")]) == 0
    assert capsys.readouterr().out == "0.5\n"
    out = tmp_path / "told.csv"
    assert main(["predict", str(tmp_path / "waves"), str(tmp_path / "x.csv"), "--out", str(out)]) == 0
    assert out.read_text() == "0.5\n"
