"""Which symbols a layer read; layers that read other steps; programs that call a module themselves."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import naibu
from naibu.errors import OptionError
from naibu.recording import Recording, record

SIZE, HIDDEN = 3, 4
IDS = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 8, 9, 0], [2, 4, 6, 8, 1]])


class Reader(nn.Module):
    """An embedding and a layer, with whatever is done to ids and vectors between them."""

    def __init__(
        self, ids: Callable[..., Any] = lambda x: x, vectors: Callable[[Tensor], Tensor] = lambda v: v
    ) -> None:
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(10, SIZE), nn.LSTM(SIZE, HIDDEN, batch_first=True)
        self.ids, self.vectors = ids, vectors

    def forward(self, *args: Tensor) -> Any:
        return self.rnn(self.vectors(self.embedding(self.ids(*args))))[0]


def picture_first(vectors: Tensor) -> Tensor:
    return torch.cat([torch.full((len(vectors), 1, SIZE), 0.5), vectors[:, :-1]], 1)


def rows(recording: Recording) -> list[list[int]]:
    return [recording.index.symbol[a:b].tolist() for a, b in pairwise(recording.index.starts)]


@pytest.mark.parametrize(
    ("module", "inputs", "right"),
    [
        (Reader(), IDS, IDS),
        (Reader(lambda x: torch.cat([x[:, :1] * 0, x[:, :-1]], 1)), IDS, torch.cat([IDS[:, :1] * 0, IDS[:, :-1]], 1)),
        (Reader(vectors=picture_first), IDS, torch.cat([IDS[:, :1] * 0 - 1, IDS[:, :-1]], 1)),
        (Reader(lambda x: x.flip(1)), IDS, IDS.flip(1)),
        (Reader(vectors=lambda v: v.flip(1)), IDS, IDS.flip(1)),
        (Reader(vectors=lambda v: v[[2, 0, 1]]), IDS, IDS[[2, 0, 1]]),
        (Reader(lambda mask, x: x), (IDS * 0 + 1, IDS), IDS),
        (Reader(lambda source, target: target), (IDS, IDS.flip(0)), IDS.flip(0)),
        (Reader(vectors=lambda v: 2 * v), IDS, IDS * 0 - 1),  # nobody can know
    ],
    ids=["plain", "shifted", "picture", "reversed", "reversed later", "moved", "mask", "two", "doubled"],
)
def test_symbols_are_those_that_the_layer_read_or_unknown(module: nn.Module, inputs: Any, right: Tensor) -> None:
    assert rows(record(module, inputs)) == right.tolist()


def test_symbols_are_known_beside_other_features_packed_and_in_a_loop_of_cells() -> None:
    class Wide(nn.Module):
        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind, self.embedding = kind, nn.Embedding(10, SIZE)
            self.rnn = nn.LSTMCell(SIZE, HIDDEN) if kind == "cell" else nn.LSTM(SIZE + (kind == "wide"), HIDDEN)

        def forward(self, ids: Tensor) -> Any:
            x = self.embedding(ids)  # [batch time size]
            if self.kind == "wide":
                return self.rnn(torch.cat([torch.ones(*ids.shape, 1), x], -1).transpose(0, 1))
            if self.kind == "packed":
                lengths = torch.tensor([2, 5, 3])
                return self.rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
            state = None
            for step in x.unbind(1):
                state = self.rnn(step, state)
            return state

    assert rows(record(Wide("wide"), IDS)) == IDS.tolist()
    assert rows(record(Wide("cell"), IDS)) == IDS.tolist()
    assert rows(record(Wide("packed"), IDS)) == [[1, 2], [6, 7, 8, 9, 0], [2, 4, 6]]


def padded_right(ids: Tensor) -> Tensor:
    return torch.stack([row.roll(-int((row == 0).sum())) for row in ids])


@pytest.mark.parametrize("ids", [lambda x: x[[2, 0, 1]], padded_right], ids=["sorted", "padded"])
def test_labels_of_sequences_that_the_module_moves_are_refused(ids: Callable[[Tensor], Tensor]) -> None:
    left_padded = torch.tensor([[0, 0, 6, 7, 8], [1, 2, 3, 4, 5], [0, 2, 4, 6, 8]])
    lengths = {"lengths": [3, 5, 4]} if ids(left_padded)[0, 0] == 6 else {}
    assert record(Reader(ids), left_padded, **lengths).tokens in (12, 15)
    with pytest.raises(OptionError, match="the module moves sequences or their steps"):
        record(Reader(ids), left_padded, labels={"n": np.zeros((3, 5))}, **lengths)


class Translator(nn.Module):
    """Reads one sequence and writes another."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, SIZE)
        self.encoder, self.decoder = nn.LSTM(SIZE, HIDDEN, 2), nn.LSTM(SIZE, HIDDEN, 2)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        _, state = self.encoder(self.words(source))
        output: Tensor = self.decoder(self.words(target), state)[0]
        return output


