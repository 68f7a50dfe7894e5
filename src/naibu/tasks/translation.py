"""The task `translation`: a sentence of one language read whole, that of another told symbol by symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from cyclopts import Parameter

from naibu.config import AveragingName, ModelConfig, PrecisionName, TrainingConfig, TranslationConfig
from naibu.config.translation import UNITS
from naibu.data.examples import Data, Examples
from naibu.data.levels import LevelName
from naibu.data.parallel import Pairs
from naibu.data.parallel_coder import ParallelCoder
from naibu.data.parallel_corpus import ParallelData, open_parallel
from naibu.errors import OptionError
from naibu.generation.options import WIDEST, Budget, SearchOptions
from naibu.progress import Report
from naibu.tasks.bleu import TokenizeName, bleu, check_tokenize, usual_tokenize
from naibu.tasks.task import Task, Trained, usual_precision

if TYPE_CHECKING:
    from naibu.data.order import ByLength
    from naibu.models.translation import TranslationModel

Files = Annotated[tuple[Path, ...], Parameter(consume_multiple=(1, 2))]
"""One file or two, which are typed one after the other."""
GNMT_LAYERS = 8
"""Layers of GNMT's encoder and decoder."""
MANY = 12_000
"""Symbols of the target from which on the output layer tells frequent ones and rarer ones in two steps."""


@dataclass(frozen=True)
class TranslationOptions:
    """The pairs of sentences to learn."""

    pairs: Path | None = None
    """Pairs, a line each: source, a tab, target (also .gz); or leave it out, and give --source and --target."""
    _: KW_ONLY
    source: Path | None = None
    """What is translated, a sentence a line (also .gz)."""
    target: Path | None = None
    """Its translations, in the same lines."""
    validation: Files = ()
    """Validation pairs: two files, one of two columns, or a share of the pairs, .02 when not given."""
    test: Files = ()
    """Test pairs, likewise; where there are none, and --validation are files, the validation pairs are scored."""
    level: LevelName = "subword"
    """What a symbol is: pieces of words, for text as it is; words, for text that comes in tokens; or characters."""
    joint: bool = False
    """Let both sides have one vocabulary, for languages that share words."""
    vocabulary: int = 0
    """Symbols of each side at most; 0 takes 8,000 subwords, 30,000 words or 10,000 characters."""
    longest: int = 0
    """Symbols of a sentence at most, on either side; 0 takes 400 subwords, 200 words or 1,000 characters. Longer pairs
    are left out of training."""
    split_seed: int = 1
    """Seed of the division where pairs are drawn."""

    def __post_init__(self) -> None:
        for name in ("pairs", "source", "target"):  # text when read from a file
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, Path(value))
        for name in ("validation", "test"):
            given: Any = getattr(self, name)
            some = [given] if isinstance(given, str | Path | float | int) else given
            object.__setattr__(self, name, tuple(Path(str(each)) for each in some))


@dataclass(frozen=True)
class TranslationTraining(TrainingConfig):
    """How a network learns to translate, as suits it."""

    batch_size: int = 256
    """Pairs in a batch, at most."""
    batch_tokens: int = 1000
    """Symbols of the target in a batch, at most, padding included."""
    learning_rate: float = 2e-3
    """Learning rate at its highest."""
    warmup: int = 300
    """Steps over which the learning rate rises from 0."""
    adam_beta2: float = 0.99
    """How slowly adam and adamw forget how large gradients were; .99 forgets ten times as fast as .999."""
    averaging: AveragingName = "last"
    """Weights that are validated and kept: over the last tenth of the steps the mean of all in it (last); those of the
    step (none); or, from a validation on that is worse than those before, the mean of all since (non-monotone)."""
    patience: int = 0
    """Validations without a better loss after which training stops; 0 never stops."""
    precision: PrecisionName | None = None  # type: ignore[assignment]
    """Type of the products in training; when not given bfloat16 for an LSTM of 128 units or more where the processor
    has tiles for it, else float32."""
    _open: ClassVar[tuple[None, ...]] = (None,)


