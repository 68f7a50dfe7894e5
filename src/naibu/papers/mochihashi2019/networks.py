"""The networks of the study: the document's five types, how large they are and how long they learn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from naibu.config import DeviceName, ModelConfig, SoftmaxName, TrainingConfig
from naibu.models.output import FEWEST_FOR_ADAPTIVE

FORMS = {1: "brackets", 2: "tagged", 3: "brackets+words", 4: "tagged+words", 5: "words"}
"""The document's types of training data (section 3), and the form of a corpus that is each."""


@dataclass(frozen=True)
class Network:
    """One language model of the study."""

    type: int
    """1 to 5, as in the document."""
    units: int
    steps: int
    """Batches learnt from, so that a study repeats."""
    seed: int = 1
    dropout: float = 0.2
    batch_size: int = 16
    embedding_dropout: float | None = None
    softmax: SoftmaxName = "full"
    """For a vocabulary of words; adaptive gives the probabilities of rare words in two steps, four times as fast."""
    device: DeviceName = "cpu"
    halved: bool = False
    """Whether it is the other's half: trained with half its steps, to see what twice as many bring."""

    @property
    def form(self) -> str:
        """The form of the corpus that it learns."""
        return FORMS[self.type]

    @property
    def half(self) -> Network:
        """The same network with half as many steps, on a schedule of its own."""
        return replace(self, steps=max(1, self.steps // 2), halved=True)

    @property
    def name(self) -> str:
        """Form and units, and what differs from the study's usual: `brackets-100-seed2`, `words-1000-dropout0.5`."""
        dropout = "" if self.dropout == Network.dropout else f"-dropout{self.dropout:g}"
        half = "-half" if self.halved else ""
        return f"{self.form}-{self.units}{dropout}{'' if self.seed == 1 else f'-seed{self.seed}'}{half}"

    def configs(self, vocabulary: int) -> tuple[ModelConfig, TrainingConfig]:
        """Return the network's shape and its training, for so many symbols."""
        model = ModelConfig(
            units=self.units,
            dropout=self.dropout,
            embedding_dropout=self.embedding_dropout,
            softmax=self.softmax if vocabulary >= FEWEST_FOR_ADAPTIVE else "full",
        )
        training = TrainingConfig(
            steps=self.steps,
            seed=self.seed,
            batch_size=self.batch_size,
            threads=1 if self.device == "cpu" else 0,
            device=self.device,
        )
        return model, training


@dataclass(frozen=True)
class Size:
    """A version of the study: its networks, and how much of what they read is recorded."""

    name: str
    networks: tuple[Network, ...]
    train_tokens: int
    """Symbols of training sequences that are recorded, at most; probes are fitted on them."""
    test_tokens: int
    """Symbols of test sequences that are recorded and scored, at most."""
    held_tokens: int
    """The same under an intervention, where the network runs twenty times, for a vocabulary with words."""
    halved: bool = False
    """Whether each network is trained with half the steps too, so that it is known what more training decides."""

    def longer(self, times: int) -> Size:
        """Return the same with so many times the steps, under a name of its own."""
        networks = tuple(replace(network, steps=network.steps * times) for network in self.networks)
        return self if times == 1 else replace(self, name=f"{self.name}-longer{times}", networks=networks)

    def of(self, *types: int, seeds: bool = False) -> list[Network]:
        """Return the networks of some types in order, seed 1 or all seeds."""
        return [network for network in self.networks if network.type in types and (seeds or network.seed == 1)]

    def seeds(self) -> list[Network]:
        """Return the networks that differ in their seed only."""
        first = self.of(1)[0]
        return [n for n in self.networks if (n.type, n.units, n.dropout) == (1, first.units, first.dropout)]


def _brackets(units: int, steps: int, seed: int = 1) -> Network:
    """Return a network of type 1; of six symbols none is dropped when it is read, or depths could not be counted."""
    return Network(1, units, steps, seed=seed, embedding_dropout=0.0)


def _default() -> Iterator[Network]:
    for seed in range(1, 6):
        yield _brackets(100, 6_000, seed)
    yield _brackets(200, 6_000)
    yield Network(2, 100, 12_000)
    for seed in (1, 2, 3):  # a cell for phrases is not found in every training
        yield Network(2, 200, 12_000, seed)
    yield Network(2, 200, 12_000, dropout=0.5)
    yield Network(3, 300, 7_500, softmax="adaptive")
    for steps, dropout in ((7_500, 0.2), (12_000, 0.5)):
        for seed in (1, 2, 3):
            yield Network(4, 300, steps, seed, dropout, softmax="adaptive")
    yield Network(5, 300, 1_600, batch_size=64, softmax="adaptive")


def _quick() -> Iterator[Network]:
    """Yield networks of the default version, trained as long as there, of the types that read no words."""
    yield _brackets(100, 6_000)
    yield Network(2, 100, 12_000)


def _full() -> Iterator[Network]:
    """Yield the document's own settings: 1000 units with words, dropout .2 and .5."""
    for dropout in (0.2, 0.5):
        for seed in range(1, 6 if dropout == Network.dropout else 2):
            yield replace(_brackets(100, 6_000, seed), dropout=dropout, device="cuda")
        yield replace(_brackets(200, 6_000), dropout=dropout, device="cuda")
        for kind, units in ((2, 100), (2, 200), (3, 1000), (4, 1000)):
            yield Network(kind, units, 12_000, 1, dropout, batch_size=32, device="cuda")
        yield Network(5, 1000, 4_000, 1, dropout, batch_size=64, device="cuda")


DEFAULT = Size("default", tuple(_default()), 100_000, 150_000, 50_000)
QUICK = Size("quick", tuple(_quick()), 30_000, 30_000, 10_000, halved=True)
FULL = Size("full", tuple(_full()), 200_000, 300_000, 100_000)
