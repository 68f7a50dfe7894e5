"""One HTML page, a terminal table and plots that show what was trained and what was found in it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from naibu.report.content import NetworkPart as NetworkPart
from naibu.report.content import Report as Report

if TYPE_CHECKING:
    from naibu.report.page import render as render
    from naibu.report.page import write as write
    from naibu.report.plots.distributions import plot_distribution as plot_distribution
    from naibu.report.plots.holding import plot_holding as plot_holding
    from naibu.report.plots.prediction import plot_confusion as plot_confusion
    from naibu.report.plots.prediction import plot_learning_curve as plot_learning_curve
    from naibu.report.plots.probing import plot_l1_path as plot_l1_path
    from naibu.report.plots.probing import plot_regression as plot_regression
    from naibu.report.plots.units import plot_association as plot_association
    from naibu.report.plots.units import plot_correlation as plot_correlation
    from naibu.report.plots.units import plot_overlap as plot_overlap
    from naibu.report.plots.units import plot_trajectory as plot_trajectory
    from naibu.report.terminal import summary_table as summary_table

_HOME = {
    "render": "naibu.report.page",
    "write": "naibu.report.page",
    "summary_table": "naibu.report.terminal",
    "plot_association": "naibu.report.plots.units",
    "plot_confusion": "naibu.report.plots.prediction",
    "plot_correlation": "naibu.report.plots.units",
    "plot_distribution": "naibu.report.plots.distributions",
    "plot_holding": "naibu.report.plots.holding",
    "plot_l1_path": "naibu.report.plots.probing",
    "plot_learning_curve": "naibu.report.plots.prediction",
    "plot_overlap": "naibu.report.plots.units",
    "plot_regression": "naibu.report.plots.probing",
    "plot_trajectory": "naibu.report.plots.units",
}

__all__ = ["NetworkPart", "Report", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOME:  # resolved on first use: matplotlib loads when something is drawn
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'naibu.report' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
