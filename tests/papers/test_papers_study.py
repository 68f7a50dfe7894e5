"""The study of five types of text: its networks, its lines, its page, on a treebank drawn for the purpose."""

from __future__ import annotations

import json
import math
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape

from fake_recording import fake_recording
from frames import empty_frames
from naibu.errors import CorpusError, OptionError, StoredError
from naibu.papers.mochihashi2019 import learning, line, networks, study_reproduction, study_tables
from naibu.papers.mochihashi2019.analyses import without_sign
from naibu.papers.mochihashi2019.asked import Asked
from naibu.papers.mochihashi2019.findings import claimed, findings, in_short
from naibu.papers.mochihashi2019.learning import (
    UNLEARNT,
    WANTS,
    Learning,
    gain_over_table,
    learning_of,
    settled,
    wanting,
)
from naibu.papers.mochihashi2019.networks import DEFAULT, FULL, QUICK, Network, Size
from naibu.papers.mochihashi2019.questions import TABLES
from naibu.papers.runner import reproduce, run
from naibu.probes import tables
from naibu.probes.results import Score, Scores
from random_trees import nested

TINY = Size(
    "quick",
    (
        Network(1, 8, 8),
        Network(1, 8, 8, seed=2),
        Network(2, 8, 6),
        Network(4, 8, 4),
        Network(5, 8, 4, batch_size=32),
    ),
    800,
    800,
    200,
)


@pytest.fixture(scope="module")
def treebank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(5)
    path = tmp_path_factory.mktemp("treebank") / "some.trees.mrg"
    path.write_text("\n".join(f"( (S {nested(rng)} {nested(rng)}) )" for _ in range(150)))
    return path


