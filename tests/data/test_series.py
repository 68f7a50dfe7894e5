"""Series from tables: time stamps of all kinds put on even steps, masks, covariates, parts by time, no future read."""

from __future__ import annotations

import gzip
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from naibu.data import series_automatic
from naibu.data.series import SeriesWindows, origins_in, window_batch
from naibu.data.series_clock import Clock, clock_of, in_zone, read_stamps, twice
from naibu.data.series_features import features_of
from naibu.data.series_grid import Asked, read_grid
from naibu.data.series_opening import open_series
from naibu.data.series_order import WindowOrder
from naibu.errors import CorpusError, OptionError
from naibu.progress import silent
from series_tables import START, hourly, volumes


def table(folder, text, name="table.csv"):
    path = folder / name
    path.write_text(text)
    return path


def rows(lines, head="time,x"):
    return head + "\n" + "\n".join(lines) + "\n"


def said(data, name):
    return dict(data.found)[name]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    path = table(tmp_path_factory.mktemp("series"), hourly(56 * 24, seed=7))
    return open_series(path, target="volume", known=("temperature", "holiday"), horizon=6, context=12)


# ---------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        (["2024-01-01 00:00", "2024-01-01 00:05", "2024-01-01 00:10"], "5 minutes"),
        (["2024-01-01T00", "2024-01-01T01", "2024-01-01T03"], "1 hour"),
        (["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"], "1 day"),
        (["1949-01", "1949-02", "1949-03", "1949-04"], "1 month"),
        (["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], "1 month"),
        (["2020Q1", "2020Q2", "2020-Q3", "2020Q4"], "1 quarter"),
        (["1990", "1991", "1992"], "1 year"),
        (["1704067200", "1704070800", "1704074400"], "1 hour"),
        (["2024/1/01", "2024/1/01"[:-1] + "8"], "1 week"),
    ],
)
def test_the_step_is_found(stamps, words):
    stamps = [each.replace("/1/", "/01/") for each in stamps]
    seconds, _ = read_stamps(stamps, "x")
    clock, _ = clock_of(seconds, None)
    assert clock.words == words
    assert clock.steps(seconds).min() == 0
    again = clock_of(clock.times(clock.steps(seconds)).astype(np.int64), None)[0]
    assert again.steps(seconds).tolist() == clock.steps(seconds).tolist()


def test_a_step_too_fine_for_the_rows_becomes_rounder():
    minutes = np.cumsum([0, 10, 30, 10, 50, 20, 70, 10, 10, 90, 40, 60, 30, 80])
    clock, how = clock_of(1_704_067_200 + 60 * minutes, None)
    assert "rounder" in how
    filled = len(np.unique(clock.steps(1_704_067_200 + 60 * minutes)))
    assert filled >= 0.5 * (1 + clock.steps(np.array([1_704_067_200 + 60 * minutes[-1]]))[0])


def test_zones_and_clocks_put_back():
    seconds, aware = read_stamps(["2024-10-27T00:30:00+00:00", "2024-10-27T01:30:00+00:00"], "x")
    assert aware
    berlin = in_zone(seconds, "Europe/Berlin")
    assert [str(each) for each in berlin.astype("datetime64[s]")] == ["2024-10-27T02:30:00"] * 2  # put back at three
    assert twice(berlin, "Europe/Berlin").all()
    assert not twice(berlin + 86_400, "Europe/Berlin").any()
    with pytest.raises(CorpusError, match="line 3: .*some time stamps have an offset"):
        read_stamps(["2024-01-01", "2024-01-02T00:00Z"], "x", np.array([2, 3]))
    with pytest.raises(OptionError, match="--zone Europe/Paradise: there is no such time zone"):
        in_zone(seconds, "Europe/Paradise")


def test_hours_of_a_zone_with_offsets_lie_on_its_wall_clock(tmp_path):
    begin = datetime.fromisoformat("2024-10-26T00:00:00+00:00")
    lines = [f"{(begin + timedelta(hours=k)).isoformat()},{k}" for k in range(48)]
    grid = read_grid(table(tmp_path, rows(lines)), Asked(zone="Europe/Berlin"))
    assert grid.clock.shown(0) == "2024-10-26 02:00:00"
    assert grid.steps == 47  # one hour came twice
    assert grid.values[0, 24] == 24.5  # their mean
    assert dict(grid.found)["same time stamp"].startswith("1 surplus rows at 1 stamps; 1 of the steps have different")


