"""The clock in a network of hours: which units keep it, whether it is one, and what moves when it is set forward.

    naibu train series metro_i94_full.csv.gz --target traffic_volume --horizon 24 --plain ... --out runs/clock
    naibu record runs/clock
    python docs/made/clock.py runs/clock docs/clock

Prints the figures of docs/clock.md and draws its pictures. Steps ahead are "blind": there the network reads no value.
Everything is chosen on training windows and scored on test windows; intervals draw whole windows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from PIL import Image
from torch import Tensor

import naibu
from naibu.cells.edits import Clamp, Edit
from naibu.data.series import SeriesData, SeriesWindows
from naibu.generation.forecasts import forecast, truth_of
from naibu.interventions import edited
from naibu.interventions.by_label import measures_by
from naibu.interventions.measured import Scorer
from naibu.looking.places import Places
from naibu.models.model import evaluating
from naibu.probes.resampling import Resampler, pearson, pearson_columns, per_sequence
from naibu.recording import Recording
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, VERMILLION, ink, write_figure
from naibu.tasks.catalogue import task_named
from naibu.tasks.series_evaluation import rolling

KEY = ("lstm.0", "cell")
BINS, DRAWS, GROUP = 20, 10, 8
RISE = 3000.0
"""Vehicles an hour; where a morning's forecast first passes it, its rise is said to be."""
HOURS = (-3, -2, -1, 1, 2, 3)
Array = np.ndarray


@dataclass(frozen=True)
class Steps:
    """Rows of a recording of windows: values of the cell, the hour, and what else is known of each."""

    cell: Array  # float32 [row unit]
    hour: Array
    sequence: Array
    position: Array  # in the window, from 0
    ahead: Array
    last: Array  # the last value read up to here
    before: Array  # the value read before that
    median: Array  # the network's own forecast, NaN at steps that are read
    label: Callable[[str], Array]


def steps_of(recording: Recording, split: int, blind: bool) -> Steps:
    """Return the rows of one part, those ahead or those that are read."""
    index = recording.index
    ahead = np.asarray(index.label("ahead").values)
    hour = np.asarray(index.label("hour").values)
    rows = np.flatnonzero((np.asarray(index.split) == split) & ((ahead > 0) == blind) & ~np.isnan(hour))
    value, sequence = np.asarray(index.input("value").values), np.asarray(index.sequence)
    place = np.maximum.accumulate(np.where(np.isnan(value), -1, np.arange(len(value))))
    begin = np.concatenate([[0], np.flatnonzero(np.diff(sequence)) + 1])
    place[place < np.repeat(begin, np.diff(np.append(begin, len(value))))] = -1
    before = np.where(place > 0, place[place - 1], -1)
    before[before < begin[np.searchsorted(begin, np.arange(len(value)), side="right") - 1]] = -1
    filled, earlier = (np.where(each < 0, np.nan, value[each]) for each in (place, before))
    return Steps(
        np.asarray(recording[KEY][rows]).astype(np.float32),
        hour[rows],
        sequence[rows],
        np.asarray(index.position)[rows],
        ahead[rows],
        filled[rows],
        earlier[rows],
        np.asarray(index.outcome("median").values)[rows],
        lambda name: np.asarray(index.label(name).values)[rows],
    )


def phases(steps: Steps) -> tuple[Array, Array]:
    """Return how much of each unit one wave a day tells, R, and the hour at which that wave is highest, `[unit]`."""
    angle = 2 * np.pi * steps.hour / 24
    wave = np.stack([np.ones_like(angle), np.sin(angle), np.cos(angle)], 1)
    weights, *_ = np.linalg.lstsq(wave, steps.cell.astype(np.float64), rcond=None)
    spread = steps.cell.var(0, dtype=np.float64)
    told = (wave @ weights).var(0)
    r = np.sqrt(np.where(spread > 1e-12, told / np.where(spread > 1e-12, spread, 1), 0))
    return r, np.arctan2(weights[1], weights[2]) * 24 / (2 * np.pi) % 24


def hand(hour: Array, phase: float) -> Array:
    """Return the wave of a day that is highest at an hour, float64 of the same shape."""
    return np.asarray(np.cos(2 * np.pi * (hour - phase) / 24), np.float64)


