"""The task `classes`: the class of a whole sequence, be it a text or a series of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.config import ClassesConfig, DecayName, ModelConfig, OptimiserName, TrainingConfig, check
from naibu.data.classes.coder import load_coder, options_of_table
from naibu.data.classes.examples import ClassExamples
from naibu.data.classes.opening import ClassData, open_classes
from naibu.data.classes.reading import layout, read_rows
from naibu.data.classes.rows import Asked, FormatName
from naibu.data.classes.ts import ts_rows
from naibu.data.examples import Data, Examples
from naibu.data.files import open_files
from naibu.data.levels import LevelName, SplitName
from naibu.data.vocabulary import Vocabulary
from naibu.errors import NaibuError, OptionError
from naibu.tasks.task import Measure, Task, Trained, accuracy_measure, loss_measure, own_kind

if TYPE_CHECKING:
    from naibu.data.order import ByLength
    from naibu.models.classifier import Classifier
    from naibu.progress import Report
    from naibu.tasks.classes_told import ClassesTold

UNITS, VECTOR = 192, 100
"""Units, half of them for each direction, and the size of a word's vector, where nothing is asked for."""
SMALL_UNITS = 128
"""Units for characters and numbers."""
PASSES = 25
"""Passes over the training examples, where neither these nor steps nor minutes are asked for."""
FEWEST, MOST = 1_000, 5_000
"""Steps that these are, at least and at most."""


@dataclass(frozen=True)
class ClassesOptions:
    """The sequences to learn, and where their classes stand."""

    files: tuple[Path, ...]
    """Files, folders, archives: a table, a class before each line, a file or folder a class, trees, .ts, drawings, PLT,
    NGSIM."""
    _: KW_ONLY
    text: str | None = None
    """The column of the text, in a table: CSV, TSV, JSON lines."""
    class_: str | None = None
    """The column of the class, in a table; of drawings what they say of themselves."""
    format: FormatName | None = None
    """How the files are laid out; found from the content when not given."""
    level: LevelName | None = None
    """What a symbol of a text is; when not given characters for single words and texts without blanks, else words."""
    split: SplitName = "reader"
    """Where words end: where the reader of plain text cuts, punctuation apart, or at blanks."""
    case: bool = False
    """Keep capital letters; else texts are read in small ones."""
    whole: bool = False
    """Of trees with a class on every node learn whole sentences alone, not the phrases in them."""
    fine: bool = False
    """Of lines that begin with COARSE:fine take all of it as the class, not what stands before the colon."""
    id: str | None = None
    """The column that says to which series a row belongs, in a table of points."""
    time: str | None = None
    """The column of the time, in a table of points: seconds, or time stamps; rows are in order when not given."""
    features: tuple[str, ...] = ()
    """A column of numbers to read, or speed, acceleration, bearing, turn, which are computed from latitude and
    longitude; repeat it; when not given all columns of numbers, and those four where there are places."""
    no_changes: bool = False
    """Do not read how much each number has changed since the step before."""
    validation: float | Path | None = None
    """Validation examples: a file, or a share; when not given a twentieth, of fewer than 500 examples none."""
    test: float | Path | None = None
    """Test examples, likewise; a tenth when not given. A file is scored as it is, and what is in it is not learnt."""
    vocabulary: int = 0
    """Symbols at most; 0 takes 30,000 words, 8,000 subwords or 10,000 characters. Rarer ones become <unk>."""
    longest: int = 0
    """Steps that are read of an example, the first ones; 0 for all."""
    split_seed: int = 1
    """Seed of the division into training, validation and test, which gives each class its share."""

    def __post_init__(self) -> None:
        files: Any = self.files
        some = (files,) if isinstance(files, str | Path) else files
        object.__setattr__(self, "files", tuple(map(Path, some)))
        object.__setattr__(self, "features", tuple(self.features))
        for name in ("validation", "test"):  # text when read from a file
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, Path(value))


