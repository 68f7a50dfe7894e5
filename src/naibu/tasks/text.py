"""The task `text`: the next character, word or piece of a word of running text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from naibu.config import ModelConfig, PrecisionName, TextConfig, TrainingConfig
from naibu.data import detect
from naibu.data.examples import Data, Examples
from naibu.data.levels import LevelName, SplitName
from naibu.data.running_text import Text as RunningText
from naibu.data.text_coder import TextCoder
from naibu.data.text_corpus import SHARE, TextData, open_text
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.ngrams.kneser_ney import check_order
from naibu.tasks.task import Task, Trained, usual_precision

if TYPE_CHECKING:
    from naibu.data.order import Order
    from naibu.models.text_model import TextModel
    from naibu.progress import Report

UNITS = {"character": 512, "word": 400, "subword": 400}
TRUNCATION = {"character": 100, "word": 35, "subword": 50}
"""Units, and steps of a window, by level, where nothing is asked for."""
TIED_SCALE = 4.0
"""By what a tied embedding is multiplied as it is read, where nothing is asked for."""
MANY = 4_000
"""Symbols from which on the output layer tells frequent ones and rarer ones in two steps."""


@dataclass(frozen=True)
class TextOptions:
    """The text to learn."""

    files: tuple[Path, ...]
    """Text: files, folders, .gz, .tar.gz, .zip; or standard-library, Python's own source."""
    _: KW_ONLY
    level: LevelName = "character"
    """What a symbol is."""
    split: SplitName = "spaces"
    """Where words end: at blanks, or where the reader of plain text cuts, punctuation apart."""
    validation: float | Path = SHARE
    """Validation text: a file, or a share of the text (whole files where there are 20, else the end of each)."""
    test: float | Path | None = None
    """Test text, likewise; where it is 0, or not given and --validation is a file, the validation text is scored."""
    vocabulary: int = 0
    """Symbols at most; 0 takes 30,000 words, 8,000 subwords or 10,000 characters. Rarer ones become <unk>."""
    first: str | None = None
    """Read the beginning alone, 100MB for example."""
    longest: int | None = None
    """Symbols of a passage, in which text is looked into: 1,000 characters, 200 words or 400 subwords."""
    vectors: Path | None = None
    """Vectors that words begin with, with --level word: a file of word2vec, text or binary."""
    split_seed: int = 1
    """Seed of the division where whole files are drawn."""

    def __post_init__(self) -> None:
        files: Any = self.files
        some = (files,) if isinstance(files, str | Path) else files
        object.__setattr__(self, "files", tuple(map(Path, some)))
        for name in ("validation", "test", "vectors"):  # text when read from a file
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, Path(value))


@dataclass(frozen=True)
class TextTraining(TrainingConfig):
    """How a network learns text, as suits it."""

    batch_size: int = 32
    """Places of the text that are read side by side, each going on where it was."""
    truncation: int = 0
    """Steps through which gradients travel back; 0 takes 100 characters, 35 words or 50 subwords."""
    learning_rate: float = 4e-3
    """Learning rate at its highest."""
    precision: PrecisionName | None = None  # type: ignore[assignment]
    """Type of the products in training; when not given bfloat16 for an LSTM of 128 units or more where the processor
    has tiles for it, else float32."""
    _open: ClassVar[tuple[None, ...]] = (None,)


@dataclass(frozen=True)
class TextEvaluation:
    """What helps a network of text at test time; weights are fitted on validation text, never on what is scored."""

    cache: bool = False
    """Mix in a cache of what was just read (Grave et al. 2017)."""
    dynamic: bool = False
    """Let the weights follow the text (Krause et al. 2018)."""
    ngram: int = 0
    """Mix in n-grams of this order, counted on the network's own training text; they alone are told too."""

    def __post_init__(self) -> None:
        if self.ngram:
            check_order(self.ngram, "--ngram")


