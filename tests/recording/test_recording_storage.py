"""Recordings on disk, in memory and live: the same values, whole after a crash, refused where they do not fit."""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from naibu.errors import OptionError, StoredError
from naibu.recording import Recording, files, record, store, writer
from resealed import resealed

HIDDEN = 6
KEEP = ("forget_gate", "cell", "hidden")
COLUMNS = ("sequence", "position", "symbol", "split", "seen")


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of 700 bytes, so that a few sequences make many."""
    monkeypatch.setattr(store, "SHARD_BYTES", 700)


class Calls:
    """A loader of 12 padded batches; may stop half way, as a killed process does."""

    def __init__(self, stop_at: int | None = None, change: int | None = None) -> None:
        generator = torch.Generator().manual_seed(3)
        self.lengths = torch.randint(1, 9, (12, 4), generator=generator)
        self.batches = [torch.randn(int(row.max()), 4, 5, generator=generator) for row in self.lengths]
        self.stop_at = stop_at
        if change is not None:
            self.batches[change] = self.batches[change] + 1
        self.labels = {
            "depth": [torch.arange(int(n)) for row in self.lengths for n in row],
            "kind:of": [["odd" if t % 2 else "even" for t in range(n)] for row in self.lengths for n in row],
        }

    def __iter__(self) -> Iterator[Tensor]:
        for number, batch in enumerate(self.batches):
            if number == self.stop_at:
                raise KeyboardInterrupt
            yield batch

    def record(self, layer: nn.Module, **options: Any) -> Recording:
        given = {"keep": KEEP, "labels": self.labels, "lengths": list(self.lengths), **options}
        return record(layer, self, **given)


def same(first: Recording, second: Recording) -> None:
    assert first.keys() == second.keys()
    for key in first.keys():
        np.testing.assert_array_equal(first[key][:], second[key][:])
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(first.index, name), getattr(second.index, name))
    assert first.index.label_names == second.index.label_names
    for name in first.index.label_names:
        np.testing.assert_array_equal(first.index.label(name).values, second.index.label(name).values)
        assert first.index.label(name).names == second.index.label(name).names


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_disk_equals_memory_and_rows_are_in_reading_order(tmp_path: Path, dtype: str) -> None:
    layer, calls = nn.LSTM(5, HIDDEN), Calls()
    held, stored = calls.record(layer, dtype=dtype), calls.record(layer, dtype=dtype, out=tmp_path / "r")
    same(held, stored)
    same(stored, Recording.open(tmp_path / "r"))
    assert stored.path == tmp_path / "r"
    assert len(list(stored.shards())) > 3
    assert stored["lstm.0", "cell"].dtype == np.dtype(dtype)
    assert stored.tokens == int(calls.lengths.sum())
    np.testing.assert_array_equal(stored.index.position, stored.index.label("depth").values)
    assert stored.index.label("kind:of").names == ("even", "odd")
    np.testing.assert_array_equal(np.diff(stored.index.starts), calls.lengths.flatten())
    sequence = 0
    with torch.no_grad():
        for batch, lengths in zip(calls.batches, calls.lengths, strict=True):
            output, _ = layer(batch)
            for b, length in enumerate(lengths):
                a, z = stored.index.starts[sequence : sequence + 2]
                assert (stored.index.sequence[a:z] == sequence).all()
                tolerance = 5e-4 if dtype == "float16" else 1e-6
                np.testing.assert_allclose(stored["lstm.0", "hidden"][a:z], output[:length, b], atol=tolerance)
                sequence += 1


@pytest.mark.usefixtures("small_shards")
def test_shards_hold_whole_sequences_and_cover_everything(tmp_path: Path) -> None:
    recording = Calls().record(nn.LSTM(5, HIDDEN), out=tmp_path)
    end = 0
    for shard in recording.shards():
        assert shard.start == end
        assert {shard.start, shard.stop} <= set(recording.index.starts.tolist())
        np.testing.assert_array_equal(shard["lstm.0", "cell"], recording["lstm.0", "cell"][shard.start : shard.stop])
        end = shard.stop
    assert end == recording.tokens


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("where", ["disk", "memory"])
def test_slices_of_a_stored_array_are_those_of_the_whole_array(tmp_path: Path, where: str) -> None:
    recording = Calls().record(nn.LSTM(5, HIDDEN), out=tmp_path if where == "disk" else None)
    stored = recording["lstm.0", "cell"]
    whole = np.asarray(stored)
    assert stored.shape == whole.shape == (recording.tokens, recording.units(("lstm.0", "cell")))
    assert (stored.ndim, len(stored)) == (2, recording.tokens)
    mask = np.arange(len(whole)) % 7 == 3
    rows = np.array([5, 100, 0, -1, 100])
    for at in [
        slice(None), slice(3, 90), slice(90, 3), slice(-20, None), slice(None, None, -1), slice(2, 150, 11), 0, -1,
        np.int64(70), rows, rows.tolist(), mask, (slice(10, 60), 2), (slice(10, 60), [1, 0]), (rows, slice(1, 3)),
        (7, slice(0, 2)), (mask, 3), np.array([], np.int64),
    ]:  # fmt: skip
        np.testing.assert_array_equal(stored[at], whole[at], err_msg=str(at))
    for at in (len(whole), np.array([len(whole)]), np.ones(3, bool)):
        with pytest.raises(IndexError):
            stored[at]
    assert np.asarray(stored, np.float64).dtype == np.float64


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("stop_at", [1, 4, 9, 11])
def test_a_stopped_recording_goes_on_and_ends_with_identical_bytes(tmp_path: Path, stop_at: int) -> None:
    layer = nn.LSTM(5, HIDDEN)
    Calls().record(layer, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        Calls(stop_at).record(layer, out=tmp_path / "stopped")
    shards = len(json.loads((tmp_path / "stopped/manifest.json").read_text())["shards"])
    if shards:
        with pytest.raises(StoredError, match=r"unfinished.*run the same recording again"):
            Recording.open(tmp_path / "stopped")
    left = tmp_path / "stopped" / "shards" / f".{shards:05d}.part"
    left.mkdir()
    (left / "lstm.0.cell.npy").write_bytes(b"half")
    ran = [0]
    handle = layer.register_forward_hook(lambda *_: ran.__setitem__(0, ran[0] + 1))
    Calls().record(layer, out=tmp_path / "stopped")
    handle.remove()
    assert ran[0] <= 12 - (stop_at - 3 if shards else 0)  # finished calls are not run again
    assert content(tmp_path / "stopped") == content(tmp_path / "whole")


def test_a_finished_recording_is_opened_not_made_again(tmp_path: Path) -> None:
    layer = nn.LSTM(5, HIDDEN)
    first = Calls().record(layer, out=tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    same(first, Calls().record(layer, out=tmp_path))
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}


@pytest.mark.usefixtures("small_shards")
def test_a_folder_with_anything_else_is_refused(tmp_path: Path) -> None:
    layer, folder = nn.LSTM(5, HIDDEN), tmp_path / "r"
    Calls().record(layer, out=folder)
    for reason, other, options in [
        ("other signals", layer, {"keep": ["cell"]}),
        ("float16", layer, {"dtype": "float32"}),
        ("other labels", layer, {"labels": {}}),
        ("other weights", nn.LSTM(5, HIDDEN), {}),
    ]:
        with pytest.raises(StoredError, match=rf"{reason}.*choose another folder"):
            Calls().record(other, out=folder, **options)
    with pytest.raises(StoredError, match="other inputs here; choose another folder"):
        Calls(change=0).record(layer, out=folder)
    shorter = Calls()
    shorter.batches = shorter.batches[:4]
    with pytest.raises(StoredError, match="other inputs here; choose another folder"):
        shorter.record(layer, out=folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("words")
    with pytest.raises(StoredError, match="something else in this folder"):
        Calls().record(layer, out=tmp_path / "mine")
    with pytest.raises(StoredError, match="is a file"):
        Calls().record(layer, out=tmp_path / "mine/thesis.txt")
    with pytest.raises(StoredError, match="choose another folder"):
        Calls().record(layer, out=tmp_path / "mine/thesis.txt/below")


def test_what_is_missing_damaged_or_newer_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoredError, match=r"not found.*recording"):
        Recording.open(tmp_path)
    folder = tmp_path / "r"
    Calls().record(nn.LSTM(5, HIDDEN), out=folder)
    path = folder / "manifest.json"
    good = path.read_text()
    for change, said in [
        (lambda found: found.update(version=99), r"version 99, written by a newer naibu.*upgrade"),
        (lambda found: found.update(version="2"), "not the manifest of a recording"),
        (lambda found: found.update(format="other"), "not the manifest of a recording"),
        (lambda found: found.update(dtype="O"), r"damaged.*remove it and run the step again"),
        (lambda found: found.pop("dtype"), r"damaged.*remove it and run the step again"),
    ]:
        resealed(path, change)
        with pytest.raises(StoredError, match=said):
            Recording.open(folder)
        path.write_text(good)
    for damaged in (good[:100], good.replace('"units": ', '"units": 1'), good.replace('"digest"', '"digesu"')):
        path.write_text(damaged)
        with pytest.raises(StoredError, match="damaged"):
            Recording.open(folder)
    path.write_text(good)
    values = folder / "shards/00000/lstm.0.cell.npy"
    values.write_bytes(values.read_bytes()[:-40])
    with pytest.raises(StoredError, match=r"lstm\.0\.cell\.npy.*damaged.*run the same recording again"):
        Recording.open(folder)["lstm.0", "cell"][:]
    (folder / "index/position.npy").unlink()
    with pytest.raises(StoredError, match=r"position\.npy"):
        Recording.open(folder)


@pytest.mark.usefixtures("small_shards")
def test_a_full_disk_is_one_error_and_what_is_finished_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.LSTM(5, HIDDEN)
    Calls().record(layer, out=tmp_path / "whole")
    written = [0]

    def full(path: Path, values: np.ndarray[Any, Any]) -> str:
        written[0] += 1
        if written[0] == 8:
            path.write_bytes(b"half an array")
            raise OSError(errno.ENOSPC, "No space left on device")
        return files.write_array(path, values)

    monkeypatch.setattr(writer, "write_array", full)
    with pytest.raises(StoredError, match="the disk is full; free some space") as caught:
        Calls().record(layer, out=tmp_path / "r")
    assert "\n" not in str(caught.value)
    manifest = json.loads((tmp_path / "r/manifest.json").read_text())
    assert len(manifest["shards"]) == 2  # 7 files were written, 3 a shard
    assert sorted(path.name for path in (tmp_path / "r/shards").iterdir()) == ["00000", "00001"]
    monkeypatch.undo()
    monkeypatch.setattr(store, "SHARD_BYTES", 700)
    Calls().record(layer, out=tmp_path / "r")
    assert content(tmp_path / "r") == content(tmp_path / "whole")


@pytest.mark.usefixtures("small_shards")
def test_few_shards_are_held_while_the_disk_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading
    import time

    alive, most, lock = [0], [0], threading.Lock()
    joined = files.write_array

    def slow(path: Path, values: np.ndarray[Any, Any]) -> str:
        time.sleep(0.005)
        return joined(path, values)

    put, finish = writer.DiskSink.write, writer.DiskSink._write_shard

    def counted(self: writer.DiskSink, *shard: Any) -> None:
        with lock:
            alive[0] += 1
            most[0] = max(most[0], alive[0])
        put(self, *shard)

    def done(self: writer.DiskSink, *shard: Any) -> None:
        finish(self, *shard)
        with lock:
            alive[0] -= 1

    monkeypatch.setattr(writer, "write_array", slow)
    monkeypatch.setattr(writer.DiskSink, "write", counted)
    monkeypatch.setattr(writer.DiskSink, "_write_shard", done)
    recording = Calls().record(nn.LSTM(5, HIDDEN), out=tmp_path)
    assert len(list(recording.shards())) > 4
    assert 2 <= most[0] <= writer.WAITING + 2  # those waiting, one being written, one being made


def test_values_beyond_float16_are_clipped_counted_and_said(tmp_path: Path) -> None:
    layer = nn.RNN(1, 2, nonlinearity="relu")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1.0)
    x = torch.full((3, 1, 1), 1e5)
    with pytest.warns(UserWarning, match=r"6 values of rnn\.0/hidden .* record with dtype='float32'"):
        recording = record(layer, x, out=tmp_path)
    assert (recording["rnn.0", "hidden"][:] == 65504).all()
    assert json.loads((tmp_path / "manifest.json").read_text())["clipped"] == {"rnn.0/hidden": 6}
    assert record(layer, x, dtype="float32")["rnn.0", "hidden"][0, 0] == pytest.approx(1e5, rel=1e-4)


def test_the_documented_example_reads_a_recording_with_numpy_alone(tmp_path: Path) -> None:
    recording = Calls().record(nn.LSTM(5, HIDDEN), out=tmp_path)
    text = (Path(__file__).parents[2] / "docs/recording-format.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = {"folder": tmp_path}
    exec(example, found)
    np.testing.assert_array_equal(found["cell"], recording["lstm.0", "cell"][:])
    np.testing.assert_array_equal(found["depth"], recording.index.label("depth").values)
    for path in (tmp_path / "index").glob("*.npy"):
        name = path.stem
        assert name in text or name.startswith("label."), f"{path.name} is not documented"


@pytest.mark.usefixtures("small_shards")
def test_a_recording_is_made_from_arrays_that_somebody_has() -> None:
    sequence = np.repeat([0, 1, 5], [300, 10, 40])
    cell = np.random.default_rng(1).normal(size=(350, 3)).astype(np.float32)
    recording = Recording.from_arrays(
        {("lstm.0", "cell"): cell, ("lstm.0", "hidden"): cell[:, :2]},
        sequence=sequence,
        labels={"depth": np.arange(350.0), "name": (np.zeros(350, int), ["a"]), "word": ["x", "y"] * 175},
        symbol=["(", ")"] * 175,
        split=np.repeat([0, 0, 2], [300, 10, 40]),
    )
    assert recording.index.starts.tolist() == [0, 300, 310, 350]
    assert recording.index.position[[0, 299, 300, 349]].tolist() == [0, 299, 0, 39]
    assert recording.index.symbols == ("(", ")")
    assert recording.index.label("word").names == ("x", "y")
    assert recording.index.predicted is None
    assert [(shard.start, shard.stop) for shard in recording.shards()] == [(0, 300), (300, 310), (310, 350)]
    np.testing.assert_array_equal(np.concatenate([shard["lstm.0", "cell"] for shard in recording.shards()]), cell)
    with pytest.raises(OptionError, match=r"lstm.0/gate: not in this recording; it has lstm.0/cell, lstm.0/hidden"):
        recording["lstm.0", "gate"]
    with pytest.raises(OptionError, match="label 'deep': not in this recording; it has depth, name, word"):
        recording.index.label("deep")
    with pytest.raises(OptionError, match="must ascend"):
        Recording.from_arrays({}, sequence=[1, 0])
    with pytest.raises(OptionError, match=r"a/cell: shape \(3, 2\)"):
        Recording.from_arrays({("a", "cell"): np.ones((3, 2))}, sequence=[0, 0])
    with pytest.raises(OptionError, match=r"label 'd': shape \(3,\)"):
        Recording.from_arrays({}, sequence=[0, 0], labels={"d": [1, 2, 3]})


class Fails(nn.Module):
    """A module with everything that recording must leave as it is, and that fails when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop, self.gru = nn.BatchNorm1d(5), nn.Dropout(0.5), nn.GRU(5, HIDDEN, batch_first=True)
        self.fail = False

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.gru(self.drop(self.norm(x.transpose(1, 2)).transpose(1, 2)))[0]
        if self.fail:
            raise RuntimeError("the user's own")
        return hidden.zero_()


