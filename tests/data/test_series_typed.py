"""Rows of a series that somebody types: they are read as the file they could stand in is read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from naibu.data.series_coder import SeriesCoder
from naibu.data.series_grid import Asked, read_grid
from naibu.data.series_opening import empty_grid, open_series, reopened
from naibu.data.series_typed import MOST, as_typed, told, typed_series
from naibu.errors import CorpusError
from naibu.generation.forecasts import forecast
from naibu.tasks.series import Series
from naibu.tasks.task import Task
from series_tables import hourly, sensors

NAME = "--text"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("typed") / "volumes.csv"
    path.write_text(hourly(900))
    return path


def opened(table, **options):
    how = {"target": "volume", "known": "holiday", "past": "temperature", "horizon": 6, "context": 30, **options}
    return open_series(table, **how)


@pytest.mark.parametrize("decoder", ["direct", "autoregressive"])
def test_a_window_typed_as_it_stands_is_read_as_it_was(table, decoder):
    data = opened(table, decoder=decoder, plain=True)  # else earlier weeks are read, which a window has not
    for number in (0, len(data.test) - 1):
        text = as_typed(data.test, number, data.options)
        found = typed_series(text, data.coder, data.options, NAME)
        one, other = data.test.batch(np.array([number])), found.batch(np.array([0]))
        torch.testing.assert_close(other.main.x, one.main.x)
        asked = ~torch.isnan(one.target)  # of a part nothing before it is asked
        assert asked.any()
        torch.testing.assert_close(other.target[asked], one.target[asked])
        for label in ("hour", "weekday", "holiday", "ahead"):
            before = data.test.subset(np.array([number])).label(label).values
            np.testing.assert_array_equal(found.label(label).values, before)


def test_a_day_that_begins_before_the_text_keeps_its_name(table):
    data = opened(table, plain=True)
    windows = type(data.train)(data.source, np.array([[0, 9 * 24 + 14]]), None, (0, 10**6))  # within the feast
    text = as_typed(windows, 0, data.options)
    late = "\n".join(text.splitlines()[-14:])  # begins on the day itself, after midnight
    found = typed_series(late, data.coder, data.options, NAME)
    assert (found.label("holiday").values[-6:] == 1).all()


def test_it_is_forecast_as_from_a_file(table, tmp_path):
    data = opened(table)
    model = Series().build(data.sizes, Series().configured(data, Series.model(units=5), Series.training())[0])
    text = as_typed(data.test, 1, data.options)
    found = typed_series(text, data.coder, data.options, NAME)
    with torch.no_grad():
        outcomes, _ = model.eval().outcomes(found.batch(np.array([0])))
    read, ahead = text.split("\n\n")
    path = tmp_path / "history.csv"
    path.write_text("time,volume,holiday,temperature\n" + read + "\n" + ahead)
    asked = Asked("time", ("volume",), None, ("holiday",), ("temperature",))
    grid = read_grid(path, asked, like=empty_grid(data.coder))
    expected = forecast(model, reopened(data.coder, grid, "direct"), np.array([[0, len(read.splitlines())]]))
    np.testing.assert_allclose(outcomes["mean"][-6:, 0], expected.mean[0], rtol=1e-5)


def test_how_it_is_typed_is_told_and_does_not_matter(table):
    data = opened(table, past=(), known=())
    assert told(data.coder, data.options).startswith("A line a step: time, volume (without the time, steps of 1 hour")
    lines = [line for line in as_typed(data.test, 0, data.options).splitlines() if line]
    plain = typed_series("\n".join(lines), data.coder, data.options, NAME).batch(np.array([0])).main.x
    for text in (
        "\n".join(line.replace(",", " ") for line in lines),
        "\n".join(line.replace(",", "\t") for line in lines),
        "noise,volume,time\n" + "\n".join(f"9,{','.join(reversed(line.split(',')))}" for line in lines),
    ):
        torch.testing.assert_close(
            typed_series(text, data.coder, data.options, NAME).batch(np.array([0])).main.x, plain
        )
    bare = typed_series("\n".join(line.split(",")[1] for line in lines), data.coder, data.options, NAME)
    assert bare.source.grid.clock == data.coder.clock
    np.testing.assert_array_equal(bare.source.grid.values[0, :-6], [float(line.split(",")[1]) for line in lines])


def test_few_rows_are_read_by_a_network_that_goes_value_by_value(table):
    data = opened(table, decoder="autoregressive", past=(), known=())
    batch = typed_series("5\n6\n7\n", data.coder, data.options, NAME).batch(np.array([0]))
    spread, centre, base = data.coder.spread[0], data.coder.centre[0], data.source.features.layout.base
    told = batch.target[:, 0] * spread + batch.main.x[:, 0, base] * spread + centre
    assert torch.isnan(told[:-3]).all()
    torch.testing.assert_close(told[-3:], torch.tensor([5.0, 6, 7]), check_dtype=False)


def test_rows_are_of_one_of_several_series(tmp_path):
    (tmp_path / "wide.csv").write_text(sensors(400, 3))
    data = open_series(tmp_path / "wide.csv", target=("s0", "s1", "s2"), horizon=6, context=30, plain=True)
    number = int(np.flatnonzero(data.test.origins[:, 0] == 2)[0])
    text = as_typed(data.test, number, data.options)
    assert text.splitlines()[0].split(",")[1] == "s2"
    found = typed_series(text, data.coder, data.options, NAME)
    torch.testing.assert_close(found.batch(np.array([0])).main.x, data.test.batch(np.array([number])).main.x)
    with pytest.raises(CorpusError, match="line 2: series s1: the lines before are of s2"):
        typed_series("2024-03-04 00:00,s2,1\n2024-03-04 01:00,s1,2", data.coder, data.options, NAME)


def test_rows_without_a_calendar_are_numbers_alone(tmp_path):
    values = np.random.default_rng(3).normal(size=200).cumsum()
    (tmp_path / "rows.csv").write_text("level\n" + "\n".join(f"{value:.4f}" for value in values))
    data = open_series(tmp_path / "rows.csv", horizon=4, context=12)
    found = typed_series("1\n2\n\n3\n4\n5", data.coder, data.options, NAME)
    np.testing.assert_array_equal(found.source.grid.values[0], [1, 2, 3, 4, 5, np.nan])
    assert found.origins.tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line with a step; a line has time, volume, holiday, temperature"),
        ("2024-03-04 00:00,5,None", "'2024-03-04 00:00'"),
        ("2024-03-04 00:00,5,None,9,9", "line 1: 5 values, where a line has"),
        ("2024-03-04 00:00,five,None,9\n2024-03-04 01:00,5,None,9", "line 1: 'five' in the column volume is no number"),
        ("today,5,None,9", "line 1: 'today' cannot be read as a time"),
        ("2024-03-04 01:00,5,None,9\n2024-03-04 00:00,5,None,9", "line 2: 2024-03-04 00:00 is no step after"),
        ("0001-03-04 01:00,5,None,9\n2024-03-04 00:00,5,None,9", f"{MOST:,} are read at most"),
        ("2024-03-04 00:00,5,None,9\n2024-03-04 01:00,5,None,9", "holiday is known ahead: give 6 lines"),
        ("volume,holiday\n5,None", "line 1: the first line names no temperature"),
        ("2024-03-04 00:00,5,None,9\n\n" + "2024-03-04 01:00,,None,\n" * 2, "line 4: 2024-03-04 01:00 is no step"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(table, text, said):
    data = opened(table)
    with pytest.raises(CorpusError) as raised:
        typed_series(text, data.coder, data.options, NAME)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_task_reads_and_tells_it_from_its_run(table, tmp_path):
    data, task = opened(table, plain=True), Series()
    data.coder.save(tmp_path)
    text = task.as_typed(data.test, 0, data.options)
    found = task.typed(text, data.options, tmp_path, {})
    torch.testing.assert_close(found.batch(np.array([0])).main.x, data.test.batch(np.array([0])).main.x)
    assert task.typing(data.options, tmp_path).how == told(SeriesCoder.load(tmp_path), data.options)
    assert type(task).as_typed is not Task.as_typed