@pytest.mark.parametrize(("zone", "first"), [(None, "2023-12-31 15:00:00"), ("Asia/Tokyo", "2024-01-01")])
def test_days_with_an_offset_and_no_zone_are_said_to_be_those_of_utc(tmp_path, zone, first):
    lines = [f"2024-01-{k:02d}T00:00:00+09:00,{k}" for k in range(1, 29)]
    grid = read_grid(table(tmp_path, rows(lines)), Asked(zone=zone))
    assert grid.clock.shown(0) == first
    assert ("zone" in dict(grid.found)) == (zone is None)
    if zone is None:
        assert "UTC, where 28 of 28 are no midnights" in dict(grid.found)["zone"]


def test_rows_twice_missing_and_out_of_order(tmp_path):
    lines = [
        "2024-01-01 03:00,4",
        "2024-01-01 00:00,1",
        "2024-01-01 01:00,2",
        "2024-01-01 01:00,2",
        "2024-01-01 05:00,",
    ]
    grid = read_grid(table(tmp_path, rows(lines)), Asked(every="1h"))
    np.testing.assert_array_equal(grid.values, [[1, 2, np.nan, 4, np.nan, np.nan]])
    found = dict(grid.found)
    assert found["out of order"].startswith("1 rows")
    assert found["same time stamp"].startswith("1 surplus rows at 1 stamps; values agree")
    assert "3 of 6 steps, in 2 gaps, the longest 2; masked" in found["missing"]


def test_long_wide_and_packed_tables_are_the_same(tmp_path):
    wide = rows(["2024-01-01,1,5", "2024-01-02,2,", "2024-01-03,3,7"], "day,a,b").replace("day", "date")
    long = rows(
        ["2024-01-01,b,5", "2024-01-03,b,7", "2024-01-01,a,1", "2024-01-02,a,2", "2024-01-03,a,3"], "date,name,value"
    )
    packed = tmp_path / "wide.csv.gz"
    packed.write_bytes(gzip.compress(wide.replace(",", ";").encode()))
    grids = [
        read_grid(table(tmp_path, wide), Asked()),
        read_grid(table(tmp_path, long, "long.csv"), Asked(id="name")),
        read_grid(packed, Asked()),
    ]
    for grid in grids:
        assert grid.series == ("a", "b")
        np.testing.assert_array_equal(grid.values, [[1, 2, 3], [5, np.nan, 7]])


class Frame:
    """As much of a data frame as pandas and polars share."""

    def __init__(self, columns):
        self._columns = columns
        self.columns = list(columns)

    def __len__(self):
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name):
        values = self._columns[name]
        return type("Column", (), {"to_numpy": lambda _: values})()


def test_a_data_frame_needs_no_library():
    days = np.datetime64("2024-01-01") + np.arange(40)
    frame = Frame({"when": days, "x": np.arange(40.0)})
    grid = read_grid(frame, Asked())
    assert grid.series == ("x",)
    assert grid.clock.words == "1 day"
    np.testing.assert_array_equal(grid.values[0], np.arange(40))


# ---------------------------------------------------------------- covariates


def test_a_holiday_named_at_midnight_holds_all_day(opened):
    grid = opened.source.grid
    (temperature, holiday) = grid.covariates
    assert holiday.daily
    assert not temperature.daily
    feast = holiday.names.index("Feast")
    days = np.unique(grid.clock.times(np.flatnonzero(holiday.values[0] == feast)).astype("datetime64[D]"))
    assert [str(day) for day in days] == ["2024-03-13", "2024-04-09"]
    assert np.sum(holiday.values[0] == feast) == 48
    column = opened.train.label("holiday")
    assert column.names == ("no", "yes")


def test_a_holiday_is_what_is_rare_where_no_category_says_none(tmp_path):
    text = hourly(56 * 24, seed=7).replace(",None", ",working day")  # behind Feast in the alphabet
    data = open_series(table(tmp_path, text), target="volume", known="holiday", horizon=6, context=12)
    part = data.train
    told = part.label("holiday").values
    step = (part.origins[:, 1:] + np.arange(-12, 6)).ravel()
    days = np.array([(START + timedelta(hours=int(k))).strftime("%m-%d") for k in step])
    np.testing.assert_array_equal(told[step >= 0], np.isin(days, ("03-13", "04-09"))[step >= 0])


