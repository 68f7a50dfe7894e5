"""What objects show of themselves: a short line, a table, a picture; whatever they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import naibu
from naibu.data.examples import Column
from naibu.recording import Recording
from naibu.shown import Shown
from naibu.training.seeds import train_seeds
from random_trees import sentences

LONGEST = 400


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("shown")
    (out / "some.mrg").write_text(sentences(60))
    data = naibu.open_trees(out / "some.mrg", form="tagged")
    small = {"model": naibu.ModelConfig(units=6), "training": naibu.TrainingConfig(steps=4, threads=1)}
    seeds = train_seeds(data, 2, out=out / "run", **small)
    return data, seeds, naibu.record(seeds.runs[0], data, labels=["depth"])


def test_everything_has_a_short_line_a_table_and_html(trained: Any) -> None:
    data, seeds, recording = trained
    for each in (data, data.train, data.vocabulary, seeds, seeds.runs[0], recording):
        assert isinstance(each, Shown)
        assert len(repr(each)) < LONGEST
        assert repr(each).startswith(type(each).__name__)
        assert "<table>" in each._repr_html_()
        assert len(each.table()) == len(each.rows()) > 0
    for each in (data.coder, recording.index, data.train.label("depth"), recording["lstm.0", "cell"]):
        assert len(repr(each)) < 2 * LONGEST
    assert data.vocabulary.rows()[3] == {"number": 3, "symbol": data.vocabulary.symbols[3]}
    assert data.train.rows()[0]["steps"] == data.train.lengths.sum()
    assert [row["step"] for row in seeds.runs[0].rows()] == [line["step"] for line in seeds.runs[0].metrics()]
    each = [[row[name] for name in ("mean", "seed 1", "seed 2")] for row in seeds.rows()]
    np.testing.assert_allclose([row[0] for row in each], [np.mean(row[1:]) for row in each])
    assert [(row["layer"], row["signal"]) for row in recording.rows()] == [*recording.keys()]


def test_ten_thousand_names_are_not_all_said() -> None:
    names = tuple(f"a long name {k}" for k in range(10_000))
    many = Recording.from_arrays(
        {(f"layer.{k}", "hidden"): np.zeros((3, 2)) for k in range(500)},
        sequence=[0, 0, 1],
        labels={f"label {k}": [1, 2, 3] for k in range(300)},
        symbols=names,
        symbol=[0, 1, 9_999],
    )
    for each in (many, many.index, Column(np.zeros(9), names), naibu.data.Vocabulary(names)):
        assert len(repr(each)) < LONGEST
    assert "9992 more" in repr(naibu.data.Vocabulary(names))
    assert "<p>480 more rows: .table()</p>" in many._repr_html_()


def test_plots_draw_what_is_there(trained: Any) -> None:
    data, seeds, recording = trained
    curve = seeds.runs[0].plot()
    assert list(curve.lines[-1].get_xdata()) == [line["step"] for line in seeds.runs[0].metrics()]
    histogram = data.plot()
    assert sum(patch.get_data().values.sum() for patch in histogram.patches) == sum(
        len(part) for part in (data.train, data.validation, data.test)
    )
    start, stop = recording.index.starts[2:4]
    for label in ("", "depth"):
        ax = recording.plot(key=("lstm.0", "cell"), unit=3, sequence=2, label=label)
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), recording["lstm.0", "cell"][start:stop, 3])
        names = [text.get_text() for text in ax.get_xticklabels()]
        assert names == [recording.index.symbols[k] for k in recording.index.symbol[start:stop]]
        others = [other for other in ax.figure.axes if other is not ax]
        assert len(others) == bool(label)
    np.testing.assert_array_equal(others[0].lines[0].get_ydata(), recording.index.label("depth").values[start:stop])
    with pytest.raises(naibu.OptionError, match="unit 99: lstm.0/cell has units 0 to"):
        recording.plot(key=("lstm.0", "cell"), unit=99)
    with pytest.raises(naibu.OptionError, match="sequence 1000: there are sequences 0 to"):
        recording.plot(key=("lstm.0", "cell"), unit=0, sequence=1000)
