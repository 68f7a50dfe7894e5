"""What all results share: a short word of themselves, a table, a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naibu.errors import OptionError
from naibu.shown import Row as Row
from naibu.shown import Shown, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOTS: dict[str, tuple[str, str]] = {
    "Correlation": ("naibu.reporting.plots.units:plot_correlation", ""),
    "Trajectories": ("naibu.reporting.plots.units:plot_trajectory", ""),
    "Overlap": ("naibu.reporting.plots.units:plot_overlap", "signals"),
    "Confusion": ("naibu.reporting.plots.prediction:plot_confusion", ""),
    "Attention": ("naibu.reporting.plots.attention:plot_attention_course", ""),
    "Transitions": ("naibu.reporting.plots.transitions:plot_transitions", ""),
    "Regression": ("naibu.reporting.plots.probing:plot_regression", "[]"),
    "L1Path": ("naibu.reporting.plots.probing:plot_l1_path", ""),
    "Distributions": ("naibu.reporting.plots.distributions:plot_distribution", "signals"),
    "Timescales": ("naibu.reporting.plots.timescales:plot_timescales", "layers"),
    "PartOfSpeech": ("naibu.reporting.plots.part_of_speech:plot_telling", ""),
    "BracketPrediction": ("naibu.reporting.plots.bracket_prediction:plot_categories", ""),
    "Holding": ("naibu.reporting.plots.holding:plot_holding", ""),
    "Ternary": ("naibu.reporting.plots.ternary:plot_ternary", ""),
}
"""Result -> the function that draws it, and what of it: all, the first of a field, or all in a list."""
KINDS: dict[str, type[Any]] = {}
"""Every class of results by its name."""


class Result(Shown):
    """A result: `table()`, `plot()`, and a short `repr`; `probes.save` and `probes.load` write and read it."""

    def __init_subclass__(cls) -> None:
        cls.__repr__ = Result.__repr__  # type: ignore[method-assign]  # before a dataclass makes one of its fields
        KINDS[cls.__name__] = cls

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the result, on axes of its own where none are given, and return them; `options` are the plot's own.

        Raises OptionError for a result that is a table only.
        """
        name = type(self).__name__
        if name not in PLOTS:
            raise OptionError(f"{name}: is not drawn, it is a table: .table(); drawn are {', '.join(PLOTS)}")
        where, what = PLOTS[name]
        whole: Any = [self] if what == "[]" else getattr(self, what)[0] if what else self
        return drawn(where, whole, ax, **options)

    def __repr__(self) -> str:
        said = (f"{name}={getattr(self, name)!r}" for name in ("run", "label", "unit") if hasattr(self, name))
        calls = ".table()" + (", .plot()" if type(self).__name__ in PLOTS else "")
        return f"{type(self).__name__}({', '.join(said)}; {len(self.rows())} rows: {calls})"
