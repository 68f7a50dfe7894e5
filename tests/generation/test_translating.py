"""Translating with a trained network: the command, the function, and why its translations are wrong."""

from __future__ import annotations

import io
import json
import random
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import naibu
from naibu.cli import main
from naibu.data.parallel_coder import ParallelCoder
from naibu.errors import OptionError
from naibu.generation.errors import judge, sweep
from naibu.generation.options import Budget, SearchOptions
from naibu.generation.translation_stepper import TranslationStepper
from naibu.looking import translating
from naibu.looking.translating import Asked, Translator, translated
from naibu.progress import shown
from naibu.reporting.translation_errors import render
from naibu.runs.load import load

ALPHA = SearchOptions(alpha=0.0, max_ratio=1.0)


def pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Letters, and the same in capitals, backwards."""
    draw = random.Random(seed)
    sources = [[draw.choice("abcdef") for _ in range(draw.randint(1, 5))] for _ in range(count)]
    return [(" ".join(each), " ".join(each[::-1]).upper()) for each in sources]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network that has learnt a little, so that its translations are partly right; to be read only."""
    folder = tmp_path_factory.mktemp("translated")
    for name, count, seed in (("train", 300, 1), ("dev", 30, 2)):
        for k, side in enumerate("xy"):
            lines = "".join(pair[k] + "\n" for pair in pairs(count, seed))
            (folder / f"{name}.{side}").write_text(lines)
    words = ["--source", f"{folder}/train.x", "--target", f"{folder}/train.y", "--validation", f"{folder}/dev.x"]
    words += [f"{folder}/dev.y", "--level", "word", "--units", "24", "--steps", "150", "--seed", "2"]
    assert main(["train", "translation", *words, "--threads", "1", "--out", str(folder / "run")]) == 0
    return naibu.open_run(folder / "run")


@pytest.fixture(scope="module")
def known(run):
    """Its stepper, its coder, and the pairs that it is judged on."""
    model, coder = load(run), ParallelCoder.load(run.path, run.options)
    folder = run.path.parent
    return SimpleNamespace(
        stepper=TranslationStepper(model), coder=coder, pairs=coder.read([folder / "dev.x", folder / "dev.y"])
    )


