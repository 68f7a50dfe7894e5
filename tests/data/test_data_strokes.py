"""Drawings read from every format, as examples with noise and labels, and what cannot be read."""

from __future__ import annotations

import io
import json
import math
import runpy
from pathlib import Path

import numpy as np
import pytest

from naibu.data.order import ByLength
from naibu.data.strokes.coder import StrokeCoder
from naibu.data.strokes.drawings import places_of
from naibu.data.strokes.lettering import fonts_of, lettered, set_in
from naibu.data.strokes.opening import open_strokes
from naibu.data.strokes.order import StrokeOrder
from naibu.data.strokes.reading import read_drawings
from naibu.errors import CorpusError, OptionError
from scribbles import font, scribbles

ROWS = np.array([[3, 4, 0], [1, 0, 1], [0, 2, 0], [5, 5, 0], [-1, 0, 1]], np.int16)
STARTS = np.array([0, 2, 5])
FIRST, SECOND = [[3, 4, 0], [1, 0, 1]], [[0, 2, 0], [5, 5, 0], [-1, 0, 1]]


def five(rows, length):
    out = np.zeros((length, 5))
    for k, (dx, dy, pen) in enumerate(rows):
        out[k] = dx, dy, 1 - pen, pen, 0
    out[len(rows) :, 4] = 1
    return out


ARRAYS = {
    "end to end": {"points": ROWS, "offsets": STARTS, "word": np.array(["a", "b"])},
    "stroke-5, end to end": {"x": np.concatenate([five(FIRST, 3), five(SECOND, 3)]), "starts": np.array([0, 3, 6])},
    "stroke-5, padded": {"x": np.stack([five(FIRST, 4), five(SECOND, 4)]), "word": np.array(["a", "b"])},
    "stroke-3, padded": {
        "x": np.stack([np.pad(FIRST, ((0, 2), (0, 0))), np.pad(SECOND, ((0, 1), (0, 0)))]),
        "lengths": np.array([2, 3]),
    },
    "an array each": {"first": np.array(FIRST), "second": np.array(SECOND)},
}


@pytest.mark.parametrize("form", ARRAYS)
def test_arrays_of_every_shape_are_the_same_drawings(form, tmp_path):
    np.savez(tmp_path / "some.npz", **ARRAYS[form])
    found = read_drawings([tmp_path / "some.npz"]).drawings
    assert [each.points.tolist() for each in found] == [FIRST, SECOND]
    if "word" in ARRAYS[form]:
        assert [each.labels["word"] for each in found] == ["a", "b"]


LINES = [
    {"points": FIRST, "word": "a"},
    {"points": five(FIRST, 4).tolist()},
    {"drawing": [[[3, 4], [4, 4]]], "word": "a", "recognized": True},
    {"strokes": [[[3, 4], [4, 4]], []]},
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: next(iter(line)))
def test_lines_of_every_shape_are_the_same_drawing(line, tmp_path):
    (tmp_path / "some.ndjson").write_text(json.dumps(line) + "\n")
    (found,) = read_drawings([tmp_path / "some.ndjson"]).drawings
    assert found.points.tolist() == FIRST
    assert "word" not in line or found.labels["word"] == "a"


INK = """<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="truth">x</annotation>
<traceFormat><channel name="T"/><channel name="X"/><channel name="Y"/></traceFormat>
<trace id="0">0 3 4, 1 4 4</trace><traceGroup><trace>2 4 6, 3 9 11 ,4 8 11</trace></traceGroup></ink>"""


def test_a_trace_of_inkml_is_a_stroke(tmp_path):
    (tmp_path / "some.inkml").write_text(INK)
    (found,) = read_drawings([tmp_path]).drawings
    assert found.points.tolist() == FIRST + SECOND
    assert found.labels == {"truth": "x"}


