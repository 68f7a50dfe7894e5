"""A training step of the whole language model, ours against the one that everybody would write."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.bench.limits import language_model_flops
from naibu.bench.peak import Peak
from naibu.bench.sizes import CellName, Row, Sizes, at_limit, with_progress
from naibu.config import ModelConfig, PrecisionName, TrainingConfig
from naibu.data.batch import Batch, Stream
from naibu.models.language_model import LanguageModel
from naibu.progress import Report, silent
from naibu.training.devices import device_of
from naibu.training.trainer import Trainer

SECONDS = 6.0
BATCHES = 4
RATE, CLIP = 1e-3, 1.0
LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Straightforward(nn.Module):
    """Embedding, torch's layer, output: a language model as a tutorial has it."""

    def __init__(self, vocabulary: int, embedding: int, hidden: int, cell: str, layers: int = 1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.layers = LAYERS[cell](embedding, hidden, layers)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, ids: Tensor) -> Tensor:
        """Return scores of the next symbol, `[time batch vocabulary]`, from `ids [time batch]`."""
        scores: Tensor = self.output(self.layers(self.embedding(ids))[0])
        return scores


def measure(sizes: Sizes, peak: Peak, progress: Report = silent) -> Iterator[Row]:
    """Yield a row for each cell (an LSTM unless others are asked for), size and vocabulary.

    A step is forward, the mean cross-entropy of the next symbol, backward to all parameters, clipping, Adam. Ours:
    `LanguageModel` and `Trainer.step`, as training uses them. Against it: `nn.Embedding`, torch's layer, `nn.Linear`,
    `functional.cross_entropy`, `clip_grad_norm_`, `torch.optim.Adam` with its defaults. The same sizes (vectors of
    symbols have as many numbers as a layer has units) and weights; no dropout, symbols drawn evenly. `ratio_to_torch`
    is its time over ours; `ratio_to_limit` as in `limits.py`: of the products that are really needed when symbols come
    in, at the speed of those in float32, so that ours in bfloat16 may pass it. `loss_error` is the difference of the
    first losses, over that of plain PyTorch. Raises OptionError for bfloat16 where the processor has no tiles for it.
    """
    device_of(TrainingConfig(precision=sizes.precision))
    jobs = itertools.product(sizes.of_hidden(), sizes.of_batch(), sizes.of_vocabulary(), sizes.cells or ("lstm",))
    for hidden, batch, vocabulary, cell in with_progress(jobs, lambda job: _cost(sizes, *job), progress):
        yield _row(sizes, peak, cell, hidden, batch, vocabulary)


def _cost(sizes: Sizes, hidden: int, batch: int, vocabulary: int, cell: str) -> float:
    steps = sizes.steps_of(hidden)
    flops = language_model_flops(
        cell, hidden, batch, steps, vocabulary=vocabulary, embedding=hidden, layers=sizes.layers
    )
    return SECONDS * (0.25 if sizes.quick else 1) + 12 * flops / 1e11


def _row(sizes: Sizes, peak: Peak, cell: CellName, hidden: int, batch: int, vocabulary: int) -> Row:
    torch.manual_seed(1)
    steps = sizes.steps_of(hidden)
    ours = LanguageModel(vocabulary, ModelConfig(cell, hidden, sizes.layers, hidden, dropout=0.0)).train()
    embedding = ours.embedding.embedding_dim
    theirs = Straightforward(vocabulary, embedding, hidden, cell, sizes.layers)
    theirs.load_state_dict(ours.state_dict())
    batches = [torch.randint(vocabulary, (steps + 1, batch)) for _ in range(BATCHES)]
    calls = {"naibu": our_step(ours, batches, sizes.precision), "torch": their_step(theirs, batches)}
    first = [calls[name]() for name in ("naibu", "torch")]
    error = abs(first[0] - first[1]) / first[1]
    assert error < (1e-3 if sizes.precision == "float32" else 1e-2), f"losses differ: {first}"
    found = sizes.rounds({**calls, "peak": peak.call}, SECONDS)
    flops = language_model_flops(
        cell, hidden, batch, steps, vocabulary=vocabulary, embedding=embedding, layers=sizes.layers
    )
    row: Row = {"cell": cell, "hidden": hidden, "batch": batch, "steps": steps, "vocabulary": vocabulary}
    return row | {
        "mode": "training",
        "layers": sizes.layers,
        "precision": sizes.precision,
        "loss_error": error,
        "ratio_to_torch": found.ratio("naibu", "torch"),
        "ratio_to_limit": at_limit(found, peak, "naibu", flops),
        "load": found.load,
        "ms": 1000 * found.seconds["naibu"],
        "torch_ms": 1000 * found.seconds["torch"],
        "torch_to_limit": at_limit(found, peak, "torch", flops),
        "spread": found.spread["naibu"],
        "embedding": embedding,
        "gflops": peak.flops / found.seconds["peak"] / 1e9,
        "threads": torch.get_num_threads(),
    }


def our_step(model: LanguageModel, batches: list[Tensor], precision: PrecisionName = "float32") -> Callable[[], float]:
    """Return the call that takes one training step on the next batch, `[time+1 batch]`, and gives its mean loss."""
    trainer = Trainer(model, TrainingConfig(clip=CLIP, precision=precision))
    lengths = torch.full(batches[0].shape[1:], len(batches[0]) - 1)
    following = itertools.cycle([Batch({"input": Stream(ids[:-1], lengths)}, ids[1:]) for ids in batches])
    return lambda: trainer.step(next(following), 0, RATE).mean


def their_step(model: Straightforward, batches: list[Tensor]) -> Callable[[], float]:
    """Return the same of the straightforward model."""
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    following = itertools.cycle(batches)

    def step() -> float:
        ids = next(following)
        loss = functional.cross_entropy(model(ids[:-1]).flatten(0, 1), ids[1:].flatten())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        return loss.item()

    return step
