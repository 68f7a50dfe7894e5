"""The list of sequences, and windows of one: against the columns read whole."""

from __future__ import annotations

import csv
import io
import itertools

import numpy as np
import pytest

from naibu.errors import OptionError
from naibu.recording import Recording
from naibu.recording.index import Index
from naibu.viewer import windows
from naibu.viewer.exhibits import Exhibit
from naibu.viewer.sequence_table import Wanted
from planted_units import CELL, exhibit, planted


@pytest.fixture(scope="module")
def shown():
    return exhibit()


def test_starts_and_losses_are_those_of_the_index_whatever_the_pieces(shown, monkeypatch):
    index = shown.recording.index
    assert index.starts.tolist() == [0, *(np.flatnonzero(np.diff(index.sequence)) + 1).tolist(), len(index)]
    monkeypatch.setattr("naibu.recording.index.ROWS", 37)
    pieces = Index({"sequence": index.sequence})
    np.testing.assert_array_equal(pieces.starts, index.starts)
    monkeypatch.setattr("naibu.viewer.sequence_table.ROWS", 37)
    again = exhibit(shown.recording).sequences
    np.testing.assert_array_equal(again.starts, index.starts)
    expected = [np.nanmean(index.loss[a:b]) for a, b in itertools.pairwise(index.starts)]
    np.testing.assert_allclose(again.loss, expected, rtol=1e-5)
    assert next(iter(again.groups())) == (0, max(1, int(np.searchsorted(index.starts, 37, "right")) - 1))


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(shortest=10, longest=20),
        Wanted(split="test"),
        Wanted(least_loss=0.8, most_loss=1.2),
        Wanted(label="inside", value="yes"),
        Wanted(label="depth", value="5"),
        Wanted(words="a b"),
        Wanted(words="aba"),
        Wanted(words="long_word"),
    ],
    ids=str,
)
def test_the_list_is_filtered_as_by_hand(shown, wanted):
    index, table = shown.recording.index, shown.sequences
    words = {"a b": [0, 1], "aba": [0, 1, 0]}.get(wanted.words)
    if wanted.words == "long_word":
        with pytest.raises(OptionError, match="not among the symbols"):
            table.listed(wanted)
        return
    expected = []
    for number, (a, b) in enumerate(itertools.pairwise(index.starts)):
        length, loss, symbols = b - a, np.nanmean(index.loss[a:b]), index.symbol[a:b].tolist()
        keep = length >= wanted.shortest and (not wanted.longest or length <= wanted.longest)
        keep &= not wanted.split or index.split[a] == 2
        keep &= wanted.least_loss is None or wanted.least_loss <= loss <= wanted.most_loss
        if wanted.label:
            value = 1 if wanted.value == "yes" else 5
            keep &= bool((index.label(wanted.label).values[a:b] == value).any())
        if words:
            keep &= any(symbols[k : k + len(words)] == words for k in range(length))
        if keep:
            expected.append(number)
    assert table.listed(wanted).tolist() == expected
    assert 0 < len(expected) < len(table)


def test_it_is_sorted_by_what_a_unit_does(shown):
    x, starts = np.asarray(shown.recording[CELL], np.float32)[:, 2], shown.sequences.starts
    parts = [x[a:b] for a, b in itertools.pairwise(starts)]
    for how, of in (("highest", np.max), ("lowest", np.min), ("mean", np.mean), ("range", np.ptp)):
        found = shown.sequences.listed(Wanted(sort=how, down=True), x)
        values = [of(parts[k]) for k in found]
        assert all(a >= b - 1e-5 for a, b in itertools.pairwise(values))
    lengths = shown.sequences.lengths[shown.sequences.listed(Wanted(sort="length"))]
    assert (np.diff(lengths) >= 0).all()
    with pytest.raises(OptionError, match="of which unit"):
        shown.sequences.listed(Wanted(sort="mean"))


def test_a_window_has_the_columns_and_values_of_its_rows(shown):
    index, seen = shown.recording.index, windows.window(shown, 7, 2, 6)
    first = int(index.starts[7]) + 2
    told = windows.columns(shown.recording, seen)
    assert (told["start"], told["stop"], told["row"]) == (2, 6, first)
    assert told["labels"]["depth"]["numbers"] == index.label("depth").values[first : first + 4].tolist()
    column = told["labels"]["inside"]
    assert [column["names"][k] for k in column["codes"]] == [
        ("no", "yes")[k] for k in index.label("inside").values[first : first + 4]
    ]
    values = windows.values(shown.recording, CELL, [4, 0], seen)
    np.testing.assert_array_equal(values, np.asarray(shown.recording[CELL])[first : first + 4][:, [4, 0]])
    assert windows.values(shown.recording, CELL, None, seen).shape == (4, 6)
    last = windows.columns(shown.recording, windows.window(shown, 7))
    assert last["outcomes"]["loss"]["numbers"][-1] is None  # nothing is predicted there; NaN is no JSON


def test_windows_are_bounded(shown):
    with pytest.raises(OptionError, match="sequences 0 to 59"):
        windows.window(shown, 60)
    with pytest.raises(OptionError, match="has steps 0 to"):
        windows.window(shown, 0, 99)
    with pytest.raises(OptionError, match="units 0 to 5"):
        windows.values(shown.recording, CELL, [6], windows.window(shown, 0))
    long = Recording.from_arrays({CELL: np.zeros((5000, 2), np.float16)}, sequence=np.zeros(5000))
    seen = windows.window(Exhibit("long", long), 0)
    assert (seen.stop, seen.length) == (windows.LONGEST, 5000)


def test_values_beyond_float16_travel_as_its_ends():
    wide = Recording.from_arrays({CELL: np.array([[1e6], [-1e6], [0.5]], np.float32)}, sequence=np.zeros(3))
    found = windows.values(wide, CELL, None, windows.window(Exhibit("wide", wide), 0))
    assert found[:, 0].tolist() == [65504, -65504, 0.5]


def test_csv_has_a_row_a_step_and_no_formula(shown):
    seen = windows.window(shown, 3)
    rows = list(csv.reader(io.StringIO(windows.as_csv(windows.table(shown.recording, seen, [(CELL, 0)])))))
    assert rows[0][:2] == ["step", "read"]
    assert rows[0][-1] == "lstm.0/cell:0"
    assert len(rows) == seen.length + 1
    depth = shown.recording.index.label("depth").values[seen.rows]
    assert [float(row[-1]) for row in rows[1:]] == depth.tolist()
    assert windows.as_csv([["=1+1", "@x", "-", 3, -4.5]]) == "'=1+1,'@x,'-,3,-4.5\n"


def test_a_recording_without_symbols_is_spelled_by_its_numbers():
    numbers = Recording.from_arrays(
        {CELL: np.zeros((3, 1))}, sequence=np.zeros(3), inputs={"volume": np.array([1.5, 2, 3])}
    )
    assert windows.text_of(numbers, windows.window(Exhibit("n", numbers), 0)) == ["1.5", "2", "3"]
    bare = Recording.from_arrays({CELL: np.zeros((2, 1))}, sequence=np.zeros(2))
    assert windows.text_of(bare, windows.window(Exhibit("b", bare), 0)) == ["0", "1"]


def test_planted_units_are_what_they_are_said_to_be():
    recording = planted()
    np.testing.assert_array_equal(np.asarray(recording[CELL])[:, 0], recording.index.label("depth").values)