def test_a_glyph_of_hershey_is_a_drawing(tmp_path):
    # Worked by hand: R is 0, S 1, Q -1; " R" lifts the pen.
    (tmp_path / "tiny.jhf").write_text("    1  1JZ\n    2  6MWRRSR RQQRQ\n")
    (found,) = read_drawings([tmp_path / "tiny.jhf"]).drawings
    assert found.points.tolist() == [[0, 0, 0], [1, 0, 1], [-2, -1, 0], [1, 0, 1]]
    assert found.labels == {"font": "tiny"}
    assert found.line == 2


def svg(body, box='viewBox="0 0 36 36"'):
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{body}</svg>'


def strokes_in(tmp_path, body, **options):
    (tmp_path / "some.svg").write_text(svg(body, **options))
    return places_of(read_drawings([tmp_path / "some.svg"]).drawings[0].points)


def test_lines_of_svg_become_points_at_equal_distances(tmp_path):
    body = '<path d="M1,2 h3 v-2 l1 1 z m10 10 L 12 11"/><g><line x1="0" y1="0" x2="0" y2="2"/></g>'
    first, second, third = strokes_in(tmp_path, body + "<defs><path d='M0 0 L9 9'/></defs>")
    assert first[:6].tolist() == [[1, 2], [2, 2], [3, 2], [4, 2], [4, 1], [4, 0]]
    assert first[-1].tolist() == [1, 2]
    assert second.tolist() == [[11, 12], [12, 11]]
    assert third.tolist() == [[0, 0], [0, 1], [0, 2]]