class Text(Task):
    """Running text, symbol by symbol."""

    name = "text"
    about = "asked for the next character or word of running text"
    options = TextOptions
    training = TextTraining
    model = TextConfig
    evaluation = TextEvaluation
    examples = ("novel.txt", "ptb.train.txt --validation ptb.valid.txt --level word --minutes 60")

    def fits(self, path: Path) -> bool:
        """Return whether this is plain text."""
        try:
            return path.exists() and detect.choose(path, None, "tagged").reader == "text"
        except CorpusError:
            return False

    def open(self, options: TextOptions) -> TextData:
        """Return the text in three parts; see `open_text`."""
        return self.open_beside(options, None)

    def open_beside(self, options: TextOptions, folder: Path | None) -> TextData:
        """Return the text in three parts, the symbols of a large one being kept in a folder."""
        return open_text(
            options.files,
            level=options.level,
            split=options.split,
            validation=options.validation,
            test=options.test,
            vocabulary=options.vocabulary,
            first=options.first,
            longest=options.longest,
            vectors=options.vectors,
            seed=options.split_seed,
            beside=folder,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with units and steps of a window by the level."""
        level = str(data.options["level"])
        steps = training.truncation if training.truncation != TrainingConfig.truncation else 0
        training = replace(training, truncation=steps or TRUNCATION[level])
        model, training = super().configured(data, replace(model, units=model.units or UNITS[level]), training)
        assert isinstance(model, TextConfig)
        if isinstance(data, TextData) and data.vectors is not None:
            model = _with_vectors(model, data.vectors.size)
        letters, many = level == "character", data.sizes["input"] >= MANY
        may_tie = not letters and not model.embedding and model.embedding_kind == "learned"
        tied = may_tie if model.tied is None else model.tied
        model = replace(
            model,
            tied=tied,
            tied_scale=(model.tied_scale or TIED_SCALE) if tied else model.tied_scale,
            softmax=model.softmax or ("adaptive" if tied and many else "full"),
            embedding_dropout=0.0 if letters and model.embedding_dropout is None else model.embedding_dropout,
        )
        return model, replace(training, precision=training.precision or usual_precision(model, training))

    def build(self, sizes: Mapping[str, int], config: TextConfig) -> TextModel:
        """Return a language model of running text."""
        from naibu.models.text_model import TextModel

        return TextModel(sizes["input"], config)

    def order(self, examples: Examples, config: TrainingConfig) -> Order:
        """Return lanes over the text, with carried state."""
        from naibu.data.text_lanes import TextLanes

        assert isinstance(examples, RunningText)
        return TextLanes(examples, config.batch_size, config.truncation, config.variable_truncation)

    def symbols(self, folder: Path) -> tuple[str, ...]:
        """Return the symbols of a run's vocabulary. Raises CorpusError where it is missing or damaged."""
        return Vocabulary.load(folder / "vocabulary.txt").symbols

    def examples_of(self, files: Sequence[Path], options: Mapping[str, Any], folder: Path) -> RunningText:
        """Return other texts in the symbols of a network."""
        return TextCoder.load(folder, options).read(files, folder.parent)

    def typed(self, text: str, options: Mapping[str, Any], folder: Path, found: Mapping[str, Any]) -> RunningText:
        """Return a text in the symbols of the network, in one passage, its end being read too."""
        coder = TextCoder.load(folder, options)
        return replace(coder, longest=max(coder.longest, len(text) + 2)).encode(text, ends=True)

    def judged(self, data: Data) -> int:
        """Return how many symbols of the validation text are scored each time, at most."""
        return 50_000 if data.options["level"] == "character" else 20_000

    def scores(self, examples: Examples, found: Mapping[str, float]) -> dict[str, float]:
        """Return perplexity, and what a character takes in bits, from the loss of a part."""
        assert isinstance(examples, RunningText)
        tokens, nats = examples.steps, found["loss"] * examples.steps
        letters = examples.characters
        words = examples.words
        scores = {"perplexity": float(np.exp(found["loss"])), "tokens": tokens}
        return {
            **scores,
            "bits_per_character": nats / np.log(2) / max(1, letters),
            "perplexity_per_word": float(np.exp(min(700.0, nats / max(1, words)))),
        }

    def evaluated(
        self, trained: Trained, examples: Examples, asked: TextEvaluation, progress: Report
    ) -> dict[str, Any]:
        """Return scores by what helps: `cache`, `dynamic`, `dynamic_cache`, `ngram`, and its mixtures with the others.

        Weights are fitted on the run's validation part, or where that is what is scored, on its first half, the second
        alone being scored then.
        """
        if asked == TextEvaluation():
            return {}
        from naibu.tasks.text_at_test_time import at_test_time

        data, truncation = trained.data(), trained.training.truncation
        assert isinstance(data, TextData)
        assert isinstance(examples, RunningText)
        return at_test_time(trained.model, data.train, data.validation, examples, truncation, **vars(asked))

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return scores as they are printed: of what helps, the perplexity with its settings."""
        rows: dict[str, Any] = {}
        for name, value in scores.items():
            if isinstance(value, dict):
                said = {key: each for key, each in value.items() if key not in ("loss", "perplexity")}
                settings = ", ".join(f"{key} {each}" for key, each in said.items())
                called = name.replace("_mixture", " mixture").replace("_", " and ")
                rows[f"perplexity, {called}"] = f"{value['perplexity']:.2f} ({settings})"
            else:
                rows[name] = value
        return rows


def _with_vectors(model: TextConfig, size: int) -> TextConfig:
    """Return a configuration whose embedding is as large as vectors that are given.

    Raises OptionError where another size was asked for, or where there is none that could begin with them.
    """
    if model.embedding not in (0, size):
        raise OptionError(f"--embedding {model.embedding}: must be {size}, as large as the vectors of --vectors")
    if model.embedding_kind != "learned":
        raise OptionError(f"--embedding-kind {model.embedding_kind}: has no vectors that --vectors could begin")
    if model.tied and model.units != size:
        raise OptionError(f"--tied: needs --units {size} beside --vectors, whose vectors have {size} numbers")
    return replace(model, embedding=size)
