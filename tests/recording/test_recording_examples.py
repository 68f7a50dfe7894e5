"""Recordings of language models: values, predictions and labels of every split, wherever they are kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from naibu.cells.unroll import unroll
from naibu.config import ModelConfig
from naibu.data.corpus import Corpus, open_corpus
from naibu.errors import OptionError, StoredError
from naibu.models import model as models
from naibu.models.language_model import LanguageModel
from naibu.models.model import score
from naibu.recording import Recording, examples, record, store
from naibu.recording.examples import plan_batches

SIGNALS = ("input_gate", "forget_gate", "candidate", "output_gate", "update", "cell", "hidden")


def treebank(path: Path, sentences: int = 60) -> Path:
    """A treebank of nested sentences, of 3 to about 60 brackets, some of them twice."""
    draw = np.random.default_rng(5)

    def phrase(depth: int) -> str:
        kind = draw.choice(["NP", "VP", "PP"])
        if depth == 0 or draw.random() < 0.2:
            return f"({kind} (NN {draw.choice(['a', 'b', 'c', 'd'])}))"
        return f"({kind} " + " ".join(phrase(depth - 1) for _ in range(draw.integers(1, 4))) + ")"

    trees = [f"(S {phrase(int(draw.integers(0, 4)))})" for _ in range(sentences)]
    path.write_text("\n".join(trees + trees[:10]))
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(treebank(tmp_path_factory.mktemp("corpus") / "trees.mrg"), form="tagged+words")


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SHARD_BYTES", 20_000)


def model_of(corpus: Corpus, **options: Any) -> LanguageModel:
    torch.manual_seed(4)
    return LanguageModel(len(corpus.vocabulary), ModelConfig(**{"units": 7, "layers": 2, **options}))


def same(first: Recording, second: Recording) -> None:
    assert first.keys() == second.keys()
    for key in first.keys():
        np.testing.assert_array_equal(first[key][:], second[key][:])
    for name in ("sequence", "position", "symbol", "split", "seen", "predicted", "loss", "starts"):
        np.testing.assert_array_equal(getattr(first.index, name), getattr(second.index, name), err_msg=name)
    assert (first.index.symbols, first.index.label_names) == (second.index.symbols, second.index.label_names)
    for name in first.index.label_names:
        np.testing.assert_array_equal(first.index.label(name).values, second.index.label(name).values)
        assert first.index.label(name).names == second.index.label(name).names


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "rnn-relu"])
def test_every_value_equals_the_plain_path_sequence_by_sequence(corpus: Corpus, cell: str) -> None:
    model = model_of(corpus, cell=cell)
    signals = model.layers.cell_type.signals
    recording = record(model, corpus, keep=(*SIGNALS, *signals), dtype="float32")
    assert len(list(recording.shards())) > 3
    assert recording.keys()[0] == (f"{model.layers.name}.0", signals[0])
    splits = [corpus.train, corpus.validation, corpus.test]
    assert recording.tokens == sum(split.tokens for split in splits)
    s = 0
    model.eval()
    for code, split in enumerate(splits):
        for number in range(len(split)):
            a, b = recording.index.starts[s : s + 2]
            ids = split.ids[split.starts[number] : split.starts[number + 1]]
            assert recording.index.symbol[a:b].tolist() == ids.tolist()
            assert recording.index.position[a:b].tolist() == list(range(len(ids)))
            assert (recording.index.split[a:b] == code).all()
            assert (recording.index.seen[a:b] == (code == 2 and corpus.seen[number])).all()
            with torch.no_grad():
                targets = torch.from_numpy(ids.astype(np.int64))
                x = model.embedding(targets)[:, None]
                for layer in range(2):
                    plain = unroll(model.layers.cell(layer), x, keep=signals)
                    x = plain.output
                    for signal in signals:
                        ours = recording[f"{model.layers.name}.{layer}", signal][a:b]
                        np.testing.assert_allclose(ours, plain.signals[signal][:, 0], rtol=1e-5, atol=3e-6)
                logp = torch.log_softmax(model.output(x[:, 0]), -1)
                surprise = -logp[:-1].gather(1, targets[1:, None])[:, 0]
            assert recording.index.loss is not None
            assert recording.index.predicted is not None
            np.testing.assert_allclose(recording.index.loss[a : b - 1], surprise, atol=1e-5)
            assert np.isnan(recording.index.loss[b - 1])
            assert recording.index.predicted[a : b - 1].tolist() == logp[:-1].argmax(-1).tolist()
            s += 1
    assert s == len(recording.index.starts) - 1
    depth = np.concatenate([split.label("depth").values for split in splits])
    np.testing.assert_array_equal(recording.index.label("depth").values, depth)
    label = recording.index.label("part_of_speech")
    assert label.names is not None
    names = [None if code < 0 else label.names[code] for code in label.values]
    wanted = []
    for split in splits:
        theirs = split.label("part_of_speech")
        wanted += [None if code < 0 else (theirs.names or ())[code] for code in theirs.values]
    assert names == wanted


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_memory_disk_and_live_are_equal(corpus: Corpus, tmp_path: Path, dtype: str) -> None:
    model = model_of(corpus)
    options: dict[str, Any] = {"dtype": dtype, "labels": ["depth", "inside:VP", "part_of_speech"], "keep": SIGNALS}
    held = record(model, corpus, **options)
    assert held["lstm.1", "update"].dtype == np.dtype(dtype)
    same(held, record(model, corpus, out=tmp_path / "r", **options))
    same(held, record(model, corpus, live=True, **options))


@pytest.mark.usefixtures("small_shards")
def test_a_live_recording_computes_in_passes_and_holds_one_shard(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    real = examples.Reading.read

    def counted(reading: examples.Reading, first: int, *rest: Any) -> Any:
        read.append(int(reading.main.starts[first]))
        return real(reading, first, *rest)

    monkeypatch.setattr(examples.Reading, "read", counted)
    live = record(model_of(corpus), corpus, live=True)
    assert read == []
    for shard in live.shards():
        _ = shard["lstm.0", "cell"], shard["lstm.0", "hidden"]
    assert read == [shard.start for shard in live.shards()]  # each shard once, whatever is asked of it
    assert live._store._last is None  # type: ignore[attr-defined]
    assert live.index.loss is not None
    assert len(read) == len(list(live.shards()))  # the pass has brought the losses with it


@pytest.mark.parametrize("longest", [3, 7, 16])
def test_long_sequences_are_cut_and_carry_their_state(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    model = model_of(corpus)
    whole = record(model, corpus, keep=SIGNALS, dtype="float32")
    monkeypatch.setattr(examples, "LONGEST", longest)
    cut = record(model, corpus, keep=SIGNALS, dtype="float32")
    for key in whole.keys():
        np.testing.assert_allclose(cut[key][:], whole[key][:], atol=2e-6)
    assert whole.index.loss is not None
    assert cut.index.loss is not None
    np.testing.assert_allclose(cut.index.loss, whole.index.loss, atol=1e-5)


def test_the_model_keeps_its_mode_and_random_numbers(corpus: Corpus) -> None:
    model = model_of(corpus, dropout=0.5).train()
    model.embedding.eval()
    random = torch.get_rng_state()
    same(record(model, corpus), record(model, corpus))
    assert torch.equal(torch.get_rng_state(), random)
    assert (model.training, model.embedding.training, model.layers.training) == (True, False, True)


def test_progress_counts_tokens_up_to_all_of_them(corpus: Corpus) -> None:
    calls: list[tuple[float, float]] = []
    record(model_of(corpus), {"test": corpus.test}, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (corpus.test.tokens, corpus.test.tokens)
    assert calls == sorted(calls)


def test_predictions_do_not_depend_on_the_pieces_they_are_made_in(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = record(model_of(corpus), corpus)
    monkeypatch.setattr(models, "LOGITS", 1)
    same(first, record(model_of(corpus), corpus))


def test_score_is_cross_entropy_and_argmax() -> None:
    logits, targets = torch.randn(50, 9) * 30, torch.randint(9, (50,))
    wanted = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    highest = logits.argmax(-1)
    best, surprise = score(logits.clone(), targets)
    torch.testing.assert_close(surprise, wanted, atol=1e-4, rtol=1e-5)
    assert torch.equal(best, highest)


def test_batches_hold_each_sequence_once_and_little_padding() -> None:
    lengths = np.random.default_rng(2).integers(0, 400, 500)
    lengths[:3] = 9_000, 5_000, 0
    batches = list(plan_batches(lengths, 8_192))
    assert sorted(np.concatenate(batches)) == np.flatnonzero(lengths).tolist()
    for batch in batches:
        longest, shortest = lengths[batch].max(), lengths[batch].min()
        assert len(batch) in examples.WIDTHS
        assert len(batch) * min(longest, examples.LONGEST) <= max(8_192, examples.LONGEST)
        assert shortest >= min(longest - 8, longest * 3 // 4)
        passes = list(examples.cuts(int(longest)))
        assert sum(len(steps) for steps in passes) <= 1.15 * longest + 4
        assert max(len(steps) for steps in passes) <= examples.LONGEST
    lengths_of_passes = {len(steps) for n in range(1, 9_000) for steps in examples.cuts(n)}
    assert len(lengths_of_passes) < 64


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("keep: these layers have no reset_gate; they have input_gate", {"keep": ["reset_gate"]}),
        ("label 'depht'", {"labels": ["depht"]}),
        ("live: a live recording is not written", {"live": True, "out": "x"}),
        ("lengths: is for modules of others", {"lengths": [1]}),
        ("dtype='half'", {"dtype": "half"}),
    ],
)
def test_options_that_do_not_fit_are_refused(corpus: Corpus, said: str, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=said):
        record(model_of(corpus), corpus, **options)


def test_inputs_that_do_not_fit_are_refused(corpus: Corpus) -> None:
    with pytest.raises(OptionError, match="split 'dev': must be one of train, validation, test"):
        record(model_of(corpus), {"dev": corpus.test})
    with pytest.raises(OptionError, match="a LSTM reads no data"):
        record(torch.nn.LSTM(2, 2), corpus)
    with pytest.raises(OptionError, match="inputs: a list; a run reads data"):
        record("run", [1])  # type: ignore[arg-type]


def test_one_split_alone_is_the_test_split_and_may_be_empty(corpus: Corpus) -> None:
    alone = record(model_of(corpus), corpus.test)
    assert set(alone.index.split.tolist()) == {2}
    none = record(model_of(corpus), corpus.test.subset(np.zeros(0, np.int64)))
    assert none.tokens == 0
    assert none["lstm.0", "cell"][:].shape == (0, 7)
    assert none.index.starts.tolist() == [0]


KILLED = """
import json, os, pathlib, sys, time, torch
from naibu.recording import record, store
sys.path[:0] = [sys.argv[3]]
from test_recording_examples import model_of, open_corpus
store.SHARD_BYTES = 20_000
corpus = open_corpus(sys.argv[1], form="tagged+words")
def progress(done, total):
    manifest = pathlib.Path(sys.argv[2], "manifest.json")
    for _ in range(3_000 if done > 2 * total // 3 else 0):  # the writer works meanwhile
        if json.loads(manifest.read_text())["shards"]:
            os.kill(os.getpid(), 9)
        time.sleep(0.01)
torch.set_num_threads(1)
record(model_of(corpus), corpus, out=sys.argv[2], progress=progress)
"""


@pytest.mark.usefixtures("small_shards")
def test_a_killed_process_leaves_a_recording_that_goes_on(tmp_path: Path) -> None:
    path = treebank(tmp_path / "trees.mrg")
    arguments = [str(path), str(tmp_path / "killed"), str(Path(__file__).parent)]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    corpus = open_corpus(path, form="tagged+words")
    started: list[float] = []
    whole = record(model_of(corpus), corpus, out=tmp_path / "whole")
    with pytest.raises(StoredError, match="unfinished"):
        Recording.open(tmp_path / "killed")
    resumed = record(model_of(corpus), corpus, out=tmp_path / "killed", progress=lambda n, _: started.append(n))
    assert started[0] > next(whole.shards()).stop  # it went on after what was finished
    same(whole, resumed)
    for file in (tmp_path / "whole").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "killed" / file.relative_to(tmp_path / "whole")).read_bytes(), file
