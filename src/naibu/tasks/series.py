"""The task `series`: the values that follow, with intervals, of one series or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from naibu.config import ModelConfig, OptimiserName, SeriesConfig, TrainingConfig
from naibu.data.examples import Array, Data, Examples
from naibu.data.series import DecoderName, SeriesData, SeriesWindows
from naibu.data.series_coder import SeriesCoder
from naibu.data.series_grid import check_counts
from naibu.data.series_opening import FRAME, open_series
from naibu.data.series_table import read_table, time_column
from naibu.data.series_typed import as_typed, told, typed_series
from naibu.data.typed import NAME
from naibu.errors import CorpusError, NaibuError, OptionError
from naibu.tasks.task import Measure, Task, Trained, Typing, loss_measure, own_kind

if TYPE_CHECKING:
    from naibu.data.order import Order
    from naibu.models.forecaster import Forecaster
    from naibu.progress import Report
    from naibu.tasks.series_prediction import Forecasted

UNITS = 64
PASSES, LEAST, MOST = 60, 200, 20_000
"""How often each value is forecast in training where nothing is asked for, and steps at least and at most."""


@dataclass(frozen=True)
class SeriesOptions:
    """The series to learn."""

    file: Path
    """A table: CSV (.gz too), or Parquet where pyarrow is installed."""
    _: KW_ONLY
    time: str | None = None
    """The column of time stamps; found by its name when not given. Without any, rows are steps."""
    target: tuple[str, ...] = ()
    """A column to forecast; repeat it, or a,b, for several series. All columns of numbers where there are no others."""
    id: str | None = None
    """The column that names the series of a row, in a long table."""
    horizon: int = 0
    """Steps to forecast; 0 takes a day (an hour of steps below a quarter of an hour; a year of months)."""
    known: tuple[str, ...] = ()
    """A column that is known ahead, a holiday for example; repeat it for more."""
    past: tuple[str, ...] = ()
    """A column that is not known ahead; repeat it for more."""
    context: int = 0
    """Steps that are read before a forecast; 0 takes a week, where that is 336 steps at most, else a day or less."""
    decoder: DecoderName = "direct"
    """direct tells all steps ahead at once; autoregressive draws them one by one, each read in the next."""
    plain: bool = False
    """Read values and covariates alone: neither the calendar nor earlier weeks. The network keeps its own clock."""
    every: str | None = None
    """The step, 5min, 1h, day or month for example; found in the time stamps when not given."""
    start: str | None = None
    """Time of the first row, where there are no time stamps (with --every)."""
    zone: str | None = None
    """The time zone, Europe/Berlin for example: stamps with an offset are put into it; UTC when not given."""
    validation: float = 0.1
    """Share of the time before the test part that chooses the weights, and calibrates intervals."""
    test: float = 0.1
    """Share of the time at the end that is held out."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", Path(self.file))
        for name in ("target", "known", "past"):
            value: Any = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        for name in ("horizon", "context"):
            if getattr(self, name) < 0:
                raise OptionError(f"--{name} {getattr(self, name)}: must be at least 1, or 0 for what suits the series")


@dataclass(frozen=True)
class SeriesTraining(TrainingConfig):
    """How a network learns series, as suits it."""

    batch_size: int = 64
    """Windows in a batch."""
    truncation: int = 0
    """Steps through which gradients travel back; 0 takes the whole window."""
    optimiser: OptimiserName = "adamw"
    """What changes the weights; sgd is plain gradient descent, without momentum."""
    weight_decay: float = 1e-3
    """Share of a weight that is taken from it in a step, times the learning rate; 0 with adam."""
    steps: int | None = None
    """Steps of training, one update each, in place of minutes; without either as many as read every value 60 times as
    one that is forecast, from 200 to 20,000."""
    validations: int = 24
    """How often the validation windows are scored, evenly over the steps."""
    patience: int = 0
    """Validations without a better loss after which training stops; 0 never stops."""


@dataclass(frozen=True)
class SeriesEvaluation:
    """What is told of forecasts."""

    origins: str = "daily"
    """Where forecasts begin in the part: daily, at midnight, or every so many steps, 1 for all."""
    conformal: bool = False
    """Stretch intervals by what they missed on the validation part; `calibrated` tells the scores with it."""
    paths: int = 200
    """Paths that an autoregressive network draws from each origin."""
    automatic: bool = False
    """Tell AutoETS and AutoARIMA too, fitted to the training part; needs statsforecast (extra forecast)."""

    def __post_init__(self) -> None:
        if self.origins != "daily" and not (self.origins.isdigit() and int(self.origins) > 0):
            raise OptionError(f"--origins {self.origins}: must be daily, or a number of steps of at least 1")
        if self.paths < 2:
            raise OptionError(f"--paths {self.paths}: must be at least 2")


@dataclass(frozen=True)
class SeriesPrediction:
    """From where a forecast goes on, and how."""

    history: Path | None = None
    """A file of the series up to where the forecast begins; what the network learnt from when not given."""
    calibrate: bool = False
    """Stretch intervals by what they missed on the validation part of what the network learnt from."""
    drawn: int = 200
    """Paths that an autoregressive network draws."""