@pytest.mark.parametrize("fail", [False, True])
def test_nothing_is_changed_in_the_users_module(fail: bool) -> None:
    module = Fails()
    module.norm.eval()
    module.fail = fail
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    random = torch.get_rng_state()
    if fail:
        with pytest.raises(RuntimeError, match="the user's own"):
            record(module, torch.randn(2, 3, 5))
        torch.set_rng_state(random)
    x = torch.randn(2, 3, 5)
    random = torch.get_rng_state()
    module.fail = False
    recording = record(module, x)
    assert np.abs(recording["gru.0", "hidden"][:]).max() > 0  # not what the module made of it in place
    assert torch.equal(torch.get_rng_state(), random)
    assert (module.training, module.norm.training, module.drop.training) == (True, False, True)
    assert not any(part._forward_hooks or part._forward_hooks_with_kwargs for part in module.modules())
    module.train()
    record(module, x)
    for name, value in module.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert all(parameter.grad is None and parameter.requires_grad for parameter in module.parameters())


def lstm(**options: Any) -> nn.LSTM:
    return nn.LSTM(5, HIDDEN, batch_first=True, **options)


class Two(nn.Module):
    """An encoder and a decoder that read different tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder, self.unused = lstm(), lstm(), nn.GRU(5, 5)

    def forward(self, x: Tensor) -> Any:
        return self.decoder(x[:, :2], self.encoder(x)[1])


class Silent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = lstm()

    def forward(self, x: Tensor) -> Any:
        return x * 2


X = torch.zeros(2, 4, 5)
REFUSED: list[tuple[str, nn.Module, Any, dict[str, Any]]] = [
    (r"no recurrent layer in this module \(it has Linear\); recorded are torch.nn.LSTM", nn.Linear(5, 5), X, {}),
    ("ran none of its recurrent layers .layer.", Silent(), X, {}),
    ("encoder ran 4 steps of 2 sequences and decoder 2 steps of 2.*streams=", Two(), X, {"streams": {}}),
    ("streams: 'unused' did not run; what ran are encoder, decoder", Two(), X, {"streams": {"unused": "a"}}),
    ("layers: 'coder' is no recurrent layer .* it has encoder, decoder, unused", Two(), X, {"layers": ["coder"]}),
    (r"lstm: is in training mode with dropout=0.5 .* call module.eval\(\)", lstm(num_layers=2, dropout=0.5), X, {}),
    ("keep: 'gate' is no signal; there are input_gate", lstm(), X, {"keep": ["gate"]}),
    ("keep: these layers have no reset_gate; they have input_gate", lstm(), X, {"keep": ["reset_gate"]}),
    ("dtype='int8': must be 'float16' or 'float32'", lstm(), X, {"dtype": "int8"}),
    ("lengths: sequence 1 has length 5; it must be 1 to 4", lstm(), X, {"lengths": [4, 5]}),
    ("lengths: 1 are given, but the inputs have at least 2 sequences", lstm(), X, {"lengths": [4]}),
    ("lengths: given for 3 sequences, but the inputs have 2", lstm(), X, {"lengths": [4, 4, 4]}),
    ("label 'd': sequence 1 has 3 values but 4 steps", lstm(), X, {"labels": {"d": [[1, 2, 3, 4], [1, 2, 3]]}}),
    ("label 'd': given for 1 sequences", lstm(), X, {"labels": {"d": np.ones((1, 4))}}),
    (r"label 'd': shape \(1, 2, 4\)", lstm(), X, {"labels": {"d": np.ones((1, 2, 4))}}),
    ("symbols: sequence 0 has 2 values but 4 steps", lstm(), X, {"symbols": [["a", "b"], ["a", "b"]]}),
    ("split: sequence 1 has 'dev'; it must be train, validation, test", lstm(), X, {"split": ["train", "dev"]}),
    ("split: given for 1 sequences", lstm(), X, {"split": [0]}),
    ("labels: names alone", lstm(), X, {"labels": ["depth"]}),
    ("live: is for runs and models", lstm(), X, {"live": True}),
    ("inputs: empty", lstm(), [], {}),
    ("inputs: a int; give a tensor, a list of calls, or a loader", lstm(), 3, {}),
]


@pytest.mark.parametrize(("said", "module", "inputs", "options"), REFUSED, ids=[entry[0][:40] for entry in REFUSED])
def test_what_cannot_be_recorded_is_refused_by_name(said: str, module: nn.Module, inputs: Any, options: Any) -> None:
    with pytest.raises(OptionError, match=said):
        record(module, inputs, **options)
    assert not any(part._forward_hooks for part in module.modules())


def test_chosen_layers_of_a_module_are_recorded_alone() -> None:
    keys = (("decoder.0", "cell"), ("decoder.0", "hidden"))
    assert record(Two(), X, keep=("cell", "hidden"), layers=["decoder"]).keys() == keys
    assert record(lstm(num_layers=2, dropout=0.5).eval(), X).tokens == 8


@pytest.mark.parametrize("shape", ["padded", "ragged", "batches", "tensor"])
def test_labels_symbols_and_lengths_come_in_any_usual_shape(shape: str) -> None:
    lengths = [3, 4, 2]
    padded = np.arange(12).reshape(3, 4)
    ragged = [row[:n] for row, n in zip(padded, lengths, strict=True)]
    given: dict[str, Sequence[Any] | Any] = {
        "padded": padded, "ragged": ragged, "batches": [padded[:2], padded[2:]], "tensor": torch.from_numpy(padded),
    }  # fmt: skip
    by_batch: Any = [lengths[:2], torch.tensor(lengths[2:])] if shape == "batches" else torch.tensor(lengths)
    calls = [torch.zeros(2, 4, 5), torch.zeros(1, 4, 5)]
    names = tuple(f"s{n}" for n in range(12))
    recording = record(
        lstm(), calls, labels={"n": given[shape]}, lengths=by_batch, symbols=(given[shape], names),
        split=["train", 1, "test"],
    )  # fmt: skip
    assert recording.index.label("n").values.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert recording.index.symbol.tolist() == recording.index.label("n").values.tolist()
    assert recording.index.symbols == names
    assert recording.index.split.tolist() == [0] * 3 + [1] * 4 + [2] * 2


def test_sequences_that_occur_in_training_are_marked_as_seen() -> None:
    symbols = [["a", "b"], ["b", "a"], ["a", "b"], ["b", "b"]]
    recording = record(lstm(), torch.zeros(4, 2, 5), symbols=symbols, split=[0, 0, 2, 2])
    assert recording.index.symbols == ("a", "b")
    assert recording.index.seen.tolist() == [False] * 4 + [True] * 2 + [False] * 2


def test_a_loader_of_torch_is_a_list_of_calls() -> None:
    from torch.utils.data import DataLoader, TensorDataset

    x = torch.randn(10, 4, 5)
    layer = lstm()
    by_loader = record(layer, DataLoader(TensorDataset(x), batch_size=3), dtype="float32")
    seen: list[tuple[float, float]] = []
    whole = record(layer, x, dtype="float32", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]
    for key in whole.keys():
        np.testing.assert_allclose(by_loader[key][:], whole[key][:], atol=1e-6)


def test_recording_again_after_removal_needs_nothing_else(tmp_path: Path) -> None:
    layer = nn.LSTM(5, HIDDEN)
    Calls().record(layer, out=tmp_path / "r")
    shutil.rmtree(tmp_path / "r")
    assert Calls().record(layer, out=tmp_path / "r", keep=["cell"]).keys() == (("lstm.0", "cell"),)


def test_a_recording_of_format_1_is_read(tmp_path: Path) -> None:
    """Written by hand, as version 1 was: one symbol read, the next one told."""
    columns = {
        "sequence": np.array([0, 0, 0, 1, 1], np.int64),
        "position": np.array([0, 1, 2, 0, 1], np.int32),
        "symbol": np.array([0, 2, 1, 0, 1], np.int32),
        "split": np.array([0, 0, 0, 2, 2], np.int8),
        "seen": np.zeros(5, bool),
        "predicted": np.array([2, 1, 0, 1, 0], np.int32),
        "loss": np.array([0.5, 0.25, np.nan, 0.125, np.nan], np.float32),
        "label.depth": np.array([0, 1, 0, 0, 0], np.int32),
        "label.kind": np.array([-1, 0, 1, -1, 1], np.int32),
    }
    (tmp_path / "index").mkdir()
    (tmp_path / "shards" / "00000").mkdir(parents=True)
    for name, column in columns.items():
        np.save(tmp_path / "index" / f"{name}.npy", column)
    cell = np.arange(10, dtype=np.float16).reshape(5, 2)
    np.save(tmp_path / "shards" / "00000" / "lstm.0.cell.npy", cell)
    (tmp_path / "index" / "symbols.json").write_text('["ST", "ED", "("]')
    manifest = {
        "format": "naibu-recording", "version": 1, "finished": True, "tokens": 5, "dtype": "float16",
        "arrays": [{"layer": "lstm.0", "signal": "cell", "units": 2, "file": "lstm.0.cell.npy"}],
        "index": [{"column": n, "dtype": str(c.dtype), "file": f"{n}.npy"} for n, c in columns.items()],
        "labels": [{"label": "depth", "names": None}, {"label": "kind", "names": ["a", "b"]}],
        "shards": [{"folder": "00000", "start": 0, "stop": 5, "sequences": 2}], "clipped": {}, "made_from": "x",
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.warns(UserWarning, match="without checksums"):
        found = Recording.open(tmp_path)
    np.testing.assert_array_equal(found["lstm.0", "cell"][:], cell)
    assert (found.index.symbols, found.index.classes) == (("ST", "ED", "("),) * 2
    assert found.index.label_names == ("depth", "kind")
    assert found.index.label("kind").names == ("a", "b")
    np.testing.assert_array_equal(found.index.symbol, columns["symbol"])
    np.testing.assert_array_equal(found.index.gold, [2, 1, -1, 1, -1])
    np.testing.assert_array_equal(found.index.predicted, columns["predicted"])
    np.testing.assert_array_equal(found.index.loss, columns["loss"])
    assert found.index.input("symbol").names == found.index.symbols
    assert found.beside == {}
