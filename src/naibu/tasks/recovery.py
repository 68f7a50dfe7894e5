"""The task `recovery`: what is missing in series, told from before and after it and from the other series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from naibu.config import ModelConfig, OptimiserName, RecoveryConfig, TrainingConfig
from naibu.config.recovery import UNITS
from naibu.data.examples import Data, Examples
from naibu.data.recovery import RecoveryData, RecoveryWindows
from naibu.data.recovery_opening import NEIGHBOURS, open_recovery
from naibu.data.series_grid import check_counts
from naibu.data.series_opening import FRAME
from naibu.errors import CorpusError, OptionError
from naibu.tasks.series import Series
from naibu.tasks.task import Measure, Task, Trained, own_kind

if TYPE_CHECKING:
    from naibu.data.order import Order
    from naibu.models.recoverer import Recoverer
    from naibu.progress import Report
    from naibu.tasks.recovery_prediction import Filled

PASSES, LEAST, MOST = 60, 200, 20_000
"""How often every step is read in training where nothing is asked for, and updates at least and at most."""


@dataclass(frozen=True)
class RecoveryOptions:
    """The series to learn."""

    file: Path
    """A table: CSV (.gz too), or Parquet where pyarrow is installed."""
    _: KW_ONLY
    time: str | None = None
    """The column of time stamps; found by its name when not given. Without any, rows are steps."""
    target: tuple[str, ...] = ()
    """A column to recover; repeat it, or a,b, for several series. All columns of numbers where there are no others."""
    id: str | None = None
    """The column that names the series of a row, in a long table."""
    window: int = 0
    """Steps that are read at once; 0 takes eight hours, 16 steps where they are longer than half an hour."""
    neighbours: int = NEIGHBOURS
    """Other series that are read beside each: those that go with it most in the training part. 0 reads none."""
    every: str | None = None
    """The step, 5min, 1h, day or month for example; found in the time stamps when not given."""
    start: str | None = None
    """Time of the first row, where there are no time stamps (with --every)."""
    zone: str | None = None
    """The time zone, Europe/Berlin for example: stamps with an offset are put into it; UTC when not given."""
    validation: float = 0.1
    """Share of the time before the test part that chooses the weights."""
    test: float = 0.1
    """Share of the time at the end that is held out."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", Path(self.file))
        object.__setattr__(self, "target", (self.target,) if isinstance(self.target, str) else tuple(self.target))
        if self.window < 0 or 0 < self.window < 4:
            raise OptionError(f"--window {self.window}: must be at least 4, or 0 for what suits the series")
        if self.neighbours < 0:
            raise OptionError(f"--neighbours {self.neighbours}: must be 0 or more")


@dataclass(frozen=True)
class RecoveryTraining(TrainingConfig):
    """How a network learns to recover, as suits it."""

    batch_size: int = 64
    """Windows in a batch."""
    truncation: int = 0
    """Steps through which gradients travel back: the whole window, which is read from both ends."""
    optimiser: OptimiserName = "adamw"
    """What changes the weights; sgd is plain gradient descent, without momentum."""
    weight_decay: float = 1e-3
    """Share of a weight that is taken from it in a step, times the learning rate; 0 with adam."""
    steps: int | None = None
    """Steps of training, one update each, in place of minutes; without either as many as read every step 60 times, from
    200 to 20,000."""
    validations: int = 24
    """How often the validation windows are scored, evenly over the steps."""
    patience: int = 0
    """Validations without a better loss after which training stops; 0 never stops."""