@pytest.fixture(scope="module")
def studied(treebank, tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers") / "mochihashi2019"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "QUICK", TINY)
        how = study_reproduction.reproduction(Asked(treebank))
        with empty_frames():  # drawn the second time
            rows, _ = run(how, folder, "study", quick=True)
        began = {path: path.stat().st_mtime_ns for path in folder.glob("*/r*s/*/*.json")}
        again, left = run(how, folder, "study", quick=True)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/r*s/*/*.json")} == began, "trained again"
    assert [row.obtained for row in again] == [row.obtained for row in rows]
    return folder, rows, left


def test_every_table_of_the_document_has_numbers(studied):
    _, rows, _ = studied
    there = {row.table for row in rows if isinstance(row.obtained.get("value"), float)}
    without = {"Number agreement over attractors", "Parts of speech"}  # the words drawn are neither nouns nor verbs
    assert {table.title for table in TABLES} - without <= there
    assert {row.table for row in rows} <= {table.title for table in TABLES}


def test_what_does_not_apply_says_so_and_why(studied):
    folder, rows, _ = studied
    none = [row for row in rows if row.table == "Number agreement over attractors"]
    assert none
    assert {row.verdict for row in none} == {"does not apply"}
    said = (folder / "some-quick" / "words-8" / "results" / "agreement.txt").read_text()
    assert "does not apply" in said
    assert said.count("\n") == 1


def test_numbers_are_those_of_the_probes_on_disk(studied):
    folder, rows, _ = studied
    name = next(r for r in rows if r.table == "Depth from one unit" and r.row.endswith(" 8 units: cell"))
    probe = json.loads((folder / "some-quick" / "brackets-8" / "results" / "depth.json").read_text())["value"]
    cell = next(s for s in probe["signals"] if s["signal"] == "cell")
    assert name.obtained["value"] == abs(cell["pearson"]["unseen"]["value"])
    assert name.obtained["low"] <= name.obtained["value"] <= name.obtained["high"]
    assert name.obtained["unit"] == cell["pearson_unit"]
    assert name.obtained["control_value"] == abs(cell["pearson_controls"]["untrained"]["unseen"]["value"])


def test_the_page_shows_published_and_obtained(studied):
    _, rows, left = studied
    page = left.files["Report"].read_text()
    for row in study_tables.applying(rows, "Inside a verb phrase, from few units"):
        claim, obtained = study_tables.cells(row)[2:4]
        assert claim.split()[-2] in page
        assert obtained.split(" [")[0] in page
    assert page.count("<h2") >= 11
    assert page.count("<script") == 1  # that of every page
    assert "http" not in page.split("</style>")[1]


def test_no_two_drawings_of_the_page_share_an_id(studied):
    page = studied[2].files["Report"].read_text()
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "Type 1, 8 units: How well it predicts" in page


def test_the_tables_have_a_line_for_each_row(studied):
    _, rows, left = studied
    text = left.files["Tables of the study"].read_text()
    for table in TABLES:
        for row in study_tables.applying(rows, table.title):
            (line_of_it,) = [
                each
                for each in text.splitlines()
                if each.startswith(f"| {row.row} | {row.obtained['statistic']}".replace("|r|", "\\|r\\|"))
            ][:1]
            assert line_of_it.replace("\\|", "").count("|") == len(study_tables.HEAD) + 1


def test_verdicts_follow_from_the_numbers():
    found = {"value": 0.5, "low": 0.2, "high": 0.8}
    assert line.above(0.1)(found) == line.HOLDS
    assert line.above(0.9)(found) == line.NOT
    assert line.above(0.3)(found) == line.UNDECIDED == line.below(0.3)(found)
    assert line.below(0.9)(found) == line.HOLDS
    assert line.below(0.1)(found) == line.NOT
    assert line.at_least(0.4)(found) == line.HOLDS
    assert line.at_least(0.6, 0.45)(found) == line.PARTLY
    assert line.at_most(0.4)(found) == line.NOT
    assert line.at_most(0.4, 0.6)(found) == line.PARTLY


def test_a_unit_that_falls_with_a_label_follows_it():
    r = {"value": -0.9, "low": -0.95, "high": -0.8, "control_value": -0.3}
    assert without_sign(r, True) == {"value": 0.9, "low": 0.8, "high": 0.95, "control_value": 0.3, "falls": "yes"}
    assert without_sign(r, False)["value"] == -0.9, "rising in training, falling on test sequences: it follows nothing"


def test_an_end_expected_everywhere_is_not_found():
    assert line.always({"value": 1.0, "precision": 0.02}) == line.NOT
    assert line.always({"value": 1.0, "precision": 0.95}) == line.PARTLY
    assert line.always({"value": 0.995, "precision": 1.0}) == line.HOLDS


def test_the_commoner_answer_holds_nothing():
    judge = line.better_than_usual(line.at_least(0.87))
    assert judge({"value": 0.95, "low": 0.94, "high": 0.96, "control_value": 0.953}) == line.NOT
    assert judge({"value": 0.95, "low": 0.94, "high": 0.96, "control_value": 0.7}) == line.HOLDS


def test_hidden_state_and_cell_are_told_apart_by_their_intervals():
    cell = {"cell_low": 0.93, "cell_high": 0.97}
    assert line.below_cell({"value": 0.94, "low": 0.92, "high": 0.96} | cell) == line.UNDECIDED
    assert line.below_cell({"value": 0.5, "low": 0.4, "high": 0.6} | cell) == line.HOLDS
    assert line.below_cell({"value": 0.99, "low": 0.98, "high": 0.995} | cell) == line.NOT


def test_a_control_is_beaten_with_the_whole_interval():
    found = {"value": 0.6, "low": 0.55, "high": 0.65}
    assert line.beyond_control(0.5)(found | {"control_value": 0.4}) == line.HOLDS
    assert line.beyond_control(0.5)(found | {"control_value": 0.6}) == line.UNDECIDED
    assert line.beyond_control(0.5)(found | {"control_value": 0.7}) == line.NOT
    assert line.beyond_control(0.7)(found | {"control_value": None}) == line.NOT


def test_phrases_are_judged_where_the_document_speaks_of_them(studied):
    _, rows, _ = studied
    few = study_tables.applying(rows, "Inside a verb phrase, from few units")
    assert few
    assert {row.obtained["label"] for row in few} == {"inside:VP"}
    study = Asked(category="IP").study(Path(), True)
    assert study.judges("depth:IP")
    assert Asked().study(Path(), True).judges("inside:VP")
    assert not Asked().study(Path(), True).judges("inside:Call")


def test_versions_have_the_documents_types_and_sizes():
    for size in (DEFAULT, QUICK, FULL):
        assert {n.type for n in size.networks} == ({1, 2} if size == QUICK else {1, 2, 3, 4, 5})
        assert len({n.name for n in size.networks}) == len(size.networks)
    assert {(n.type, n.units) for n in DEFAULT.networks} >= {(1, 100), (1, 200), (2, 100), (2, 200), (3, 300), (4, 300)}
    assert {n.units for n in FULL.of(3, 4, 5)} == {1000}
    assert {n.dropout for n in FULL.networks} == {0.2, 0.5}
    assert len(DEFAULT.seeds()) == 5
    assert set(QUICK.networks) < set(DEFAULT.networks), "no network of the quick version is trained less"


# Which numbers are decided


def learnt(half_loss: float, low: float, steps: int = 600) -> Learning:
    """A network whose loss is 1, and was `half_loss` with half the steps."""
    gain = Scores(Score(low + 0.1, low, low + 0.2, 900, 40), None)
    return Learning("brackets-100", steps, 1.0, half_loss, gain)


def test_a_network_decides_once_twice_the_steps_bring_little_and_it_knows_more_than_a_table():
    assert wanting(learnt(1.1, 0.2)) == "wants longer training: 600 more steps"
    assert wanting(learnt(1.1, -0.1)).startswith(WANTS)
    assert wanting(learnt(1.01, 0.2)) == "" == wanting(learnt(0.9, 0.2))
    assert wanting(learnt(1.01, -0.1)) == UNLEARNT
    assert wanting(learnt(math.nan, 0.2)).startswith(WANTS)


def test_what_a_network_knows_beyond_a_table_by_hand():
    """Sequences of 8 symbols whose last is their first again: of their 7 next symbols a table of 5 misses that one."""
    recording, first = fake_recording(), np.random.default_rng(1).integers(0, 2, 200)
    symbol = np.full((200, 8), 2)
    symbol[:, 0] = symbol[:, 7] = first
    sequence, position = np.repeat(np.arange(200), 8), np.tile(np.arange(8), 200)
    columns = {"sequence": sequence, "position": position, "symbol": symbol.ravel(), "seen": np.zeros(1600, bool)}
    columns["split"] = np.where(sequence < 150, 0, 2)
    knows, table = np.append(symbol.ravel()[1:], 0), np.full(1600, 2)
    gain, none = (gain_over_table(recording.with_index(**columns, predicted=said)) for said in (knows, table))
    assert gain.test.value == gain.test.low == pytest.approx(1 / 7)
    assert none.test.value == none.test.low == 0


def test_a_number_stands_only_where_its_half_says_the_same(monkeypatch):
    study, network = Asked().study(Path(), True), QUICK.networks[0]
    monkeypatch.setattr(learning, "result", lambda *_: learnt(1.01, 0.2, steps=6000))
    values = {False: 0.995, True: 0.5}
    figure = lambda _, one: {"value": values[one.halved]}  # noqa: E731
    assert (
        settled(study, network, figure, line.at_least(0.99))["undecided"] == "wants longer training: 6,000 more steps"
    )
    assert settled(study, network, figure, line.at_least(0.4)) == {"undecided": "", "half_value": 0.5}
    assert settled(study, network, lambda *_: None, line.at_least(0.4))["undecided"] == ""
    monkeypatch.setattr(learning, "result", lambda *_: None)
    assert settled(study, network, figure, line.at_least(0.99)) == {}, "a version without halves"


def test_a_network_that_learnt_too_little_denies_nothing(studied, treebank, monkeypatch, tmp_path):
    folder = tmp_path / "mochihashi2019"
    shutil.copytree(studied[0], folder)
    study = replace(Asked(treebank).study(folder, True), size=TINY)
    for network in study.networks:
        half = study.out / network.half.name
        shutil.copytree(study.out / network.name, half)
        found = learning_of(study, network)
        assert found.loss == found.half_loss
        assert found.rows()[0]["value"] == 0
        tables.save(replace(found, half_loss=2 * found.loss), study.out / network.name / "results", "learning")
    monkeypatch.setattr(networks, "QUICK", TINY)
    how = study_reproduction.reproduction(Asked(treebank))
    rows = reproduce(how.experiments(folder, True), folder / "rows", quick=True)
    ours = [row for row in claimed(rows) if "less type" not in row.row]
    assert len(ours) > 10
    assert {row.verdict for row in ours} == {f"{WANTS}: {n} more steps" for n in (8, 6, 4)}
    assert f"{len(ours)} want longer training" in in_short(ours)
    assert not any(finding.present for finding in findings(ours))
    shown = how.show(ours, folder, True)
    page, typed = shown.files["Report"].read_text(), f"naibu papers mochihashi2019 {treebank} --longer 2 --quick"
    assert "It decides nothing of the document yet: wants longer training: " in page
    assert typed in page
    assert typed in shown.note
    assert "does not hold" not in page.partition("<nav")[0]


def test_findings_count_what_holds_and_name_the_numbers(studied):
    _, rows, left = studied
    own = claimed(rows)
    page = left.files["Report"].read_text().partition("<nav")[0]
    said = list(findings(rows))
    assert len(said) == len({row.published["says"] for row in own})
    assert all(row.published["says"] for row in own)
    assert all(str(escape(finding.text)) in page for finding in said)
    assert page.count("<svg") == 1, "one picture"
    assert in_short(own[:1]).startswith("in 1 number")
    one = replace(own[0], verdict=line.HOLDS, published={"claim": "so", "says": "It is so"})
    assert [f.present for f in findings([one])] == [True]
    two = [replace(one, row="type 1, 8 units: update"), replace(one, row="type 2, 8 units: update", verdict=line.NOT)]
    assert next(findings(two)).text.startswith("It is so: holds (type 1, 8 units); does not hold (type 2, 8 units).")
    assert (
        "holds (3 of 4 numbers); does not hold (other)"
        in next(
            findings([*(replace(one, row=name) for name in "abc"), replace(one, row="other", verdict=line.NOT)])
        ).text
    )


def test_longer_is_another_study_of_the_same_networks(tmp_path):
    once, twice = (Asked(longer=times).study(tmp_path, True) for times in (1, 2))
    assert [2 * n.steps for n in once.networks] == [n.steps for n in twice.networks]
    assert [n.name for n in once.networks] == [n.name for n in twice.networks]
    assert once.out != twice.out
    assert Asked(Path("a b.mrg"), category="NP", longer=2).typed(True, longer=4) == (
        "naibu papers mochihashi2019 'a b.mrg' --category NP --longer 4 --quick"
    )
    with pytest.raises(OptionError, match="--longer 0"):
        Asked(longer=0)


def test_other_settings_or_another_corpus_are_studied_anew(studied, treebank, tmp_path):
    folder, _, _ = studied
    study = Asked(treebank).study(folder, True)
    done = replace(study, size=TINY).jobs()
    assert all(job.finished() for job in done)
    assert done[0].network.type == 4, "the longest begins first"
    fewer = replace(TINY, held_tokens=100)
    assert not any(job.finished() for job in replace(study, size=fewer).jobs())
    other = tmp_path / treebank.name  # of the same name, so in the same folder
    other.write_text(treebank.read_text().replace("(N a)", "(N b)"))
    job = replace(Asked(other).study(folder, True), size=TINY).jobs()[-1]
    assert not job.finished()
    with pytest.raises(StoredError, match="begun with corpus"):
        job.run()


def test_what_cannot_be_studied_is_said_in_one_line(tmp_path):
    with pytest.raises(CorpusError, match="no such file"):
        Asked(tmp_path / "none.mrg").study(tmp_path, False)
    with pytest.raises(OptionError, match="--full"):
        Asked(full=True).study(tmp_path, True)
