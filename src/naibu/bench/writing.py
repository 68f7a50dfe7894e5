"""How fast a network of characters writes, against a loop in PyTorch as everybody would write it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from naibu.bench.rounds import interleaved
from naibu.config import TextConfig
from naibu.data.levels import Characters
from naibu.data.text_coder import TextCoder
from naibu.data.vocabulary import Vocabulary
from naibu.generation.sampling import Sampling
from naibu.generation.text import Writer
from naibu.models.text_model import TextModel
from naibu.training.threads import threads

UNITS, LENGTH = 512, 300
LETTERS = "\n" + "".join(map(chr, range(32, 127)))


def measure() -> list[dict[str, Any]]:
    """Return a row for one sample and for 16 side by side: characters a second in all, of one LSTM of 512 units on one
    thread, and `ratio_to_torch`, how many times those of a loop of `nn.LSTM`, `nn.Linear`, softmax and multinomial."""
    with threads(1):
        return [_row(count) for count in (1, 16)]


def _row(count: int) -> dict[str, Any]:
    coder = TextCoder(Vocabulary(("<unk>", *LETTERS)), Characters(), 1000)
    model = TextModel(len(coder.vocabulary), TextConfig(units=UNITS))
    writer = Writer(model, coder, sampling=Sampling(), length=LENGTH, count=count)
    size = model.embedding.embedding_dim
    embedding, layer, output = nn.Embedding(len(LETTERS) + 1, size), nn.LSTM(size, UNITS), nn.Linear(UNITS, 97)

    @torch.no_grad()
    def plain() -> None:
        ids, state, written = torch.zeros(1, count, dtype=torch.int64), None, list[Any]()
        for _ in range(LENGTH):
            hidden, state = layer(embedding(ids), state)
            p = torch.softmax(output(hidden[-1]), -1)
            ids = torch.multinomial(p, 1).T
            written.append(ids[0].tolist())

    def ours() -> None:
        for _ in writer.write():
            pass

    found = interleaved({"ours": ours, "plain": plain}, rounds=7)
    rate = {name: count * LENGTH / seconds for name, seconds in found.seconds.items()}
    row = {"units": UNITS, "samples": count, "characters_per_second": rate["ours"]}
    return {**row, "ratio_to_torch": found.ratio("ours", "plain"), "load": found.load}
