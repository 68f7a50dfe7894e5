"""One HTML page, a terminal table and plots that show what was trained and what was found in it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from naibu.reporting.content import Part as Part
from naibu.reporting.content import Report as Report
from naibu.reporting.content import Subject as Subject

if TYPE_CHECKING:
    from naibu.reporting.page import render as render
    from naibu.reporting.page import write as write
    from naibu.reporting.plots.distributions import plot_distribution as plot_distribution
    from naibu.reporting.plots.holding import plot_holding as plot_holding
    from naibu.reporting.plots.prediction import plot_confusion as plot_confusion
    from naibu.reporting.plots.prediction import plot_learning_curve as plot_learning_curve
    from naibu.reporting.plots.probing import plot_l1_path as plot_l1_path
    from naibu.reporting.plots.probing import plot_regression as plot_regression
    from naibu.reporting.plots.units import plot_association as plot_association
    from naibu.reporting.plots.units import plot_correlation as plot_correlation
    from naibu.reporting.plots.units import plot_overlap as plot_overlap
    from naibu.reporting.plots.units import plot_trajectory as plot_trajectory
    from naibu.reporting.terminal import summary_table as summary_table

_HOME = {
    "render": "naibu.reporting.page",
    "write": "naibu.reporting.page",
    "summary_table": "naibu.reporting.terminal",
    "plot_association": "naibu.reporting.plots.units",
    "plot_confusion": "naibu.reporting.plots.prediction",
    "plot_correlation": "naibu.reporting.plots.units",
    "plot_distribution": "naibu.reporting.plots.distributions",
    "plot_holding": "naibu.reporting.plots.holding",
    "plot_l1_path": "naibu.reporting.plots.probing",
    "plot_learning_curve": "naibu.reporting.plots.prediction",
    "plot_overlap": "naibu.reporting.plots.units",
    "plot_regression": "naibu.reporting.plots.probing",
    "plot_trajectory": "naibu.reporting.plots.units",
}

__all__ = ["Part", "Report", "Subject", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOME:  # resolved on first use: matplotlib loads when something is drawn
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'naibu.reporting' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
