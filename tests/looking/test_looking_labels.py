"""Labels of one's own on either side of a translation: recorded, probed, and never those of another file."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from naibu.cli import main
from naibu.recording import Recording

DRAW = np.random.default_rng(1)
SOURCES = [DRAW.choice(list("abcd"), DRAW.integers(1, 6)).tolist() for _ in range(60)]
LINES = [(" ".join(each), " ".join(each[::-1]).upper()) for each in SOURCES]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network that has learnt nothing, recorded with labels of both sides."""
    folder = tmp_path_factory.mktemp("labels")
    for k, side in enumerate("xy"):
        (folder / side).write_text("".join(pair[k] + "\n" for pair in LINES))
        rows = ["\n".join(f"{word}\t{int(word in 'aA')}" for word in pair[k].split()) + "\n" for pair in LINES]
        (folder / f"{side}.tsv").write_text(f"word\tis_{side}\n" + "\n".join(rows))
    run = folder / "run"
    words = ["--source", str(folder / "x"), "--target", str(folder / "y"), "--level", "word", "--units", "4"]
    assert (
        main(
            ["train", "translation", *words, "--validation", ".2", "--steps", "2", "--threads", "1", "--out", str(run)]
        )
        == 0
    )
    labels = ["--labels", f"source:{folder}/x.tsv", "--labels", f"target:{folder}/y.tsv"]
    record = ["record", str(run), "--keep", "hidden", *labels]
    assert main(record) == 0
    return SimpleNamespace(folder=folder, run=run, record=record)


def test_the_labels_are_columns_of_the_recording_side_by_side(made):
    recording = Recording.open(made.run / "recordings" / "trained")
    for index, name, other, mark in (
        (recording.index, "is_y", "is_x", "A"),
        (recording.beside["source"].index, "is_x", "is_y", "a"),
    ):
        assert name in index.label_names
        assert other not in index.label_names
        symbols = [index.symbols[code] for code in index.symbol]
        wanted = [np.nan if each == "</s>" else float(each == mark) for each in symbols]
        np.testing.assert_array_equal(np.asarray(index.label(name).values), wanted)


@pytest.mark.parametrize(("typed", "layer"), [("is_y", "decoder.0"), ("source:is_x", "encoder.0")])
def test_either_side_is_probed_by_its_label(made, typed, layer, capsys):
    assert main(["probe", str(made.run), "--label", typed]) == 0
    found = json.loads((made.run / "results" / f"correlation-{typed.replace(':', '-')}.json").read_text())
    assert layer in json.dumps(found)
    assert main(["probe", str(made.run), "--label", f"{typed}s"]) == 2
    assert f"label 'is_{typed[-1]}s': not in this recording" in capsys.readouterr().err


def test_a_recording_with_labels_of_another_file_is_not_gone_on_with(made, capsys):
    """What was changed in the file would otherwise be missing in the recording that is there."""
    path = made.folder / "y.tsv"
    before = path.read_text()
    path.write_text(before.replace("C\t0", "C\t1"))
    try:
        assert main(made.record) == 2
    finally:
        path.write_text(before)
    said = capsys.readouterr().err
    assert "recordings/trained" in said
    assert main(made.record) == 0


def test_what_is_no_file_of_labels_is_refused_before_anything_is_recorded(made, capsys):
    (made.folder / "bad.tsv").write_text("word\tis_x\nz\t1\n")
    assert main(["record", str(made.run), "--labels", f"source:{made.folder}/bad.tsv", "--name", "other"]) == 2
    assert "bad.tsv, line 2: 'z' stands where the text has the word " in capsys.readouterr().err
    assert not (made.run / "recordings" / "other").exists()


def test_a_text_of_characters_is_recorded_with_labels_of_its_words(tmp_path, capsys):
    lines = ["so it goes on .", "and it ends"] * 60
    (tmp_path / "t.txt").write_text("\n".join(lines) + "\n")
    rows = ["\n".join(f"{word}\t{int(word == 'it')}" for word in line.split()) + "\n" for line in lines]
    (tmp_path / "t.tsv").write_text("word\tis_it\n" + "\n".join(rows))
    run = tmp_path / "run"
    words = [str(tmp_path / "t.txt"), "--longest", "40", "--units", "4", "--steps", "2", "--threads", "1"]
    assert main(["train", "text", *words, "--out", str(run)]) == 0
    assert main(["record", str(run), "--keep", "hidden", "--labels", str(tmp_path / "t.tsv")]) == 0
    index = Recording.open(run / "recordings" / "trained").index
    values, text = np.asarray(index.label("is_it").values), "".join(index.symbols[code] for code in index.symbol)
    assert len(text) == len(values) > 500
    for letter, value in zip(text, values, strict=True):
        assert np.isnan(value) == letter.isspace()
        assert letter in "it" or value != 1
    assert (values == 1).sum() >= 2 * (text.count(" it ") - 1) > 0
    capsys.readouterr()
    assert main(["record", str(run), "--labels", f"input:{tmp_path}/t.tsv", "--name", "other"]) == 2
    assert "t.tsv" in capsys.readouterr().err
