"""The tagger that everybody would write: the same network in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from naibu.config import TagsConfig
from naibu.data.batch import Batch
from naibu.models.parts.crf import CRF
from naibu.models.tagger import Tagger

FORBIDDEN = -1e4
"""The score of what is forbidden."""


class Letters(nn.Module):
    """`nn.LSTM` in both directions over the letters of each word."""

    def __init__(self, letters: int, config: TagsConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(letters, config.letter_embedding)
        self.layers = nn.LSTM(config.letter_embedding, config.letters, bidirectional=True)

    def forward(self, spelt: Tensor) -> Tensor:
        """Return the last states of both directions, `[word 2*units]`, of letters `[word letter]`."""
        lengths = (spelt > 0).sum(1)
        packed = pack_padded_sequence(self.embedding(spelt.t()), lengths, enforce_sorted=False)
        _, (hidden, _) = self.layers(packed)
        return torch.cat([hidden[0], hidden[1]], -1)


class Field(nn.Module):
    """A conditional random field of `torch.logsumexp`, one step after the other."""

    may_follow: Tensor
    may_begin: Tensor
    may_end: Tensor

    def __init__(self, ours: CRF) -> None:
        super().__init__()
        self.pairs = nn.Parameter(torch.zeros_like(ours.pairs))
        self.first = nn.Parameter(torch.zeros_like(ours.first))
        self.last = nn.Parameter(torch.zeros_like(ours.last))
        for name in ("may_follow", "may_begin", "may_end"):
            self.register_buffer(name, getattr(ours, name), persistent=False)

    def forward(self, scores: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        """Return the mean -ln p of a tag, `scores [time batch tag]`."""
        pairs = self.pairs.masked_fill(~self.may_follow, FORBIDDEN)
        first = self.first.masked_fill(~self.may_begin, FORBIDDEN)
        last = self.last.masked_fill(~self.may_end, FORBIDDEN)
        there, tags = target >= 0, target.clamp_min(0)
        right = (scores.gather(2, tags[..., None])[..., 0] * there).sum()
        right = right + (pairs[tags[:-1], tags[1:]] * there[1:]).sum()
        right = right + first[tags[0]].sum() + last[tags.gather(0, lengths[None] - 1)[0]].sum()
        alpha = first + scores[0]
        for step in range(1, len(scores)):
            after = torch.logsumexp(alpha[:, :, None] + pairs, 1) + scores[step]
            alpha = torch.where(there[step][:, None], after, alpha)
        return (torch.logsumexp(alpha + last, 1).sum() - right) / there.sum()


class PlainTagger(nn.Module):
    """Embeddings, letters, `nn.LSTM` in both directions, `nn.Linear`, and a conditional random field or a softmax;
    parameters go by the names of those of `Tagger`, whose sizes it has.

    tables: the columns of a batch that are read, all by default.
    """

    def __init__(self, ours: Tagger, tables: tuple[str, ...] | None = None) -> None:
        super().__init__()
        self.config, config = ours.config, ours.config
        self.columns = {name: k for k, name in enumerate(ours.vectors, 1) if tables is None or name in tables}
        self.first_letter = 1 + len(ours.vectors)
        theirs = {name: part for name, part in ours.vectors.items() if name in self.columns}
        sizes = {name: weight.shape for name, part in theirs.items() for weight in part.parameters()}
        self.vectors = nn.ModuleDict({name: nn.Embedding(*size) for name, size in sizes.items()})
        assert ours.letters is not None
        self.letters = Letters(ours.letters.embedding.num_embeddings, config)
        width = sum(size[1] for size in sizes.values()) + 2 * config.letters
        between = config.dropout if config.layers > 1 else 0.0
        self.encoder = nn.LSTM(width, config.units, config.layers, bidirectional=True, dropout=between)
        self.output, self.drop = nn.Linear(2 * config.units, ours.tags), nn.Dropout(config.dropout)
        self.crf = Field(ours.crf)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores of tags, `[time batch tag]`."""
        found = []
        for name, column in self.columns.items():
            ids = x[..., column]
            if name == "words" and self.training and self.config.word_dropout:
                ids = ids.masked_fill(torch.rand(ids.shape) < self.config.word_dropout, 0)
            found.append(self.vectors[name](ids))
        there = torch.arange(len(x))[:, None] < lengths
        different, which = x[..., 0].unique(return_inverse=True)  # type: ignore[no-untyped-call]
        spelt = torch.ones(len(different), x.shape[-1] - self.first_letter, dtype=torch.int64)
        spelt[which[there]] = x[there][:, self.first_letter :]
        found.append(self.letters(spelt)[which])
        packed = pack_padded_sequence(self.drop(torch.cat(found, -1)), lengths, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.encoder(packed)[0], total_length=len(x))
        scores: Tensor = self.output(self.drop(hidden))
        return scores

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean -ln p of a tag."""
        scores, lengths, target = self(*batch.main), batch.main.lengths, batch.target
        if self.config.decode == "softmax":
            return nn.functional.cross_entropy(scores.flatten(0, 1), target.flatten(), ignore_index=-1)
        loss: Tensor = self.crf(scores, target, lengths)
        return loss
