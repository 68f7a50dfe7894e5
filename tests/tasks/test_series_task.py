"""Forecasting from file to file: trained, scored from rolling origins beside simple forecasts, predicted."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import numpy as np
import pytest
import torch
from sklearn.base import clone

import naibu
from naibu.cli import main
from naibu.config import SeriesConfig, TrainingConfig
from naibu.data.series import window_batch
from naibu.data.series_baselines import baselines
from naibu.generation.forecasts import LEVELS, Forecasts, calibrated, forecast, sample_paths, truth_of
from naibu.models.forecaster import Forecaster
from naibu.sklearn import LSTMForecaster
from naibu.tasks.series_scores import scores_of, skill
from series_tables import START, hourly, volumes

HOURS, HORIZON = 56 * 24, 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    (folder / "traffic.csv").write_text(hourly(HOURS, seed=7))
    return folder


def trained(folder, name, **options):
    data = naibu.open_series(
        folder / "traffic.csv", target="volume", known="holiday", horizon=HORIZON, context=24, **options
    )
    training = TrainingConfig(steps=60, validations=2, threads=1, learning_rate=0.01)
    return naibu.train(data, out=folder / name, model=SeriesConfig(units=8), training=training)


@pytest.fixture(scope="module")
def run(folder):
    return trained(folder, "direct")


@pytest.fixture(scope="module")
def drawn(folder):
    return trained(folder, "drawn", decoder="autoregressive")


def ahead(hours=HORIZON, first=HOURS, columns="time,holiday", value="None"):
    lines = [f"{START + timedelta(hours=k):%Y-%m-%d %H:%M:%S},{value}" for k in range(first, first + hours)]
    return columns + "\n" + "\n".join(lines) + "\n"


# ---------------------------------------------------------------- scores


def test_scores_have_the_agreed_keys_and_beat_the_last_value(run, folder, capsys):
    out = folder / "scores.json"
    assert main(["evaluate", str(run.path), "--origins", "daily", "--conformal", "--json", str(out)]) == 0
    scores = json.loads(out.read_text())
    keys = {"mae", "rmse", "mase", "crps", "pinball", "coverage_80", "coverage_95"}
    assert keys | {"by_horizon", "baselines", "skill", "loss", "examples", "steps", "origins"} <= scores.keys()
    assert [row["ahead"] for row in scores["by_horizon"]] == [1, 2, 3, 4, 5, 6]
    assert {"last value", "drift", "a day before", "a week before", "mean of 8 weeks"} <= scores["baselines"].keys()
    assert all(keys <= each.keys() for each in scores["baselines"].values())
    assert scores["mae"] < scores["baselines"]["last value"]["mae"]
    best = min(scores["baselines"].values(), key=lambda each: each["mae"])
    assert scores["skill"]["ratio"] == pytest.approx(scores["mae"] / best["mae"])
    assert scores["skill"]["low"] <= scores["skill"]["ratio"] <= scores["skill"]["high"]
    low, high = scores["coverage_80_interval"]
    assert low <= scores["coverage_80"] <= high
    assert scores["calibrated"]["coverage_80"] > 0
    assert scores["origins"] == 5  # midnights of the last tenth that have six hours after them
    assert "mae over the best of these" in capsys.readouterr().out


def test_a_day_at_midnights_and_every_so_many_steps(run):
    every = naibu.evaluate(run, origins="1")
    source = run.data().source
    test = source.parts[1]
    assert every["origins"] == source.grid.steps - test - HORIZON + 1
    assert naibu.evaluate(run, origins="50")["origins"] == 3
    with pytest.raises(naibu.OptionError, match="--origins hourly: must be daily, or a number of steps"):
        naibu.evaluate(run, origins="hourly")


def test_the_median_of_a_forecast_is_that_of_the_outcomes(run):
    data, model = run.data(), naibu.load(run)
    batch = data.test.batch(np.arange(5))
    outcomes, _ = model.outcomes(batch)
    found = forecast(model, data.source, data.test.origins[:5])
    for name, level in (("median", 0.5), ("low_80", 0.1), ("high_95", 0.975)):
        there = ~np.isnan(found.truth)  # where a value is missing nothing is asked
        told = outcomes[name][-HORIZON:].T.numpy()
        np.testing.assert_allclose(told[there], found.quantile(level)[there], rtol=1e-5)
        assert np.isnan(told[~there]).all()
    assert (np.diff(found.quantiles, axis=0) >= 0).all()


@pytest.mark.parametrize("which", ["run", "drawn"])
def test_a_changed_future_changes_no_forecast_before_it(which, request, folder, tmp_path):
    """The same network on a file whose values from an origin on are others: the forecast from there is the same."""
    run = request.getfixturevalue(which)
    source, model = run.data().source, naibu.load(run)
    origin = source.parts[1] + 20
    lines = (folder / "traffic.csv").read_text().splitlines()
    cut = next(k for k, line in enumerate(lines) if line.startswith(source.grid.clock.shown(origin)))
    later = [",".join([line.split(",")[0], "777", *line.split(",")[2:]]) for line in lines[cut:]]
    (tmp_path / "changed.csv").write_text("\n".join([*lines[:cut], *later]) + "\n")
    options = {name: value for name, value in run.options.items() if name != "file"}
    other = naibu.open_series(tmp_path / "changed.csv", **options).source
    assert not np.array_equal(other.grid.values, source.grid.values, equal_nan=True)
    one, two = (forecast(model, each, np.array([[0, origin]]), paths=20) for each in (source, other))
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    np.testing.assert_array_equal(one.mean, two.mean)


def test_paths_begin_as_the_network_tells_the_first_step(drawn):
    """The first step that is drawn has the distribution told of it; with many paths the quantiles meet."""
    data, model = drawn.data(), naibu.load(drawn)
    origins = data.test.origins[:3]
    outcomes, _ = model.outcomes(data.test.batch(np.arange(3)))
    found = forecast(model, data.source, origins, paths=4000)
    step = data.source.context
    for name, level in (("median", 0.5), ("low_80", 0.1), ("high_80", 0.9)):
        spread = float(data.source.features.coder.spread[0])
        np.testing.assert_allclose(found.quantile(level)[:, 0], outcomes[name][step], atol=0.15 * spread)


@torch.no_grad()
def test_a_path_is_read_as_its_values_would_be(drawn):
    """What is read in place of a value drawn is what a window over a series with that value has."""
    data, model = drawn.data(), naibu.load(drawn)
    source, layout = data.source, data.source.features.layout
    whole = np.flatnonzero(~np.isnan(truth_of(source, data.test.origins)).any(1))[:2]
    x, _ = window_batch(source, data.test.origins[whole])
    seen: list[torch.Tensor] = []
    read = model.read
    model.read = lambda given: seen.append(given.clone()) or read(given)
    model.distribution, kept = _Told, model.distribution
    try:
        _Told.values = iter(torch.from_numpy(x[source.context + 1 :, :, layout.value]))
        sample_paths(model, source, data.test.origins[whole], 1)
    finally:
        model.read, model.distribution = read, kept
    for step, given in enumerate(seen[1:]):
        np.testing.assert_allclose(given[0], x[source.context + step], rtol=1e-4, atol=1e-4)


class _Told:
    """In place of a distribution: what is drawn are the values that came."""

    outputs = 2
    values = iter(())

    @classmethod
    def of(cls, raw, place, unit):
        return cls()

    def sample(self):
        return next(_Told.values, torch.zeros(2))

    def value(self, z, unit):
        return unit.value(z)


@pytest.mark.parametrize("decoder", ["direct", "autoregressive"])
def test_forecasts_of_counts_are_counts(folder, decoder):
    """An end of an interval is a whole number, and a truth that equals it lies within, in outcomes and forecasts."""
    data = naibu.open_series(folder / "traffic.csv", target="volume", horizon=HORIZON, context=24, decoder=decoder)
    torch.manual_seed(1)
    model = Forecaster(data.sizes, SeriesConfig(units=4, distribution="negative-binomial"))
    found = forecast(model, data.source, data.test.origins[:20], paths=30)
    np.testing.assert_array_equal(found.quantiles, found.quantiles.round())
    assert (found.mean != found.mean.round()).any()
    outcomes, _ = model.eval().outcomes(data.test.batch(np.arange(20)))
    gold = outcomes["gold"].numpy()[24:].T
    np.testing.assert_array_equal(gold[~np.isnan(gold)], found.truth[~np.isnan(gold)])
    if decoder == "direct":
        there = ~np.isnan(gold)
        for name, level in (("low_80", 0.1), ("median", 0.5), ("high_95", 0.975)):
            np.testing.assert_array_equal(outcomes[name].numpy()[24:].T[there], found.quantile(level)[there])


def test_simple_forecasts_by_hand():
    data = naibu.open_series(Frame(np.arange(40 * 24.0)), every="1h", start="2024-01-01", horizon=30, context=8)
    grid = data.source.grid
    made = baselines(grid, 30, 900)
    origins, steps = np.array([[0, 930]]), np.arange(930, 960)
    want = {"last value": np.full(30, 929), "drift": steps, "a week before": steps - 168}
    want["a day before"] = np.where(np.arange(30) < 24, steps - 24, steps - 48)  # a day before is not yet known
    want["mean of 8 weeks"] = np.mean([steps - 168 * k for k in range(1, 6)], 0)  # there are but five
    for name, values in want.items():
        np.testing.assert_allclose(made[name](origins)[0], values, err_msg=name)


def test_simple_forecasts_know_nothing_before_the_first_value():
    values = np.arange(40 * 24.0)
    values[:5] = np.nan
    data = naibu.open_series(Frame(values), every="1h", start="2024-01-01", horizon=30, context=8)
    made = baselines(data.source.grid, 30, 900)
    for origin in (0, 3):
        for name in ("last value", "drift", "last value + change of the usual"):
            np.testing.assert_allclose(made[name](np.array([[0, origin]]))[0], values[5:900].mean(), err_msg=name)


def test_without_a_whole_horizon_of_validation_nothing_is_calibrated(tmp_path, capsys):
    text = hourly(14 * 24, seed=7, gaps=False)
    (tmp_path / "short.csv").write_text(text)
    data = naibu.open_series(tmp_path / "short.csv", target="volume", horizon=6, context=12, validation=0.01)
    training = TrainingConfig(steps=2, validations=1, threads=1)
    run = naibu.train(data, out=tmp_path / "run", model=SeriesConfig(units=4), training=training)
    for asked in (["evaluate", str(run.path), "--conformal"], ["predict", str(run.path), "--calibrate"]):
        assert main(asked) == 2
        told = capsys.readouterr().err.strip()
        assert f"{asked[-1]}: no forecast of 6 steps with a truth fits into the" in told
        assert len(told.splitlines()) == 1
    scores = naibu.evaluate(run)
    assert scores["coverage_80"] is not None
    for each in scores["baselines"].values():
        assert each["mae"] > 0
        for row in (each, *each["by_horizon"]):
            assert [row[name] for name in ("crps", "pinball", "coverage_80", "coverage_95", "width_80")] == [None] * 5


def test_intervals_without_width_are_stretched_and_do_not_stretch_the_others_without_bound():
    """Of ten counts nine are told to be 0 for sure, the tenth to lie within 8 of 0; one in ten of the nine is a 1."""
    count = 2000
    wide = np.arange(count) % 10 == 9
    truth = np.where(wide, np.arange(count) % 80 / 10.0, np.arange(count) % 90 == 0)[:, None]
    quantiles = np.zeros((len(LEVELS), count, 1))
    for level, sign in ((0.025, -1), (0.1, -1), (0.9, 1), (0.975, 1)):
        quantiles[LEVELS.index(level), wide] = sign * 8
    found = Forecasts(np.zeros((count, 2), np.int64), truth, truth * 0, quantiles, truth * 0)
    stretched = calibrated(found).applied(found)
    for low, high, share in ((0.1, 0.9, 0.8), (0.025, 0.975, 0.95)):
        assert ((truth >= stretched.quantile(low)) & (truth <= stretched.quantile(high))).mean() >= share
        assert stretched.quantile(high).max() <= 8 / 0.08


@pytest.mark.parametrize("value", ["-3", "2.5"])
def test_a_negative_binomial_of_what_is_no_count_is_refused(value, tmp_path, capsys):
    (tmp_path / "rides.csv").write_text(hourly(400).replace("time,volume", "time,rides").replace(",41,", f",{value},"))
    asked = ["train", "series", str(tmp_path / "rides.csv"), "--target", "rides", "--distribution", "negative-binomial"]
    assert main([*asked, "--out", str(tmp_path / "run"), "--steps", "2"]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"rides is {value} at 2024-" in told


def test_conformal_factors_by_hand():
    """Errors of 1 to 99 around a median of 0 whose interval ends at 10: 80 of 100 lie within 80."""
    truth = np.arange(1.0, 100.0)[:, None] * np.where(np.arange(99)[:, None] % 2, 1, -1)
    quantiles = np.zeros((len(LEVELS), 99, 1))
    quantiles[LEVELS.index(0.1)], quantiles[LEVELS.index(0.9)] = -10, 10
    quantiles[0], quantiles[-1] = -10, 10
    found = Forecasts(np.zeros((99, 2), np.int64), truth, truth * 0, quantiles, truth * 0)
    calibration = calibrated(found)
    assert calibration.factors[80][0] == pytest.approx(8.0)
    stretched = calibration.applied(found)
    inside = (truth >= stretched.quantile(0.1)) & (truth <= stretched.quantile(0.9))
    assert inside.mean() == pytest.approx(80 / 99)


def test_scores_and_skill_by_hand():
    truth = np.array([[1.0, np.nan], [3.0, 5.0]])
    quantiles = np.zeros((len(LEVELS), 2, 2)) + np.linspace(-2, 2, len(LEVELS))[:, None, None]
    origins = np.array([[0, 10], [0, 20]])
    found = Forecasts(origins, truth, truth * 0, quantiles, np.abs(truth))
    scores = scores_of(found, np.array([2.0]))
    assert (scores["mae"], scores["mase"], scores["crps"]) == pytest.approx((3, 1.5, 3))
    assert scores["rmse"] == pytest.approx(np.sqrt(35 / 3))
    assert scores["coverage_95"] == pytest.approx(1 / 3)
    worse = Forecasts(origins, truth, truth * 0, quantiles - 3, np.abs(truth))
    told = skill(found, {"worse": worse, "worst": Forecasts(origins, truth, truth, quantiles - 9, truth)}, 2)
    assert told["over"] == "worse"
    assert told["ratio"] == pytest.approx(3 / 6)
    exact = Forecasts(origins, truth, truth, np.broadcast_to(truth, quantiles.shape), truth * 0)
    none = skill(found, {"worse": worse, "exact": exact}, 2)
    assert none == {"over": "exact", "ratio": None, "low": None, "high": None}
    once = np.where(np.arange(2)[:, None] == 0, truth + 2, truth)  # errs at one origin of two alone
    some = Forecasts(origins, truth, truth, np.broadcast_to(once, quantiles.shape), truth * 0)
    ratio = skill(found, {"once": some}, 2)
    assert ratio["ratio"] == pytest.approx(9 / 2)
    assert (ratio["low"], ratio["high"]) == (0.5, 4.5)  # of both draws at the origin where it errs, and of one


# ---------------------------------------------------------------- predictions


def test_forecasts_follow_the_last_stamp(run, folder, capsys):
    path = folder / "future.csv"
    path.write_text(ahead())
    assert main(["predict", str(run.path), str(path)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == ["time", "series", "mean", "median", "low_80", "high_80", "low_95", "high_95"]
    assert [row["time"] for row in rows] == [
        f"{START + timedelta(hours=HOURS + k):%Y-%m-%d %H:%M:%S}" for k in range(6)
    ]
    assert {row["series"] for row in rows} == {"volume"}
    for row in rows:
        numbers = [float(row[name]) for name in ("low_95", "low_80", "median", "high_80", "high_95")]
        assert numbers == sorted(numbers)


def test_history_and_future_give_what_the_test_part_gave(run, folder):
    """From a history cut at an origin the forecast is that from the origin in the whole."""
    source = run.data().source
    origin = source.parts[1] + 17
    lines = hourly(HOURS, seed=7).splitlines()
    cut = next(k for k, line in enumerate(lines) if line.startswith(source.grid.clock.shown(origin)))
    (folder / "before.csv").write_text("\n".join(lines[:cut]) + "\n")
    (folder / "after.csv").write_text(ahead(first=origin))
    told = naibu.predict(run, [folder / "after.csv"], history=folder / "before.csv").rows()
    found = forecast(naibu.load(run), source, np.array([[0, origin]]))
    np.testing.assert_allclose([row["median"] for row in told], found.median[0], rtol=1e-5)
    stretched = naibu.predict(run, [folder / "after.csv"], history=folder / "before.csv", calibrate=True).rows()
    assert [row["median"] for row in stretched] == [row["median"] for row in told]


def test_a_holiday_goes_on_at_an_origin_within_its_day(run, folder):
    """Named at midnight alone, in the history: the hours ahead of that day are of it as they were in training."""
    source, noon = run.data().source, 36 * 24 + 12  # of the second holiday
    lines = hourly(HOURS, seed=7).splitlines()
    cut = next(k for k, line in enumerate(lines) if line.startswith(source.grid.clock.shown(noon)))
    (folder / "morning.csv").write_text("\n".join(lines[:cut]) + "\n")
    (folder / "afternoon.csv").write_text(ahead(first=noon, hours=24))
    found = naibu.predict(run, [folder / "afternoon.csv"], history=folder / "morning.csv")
    (holiday,), (learnt,) = found.grid.covariates, source.grid.covariates
    np.testing.assert_array_equal(holiday.values[:, : noon + 24], learnt.values[:, : noon + 24])


def test_a_history_with_columns_in_another_order_is_the_same_history(tmp_path):
    """Series are known by their names, also where none was named and all columns of numbers are forecast."""
    lines = [f"2024-01-{1 + k // 24:02d} {k % 24:02d}:00,{v},{1000 + 50 * v}" for k, v in enumerate(volumes(480, 3))]
    (tmp_path / "two.csv").write_text("time,small,large\n" + "\n".join(lines) + "\n")
    data = naibu.open_series(tmp_path / "two.csv", horizon=4, context=8)
    training = TrainingConfig(steps=2, validations=1, threads=1)
    run = naibu.train(data, out=tmp_path / "run", model=SeriesConfig(units=4), training=training)
    turned = [",".join(line.split(",")[k] for k in (0, 2, 1)) for line in lines]
    (tmp_path / "turned.csv").write_text("time,large,small\n" + "\n".join(turned) + "\n")
    told, again = (naibu.predict(run, history=tmp_path / name).rows() for name in ("two.csv", "turned.csv"))
    assert told == again
    assert [row["series"] for row in again] == ["small"] * 4 + ["large"] * 4
    (tmp_path / "one.csv").write_text("time,small\n" + "\n".join(line.rpartition(",")[0] for line in lines) + "\n")
    with pytest.raises(naibu.OptionError, match="--target large: no such column"):
        naibu.predict(run, history=tmp_path / "one.csv")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ahead(first=HOURS + 1), "begins at .*; its first row has to be 2024-04-29 00:00:00"),
        (ahead(first=HOURS - 2), "begins before the end of the history"),
        ("\n".join(line for k, line in enumerate(ahead().splitlines()) if k != 3), "has a gap at 2024-04-29 02:00:00"),
        (ahead(columns="time,feast"), "--known holiday: no such column"),
        (ahead(columns="when,holiday"), "naibu"),
    ],
)
def test_a_future_that_cannot_be_used_is_told_in_one_line(run, folder, text, told, capsys):
    path = folder / "wrong.csv"
    path.write_text(text)
    status = main(["predict", str(run.path), str(path)])
    output = capsys.readouterr()
    assert status == 2
    assert len(output.err.strip().splitlines()) == 1
    if told != "naibu":
        with pytest.raises(naibu.NaibuError, match=told):
            naibu.predict(run, [path])


def test_a_known_column_has_to_be_given(run):
    with pytest.raises(naibu.CorpusError, match="--known holiday: give a file with it for the 6 steps from 2024-04-29"):
        naibu.predict(run)


# ---------------------------------------------------------------- the estimator


class Frame:
    """A data frame of one column, as far as it is asked."""

    def __init__(self, values):
        self._values, self.columns = values, ["x"]

    def __len__(self):
        return len(self._values)

    def __getitem__(self, name):
        values = self._values
        return type("Column", (), {"to_numpy": lambda _: values})()


def test_the_estimator_is_scikit_learns():
    model = LSTMForecaster(horizon=12, units=8, every="1h", start="2024-03-04", steps=60, random_state=3)
    other = clone(model)
    assert other.get_params() == model.get_params()
    assert other.set_params(units=9).units == 9
    y = volumes(HOURS, 3).astype(float)
    y[100:110] = np.nan
    found = model.fit(y).predict()
    assert found.shape == (12,)
    np.testing.assert_array_equal(clone(model).fit(y).predict(), found)
    low, high = model.predict_interval(coverage=0.95)
    assert (low < found).all()
    assert (found < high).all()
    naive = np.nanmean(np.abs(volumes(HOURS + 12, 3)[-12:] - y[-1]))
    assert np.abs(volumes(HOURS + 12, 3)[-12:] - found).mean() < naive
    with pytest.raises(ValueError, match="coverage=0.5: must be one of"):
        model.predict_interval(coverage=0.5)
    with pytest.raises(ValueError, match="X: give what is known ahead"):
        model.predict(np.zeros((12, 1)))


def test_the_estimator_takes_several_series_and_covariates():
    y = np.stack([volumes(400, 3), 5 * volumes(400, 4)], 1).astype(float)
    model = LSTMForecaster(horizon=4, context=8, units=6, steps=10, random_state=1)
    found = model.fit(y, X=np.arange(400.0)).predict(np.arange(400.0, 404.0))
    assert found.shape == (4, 2)
    assert found[:, 1].mean() > 2 * found[:, 0].mean()