def test_outliers_of_covariates_are_read_as_bounds(tmp_path):
    lines = hourly(400, gaps=False).splitlines()
    lines[30] = lines[30].replace(lines[30].split(",")[2], "9831.3")
    data = open_series(table(tmp_path, "\n".join(lines)), target="volume", known="temperature", horizon=4, context=8)
    assert said(data, "temperature").startswith("1 values beyond")
    assert np.abs(data.source.features.known).max() < 20


def test_categories_unknown_before_and_missing_are_codes(tmp_path):
    lines = [f"2024-01-01 {k % 24:02d}:00,{k},{'ab'[k % 2]}" for k in range(24)]
    lines += [f"2024-01-02 {k:02d}:00,{k},{'ab'[k % 2] if k else ''}" for k in range(24)]
    data = open_series(table(tmp_path, rows(lines, "time,x,kind")), target="x", past="kind", horizon=2, context=4)
    assert data.source.grid.covariates[0].names == ("a", "b", "none")
    assert data.sizes["category kind"] == 4
    x, _ = window_batch(data.source, np.array([[0, 20]]))
    assert set(x[..., 2].ravel()) <= {0.0, 1.0, 2.0, 3.0}


# ---------------------------------------------------------------- windows


def test_parts_lie_one_after_the_other(opened):
    source, (train, test) = opened.source, opened.source.parts
    for part, first, last in ((opened.train, 0, train), (opened.validation, train, test), (opened.test, test, 10**9)):
        assert part.origins[:, 1].min() >= first
        assert part.origins[:, 1].max() + source.horizon <= min(last, source.grid.steps)
    assert len(opened.train.learnt) > 5 * len(opened.train)
    hours = source.grid.clock.times(opened.train.origins[:, 1]).astype(np.int64) // 3600 % 24
    assert len(set(hours.tolist())) == 24  # the place in a window does not tell the hour


def test_what_is_asked_for_is_the_value_and_what_is_missing_is_masked(opened):
    source, layout = opened.source, opened.source.features.layout
    origins = opened.train.learnt[::37]
    x, target = window_batch(source, origins)
    steps = origins[:, 1] + np.arange(-source.context, source.horizon)[:, None]
    wanted = source.grid.values[0, steps]
    base, centre, spread = (x[..., layout.base + k] for k in range(3))
    ahead = np.arange(len(target)) >= source.context
    assert np.isnan(target[~ahead]).all()
    np.testing.assert_allclose((centre + spread * (base + target))[ahead], wanted[ahead], rtol=1e-5, atol=1e-3)
    read = centre + spread * (base + x[..., layout.value])
    there = x[..., layout.value + 1] == 1
    np.testing.assert_array_equal(there[~ahead], ~np.isnan(wanted[~ahead]))
    assert not there[ahead].any()
    np.testing.assert_allclose(read[there], wanted[there], rtol=1e-5, atol=1e-3)


def weathered(hours, seed):
    """The table of hours with one more column, a category that is not named at midnights alone."""
    head, *lines = hourly(hours, seed=seed).splitlines()
    return "\n".join([head + ",sky", *(f"{line},{('clear', 'rain', 'snow')[k % 3]}" for k, line in enumerate(lines))])


@pytest.mark.parametrize("decoder", ["direct", "autoregressive"])
@pytest.mark.parametrize("plain", [False, True])
def test_nothing_from_an_origin_on_is_read(tmp_path, decoder, plain):
    """All values and past covariates after an origin are changed: what is read before them stays as it was.

    So it is where they change before the origin: the autoregressive decoder is asked there too, and reads of the steps
    before alone.
    """
    path = table(tmp_path, weathered(56 * 24, seed=7))
    asked = {"target": "volume", "known": "holiday", "past": ("temperature", "sky"), "horizon": 6, "context": 12}
    data = open_series(path, **asked, decoder=decoder, plain=plain)
    source, (_, test) = data.source, data.source.parts
    grid = source.grid
    (holiday, temperature, sky), before = grid.covariates, () if decoder == "direct" else (1, 5, 11)
    for origin, back in ((test, 0), (test + 31, 0), (grid.steps - 6, 0), *((test + 31, each) for each in before)):
        values, warm, grey = grid.values.copy(), temperature.values.copy(), sky.values.copy()
        values[:, origin - back :] = 1000 + np.arange(grid.steps - origin + back)
        warm[:, origin - back :] = -99
        grey[:, origin - back :] = (grey[:, origin - back :] + 1) % 3
        other = (holiday, replace(temperature, values=warm), replace(sky, values=grey))
        other = replace(grid, values=values, covariates=other)
        changed = replace(source, grid=other, features=features_of(other, source.features.coder, test))
        one, _ = window_batch(source, np.array([[0, origin]]))
        two, _ = window_batch(changed, np.array([[0, origin]]))
        read = slice(None, source.context - back + 1) if decoder == "autoregressive" else slice(None)
        np.testing.assert_array_equal(one[read], two[read])


