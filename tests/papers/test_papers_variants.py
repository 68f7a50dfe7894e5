"""The table of variants: equal parameters, resumable trainings, scores and intervals by hand, what is left."""

from __future__ import annotations

import importlib
import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

import naibu
from naibu.cells.variants import LAYERS
from naibu.cli import main
from naibu.config import ModelConfig
from naibu.data import builtin
from naibu.data.files import SourceFile
from naibu.models.language_model import LanguageModel, recurrent
from naibu.papers.intervals import Interval, over_trials
from naibu.papers.runner import Experiment, Reproduced, reproduce
from naibu.papers.variants import compare, plot, scores, tables, tasks
from naibu.papers.variants.cells import (
    ALIKE,
    BETTER,
    EMBEDDING,
    UNITS,
    VARIANTS,
    WORSE,
    equal_units,
    layer_parameters,
    variant_named,
)
from naibu.papers.variants.scores import Scored
from naibu.papers.variants.tasks import Task
from naibu.papers.variants.training import Budget, Plan, Result, Training
from random_trees import nested as random_tree

CELLS = ("lstm", "min-gru")
ONE_BY_ONE = [name for name, layer in LAYERS.items() if layer.cell_type.unitwise]
"""Cells without a memory beside their units, which the table leaves out."""
BUDGET = Budget(symbols=1500, rates=(0.003, 0.01), seeds=(1, 2), batch_size=8, scored=400)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Two small tasks: random trees, and lines of words."""
    folder = tmp_path_factory.mktemp("corpora")
    rng = random.Random(1)
    (folder / "trees.mrg").write_text("\n".join(f"(S {random_tree(rng)} {random_tree(rng)})" for _ in range(120)))
    words = np.random.default_rng(1).choice(["ba", "do", "gi", "(ku)"], (80, 6))
    (folder / "text.txt").write_text("\n".join(" ".join(line) for line in words) + "\n")
    nested = Task("nested", "trees", str(folder / "trees.mrg"), "tagged", 60, "penn")
    return nested, Task("text", "words", str(folder / "text.txt"), "characters", 30, "text")


@pytest.fixture(scope="module")
def done(small, tmp_path_factory):
    plan = Plan(tmp_path_factory.mktemp("done"), BUDGET, small, CELLS)
    plan.do()
    return plan


# The cells


def test_every_cell_has_a_row():
    assert {variant.cell for variant in VARIANTS} == set(ONE_BY_ONE)


@pytest.mark.parametrize("cell", sorted(ONE_BY_ONE))
def test_layers_have_equally_many_parameters(cell):
    units = equal_units(cell)
    found = sum(p.numel() for p in recurrent(EMBEDDING, ModelConfig(cell=cell, units=units)).parameters())
    wanted = layer_parameters("lstm", UNITS)
    assert found == layer_parameters(cell, units)
    assert abs(found / wanted - 1) < 0.01
    nearer = [layer_parameters(cell, units + step) for step in (-1, 1)]
    assert abs(found - wanted) <= min(abs(count - wanted) for count in nearer)


# The work


def test_a_table_from_end_to_end(done, monkeypatch, tmp_path, capsys):
    plan = replace(done, folder=done.folder)
    monkeypatch.setattr(compare, "plan", lambda folder, quick: plan)
    written = tmp_path / "rows.json"
    assert main(["papers", "variants", "--quick", "--json", str(written), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    rows = json.loads(written.read_text(), parse_constant=pytest.fail)  # nan is no JSON
    assert [(row["table"], row["row"]) for row in rows] == [(t, c) for t in ("nested", "text") for c in CELLS]
    for row in rows:
        found = row["obtained"]
        assert row["trials"] == 2
        assert row["seconds"] > 0
        assert found["loss_low"] <= found["loss"] <= found["loss_high"]
        assert found["difference_sequences_low"] <= found["difference"] <= found["difference_sequences_high"]
        assert abs(found["parameters"] / rows[0]["obtained"]["parameters"] - 1) < 0.02
        assert abs(found["symbols_read"] / BUDGET.symbols - 1) < 0.15
        assert found["symbols_read"] == rows[0 if row["table"] == "nested" else 2]["obtained"]["symbols_read"]
        assert found["learning_rate"] in BUDGET.rates
        assert found["verdict"] in (("baseline",) if row["row"] == "lstm" else (BETTER, WORSE, ALIKE))
        assert (found["closing_recall"] is None) == (row["table"] == "text")
    assert rows[0]["obtained"]["depth_cell"] > 0
    assert rows[1]["obtained"]["depth_cell"] is None  # a minGRU has no cell
    markdown = (plan.folder / "table.md").read_text()
    assert f"| min-gru | {equal_units('min-gru')} |" in markdown
    assert (plan.folder / "loss.png").stat().st_size > 10_000
    assert "table.md" in said


def test_every_cell_sees_the_same_batches_and_the_rate_is_chosen_on_validation(done, small):
    for task in small:
        for cell in CELLS:
            tried = {rate: done.chosen(task, cell)[0] for rate in BUDGET.rates}
            tried = {rate: replace(training, rate=rate).result() for rate, training in tried.items()}
            best = min(tried, key=lambda rate: tried[rate].facts["validation_loss"])
            assert [training.rate for training in done.chosen(task, cell)] == [best] * 2
        first, second = (done.results(task, cell) for cell in CELLS)
        assert [r.facts["steps"] for r in first] == [r.facts["steps"] for r in second]
        assert [r.scored.tokens for r in first] == [r.scored.tokens for r in second]


def test_what_is_finished_stays_and_an_interrupted_plan_ends_as_if_it_had_not_been(done, small, tmp_path, monkeypatch):
    plan, ran, run = Plan(tmp_path, BUDGET, small[:1], CELLS), [], Training.run

    def stopping(training, progress):
        ran.append(training.name)
        if len(ran) == 3:
            raise KeyboardInterrupt
        run(training, progress)

    monkeypatch.setattr(Training, "run", stopping)
    with pytest.raises(KeyboardInterrupt):
        plan.do()
    plan.do()
    assert len(ran) == 1 + len(CELLS) * (len(BUDGET.rates) + len(BUDGET.seeds) - 1)
    assert ran[2] == ran[3]
    assert len(set(ran)) == len(ran) - 1
    for cell in CELLS:
        ours, theirs = ([r.scored for r in p.results(small[0], cell)] for p in (plan, done))
        assert ours == theirs


def test_a_training_of_another_budget_is_not_taken_for_this_one(done, small):
    training = done.chosen(small[0], "lstm")[0]
    assert training.finished()
    assert not replace(training, budget=replace(BUDGET, scored=399)).finished()
    with pytest.raises(naibu.StoredError, match="steps"):
        replace(training, budget=replace(BUDGET, symbols=3000)).run()


def test_a_training_that_diverges_is_scored_and_said(small, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.import_module("naibu.training.loop"), "mean_loss", lambda *_: math.nan)
    training = Training(tmp_path, small[0], "lstm", 5, 0.003, 1, BUDGET)
    training.run()
    found = training.result()
    assert found.facts["diverged"]
    assert found.facts["validation_loss"] == math.inf
    assert sum(found.scored.loss) > 0


def test_the_text_is_the_docstrings(monkeypatch, tmp_path):
    source = b'"""About."""\nclass A:\n    """Of A."""\n    def f(self):\n        """Of f.\n\n        More."""\n'
    files = [SourceFile("a/b.py", ".py", lambda: source), SourceFile("c.py", ".py", lambda: b"x = 1")]
    monkeypatch.setattr(builtin, "open_library", lambda: iter(files))
    tasks.prepare(tmp_path)
    tasks.prepare(tmp_path)
    assert [path.name for path in (tmp_path / "docstrings").iterdir()] == ["a.b.txt"]
    assert (tmp_path / "docstrings" / "a.b.txt").read_text() == "About.\n\nOf A.\n\nOf f.\n\nMore.\n"
    assert tasks.docstrings(b"not python (") == []


# Scores


def test_scores_are_what_a_loop_over_symbols_gives(small, tmp_path):
    corpus = tasks.corpus_of(small[0], tmp_path)
    torch.manual_seed(3)
    model = LanguageModel(len(corpus.vocabulary), ModelConfig(units=6, embedding=4, dropout=0.0)).eval()
    with torch.no_grad():
        model.output.weight.mul_(8)  # so that not one symbol is always the most probable
    found = scores.score(model, corpus, 300)
    allowed = ~corpus.seen
    which = scores.some(corpus.test, allowed, 300)
    assert allowed[which].all()
    assert corpus.test.lengths[which].sum() <= 300
    symbols = corpus.vocabulary.symbols
    closing = [k for k, name in enumerate(symbols) if name.endswith(")")]
    for k, s in enumerate(which):
        ids = torch.from_numpy(corpus.test[int(s)].ids).long()
        with torch.no_grad():
            logits = model.logits(model(ids[:-1, None])[0])[:, 0]
        nats = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="sum").item()
        assert found.loss[k] == pytest.approx(nats, abs=1e-3)
        assert found.tokens[k] == len(ids) - 1
        nexts = [(row, int(symbol)) for row, symbol in zip(logits, ids[1:], strict=True)]
        assert found.right[k] == sum(int(row.argmax()) == symbol for row, symbol in nexts)
        closed = [(row, symbol) for row, symbol in nexts if symbol in closing]
        assert found.closings[k] == len(closed) > 0
        assert found.closings_right[k] == sum(max(closing, key=lambda c: row[c]) == symbol for row, symbol in closed)
        assert found.ends[k] == 1
        assert found.ends_right[k] == (symbols[int(logits[-1].argmax())] == "ED")
    assert 0 < sum(found.closings_right) < sum(found.closings)


def test_the_depth_is_found_in_a_unit_that_counts(small, tmp_path):
    """A tanh unit with small weights that adds 1 at an opening bracket and takes 1 at a closing one."""
    corpus = tasks.corpus_of(small[0], tmp_path)
    config = ModelConfig(cell="rnn", units=3, embedding=2, dropout=0.0)
    model = LanguageModel(len(corpus.vocabulary), config).eval()
    with torch.no_grad():
        for parameter in model.layers.parameters():
            parameter.zero_()
        model.layers.weight_ih_l0[1, 0] = 1e-3
        model.layers.weight_hh_l0[1, 1] = 1
        for k, name in enumerate(corpus.vocabulary.symbols):
            model.embedding.weight[k, 0] = float(name.startswith("(")) - float(name.endswith(")"))
    found = scores.depth_followed(model, corpus, corpus.test)
    assert found == {"hidden": pytest.approx(1, abs=1e-4)}


# Intervals


def test_student_interval_of_three_trials():
    found = over_trials([1.0, 2.0, 3.0])
    half = 4.302653 / math.sqrt(3)  # t(.975, 2) s / sqrt(3), s = 1
    assert found == pytest.approx((2, 2 - half, 2 + half), abs=1e-5)
    assert math.isnan(over_trials([1.0]).low)


def result(loss, tokens, cell="lstm"):
    task = Task("nested", "", "/", "tagged", 9)
    zeros = [0] * len(loss)
    scored = Scored(loss, tokens, zeros, zeros, zeros, zeros, zeros, {})
    facts = {"units": 1, "parameters": 2, "parameters_in_all": 3, "symbols_per_second": 4.0, "symbols_read": 5}
    return Result(Training(None, task, cell, 1, 0.1, 1, BUDGET), {**facts, "seconds": 6.0, "diverged": False}, scored)


def test_difference_over_sequences_worked_by_hand():
    """Two sequences of one symbol, apart by 0 and by 1: a draw is 0, 1/2 or 1."""
    baseline = [result([1.0, 1.0], [1, 1])] * 2
    assert compare.over_sequences([result([1.0, 2.0], [1, 1])] * 2, baseline) == (0.5, 0.0, 1.0)
    # The mean over seeds, weighted by symbols: (1.5 + 2 * 2.5) / 4 - (1 + 2) / 4.
    mine = [result([1.0, 2.0], [1, 3]), result([2.0, 8.0], [1, 3])]
    theirs = [result([0.0, 2.0], [1, 3]), result([2.0, 2.0], [1, 3])]
    assert compare.over_sequences(mine, theirs).value == pytest.approx((0.5 + 3.0) / 4)


def test_figures_pair_by_seed():
    theirs = [result([1.0], [1]), result([2.0], [1]), result([3.0], [1])]
    mine = [result([1.1], [1], "gru"), result([2.1], [1], "gru"), result([3.1], [1], "gru")]
    found = compare.figures(mine, theirs)
    assert found["loss"] == pytest.approx(2.1)
    assert found["loss_high"] - found["loss"] == pytest.approx(4.302653 / math.sqrt(3), abs=1e-5)
    assert (found["difference_seeds_low"], found["difference_seeds_high"]) == pytest.approx((0.1, 0.1), abs=1e-6)
    assert found["difference_sequences_low"] is None  # one sequence says nothing of others


@pytest.mark.parametrize(
    ("seeds", "sequences", "said"),
    [
        ((-0.2, -0.1), (-0.2, -0.1), BETTER),
        ((0.1, 0.2), (0.1, 0.2), WORSE),
        ((-0.1, 0.4), (0.1, 0.2), ALIKE),
        ((0.1, 0.2), (-0.1, 0.4), ALIKE),
        ((math.nan, math.nan), (0.1, 0.2), ALIKE),
    ],
)
def test_a_verdict_needs_both_intervals_on_one_side(seeds, sequences, said):
    assert compare.verdict(Interval(0.0, *seeds), Interval(0.0, *sequences)) == said


def test_verdicts_stand_beside_the_published_finding():
    assert compare.judged(variant_named("lstm-no-forget-gate"), WORSE) == f"{WORSE}: within what was found there"
    assert compare.judged(variant_named("lstm-coupled"), WORSE) == f"{WORSE}: unlike what was found there"
    assert compare.judged(variant_named("gru"), WORSE) == WORSE


# What is shown


def row(cell, loss, verdict, half=0.01):
    found = compare.figures([result([loss], [1], cell)] * 2, [result([1.0], [1])] * 2)
    found |= {"verdict": verdict, "loss_low": loss - half, "loss_high": loss + half}
    return Reproduced("nested", cell, {}, "", found, 2, 1.0, verdict, False)


def test_the_plot_has_a_point_for_each_cell_and_a_number_for_those_far_off():
    rows = [row("lstm", 1.0, "baseline"), row("gru", 0.9, BETTER), row("rnn", 1.1, WORSE), row("one-to-one", 9, WORSE)]
    ax = plot.plot_losses(rows)
    points = {line.get_ydata()[0]: line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"}
    assert points == {3: 0.9, 2: 1.0, 1: 1.1}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one-to-one", "rnn", "lstm", "gru"]
    assert [text.get_text() for text in ax.texts] == ["9.00 →"]
    assert ax.get_xlim()[1] < 2


def test_the_markdown_table_is_one():
    text = tables.as_markdown([row("lstm", 1.0, "baseline"), row("gru", 1.25, WORSE)], {})
    lines = [line for line in text.split("\n") if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert "| 1.250 ± 0.010 | +0.250 ± 0.000 |" in lines[3]


def test_rows_of_other_settings_are_run_again(tmp_path):
    def experiment(value):
        return Experiment("T", "a", {}, "", lambda _: {"x": value}, lambda p, o: "", {"value": value})

    assert [reproduce([experiment(v)], tmp_path)[0].obtained["x"] for v in (1.0, 1.0, 2.0)] == [1.0, 1.0, 2.0]
