"""The task `strokes`: the next point of a drawing by a pen, and drawings that a network makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from naibu.config import ModelConfig, OptimiserName, StrokesConfig, TrainingConfig
from naibu.data.examples import Array, Data, Examples
from naibu.data.files import open_files
from naibu.data.strokes.arrays import array_drawings
from naibu.data.strokes.coder import StrokeCoder
from naibu.data.strokes.examples import Strokes
from naibu.data.strokes.lines import has_drawings
from naibu.data.strokes.opening import StrokeData, open_strokes, strokes_of
from naibu.data.strokes.reading import read_drawings
from naibu.data.strokes.typed import as_typed, told, typed_drawing
from naibu.data.typed import NAME
from naibu.errors import NaibuError, OptionError
from naibu.tasks.task import Measure, Sums, Task, Trained, Typing, loss_measure

if TYPE_CHECKING:
    from naibu.data.order import Order
    from naibu.models.strokes import StrokeModel
    from naibu.progress import Report

UNITS = 128
OF_STROKES = (".inkml", ".jhf", ".svg")
"""Files that nothing else is learnt from."""


@dataclass(frozen=True)
class StrokesOptions:
    """The drawings to learn."""

    files: tuple[Path, ...]
    """Files, folders, archives: .npz, .npy, JSON lines, InkML, SVG, fonts (.jhf)."""
    _: KW_ONLY
    class_: str | None = None
    """What drawings say of themselves and the network is told: character of fonts."""
    text: str | None = None
    """What drawings say of themselves that is the text written, to learn to write texts."""
    words: Path | None = None
    """A text of which one to three words at a time are set in fonts and learnt, to write texts."""
    font: tuple[str, ...] = ()
    """A font for --words, of all in the files; repeat it for more."""
    validation: float | Path = 0.05
    """Validation drawings: a file, or a share of the drawings."""
    test: float | Path = 0.1
    """Test drawings, likewise; what is in a file is never learnt."""
    split_seed: int = 1
    """Seed of the division into training, validation and test."""

    def __post_init__(self) -> None:
        files: Any = self.files
        some = (files,) if isinstance(files, str | Path) else files
        object.__setattr__(self, "files", tuple(map(Path, some)))
        for name in ("validation", "test"):  # text when read from a file
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, Path(value))
        if isinstance(self.words, str):
            object.__setattr__(self, "words", Path(self.words))
        font: Any = self.font
        object.__setattr__(self, "font", (font,) if isinstance(font, str) else tuple(font))


@dataclass(frozen=True)
class StrokesTraining(TrainingConfig):
    """How a network learns drawings, as suits it."""

    batch_size: int = 32
    """Drawings in a batch, at most."""
    batch_tokens: int = 8192
    """Points in a batch, at most (a longer drawing makes a batch of its own)."""
    learning_rate: float = 1e-2
    """Learning rate at its highest."""
    optimiser: OptimiserName = "adamw"
    """What changes the weights; sgd is plain gradient descent, without momentum."""
    adam_beta2: float = 0.99
    """How slowly adam and adamw forget how large gradients were; .99 forgets ten times as fast."""
    weight_decay: float = 1e-4
    """Share of a weight that is taken from it in a step, times the learning rate; 0 with adam."""
    clip: float = 10.0
    """Largest norm of the gradient; inf does not clip."""
    patience: int = 0
    """Validations without a better loss after which training stops; 0 never stops."""

    def __post_init__(self) -> None:
        if self.optimiser == "sgd" and self.adam_beta2 == StrokesTraining.adam_beta2:
            object.__setattr__(self, "adam_beta2", TrainingConfig.adam_beta2)  # it has none
        super().__post_init__()


@dataclass(frozen=True)
class StrokesEvaluation:
    """What stands beside a network of strokes."""

    unaided: bool = False
    """Do not fit Gaussians and mixtures to the training part, to stand beside the network."""
    read: int = 0
    """Write so many texts by hand, at --bias 1, to be read by a network that learns to read from other drawings held
    out: the share of characters read wrong."""

    def __post_init__(self) -> None:
        if self.read < 0:
            raise OptionError(f"--read {self.read}: must be at least 1, or 0 to write nothing")


class Handwriting(Task):
    """Drawings by a pen, point by point."""

    name = "strokes"
    about = "asked where the pen of a drawing goes next"
    options = StrokesOptions
    model = StrokesConfig
    training = StrokesTraining
    evaluation = StrokesEvaluation
    examples = ("kanji.npz", "letters.jhf --class character", "fonts.tar.gz --words novel.txt --font scripts")

    def fits(self, path: Path) -> bool:
        """Return whether this is a file of strokes, or of arrays or JSON lines that hold drawings."""
        try:
            file = next(iter(open_files(path)), None)
            if file is None or file.extension in OF_STROKES:
                return file is not None
            if file.extension in (".npz", ".npy"):
                return any(True for _ in array_drawings(file))
            if file.extension in (".jsonl", ".ndjson"):
                return has_drawings(file)
        except NaibuError:
            pass
        return False

    def open(self, options: StrokesOptions) -> StrokeData:
        """Return the drawings in three parts; see `open_strokes`."""
        return open_strokes(
            options.files,
            class_=options.class_,
            text=options.text,
            words=options.words,
            font=options.font,
            validation=options.validation,
            test=options.test,
            seed=options.split_seed,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with units."""
        return super().configured(data, replace(model, units=model.units or UNITS), training)

    def build(self, sizes: Mapping[str, int], config: StrokesConfig) -> StrokeModel:
        """Return a stroke model, one that writes texts where these are known."""
        from naibu.models.strokes import StrokeModel
        from naibu.models.writing import WritingModel

        return WritingModel(sizes, config) if "characters" in sizes else StrokeModel(sizes, config)

    def order(self, examples: Examples, config: TrainingConfig) -> Order:
        """Return drawings of similar length side by side, with noise anew in training."""
        from naibu.data.order import by_length
        from naibu.data.strokes.order import ByPoints, StrokeOrder

        assert isinstance(examples, Strokes)
        return StrokeOrder(examples, by_length(examples, config, of=ByPoints))

    def examples_of(self, files: Sequence[Path], options: Mapping[str, Any], folder: Path) -> Strokes:
        """Return other drawings as examples. Raises CorpusError for one of no class that was learnt."""
        return strokes_of(read_drawings(files).drawings, StrokeCoder.load(folder))

    def typed(self, text: str, options: Mapping[str, Any], folder: Path, found: Mapping[str, Any]) -> Strokes:
        """Return a drawing that somebody typed or drew; see `naibu.data.strokes.typed`."""
        return typed_drawing(text, StrokeCoder.load(folder), NAME)

    def typing(self, options: Mapping[str, Any], folder: Path) -> Typing:
        """Return what JSON holds a drawing, which may be drawn too."""
        return Typing(told(StrokeCoder.load(folder)), drawn=True)

    def as_typed(self, examples: Examples, number: int, options: Mapping[str, Any]) -> str:
        """Return a drawing as JSON."""
        assert isinstance(examples, Strokes)
        return as_typed(examples, number)

    def judged(self, data: Data) -> int:
        """Return how many points of the validation part are scored each time, at most."""
        return 50_000

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return the loss, the nats of a point without those of the end of its drawing, and how often the pen is told
        right."""
        return (
            loss_measure(),
            Measure("nats_per_point", "nats a point", "less", False, _mean("nats")),
            Measure("pen_nats", "nats of the pen", "less", False, _mean("pen_nats")),
        )

    def evaluated(
        self, trained: Trained, examples: Examples, asked: StrokesEvaluation, progress: Report
    ) -> dict[str, Any]:
        """Return in what unit and with what noise nats are, their interval, how many drawings occur in training, and
        `baselines`, fitted to the training part; where that cannot be opened again, `beside` says why."""
        from naibu.generation.strokes import nats_of_points
        from naibu.tasks.strokes_scores import baselines, interval_of

        assert isinstance(examples, Strokes)
        coder = examples.source.coder
        nats = nats_of_points(trained.model, examples)
        found: dict[str, Any] = {
            "nats_per_point_interval": interval_of(nats, examples.lengths),
            "unit": list(coder.scale),
            "noise": coder.noise,
            "seen_in_training": int(examples.seen().sum()),
        }
        if asked.read:
            from naibu.tasks.strokes_reading import read_again

            found |= read_again(trained, examples, asked.read, progress)
        if asked.unaided:
            return found
        try:
            data = trained.data()
        except NaibuError as error:
            return found | {"beside": f"nothing: {error}"}
        assert isinstance(data, StrokeData)
        return found | {"baselines": baselines(data.train, examples, trained.model.config.mixtures)}

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return scores as they are printed: simple ways in a row each, the interval and the unit as texts."""
        from naibu.tasks.strokes_scores import told_rows

        return told_rows(scores)


def _mean(column: str) -> Any:
    def sums(found: Mapping[str, Array]) -> Sums:
        there = ~np.isnan(found[column])
        return np.where(there, found[column], 0.0), there.astype(np.float64)

    return sums
