"""A network of ours that reads one sequence and writes another: its streams lie beside each other, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from naibu.cells.layers import GRU
from naibu.data.batch import Batch, Stream
from naibu.data.examples import Column, Examples
from naibu.models.model import Loss, Model, Outcomes, categorical
from naibu.recording import Recording, record, store

SYMBOLS = tuple("abcdefgh")


class Pairs(Examples):
    """Words, and the same words backwards."""

    streams = ("source", "target")

    def __init__(self, words: list[np.ndarray]) -> None:
        self.words = words
        self.targets = [np.append(word[::-1], 0)[: len(word)] for word in words]

    def __len__(self) -> int:
        return len(self.words)

    def _rows(self, stream: str) -> list[np.ndarray]:
        return self.words if stream == "source" else self.targets

    def lengths_of(self, stream: str) -> np.ndarray:
        return np.array([len(row) for row in self._rows(stream)], np.int64)

    def inputs(self, stream: str) -> dict[str, Column]:
        return {"symbol": Column(np.concatenate(self._rows(stream)).astype(np.int32), SYMBOLS)}

    def labels(self, stream: str) -> tuple[str, ...]:
        return ("left",) if stream == "source" else ("done",)

    def label(self, name: str, stream: str = "input") -> Column:
        count = [np.arange(len(row)) for row in self._rows(stream)]
        return Column(np.concatenate([row[::-1] if name == "left" else row for row in count]).astype(np.int32))

    def subset(self, which: np.ndarray, /) -> Pairs:
        return Pairs([self.words[k] for k in np.arange(len(self))[which]])

    def classes(self) -> tuple[str, ...]:
        return SYMBOLS

    def batch(self, which: np.ndarray) -> Batch:
        streams = {}
        for name in self.streams:
            rows = [torch.from_numpy(self._rows(name)[k].astype(np.int64)) for k in which]
            streams[name] = Stream(pad_sequence(rows), torch.tensor([len(row) for row in rows]))
        told = [torch.from_numpy(np.append(self.targets[k][1:], -1).astype(np.int64)) for k in which]
        return Batch(streams, pad_sequence(told, padding_value=-1))


class Reverser(Model):
    """An encoder whose last state begins the decoder."""

    reads: ClassVar[dict[str, str]] = {"encoder": "source"}

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(len(SYMBOLS), 5)
        self.encoder, self.decoder, self.output = GRU(5, 6), GRU(5, 6), nn.Linear(6, len(SYMBOLS))

    def run(self, batch: Batch) -> torch.Tensor:
        source, target = batch.streams["source"], batch.streams["target"]
        packed = pack_padded_sequence(self.words(source.x), source.lengths, enforce_sorted=False)
        output: torch.Tensor = self.decoder(self.words(target.x), self.encoder(packed)[1])[0]
        return output

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        logits = self.output(self.run(batch)).flatten(0, 1)
        mean = nn.functional.cross_entropy(logits, batch.target.flatten(), ignore_index=-1)
        return Loss(mean, int(batch.predicted.sum()), None)

    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        return categorical(self.run(batch), batch.target, self.output, len(SYMBOLS)), None


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> Pairs:
    monkeypatch.setattr(store, "SHARD_BYTES", 3_000)
    draw = np.random.default_rng(3)
    return Pairs([draw.integers(1, len(SYMBOLS), draw.integers(2, 30)) for _ in range(90)])


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_each_stream_has_its_rows_and_the_sequences_count_alike(pairs: Pairs, where: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = Reverser().eval()
    out = tmp_path / "r" if where == "disk" else None
    found = record(model, {"train": pairs.subset(np.arange(50)), "test": pairs}, dtype="float32", out=out)
    found = Recording.open(tmp_path / "r") if where == "disk" else found
    source = found.beside["source"]
    assert {layer for layer, _ in found.keys()} == {"decoder.0"}
    assert {layer for layer, _ in source.keys()} == {"encoder.0"}
    assert (found.index.outcome_names, source.index.outcome_names) == (("loss", "gold", "predicted"), ())
    assert (found.index.label_names, source.index.label_names) == (("done",), ("left",))
    assert len(list(found.shards())) > 2
    numbers = [*range(50), *range(90)]
    for recording, stream, layer in ((found, "target", "decoder.0"), (source, "source", "encoder.0")):
        assert recording.index.sequence.max() == 139
        starts = recording.index.starts
        for s, k in enumerate(numbers):
            here = slice(int(starts[s]), int(starts[s + 1]))
            row = pairs._rows(stream)[k]
            np.testing.assert_array_equal(recording.index.symbol[here], row)
            assert set(recording.index.split[here]) == {0 if s < 50 else 2}
            alone = pairs.batch(np.array([k]))
            with torch.no_grad():
                words = model.words(alone.streams["source"].x)
                encoded, state = model.encoder(words)
                decoded = model.decoder(model.words(alone.streams["target"].x), state)[0]
            wanted = encoded if stream == "source" else decoded
            np.testing.assert_allclose(recording[layer, "hidden"][here], wanted[:, 0], atol=2e-6)
    outcomes = [model.outcomes(pairs.batch(np.array([k])))[0] for k in numbers]
    for name in ("loss", "gold"):
        values = np.concatenate([each[name].detach().numpy()[:, 0] for each in outcomes])
        np.testing.assert_allclose(found.index.outcome(name).values, values, atol=1e-5)


def test_a_stopped_recording_of_two_streams_goes_on(pairs: Pairs, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = Reverser().eval()
    whole = record(model, pairs, out=tmp_path / "whole")

    def stop(done: float, total: float) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(model, pairs, out=tmp_path / "stopped", progress=stop)
    record(model, pairs, out=tmp_path / "stopped")
    for file in (tmp_path / "whole").rglob("*.*"):
        if file.is_file():
            assert file.read_bytes() == (tmp_path / "stopped" / file.relative_to(tmp_path / "whole")).read_bytes(), file
    assert whole.tokens == sum(map(len, pairs.words))