@dataclass(frozen=True)
class RecoveryEvaluation:
    """What is taken away and asked for."""

    removed: str = ".1,.3,.5"
    """Shares of what is there that are taken away, above 0 and below 1: one, or several with commas."""
    pattern: str = "blocks,random"
    """How: blocks of half an hour to four hours, random values one by one, or both with a comma."""
    removal_seed: int = 1
    """Seed of what is taken away."""

    def __post_init__(self) -> None:
        for name in ("removed", "pattern"):
            given: Any = getattr(self, name)
            several = given if isinstance(given, tuple | list) else [given]
            object.__setattr__(self, name, ",".join(map(str, several)))
        _ = self.shares, self.patterns

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares. Raises OptionError for what is none."""
        try:
            found = tuple(float(each) for each in self.removed.split(","))
        except ValueError:
            found = ()
        if not found or not all(0 < each < 1 for each in found):
            raise OptionError(f"--removed {self.removed}: must be shares above 0 and below 1, as in .1,.3,.5")
        return found

    @property
    def patterns(self) -> tuple[Any, ...]:
        """The patterns. Raises OptionError for one that is not known."""
        found = tuple(each.strip() for each in self.pattern.split(","))
        if not set(found) <= {"blocks", "random"}:
            raise OptionError(f"--pattern {self.pattern}: must be blocks, random, or blocks,random")
        return found


class Recovery(Task):
    """Missing values of several series on one clock."""

    name = "recovery"
    about = "asked for the values that are missing in series"
    options = RecoveryOptions
    training = RecoveryTraining
    model = RecoveryConfig
    evaluation = RecoveryEvaluation
    examples = ("sensors.csv", "speeds.csv --every 5min --start 2012-03-01 --minutes 3")
    steps: ClassVar[int] = 50_000
    """Steps of windows that are judged each time."""

    def open(self, options: RecoveryOptions) -> RecoveryData:
        """Return the series in three parts by time; see `open_recovery`."""
        if str(options.file) == FRAME:
            raise CorpusError(
                "the network learnt a data frame; give naibu.open_recovery(frame, ...) as the data", FRAME
            )
        return open_recovery(
            options.file,
            time=options.time,
            target=options.target,
            id=options.id,
            window=options.window,
            neighbours=options.neighbours,
            every=options.every,
            start=options.start,
            zone=options.zone,
            validation=options.validation,
            test=options.test,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with units, and windows that are not cut."""
        assert isinstance(data, RecoveryData)
        window = data.source.coder.window
        training = own_kind(self.training, replace(training, truncation=window))
        if training.steps is None and training.minutes is None:
            read = len(data.train) * data.train.stride / (training.batch_size * window)
            training = replace(training, steps=int(min(MOST, max(LEAST, PASSES * read))))
        model, training = super().configured(data, replace(model, units=model.units or UNITS), training)
        if getattr(model, "distribution", "") == "negative-binomial":
            check_counts(data.source.grid)
        return model, training

    def build(self, sizes: Mapping[str, int], config: RecoveryConfig) -> Recoverer:
        """Return a network."""
        from naibu.models.recoverer import Recoverer

        return Recoverer(sizes, config)

    def order(self, examples: Examples, config: TrainingConfig) -> Order:
        """Return windows in random order, from which other values are taken each time."""
        from naibu.data.recovery_order import RecoveryOrder

        assert isinstance(examples, RecoveryWindows)
        return RecoveryOrder(examples, config.batch_size, config.seed)

    def judged(self, data: Data) -> int:
        """Return how many steps of windows are scored each time, at most."""
        return self.steps

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return the loss, the mean absolute error of the median, and how much of the truth lies inside 80 and 95 %."""
        return Series().measures(examples)

    def evaluated(
        self, trained: Trained, examples: Examples, asked: RecoveryEvaluation, progress: Report
    ) -> dict[str, Any]:
        """Return the scores of values that are taken away from a part, beside simple guesses of the same."""
        from naibu.tasks.recovery_evaluation import evaluated

        assert isinstance(examples, RecoveryWindows)
        return evaluated(trained.model, examples, asked.patterns, asked.shares, asked.removal_seed, progress)

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return the scores with a row for each simple guess's error, for each removal, and one for the skill."""
        rows = Series().told(scores)
        for each in scores.get("by_removal", ()):
            others = ", ".join(f"{other['mae']:.4f} {name}" for name, other in each["baselines"].items())
            rows[f"mae with {100 * each['share']:g} % gone, {each['pattern']}"] = f"{each['mae']:.4f} ({others})"
        return rows

    def predict(self, trained: Trained, files: Sequence[Path], asked: Any, progress: Report) -> Filled:
        """Return what is told of every value that is missing in a file, or without any in what was learnt."""
        from naibu.tasks.recovery_prediction import filled

        return filled(trained, files, progress)
