"""The tables of 1997 run again: rows, statistics, verdicts, what stays after Ctrl-C, tables, page and options."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console
from scipy.stats import binomtest

from naibu.cli import main
from naibu.data.generated.reber import NODES, legal_next
from naibu.errors import OptionError, StoredError
from naibu.online.trials import Trace, Trial
from naibu.papers.hochreiter1997 import blocks, curves, learners, outcomes, page, ratio, reber_drawing, tables, traces
from naibu.papers.hochreiter1997.asked import DEPARTURES, Asked, departures
from naibu.papers.hochreiter1997.blocks import Block, blocks_of, digest, folder_of, trials_of
from naibu.papers.hochreiter1997.compare import Version, every_stored, label
from naibu.papers.hochreiter1997.figures import figures
from naibu.papers.hochreiter1997.quick import QUICK, quickened
from naibu.papers.hochreiter1997.rows import TODAY, all_rows, original, published
from naibu.papers.hochreiter1997.verdict import KINDS, kind, verdict
from naibu.papers.runner import Reproduced
from resealed import resealed

ROWS = {row.key: row for row in all_rows()}


def trials(*sequences, cap=None, **same):
    """Trials solved after so many sequences, or unsolved where they reach the cap."""
    return [Trial(k, cap is None or n < cap, n, **same) for k, n in enumerate(sequences)]


class Fake:
    """A learner whose trial k needs 1000 (k + 1) sequences; `asked` are the numbers it was asked for."""

    def __init__(self, stop_after=None):
        self.asked, self.stop_after = [], stop_after

    def __call__(self, row, numbers, seed, cap, listener):
        self.asked.append((row.key, tuple(numbers)))
        found = []
        for count, number in enumerate(numbers):
            if count == self.stop_after:
                raise KeyboardInterrupt
            needed = 1000 * (number + 1) + seed
            curve = [(needed / 2, 0.5), (needed, 0.01)]
            trial = Trial(number, needed < cap, min(needed, cap), wrong=1, tested=row.tested, steps=needed, curve=curve)
            listener.trained(trial.sequences)
            listener.finished(trial)
            found.append(trial)
            if trial.solved:
                cell = np.cumsum(np.ones((8, 2)), axis=0)
                listener.traced(
                    number, Trace("eight steps", {"cell": cell, "input_gate": cell / 8}, list("BTBTXSET"), [1])
                )
        return found


@pytest.fixture
def fake(monkeypatch):
    learner = Fake()
    for name in ("lstm", TODAY):
        monkeypatch.setitem(learners.LEARNERS, name, lambda: learner)
    return learner


# Rows


def test_every_table_is_there_with_the_papers_figures():
    assert [len(table.rows) for table in published()][:11] == [9, 8, 1, 9, 3, 3, 2, 3, 2, 2, 5]
    means = {
        key: ROWS[key].published["sequences"] for key in ("1-lstm-3x2-0.5", "2a-lstm-100-1", "2c-1000-50", "4-500")
    }
    assert means == {"1-lstm-3x2-0.5": 8440, "2a-lstm-100-1": 5040, "2c-1000-50": 203_000, "4-500": 209_000}
    assert len(ROWS) == len(all_rows())
    for row in ROWS.values():
        assert len(row.cells) == len(next(t for t in published() if t.table == row.table).columns)
        assert set(row.doubtful) <= set(row.published) | {"sequences"}


def test_caps_are_five_times_the_published_mean_or_the_papers_own():
    for row in ROWS.values():
        mean = original(row).published.get("sequences")
        if row.learner == TODAY:
            base = ROWS[row.key.partition(f"-{TODAY}")[0]]
            assert row.cap == min(base.cap, 300_000 if row.network["forget_bias"] == "chrono" else 60_000)
        elif row.of and row.cap != ROWS[row.of].cap:  # departures that are slow to learn
            assert row.cap in (50_000, 100_000)
        elif mean is None:
            above = row.published.get("sequences_above")
            assert row.cap == above or row.experiment == "continual" or row.lag == 100  # at the stated cap
        else:
            rtrl = row.experiment == "2a" and row.learner == "rtrl"  # the paper's own cap
            assert row.cap == 5 * mean or (rtrl and row.cap == 5_000_000) or row.experiment == "continual"


def test_weights_of_the_networks_are_those_of_the_tables():
    from naibu.papers.hochreiter1997.memory_blocks import network_of, task_of

    checked = 0
    for row in ROWS.values():
        if row.learner == "lstm" and row.task["name"] != "reber" and not row.of:
            assert network_of(row, task_of(row)).weights == int(row.cells["weights"]), row.key
            checked += 1
    assert checked == 15


def test_the_quick_version_names_every_row_and_changes_no_task():
    assert set(QUICK) == {row.key for row in ROWS.values() if not row.of}
    for row in ROWS.values():
        quick = quickened(row)
        assert quick.cap <= row.cap
        assert quick.task == row.task
        assert quick.network == row.network


# What is asked


def test_rows_are_chosen_by_experiment_and_lag():
    assert {row.experiment for row in Asked(experiment="3").rows()} == {"3a", "3b", "3c"}
    assert [row.key for row in Asked(experiment="4", lag=1000).rows()] == ["4-1000"]
    assert {row.table for row in Asked(experiment="rem").rows()} == {"Remedies"}
    assert all(row.of for row in Asked(experiment="departures").rows())
    assert [row.trials for row in Asked(experiment="4", lag=1000, trials=3).rows()] == [3]
    assert Asked(experiment="6b").rows()[0].trials == 10


def test_departures_change_only_the_rows_that_can_depart():
    asked = Asked(output_bias=True, ranges="table10", gradient="full", no_output_derivative=True)
    by_key = {row.key: row for row in asked.rows()}
    adding, rtrl, long_lag = by_key["4-100"], by_key["2a-rtrl-4-1"], by_key["2a-lstm-100-1"]
    assert (adding.network["cell_range"], adding.network["output_range"]) == (1.0, 2.0)
    assert adding.learning["gradient"] == "full"
    assert adding.learning["output_derivative"] is False
    assert rtrl == ROWS["2a-rtrl-4-1"]
    assert long_lag.network["output_bias"]
    assert "cell_range" not in long_lag.network
    assert Asked().departing() == []
    assert Asked(update="step", output_bias=True).departing() == ["output-bias", "update step"]
    assert all(set(departures(row)) <= set(DEPARTURES) for row in ROWS.values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"experiment": "9"}, "--experiment 9: there is no such one; there are 1, 2a"),
        ({"lag": 300}, "--lag 300: no row has it; 2a has 4, 10, 100"),
        ({"experiment": "4", "lag": 300}, "--lag 300: no row has it; 4 has 100, 500, 1000"),
        ({"experiment": "1", "lag": 3}, "the rows of experiment 1 have none"),
        ({"trials": 0}, "--trials 0: must be at least 1"),
        ({"seed": -1}, "--seed -1"),
        ({"gradient": "full", "update": "step"}, "--update step"),
        ({"experiment": "2c", "gradient": "full"}, "--gradient full: nothing that experiment 2c"),
    ],
)
def test_what_no_row_has_is_said(options, said):
    with pytest.raises(OptionError, match=re.escape(said)):
        Asked(**options)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("papers hochreiter1997 --lag 300", "--lag 300: no row has it"),
        ("papers hochreiter1997 --gradient half", 'Invalid value "half" for --gradient. Choose from: "truncated"'),
        ("papers variants --output-bias", "--output-bias: not an option of naibu papers variants"),
        ("papers variants --seed 2", "--seed: not an option of naibu papers variants"),
    ],
)
def test_wrong_options_are_one_line(typed, said, tmp_path, capsys):
    assert main([*typed.split(), "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"naibu: {said}")
    assert (out, err.count("\n"), list(tmp_path.iterdir())) == ("", 1, [])


# Statistics


def test_success_rates_have_wilsons_interval():
    """By hand for 4 of 4: with z = 1.96, low = n / (n + z^2), high = 1."""
    found = ratio.success_rate(4, 4)
    assert found.value == 1
    assert found.low == pytest.approx(4 / (4 + 1.959964**2), abs=1e-6)
    assert found.high == pytest.approx(1)
    assert ratio.success_rate(0, 30).high == pytest.approx(binomtest(0, 30).proportion_ci(method="wilson").high)


def test_fishers_test_compares_both_counts():
    """By hand: 0 of 3 against 3 of 3 has probability 1 / C(6, 3) on each side."""
    assert ratio.same_rate(0, 3, 1.0, 3) == pytest.approx(2 / 20)
    assert ratio.same_rate(29, 30, 0.97, 30) == pytest.approx(1)


def test_the_ratio_of_means_by_hand():
    """Trials 100 and 300: mean 200, s = 141.42, v = .70711, t(.975, 1) = 12.706; m = 2 trials there."""
    found = ratio.ratio_of_means([100, 300], 400, 2)
    half = 12.7062 * 0.707107 * math.sqrt(1 / 2 + 1 / 2)
    assert found.value == 0.5
    assert found.low == pytest.approx(0.5 * math.exp(-half), rel=1e-3)
    assert found.high == pytest.approx(0.5 * math.exp(half), rel=1e-3)
    exact = ratio.ratio_of_means([100, 300], 400, None)
    assert found.low < exact.low < exact.value < exact.high < found.high
    assert math.isnan(ratio.ratio_of_means([100], 400, 10).low)


@pytest.mark.parametrize(("ours", "theirs"), [(4, 10), (10, 10), (16, 30)])
def test_the_interval_covers_the_true_ratio_as_often_as_it_says(ours, theirs):
    rng = np.random.default_rng(ours)
    covered = 0
    for _ in range(1000):
        mine, there = (np.exp(0.5 * rng.normal(size=n)) for n in (ours, theirs))
        found = ratio.ratio_of_means(2 * mine, there.mean(), theirs)
        covered += found.low <= 2 <= found.high
    assert 0.915 <= covered / 1000 <= 0.975


def test_a_share_differs_where_chance_and_rounding_do_not_explain_it():
    assert not ratio.share_differs([9], 2560, 1 / 2560, 10)  # one trial shows nothing
    assert ratio.share_differs([9, 10, 11], 2560, 1 / 2560, 10)
    assert not ratio.share_differs([0, 1, 2, 3], 2560, 1 / 2560, 10)
    assert not ratio.share_differs([0] * 16, 2560, 1 / 2560, 20)  # no scatter, yet no certainty
    assert ratio.share_differs([0] * 16, 2560, 20 / 2560, 20)


def test_figures_of_trials_by_hand():
    row = ROWS["4-100"]
    found = figures(row, [*trials(60_000, 90_000, wrong=2, tested=2560, steps=5), Trial(2, False, row.cap)], 10.0)
    assert found["solved"] == pytest.approx(2 / 3)
    assert (found["sequences"], found["lowest"], found["highest"]) == (75_000, 60_000, 90_000)
    assert found["at_least"] == (60_000 + 90_000 + row.cap) / 3
    assert found["ratio"] == pytest.approx(75_000 / 74_000)
    assert found["fraction"] == pytest.approx(2 / 2560)
    assert found["sequences_per_second"] == pytest.approx((150_000 + row.cap) / 10)
    assert figures(row, [Trial(0, False, row.cap)], 1.0)["sequences"] is None
    json.dumps(found, allow_nan=False)
    untested = figures(row, [Trial(0, True, 5, wrong=0, tested=0, error=math.nan)], 1.0)
    assert (untested["wrong"], untested["fraction"], untested["error"]) == (None, None, None)


# Verdicts


@pytest.mark.parametrize(
    ("key", "counts", "cap", "begins"),
    [
        ("4-100", (60_000, 75_000, 90_000), None, "agrees: 1 times as many sequences ["),
        ("4-100", (200_000, 210_000, 220_000), None, "2.8 times as many sequences ["),
        ("4-100", (370_000,) * 10, 370_000, "not reproduced: 0 of 10 solved within 370,000 (10 of 10 there)"),
        ("4-100", (100_000,) * 10, 100_000, "cut short: 0 of 10 solved within 100,000 (10 of 10 there, after 74,000"),
        ("1-lstm-3x2-0.5", (*(30_000, 35_000, 36_000), *[42_200] * 27), 42_200, "not reproduced: 3 of 30 solved"),
        ("2a-rtrl-100-1-10", (50_000,) * 18, 50_000, "0 of 18 solved within 50,000; the paper: none within 5,000,000"),
        ("2a-rtrl-10-1-10", (5_000_000,) * 18, 5_000_000, "agrees: none solved"),
        ("2a-rtrl-10-1-10", (4_000_000,) * 18, 5_000_000, "not reproduced: 18 of 18 solved within 5,000,000 where"),
        (
            "2a-rtrl-4-10",
            tuple(range(250_000, 268_000, 1000)),
            None,
            "more often solved: 18 of 18 solved, 4 of 18 there",
        ),
        ("1-rtrl-12", (24_000, 25_000, 26_000), None, "agrees: 1 times as many sequences"),
        ("continual-standard", (30_000,) * 20, 30_000, "agrees: 0 of 20 solved, 0 of 100 there"),
        (
            "continual-standard",
            (900,) * 20,
            None,
            "not reproduced: 20 of 20 solved within 30,000 streams or 500,000 symbols",
        ),
    ],
)
def test_verdicts(key, counts, cap, begins):
    row = ROWS[key]
    said = verdict(quickened(row) if cap is None else replace(row, cap=cap), trials(*counts, cap=cap))
    assert said.startswith(begins), said
    assert kind(said) in KINDS


def test_a_mean_of_successes_only_is_never_called_fewer():
    """The two unsolved trials would have been long ones: the mean of the others shows nothing against 74,000."""
    row = ROWS["4-100"]
    early = verdict(row, trials(*[30_000, 31_000, 32_000, 33_000] * 2, *[row.cap] * 2, cap=row.cap))
    assert "biased low: no fewer is shown" in early
    assert not early.startswith("agrees")
    late = verdict(row, trials(*[200_000, 210_000, 220_000, 230_000] * 2, *[row.cap] * 2, cap=row.cap))
    assert "biased low" in late
    assert "no fewer" not in late


def test_where_the_paper_has_failed_trials_too_means_of_successes_are_compared():
    row = ROWS["1-lstm-3x2-0.2"]
    assert verdict(row, trials(*[13_000, 14_000, 15_000] * 9, row.cap, cap=row.cap)).startswith("agrees: 1 times")


def test_streams_that_were_given_fewer_symbols_show_little():
    for key in ("continual-standard", "continual-forget"):
        quick = quickened(ROWS[key])
        assert verdict(quick, trials(*[900] * 16, cap=900)).startswith(
            "cut short: 0 of 16 solved within 30,000 streams or"
        )
    some = verdict(quickened(ROWS["continual-forget"]), trials(*range(5000, 8000, 1000), *[9000] * 13, cap=9000))
    assert "no fewer is shown" in some


def test_more_errors_in_the_test_are_said():
    row = ROWS["4-100"]
    worse = [
        Trial(k, True, n, wrong=w, tested=2560)
        for k, (n, w) in enumerate(zip((70_000, 74_000, 78_000), (9, 10, 11), strict=True))
    ]
    assert verdict(row, worse).endswith("; 10 of 2,560 tests wrong, 1 there")
    assert "tests" not in verdict(row, trials(70_000, 74_000, 78_000, wrong=1, tested=2560))


# Trials on disk


def test_ctrl_c_keeps_finished_trials_and_the_next_call_goes_on(fake, tmp_path):
    block = blocks_of(tmp_path, ROWS["4-100"], 1)[0]
    fake.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        block.run()
    assert [trial.number for trial in block.stored().trials] == [0, 1, 2]
    assert not block.finished()
    fake.stop_after = None
    block.run()
    assert fake.asked == [("4-100", tuple(range(10))), ("4-100", tuple(range(3, 10)))]
    assert [trial.number for trial in block.stored().trials] == list(range(10))
    assert block.finished()


def test_a_block_tells_how_many_of_the_missing_trials_are_done(fake, tmp_path):
    few, more = (blocks_of(tmp_path, Asked(experiment="4", lag=100, trials=n).rows()[0], 1)[0] for n in (2, 6))
    few.run()
    told = []
    more.run(lambda done, whole, words: told.append((done, whole)))
    done = [done for done, _ in told]
    assert {whole for _, whole in told} == {4}
    assert done == sorted(done)
    assert {0 < done[0] < 1, done[-1] == 4} == {True}


def test_more_trials_are_added_and_fewer_taken(fake, tmp_path):
    few, more = (Asked(experiment="4", lag=100, trials=n).rows()[0] for n in (2, 20))
    for row in (few, more):
        for block in blocks_of(tmp_path, row, 1):
            block.run()
    assert [numbers for key, numbers in fake.asked if key == "4-100"] == [
        (0, 1),
        tuple(range(2, 16)),
        tuple(range(16, 20)),
    ]
    assert [len(trials_of(tmp_path, row, 1)[0]) for row in (few, more)] == [2, 20]
    whole = trials_of(tmp_path, more, 1)[1]
    assert 0 <= trials_of(tmp_path, few, 1)[1] <= whole


def test_other_settings_are_other_trials(fake, tmp_path):
    row = ROWS["4-100"]
    blocks_of(tmp_path, row, 1)[0].run()
    assert blocks_of(tmp_path, row, 1)[0].finished()
    assert not blocks_of(tmp_path, row, 2)[0].finished()
    assert not blocks_of(tmp_path, quickened(row), 1)[0].finished()
    departing = Asked(experiment="4", lag=100, output_bias=False, gradient="full").rows()[0]
    assert not blocks_of(tmp_path, departing, 1)[0].finished()


def test_damaged_trials_are_named(fake, tmp_path):
    block = blocks_of(tmp_path, ROWS["4-100"], 1)[0]
    block.run()
    resealed(block.path, lambda found: found["trials"][0].update(speed=1))
    with pytest.raises(StoredError, match="not trials of this version"):
        block.finished()


def test_the_longest_work_comes_first(tmp_path):
    ordered = blocks.by_cost([block for row in all_rows() for block in blocks_of(tmp_path, row, 1)])
    costs = [blocks.cost(block.row, block.numbers) for block in ordered]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > 100 * costs[-1]


# Tables and page


class Tags(HTMLParser):
    """Every element that is opened is closed, and ids come once."""

    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def ran(fake, tmp_path, capsys, monkeypatch):
    """Experiment 4 at lag 100 by the command, and again with a departure."""
    monkeypatch.setenv("COLUMNS", "80")
    asked = ["papers", "hochreiter1997", "--experiment", "4", "--lag", "100", "--workers", "1", "--out", str(tmp_path)]
    assert main([*asked, "--trials", "4", "--json", str(tmp_path / "rows.json")]) == 0
    first = capsys.readouterr()
    assert main([*asked, "--trials", "3", "--gradient", "full"]) == 0
    return tmp_path, first.out, capsys.readouterr().out


def test_the_command_prints_writes_and_goes_on(ran, fake):
    folder, said, departed = ran
    rows = json.loads((folder / "rows.json").read_text(), parse_constant=pytest.fail)
    assert [row["row"] for row in rows] == [
        "T = 100",
        "T = 100: LSTM of today",
        "T = 100: LSTM of today, chrono gates",
    ]
    ours = rows[0]
    assert {"table", "row", "published", "obtained", "trials", "seconds", "verdict"} <= set(ours)
    assert (ours["table"], ours["trials"], ours["published"]["sequences"]) == ("Table 7", 4, 74_000)
    assert ours["obtained"]["sequences"] == 2501
    assert "Adding problem" in said
    assert "today's LSTM" in said
    assert "0.034 times as many sequences" in said
    assert "Departing from the literal reading: --gradient full" in " ".join(departed.split())
    assert len(fake.asked) == 4  # today's LSTM has no such departure: its trials were there
    assert {path.name for path in (folder / "hochreiter1997").iterdir()} == {
        "trials",
        "rows",
        "tables.md",
        "report.html",
    }


def test_the_page_is_whole_and_shows_every_version(ran):
    text = (ran[0] / "hochreiter1997" / "report.html").read_text()
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert len(set(tags.ids)) == len(tags.ids)
    assert not re.search(r'(?:src|href)="(?!#)', text)  # nothing from elsewhere
    assert "ours: full gradient" in text
    assert "The embedded Reber grammar" in text
    assert "Curves of T = 100" in text
    assert "Inside trial 0 of T = 100, solved: eight steps" in text
    assert text.count("not run") > 40
    opening, rows = text.partition("<nav")[0], sum(len(t.rows) for t in published() if not t.rows[0].of)
    assert "<h1>0 of 1 row run come out as published.</h1>" in opening
    assert opening.count("<svg") == 1
    assert (
        "Adding problem, T = 100: 4 of 4 (paper 100\u202f%) solved, after 2,501 sequences on average, published 74,000."
        in opening
    )
    assert f"{rows - 1} of the {rows} published rows were not run here" in opening
    assert text.count("The published figures; no row was run here") == len(published()) - 1


def test_a_row_that_nobody_trains_is_not_run_and_not_hidden(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(learners, "LEARNERS", {})
    assert main(["papers", "hochreiter1997", "--experiment", "4", "--json", "-", "--out", str(tmp_path)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["verdict"], row["trials"]) for row in rows} == {("not run", 0)}


def test_failed_trials_are_in_the_tables(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(
        learners.LEARNERS, "lstm", lambda: lambda row, numbers, *_: [Trial(n, False, row.cap) for n in numbers]
    )
    assert (
        main(["papers", "hochreiter1997", "--experiment", "6b", "--workers", "1", "--out", str(tmp_path), "--quick"])
        == 0
    )
    said = " ".join(capsys.readouterr().out.split())
    assert "0% [0, 19]" in said
    assert "cut short: 0 of 16 solved within 120,000" in said


def test_tables_fit_a_narrow_terminal(ran):
    lines = ran[1].partition("Tables for a README")[0].splitlines()
    assert max(map(len, lines)) <= 80
    markdown = (ran[0] / "hochreiter1997" / "tables.md").read_text()
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1


def test_every_published_line_can_be_drawn():
    console = Console(width=200, record=True)
    for table in published():
        for row in table.rows:
            line = tables.lines_of(row, None)[0]
            assert line.whose == "published"
            assert len([*line.own, line.whose, *line.cells]) == len(tables.header(table))
            console.print(line.cells)


def test_settings_that_differ_are_named():
    row = ROWS["4-100"]
    same = {**row.settings, "seed": 1}
    assert label(row, same) == ""
    asked = Asked(experiment="4", lag=100, seed=3, gradient="full", ranges="table10", no_output_derivative=True)
    other = asked.rows(quick=True)[0]
    said = label(row, {**other.settings, "seed": 3})
    assert said == "seed 3, cap 150,000, ranges of table 10, full gradient, no f'(net k)"


# Drawings


def test_the_drawn_grammar_is_the_grammar():
    """The strings along the drawn arcs are legal, and from each node exactly the legal letters leave."""
    leaving = {}
    for arc in reber_drawing.arcs():
        leaving.setdefault(arc.begin, {})[arc.letter] = arc
    rng = np.random.default_rng(1)
    for _ in range(50):
        node, string = 0, ""
        while node in leaving:
            arc = leaving[node][rng.choice(sorted(leaving[node]))]
            node, string = arc.end, string + arc.letter
            assert legal_next(string)[-1] == set(leaving.get(node, {}))
        outer = [k for k in (1, len(string) - 2) if string[k] in "TP"]
        assert string[outer[0]] == string[outer[1]]
    assert {arc.letter for arc in reber_drawing.arcs() if arc.outer} == {"T", "P"}
    ax = reber_drawing.plot_grammar()
    letters = [text.get_text() for text in ax.texts if len(text.get_text()) == 1]
    assert len(letters) == sum(len(node) for node in NODES)
    places = reber_drawing.places()
    assert len(set(places.values())) == len(places) == len(NODES)


def test_curves_show_failed_trials():
    shown = [Trial(0, True, 100, curve=[(50, 0.5), (100, 0.01)]), Trial(1, False, 200, curve=[(100, 0.5), (200, 0.4)])]
    ax = curves.plot_curves(shown, published=80.0)
    markers = [line.get_marker() for line in ax.lines]
    assert (markers.count("o"), markers.count("x")) == (1, 1)
    assert any(list(line.get_xdata()) == [80, 80] for line in ax.lines)
    assert curves.plot_curves([Trial(0, False, 5)]).texts[0].get_text() == "no curves"
    assert [curves.thousands(n) for n in (400, 20_000, 1_200_000)] == ["400", "20k", "1.2M"]


def test_a_trace_is_kept_and_drawn(tmp_path):
    rng = np.random.default_rng(1)
    trace = Trace("words", {"input_gate": rng.random((5, 2)), "cell": rng.normal(size=(5, 3))}, list("BTXSE"), [1])
    path = traces.path_of(tmp_path, digest({}))
    traces.write(path, trace, 7)
    again, number = traces.read(path)
    assert number == 7
    assert again.ticks == list("BTXSE")
    np.testing.assert_allclose(again.signals["cell"], trace.signals["cell"], rtol=1e-3)
    last = traces.plot_trace(again)
    assert isinstance(last.figure, Figure)
    panels = [ax for ax in last.figure.axes if ax.get_visible()]
    assert [len(ax.lines) for ax in panels] == [2, 3]
    np.testing.assert_allclose(panels[1].lines[2].get_ydata(), trace.signals["cell"][:, 2], rtol=1e-3)
    path.write_text('{"words": "", "signals": {"cell": [1, 2]}}')
    with pytest.raises(StoredError, match="not a trace"):
        traces.read(path)


def version(key, *counts):
    """A row as it comes out with trials that need so many sequences, or reach the cap."""
    row, ran = ROWS[key], trials(*counts, cap=ROWS[key].cap)
    found = {k: v for k, v in figures(row, ran, 1.0).items() if k not in ("trials", "seconds")}
    made = Reproduced(row.table, row.row, row.published, "", found, len(ran), 1.0, verdict(row, ran), False)
    return Version(row, made, ran, "")


def test_the_picture_and_its_sentences_say_the_same():
    near, far = version("6a", *range(25_000, 45_000, 1000)), version("6a", *range(2_000, 4_000, 100))
    failed = version("continual-standard", *[ROWS["continual-standard"].cap] * 10)
    assert [kind(each.found.verdict) for each in (near, far, failed)] == ["agrees", "differ", "agrees"]
    ran = [near, far, failed]
    assert outcomes.in_short(ran) == "2 of 3 rows run come out as published."
    assert outcomes.in_short([near]) == "1 of 1 row run comes out as published."
    assert outcomes.in_short([]).startswith("No row")
    said = list(outcomes.findings(ran))
    assert [finding.present for finding in said] == [True, False, True]
    assert said[0].text.startswith(
        "Temporal order, 6a: 20 of 20 (paper 100\u202f%) solved, after 34,500 sequences on average, published 31,390."
    )
    assert said[2].text.startswith(
        "Continual embedded Reber strings, LSTM of 1997, no reset: 0 of 10 (paper 0\u202f%) solved. Agrees: 0 of 10"
    )
    ax = outcomes.plot_outcomes(ran)
    marks = [(line.get_marker(), *map(float, line.get_xydata()[0])) for line in ax.lines if line.get_marker() != "None"]
    assert ("o", 34_500.0, 0.0) in marks
    assert ("o", 31_390.0, 0.0) in marks
    assert ("x", float(ROWS["continual-standard"].cap), 2.0) in marks
    assert [text.get_text().partition(":")[0] for text in ax.texts] == [outcomes.name(each) for each in ran]
    many = list(outcomes.findings([near, far] * 7))
    assert [(f.text.partition(":")[0][:14], f.present) for f in many] == [
        ("7 agree with w", True),
        ("7 solved, with", False),
    ]


def test_versions_stand_in_the_order_of_the_paper(fake, tmp_path):
    assert [version.row.key for version in every_stored(tmp_path)] == list(ROWS)
    block = Block(tmp_path, quickened(ROWS["4-100"]), 1, (0, 1))
    block.run()
    assert folder_of(tmp_path, block.row).is_dir()
    found = next(version for version in every_stored(tmp_path) if version.row.key == "4-100")
    assert (found.label, len(found.trials)) == ("cap 150,000", 2)
    assert page.render([found], tmp_path, "today").count("Curves of T = 100, cap 150,000") == 1


def test_quick_without_a_choice_is_a_few_rows_as_they_are_in_the_paper():
    rows = Asked().rows(quick=True)
    assert [row.key for row in rows] == ["3a-100-3", "3c-100-3", "6a", "continual-reset", "continual-standard"]
    assert rows == [row for row in Asked().rows() if row in rows]
    assert len(Asked(experiment="3a").rows(quick=True)) == len(Asked(experiment="3a").rows())
