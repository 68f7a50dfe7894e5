"""How the gradient travels through networks trained and untrained: train, measure, write, draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch import Tensor

from naibu.config import CellName, ModelConfig, TrainingConfig
from naibu.data import builtin
from naibu.data.batches import pad
from naibu.data.corpus import Corpus
from naibu.data.examples import Data
from naibu.data.sequences import Sequences
from naibu.errors import OptionError
from naibu.gradients import ClippingRun, GradientCurve, clipping, gradient_curve
from naibu.gradients.travel import WRT
from naibu.looking.look import open_shown, train_shown
from naibu.looking.options import Gradients
from naibu.looking.places import Places
from naibu.models.language_model import LanguageModel
from naibu.probes.tables import csv_text
from naibu.progress import shown
from naibu.reporting.plots.canvas import write_png
from naibu.reporting.plots.gradients import curve_names, limits, plot_clipping_loss, plot_clipping_norms, plot_gradients
from naibu.runs import Run
from naibu.runs.language_models import load, untrained
from naibu.storage import write_text
from naibu.tasks.trees import TreesOptions
from naibu.training.train import run_name

CORPUS = Path(builtin.NAME)
CELLS_SHOWN: tuple[CellName, ...] = ("rnn", "lstm-no-forget-gate", "lstm", "gru")
EXACT = 128
"""Units up to which the norms are exact, where nothing else is asked for."""
VECTORS = 64
"""Random vectors of the estimate beyond that."""


def measure_gradients(places: Sequence[Places], asked: Gradients, console: Console) -> list[GradientCurve]:
    """Return the curves of every network, layer and derivative; leave gradients.csv and gradients.png in `out`.

    The networks are those in some places; where there are none they are trained, and differ in the cell alone: equal
    text, units, steps, batches, seed.
    """
    curves: list[GradientCurve] = []
    for run, corpus in _runs(places, asked, console):
        ids = beginnings(corpus.test, asked.lags + 1, asked.sequences, asked.seed)
        with shown(f"{run.name}: gradients", "curves") as progress:
            wanted = list(_wanted(run, asked))
            for done, (trained, layer, wrt) in enumerate(wanted):
                model = load(run) if trained else untrained(run)
                curves.append(_curve(run, model, ids, asked, trained, layer, wrt))
                progress(done + 1, len(wanted), "")
    write_text(asked.out / "gradients.csv", csv_text([row for curve in curves for row in curve.rows()]))
    write_png(lambda figure: draw_gradients(figure, curves), asked.out / "gradients.png", size=(10, 6.4))
    return curves


def _runs(places: Sequence[Places], asked: Gradients, console: Console) -> Iterator[tuple[Run, Corpus]]:
    """Yield the runs asked for with their corpus, training those that are not there."""
    if places:
        yield from ((place.run, _corpus(place.run.data())) for place in places)
        return
    corpus = _corpus(open_shown("trees", TreesOptions(CORPUS, form=("tagged",)), console, asked.out))
    training = TrainingConfig(steps=asked.steps, seed=asked.seed, threads=1)
    for cell in dict.fromkeys(asked.cells or CELLS_SHOWN):
        model = ModelConfig(cell, asked.units)
        yield train_shown(corpus, model, training, asked.out / run_name("tagged", model), console), corpus


def _corpus(data: Data) -> Corpus:
    if not isinstance(data, Corpus):
        raise OptionError(f"{data.name}: of the task {data.task}; gradients are measured of language models of trees")
    return data


def beginnings(sequences: Sequences, steps: int, count: int, seed: int) -> Tensor:
    """Return the first `steps` symbols of up to `count` sequences at least so long, `[time batch]`, drawn by `seed`.

    Raises OptionError where fewer than two are so long.
    """
    long = np.flatnonzero(sequences.lengths >= steps)
    if len(long) < 2:
        longest = int(sequences.lengths.max(initial=0))
        raise OptionError(
            f"--lags {steps - 1}: {len(long)} test sequences are longer than that (the longest has {longest} symbols), "
            "and two are needed"
        )
    chosen = np.sort(np.random.default_rng((seed, 37)).permutation(long)[:count])
    return torch.from_numpy(pad(sequences, chosen)[0][:steps])


def _wanted(run: Run, asked: Gradients) -> Iterator[tuple[bool, int, str]]:
    memory = "cell" in untrained(run).layers.cell_type.state_type._fields
    for trained in (False, True):
        for layer in range(run.model.layers):
            for wrt in asked.wrt or WRT:
                if (wrt not in ("cell", "carousel") or memory) and (asked.wrt or wrt != "state"):
                    yield trained, layer, wrt


def _curve(
    run: Run, model: LanguageModel, ids: Tensor, asked: Gradients, trained: bool, layer: int, wrt: str
) -> GradientCurve:
    exact = run.model.units <= EXACT or asked.norm == "spectral"
    kind = asked.norm or ("spectral" if exact else "frobenius")
    with torch.no_grad():
        x = model.embed(ids)
    return gradient_curve(
        model.layers,
        x,
        lags=lags_to(asked.lags),
        layer=layer,
        wrt=wrt,
        kind=kind,
        vectors=0 if exact else VECTORS,
        seed=asked.seed,
        run=run.name,
        cell=run.model.cell,
        trained=trained,
    )


def lags_to(last: int) -> list[int]:
    """Return the lags from 0 to `last` at which norms are taken: all at first, then about 20 to each tenfold."""
    spread = np.geomspace(1, last, max(2, round(20 * np.log10(last)) + 1)) if last > 1 else np.array([1])
    return sorted({0, *range(1, min(last, 12) + 1), *np.round(spread).astype(int).tolist()})


def draw_gradients(figure: Figure, curves: Sequence[GradientCurve]) -> None:
    """Draw untrained and trained networks side by side; below, where there are any, the cells."""
    rows = [wanted for wanted in (("hidden",), ("state",), ("cell", "carousel")) if _of(curves, wanted)]
    axes = figure.subplots(len(rows), 2, sharex=True, sharey="row", squeeze=False)
    for row, wanted in enumerate(rows):
        curves_here = _of(curves, wanted)
        for column, trained in enumerate((False, True)):
            chosen = [curve for curve in curves_here if curve.trained is trained]
            plot_gradients(chosen, axes[row, column], title="trained" if trained else "untrained")
            axes[row, column].set_ylim(*limits(curves_here))
            if row < len(rows) - 1:
                axes[row, column].set_xlabel("")
        axes[row, 1].set_ylabel("")
        axes[row, 1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _of(curves: Sequence[GradientCurve], wanted: Sequence[str]) -> list[GradientCurve]:
    return [curve for curve in curves if curve.wrt in wanted]


def gradients_table(curves: Sequence[GradientCurve]) -> Table:
    """Return the norms at a few lags, and the Elman bound, a row for each network, layer and derivative."""
    last = curves[0].lags[-1]
    chosen = sorted({min(curves[0].lags, key=lambda lag: abs(lag - x)) for x in (last / 10, last / 2, last)})
    title = f"{curves[0].kind.capitalize()} norm against the lag, median of {curves[0].sequences} sequences"
    table = Table(title=title, title_justify="left")
    for name in ("network", "", "of", *(f"lag {lag}" for lag in chosen)):
        table.add_column(name, overflow="fold")
    before = None
    for name, curve in zip(curve_names(curves), curves, strict=True):
        where = [curve.lags.index(lag) for lag in chosen]
        trained = "trained" if curve.trained else "untrained"
        shown_name = (name, trained) if (name, trained) != before else ("", "")
        table.add_row(*shown_name, curve.wrt, *(f"{curve.norm[k]:.2g}" for k in where))
        if curve.bound is not None:
            table.add_row("", "", "bound", *(f"{curve.bound[k]:.2g}" for k in where))
        before = (name, trained)
    return table


def measure_clipping(asked: Gradients, console: Console) -> tuple[ClippingRun, ...]:
    """Return a short training without clipping and one with; leave clipping.csv and clipping.png in `out`."""
    corpus = _corpus(open_shown("trees", TreesOptions(CORPUS, form=("brackets",)), console, asked.out))
    with shown("clipping", "steps") as progress:
        runs = clipping(corpus.train, units=asked.units, steps=asked.steps, seed=asked.seed, progress=progress)
    write_text(asked.out / "clipping.csv", csv_text([row for run in runs for row in run.rows()]))

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True)
        plot_clipping_norms(runs, above).set_xlabel("")
        plot_clipping_loss(runs, below)

    write_png(draw, asked.out / "clipping.png", size=(7, 5))
    return runs


def clipping_table(runs: Sequence[ClippingRun]) -> Table:
    """Return the norms met, before clipping, and the losses: of the first step, the mean of the last tenth."""
    first = runs[0]
    title = (
        f"Elman network, spectral radius {first.radius:g} at the start, gradient descent at rate "
        f"{first.learning_rate:g}, {len(first.norm)} steps"
    )
    table = Table(title=title, title_justify="left")
    for name in ("", "median norm", "greatest norm", "first loss", "last loss"):
        table.add_column(name)
    for run in runs:
        numbers: list[Any] = [np.median(run.norm), max(run.norm), run.loss[0], run.last_loss()]
        table.add_row(run.run, *(f"{number:.4g}" for number in numbers))
    return table