@dataclass(frozen=True)
class ClassesTraining(TrainingConfig):
    """How a network learns classes, as suits it."""

    passes: float = 0.0
    """Passes over the training examples, in place of steps or minutes; 0 chooses, 25, and as many more or fewer as
    make 1,000 to 5,000 steps."""
    batch_size: int = 64
    """Sequences in a batch, at most."""
    batch_tokens: int = 8192
    """Steps in a batch, at most (a longer sequence makes a batch of its own)."""
    optimiser: OptimiserName = "adamw"
    """What changes the weights; sgd is plain gradient descent, without momentum."""
    weight_decay: float = 0.03
    """Share of a weight that is taken from it in a step, times the learning rate; 0 with adam."""
    decay: DecayName = "cosine"
    """How the learning rate falls: linear or cosine to a fiftieth at the last step; one-cycle, which rises over three
    tenths of the steps in place of --warmup, to a thousandth; none; or plateau, to a quarter after each validation that
    is not the best so far."""
    patience: int = 0
    """Validations without a better loss after which training stops; 0 never stops."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.passes >= 0, "passes", self.passes, "more than 0, or 0 for what suits the data")
        alone = not self.passes or (self.steps is None and self.minutes is None)
        check(alone, "passes", self.passes, "left away with --steps or --minutes")


@dataclass(frozen=True)
class ClassesEvaluation:
    """What stands beside a classifier."""

    alone: bool = False
    """Do not fit logistic regression on the training part, to stand beside it."""


@dataclass(frozen=True)
class ClassesPrediction:
    """What is told of each sequence."""

    each: bool = False
    """Write the probability of every class, not of the likeliest alone."""


class Classes(Task):
    """Sequences with a class each."""

    name = "classes"
    about = "asked which class a whole sequence is of, a text or a series of numbers"
    options = ClassesOptions
    model = ClassesConfig
    training = ClassesTraining
    evaluation = ClassesEvaluation
    prediction = ClassesPrediction
    examples = (
        "reviews.csv --text review --class stars",
        "vowels_TRAIN.ts --test vowels_TEST.ts",
        "trips.csv --id trip --time seconds --class mode",
    )

    def fits(self, path: Path) -> bool:
        """Return whether this is a file of series with classes, in one of the layouts that say so themselves."""
        try:
            opened = list(open_files(path))
            form = layout([path], opened, Asked()) if opened else None
            return form in ("geolife", "ngsim") or (form == "ts" and any(True for _ in ts_rows(opened[0], [])))
        except NaibuError:
            return False

    def open(self, options: ClassesOptions) -> ClassData:
        """Return the sequences in three parts; see `open_classes`."""
        return open_classes(
            options.files,
            text=options.text,
            class_=options.class_,
            format=options.format,
            level=options.level,
            split=options.split,
            case=options.case,
            whole=options.whole,
            fine=options.fine,
            id=options.id,
            time=options.time,
            features=options.features,
            no_changes=options.no_changes,
            validation=options.validation,
            test=options.test,
            vocabulary=options.vocabulary,
            longest=options.longest,
            seed=options.split_seed,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with sizes, what is dropped, and steps as suit what is read."""
        text = "input" in data.sizes
        words = text and data.options["level"] != "character"
        model, training = own_kind(ClassesConfig, model), own_kind(ClassesTraining, training)
        assert isinstance(model, ClassesConfig)
        assert isinstance(training, ClassesTraining)
        weights = model.class_weights or (_balanced(data.train) if model.balanced else ())
        model = replace(
            model,
            units=model.units or (UNITS if words else SMALL_UNITS),
            embedding=model.embedding or (VECTOR if words else 0),
            dropout=_chosen(model.dropout, 0.5 if words else 0.3 if text else 0.4),
            embedding_dropout=_chosen(model.embedding_dropout, 0.2 if words else 0.0),
            symbol_dropout=_chosen(model.symbol_dropout, 0.1 if text else 0.0),
            variation=_chosen(model.variation, 0.0 if text else 0.1),
            class_weights=weights,
        )
        if training.steps is None and training.minutes is None:
            updates = len(self.order(data.train, training).pieces(training.seed, 0))
            usual = min(max(FEWEST, PASSES * updates), MOST)
            training = replace(training, steps=math.ceil(training.passes * updates) or usual, passes=0.0)
        if not len(data.validation):  # nothing unseen says which weights are best: the last ones are kept
            training = replace(training, validations=1)
        return super().configured(data, model, training)

    def build(self, sizes: Mapping[str, int], config: ClassesConfig) -> Classifier:
        """Return a classifier of texts, or of series where the sizes say how many numbers are read."""
        from naibu.models.classifier import Classifier

        numbers = "numbers" in sizes
        return Classifier(sizes["numbers" if numbers else "input"], sizes["classes"], config, numbers=numbers)

    def order(self, examples: Examples, config: TrainingConfig) -> ByLength:
        """Return whole sequences, those of similar length side by side."""
        from naibu.data.order import by_length

        return replace(by_length(examples, config), truncation=None)

    def symbols(self, folder: Path) -> tuple[str, ...]:
        """Return the symbols of a run that reads texts, none of one that reads series."""
        there = (folder / "vocabulary.txt").exists()
        return Vocabulary.load(folder / "vocabulary.txt").symbols if there else ()

    def examples_of(self, files: Sequence[Path], options: Mapping[str, Any], folder: Path) -> ClassExamples:
        """Return other files as examples; of trees whole sentences. Raises CorpusError for a class that training had
        none of, with its line."""
        coder = load_coder(folder)
        read = read_rows(files, Asked(**{**options_of_table(options), "whole": True}))
        return coder.examples(read)

    def judged(self, data: Data) -> int:
        """Return the steps of the whole validation part: the fewer there are, the more each class counts."""
        return max(200_000, int(data.train.lengths.sum()) if not len(data.validation) else 0)

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return the loss of a sequence and the share of those told right."""
        return loss_measure(), accuracy_measure()

    def evaluated(
        self, trained: Trained, examples: Examples, asked: ClassesEvaluation, progress: Report
    ) -> dict[str, Any]:
        """Return macro F1, scores by class, confusion, how many examples occur in training, and the same of simple ways
        fitted on the same training part; where that cannot be opened again, `beside` says why."""
        from naibu.tasks.classes_beside import simple_ways
        from naibu.tasks.classes_scores import by_class, confusion_of, interval_of, macro_f1, probabilities, summary_of

        assert isinstance(examples, ClassExamples)
        names, gold = examples.names, examples.codes
        predicted = probabilities(trained.model, examples, progress).argmax(-1)
        table = confusion_of(predicted, gold, len(names))
        found: dict[str, Any] = dict(
            zip(("accuracy_low", "accuracy_high"), interval_of(predicted == gold), strict=True)
        )
        found |= {"macro_f1": macro_f1(table), "seen_in_training": int(examples.seen().sum())}
        found["by_class"] = by_class(table, names)
        found["confusion"] = {
            name: dict(zip(names, row.tolist(), strict=True)) for name, row in zip(names, table, strict=True)
        }
        if asked.alone:
            return found
        try:
            data = trained.data()
        except NaibuError as error:
            return found | {"beside": f"nothing: {error}"}
        assert isinstance(data, ClassData)
        ways = simple_ways(data.train, data.validation, examples)
        found["baselines"] = {
            way.name: {**summary_of(way.probabilities, gold, names), "settings": way.settings} for way in ways
        }
        return found

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return scores as they are printed: simple ways and classes in a row each."""
        from naibu.tasks.classes_scores import told_rows

        return told_rows(scores)

    def predict(
        self, trained: Trained, files: Sequence[Path], asked: ClassesPrediction, progress: Report
    ) -> ClassesTold:
        """Return the classes of sequences in files laid out as those that were learnt, with or without classes."""
        from naibu.tasks.classes_scores import probabilities
        from naibu.tasks.classes_told import ClassesTold, without_class

        if not files:
            raise OptionError(f"{trained.folder}: name files whose sequences are to be told")
        coder = load_coder(trained.folder)
        how = Asked(**{**options_of_table(trained.options), "whole": True, "known": coder.names})
        read = read_rows(files, how)
        examples = coder.examples(replace(read, rows=without_class(read.rows, coder.names)), classless=True)
        return ClassesTold(
            read, tuple(files), coder.names, probabilities(trained.model, examples, progress), asked.each
        )


def _chosen(given: float | None, usual: float) -> float:
    """Return what is given, else what is usual."""
    return usual if given is None else given


def _balanced(examples: Examples) -> tuple[float, ...]:
    """Return weights of classes by which all count the same: the mean number of examples of a class over its own."""
    assert isinstance(examples, ClassExamples)
    counts = np.bincount(examples.codes, minlength=len(examples.names))
    return tuple((counts.mean() / np.maximum(counts, 1)).tolist())