def r_of(x: Array, y: Array, sequence: Array) -> list[float]:
    """Return Pearson's r and its 95 % interval, from drawing whole windows."""
    there = ~np.isnan(x) & ~np.isnan(y)
    sums = per_sequence(pearson_columns(x[there], y[there]), sequence[there])
    score = Resampler(1000, 1).score(pearson, sums, len(x))
    return [score.value, score.low, score.high]


def bins_of(fitted: Array, values: Array) -> Array:
    """Return in which twentieth of the fitted values each value lies, -1 for none."""
    edges = np.quantile(fitted[~np.isnan(fitted)], np.linspace(0, 1, BINS + 1)[1:-1])
    return np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right"))


def from_table(train: Sequence[Array], y: Array, test: Sequence[Array]) -> Array:
    """Return what a table tells: the mean of y in each cell of some columns, the mean of all where a cell is empty."""
    size = [int(max(a.max(), b.max())) + 2 for a, b in zip(train, test, strict=True)]
    code, asked = (np.ravel_multi_index(tuple(c.astype(int) + 1 for c in part), size) for part in (train, test))
    total, count = (np.bincount(code, w, int(np.prod(size))) for w in (y, None))
    return np.where(count > 0, total / np.maximum(count, 1), y.mean())[asked]


def within(x: Array, group: Array) -> Array:
    """Return values less the mean of their group."""
    total, count = np.bincount(group, x), np.bincount(group)
    return np.asarray(x - (total / np.maximum(count, 1))[group])


def found_in(recording: Recording, blind: bool) -> dict[str, Any]:
    """Return the unit of the cell that keeps the hour best on training windows, and its r on test windows."""
    train, test = (steps_of(recording, split, blind) for split in (0, 2))
    r, phase = phases(train)
    unit = int(r.argmax())
    y = hand(test.hour, phase[unit])
    return {
        "unit": unit,
        "phase": float(phase[unit]),
        "r": r_of(test.cell[:, unit], y, test.sequence),
        "units from .8": int(np.sum(r >= 0.8)),
        "all": [[k, float(r[k]), float(phase[k])] for k in np.argsort(-r)],
        "train": train,
        "test": test,
    }


