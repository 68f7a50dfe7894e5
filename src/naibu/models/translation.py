"""The network that translates: it reads a source whole, and tells the target symbol by symbol, attending to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from naibu.cells.dropout import locked_dropout
from naibu.cells.edits import later
from naibu.cells.layers import Recurrent
from naibu.config import TranslationConfig
from naibu.config.translation import EMBEDDING, UNITS
from naibu.data.batch import Batch, Stream
from naibu.data.parallel import END, UNKNOWN
from naibu.errors import OptionError
from naibu.models.dropout import dropout
from naibu.models.model import Loss, Model, Outcomes, categorical
from naibu.models.output import AdaptiveSoftmax, FullSoftmax, TiedAdaptiveSoftmax
from naibu.models.parts.attention import Attention, Memory
from naibu.models.parts.encoder import State, decoder_of, encode, encoder_of


class Told(NamedTuple):
    """What a decoder makes of some symbols."""

    hidden: Tensor  # what the output layer reads, [batch time embedding]
    weights: Tensor  # of attention, [batch time source]
    state: State
    fed: Tensor | None = None  # what was attended to last, [batch embedding], where the decoder reads it

    def carried(self) -> Any:
        """Return what the next piece of the targets goes on from, tensors `[layer batch ...]`."""
        return (self.state,) if self.fed is None else (self.state, self.fed[None])


class Place(NamedTuple):
    """Where some translations are, side by side: what is needed to tell the next symbol of each."""

    whole: Memory  # of all sources that were begun with, each once: [sentence source hidden]
    memory: Memory  # of those that translations are still written of
    sentence: Tensor  # int64 [row]: which of all sources a translation is of
    seat: Tensor  # int64 [row 2]: which of those in `memory`, and the how manieth translation of it
    state: State  # of the decoder
    fed: Tensor | None  # what was attended to last, [row embedding], zeros before the first, where the decoder reads it
    weights: Tensor | None  # of attention at the last step, [row source]; None before the first


class TranslationModel(Model):
    """An encoder, attention, and a decoder that tells p(next symbol | symbols before, source).

    `sources` and `targets` are numbers of symbols. The encoder's state after the last symbol is the state with which
    the decoder begins, layer by layer, as it is, the two directions of a layer side by side (the bridge is a copy, so
    that both have as many layers and units). What attention finds, c, and the decoder's output h become h' = tanh(W [h;
    c]), of which the output layer makes probabilities: attention comes after the layers, so that they read a whole
    target in one pass; or, with `input_feeding`, h' is read with the next symbol too (Luong, Pham & Manning 2015).

    Parameters: `source.weight`, `target.weight`, `encoder.*`, `decoder.*` with torch's names, `attention.*`,
    `mix.*`, `output.*`; tied, the output's weight is the target's. Vectors of symbols are read scaled up, as in
    `TextModel`.
    """

    reads: ClassVar[Mapping[str, str]] = {"encoder": "source"}
    attends: ClassVar[Mapping[str, str]] = {"attention": "source"}

    def __init__(self, sources: int, targets: int, config: TranslationConfig) -> None:
        super().__init__()
        units = config.units or UNITS
        config = replace(config, units=units, embedding=config.embedding or min(units, EMBEDDING))
        if config.shared_vectors and sources != targets:
            raise OptionError("--shared-vectors: both sides have one vocabulary then; these have two")
        self.config, size = config, config.embedding
        self.scale = config.vector_scale
        self.source = nn.Embedding(sources, size)
        self.target = self.source if config.shared_vectors else nn.Embedding(targets, size)
        self.encoder = encoder_of(size, config)
        self.decoder = decoder_of(size + (size if config.input_feeding else 0), config)
        for layer in self.modules():
            if isinstance(layer, Recurrent):
                layer.locked = config.locked
        self.attention = Attention(units, config.attention)
        self.mix = nn.Linear(2 * units, size)
        self.output: FullSoftmax | AdaptiveSoftmax | TiedAdaptiveSoftmax
        if config.softmax != "adaptive":
            self.output = FullSoftmax(size, targets)
        elif config.tied:
            self.output = TiedAdaptiveSoftmax(self.target.weight, config.cutoffs)
        else:
            self.output = AdaptiveSoftmax(size, targets, config.cutoffs)
        for table in dict.fromkeys((self.source, self.target)):
            nn.init.normal_(table.weight, std=size**-0.5)
        if config.tied:
            self.output.weight = self.target.weight
            if isinstance(self.output, FullSoftmax):
                nn.init.zeros_(self.output.bias)

    def encode(self, source: Stream) -> tuple[Memory, State]:
        """Return what attention reads of sources, and the state with which the decoder begins."""
        x = self._drop(self.source(source.x) * self.scale, self.config.input_dropout)
        output, state, ragged = encode(self.encoder, x, source.lengths)
        values = self._drop(output, self.config.dropout).transpose(0, 1)
        return self.attention.memory(values, source.lengths if ragged else None), state

    def decode(self, ids: Tensor, memory: Memory, state: State, fed: Tensor | None = None) -> Told:
        """Return what the output layer reads after each of `ids [time batch]`, from a state of the decoder."""
        if self.training and self.config.symbol_dropout:
            drawn = torch.rand(ids.shape, device=ids.device) < self.config.symbol_dropout
            ids = ids.masked_fill(drawn & (ids > END), UNKNOWN)
        x = self._drop(self.target(ids) * self.scale, self.config.input_dropout)
        if not self.config.input_feeding:
            return self._decode(x, memory, state)
        fed = x.new_zeros(x.shape[1:]) if fed is None else fed
        parts = []
        layers = [part for part in self.decoder.modules() if isinstance(part, Recurrent)]
        for number, step in enumerate(x):
            with later((*layers, self.attention), number):
                told = self._decode(torch.cat((step, fed), -1)[None], memory, state)
            state, fed = told.state, told.hidden[:, 0]
            parts.append(told)
        hidden, weights = (torch.cat([getattr(part, name) for part in parts], 1) for name in ("hidden", "weights"))
        return Told(hidden, weights, state, fed)

    def _decode(self, x: Tensor, memory: Memory, state: State) -> Told:
        output, after = self.decoder(x, self._given(state))
        h = self._drop(output, self.config.dropout).transpose(0, 1)
        found, weights = self.attention(h, memory)
        hidden = torch.tanh(self.mix(torch.cat((h, found), -1)))
        hidden = self._drop(hidden.transpose(0, 1), self.config.dropout).transpose(0, 1)
        return Told(hidden, weights, _parts(after))

    def _read(self, batch: Batch, state: Any) -> Told:
        """Return what the output layer reads of a batch, from the state that the piece of the targets before left."""
        memory, begin = self.encode(batch.streams["source"])
        if state is None:
            return self.decode(batch.main.x, memory, begin)
        return self.decode(batch.main.x, memory, tuple(state[0]), state[1][0] if len(state) > 1 else None)

    def loss(self, batch: Batch, state: Any = None) -> Loss:
        """Return the cross-entropy of the target's symbols, and in training what label smoothing adds."""
        told = self._read(batch, state)
        hidden, target = told.hidden, batch.target.t()
        count, smoothing = int((target >= 0).sum()), self.config.label_smoothing
        penalty = None
        if self.training and smoothing:
            assert not isinstance(self.output, AdaptiveSoftmax)
            penalty = smoothing / max(1, count) * self.output.smoothing(hidden, target)
        return Loss(self.output.loss(hidden, target, "mean"), count, told.carried(), penalty)

    def outcomes(self, batch: Batch, state: Any = None) -> tuple[Outcomes, Any]:
        """Return `loss`, `gold` and `predicted` of the target's next symbol at every step, after the true ones."""
        told = self._read(batch, state)
        hidden, symbols = told.hidden.transpose(0, 1), self.target.num_embeddings
        return categorical(hidden, batch.target, self.output.scores, symbols), told.carried()

    @torch.no_grad()
    def begin(self, batch: Batch) -> Place:
        """Return the place before the first symbol of a translation of each source of a batch."""
        memory, state = self.encode(batch.streams["source"])
        sentence = torch.arange(len(memory.values), device=memory.values.device)
        seat = torch.stack((sentence, torch.zeros_like(sentence)), 1)
        fed = self.target.weight.new_zeros(len(sentence), self.config.embedding) if self.config.input_feeding else None
        return Place(memory, memory, sentence, seat, state, fed, None)

    @torch.no_grad()
    def step(self, last: Tensor, place: Place) -> tuple[Tensor, Place]:
        """Return ln p of the next symbol of each translation, `[row vocabulary]`, and the place after its `last [row]`,
        the end of a sentence where it has none yet."""
        x = self.target(last) * self.scale
        if place.fed is not None:
            x = torch.cat((x, place.fed), -1)
        output, state = self.decoder(x[None], self._given(place.state))
        found, weights = self._attend(output[0], place)
        hidden = torch.tanh(self.mix(torch.cat((output[0], found), -1)))
        fed = hidden if self.config.input_feeding else None
        scores = self.output.scores(hidden)
        log_p = (scores.float() if scores.dtype == torch.bfloat16 else scores).log_softmax(-1)
        return log_p, place._replace(state=_parts(state), fed=fed, weights=weights)

    def _attend(self, h: Tensor, place: Place) -> tuple[Tensor, Tensor]:
        """Return what the translations `h [row hidden]` find in their sources, and the weights `[row source]`; those of
        one source are compared with it at once."""
        source, number = place.seat.unbind(1)
        width = int(number.max()) + 1 if len(number) else 1
        queries = h.new_zeros(len(place.memory.values), width, h.shape[1])
        queries[source, number] = h
        found, weights = self.attention(queries, place.memory)
        return found[source, number], weights[source, number]

    @torch.no_grad()
    def pick(self, place: Place, rows: Tensor) -> Place:
        """Return the place of chosen translations, int64 `rows [row]`, which may come several times."""
        return self.join([(place, rows)])

    @torch.no_grad()
    def join(self, parts: Sequence[tuple[Place, Tensor]]) -> Place:
        """Return the place of chosen translations of several places, one after the other; all come from one `begin`.

        What is kept of sources is copied only where less than half of them are left.
        """
        first = parts[0][0]
        sentence = torch.cat([place.sentence.index_select(0, rows) for place, rows in parts])
        state = tuple(
            torch.cat([place.state[k].index_select(1, rows) for place, rows in parts], 1)
            for k in range(len(first.state))
        )
        fed, weights = (
            None
            if any(getattr(place, name) is None for place, _ in parts)
            else torch.cat([getattr(place, name).index_select(0, rows) for place, rows in parts])
            for name in ("fed", "weights")
        )
        there, source = torch.unique(sentence, return_inverse=True)
        kept = first.memory if len(parts) == 1 else first.whole
        if 2 * len(there) <= len(kept.values):
            kept = first.whole.pick(there)
        elif len(kept.values) == len(first.whole.values):
            kept, source = first.whole, sentence
        else:
            old = first.seat[:, 0].new_zeros(len(first.whole.values))
            old[first.sentence] = first.seat[:, 0]
            source = old[sentence]
        seat = torch.stack((source, _occurrence(source)), 1)
        return Place(first.whole, kept, sentence, seat, state, fed, weights)

    def _given(self, state: State) -> Any:
        """Return a state as the decoder takes it."""
        return state[0] if len(state) == 1 and isinstance(self.decoder, Recurrent) else state

    def _drop(self, x: Tensor, rate: float) -> Tensor:
        """Return `x [time batch ...]` with dropout in training."""
        return locked_dropout(x, rate, self.training) if self.config.locked else dropout(x, rate, self.training)


def _parts(state: Any) -> State:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def _occurrence(values: Tensor) -> Tensor:
    """Return how often each value came before in `values [row]`."""
    order = values.argsort(stable=True)
    found = values[order]
    counted = torch.arange(len(values), device=values.device) - torch.searchsorted(found, found)
    return torch.empty_like(counted).index_copy(0, order, counted)
