"""Drawings that a network makes: against the network itself run as a whole, ends, classes, holds, files."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from naibu.config import StrokesConfig
from naibu.data.batch import Batch, Stream
from naibu.data.strokes.coder import StrokeCoder
from naibu.data.strokes.reading import read_drawings
from naibu.errors import OptionError
from naibu.generation.drawn import Drawn, svg_of, write_drawings
from naibu.generation.strokes import _Stepper, drawings
from naibu.models.strokes import StrokeModel

WHOLE = StrokeCoder((1.0, -2.0), (4.0, 5.0), 0.5)
CELLS = [("lstm", 2, 0), ("gru", 1, 3), ("rnn", 1, 0), ("min-gru", 1, 3)]
FINE = StrokeCoder((1.0, -2.0), (4.0, 5.0), 0.0, "kind", ("a", "b", "c"))


def model_of(cell="lstm", layers=1, classes=0):
    torch.manual_seed(4)
    sizes = {"numbers": 3} | ({"classes": classes} if classes else {})
    return StrokeModel(sizes, StrokesConfig(cell, units=6, layers=layers, mixtures=3)).eval()


@pytest.mark.parametrize(
    ("cell", "layers", "classes"), [("lstm", 2, 0), ("gru", 1, 3), ("rnn", 1, 0), ("min-gru", 1, 3)]
)
def test_a_step_at_a_time_is_the_network_run_as_a_whole(cell, layers, classes):
    model = model_of(cell, layers, classes)
    x = torch.randn(7, 4, 3)
    codes = [0, 1, 2, 1] if classes else []
    with torch.no_grad():
        stepper = _Stepper(model, 4, codes)
        by_step = torch.stack([stepper.step(point) for point in x])
        whole = torch.cat([x, torch.tensor(codes).float().expand(7, 4)[..., None]], -1) if classes else x
        batch = Batch({"input": Stream(whole, torch.full((4,), 7))}, torch.zeros(7, 4, 4))
        told, _, _ = model.told(batch, None)
    torch.testing.assert_close(model.parted(by_step).mixture.flatten(0, 1), told.mixture, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.parted(by_step).pen.flatten(), told.pen, rtol=1e-4, atol=1e-5)


def test_what_is_drawn_depends_on_the_seed_alone():
    one, again, other = (drawings(model_of(), WHOLE, count=3, length=30, seed=seed) for seed in (1, 1, 2))
    for left, right in zip(one, again, strict=True):
        np.testing.assert_array_equal(left.points, right.points)
    assert not np.array_equal(one[0].points, other[0].points)


def test_offsets_of_whole_numbers_are_whole_and_a_drawing_ends_with_a_lifted_pen():
    for each in drawings(model_of(), WHOLE, count=20, length=200):
        assert each.ended
        np.testing.assert_array_equal(each.points, np.rint(each.points))
        assert each.points[-1, 2] == 1
    cut = drawings(model_of(), WHOLE, count=20, length=2)
    assert not all(each.ended for each in cut)
    assert {len(each.points) for each in cut if not each.ended} == {2}


def test_each_class_is_drawn_so_often_and_what_is_drawn_is_of_it():
    model = model_of(classes=3)
    found = drawings(model, FINE, count=2, length=9, classes=["c", "a"])
    assert [each.class_ for each in found] == ["c", "c", "a", "a"]
    with torch.no_grad():
        model.classes.weight[2] = model.classes.weight[0]
    same = drawings(model, FINE, count=2, length=9, classes=["a", "a"])
    np.testing.assert_array_equal(
        same[2].points, drawings(model, FINE, count=2, length=9, classes=["c", "c"])[2].points
    )
    with pytest.raises(OptionError, match="--class: which kind is to be drawn"):
        drawings(model, FINE)
    with pytest.raises(OptionError, match="was told no classes"):
        drawings(model_of(), WHOLE, classes=["a"])


def test_a_unit_held_at_what_it_never_is_changes_what_is_drawn_and_held_at_later_steps_not_the_first():
    free = drawings(model_of(), WHOLE, count=4, length=20)
    held = drawings(model_of(), WHOLE, count=4, length=20, hold=["cell:1=3@2:"])
    assert any(not np.array_equal(a.points, b.points) for a, b in zip(free, held, strict=True))
    for one, other in zip(free, held, strict=True):
        np.testing.assert_array_equal(one.points[:2], other.points[:2])


def test_with_much_bias_points_lie_at_the_mean_of_the_likeliest_component():
    model = model_of()
    (sharp,) = drawings(model, StrokeCoder((1.0, -2.0), (4.0, 5.0), 0.0), length=1, bias=15.0)
    with torch.no_grad():
        raw = _Stepper(model, 1, []).step(torch.tensor([[0.0, 0.0, 1.0]]))
    w, x, y = model.parted(raw).mixture.unflatten(-1, (6, -1))[0, :3]
    best = w.argmax()
    np.testing.assert_allclose(sharp.points[0, :2], [x[best] * 4 + 1, y[best] * 5 - 2], atol=1e-4)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"bias": -1.0}, "--bias -1: must be from 0"),
        ({"bias": float("nan")}, "--bias nan: must be from 0"),
        ({"length": 0}, "--length 0: must be from 1"),
        ({"count": 0}, "--count 0: must be from 1"),
        ({"seed": -1}, "--seed -1"),
        ({"hold": ["cell:9"]}, "units 0 to 5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, told):
    with pytest.raises(OptionError, match=told):
        drawings(model_of(), WHOLE, **options)


SOME = [
    Drawn(np.array([[1.0, 2, 0], [10, 0, 1], [0, 20, 0], [5, 5, 1]]), True, "<b>&\x00"),
    Drawn(np.array([[3.0, 3, 1]]), True),
    Drawn(np.array([[0.0, 0, 0], [1, 1, 0]]), False),
]


@pytest.mark.parametrize("ending", [".jsonl", ".npz"])
def test_points_that_were_written_are_read_again(ending, tmp_path):
    write_drawings(SOME, tmp_path / f"some{ending}")
    again = read_drawings([tmp_path / f"some{ending}"]).drawings
    for one, other in zip(SOME, again, strict=True):
        np.testing.assert_array_equal(one.points, other.points)


def test_a_page_holds_every_stroke_in_its_cell_at_one_scale():
    root = ElementTree.fromstring(svg_of(SOME))
    width, height = (float(root.get(name)) for name in ("width", "height"))
    paths = [each for each in root.iter() if each.tag.endswith("path")]
    assert len(paths) == 4
    places = [
        np.array([float(part) for part in each.get("d").split() if part not in "ML"]).reshape(-1, 2) for each in paths
    ]
    assert all((part >= 0).all() and (part <= [width, height]).all() for part in places)
    assert np.ptp(places[0][:, 0]) == pytest.approx(10 / 25 * 100, abs=0.02)  # the largest is 25 high
    assert np.ptp(places[3][:, 0]) == pytest.approx(1 / 25 * 100, abs=0.02)
    assert "<b>" not in svg_of(SOME)
    (title,) = [each.text for each in root.iter() if each.tag.endswith("title")]
    assert title == "<b>& "


def test_a_page_as_png_has_ink_where_the_strokes_are(tmp_path):
    from matplotlib.image import imread

    write_drawings(SOME, tmp_path / "page.png")
    page = imread(tmp_path / "page.png")[..., 0]
    assert page.shape == (240, 480)  # the widest is 15, the highest 25: cells of 60 x 100, 10 around each
    for left in (0, 160, 320):
        assert (page[20:220, left + 20 : left + 140] < 0.5).any()
        assert not (page[:12, left : left + 160] < 0.5).any()


def test_lines_of_text_are_as_high_as_other_drawings_are_large():
    line = Drawn(np.array([[0.0, 0, 0], [300, 20, 1]]), True, text="naibu")
    root = ElementTree.fromstring(svg_of([line] * 4))
    assert (root.get("width"), root.get("height")) == (f"{1500 + 20:g}", f"{4 * 120:g}")
    assert [each.text for each in root.iter() if each.tag.endswith("title")] == ["naibu"] * 4


@pytest.mark.parametrize("text", [None, "-"])
def test_a_page_of_a_flat_line_stays_a_page(text, tmp_path):
    flat = Drawn(np.array([[0.0, 0, 0], [20, 0, 1]]), True, text=text)
    root = ElementTree.fromstring(svg_of([flat]))
    assert 100 <= float(root.get("width")) <= 4100
    write_drawings([flat], tmp_path / "flat.png")


def test_a_drawing_as_a_line_says_its_class_and_whether_it_ended():
    assert json.loads(SOME[0].line()) == {
        "points": [[1, 2, 0], [10, 0, 1], [0, 20, 0], [5, 5, 1]],
        "ended": True,
        "class": "<b>&\x00",
    }