@pytest.mark.parametrize("decoder", ["direct", "autoregressive"])
def test_inputs_are_what_is_read(tmp_path, decoder):
    """The columns that are recorded as inputs are those that the network reads, in the data's units."""
    path = table(tmp_path, weathered(56 * 24, seed=7))
    asked = {"target": "volume", "known": "holiday", "past": ("temperature", "sky"), "horizon": 6, "context": 12}
    source = open_series(path, **asked, decoder=decoder).source
    coder, layout, grid = source.features.coder, source.features.layout, source.grid
    examples = SeriesWindows(source, np.array([[0, 5], [0, 120], [0, 204], [0, 777], [0, grid.steps - 2]]))
    x = examples.batch(np.arange(5)).main.x.numpy().transpose(1, 0, 2).reshape(-1, layout.columns)
    read = examples.inputs("input")
    there = x[:, layout.value + 1] == 1
    np.testing.assert_array_equal(~np.isnan(read["value"].values), there)
    at = np.clip((examples.origins[:, 1:] + np.arange(-12, 6)).ravel() - (decoder != "direct"), 0, grid.steps - 1)
    value = x[:, layout.value] * coder.spread[0] + coder.centre[0] + coder.spread[0] * source.features.base[0, at]
    np.testing.assert_allclose(read["value"].values[there], value[there], rtol=1e-4, atol=1e-3)
    for column, name in ((2, "holiday"), (3, "sky")):
        np.testing.assert_array_equal(read[name].values + 1, x[:, column])
    warm = next(each for each in coder.covariates if each.name == "temperature")
    told = x[:, -1] == 1
    np.testing.assert_array_equal(~np.isnan(read["temperature"].values), told)
    wanted = (x[:, -2] * warm.spread + warm.centre)[told]
    np.testing.assert_allclose(read["temperature"].values[told], wanted, rtol=1e-4)


def test_of_a_part_nothing_before_it_is_asked(tmp_path):
    """The autoregressive decoder is asked at every step that it reads, but of no other part's values."""
    data = open_series(
        table(tmp_path, hourly(56 * 24, seed=7)), target="volume", horizon=6, context=12, decoder="autoregressive"
    )
    for part in (data.train, data.validation, data.test):
        steps = part.origins[:, 1] + np.arange(-12, 6)[:, None]
        first, end = part.span
        wanted = ~np.isnan(data.source.grid.values[0, np.maximum(steps, 0)]) & (steps >= first) & (steps < end)
        np.testing.assert_array_equal(part.batch(np.arange(len(part))).predicted.numpy(), wanted)
        order = WindowOrder(part, part.origins, len(part), data.source.window)
        (piece,) = order.beginning(10**9)
        np.testing.assert_array_equal(order.read(piece).predicted.numpy(), wanted[:, piece.which])


def test_usual_values_leave_out_the_value_itself(opened):
    """The usual value that stands beside a value in training does not hold it."""
    grid, (_, test) = opened.source.grid, opened.source.parts
    changed = grid.values.copy()
    changed[0, 100] += 500
    coder = opened.source.features.coder
    total = coder.total.copy()
    total[0, 100 % 168] += 500  # the grid begins on a Monday, at midnight
    again = features_of(replace(grid, values=changed), replace(coder, total=total), test)
    before = opened.source.features
    assert before.anchors[2, 0, 100] + before.base[0, 100] == pytest.approx(
        again.anchors[2, 0, 100] + again.base[0, 100]
    )
    assert before.anchors[2, 0, 268] + before.base[0, 268] != pytest.approx(
        again.anchors[2, 0, 268] + again.base[0, 268]
    )


def test_windows_over_the_beginning_and_the_end_are_masked(opened):
    source = opened.source
    x, target = window_batch(source, np.array([[0, 3], [0, source.grid.steps]]))
    layout = source.features.layout
    assert not x[: source.context - 3, 0, layout.value :].any()
    assert np.isnan(target[:, 1]).all()