def test_curves_of_svg_lie_where_they_should(tmp_path):
    """Two half circles as arcs; a parabola as a quadratic and, raised, as a cubic curve; smooth ones mirrored."""
    circle, quadratic, cubic, smooth, mirrored = strokes_in(
        tmp_path,
        '<path d="M18 8a10 10 0 0 1 0 20A10 10 0 0 1 18 8"/><path d="M0 0Q 9 18 18 0"/><path d="M0 0C6 12 12 12 18 0"/>'
        '<path d="M0 0Q 5 10 10 0T 20 0"/><path d="M0 0Q 5 10 10 0Q 15 -10 20 0"/>',
    )
    np.testing.assert_allclose(np.hypot(*(circle - [18, 18]).T), 10, atol=1e-6)
    assert len(circle) == pytest.approx(20 * math.pi, abs=3)
    assert circle[:, 0].min() < 8.1 < 27.9 < circle[:, 0].max()
    np.testing.assert_allclose(quadratic[:, 1], 2 * quadratic[:, 0] * (18 - quadratic[:, 0]) / 18, atol=1e-9)
    np.testing.assert_allclose(cubic, quadratic, atol=1e-9)
    np.testing.assert_allclose(smooth, mirrored, atol=1e-9)
    steps = np.hypot(*np.diff(quadratic, axis=0).T)
    assert steps.max() / steps.min() < 1.02


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.npz", {"x": np.zeros((5, 4))}, r"a shape that is not known \(x \[5, 4\]\); known are"),
        ("a.npz", {"x": np.zeros((2, 5, 3))}, "nothing says where a drawing ends"),
        ("a.npz", {"x": np.array([{}, 1], object)}, "would have to be unpickled"),
        ("a.npz", {"x": np.array([[1, np.inf, 0.0], [0, 0, 1]])}, "row 0: 1 inf is no offset"),
        ("a.npz", {"x": ROWS + np.array([0, 0, 0.5]), "o": STARTS}, "row 0: the pen is 0.5; it has to be 0 or 1"),
        ("a.npz", {"x": ROWS}, "1 different drawing, of which one is to be held out"),
        ("a.npy", "garbage", "no arrays of numpy"),
        ("a.jsonl", '{"points": [[0, 0, 1]]}\n{"points": [[0, NaN, 1]]}\n', "line 2: row 0: 0 nan is no offset"),
        ("a.jsonl", '{"points": [[0, 0]]}\n', r"line 1: points \[1, 2\]: another shape"),
        ("a.jsonl", '{"points": [[0, 0, 1], [2]]}\n', "line 1: lists of different lengths"),
        ("a.jsonl", '{"word": "cat"}\n', "line 1: no drawing; known are"),
        ("a.jsonl", '{"word": \n', "line 1: no JSON"),
        ("a.jsonl", "", "no drawing with a point"),
        ("a.inkml", "<ink></ink>", "no trace is in it"),
        ("a.inkml", "<ink><trace></trace></ink>", "no drawing with a point"),
        ("a.inkml", "<ink><trace>1 2, '3 4</trace></ink>", 'trace 1: "\'3 4" is no point of numbers'),
        ("a.inkml", "<ink><trace>1 2, nan 4</trace></ink>", "trace 1, point 2: nan 4 is no place"),
        ("a.inkml", "<ink><trace>1 2", "line 1: no XML"),
        ("a.inkml", '<!DOCTYPE ink [<!ENTITY a "b">]><ink><trace>&a;</trace></ink>', "it defines entities"),
        ("a.svg", svg("<text>no</text>"), "no path, line or polyline"),
        ("a.svg", svg('<g transform="scale(2)"><path d="M0 0L1 1"/></g>'), "a path with a transform"),
        ("a.svg", svg('<path d="M0 0 L1"/>'), "L with 1 numbers"),
        ("a.svg", svg('<path d="M0 0 L1 x"/>'), "'x' in the path"),
        ("a.svg", svg('<path d="M0 0 a1 1 0 2 0 3 3"/>'), "an arc whose flags"),
        ("a.svg", svg('<path d="M0 0 L1e400 2"/>'), "1e400 is no place"),
        ("a.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (4,", "no arrays of numpy"),
        ("a.npz", b"PK\x03\x04nothing", "no arrays of numpy"),
        ("a.jhf", "    1  5MWRRSR\n", "line 1: 5 pairs of letters are said to follow, and 3 do"),
        ("a.jhf", "hello\n", "line 1: no glyph"),
        ("a.txt", "hello\n", "no drawings: they are read from .npz"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(name, content, told, tmp_path):
    path = tmp_path / name
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CorpusError, match=told) as error:
        open_strokes(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "some.jsonl"
    path.write_text(scribbles())
    return open_strokes(path, class_="kind", validation=0.1, test=0.2, seed=3)


def test_parts_share_no_drawing_and_lose_none(opened):
    parts = [opened.train, opened.validation, opened.test]
    keys = [{part.points(k).tobytes() for k in range(len(part))} for part in parts]
    assert sum(map(len, parts)) == len(set().union(*keys)) == sum(map(len, keys))
    assert 0.1 < int(opened.test.lengths.sum()) / int(sum(part.lengths.sum() for part in parts)) < 0.3


def test_a_drawing_that_comes_again_is_learnt_once(tmp_path):
    (tmp_path / "some.jsonl").write_text(scribbles(30) * 2)
    found = open_strokes(tmp_path / "some.jsonl")
    assert sum(len(part) for part in (found.train, found.validation, found.test)) == 30
    assert ("repeated", "30 drawings that came before are left out") in found.found


def test_what_is_in_a_test_file_is_not_learnt(tmp_path):
    (tmp_path / "all.jsonl").write_text(scribbles(30))
    (tmp_path / "test.jsonl").write_text("".join(scribbles(30).splitlines(keepends=True)[:4]))
    found = open_strokes(tmp_path / "all.jsonl", test=tmp_path / "test.jsonl", validation=0)
    assert (len(found.train), len(found.validation), len(found.test)) == (26, 0, 4)


def test_a_batch_reads_the_point_before_and_is_asked_for_the_point(opened):
    test, coder = opened.test, opened.coder
    batch = test.batch(np.arange(3))
    for row in range(3):
        steps = int(batch.main.lengths[row])
        read, told = batch.main.x[:steps, row].numpy(), batch.target[:steps, row].numpy()
        assert read[0, :3].tolist() == [0, 0, 1]
        np.testing.assert_array_equal(read[1:, :3], told[:-1, :3])
        np.testing.assert_array_equal(coder.written(told[:, :2].astype(float)), test.points(row)[:, :2])
        np.testing.assert_array_equal(told[:, 2], test.points(row)[:, 2])
        assert told[-1, 3] == 1
        np.testing.assert_array_equal(told[:-1, 3], np.where(told[:-1, 2] > 0, 0, -1))
        assert len(set(read[:, 3])) == 1
    assert bool(batch.target[int(batch.main.lengths[0]) :, 0].isnan().all())


def test_noise_is_drawn_anew_in_training_and_stays_in_what_is_judged(opened):
    order = StrokeOrder(opened.train, ByLength(opened.train, 8, 1000, 500))
    one, again = order.pieces(1, 0)[0], order.pieces(1, 0)[0]
    later = order.pieces(1, 1)[0]
    np.testing.assert_array_equal(order.read(one).target.numpy(), order.read(again).target.numpy())
    judged = opened.train.batch(one.which)
    fresh = order.read(one)
    off = (fresh.target - judged.target)[..., :2].numpy() * np.array(opened.coder.scale)
    assert 0 < np.nanmax(np.abs(off)) < 1
    follows = fresh.predicted[1:]
    np.testing.assert_array_equal(fresh.main.x[1:, :, :2][follows], fresh.target[:-1, :, :2][follows])
    assert not np.array_equal(later.which, one.which) or not order.read(later).target.equal(fresh.target)
    np.testing.assert_array_equal(opened.train.batch(one.which).target.numpy(), judged.target.numpy())


def test_offsets_that_are_no_whole_numbers_have_no_noise(tmp_path, opened):
    (tmp_path / "fine.jsonl").write_text(scribbles(30, whole=False))
    fine = open_strokes(tmp_path / "fine.jsonl")
    assert (fine.coder.noise, opened.coder.noise) == (0, 0.5)
    assert not fine.test.source.noise.any()
    assert ("offsets", "whole numbers: uniform noise of ±0.5 is added") in opened.found


def test_labels_worked_by_hand(tmp_path):
    rows = {"points": [[5, 0, 0], [0, 3, 1], [-2, 0, 0], [0, 0, 0], [1, -1, 1]]}
    others = [{"points": [[k, 2, 0], [1, k, 1]]} for k in range(20)]
    (tmp_path / "some.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (*others, rows)))
    (tmp_path / "test.jsonl").write_text(json.dumps(rows) + "\n")
    test = open_strokes(tmp_path / "some.jsonl", test=tmp_path / "test.jsonl").test
    told = {name: test.label(name) for name in test.labels("input")}
    assert told["pen_up"].values.tolist() == [1, 0, 1, 0, 0]
    assert told["direction"].values.tolist() == [-1, 0, 2, 4, -1]
    assert told["direction"].names[2] == "down"
    np.testing.assert_allclose(told["direction_sine"].values, [np.nan, 0, 1, 0, np.nan], atol=1e-6)
    np.testing.assert_allclose(told["direction_cosine"].values, [np.nan, 1, 0, -1, np.nan], atol=1e-6)
    assert told["stroke"].values.tolist() == [0, 0, 1, 1, 1]
    assert told["strokes_left"].values.tolist() == [2, 2, 1, 1, 1]
    assert told["since_pen_up"].values.tolist() == [0, 1, 0, 1, 2]
    assert told["points_left"].values.tolist() == [5, 4, 3, 2, 1]
    assert told["x"].values.tolist() == [0, 5, 5, 3, 3]
    assert told["y"].values.tolist() == [0, 0, 3, 3, 3]
    assert test.inputs("input")["dx"].values[1:].tolist() == [5, 0, -2, 0]


def test_the_labels_of_some_drawings_are_those_of_each(opened):
    for name in opened.test.labels("input"):
        each = [opened.test.subset(np.array([k])).label(name).values for k in (4, 1, 7)]
        some = opened.test.subset(np.array([4, 1, 7])).label(name).values
        np.testing.assert_array_equal(some, np.concatenate(each))


def test_a_coder_comes_back_and_knows_what_was_learnt(opened, tmp_path):
    opened.coder.save(tmp_path)
    assert StrokeCoder.load(tmp_path) == opened.coder
    assert opened.train.seen().all()
    assert not opened.test.seen().any()


def test_classes_that_are_not_there_are_refused(tmp_path, opened):
    (tmp_path / "some.jsonl").write_text(scribbles(30))
    with pytest.raises(OptionError, match="--class mood: .* what drawings say of them is kind, number"):
        open_strokes(tmp_path / "some.jsonl", class_="mood")
    with pytest.raises(OptionError, match="--class heart: training had no such kind; there are loop"):
        opened.coder.code("heart")


def test_one_array_in_memory_is_no_zip_bomb(tmp_path):
    held = io.BytesIO()
    np.savez_compressed(held, x=np.zeros((3_000_000, 3), np.float64))
    (tmp_path / "a.npz").write_bytes(held.getvalue())
    with pytest.raises(CorpusError, match="it unpacks to more than 200 times its size"):
        open_strokes(tmp_path / "a.npz")


def test_a_text_is_set_glyph_beside_glyph(tmp_path):
    plain = fonts_of([font(tmp_path / "plain.jhf")])["plain"]
    found = set_in(plain, "a bb", "plain")
    places = [[0, -2], [0, 2]]
    a, blank = 1, 2 + 3 + 4  # where the middle of a is, and what b begins after
    first, second = blank + 2 - 0, blank + 7 + 2
    b = [[0, 0], [2, 3], [1, 1], [4, -2]]
    whole = [[x + a, y] for x, y in places] + [[x + at, y] for at in (first, second) for x, y in b]
    np.testing.assert_array_equal(np.cumsum(found.points[:, :2], 0), whole)
    assert found.points[:, 2].tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert found.places.tolist() == [0, 0, 2, 2, 2, 2, 3, 3, 3, 3]
    assert found.labels == {"text": "a bb", "font": "plain"}


def test_texts_are_cut_of_words_and_set_in_fonts_that_are_named(tmp_path):
    for name in ("one", "two", "three"):
        font(tmp_path / f"{name}.jhf")
    font(tmp_path / "few.jhf", count=40)
    words = [f"w{number}{'x' * (number % 4)}" for number in range(200)]
    (tmp_path / "words.txt").write_text(" ".join(words) + " Straße\n")
    found = lettered([tmp_path], tmp_path / "words.txt", ("one", "three"), 1)
    texts = [each.labels["text"] for each in found.drawings]
    assert sorted(word for text in texts for word in text.split()) == sorted(set(words) - _beside(words, texts))
    assert {len(text.split()) for text in texts} == {1, 2, 3}
    assert {each.labels["font"] for each in found.drawings} == {"one", "three"}
    assert dict(found.found)["left out"].startswith("1 texts")
    again = lettered([tmp_path], tmp_path / "words.txt", ("one", "three"), 1)
    assert [each.labels for each in again.drawings] == [each.labels for each in found.drawings]
    with pytest.raises(OptionError, match="--font few: there is no such font; there are one, three, two"):
        lettered([tmp_path], tmp_path / "words.txt", ("few",), 1)


def _beside(words, texts):
    """Words that stood beside the one that no font has: the last ones, up to two."""
    last = set(words) - {word for text in texts for word in text.split()}
    assert last <= set(words[-2:])
    return last


def test_texts_and_points_are_two_streams(tmp_path):
    font(tmp_path / "plain.jhf")
    (tmp_path / "words.txt").write_text("ab ba bab a b bb abba aab\n" * 9)
    data = open_strokes(tmp_path / "plain.jhf", words=tmp_path / "words.txt", validation=0.2, test=0.2)
    assert data.sizes == {"numbers": 3, "characters": 3}
    assert data.options["text"] is None
    train = data.train
    some = train.subset(np.array([2, 0]))
    batch = some.batch(np.array([1, 0]))
    for column, number in enumerate((0, 2)):
        text = train.text(number)
        ids, length = batch.streams["text"].x[:, column], int(batch.streams["text"].lengths[column])
        assert "".join(data.coder.characters[k] for k in ids[:length].tolist()) == text
        assert not ids[length:].any()
    names = some.label("character").names
    told = ["" if code < 0 else names[code] for code in some.label("character").values.tolist()]
    spelt, at = [], 0
    for length in some.lengths:
        own, places = told[at : at + length], some.label("place").values[at : at + length]
        assert own[0] == ""
        assert np.isnan(places[0])
        spelt.append("".join(own[k] for k in range(1, length) if k == 1 or places[k] != places[k - 1]))
        at += length
    assert spelt == [some.text(0).replace(" ", ""), some.text(1).replace(" ", "")]
    assert some.inputs("text")["symbol"].names == tuple(data.coder.characters)
    coder = StrokeCoder.load(_saved(data.coder, tmp_path / "run"))
    assert coder == data.coder


def _saved(coder, folder):
    folder.mkdir()
    coder.save(folder)
    return folder


def test_two_fonts_of_one_name_are_told(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        font(tmp_path / name / "plain.jhf")
    with pytest.raises(CorpusError, match="a second font of the name plain"):
        fonts_of([tmp_path])


@pytest.mark.parametrize("strokes", ["[1]", "[null]", "[[1, 2], 3]"])
def test_strokes_that_are_none_are_told(strokes, tmp_path):
    (tmp_path / "bad.jsonl").write_text(f'{{"strokes": {strokes}}}\n')
    with pytest.raises(CorpusError, match=r"bad\.jsonl, line 1"):
        read_drawings([tmp_path / "bad.jsonl"])


def test_texts_that_cannot_be_learnt_are_told(tmp_path):
    path = tmp_path / "some.jsonl"
    path.write_text(scribbles())
    with pytest.raises(
        OptionError, match=r"--text said: no drawing of .* says so; what drawings say .* is kind, number, word"
    ):
        open_strokes(path, text="said")
    with pytest.raises(OptionError, match="--font plain: is one in which --words are set"):
        open_strokes(path, font="plain")
    (tmp_path / "words.txt").write_text("ab ba\n")
    with pytest.raises(CorpusError, match="no font has all of ASCII"):
        open_strokes(path, words=tmp_path / "words.txt")
    data = open_strokes(path, text="word")
    with pytest.raises(OptionError, match=r"text 'abz!': training had no 'z' '!'; it had ' abc'"):
        data.coder.ids("abz!")
    with pytest.raises(OptionError, match="the text is empty"):
        data.coder.ids("")


def test_the_example_turns_a_table_of_digits_into_drawings_that_stand_upright(tmp_path):
    """UCI's y grows upwards; a table may have a head and count its rows, and UCI's own files have neither."""
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "pen_digits.py"))
    row = "47,100, 27,81, 57,37, 26,0, 0,23, 56,53, 100,90, 40,98, 8"
    head = '"",' + ",".join(f'"c{k}"' for k in range(1, 17)) + ',"class"'
    lines = list(example["digits"](f'{head}\n"1",{row}\n'))
    assert lines == list(example["digits"](row))
    (tmp_path / "a.jsonl").write_text("".join(lines))
    (drawing,) = read_drawings([tmp_path / "a.jsonl"]).drawings
    (places,) = places_of(drawing.points)
    assert places[:2].tolist() == [[47, 0], [27, 19]]
    assert dict(drawing.labels) == {"class": "8"}
    (tmp_path / "b.jsonl").write_text('{"points": [[1, 2, 1]]}\n' * 3 + '{"points": [[1, 2, 0], [3, 4, 1]]}\n')
    assert example["lengths"](str(tmp_path / "b.jsonl")).endswith(": 3 of 1 points, 1 of 2 points")
