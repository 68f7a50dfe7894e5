"""Reading and dividing sequences with classes: every layout, by hand; what may not be in two parts; bad input."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest

import naibu
from naibu.cli import main
from naibu.data.classes import division, motion
from naibu.data.classes.coder import load_coder
from naibu.data.classes.reading import read_rows
from naibu.data.classes.rows import Asked, Row
from naibu.errors import CorpusError, OptionError

TS = "# about\n@problemName x\n@timeStamps false\n@classLabel true up down\n@data\n"


def rows_of(path, **asked):
    return read_rows([path], Asked(**asked))


def told(read):
    return [(row.value, row.label) for row in read.rows]


def reviews(count=60):
    words = ["good fine great", "bad awful poor"]
    return [(f"{words[k % 2].split()[k % 3]} film number {k}", ("pos", "neg")[k % 2]) for k in range(count)]


# ---------------------------------------------------------------- layouts of texts


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv", ";")])
def test_a_table_is_read_by_its_columns(tmp_path, name, separator):
    path = tmp_path / name
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([["n", "review", "stars"], [1, 'so "good",\nreally; yes', "5"], [2, "no", "1"]])
    read = rows_of(path, text="review", class_="stars")
    assert told(read) == [('so "good",\nreally; yes', "5"), ("no", "1")]
    assert [row.line for row in read.rows] == [2, 4]  # a cell in quotes runs over two lines


def test_json_lines_are_a_table(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"t": "so", "c": 1}\n\n{"t": "no", "c": 0}\n')
    read = rows_of(path, text="t", class_="c")
    assert told(read) == [("so", "1"), ("no", "0")]
    assert [row.line for row in read.rows] == [1, 3]


def test_a_class_stands_before_a_tab_or_a_blank(tmp_path):
    tab, blank = tmp_path / "tab.txt", tmp_path / "blank.txt"
    tab.write_text("good\tI like it\nbad\tI do not\n")
    assert told(rows_of(tab)) == [("I like it", "good"), ("I do not", "bad")]
    blank.write_text("".join(f"NUM:date When was {k} ?\nHUM:ind Who was {k} ?\n" for k in range(20)))
    read = rows_of(blank)
    assert (read.format, told(read)[:2]) == ("blank", [("When was 0 ?", "NUM"), ("Who was 0 ?", "HUM")])
    assert any("colon" in text for _, text in read.notes)
    assert {row.label for row in rows_of(blank, fine=True).rows} == {"NUM:date", "HUM:ind"}


def test_texts_alone_are_told_from_texts_with_a_class_by_the_classes_of_the_network(tmp_path):
    path = tmp_path / "q.txt"
    path.write_text("Who was it ?\nWhen was it ?\n")
    alone = rows_of(path, format="blank", known=("NUM", "HUM"))
    assert told(alone) == [("Who was it ?", None), ("When was it ?", None)]
    path.write_text("HUM:ind Who was it ?\nNUM:date When was it ?\n")
    assert [label for _, label in told(rows_of(path, format="blank", known=("NUM", "HUM")))] == ["HUM", "NUM"]


def test_files_and_folders_are_classes(tmp_path):
    names, folders = tmp_path / "names", tmp_path / "folders"
    names.mkdir()
    for name, text in (("female.txt", "Ann\n\nEve\n"), ("male.txt", "Bob\n"), ("README", "about\n")):
        (names / name).write_text(text)
    read = rows_of(names)
    assert (read.format, told(read)) == ("files", [("Ann", "female"), ("Eve", "female"), ("Bob", "male")])
    assert [name for name, _ in read.notes] == ["left aside"]
    assert told(read_rows([names / "female.txt", names / "male.txt"], Asked())) == told(read)
    for name, text in (("pos/1.txt", "so\ngood"), ("neg/1.txt", "bad"), ("neg/2.txt", "worse")):
        (folders / name).parent.mkdir(parents=True, exist_ok=True)
        (folders / name).write_text(text)
    read = rows_of(folders)
    assert (read.format, told(read)) == ("folders", [("bad", "neg"), ("worse", "neg"), ("so\ngood", "pos")])


def test_of_trees_every_node_is_a_row_and_the_root_alone_is_scored(tmp_path):
    path = tmp_path / "sst.txt.gz"
    path.write_bytes(gzip.compress(b"(3 (2 It) (4 (2 's) (4 fine)))\n(1 (1 No) (2 way))\n"))
    read = rows_of(path)
    found = [(row.value, row.label, row.whole, row.group) for row in read.rows]
    assert found[:5] == [
        ("It", "2", False, 0), ("'s", "2", False, 0), ("fine", "4", False, 0), ("'s fine", "4", False, 0),
        ("It 's fine", "3", True, 0),
    ]  # fmt: skip
    assert [row[3] for row in found[5:]] == [1, 1, 1]
    assert [value for value, _ in told(rows_of(path, whole=True))] == ["It 's fine", "No way"]


def test_latin_1_is_read_and_said_and_other_encodings_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\tso far\n" * 40 + "good\tcaf\u00e9\n".encode("latin-1"))
    read = rows_of(path)
    assert read.rows[-1].value == "caf\u00e9"
    assert ("encoding", f"{path} is no UTF-8 (line 41), and was read as Latin-1") in read.notes
    for encoding in ("shift-jis", "euc-jp"):
        path.write_bytes("good\t日本語の文章です\n".encode(encoding) * 20)
        with pytest.raises(CorpusError, match="line 1: not UTF-8"):
            rows_of(path)


# ---------------------------------------------------------------- layouts of series


def test_ts_has_channels_missing_values_and_other_lengths(tmp_path):
    path = tmp_path / "a.ts"
    path.write_text(TS + "1,2,3:0,?,1:up\n4,5:NaN,1:down\n")
    read = rows_of(path)
    first, second = (row.value for row in read.rows)
    np.testing.assert_array_equal(first, [[1, 0], [2, np.nan], [3, 1]])
    np.testing.assert_array_equal(second, [[4, np.nan], [5, 1]])
    assert [row.label for row in read.rows] == ["up", "down"]
    assert [row.line for row in read.rows] == [6, 7]


def test_points_of_an_id_are_a_series_in_the_order_of_time(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("trip,at,v,mode\na,10,1,walk\nb,0,5,bus\na,0,3,walk\na,10,9,walk\nb,5,,bus\n")
    read = rows_of(path, id="trip", time="at", class_="mode")
    assert read.channels == ("v",)
    first = read.rows[0]
    assert (first.name, first.label, first.value[:, 0].tolist()) == ("a", "walk", [3.0, 1.0])
    assert np.isnan(read.rows[1].value[1, 0])
    assert sorted(text.split()[0] for name, text in read.notes if name == "points") == ["1", "1"]


def test_drawings_are_read_as_strokes_are_and_say_their_class_themselves(tmp_path):
    path = tmp_path / "a.jsonl"
    square, dash = [[0, 0], [2, 0], [2, 3]], [[5, 1], [6, 1]]
    path.write_text(
        json.dumps({"strokes": [square, dash], "kind": "house"})
        + "\n\n"
        + json.dumps({"points": [[1, 1, 0], [4, -2, 0]], "kind": "line"})
        + "\n"
    )
    read = rows_of(path, class_="kind")
    assert (read.format, read.kind, read.channels) == ("drawings", "numbers", ("dx", "dy", "pen"))
    assert [(row.label, row.line) for row in read.rows] == [("house", 1), ("line", 3)]
    np.testing.assert_array_equal(read.rows[0].value, [[0, 0, 0], [2, 0, 0], [0, 3, 1], [3, -2, 0], [1, 0, 1]])
    np.testing.assert_array_equal(read.rows[1].value, [[1, 1, 0], [4, -2, 1]])  # the pen is lifted at the end
    with pytest.raises(OptionError, match="--class: say what drawings say of themselves; there is kind"):
        rows_of(path)
    with pytest.raises(OptionError, match="--class king: no drawing says it of itself; there is kind"):
        rows_of(path, class_="king")
    table = tmp_path / "b.jsonl"
    table.write_text('{"text": "so", "points": 3, "kind": "x"}\n')
    assert rows_of(table, text="text", class_="kind").format == "column"


def test_movement_is_computed_as_the_formulas_say(tmp_path):
    # Along the equator a degree is R pi / 180; north from there the bearing is 0, east 90.
    degree = motion.EARTH * np.pi / 180
    latitude, longitude = np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.0, 1.0, 3.0, 3.0])
    distance, bearing = motion.great_circle(latitude, longitude)
    np.testing.assert_allclose(distance, degree * np.array([1, 2, 1]), rtol=1e-12)
    np.testing.assert_allclose(bearing, [90, 90, 0], atol=1e-9)
    found = motion.moving(distance, bearing, np.array([0.0, 10.0, 20.0, 40.0]), tuple(motion.FEATURES))
    wanted = {
        "speed": degree / 10 * np.array([1, 1, 2, 0.5]),
        "acceleration": degree / 100 * np.array([0, 0, 1, -0.75]),
        "bearing_sine": [0, 1, 1, 0],
        "bearing_cosine": [0, 0, 0, 1],
        "turn": [0, 0, 0, -90],
    }
    for name, column in zip(motion.channels_of(tuple(motion.FEATURES)), found.T, strict=True):
        np.testing.assert_allclose(column, wanted[name], atol=1e-6, err_msg=name)
    path = tmp_path / "gps.csv"
    lines = zip(latitude, longitude, (0, 10, 20, 40), strict=True)
    path.write_text("id,Lat,Lon,t,c\n" + "".join(f"1,{a},{b},2020-01-01T00:00:{t:02}Z,car\n" for a, b, t in lines))
    read = rows_of(path, id="id", time="t", class_="c")
    np.testing.assert_allclose(read.rows[0].value, found, atol=1e-6)


def test_geolife_gives_a_trip_for_each_labelled_stretch(tmp_path):
    folder = tmp_path / "Data" / "007" / "Trajectory"
    folder.mkdir(parents=True)
    head = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track,0,0,2,8421376\n0\n"
    point = "39.9{k:04},116.3,0,492,39744.12,2008-10-23,10:{m:02}:{s:02}\n"
    stamps = [(m, s) for m in (0, 1, 25, 26) for s in range(0, 60, 5)]
    points = "".join(point.format(k=k, m=m, s=s) for k, (m, s) in enumerate(stamps))
    (folder / "20081023.plt").write_text(head + points)
    (folder.parent / "labels.txt").write_text(
        "Start Time\tEnd Time\tTransportation Mode\n2008/10/23 10:00:00\t2008/10/23 10:25:59\twalk\n"
        "2008/10/23 10:26:00\t2008/10/23 10:26:20\tbus\n"
    )
    read = rows_of(tmp_path)
    assert read.format == "geolife"
    # 10:00 to 10:01:55, and 10:25 after more than 20 minutes without a point; 5 points of a bus are too few.
    assert [(row.label, len(row.value)) for row in read.rows] == [("walk", 24), ("walk", 12)]
    assert {row.group for row in read.rows} == {0}
    step = motion.EARTH * np.radians(1e-5)  # north, in 5 seconds
    np.testing.assert_allclose(read.rows[0].value[1:12, 0], step / 5, rtol=1e-6)
    said = [text for name, text in read.notes if name == "GeoLife"]
    assert any(text.startswith("7 points outside") for text in said)
    assert any("1 stretches of fewer than 10" in text for text in said)
    lost = "99,200,0,492,39744.12,2008-10-23,11:00:00\n" * 9
    (folder / "20081023.plt").write_text(head + points + lost)
    aside = [text for name, text in rows_of(tmp_path).notes if name == "left aside"]
    assert len(aside) == 3
    assert aside[-1].endswith("no place on earth, and 6 more")


def ngsim(path, lanes_of, frames=200):
    columns = "Vehicle_ID,Frame_ID,Total_Frames,Local_X,Local_Y,v_Vel,v_Acc,Lane_ID,Space_Headway,Time_Headway"
    lines = [columns]
    for vehicle, lanes in enumerate(lanes_of):
        for frame in range(frames):
            lane = lanes(frame)
            lines.append(f"{vehicle},{frame},{frames},{10 * lane + frame / 10},{frame},40,{frame % 3},{lane},0,0")
    path.write_text("\n".join(lines) + "\n")


def test_ngsim_gives_the_seconds_before_a_change_of_lane(tmp_path):
    path = tmp_path / "us101.csv"
    ngsim(path, [lambda f: 2 if f < 150 else 1, lambda f: 3, lambda f: 1 if f < 70 else 2])
    read = rows_of(path)
    assert read.format == "ngsim"
    by_vehicle = {group: [row.label for row in read.rows if row.group == group] for group in range(3)}
    assert by_vehicle == {0: ["left"], 1: ["keep"] * 2, 2: ["right", "keep"]}
    change = next(row for row in read.rows if row.label == "left")
    assert change.line == 2 + 90  # frames 90 to 139 end ten before the change at 150
    lateral, speed = change.value[:, 0], change.value[:, 1]
    np.testing.assert_allclose(lateral, np.arange(50) / 10 * 0.3048, atol=1e-9)
    np.testing.assert_allclose(speed[1:], 0.3048, rtol=1e-9)
    assert np.isnan(change.value[:, 4:]).all()  # nobody is ahead


def test_vehicles_of_several_files_are_groups_of_their_own(tmp_path):
    paths = [tmp_path / name / "us101.csv" for name in "ab"]
    for path in paths:
        path.parent.mkdir()
        ngsim(path, [lambda f: 3, lambda f: 1 if f < 70 else 2])
    rows = read_rows(paths, Asked()).rows
    assert [row.group for row in rows] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_trajectories_without_an_example_are_refused_in_a_line(tmp_path):
    path = tmp_path / "us101.csv"
    for frames in (0, 40):
        ngsim(path, [lambda f: 3], frames)
        with pytest.raises(CorpusError, match=f"{path}: no example is in it: no vehicle is seen for 5 s"):
            naibu.open_classes(path)


# ---------------------------------------------------------------- parts


def test_nothing_is_in_two_parts_and_what_has_several_classes_in_none():
    rows = [Row(text, label, "f", k) for k, (text, label) in enumerate(["aX", "bX", "aX", "aY", "cY", "cY", "dX"])]
    found = division.once(rows, [row.value for row in rows])
    assert [rows[k].value for k in found.kept] == ["b", "c", "d"]
    assert (found.repeated, found.contradicting, found.example) == (1, 1, "f")


@pytest.mark.parametrize("seed", range(5))
def test_each_class_has_its_share_and_one_that_stays(seed):
    labels = ["a"] * 700 + ["b"] * 270 + ["c"] * 29 + ["d"]
    held = division.held_out(labels, [-1] * 1000, 0.1, seed)
    assert held.sum() == 100
    counts = {name: int(held[[label == name for label in labels]].sum()) for name in "abcd"}
    assert counts["d"] == 0
    assert abs(counts["a"] - 70) <= 1
    assert abs(counts["b"] - 27) <= 1
    again = division.held_out(labels, [-1] * 1000, 0.1, seed)
    assert (held == again).all()
    assert (held != division.held_out(labels, [-1] * 1000, 0.1, seed + 1)).any()


def test_a_group_is_never_divided():
    groups = np.repeat(np.arange(40), 5)
    held = division.held_out(["ab"[k % 2] for k in groups], groups.tolist(), 0.2, 1)
    assert held.sum() == 40
    assert all(len(set(held[groups == group])) == 1 for group in range(40))


@pytest.mark.parametrize("seed", range(5))
def test_a_class_that_most_of_its_group_are_not_of_stays_too(seed):
    """Every fourth group has the only row of a class of its own."""
    groups = np.repeat(np.arange(40), 3)
    labels = [f"rare{k}" if k % 4 == 0 and place % 3 == 0 else "ab"[k % 2] for place, k in enumerate(groups.tolist())]
    held = division.held_out(labels, groups.tolist(), 0.4, seed)
    assert 0 < held.sum() <= 48
    assert set(labels) == {label for label, out in zip(labels, held.tolist(), strict=True) if not out}


def keys(part):
    return {tuple(part.symbols_of(k)) for k in range(len(part))}


def test_repeats_are_kept_apart_whatever_their_case(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f"{text},{label}" for text, label in reviews()]
    again = [line.upper().replace("NEG", "neg").replace("POS", "pos") for line in lines[:12]]
    path.write_text("\n".join(["text,class", *lines, *again, "good film number 0,neg"]) + "\n")
    data = naibu.open_classes(path, text="text", class_="class", test=0.2, validation=0.2)
    parts = [keys(part) for part in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [len(part) for part in (data.train, data.validation, data.test)]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert sum(map(len, parts)) == 59  # 60, less the one that has two classes
    found = dict(data.found)
    assert found["repeated"].startswith("11 ")
    assert found["of several classes"].startswith("1 ")
    assert {name: sum(count) for name, count in data.counts.items()} == {"neg": 30, "pos": 29}


def test_a_test_file_is_scored_whole_and_what_it_has_is_not_learnt(tmp_path):
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    lines = [f"{text},{label}" for text, label in reviews()]
    train.write_text("\n".join(["text,class", *lines]) + "\n")
    test.write_text("\n".join(["text,class", *lines[:6], *lines[:6]]) + "\n")
    data = naibu.open_classes(train, text="text", class_="class", test=test, validation=0)
    assert (len(data.train), len(data.validation), len(data.test)) == (54, 0, 12)
    assert not keys(data.train) & keys(data.test)
    assert not data.test.seen().any()


def test_phrases_of_a_sentence_held_out_are_not_learnt(tmp_path):
    path = tmp_path / "sst.txt"
    path.write_text("".join(f"({k % 3} (2 w{k}) (1 (1 v{k}) (0 u{k})))\n" for k in range(40)))
    data = naibu.open_classes(path, test=0.25, validation=0.25)
    assert (len(data.test), len(data.validation)) == (10, 10)
    learnt = {symbol for key in keys(data.train) for symbol in key[:-1]}
    for part in (data.test, data.validation):
        assert all(len(key) == 4 for key in keys(part))  # sentences alone, and their end
        assert not learnt & {symbol for key in keys(part) for symbol in key[:-1]}
    assert len(data.train) == 20 * 5


# ---------------------------------------------------------------- what a network reads


def test_a_class_is_told_at_the_last_step(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,class\n" + "\n".join(f"{text},{label}" for text, label in reviews()) + "\n")
    data = naibu.open_classes(path, text="text", class_="class")
    part = data.train.subset(np.array([3, 1]))
    batch = part.batch(np.arange(2))
    for k, length in enumerate(part.lengths):
        assert (batch.target[: length - 1, k] == -1).all()
        assert int(batch.target[length - 1, k]) == part.codes[k]
        symbols = [data.symbols[number] for number in batch.main.x[:length, k].tolist()]
        assert symbols[-1] == "</s>"
        assert all(s in (a, "<unk>") for s, a in zip(symbols, part.symbols_of(k), strict=True))
    position, left = (part.label(name).values for name in ("position", "steps_left"))
    assert (position + left == np.repeat(part.lengths - 1, part.lengths)).all()
    one = part.label(f"class_{part.names[part.codes[0]]}").values
    assert one[: part.lengths[0]].all()


def test_quotes_and_brackets_of_a_text_are_labels(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("".join(f'{"xy"[k % 2]}\tso "it ( {k} ) goes" on\n' for k in range(30)))
    part = naibu.open_classes(path, split="spaces").train
    symbols = part.symbols_of(0)
    begin, end = part.starts[:2]
    quotes, depth = (part.label(name).values[begin:end].tolist() for name in ("inside_quotes", "bracket_depth"))
    assert symbols == ["so", '"it', "(", symbols[3], ")", 'goes"', "on", "</s>"]
    assert quotes == [0, 1, 1, 1, 1, 0, 0, 0]
    assert depth == [0, 0, 1, 1, 0, 0, 0, 0]


def test_series_are_scaled_by_training_and_missing_numbers_are_marked(tmp_path):
    path, rng = tmp_path / "a.ts", np.random.default_rng(1)
    lines = []
    for k in range(40):
        values = rng.normal(5, 3, (2, 6 + k % 3))
        cells = [[f"{v:.4f}" for v in channel] for channel in values]
        cells[1][2] = "?"
        lines.append(":".join(",".join(channel) for channel in cells) + f":{('up', 'down')[k % 2]}")
    path.write_text(TS + "\n".join(lines) + "\n")
    data = naibu.open_classes(path)
    assert data.train.features == (
        "channel_1", "channel_2", "change of channel_1", "change of channel_2", "channel_1 missing", "channel_2 missing"
    )  # fmt: skip
    values = data.train.values
    there = values[:, 5] == 0
    assert values[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert values[:, 0].std() == pytest.approx(1, rel=1e-5)
    assert values[there, 1].std() == pytest.approx(1, rel=1e-5)
    assert not values[~there, 1].any()
    assert (~there).sum() == len(data.train)
    first = data.train.series(0)
    changes = np.diff(first[:, 0])
    np.testing.assert_allclose(first[1:, 2] / changes, first[1, 2] / changes[0], rtol=1e-3)
    assert first[0, 2] == 0


def test_training_alone_decides_whether_missing_numbers_are_read(tmp_path):
    train, test = tmp_path / "train.ts", tmp_path / "test.ts"
    lines = [f"{k},{k % 7},{k % 3}:{('up', 'down')[k % 2]}" for k in range(40)]
    train.write_text(TS + "\n".join(lines) + "\n")
    test.write_text(TS + "1,?,3:up\n")
    with pytest.raises(CorpusError, match=f"{test}, line 6: a value is missing; in training none was"):
        naibu.open_classes(train, test=test)
    test.write_text(TS + "1,2,3:up\n")
    train.write_text(TS + "\n".join([*lines, "1,?,3:up"]) + "\n")
    assert naibu.open_classes(train, test=test).train.features[-1] == "channel_1 missing"


def test_a_coder_comes_back(tmp_path):
    text, series = tmp_path / "a.csv", tmp_path / "a.ts"
    text.write_text("text,class\n" + "\n".join(f"{text},{label}" for text, label in reviews()) + "\n")
    series.write_text(TS + "".join(f"{k},{k + 1},{k * k}:{'up' if k % 2 else 'down'}\n" for k in range(40)))
    for data in (naibu.open_classes(text, text="text", class_="class"), naibu.open_classes(series)):
        folder = tmp_path / data.coder.kind
        folder.mkdir()
        data.coder.save(folder)
        coder = load_coder(folder)
        asked = Asked(text="text", class_="class") if data.coder.kind == "text" else Asked()
        again = coder.examples(read_rows([text if data.coder.kind == "text" else series], asked))
        assert again.seen().sum() == len(data.train)
        assert coder.names == data.coder.names
        mine = again.subset(again.seen())
        for one, other in zip(mine.inputs("input").values(), data.train.inputs("input").values(), strict=True):
            np.testing.assert_array_equal(one.values, other.values)


# ---------------------------------------------------------------- bad input


BAD = {
    "one class alone": ("a.tsv", "x\tone\nx\ttwo\n", {}, "one class alone"),
    "an empty text": ("a.tsv", "x\tone\nx\ttwo\ny\t\n", {}, "line 3: an empty text"),
    "no tab": ("a.txt", "x\tone\nxtwo\n", {"format": "tab"}, "line 2: no tab"),
    "no such column": ("a.csv", "t,c\na,b\n", {"text": "t", "class_": "d"}, "--class d: no such column; there"),
    "another count of cells": ("a.csv", "t,c\na,b\nc\n", {"text": "t", "class_": "c"}, "line 3: 1 cells"),
    "no class in a cell": ("a.csv", "t,c\na,b\nc,\n", {"text": "t", "class_": "c"}, "line 3: there is no class"),
    "no text in a line of JSON": ("a.jsonl", '{"t": "a", "c": 1}\n\n{"c": 1}\n', {"text": "t", "class_": "c"},
                                 "line 3: no 't' in this line"),
    "no class in a line of JSON": ("a.jsonl", '{"t": "a", "c": 1}\n{"t": "b"}\n', {"text": "t", "class_": "c"},
                                  "line 2: there is no class"),
    "no number in a line of JSON": ("a.jsonl", '{"i": 1, "v": 2, "c": 1}\n{"i": 1, "c": 1}\n',
                                   {"id": "i", "class_": "c"}, "line 2: no 'v' in this line"),
    "no id in a line of JSON": ("a.jsonl", '{"i": 1, "v": 2, "c": 1}\n{"v": 1, "c": 1}\n',
                               {"id": "i", "class_": "c"}, "line 2: no 'i' in this line"),
    "no JSON": ("a.jsonl", '{"t": 1}\n{"t"\n', {"text": "t", "class_": "c"}, "no such column|line 2: not JSON"),
    "a bracket too many": ("a.txt", "(1 (2 a) (3 b))\n(1 (2 a)))\n", {}, "line 2: more than one tree"),
    "a bracket missing": ("a.txt", "(1 (2 a) (3 b))\n(1 (2 a)\n", {}, "line 2: a `\\)` is missing"),
    "text among numbers": ("a.ts", TS + "1,2:up\n1,x:down\n", {}, "line 7: 'x' is no number"),
    "another class than the head's": ("a.ts", TS + "1,2:up\n1,2:left\n", {}, "line 7: the class 'left' is none"),
    "other channels": ("a.ts", TS + "1,2:3,4:up\n1,2:down\n", {}, "line 7: 1 channels, where the first series has 2"),
    "for regression": ("a.ts", TS.replace("@classLabel true up down", "@targetLabel true\n@classLabel false") + "1:2\n",
                       {}, "regression"),
    "nothing missing but all": ("a.ts", TS + "1,2:up\n?,?:down\n", {}, "line 7: a series without a number"),
    "two classes of an id": ("a.csv", "i,v,c\n1,2,a\n1,3,b\n", {"id": "i", "class_": "c"}, "line 3: i '1' is of two"),
    "a time that is none": ("a.csv", "i,t,v,c\n1,now,3,a\n", {"id": "i", "time": "t", "class_": "c"}, "line 2: 'now'"),
    "a word among points": ("a.csv", "i,v,c\n1,2,a\n2,x,b\n", {"id": "i", "class_": "c"}, "line 3: column v: 'x'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=BAD.keys())
def test_bad_input_is_said_in_a_line(case, tmp_path):
    name, content, options, said = BAD[case]
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(CorpusError, match=said) as caught:
        naibu.open_classes(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_not_clear_is_asked_for(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("t,c\na,b\n")
    with pytest.raises(OptionError, match="say which columns, of t, c"):
        naibu.open_classes(path)
    with pytest.raises(OptionError, match="--class: say which column"):
        naibu.open_classes(path, text="t")
    prose = tmp_path / "a.txt"
    prose.write_text("\n".join(f"word{k} and more" for k in range(50)))
    with pytest.raises(OptionError, match="--format says it"):
        naibu.open_classes(prose)
    with pytest.raises(OptionError, match="--test 0"):
        naibu.open_classes(path, text="t", class_="c", test=0)
    assert main(["train", "classes", str(path), "--text", "u", "--class", "c"]) == 2
    assert "--text u: no such column; there are t, c" in capsys.readouterr().err


def test_a_class_that_training_has_none_of_is_named(tmp_path):
    train, test = tmp_path / "train.tsv", tmp_path / "test.tsv"
    train.write_text("".join(f"{'ab'[k % 2]}\ttext {k}\n" for k in range(40)))
    test.write_text("a\tone\nc\tother\n")
    with pytest.raises(CorpusError, match=r"test.tsv, line 2: the class 'c' does not occur in training, which has a"):
        naibu.open_classes(train, test=test)


# ---------------------------------------------------------------- real data


def test_real_files_have_what_is_known_of_them(naibu_data):
    trec = naibu.open_classes(naibu_data / "seq" / "trec_qc_train.txt")
    found = dict(trec.found)
    assert found["repeated"].startswith("72 ")
    assert "Latin-1" in found["encoding"]
    assert trec.coder.names == ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
    assert sum(map(len, (trec.train, trec.validation, trec.test))) == 5452 - 72
    names = naibu.open_classes(naibu_data / "seq" / "names")
    assert dict(names.found)["of several classes"].startswith("365 ")
    assert names.options["level"] == "character"
    vowels, gun = (
        naibu.open_classes(naibu_data / "ts" / f"{name}_TRAIN.ts.gz", test=naibu_data / "ts" / f"{name}_TEST.ts.gz")
        for name in ("JapaneseVowels", "GunPoint")
    )
    assert [len(part) for part in (vowels.train, vowels.test, gun.train, gun.test)] == [270, 370, 50, 150]
    assert (vowels.train.lengths.min(), vowels.test.lengths.max()) == (7, 29)
    assert json.dumps(vowels.facts)