def test_labels_follow_the_calendar(opened):
    test = opened.test
    hour, weekday, ahead = (test.label(name) for name in ("hour", "weekday", "ahead"))
    step = (test.origins[:, 1:] + np.arange(-12, 6)).ravel()
    whens = [START + timedelta(hours=int(k)) for k in step]
    assert hour.values.tolist() == [when.hour for when in whens]
    assert [weekday.names[code] for code in weekday.values] == [f"{when:%A}" for when in whens]
    assert ahead.values[:18].tolist() == [0] * 12 + [1, 2, 3, 4, 5, 6]
    rush = test.label("rush_hour").values
    assert rush.tolist() == [when.weekday() < 5 and when.hour in (7, 8, 16, 17) for when in whens]
    level = test.label("level").values.astype(np.float64)
    for place in (0, 40, 90):
        day = opened.source.grid.values[0, step[place] - 23 : step[place] + 1]
        assert level[place] == pytest.approx(np.nanmean(day), rel=1e-5)
    with pytest.raises(OptionError, match="label 'depth': there are hour"):
        test.label("depth")


def test_several_series_have_their_own_scale_and_number(tmp_path):
    lines = [f"2024-01-{1 + k // 24:02d} {k % 24:02d}:00,{v},{1000 + 50 * v}" for k, v in enumerate(volumes(480, 3))]
    data = open_series(table(tmp_path, rows(lines, "time,small,large")), horizon=4, context=8)
    coder = data.source.features.coder
    assert coder.spread[1] == pytest.approx(50 * coder.spread[0], rel=1e-6)
    x, target = window_batch(data.source, np.array([[0, 100], [1, 100]]))
    assert x[0, :, 0].tolist() == [0, 1]
    np.testing.assert_allclose(target[:, 0], target[:, 1], rtol=1e-3, atol=1e-4)
    assert data.sizes["series"] == 2


# ---------------------------------------------------------------- what cannot be used


