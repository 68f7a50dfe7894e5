"""The tagger: words and their letters in, a tag of each word out, read from both sides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from naibu.config import TagsConfig
from naibu.config.tags import UNITS, WORDS
from naibu.data.batch import Batch
from naibu.models.dropout import dropout
from naibu.models.language_model import recurrent
from naibu.models.model import Loss, Model, Outcomes
from naibu.models.parts.crf import CRF
from naibu.models.parts.span_tags import allowed, span_columns

TOLD = ("letters", "tags", "kinds")
"""Sizes that are not those of a table of vectors."""


class Tagger(Model):
    """Vectors of words and of what is read beside them, letters read from both sides, layers in both directions over
    the sentence, and on top a conditional random field or a softmax.

    `sizes` are those of `TagCoder.sizes`; a batch is read as `Tagged.batch` makes it. Parameters: `vectors.NAME.weight`
    for each table, `letters.embedding.weight` and `letters.layers.*`, `encoder.*` with torch's names, `output.weight`,
    `output.bias`, `crf.pairs`, `crf.first`, `crf.last`. Recorded are the signals of `encoder.K`, the state after a word
    was read from the left, and of `encoder.K.reverse`, after it was read from the right.

    Source: Lample et al. 2016 (letters by a layer in both directions, a conditional random field on top).
    """

    reads = {"letters": None}  # noqa: RUF012
    whole = True

    def __init__(self, sizes: Mapping[str, int], config: TagsConfig) -> None:
        super().__init__()
        config = replace(config, units=config.units or UNITS, embedding=config.embedding or WORDS)
        self.config, self.tags, self.kinds = config, sizes["tags"], sizes.get("kinds", 0)
        tables = {name: size for name, size in sizes.items() if name not in TOLD}
        self.vectors = nn.ModuleDict(
            {
                name: nn.Embedding(size, config.embedding if name == "words" else _beside(size, config.beside))
                for name, size in tables.items()
            }
        )
        width = sum(vectors.embedding_dim for vectors in self.vectors.values())  # type: ignore[misc]
        self.letters = None
        if "letters" in sizes and config.letters:
            self.letters = Letters(sizes["letters"], config)
            width += 2 * config.letters
        self.encoder = recurrent(width, replace(config, units=2 * config.units), bidirectional=True)
        self.output = nn.Linear(2 * config.units, self.tags)
        self.crf = CRF(allowed(self.tags, self.kinds), learned=config.decode == "crf")

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores of tags, float32 `[time batch tag]`, of `x [time batch column]`; zeros behind the ends."""
        packed = pack_padded_sequence(x, lengths.cpu(), enforce_sorted=False)
        read = dropout(self._read(packed.data), self.config.input_dropout, self.training)
        hidden = self.encoder(packed._replace(data=read))[0].data
        scores = self.output(dropout(hidden, self.config.dropout, self.training)).float()
        padded: Tensor = pad_packed_sequence(packed._replace(data=scores), total_length=len(x))[0]
        return padded

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return -ln p(tags) of a batch, a tag; with a softmax the cross-entropy."""
        scores, count = self(*batch.main), int(batch.predicted.sum())
        if self.config.decode == "crf":
            total = self.crf.loss(scores, batch.target, batch.main.lengths)
        else:
            total = functional.cross_entropy(
                scores.flatten(0, 1), batch.target.flatten(), ignore_index=-1, reduction="sum"
            )
        return Loss(total / max(1, count), count, None)

    @torch.no_grad()
    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return `loss`, `gold` and `predicted` of every word; of spans `span_gold`, `span_told` and `span_right`.

        The loss of a field is what a tag costs once those before it are known. Predicted is the best allowed path.
        """
        scores, lengths, target = self(*batch.main), batch.main.lengths, batch.target
        if self.config.decode == "crf":
            loss = self.crf.losses(scores, target, lengths)
        else:
            nats = functional.cross_entropy(scores.transpose(1, 2), target, ignore_index=-1, reduction="none")
            loss = nats.masked_fill(target < 0, torch.nan)
            scores = scores.log_softmax(-1)
        told = self.crf.decode(scores, lengths)
        spans = span_columns(target, told, self.tags, self.kinds) if self.kinds else {}
        return {"loss": loss, "gold": target, "predicted": told, **spans}, None

    def _read(self, rows: Tensor) -> Tensor:
        """Return what the layers read, `[token input]`, of `rows [token column]`."""
        found = list[Tensor]()
        for column, (name, vectors) in enumerate(self.vectors.items(), 1):
            ids = rows[:, column]
            if name == "words" and self.training and self.config.word_dropout:
                ids = ids.masked_fill(torch.rand(len(ids), device=ids.device) < self.config.word_dropout, 0)
            found.append(vectors(ids))
        if self.letters is not None:  # each different word of the batch is spelt once
            different, which = torch.unique(rows[:, 0], return_inverse=True)
            place = torch.empty_like(different).scatter_(0, which, torch.arange(len(rows), device=rows.device))
            spelt = rows[place, 1 + len(self.vectors) :]
            found.append(functional.embedding(which, self.letters(spelt)))
        return torch.cat(found, -1)


class Letters(nn.Module):
    """A layer in both directions over the letters of a word; what is told is its state after the last letter and,
    from the right, after the first."""

    def __init__(self, letters: int, config: TagsConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(letters, config.letter_embedding)
        alone = replace(config, units=2 * config.letters, layers=1, dropout=0.0)
        self.layers = recurrent(config.letter_embedding, alone, bidirectional=True)

    def forward(self, spelt: Tensor) -> Tensor:
        """Return `[word 2*units]` of the letters of words, int64 `[word letter]`, 0 behind the end of each."""
        lengths = (spelt > 0).sum(1).clamp_min(1)
        packed = pack_padded_sequence(spelt.t(), lengths.cpu(), enforce_sorted=False)
        state = self.layers(packed._replace(data=self.embedding(packed.data)))[1]
        hidden: Tensor = state[0] if isinstance(state, tuple) else state
        return torch.cat([hidden[0], hidden[1]], -1)


def _beside(size: int, most: int) -> int:
    """Return how many numbers a vector of one of so many has: a multiple of 8 that grows with their root."""
    return min(most, 8 * math.ceil(0.2 * math.pow(size, 0.56)))
