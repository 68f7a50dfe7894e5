"""A drawing that somebody types or draws: it is read as one of a file is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from naibu.data.strokes.opening import open_strokes
from naibu.errors import CorpusError
from naibu.tasks.strokes import Handwriting
from scribbles import scribbles


def opened(folder, *, whole=True, class_=None):
    (folder / "scribbles.ndjson").write_text(scribbles(whole=whole))
    data = open_strokes(folder / "scribbles.ndjson", class_=class_)
    data.coder.save(folder)
    return data


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("class_", [None, "kind"])
def test_a_drawing_typed_as_it_stands_is_read_as_it_was(tmp_path, whole, class_):
    data, task = opened(tmp_path, whole=whole, class_=class_), Handwriting()
    for number in (0, 3):
        text = task.as_typed(data.test, number, {})
        found = task.typed(text, {}, tmp_path, {})
        np.testing.assert_allclose(found.points(0), data.test.points(number), atol=2e-6)
        one, other = data.test.batch(np.array([number])), found.batch(np.array([0]))
        noise = 2 * data.coder.noise / min(data.coder.scale)  # is drawn for the place among all points
        torch.testing.assert_close(other.main.x, one.main.x, atol=noise + 1e-4, rtol=0)
        torch.testing.assert_close(other.target[..., 2:], one.target[..., 2:])


def test_it_may_be_the_strokes_alone_or_offsets(tmp_path):
    opened(tmp_path)
    task = Handwriting()
    expected = [[3, 4, 0], [2, 0, 1], [0, 5, 1]]
    for text in (
        "[[[3, 4], [5, 4]], [[5, 9]]]",
        '{"strokes": [[[3, 4], [5, 4]], [], [[5, 9]]]}',
        '{"points": [[3, 4, 0], [2, 0, 1], [0, 5, 0]]}',
        '{"drawing": [[[3, 5], [4, 4]], [[5], [9]]]}',
    ):
        np.testing.assert_array_equal(task.typed(text, {}, tmp_path, {}).points(0), expected)
    told = task.typing({}, tmp_path)
    assert told.drawn
    assert json.loads(
        told.how[told.how.index("{") : told.how.index("}") + 1].replace(", ...", "").replace("x, y", "1, 2")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("3", "no drawing; known are"),
        ("[]", "a drawing without a point"),
        ('{"strokes": [[]]}', "a drawing without a point"),
        ("[[[1, 2], [3]]]", "lists of different lengths"),
        ('[[["a", 2]]]', "of other things than numbers"),
        ("[[[1, 1e99]]]", "is no place"),
        ('{"points": [[1, 2, 7]]}', "the pen is 7"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_drawing_is_said_in_a_line(tmp_path, text, said):
    opened(tmp_path)
    with pytest.raises(CorpusError) as raised:
        Handwriting().typed(text, {}, tmp_path, {})
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_drawing_of_no_class_is_said_in_a_line(tmp_path):
    opened(tmp_path, class_="kind")
    with pytest.raises(CorpusError, match="says no kind"):
        Handwriting().typed("[[[3, 4], [5, 4]]]", {}, tmp_path, {})
    assert '"kind": "loop"' in Handwriting().typing({}, tmp_path).how