@pytest.mark.parametrize(
    ("lines", "asked", "told"),
    [
        (["2024-01-01,1", "2024-01-02,x", "2024-01-03,2"], {"target": "x"}, "line 3: 'x' in the column x is no number"),
        (["2024-01-01,1"], {}, "one step of time alone"),
        ([f"2024-01-{k:02d},7" for k in range(1, 29)], {"horizon": 2}, "x is always 7 in the training part"),
        ([f"2024-01-{k:02d},{k}" for k in range(1, 29)], {"horizon": 90}, "28 steps are too few to forecast 90 ahead"),
        (["yesterday,1", "today,2"], {}, "line 2: 'yesterday' cannot be read as a time"),
        ([f"2024-01-{k:02d}," for k in range(1, 29)], {"target": "x"}, "all values of x are missing"),
        (["2024-01-01,1,2"], {}, "line 2: 3 values, but the head names 2 columns"),
        ([], {}, "no rows"),
        (["0001-01-01 00:00,1", *(f"2024-01-01 00:0{k},2" for k in range(4))], {}, "far from the others"),
        ([f"2024-01-{k:02d},inf" for k in range(1, 29)], {"target": "x"}, "is infinite"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_are_told_in_one_line(tmp_path, lines, asked, told):
    path = table(tmp_path, rows(lines))
    with pytest.raises(CorpusError, match=told) as error:
        open_series(path, **asked)
    assert "\n" not in str(error.value)


def test_columns_that_are_not_there_are_told(tmp_path):
    path = table(tmp_path, hourly(100, gaps=False))
    for asked, told in (
        ({"target": "volumes"}, "--target volumes: no such column"),
        ({"time": "when"}, "--time when: no such column"),
        ({"target": "volume", "known": "rain"}, "--known rain: no such column"),
        ({"id": "road"}, "--id road: no such column"),
        ({}, "--target: say which column is forecast, one or more of volume, temperature"),
        ({"target": "volume", "known": "volume"}, "--target volume: named twice"),
        ({"target": "volume", "every": "sometimes"}, "--every sometimes: must be a step"),
        ({"target": "volume", "validation": 0.6, "test": 0.5}, "leave nothing to learn from"),
        ({"target": "volume", "test": 1.5}, "--test 1.5: must be a share"),
    ):
        with pytest.raises(OptionError, match=told):
            open_series(path, **asked)
    twins = table(tmp_path, "time,x,x\n2024-01-01,1,2\n", "twins.csv")
    with pytest.raises(CorpusError, match="two series of the same name"):
        open_series(twins)


def test_a_table_without_time_is_steps(tmp_path):
    text = "a,b\n" + "\n".join(f"{k % 7},{k % 5}" for k in range(200)) + "\n"
    data = open_series(table(tmp_path, text), horizon=3, context=6)
    assert data.source.grid.clock == Clock("row", 1, 0)
    assert "rows are steps, without a calendar" in said(data, "time")
    assert data.test.labels("input") == ("ahead", "since_gap", "level", "trend")
    dated = open_series(table(tmp_path, text), every="1h", start="2024-01-01", horizon=3, context=6)
    assert dated.source.grid.clock.shown(25) == "2024-01-02 01:00:00"
    with pytest.raises(OptionError, match="--start and --every: give both"):
        open_series(table(tmp_path, text), every="1h")


def test_a_training_window_is_one_example_of_all_origins(opened):
    source = opened.source
    every = origins_in(source, 0, 30, 1)
    assert every[:, 1].tolist() == list(range(25))
    batch = SeriesWindows(source, every).batch(np.array([3, 20]))
    assert batch.main.x.shape == (18, 2, source.features.layout.columns)
    assert batch.predicted.sum() == 12


# ---------------------------------------------------------------- real data


def test_metro_i94_is_told_as_it_is(naibu_data):
    path = naibu_data / "ts" / "metro_i94_full.csv.gz"
    if not path.exists():
        pytest.skip("ts/metro_i94_full.csv.gz is not here")
    data = open_series(path, target="traffic_volume", known="holiday", horizon=24)
    assert said(data, "same time stamp").startswith("7,629 surplus rows at 5,445 stamps; values agree")
    assert said(data, "missing").startswith("11,976 of 52,551 steps, in 2,588 gaps, the longest 7,386")
    assert data.source.context == 168
    assert "holds for all of each" in said(data, "holiday").replace("to hold", "holds")


def test_automatic_forecasts_need_their_library_and_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    with pytest.raises(OptionError, match="needs statsforecast"):
        series_automatic.library()


def test_automatic_forecasts_begin_at_the_hour_at_which_their_fit_began(opened, monkeypatch):
    """A model with a season, fitted to the hours of the day, goes on from its first hour."""

    class Clock:
        def __init__(self, season_length):
            self.season = season_length

        def fit(self, y):
            self.pattern = y[: self.season]
            return self

        def forward(self, y, h):
            return {"mean": np.tile(self.pattern, 99)[len(y) : len(y) + h]}

    monkeypatch.setattr(series_automatic, "library", lambda: SimpleNamespace(AutoETS=Clock, AutoARIMA=Clock))
    grid = opened.source.grid
    hours = np.arange(grid.steps) % 24.0
    for train in (1000, 1003):
        monkeypatch.setattr(series_automatic, "FITTED", 500)
        told = series_automatic.automatic(replace(grid, values=hours[None]), 6, train, silent)
        origins = np.array([[0, 30], [0, 700], [0, 711], [0, 1203]])
        for forecast in told.values():
            np.testing.assert_array_equal(forecast(origins), (origins[:, 1:] + np.arange(6)) % 24)


def test_automatic_forecasts_know_nothing_from_their_origin_on(opened, monkeypatch):
    """A model that repeats the mean of what it reads: of the past alone, whatever stands after an origin."""

    class Mean:
        def __init__(self, season_length):
            assert season_length == 24

        def fit(self, y):
            assert not np.isnan(y).any()
            self.fitted = len(y)
            return self

        def forward(self, y, h):
            return {"mean": np.full(h, y.mean())}

    monkeypatch.setattr(series_automatic, "library", lambda: SimpleNamespace(AutoETS=Mean, AutoARIMA=Mean))
    grid = opened.source.grid
    values = np.nan_to_num(grid.values, nan=7.0)
    values[0, 100:110] = np.nan
    origins = np.array([[0, 105], [0, 300]])
    before = series_automatic.automatic(replace(grid, values=values), 6, 240, silent)
    values[0, 300:] = 1e6
    after = series_automatic.automatic(replace(grid, values=values), 6, 240, silent)
    assert list(before) == ["AutoETS, season of 24", "AutoARIMA, season of 24"]
    for name, forecast in before.items():
        told = forecast(origins)
        np.testing.assert_array_equal(told, after[name](origins))
        wanted = np.append(values[0, :100], np.repeat(values[0, 99], 5)).mean()
        np.testing.assert_allclose(told[0], wanted)
