"""The task `formal`: words of a formal language, and what is to be answered of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.config import DecayName, FormalConfig, ModelConfig, TrainingConfig
from naibu.data.examples import Array, Data, Examples
from naibu.data.formal.catalogue import language_named
from naibu.data.formal.examples import FormalExamples
from naibu.data.formal.opening import FormalData, open_formal, parted, scored
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError
from naibu.tasks.task import Measure, Task, Trained, loss_measure

if TYPE_CHECKING:
    from naibu.data.formal.order import ByWordLength
    from naibu.models.answerer import Answerer
    from naibu.progress import Report

UNITS = 128
"""Units where nothing is asked for."""


@dataclass(frozen=True)
class FormalOptions:
    """The formal language to learn."""

    language: str
    """The language: parity, reverse-string, bucket-sort ...; docs/formal.md has them all."""
    _: KW_ONLY
    lengths: str = "1:40"
    """Lengths of the words that are learnt, FROM:TO; each with the same chance."""
    test_lengths: str | None = None
    """Lengths of the test part; when not given from one more than these to twelve and a half times the longest."""
    per_length: int = 4
    """Words of each length in the test part."""
    split_seed: int = 1
    """Seed of the words."""

    def __post_init__(self) -> None:
        parted(self.lengths, "--lengths")
        if self.test_lengths is not None:
            parted(self.test_lengths, "--test-lengths")


@dataclass(frozen=True)
class FormalTraining(TrainingConfig):
    """How a network learns a formal language, as suits it."""

    batch_size: int = 64
    """Words in a batch, at most, all of one length."""
    decay: DecayName = "cosine"
    """How the learning rate falls: linear or cosine to a fiftieth at the last step; one-cycle, which rises over three
    tenths of the steps in place of --warmup, to a thousandth; none; or plateau, to a quarter after each validation that
    is not the best so far."""
    patience: int = 0
    """Validations without a better loss after which training stops; 0 never stops."""


@dataclass(frozen=True)
class FormalEvaluation:
    """Which words of a formal language are scored."""

    lengths: str | None = None
    """Lengths of words of a formal language that are scored, FROM:TO or FROM:TO:BY, drawn anew; else those of the
    part."""
    words: int = 32
    """Words of each of these lengths."""

    def __post_init__(self) -> None:
        if self.lengths is not None:
            parted(self.lengths, "--lengths")
        if self.words < 1:
            raise OptionError(f"--words {self.words}: must be at least 1")


class Formal(Task):
    """Words of a formal language with their answers."""

    name = "formal"
    about = "asked for the answer to a word of a formal language"
    options = FormalOptions
    model = FormalConfig
    training = FormalTraining
    evaluation = FormalEvaluation
    examples = ("parity --lengths 1:40 --minutes 2", "reverse-string --cell stack-rnn --units 64")

    def each(self, options: FormalOptions) -> dict[str, Any]:
        """Return the options, by the name of the language."""
        return {options.language: options}

    def open(self, options: FormalOptions) -> FormalData:
        """Return a language in three parts; see `open_formal`."""
        return open_formal(
            options.language,
            lengths=options.lengths,
            test_lengths=options.test_lengths,
            per_length=options.per_length,
            seed=options.split_seed,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with units."""
        return super().configured(data, replace(model, units=model.units or UNITS), training)

    def build(self, sizes: Mapping[str, int], config: FormalConfig) -> Answerer:
        """Return a network that answers."""
        from naibu.models.answerer import Answerer

        return Answerer(sizes["input"], sizes["answers"], config)

    def order(self, examples: Examples, config: TrainingConfig) -> ByWordLength:
        """Return words of one length side by side."""
        from naibu.data.formal.order import ByWordLength

        assert isinstance(examples, FormalExamples)
        return ByWordLength(examples, config.batch_size)

    def symbols(self, folder: Path) -> tuple[str, ...]:
        """Return the symbols of a run."""
        return Vocabulary.load(folder / "vocabulary.txt").symbols

    def typed(self, text: str, options: Mapping[str, Any], folder: Path, found: Mapping[str, Any]) -> FormalExamples:
        """Return a word that somebody typed, symbols with blanks between or, where each is one character, without."""
        from naibu.data.formal.typed import typed_word

        return typed_word(language_named(options["language"]), text)

    def judged(self, data: Data) -> int:
        """Return the steps of the whole validation part, for its words stand there by length."""
        return int(data.validation.lengths.sum())

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return the loss of a symbol, and the share of the symbols of an answer that are right, every answer alike."""
        return loss_measure(), Measure("accuracy", "accuracy", "more", True, _accuracy)

    def scored(self, trained: Trained, examples: Examples, asked: FormalEvaluation) -> Examples:
        """Return the part, or words of the lengths asked for, drawn with the seed of the run's words."""
        if asked.lengths is None:
            return examples
        language = language_named(trained.options["language"])
        return scored(language, asked.lengths, asked.words, trained.options["split_seed"])

    def evaluated(
        self, trained: Trained, examples: Examples, asked: FormalEvaluation, progress: Report
    ) -> dict[str, Any]:
        """Return `by_length`, the accuracy of words of each length, and the share of answers that are right as a
        whole."""
        assert isinstance(examples, FormalExamples)
        right = shares_right(trained.model, examples, progress)
        lengths = examples.word_lengths
        by_length = {int(length): float(right[lengths == length].mean()) for length in np.unique(lengths)}
        return {"whole_answers": float((right > 1 - 1e-6).mean()), "by_length": by_length}

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return scores as they are printed, lengths in ten rows at most."""
        rows, by_length = super().told(scores), scores.get("by_length", {})
        lengths = np.array(sorted(by_length))
        for part in np.array_split(lengths, min(10, len(lengths))) if len(lengths) else ():
            named = f"{part[0]}" if len(part) == 1 else f"{part[0]} to {part[-1]}"
            rows[f"accuracy at length {named}"] = float(np.mean([by_length[length] for length in part.tolist()]))
        return rows


def shares_right(model: Any, examples: FormalExamples, progress: Report) -> Array:
    """Return the share of the symbols of each answer that a network tells right, float64 [example]."""
    import torch

    from naibu.data.order import JUDGED_ROWS
    from naibu.models.model import evaluating

    lengths, found, done = examples.lengths, np.zeros(len(examples)), 0
    order = np.argsort(lengths, kind="stable")
    with evaluating(model), torch.no_grad():
        for first in range(0, len(order), JUDGED_ROWS):
            which = order[first : first + JUDGED_ROWS]
            outcomes, _ = model.outcomes(examples.batch(which).to(model.device))
            gold, told = outcomes["gold"], outcomes["predicted"]
            found[which] = (((gold == told) & (gold >= 0)).sum(0) / (gold >= 0).sum(0)).cpu().numpy()
            done += int(lengths[which].sum())
            progress(done, int(lengths.sum()), "")
    return found


def _accuracy(found: Mapping[str, Array]) -> tuple[Array, Array]:
    share = np.where(found["gold"] >= 0, np.nan_to_num(found["share"]), 0.0).astype(np.float64)
    return np.where(found["gold"] == found["predicted"], share, 0.0), share