PAIRS = [(torch.randint(1, 10, (s, 2)), torch.randint(1, 10, (t, 2))) for s, t in ((7, 5), (4, 4), (3, 6))]


@pytest.mark.parametrize("streams", [None, {"encoder": "source"}])
@pytest.mark.parametrize("where", ["memory", "disk"])
def test_an_encoder_lies_beside_its_decoder(streams: dict[str, str] | None, where: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = Translator()
    pairs = PAIRS if streams else [PAIRS[0], PAIRS[2]]
    out = tmp_path / "r" if where == "disk" else None
    found = record(module, pairs, keep=("hidden",), streams=streams, dtype="float32", out=out)
    found = Recording.open(tmp_path / "r") if where == "disk" else found
    assert found.keys() == (("decoder.0", "hidden"), ("decoder.1", "hidden"))
    (name,) = found.beside
    beside = found.beside[name]
    assert name == ("source" if streams else "encoder")
    assert beside.keys() == (("encoder.0", "hidden"), ("encoder.1", "hidden"))
    assert (found.tokens, beside.tokens) == tuple(2 * sum(len(pair[k]) for pair in pairs) for k in (1, 0))
    assert rows(found) == [row for _, target in pairs for row in target.t().tolist()]
    assert rows(beside) == [row for source, _ in pairs for row in source.t().tolist()]
    with torch.no_grad():
        wanted = torch.cat([module(*pair).transpose(0, 1).flatten(0, 1) for pair in pairs])
        read = torch.cat([module.encoder(module.words(s))[0].transpose(0, 1).flatten(0, 1) for s, _ in pairs])
    np.testing.assert_allclose(found["decoder.1", "hidden"][:], wanted, atol=1e-6)
    np.testing.assert_allclose(beside["encoder.1", "hidden"][:], read, atol=1e-6)


def test_a_call_that_fits_no_stream_says_how_to_name_them() -> None:
    with pytest.raises(OptionError, match=r"taken for one stream; say which .* streams=\{'encoder': 'source'\}"):
        record(Translator(), [PAIRS[1], PAIRS[0]])


def test_layers_that_run_now_and_then_are_refused() -> None:
    class Sometimes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.GRU(SIZE, HIDDEN), nn.GRU(HIDDEN, HIDDEN)

        def forward(self, x: Tensor) -> Any:
            y = self.first(x)[0]
            return self.second(y) if len(x) > 3 else y

    calls = [torch.randn(5, 1, SIZE), torch.randn(2, 1, SIZE)]
    with pytest.raises(OptionError, match=r"second: ran in some calls .* choose layers=\['first'\]"):
        record(Sometimes(), calls)
    assert record(Sometimes(), calls, layers=["first"]).tokens == 7


class Package:
    """A program around a network, as packages are: strings in, an answer out."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        self.model = Translator().eval()

    def predict(self, text: str) -> list[int]:
        with torch.no_grad():
            source = torch.tensor([[ord(letter) % 10] for letter in text])
            word, answer = torch.tensor([[1]]), []
            _, state = self.model.encoder(self.model.words(source))
            for _ in range(3):  # letter by letter, the state handed on
                output, state = self.model.decoder(self.model.words(word), state)
                word = output.argmax(-1)
                answer.append(int(word))
        return answer


def test_a_program_is_recorded_as_it_runs() -> None:
    package, texts = Package(), ["a sentence", "another"]
    before = [package.predict(text) for text in texts]
    with naibu.listen(package.model, keep=("cell", "hidden")) as calls:
        assert [package.predict(text) for text in texts] == before
    assert package.predict(texts[0]) == before[0]
    found = calls.recording
    assert rows(found) == [[1, *answer[:-1]] for answer in before]
    beside = found.beside["encoder"]
    assert rows(beside) == [[ord(letter) % 10 for letter in text] for text in texts]
    with torch.no_grad():
        source = package.model.words(torch.tensor([[ord(letter) % 10] for letter in texts[1]]))
        wanted = package.model.encoder(source)[0][:, 0]
    np.testing.assert_allclose(beside["encoder.1", "hidden"][10:], wanted, atol=2e-3)  # float16
    assert calls.recording.tokens == found.tokens  # asked again, the same


def test_a_users_loop_of_cells_is_one_sequence_and_a_run_from_zero_another() -> None:
    torch.manual_seed(4)
    cell, x = nn.GRUCell(SIZE, HIDDEN), torch.randn(5, 2, SIZE)
    with torch.no_grad(), naibu.listen(cell, dtype="float32") as calls:
        for steps in (5, 3):
            state = None
            for row in x[:steps]:
                state = cell(row, state)
    found = calls.recording
    assert np.diff(found.index.starts).tolist() == [5, 5, 3, 3]
    key = ("grucell.0", "hidden")
    np.testing.assert_array_equal(found[key][0:3], found[key][10:13])
    layer = nn.GRU(SIZE, HIDDEN)
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    np.testing.assert_allclose(found[key][5:10], layer(x)[0][:, 1].detach(), atol=1e-6)


def test_training_goes_on_while_it_is_heard() -> None:
    torch.manual_seed(5)
    module, x = Reader(), IDS
    plain = torch.autograd.grad(module(x).square().sum(), list(module.parameters()))
    with naibu.listen(module) as calls:
        heard = torch.autograd.grad(module(x).square().sum(), list(module.parameters()))
    for one, other in zip(plain, heard, strict=True):
        torch.testing.assert_close(one, other)
    assert calls.recording.tokens == IDS.numel()


def test_nothing_heard_is_said() -> None:
    with naibu.listen(nn.LSTM(2, 3)) as calls:
        pass
    with pytest.raises(OptionError, match="nothing was heard: none of lstm ran"):
        _ = calls.recording
    with pytest.raises(OptionError, match="module: a Package; give the torch.nn.Module"), naibu.listen(Package()):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize("value", [2**31, 3_000_000_000, 2**32 + 7, -(2**40), 1e39])
@pytest.mark.parametrize("what", ["symbols", "labels"])
def test_numbers_that_32_bits_do_not_hold_are_refused(what: str, value: float) -> None:
    given: dict[str, Any] = {what: np.array([[value]]) if what == "symbols" else {"n": np.array([[value]])}}
    with pytest.raises(OptionError, match="cannot be kept"):
        record(nn.LSTM(2, 3), torch.zeros(1, 1, 2), **given)
    labels = {"n": np.array([value])} if what == "labels" else {}
    symbol = np.array([value]) if what == "symbols" else None
    with pytest.raises(OptionError, match="cannot be kept"):
        Recording.from_arrays({}, sequence=[0], labels=labels, symbol=symbol)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN, naibu.LSTM, naibu.GRU])
def test_a_batch_of_no_sequences_adds_no_rows(kind: Callable[..., nn.Module]) -> None:
    layer = kind(3, 4)
    found = record(layer, [torch.zeros(5, 2, 3), torch.zeros(5, 0, 3)])
    assert found.tokens == 10
    assert record(layer, torch.zeros(5, 0, 3)).tokens == 0


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("lengths: 2.5 is no number of steps", {"lengths": [5, 2.5, 3]}),
        ("label 'n': None; give", {"labels": {"n": None}}),
        ("label 'n': None among strings", {"labels": {"n": [["a", None, "b", "c", "d"]] * 3}}),
    ],
)
def test_what_nobody_means_is_refused(said: str, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=said):
        record(nn.LSTM(3, 4), torch.zeros(5, 3, 3), **options)
