"""Every plot draws what its result holds: the artists are read, not the pixels."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from scipy.stats import beta

import fake_results as fake
from naibu.reporting.plots.canvas import BLUE, GREY, VERMILLION, drawn, new_axes, tinted
from naibu.reporting.plots.distributions import beta_density, plot_distribution
from naibu.reporting.plots.holding import plot_holding
from naibu.reporting.plots.prediction import BEHIND_NUMBERS, plot_confusion, plot_learning_curve
from naibu.reporting.plots.probing import plot_l1_path, plot_regression
from naibu.reporting.plots.units import plot_association, plot_correlation, plot_overlap, plot_trajectory


def of(name: str) -> Callable[..., Axes]:
    """The plot of each kind with a fake result, taking optional axes."""
    cell = next(s for s in fake.correlation().signals if s.signal == "cell")
    return {
        "learning": lambda ax=None: plot_learning_curve(fake.network().subject.metrics, ax),
        "confusion": lambda ax=None: plot_confusion(fake.confusion(), ax),
        "correlation": lambda ax=None: plot_correlation(fake.correlation(), ax),
        "association": lambda ax=None: plot_association(cell, ax, label="depth"),
        "trajectory": lambda ax=None: plot_trajectory(fake.trajectories(), ax),
        "overlap": lambda ax=None: plot_overlap(fake.overlap().best(), ax, label="inside:VP"),
        "distribution": lambda ax=None: plot_distribution(fake.distributions().signals[0], ax),
        "regression": lambda ax=None: plot_regression((fake.regression(),), ax),
        "l1": lambda ax=None: plot_l1_path(fake.l1_path(), ax),
        "holding": lambda ax=None: plot_holding(fake.holding(), ax),
    }[name]


KINDS = (
    "learning",
    "confusion",
    "correlation",
    "association",
    "trajectory",
    "overlap",
    "distribution",
    "regression",
    "l1",
    "holding",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_uses_the_axes_it_is_given_or_makes_some_and_leaves_no_global_state(kind: str) -> None:
    before = dict(mpl.rcParams)
    ax = new_axes()
    assert of(kind)(ax) is ax
    made = of(kind)()
    assert made is not ax
    assert isinstance(made, Axes)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
def test_equal_results_give_equal_drawings_whatever_the_users_settings(kind: str) -> None:
    def picture() -> str:
        return drawn(of(kind), size=(3, 2), name="a", label="l")

    first = picture()
    with mpl.rc_context({"font.size": 23, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        assert picture() == first
    assert first.startswith("<svg")
    assert "font-family" not in first
    ids = re.findall(r' id="([^"]*)"', first)
    assert not {*ids} & {*re.findall(r' id="([^"]*)"', drawn(of(kind), size=(3, 2), name="b", label="l"))}


def test_the_learning_curve_has_the_losses_that_were_written() -> None:
    ax = plot_learning_curve([{"step": 1, "loss": 3.0, "validation_loss": 2.5}, {"step": 2, "validation_loss": 2.0}])
    training, validation = ax.get_lines()
    assert training.get_xydata().tolist() == [[1, 3.0]]
    assert validation.get_xydata().tolist() == [[1, 2.5], [2, 2.0]]


def test_the_confusion_matrix_is_as_opaque_as_the_share_of_each_row() -> None:
    confusion = fake.confusion()
    ax = plot_confusion(confusion)
    alpha = np.asarray(ax.images[0].get_array())[..., 3]
    assert alpha[0, 0] == pytest.approx(BEHIND_NUMBERS * confusion.recall[0])
    assert alpha[:-1].sum(axis=1) == pytest.approx(BEHIND_NUMBERS * np.ones(10))
    assert not alpha[-1].any()  # the symbol that never came
    assert [t.get_text() for t in ax.get_yticklabels()][:5] == ["(NP", "NP)", "(VP", "VP)", "ED"]
    frame = ax.patches[-1]
    assert (frame.get_x(), frame.get_y()) == (3.5, 3.5)


def test_symbols_that_look_like_mathematics_are_drawn_as_they_are() -> None:
    confusion = replace(fake.confusion(symbols=("$x$", "$", "\\frac", "ED")))
    svg = drawn(lambda ax: plot_confusion(confusion, ax), size=(3, 3), name="a", label="l")
    assert ">$x$<" in svg
    assert ">\\frac<" in svg


def test_units_are_ranked_and_controls_drawn() -> None:
    correlation = fake.correlation()
    chief = [s for s in correlation.signals if s.signal in ("cell", "hidden")]
    ax = plot_correlation(correlation, signals=chief)
    ranked = ax.get_lines()[0].get_ydata()
    assert list(ranked) == sorted(np.abs(chief[0].train_pearson), reverse=True)
    assert to_hex(ax.get_lines()[0].get_color()) == VERMILLION
    assert to_hex(ax.get_lines()[2].get_color()) == BLUE
    levels = sorted(line.get_ydata()[0] for line in ax.get_lines() if line.get_color() == GREY)
    assert levels == pytest.approx([0.4, 0.61])


def test_the_association_shows_counts_and_mean() -> None:
    signal = fake.correlation().signals[5]
    ax = plot_association(signal)
    assert ax.images[0].get_array().shape == (60, 13, 4)
    assert np.array_equal(ax.get_lines()[0].get_ydata(), signal.association.mean, equal_nan=True)
    seen = ax.images[0].get_array()[..., 3].T > 0
    assert np.array_equal(seen, signal.association.counts > 0)


def test_a_trajectory_has_the_units_values_the_labels_steps_and_the_symbols() -> None:
    found = fake.trajectories()
    ax = plot_trajectory(found, sequence=1, falling=True)
    behind = next(other for other in ax.figure.axes if other is not ax)
    assert ax.get_lines()[0].get_ydata() == pytest.approx(found.sequences[1].values[:, 0])
    assert behind.get_lines()[0].get_ydata() == pytest.approx(found.sequences[1].label)
    assert behind.yaxis.get_inverted()
    assert [t.get_text() for t in ax.get_xticklabels()] == list(found.sequences[1].symbols)
    assert plot_trajectory(found, sequence=3).get_xlabel() == "places read"


def test_the_shaded_area_is_the_overlap() -> None:
    signal = fake.overlap().best()
    ax = plot_overlap(signal, label="inside:VP", values=("0", "1"))
    shared, *outlines = ax.patches
    shares = signal.counts / signal.counts.sum(axis=1, keepdims=True)
    assert shared.get_data().values.sum() == pytest.approx(shares.min(axis=0).sum())
    assert [line.get_data().values.sum() for line in outlines] == pytest.approx([1, 1])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["shared", "not inside a VP", "inside a VP"]


def test_a_distribution_has_its_histogram_the_untrained_one_beta_and_peaks() -> None:
    gate, hidden = fake.distributions().signals[0], fake.distributions().signals[-1]
    ax = plot_distribution(gate)
    assert ax.patches[0].get_data().values == pytest.approx(gate.counts / gate.counts.sum())
    assert len(ax.patches) == 3
    assert gate.beta is not None
    x = np.linspace(0.01, 0.99, 9)
    assert beta_density(x, gate.beta) == pytest.approx(beta.pdf(x, 0.4, 0.3))
    marks = [line for line in plot_distribution(hidden).get_lines() if line.get_marker() == "v"]
    assert [float(line.get_xdata()[0]) for line in marks] == [-0.905, 0.0, 0.905]


def test_regression_bars_carry_value_interval_and_controls() -> None:
    ax = plot_regression((fake.regression(), fake.regression("hidden", 0.9)), split="unseen")
    assert len(ax.get_yticklabels()) == 6
    assert ax.patches[0].get_width() == pytest.approx(0.99978)
    marks = {line.get_marker() for line in ax.get_lines()}
    assert {"D", "|", "x"} <= marks
    below = [line for line in ax.get_lines() if line.get_marker() == "x"]
    assert {float(line.get_xdata()[0]) for line in below} == {-0.2}  # -0.4 is drawn at the axis' end


def test_the_l1_path_has_a_point_for_each_strength_and_the_majority() -> None:
    path = fake.l1_path()
    ax = plot_l1_path(path)
    assert list(ax.get_lines()[0].get_xdata()) == [row.nonzero for row in path.strengths]
    majority = next(line for line in ax.get_lines() if line.get_label() == "always the commoner value")
    assert majority.get_ydata()[0] == pytest.approx(0.69)


def test_holding_draws_before_held_each_random_draw_and_gates() -> None:
    ax = plot_holding(fake.holding())
    dots = [line for line in ax.get_lines() if line.get_marker() not in ("None", None, "")]
    assert [len(line.get_xdata()) for line in dots] == [1, 1, 10, 1]
    assert dots[1].get_xdata()[0] == pytest.approx(0.03)
    rows = [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()]
    assert rows == [
        "nothing held",
        "unit 17 of the cell held",
        "random units instead, 10 draws",
        "input gate at 0, forget gate at 1",
    ]
    assert plot_holding(fake.holding(ends=False)).get_yticklabels()  # rows stay, without dots


def test_a_tinted_image_is_clear_where_there_is_nothing() -> None:
    image = tinted(np.array([[0.0, 0.5, 2.0]]), BLUE)
    assert image[0, :, 3].tolist() == [0, 0.5, 1]
    assert to_hex(image[0, 1, :3]) == BLUE


def test_a_loss_that_falls_below_zero_is_drawn_whole() -> None:
    metrics = [{"step": k, "loss": 1.0 - k, "validation_loss": 1.5 - k} for k in range(1, 4)]
    assert plot_learning_curve(metrics).get_ylim()[0] < -2
    assert plot_learning_curve(fake.network().subject.metrics).get_ylim()[0] == 0


def test_a_course_of_what_is_no_symbol_has_none_along_its_axis() -> None:
    found = fake.trajectories()
    bare = replace(found.sequences[0], symbols=("",) * len(found.sequences[0].symbols))
    assert plot_trajectory(replace(found, sequences=(bare,))).get_xlabel() == "places read"