def controls(found: dict[str, Any], blind: bool) -> dict[str, Any]:
    """Return what the hour is told by without the network, and what is left of the unit beside its own forecast."""
    train, test, phase, unit = found["train"], found["test"], found["phase"], found["unit"]
    y, wanted = hand(train.hour, phase), hand(test.hour, phase)
    last = [bins_of(train.last, part.last) for part in (train, test)]
    before = [bins_of(train.before, part.before) for part in (train, test)]
    ahead = [part.ahead for part in (train, test)]
    tables = {"value": [last], "value and the one before": [last, before]}
    if blind:
        tables = {
            "position ahead": [ahead],
            "last value, ahead": [last, ahead],
            "last two values, ahead": [[each // 2 for each in last], [each // 2 for each in before], ahead],
        }
    out = {
        name: r_of(from_table([c[0] for c in columns], y, [c[1] for c in columns]), wanted, test.sequence)
        for name, columns in tables.items()
    }
    if blind:
        group = bins_of(train.median, test.median)
        there = group >= 0
        x, rest = (within(each[there], group[there]) for each in (test.cell[:, unit].astype(float), wanted))
        out["within bins of its own forecast"] = r_of(x, rest, test.sequence[there])
    return out


def together(recording: Recording, blind: bool, phase: float) -> list[float]:
    """Return r of a straight line in all units of the cell, fitted on training windows, on test windows."""
    train, test = (steps_of(recording, split, blind) for split in (0, 2))
    both = [np.column_stack([np.ones(len(x)), x]).astype(np.float64) for x in (train.cell, test.cell)]
    weights, *_ = np.linalg.lstsq(both[0], hand(train.hour, phase), rcond=None)
    return r_of(both[1] @ weights, hand(test.hour, phase), test.sequence)


def week(recording: Recording) -> dict[str, Any]:
    """Return the unit that tells the weekend best at blind steps, with its r, and r at each hour."""
    train, test = (steps_of(recording, split, True) for split in (0, 2))
    y, wanted = train.label("weekend").astype(float), test.label("weekend").astype(float)
    x = train.cell - train.cell.mean(0)
    r = x.T @ (y - y.mean()) / np.sqrt((x**2).sum(0) * ((y - y.mean()) ** 2).sum())
    unit = int(np.abs(r).argmax())
    return {"unit": unit, "r": r_of(test.cell[:, unit], wanted, test.sequence)}


def setting(read: Steps, unit: int, phase: float) -> dict[int, float]:
    """Return r of a unit with the hour after so many steps of a window, which begins with an empty state."""
    found = {}
    for after in (1, 6, 12, 24, 48, 96, 168):
        at = read.position == after - 1
        found[after] = float(np.corrcoef(read.cell[at, unit], hand(read.hour[at], phase))[0, 1])
    return found


@dataclass(frozen=True)
class Moved:
    """The edit that adds something to some units of a signal at one step."""

    units: Sequence[int]
    by: Array  # [unit]
    step: int

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]`, moved at the step."""
        if step != self.step:
            return value
        moved = value.clone()
        moved[..., list(self.units)] += torch.as_tensor(self.by, dtype=value.dtype)
        return moved


def held(run: naibu.Run, data: SeriesData, means: Array, groups: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """Return the error at rush hour and at other hours with groups of units held at their means at the blind steps."""
    model, window = naibu.load(run), data.source.window
    task = task_named("series").measures(data.test)
    measures = [each for each in measures_by(task, data.test, "rush_hour") if each.name == "error"]
    scorer = Scorer(model, data.test, measures, Resampler(1000, 1), ("rush_hour",))
    with evaluating(model):
        before = scorer.sums()
    found = []
    for group in groups:
        clamp = Clamp(list(group), means[list(group)].tolist(), range(window - data.source.horizon, window))
        with evaluating(model), edited(model, {KEY: clamp}):
            no, yes = scorer.measured(scorer.sums(), before)
        row: dict[str, Any] = {"units": list(map(int, group))}
        for name, each in (("rush hour", yes), ("other hours", no)):
            change = each.change.test
            row[name] = {"mae": each.scores.test.value, "change": [change.value, change.low, change.high]}
        found.append(row)
    return found


def rise(curve: Array) -> float:
    """Return the hour at which a forecast from midnight first passes RISE, NaN where it never does."""
    above = np.flatnonzero((curve[1:] >= RISE) & (curve[:-1] < RISE))
    if not len(above):
        return np.nan
    first = int(above[0])
    return float(first + (RISE - curve[first]) / (curve[first + 1] - curve[first]))


def with_interval(curves: Array) -> list[float]:
    """Return when the mean of forecasts `[day ahead]` rises, with its 95 % interval, from drawing days."""
    draw = np.random.default_rng(1)
    some = [rise(curves[draw.integers(0, len(curves), len(curves))].mean(0)) for _ in range(500)]
    return [rise(curves.mean(0)), *np.nanpercentile(some, (2.5, 97.5)).tolist()]


def by_hour(steps: Steps) -> Array:
    """Return the mean of every unit at each hour, `[hour unit]`."""
    return np.stack([steps.cell[steps.hour.astype(int) == hour].mean(0, dtype=np.float64) for hour in range(24)])


def shifted(
    run: naibu.Run,
    data: SeriesData,
    read: Steps,
    blind: Steps,
    groups: dict[str, Sequence[int]],
    many: Sequence[int],
) -> dict[str, Any]:
    """Return forecasts of workdays from midnight with the hour set forward in some units, once, at the last value; and
    with the units `many` stopped at what they are at one hour, at all blind steps."""
    model, source = naibu.load(run), data.source
    origins = rolling(source, "daily", *data.test.span)
    windows = SeriesWindows(source, origins, None, data.test.span)
    ahead = windows.label("weekend").values.reshape(len(origins), -1)[:, source.context :]
    days = origins[ahead[:, 0] == 0]
    means, truth = by_hour(read), truth_of(source, days)
    days, truth = days[~np.isnan(truth).any(1)], truth[~np.isnan(truth).any(1)]

    def told(edit: Edit | None) -> Array:
        with evaluating(model), edited(model, {} if edit is None else {KEY: edit}):
            return forecast(model, source, days).median

    plain = told(None)
    found: dict[str, Any] = {
        "days": len(days),
        "truth": with_interval(truth),
        "as it is": with_interval(plain),
        "curves": {"truth": truth.mean(0), 0: plain.mean(0)},
    }
    draw = np.random.default_rng(2)
    for name, units in groups.items():
        for hours in HOURS:
            by = (means[(23 + hours) % 24] - means[23])[list(units)]
            curves = told(Moved(units, by, source.context - 1))
            found[f"{name}, {hours:+d}"] = with_interval(curves)
            if name == "all units":
                found["curves"][hours] = curves.mean(0)
                found[f"apart, {hours:+d}"] = [apart(curves, plain, hours), apart(plain, plain, hours)]
                mixed = [told(Moved(units, draw.permutation(by), source.context - 1)) for _ in range(3)]
                found[f"all units, mixed up, {hours:+d}"] = [[rise(x.mean(0)), apart(x, plain, hours)] for x in mixed]
    found["range"] = float(np.ptp(plain.mean(0)))
    window = range(source.context, source.window)
    for hour in (3, 12, 17):
        stopped = told(Clamp(list(many), by_hour(blind)[hour][list(many)].tolist(), window)).mean(0)
        found[f"stopped at {hour}"] = [float(stopped.mean()), float(np.ptp(stopped)), float(truth.mean(0)[hour])]
    return found


def apart(curves: Array, plain: Array, hours: int) -> float:
    """Return how far forecasts `[day ahead]` lie from the untouched ones of so many hours later, on the mean."""
    later = slice(max(0, hours), 24 + min(0, hours))
    here = slice(max(0, -hours), 24 - max(0, hours))
    return float(np.abs(curves[:, here] - plain[:, later]).mean())


def draw_unit(ax: Axes, read: Steps, blind: Steps, unit: int) -> None:
    """Draw the unit at each hour: its mean and middle 90 %, at steps that are read and at those ahead."""
    hours = np.arange(24)
    for steps, colour, name, style in ((read, GREY, "values are read", "--"), (blind, VERMILLION, "blind", "-")):
        at = [steps.cell[steps.hour.astype(int) == hour, unit] for hour in hours]
        ax.fill_between(hours, *np.array([np.quantile(x, (0.05, 0.95)) for x in at]).T, color=colour, alpha=0.15, lw=0)
        ax.plot(hours, [x.mean() for x in at], style, color=colour, label=name)
    ax.set_xticks(range(0, 25, 6), [f"{hour}:00" for hour in range(0, 25, 6)])
    ax.set_ylabel(f"cell, unit {unit}")
    ax.legend()


def draw_phases(ax: Axes, units: Sequence[tuple[int, float, float]]) -> None:
    """Draw every unit at the hour at which its wave is highest, as far out as the wave tells of it."""
    around = np.linspace(0, 2 * np.pi, 200)
    for radius in (0.5, 1.0):
        ax.plot(radius * np.sin(around), radius * np.cos(around), color=ink(ax), alpha=0.25, lw=0.6)
    for hour in range(0, 24, 6):
        angle = 2 * np.pi * hour / 24
        ax.text(1.14 * np.sin(angle), 1.14 * np.cos(angle), f"{hour}:00", ha="center", va="center", fontsize=8)
    for place, (unit, r, phase) in enumerate(units):
        angle = 2 * np.pi * phase / 24
        x, y = r * np.sin(angle), r * np.cos(angle)
        ax.plot(x, y, "o", color=VERMILLION if r >= 0.8 else GREY, markersize=3.5)
        if place < GROUP:
            ax.annotate(f"{unit}", (0.9 * x, 0.9 * y), ha="center", va="center", fontsize=7)
    ax.set_aspect("equal")
    ax.set_axis_off()


def draw_held(ax: Axes, *held: Sequence[dict[str, Any]]) -> None:
    """Draw what errors grow by with the clock's unit, or units, held (filled), and with random ones (rings)."""
    names = [(rows, name) for rows in held for name in ("rush hour", "other hours")]
    for place, (rows, name) in enumerate(names):
        others = [row[name]["change"][0] for row in rows[1:]]
        ax.plot(others, [place + 0.16] * len(others), "o", color=GREY, fillstyle="none", markersize=5, clip_on=False)
        value, low, high = rows[0][name]["change"]
        ax.plot([low, high], [place - 0.16] * 2, color=VERMILLION, lw=2, alpha=0.6)
        ax.plot([value], [place - 0.16], "D", color=VERMILLION, markersize=5.5)
    ax.axvline(0, color=ink(ax), lw=0.6)
    ax.set_yticks(range(len(names)), [f"{len(rows[0]['units'])} held, {name}" for rows, name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("vehicles an hour that the mean error grows by")


def draw_shift(ax: Axes, curves: dict[Any, Array]) -> None:
    """Draw the mean forecast of workdays from midnight, as it is and with the clock set by some hours."""
    ahead = np.arange(24)
    ax.plot(ahead, curves["truth"], ":", color=ink(ax), label="what came")
    styles = {0: (BLUE, "-", "as it is"), 3: (VERMILLION, "-", "3 hours forward"), -3: (GREEN, "-", "3 hours back")}
    for hours, (colour, style, name) in styles.items():
        ax.plot(ahead, curves[hours], style, color=colour, label=name)
    ax.set_xticks(range(0, 25, 6), [f"{hour}:00" for hour in range(0, 25, 6)])
    ax.set_ylabel("vehicles an hour")
    ax.legend()


def main(path: Path, out: Path) -> None:
    """Print the figures and draw the pictures."""
    torch.set_num_threads(1)
    run = naibu.open_run(path)
    data = run.data()
    assert isinstance(data, SeriesData)
    trained, untrained = Places(run).open_recordings()
    assert untrained is not None
    found: dict[str, Any] = {}
    for name, blind in (("blind", True), ("read", False)):
        found[name] = found_in(trained, blind)
        bare = found_in(untrained, blind)
        found[name]["controls"] = {"untrained": bare["r"], **controls(found[name], blind)}
        for what, recording in (("all units together", trained), ("all untrained together", untrained)):
            found[name]["controls"][what] = together(recording, blind, found[name]["phase"])
    found["weekend"] = week(trained)
    read, blind = found["read"]["train"], found["blind"]["train"]
    unit, ranked = found["blind"]["unit"], [each[0] for each in found["blind"]["all"]]
    means, draw = blind.cell.mean(0, dtype=np.float64), np.random.default_rng(1)
    others = np.setdiff1d(np.arange(len(means)), [unit])
    found["held"] = held(run, data, means, [[unit], *([k] for k in draw.permutation(others)[:DRAWS])])
    rest = np.setdiff1d(np.arange(len(means)), ranked[:GROUP])
    some = [draw.permutation(rest)[:GROUP] for _ in range(DRAWS)]
    found["group held"] = held(run, data, means, [ranked[:GROUP], *some])
    groups = {"clock units": ranked[:GROUP], "the clock unit": [unit], "all units": range(len(means))}
    groups |= {f"other units {k}": list(each) for k, each in enumerate(some[:3])}
    many = [k for k, r, _ in found["blind"]["all"] if r >= 0.8]
    found["shifted"] = shifted(run, data, read, blind, groups, many)
    curves = found["shifted"].pop("curves")
    out.mkdir(parents=True, exist_ok=True)
    found["set after"] = setting(found["read"]["test"], unit, found["blind"]["phase"])
    blind_test, read_test = found["blind"].pop("test"), found["read"].pop("test")
    write_figure(lambda ax: draw_unit(ax, read_test, blind_test, unit), out / "unit.png", size=(4.2, 2.6))
    write_figure(lambda ax: draw_phases(ax, found["blind"]["all"]), out / "phases.png", size=(3.0, 3.0))
    write_figure(lambda ax: draw_held(ax, found["held"], found["group held"]), out / "held.png", size=(4.6, 2.2))
    write_figure(lambda ax: draw_shift(ax, curves), out / "shifted.png", size=(4.6, 2.8))
    for picture in ("unit", "phases", "held", "shifted"):
        with Image.open(out / f"{picture}.png") as drawn:
            few = drawn.convert("RGB").quantize(64)
        few.save(out / f"{picture}.png", optimize=True)
    for name in ("blind", "read"):
        found[name].pop("train")
        found[name]["all"] = found[name]["all"][:16]
    print(json.dumps(found, indent=1, default=float))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