class Series(Task):
    """Series of numbers over time."""

    name = "series"
    about = "asked for the values of a series that follow"
    options = SeriesOptions
    training = SeriesTraining
    model = SeriesConfig
    evaluation = SeriesEvaluation
    prediction = SeriesPrediction
    examples = ("taxi.csv", "metro.csv --target traffic_volume --horizon 24 --known holiday --minutes 3")
    steps: ClassVar[int] = 50_000
    """Steps of windows that are judged each time."""

    def fits(self, path: Path) -> bool:
        """Return whether this is a table with a column of time stamps and one of numbers."""
        name = path.name.lower().removesuffix(".gz")
        if not path.is_file() or not name.endswith((".csv", ".parquet", ".pq")):
            return False
        try:
            table = read_table(path)
            time = time_column(table, None)
            return time is not None and any(table.is_numeric(name) for name in table.columns if name != time)
        except NaibuError:
            return False

    def open(self, options: SeriesOptions) -> SeriesData:
        """Return the series in three parts by time; see `open_series`."""
        if str(options.file) == FRAME:
            raise CorpusError("the network learnt a data frame; give naibu.open_series(frame, ...) as the data", FRAME)
        return open_series(
            options.file,
            time=options.time,
            target=options.target,
            id=options.id,
            horizon=options.horizon,
            known=options.known,
            past=options.past,
            context=options.context,
            decoder=options.decoder,
            plain=options.plain,
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
        assert isinstance(data, SeriesData)
        window = data.source.window
        steps = training.truncation if training.truncation != TrainingConfig.truncation else 0
        training = own_kind(self.training, replace(training, truncation=steps or window))
        if training.steps is None and training.minutes is None:
            values = len(data.train.learnt) / data.source.horizon
            training = replace(training, steps=int(min(MOST, max(LEAST, PASSES * values / training.batch_size))))
        model, training = super().configured(data, replace(model, units=model.units or UNITS), training)
        if getattr(model, "distribution", "") == "negative-binomial":
            check_counts(data.source.grid)
        return model, training

    def build(self, sizes: Mapping[str, int], config: SeriesConfig) -> Forecaster:
        """Return a forecaster."""
        from naibu.models.forecaster import Forecaster

        return Forecaster(sizes, config)

    def order(self, examples: Examples, config: TrainingConfig) -> Order:
        """Return windows at origins in random order."""
        from naibu.data.series_order import WindowOrder

        assert isinstance(examples, SeriesWindows)
        return WindowOrder(examples, examples.learnt, config.batch_size, config.truncation)

    def typed(self, text: str, options: Mapping[str, Any], folder: Path, found: Mapping[str, Any]) -> SeriesWindows:
        """Return the window over rows that somebody typed; see `naibu.data.series_typed`."""
        return typed_series(text, SeriesCoder.load(folder), options, NAME)

    def typing(self, options: Mapping[str, Any], folder: Path) -> Typing:
        """Return which columns a line has, in order, and where forecasts begin."""
        return Typing(told(SeriesCoder.load(folder), options))

    def as_typed(self, examples: Examples, number: int, options: Mapping[str, Any]) -> str:
        """Return a window as lines of a step each, those that are forecast after an empty line."""
        assert isinstance(examples, SeriesWindows)
        return as_typed(examples, number, options)

    def judged(self, data: Data) -> int:
        """Return how many steps of windows are scored each time, at most."""
        return self.steps

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return the loss, the mean absolute error of the median, and how much of the truth lies inside 80 and 95 %."""
        return (
            loss_measure(),
            Measure("error", "absolute error", "less", False, _error),
            *(
                Measure(f"inside_{share}", f"inside the central {share} %", "more", True, _inside(share))
                for share in (80, 95)
            ),
        )

    def evaluated(
        self, trained: Trained, examples: Examples, asked: SeriesEvaluation, progress: Report
    ) -> dict[str, Any]:
        """Return the scores of forecasts from rolling origins of a part, by horizon, beside simple forecasts."""
        from naibu.tasks.series_evaluation import evaluated

        assert isinstance(examples, SeriesWindows)
        return evaluated(
            trained.model, examples, asked.origins, asked.conformal, asked.paths, progress, asked.automatic
        )

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return the scores with a row for each simple forecast's error, and one for the skill."""
        rows = {name: value for name, value in super().told(scores).items() if not isinstance(value, list)}
        for name, each in scores.get("baselines", {}).items():
            rows[f"mae of: {name}"] = each["mae"]
        if "skill" in scores:
            each = scores["skill"]
            rows["mae over the best of these"] = (
                f"none, for it makes no error ({each['over']})"
                if each["ratio"] is None
                else f"{each['ratio']:.3f} [{each['low']:.3f}, {each['high']:.3f}] ({each['over']})"
            )
        for name, each in scores.get("calibrated", {}).items():
            rows[f"calibrated {name}"] = each
        return rows

    def predict(self, trained: Trained, files: Sequence[Path], asked: SeriesPrediction, progress: Report) -> Forecasted:
        """Return forecasts of the steps of a file, or without any of as many as the horizon has."""
        from naibu.tasks.series_prediction import predicted

        return predicted(trained, files, asked.history, asked.calibrate, asked.drawn, progress)


def _error(found: Mapping[str, Array]) -> tuple[Array, Array]:
    there = ~np.isnan(found["error"])
    return np.where(there, found["error"], 0.0), there.astype(np.float64)


def _inside(share: int) -> Any:
    def sums(found: Mapping[str, Array]) -> tuple[Array, Array]:
        gold, there = found["gold"], ~np.isnan(found["gold"])
        inside = there & (gold >= found[f"low_{share}"]) & (gold <= found[f"high_{share}"])
        return inside.astype(np.float64), there.astype(np.float64)

    return sums
