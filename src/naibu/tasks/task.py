"""What a task is: it ties data and model together and says how a network is judged. It has no state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from naibu.config import ModelConfig, PrecisionName, TrainingConfig
from naibu.errors import OptionError
from naibu.shown import Shown

if TYPE_CHECKING:
    from naibu.data.examples import Data, Examples
    from naibu.data.order import Order
    from naibu.models.model import Model
    from naibu.progress import Report

Array = npt.NDArray[Any]
Sums = tuple[Array, Array]
UNITS, TRUNCATION = 100, 500
"""Units of a network, and steps through which gradients travel, where nobody has a view."""
ENDS = {"ED": "end", "</s>": "end"}
"""What ends a sequence, and how measures of it are called."""


class Measure(NamedTuple):
    """A number that says how good outcomes are: a ratio of two sums, so that parts and processes add up."""

    name: str  # the key in every file: "loss", "accuracy"
    title: str  # for people: "loss (nats)"
    better: Literal["less", "more"]
    share: bool  # whether it is a share, told in %
    sums: Callable[[Mapping[str, Array]], Sums]
    """Outcome columns [token] -> what stands above and below the line, [token] each; NaN counts as nothing."""
    where: str = ""
    """At which steps alone it is taken, in words: "rush_hour yes"; empty for all."""


class Typing(NamedTuple):
    """How somebody types what a network reads."""

    how: str = ""
    """What a text is, in words; empty where it is just text."""
    drawn: bool = False
    """Whether it may be drawn too: JSON with `strokes`, places [x, y], whose moves are the inputs `dx`, `dy`, `pen`."""


class Transitions(NamedTuple):
    """What is added to the score of a path of tags, float32; -inf where it is forbidden."""

    names: tuple[str, ...]
    pairs: Array  # [tag tag], from, to
    first: Array  # [tag]
    last: Array  # [tag]


@dataclass(frozen=True)
class Nothing:
    """The options of a task that has none."""


@dataclass(frozen=True)
class Trained:
    """A trained network as its task meets it again: the model, its folder, and what it learnt from and how.

    `options` and `training` are those of the run; `data()` opens what it learnt from, which may have gone or changed.
    """

    model: Any  # a Model
    folder: Path
    options: Mapping[str, Any]
    training: TrainingConfig
    data: Callable[[], Data]


class Predicted(Shown):
    """What a network tells of a file: `rows()` are its numbers, `lines()` what `naibu predict` prints."""

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """Yield the lines of the file that is printed, without their ends."""


class Task(ABC):
    """What there is to know of a task; what is not said of one is as is usual."""

    name: ClassVar[str]
    """The task's name on the command line and in files: "trees"."""
    about: ClassVar[str]
    """What the network is asked, a sentence for the help and the report."""
    options: ClassVar[type[Any]]
    """The frozen dataclass whose fields say what data is learnt: options, settings, help.

    A field that is a file or folder is a Path, so that a file of settings can name it beside itself; from a run's
    settings it gets what `Data.options` had, paths as text. The first field is the argument of `naibu train TASK`.
    """
    model: ClassVar[type[ModelConfig]] = ModelConfig
    """The configuration of its models: ModelConfig, or a subclass with what they have besides."""
    training: ClassVar[type[TrainingConfig]] = TrainingConfig
    """The configuration of training: TrainingConfig, or a subclass with other usual values."""
    evaluation: ClassVar[type[Any]] = Nothing
    """The frozen dataclass of what `naibu evaluate` may be asked besides of such networks; every field has a default
    and a name that no other task's has."""
    prediction: ClassVar[type[Any]] = Nothing
    """The same of `naibu predict`."""
    several: ClassVar[str | None] = None
    """The option, a tuple, of which `naibu look` takes several values, a network each; None where there is none."""
    examples: ClassVar[tuple[str, ...]] = ()
    """Options of `naibu train TASK`, and of `naibu look TASK`, as one would type them; for the help."""

    def each(self, options: Any) -> dict[str, Any]:
        """Return the options of every network that a look trains, by what it is called, the one to train alone last."""
        return {self.name: options}

    def fits(self, path: Path) -> bool:
        """Return whether the content of a file or folder is what this task learns from."""
        return False

    @abstractmethod
    def open(self, options: Any) -> Data:
        """Return the data that options (an instance of `options`) speak of; raises CorpusError with file and line."""

    def open_beside(self, options: Any, folder: Path | None) -> Data:
        """Return the data; what of them is large and takes time to read may be kept in a folder, that of the runs."""
        return self.open(options)

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with what was left to be chosen, units and time, as suits the task and the data.

        Fields that all tasks share and that have their usual value take what is usual for the task.
        """
        own: ModelConfig = own_kind(self.model, model)
        training = own_kind(self.training, training)
        return replace(own, units=own.units or UNITS), replace(training, truncation=training.truncation or TRUNCATION)

    @abstractmethod
    def build(self, sizes: Mapping[str, int], config: Any) -> Model:
        """Return a model whose weights are drawn from torch's generator; `config` is of the class `model`."""

    def symbols(self, folder: Path) -> tuple[str, ...]:
        """Return the symbols of a run, which it wrote into its folder, by their numbers; empty where none are read.

        Data of the task then say theirs as `Data.symbols`, and are numbered by others with `Data.with_symbols`.
        """
        return ()

    def order(self, examples: Examples, config: TrainingConfig) -> Order:
        """Return which piece of the examples is read when: by length, or as lanes with carried state."""
        from naibu.data.order import by_length

        return by_length(examples, config)

    def examples_of(self, files: Sequence[Path], options: Mapping[str, Any], folder: Path) -> Examples:
        """Return other files as examples for the network of a run, whose options and folder these are.

        Raises OptionError where the task reads none but its own.
        """
        raise OptionError(f"{files[0]}: a network of the task {self.name} is scored on its own test part; name no file")

    def typed(self, text: str, options: Mapping[str, Any], folder: Path, found: Mapping[str, Any]) -> Examples:
        """Return a text that somebody typed as the network of a run reads it, the first example being what is shown.

        `options`, `folder` and `found` are those of the run. Raises CorpusError for a text that cannot be read,
        OptionError where the network reads none.
        """
        raise OptionError(f"a network of the task {self.name} cannot be given a typed text")

    def typing(self, options: Mapping[str, Any], folder: Path) -> Typing:
        """Return how a text is typed that `typed` reads; `options` and `folder` are those of the run."""
        return Typing()

    def as_typed(self, examples: Examples, number: int, options: Mapping[str, Any]) -> str:
        """Return an example of the data of a run as somebody would type it. Raises OptionError where its symbols, one
        after the other, are that already."""
        raise OptionError(f"an example of the task {self.name} is typed as its symbols stand")

    def judged(self, data: Data) -> int:
        """Return how many steps of the validation part are scored each time, at most: fewer for vocabularies beyond a
        thousand, whose output layer costs more than all the rest."""
        return max(5_000, 30_000 * 1_000 // max(1_000, *data.sizes.values()))

    def scores(self, examples: Examples, found: Mapping[str, float]) -> dict[str, Any]:
        """Return what is said of a network beside its measures on examples, from them: perplexity, for example."""
        return {}

    def evaluated(self, trained: Trained, examples: Examples, asked: Any, progress: Report) -> dict[str, Any]:
        """Return scores beside the measures and `scores` for which the network is run again: BLEU, for example.

        `asked` is an instance of `evaluation`.
        """
        return {}

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return scores as they are printed, a row for each name: what is deeper than one value is folded into one."""
        return {name: value for name, value in scores.items() if not isinstance(value, dict)}

    def predict(self, trained: Trained, files: Sequence[Path], asked: Any, progress: Report) -> Predicted:
        """Return what a network tells of files; `asked` is an instance of `prediction`.

        Raises CorpusError for files that cannot be used, OptionError where networks of the task predict nothing.
        """
        raise OptionError(f"{trained.folder}: a network of the task {self.name} predicts nothing of a file")

    def scored(self, trained: Trained, examples: Examples, asked: Any) -> Examples:
        """Return what is scored where no file is named: the examples of a part, or what `asked`, an instance of
        `evaluation`, says in their place."""
        return examples

    def transitions(self, model: Model, folder: Path) -> Transitions | None:
        """Return what a run's model adds to the score of tags that follow each other; None where it tells none so."""
        return None

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return what a network that reads such examples is judged by, the loss first."""
        return usual_measures(examples)


def own_kind(kind: type[Any], config: Any) -> Any:
    """Return a configuration as one of a task's kind."""
    if isinstance(config, kind):
        return config
    given = {each.name: getattr(config, each.name) for each in fields(config)}
    return kind(**{each.name: given[each.name] for each in fields(config) if given[each.name] != each.default})


def usual_precision(model: ModelConfig, training: TrainingConfig) -> PrecisionName:
    """Return the type of products in which a network is trained fastest here, at a cost in loss that is hardly seen."""
    from naibu.cells.products import has_bfloat16_tiles

    quicker = model.cell == "lstm" and model.units >= 128 and training.device == "cpu" and has_bfloat16_tiles()
    return "bfloat16" if quicker else "float32"


def usual_measures(examples: Examples) -> tuple[Measure, ...]:
    """Return the loss and, where classes are told, accuracy, and recall and precision of the one singled out."""
    classes, name = examples.classes(), examples.singled_out
    found = [loss_measure()]
    if classes is not None:
        found.append(accuracy_measure())
    if classes is not None and name is not None:
        key, code = ENDS.get(name, name), classes.index(name)
        found.append(recall_measure(f"{key}_recall", f"{name} recall", code))
        found.append(precision_measure(f"{key}_precision", f"{name} precision", code))
    return tuple(found)


def loss_measure() -> Measure:
    """Return the mean of the outcomes' `loss`."""
    return Measure("loss", "loss (nats)", "less", False, _loss)


def accuracy_measure() -> Measure:
    """Return the share of steps at which `predicted` is `gold`."""
    return Measure("accuracy", "accuracy", "more", True, _accuracy)


def recall_measure(name: str, title: str, code: int) -> Measure:
    """Return the share of steps whose `gold` is the code that are told."""
    return Measure(name, title, "more", True, lambda found: _share(found, found["gold"] == code, code))


def precision_measure(name: str, title: str, code: int) -> Measure:
    """Return the share of steps told to be the code that are it."""
    return Measure(name, title, "more", True, lambda found: _share(found, found["predicted"] == code, code))


def _loss(found: Mapping[str, Array]) -> Sums:
    there = ~np.isnan(found["loss"])
    return np.where(there, found["loss"], 0.0), there.astype(np.float64)


def _accuracy(found: Mapping[str, Array]) -> Sums:
    there = found["gold"] >= 0
    return ((found["gold"] == found["predicted"]) & there).astype(np.float64), there.astype(np.float64)


def _share(found: Mapping[str, Array], below: Array, code: int) -> Sums:
    below = below & (found["gold"] >= 0)
    above = below & (found["gold"] == found["predicted"])
    return above.astype(np.float64), below.astype(np.float64)