@dataclass(frozen=True)
class TranslationEvaluation(SearchOptions):
    """How translations are searched for and scored."""

    tokenize: TokenizeName | None = None
    """How BLEU cuts translations into words: none (at blanks), 13a, char, ja-mecab; when not given char for references
    in Japanese or Chinese, else 13a."""
    errors: bool = False
    """Say of every sentence why its translation is not the reference: the search, or the network (document E)."""
    widths: Annotated[tuple[int, ...], Parameter(consume_multiple=True)] = (1, 2, 5, 10, 30, 100)
    """With --errors: beams to be compared."""
    proof_prefixes: int = Budget.proof_prefixes
    """With --errors: prefixes that are read at most to prove which translation of a sentence is best."""
    proof_seconds: float = Budget.proof_seconds
    """With --errors: seconds that this may take, for each sentence."""
    proof_longer: int = Budget.proof_longer
    """With --errors and a normalised score: symbols by which a translation may be longer than all that beams found, and
    the reference, for the proof to look at it; the more, the more there is to prove."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_tokenize(self.tokenize)
        _ = self.budget
        for width in self.widths:
            if not 1 <= width <= WIDEST:
                raise OptionError(f"--widths {width}: must be from 1 (greedy search) to {WIDEST:,}")
        if self.errors and self.coverage:
            raise OptionError(f"--coverage {self.coverage:g}: --errors has no proof for it; leave one of them out")

    @property
    def budget(self) -> Budget:
        """What the proof of a sentence may take."""
        return Budget(self.proof_prefixes, self.proof_seconds, self.proof_longer)


class Translation(Task):
    """Sentences and their translations."""

    name = "translation"
    about = "asked for the next symbol of a sentence's translation, having read the sentence"
    options = TranslationOptions
    training = TranslationTraining
    model = TranslationConfig
    evaluation = TranslationEvaluation
    examples = (
        "--source train.en --target train.ja --validation dev.en dev.ja --minutes 60",
        "pairs.tsv --level word",
    )

    def open(self, options: TranslationOptions) -> ParallelData:
        """Return the pairs in three parts; see `open_parallel`."""
        return open_parallel(
            options.pairs,
            source=options.source,
            target=options.target,
            validation=options.validation,
            test=options.test,
            level=options.level,
            joint=options.joint,
            vocabulary=options.vocabulary,
            longest=options.longest,
            seed=options.split_seed,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with units, the output layer and the type of products as suits them."""
        model, training = super().configured(data, replace(model, units=model.units or UNITS), training)
        assert isinstance(model, TranslationConfig)
        adaptive = model.tied and data.sizes["target"] >= MANY
        model = replace(
            model,
            layers=GNMT_LAYERS if model.encoder == "gnmt" and model.layers == 1 else model.layers,
            softmax=model.softmax or ("adaptive" if adaptive else "full"),
            shared_vectors=bool(data.options["joint"]) if model.shared_vectors is None else model.shared_vectors,
        )
        return model, replace(training, precision=training.precision or usual_precision(model, training))

    def build(self, sizes: Mapping[str, int], config: TranslationConfig) -> TranslationModel:
        """Return a network that translates."""
        from naibu.models.translation import TranslationModel

        return TranslationModel(sizes["source"], sizes["target"], config)

    def order(self, examples: Examples, config: TrainingConfig) -> ByLength:
        """Return the pairs by the length of both sides; with a truncation targets are cut, never sources."""
        from naibu.data.order import by_length

        return by_length(examples, config)

    def examples_of(self, files: Sequence[Path], options: Mapping[str, Any], folder: Path) -> Pairs:
        """Return other pairs in the symbols of a network."""
        return ParallelCoder.load(folder, options).read(files)

    def judged(self, data: Data) -> int:
        """Return how many symbols of the validation part are scored each time, at most."""
        return 20_000

    def scores(self, examples: Examples, found: Mapping[str, float]) -> dict[str, float]:
        """Return the perplexity of a symbol of the target, the end of a sentence being one."""
        return {"perplexity": float(np.exp(found["loss"]))}

    def evaluated(
        self, trained: Trained, examples: Examples, asked: TranslationEvaluation, progress: Report
    ) -> dict[str, Any]:
        """Return what the translations found are worth: BLEU, chrF, their length, how many are empty; and the speed.

        Pairs with an empty side are left out, and counted."""
        from naibu.generation.translating import translate
        from naibu.generation.translation_stepper import TranslationStepper
        from naibu.tasks.translation_errors import analysis

        assert isinstance(examples, Pairs)
        coder, stepper = ParallelCoder.load(trained.folder, trained.options), TranslationStepper(trained.model)
        which = examples.which.tolist()
        found = translate(stepper, coder, examples.source, which, asked, progress=progress)
        references = [examples.target.text(each) for each in which]
        translations = [best[0].text for best in found.best]
        tokenize = asked.tokenize or usual_tokenize(references)
        scores = {
            **bleu(translations, references, tokenize),
            "empty": translations.count(""),
            "left_out": examples.left_out,
            "sentences_per_second": len(which) / found.seconds,
        }
        if not asked.errors:
            return scores

        def scored(lines: Sequence[str]) -> dict[str, Any]:
            return bleu(lines, references, tokenize)

        return scores | {
            "errors": analysis(stepper, coder, examples, asked, found, asked.budget, asked.widths, scored, progress)
        }

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return scores as they are printed: of an error analysis the counts, a row for each width, and what to do."""
        rows = super().told(scores)
        return rows if "errors" not in scores else rows | _told(scores["errors"])


def _told(errors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rows of an error analysis."""
    count, proof = errors["count"], errors["proof"]
    rows = {f"{name}s" if "error" in name else name: f"{n} of {count}" for name, n in errors["verdicts"].items()}
    rows["best proved"] = f"{proof['decided']} of {count}, {proof['prefixes']:,} prefixes, {proof['seconds']:.1f} s"
    rows["best known"] = (
        f"BLEU {proof['best']['bleu']:.2f}, length ratio {proof['best']['length_ratio']:.3f}, empty "
        f"{'–' if proof['empty'] is None else format(proof['empty'], '.1%')} of those proved"
    )
    for row in errors["sweep"]:
        missed = "–" if row["search_errors"] is None else f"{row['search_errors']:.1%}"
        rows[f"beam {row['beam']}"] = (
            f"BLEU {row['bleu']:.2f}, length ratio {row['length_ratio']:.3f}, search errors {missed}, "
            f"empty {row['empty']:.1%}"
        )
    return rows | {f"to change, {k}": line for k, line in enumerate(errors["advice"], 1)}