def typed(monkeypatch, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_lines_are_translated_and_empty_ones_stay(run, capsys, monkeypatch):
    typed(monkeypatch, "a b c\n\nd e\n")
    assert main(["translate", str(run.path)]) == 0
    first, empty, last = capsys.readouterr().out.split("\n")[:-1]
    found = naibu.translate(run, ["a b c", "", "d e"])
    assert [first, last] == [found[0][0].text, found[2][0].text]
    assert (empty, found[1]) == ("", [])
    assert set(first.split()) <= set("ABCDEF")
    assert naibu.translate(run, "a b c")[0][0].text == first


def test_lines_in_a_batch_are_translated_as_alone(run):
    lines = [source for source, _ in pairs(40, 3)]
    together = naibu.translate(run, lines, n_best=3)
    for line, found in zip(lines[:12], together, strict=False):
        alone = naibu.translate(run, line, n_best=3)[0]
        assert [each.text for each in alone] == [each.text for each in found]
        assert np.allclose([e.found.score for e in alone], [e.found.score for e in found], atol=1e-4)


def test_several_translations_have_scores_and_a_picture(run, capsys, monkeypatch, tmp_path):
    typed(monkeypatch, "a b c\n")
    picture, numbers = tmp_path / "a.svg", tmp_path / "a.json"
    words = ["--n-best", "3", "--scores", "--attention", str(picture), "--json", str(numbers)]
    assert main(["translate", str(run.path), *words]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    (told,) = json.loads(numbers.read_text())
    assert [row[3] for row in rows] == [each["text"] for each in told["translations"]]
    assert len({row[3] for row in rows}) == len(rows) == 3
    scores = [float(row[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    for score, row, each in zip(scores, rows, told["translations"], strict=True):
        assert score == pytest.approx(float(row[2]) / (each["symbols"] + 1), abs=1e-3)
    drawn = picture.read_text()
    assert all(f">{letter}<" in drawn for letter in ["a", "b", "c", *rows[0][3].split()])


def test_translations_begin_as_asked_and_are_drawn_where_asked(run):
    assert naibu.translate(run, "a b", prefix="F F")[0][0].text.startswith("F F")
    drawn = naibu.translate(run, ["a b c d", "e f"], samples=20, seed=4)
    assert [len(each) for each in drawn] == [20, 20]
    assert len({each.text for each in drawn[0]}) > 3
    again = naibu.translate(run, ["a b c d"], samples=20, seed=4)
    assert [each.text for each in again[0]] == [each.text for each in drawn[0]]


def test_a_unit_held_changes_the_translation_from_its_step_on(run):
    line, hold = "a b c d e", "decoder.0/hidden:3=9"
    free = naibu.translate(run, line, beam=1)[0][0].found.symbols
    late = naibu.translate(run, line, beam=1, hold=[f"{hold}@2:"])[0][0].found.symbols
    early = naibu.translate(run, line, beam=1, hold=[hold])[0][0].found.symbols
    assert late[:2] == free[:2]
    assert early != free
    assert naibu.translate(run, line, beam=1, hold=[f"{hold}@90:"])[0][0].found.symbols == free
    assert naibu.translate(run, line, beam=1)[0][0].found.symbols == free
    assert naibu.translate(run, line, beam=1, hold=["encoder.0/hidden:3=9@0:1"])[0][0].found.symbols != free


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--beam", "0"], "--beam 0: must be from 1 (greedy search) to 1,000"),
        (["--n-best", "6"], "--n-best 6: must be from 1 to --beam, which is 5"),
        (["--n-best", "2", "--samples", "2"], "--samples says how many are drawn"),
        (["--temperature", ".5"], "say how many with --samples"),
        (["--samples", "-1"], "--samples -1: must be from 1"),
        (["--prefix", "zebra"], "--prefix: 'zebra' never came in training"),
        (["--hold", "decoder.0/cell:3"], "needs a value"),
        (["--attention", "a.png"], "--attention a.png: must end in .svg"),
        (["--seed", "-1"], "--seed -1: must be at least 0"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(run, capsys, monkeypatch, words, says):
    typed(monkeypatch, "a b\n")
    assert main(["translate", str(run.path), *words]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not said.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"a\na \xff b\n", "standard input, line 2: not UTF-8"),
        (b"a\n" + b"a " * 10_000, "standard input, line 2: 10,000 symbols, more than the 200 of a sentence"),
    ],
)
def test_lines_that_cannot_be_read_are_told_by_their_number(run, capsys, monkeypatch, text, says):
    typed(monkeypatch, text)
    assert main(["translate", str(run.path)]) == 2
    assert says in capsys.readouterr().err


def test_words_that_never_came_are_counted(run, capsys, monkeypatch):
    typed(monkeypatch, "a zebra\n")
    assert main(["translate", str(run.path)]) == 0
    assert "note: 1 of 2 symbols read never came in training" in capsys.readouterr().err


def test_many_lines_show_how_far_they_are_and_never_in_the_output(run, capsys, monkeypatch):
    lines = [source for source, _ in pairs(20, 3)]
    lines[4] = ""
    monkeypatch.setattr(translating, "AT_ONCE", 8)
    monkeypatch.setattr("naibu.progress.shown_if_long", shown)
    typed(monkeypatch, "".join(f"{line}\n" for line in lines))
    assert main(["translate", str(run.path)]) == 0
    out, err = capsys.readouterr()
    assert out.split("\n")[:-1] == [found[0].text if found else "" for found in naibu.translate(run, lines)]
    assert "translating: 100% (20 of 20 lines)" in err
    reports = []
    translator = Translator(run, Asked())
    list(translated(translator, lines, "x", lambda line, found: None, progress=lambda *each: reports.append(each[:2])))
    assert reports == sorted(reports)
    assert reports[-1] == (20, 20)


def test_a_bar_leaves_the_output_alone(monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(err, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    with shown("translating") as progress:
        progress(1, 2, "")
        print("a line")
    assert out.getvalue() == "a line\n"
    assert "a line" not in err.getvalue()


def test_two_lines_have_no_picture(run, capsys, monkeypatch, tmp_path):
    typed(monkeypatch, "a\nb\n")
    assert main(["translate", str(run.path), "--attention", str(tmp_path / "a.svg")]) == 2
    assert "draws one sentence; standard input has 2 lines" in capsys.readouterr().err


def test_every_sentence_is_judged_and_no_beam_finds_more_than_what_is_proved(known):
    widths = sweep(known.stepper, known.coder, known.pairs, ALPHA, [1, 5, 60])
    found = [best.found for best in widths[0].best]
    judged = judge(known.stepper, known.coder, known.pairs, found, ALPHA, Budget(5_000))
    assert all(each.proof.decided for each in judged)
    assert {each.verdict for each in judged} >= {"search error", "model error"}
    for each, *others in zip(judged, *(width.best for width in widths), strict=True):
        assert all(each.proof.best.score >= other.found.score - 1e-3 for other in others)
        assert each.verdict == "search error" or not each.beats(each.proof.best)
        assert each.fault != "search" or each.verdict == "search error"
        assert (each.fault == "none") == (each.same)
    missed = [width.missed(judged) for width in widths]
    assert missed[0] >= missed[1] >= missed[2]
    way = replace(ALPHA, alpha=1.0)
    found = [best.found for best in sweep(known.stepper, known.coder, known.pairs, way, [9])[0].best]
    alone = judge(known.stepper, known.coder, known.pairs, found, way, Budget(2))
    assert any(each.verdict == "undecided" for each in alone)
    assert not any(each.verdict in ("model error", "both fine") and not each.proof.decided for each in alone)


def test_the_reference_is_worth_what_the_network_gives_it(known):
    """Document E's P(y*|x), against the loss of the same sentence."""
    widths = sweep(known.stepper, known.coder, known.pairs, ALPHA, [2])
    found = [best.found for best in widths[0].best]
    judged = judge(known.stepper, known.coder, known.pairs, found, ALPHA, Budget(10))
    outcomes, _ = known.stepper.model.outcomes(known.pairs.batch(np.arange(len(known.pairs))))
    expected = -torch.nan_to_num(outcomes["loss"]).sum(0)
    assert np.allclose([each.reference.log_probability for each in judged], expected, atol=1e-3)


def test_an_analysis_is_told_and_written_as_a_page(run, known, capsys, monkeypatch, tmp_path):
    searched, search = [], naibu.generation.translating.beam
    monkeypatch.setattr(
        "naibu.generation.translating.beam", lambda *a, **k: searched.append(a[2].beam) or search(*a, **k)
    )
    page, numbers, folder = tmp_path / "e.html", tmp_path / "e.json", run.path.parent
    words = [str(folder / "dev.x"), str(folder / "dev.y"), "--errors", "--alpha", "0", "--widths", "1", "5", "20"]
    words += ["--max-ratio", "1", "--tokenize", "none", "--report", str(page), "--json", str(numbers)]
    assert main(["evaluate", str(run.path), *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    told = json.loads(numbers.read_text())["errors"]
    assert sum(told["verdicts"].values()) == sum(told["fault"].values()) == told["count"] == 30
    assert f"search errors │ {told['verdicts']['search error']} of 30" in said
    assert [row["beam"] for row in told["sweep"]] == [1, 5, 20]
    assert sorted(searched) == [1, 5, 20, 20]  # each width once, the widest in two batches
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 1 + len(told["worst"])
    assert "https://" not in text.replace("http://www.w3.org", "")
    for each in told["worst"]:
        assert each["source"] in text
        assert np.allclose(np.sum(each["attention"], 1), 1, atol=1e-2)
        assert len(each["attention"]) == len(each["target_symbols"])
    assert "P(y*|x)" in text
    assert re.search(r"remed(y is a wider beam|ies are another architecture)", text)
    assert render(told, "a", "b") == render(told, "a", "b")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--beam", "0"], "--beam 0: must be from 1"),
        (["--report", "e.html"], "--report e.html: is a page of what --errors finds; add --errors"),
        (["--errors", "--coverage", ".2"], "--coverage 0.2: --errors has no proof for it"),
        (["--errors", "--widths", "0"], "--widths 0: must be from 1"),
        (["--proof-prefixes", "0"], "--proof-prefixes 0: must be at least 1"),
    ],
)
def test_an_analysis_that_cannot_be_is_told(run, capsys, words, says):
    assert main(["evaluate", str(run.path), *words]) == 2
    assert says in capsys.readouterr().err


def test_only_networks_that_translate_translate(tmp_path):
    (tmp_path / "a.txt").write_text("so it goes\n" * 200)
    data, training = naibu.open_text(tmp_path / "a.txt"), naibu.TrainingConfig(steps=2, threads=1, batch_size=4)
    run = naibu.train(data, out=tmp_path / "run", model=naibu.ModelConfig(units=8), training=training)
    with pytest.raises(OptionError, match="learnt text; only networks of the task translation translate"):
        naibu.translate(run, "so")


def test_widths_and_lengths_are_said_as_they_are_typed(run):
    found = naibu.translate(run, "a b c", min_ratio=1.0, max_ratio=1.0)[0][0].found
    assert len(found.symbols) >= 4
    with pytest.raises(OptionError, match="--min-ratio 2: must not be more"):
        naibu.translate(run, "a", min_ratio=2.0, max_ratio=1.0)
    assert replace(ALPHA, beam=3).longest(4) == 9


def test_lines_draw_as_they_do_all_at_once_wherever_they_are_cut(run, monkeypatch):
    lines = [source for source, _ in pairs(7, 9)]
    asked = Asked(SearchOptions(), samples=2, seed=3)
    whole = Translator(run, asked).translate(lines)
    monkeypatch.setattr(translating, "AT_ONCE", 3)
    parts = list(translated(Translator(run, asked), lines, "lines", lambda line, found: None))
    assert [[each["text"] for each in row["translations"]] for row in parts] == [
        [each.text for each in found] for found in whole
    ]
    twice = Translator(run, asked).translate([lines[0]] * 2)
    assert len({tuple(each.found.log_probability for each in found) for found in twice}) == 2


def test_the_end_of_a_line_is_no_part_of_it(run):
    (line, _), *_ = pairs(1, 9)
    assert naibu.translate(run, [line + "\n"])[0][0].text == naibu.translate(run, line)[0][0].text


def test_free_and_held_are_shown_side_by_side(run, capsys, monkeypatch):
    lines, hold = ["a b c d e", "", "f e"], "decoder.0/hidden:3=9"
    typed(monkeypatch, "\n".join(lines) + "\n")
    assert main(["translate", str(run.path), "--hold", hold, "--compare", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)
    free, held = naibu.translate(run, lines), naibu.translate(run, lines, hold=[hold])
    for row, one, other in zip(rows, free, held, strict=True):
        assert [each["text"] for each in row["free"]["translations"]] == [each.text for each in one]
        assert [each["text"] for each in row["held"]["translations"]] == [each.text for each in other]
    assert rows[0]["free"]["translations"] != rows[0]["held"]["translations"]
    typed(monkeypatch, lines[0] + "\n")
    assert main(["translate", str(run.path), "--hold", hold, "--compare"]) == 0
    shown = capsys.readouterr().out
    assert free[0][0].text in shown
    assert held[0][0].text.split()[0] in shown
    typed(monkeypatch, lines[0] + "\n")
    assert main(["translate", str(run.path), "--compare"]) == 2
    assert "--compare: shows free beside held; say what is held with --hold" in capsys.readouterr().err
