"""The benches: who is measured computes the same, limits are those worked by hand, rows keep their contract."""

from __future__ import annotations

import itertools
import json
import time

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from catalogue_tasks import columns
from naibu.bench import growth, language_model, layers, online, peak, rounds, run, tables, tagging, translation
from naibu.bench.limits import language_model_flops, layer_flops
from naibu.bench.peers import CELLS, Contest
from naibu.bench.plain_tagger import PlainTagger
from naibu.bench.plain_translation import PlainTranslation
from naibu.bench.sizes import Sizes
from naibu.cells.kernels.vector import LANES
from naibu.cells.products import has_bfloat16_tiles
from naibu.cli import main
from naibu.config import TagsConfig, TranslationConfig
from naibu.data.generated import streams
from naibu.models.tagger import Tagger
from naibu.models.translation import TranslationModel
from naibu.online.blocks.lstm import LSTM
from naibu.training import devices

TINY = ["--hidden", "3", "--batch", "2", "--steps", "4", "--quick", "--threads", "1"]
tiles = pytest.mark.skipif(not has_bfloat16_tiles(), reason="this processor has no bfloat16 tiles")
TINY_TRANSLATION = {"PAIRS": 12, "PLAIN_BATCH": 5, "TRANSLATED": 3, "ROUNDS": 1, "UNITS": 8, "WORDS": 40, "MEAN": 4.0}
CONTRACT = {"cell", "hidden", "batch", "steps", "mode", "ratio_to_torch", "ratio_to_limit", "load"}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Rounds as short as they can be; a machine without anything else to do."""
    monkeypatch.setattr(rounds.Load, "read", lambda self: 0.0)
    monkeypatch.setattr(Sizes, "rounds", lambda self, calls, limit: rounds.interleaved(calls, rounds=2, seconds=0))
    monkeypatch.setattr(run, "measure_peak", lambda: peak.measure_peak(seconds=0, sizes=(64,), rounds=2))


# Rounds


def test_fewer_rounds_where_they_would_take_too_long():
    calls = []
    found = rounds.interleaved({"a": lambda: calls.append(time.sleep(0.01))}, rounds=50, seconds=0, limit=0.05)
    assert 3 <= found.rounds <= 5
    assert len(calls) == 2 + found.rounds


@pytest.mark.parametrize(
    ("loads", "counted", "mean"),
    [
        ([0.0, 0.0, 0.0, 0.0], 4, 0.0),
        ([0.5, 0.02, 0.3, 0.02, 0.04, 0.04], 6, 0.03),  # the two loud ones are made up for
        ([0.5] * 20, 6, 0.5),  # half as many again, then it is as it is
    ],
)
def test_a_round_that_others_disturb_is_repeated(monkeypatch, loads, counted, mean):
    heard = iter(loads)
    monkeypatch.setattr(rounds.Load, "read", lambda self: next(heard))
    calls = []
    found = rounds.interleaved({"a": lambda: calls.append(1)}, rounds=4, seconds=0)
    assert len(calls) - 2 == counted
    assert found.rounds == 4
    assert found.load == pytest.approx(mean)


def test_the_seconds_come_from_the_quiet_rounds(monkeypatch):
    heard = itertools.cycle([0.9, 0.0, 0.0])
    monkeypatch.setattr(rounds.Load, "read", lambda self: next(heard))
    turns = itertools.count(-2)  # two calls are not counted
    found = rounds.interleaved({"a": lambda: time.sleep(0.05 if next(turns) % 3 == 0 else 0.001)}, rounds=2, seconds=0)
    assert found.seconds["a"] < 0.02


def test_load_of_others_is_what_the_machine_did_besides_this_process(monkeypatch):
    monkeypatch.undo()
    busy = iter([10.0, 10.5])
    monkeypatch.setattr(rounds, "_busy", lambda: next(busy))
    monkeypatch.setattr(rounds.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(rounds.time, "process_time", iter([1.0, 1.3]).__next__)
    monkeypatch.setattr(rounds.time, "perf_counter", iter([0.0, 1.0]).__next__)
    assert rounds.Load().read() == pytest.approx(0.1)


# Limits


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("training", [False, True])
def test_the_limit_counts_the_products_of_the_plain_step(cell, training):
    """torch's own counter finds as many flops in the loop over torch's cell, and those of a first step from zeros."""
    contest = Contest(cell, 5, 3, 4)
    call = (contest.training() if training else contest.forward())["loop"]
    with FlopCounterMode(display=False) as counter:
        call()
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    from_zeros = (3 if training else 1) * 2 * gates * 5 * 3 * 5
    # the counter also finds no product for the gradient of the first state, which nobody needs
    never_asked = 2 * gates * 5 * 3 * 5 if training else 0
    assert layer_flops(cell, 5, 3, 4, training=training) == counter.get_total_flops() - from_zeros + never_asked


def test_the_limit_of_symbols_needs_a_table_once():
    known = language_model_flops("lstm", 10, 2, 4, vocabulary=3, embedding=6)
    assert known == 3 * 2 * (3 * 6 * 40 + 3 * 2 * 10 * 40 + 4 * 2 * 10 * 3)
    few = language_model_flops("lstm", 10, 2, 4, vocabulary=3000, embedding=6)  # 8 positions, 8 symbols at most
    assert few == 3 * 2 * (8 * 6 * 40 + 3 * 2 * 10 * 40 + 4 * 2 * 10 * 3000)
    two = language_model_flops("lstm", 10, 2, 4, vocabulary=3, embedding=6, layers=2)
    assert two == known + 3 * 2 * (4 + 3) * 2 * 10 * 40


def test_the_register_tile_is_a_product():
    pytest.importorskip("llvmlite")
    width = peak._vector_width()
    tile = peak._compiled(peak._tile_source(width))
    a, b = torch.randn(20, peak.ROWS), torch.randn(20, peak._vectors(width) * width)
    c = torch.zeros(peak.ROWS, b.shape[1])
    tile(20, 3, a.data_ptr(), b.data_ptr(), c.data_ptr())
    torch.testing.assert_close(c, 3 * a.T @ b, rtol=1e-4, atol=1e-4)


def test_the_other_products_are_products():
    a, b = torch.randn(64, 64), torch.randn(64, 64)
    torch.testing.assert_close(peak._mm(a, b)(), a @ b)
    shaped = peak._convolution(a, b)().permute(0, 2, 3, 1).reshape(64, 64)
    torch.testing.assert_close(shaped, a @ b, rtol=1e-4, atol=1e-4)


# Contenders


@pytest.mark.parametrize("cell", CELLS)
def test_contenders_compute_the_same_and_a_wrong_one_is_found(cell):
    contest = Contest(cell, 5, 3, 4)
    for calls in (contest.forward(), contest.training()):
        contest.check(calls)
        right = calls["torch"]()
        wrong = right + 0.1 if isinstance(right, torch.Tensor) else tuple(each * 1.1 for each in right)
        with pytest.raises(AssertionError, match="ours differs"):
            contest.check({**calls, "ours": lambda wrong=wrong: wrong})


@pytest.mark.parametrize("vocabulary", [5, 40])
def test_both_language_models_take_the_same_steps(vocabulary):
    ours = language_model.LanguageModel(vocabulary, language_model.ModelConfig(units=6, dropout=0.0)).train()
    theirs = language_model.Straightforward(vocabulary, ours.embedding.embedding_dim, 6, "lstm")
    theirs.load_state_dict(ours.state_dict())
    batches = [torch.randint(vocabulary, (5, 3)) for _ in range(2)]
    one, other = language_model.our_step(ours, batches), language_model.their_step(theirs, batches)
    for _ in range(4):
        assert one() == pytest.approx(other(), rel=1e-5)
    for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-3, atol=1e-5)


# Rows and tables


def test_layers_rows_keep_the_contract(tmp_path, capsys):
    where = tmp_path / "rows.json", tmp_path / "rows.md"
    assert main(["bench", "layers", *TINY, "--json", str(where[0]), "--markdown", str(where[1])]) == 0
    rows = json.loads(where[0].read_text())
    assert all(row.keys() >= CONTRACT for row in rows)
    assert {(row["cell"], row["mode"]) for row in rows} == set(itertools.product(CELLS, layers.MODES))
    assert all((row["hidden"], row["batch"], row["steps"]) == (3, 2, 4) for row in rows)
    assert all(row["ratio_to_torch"] == pytest.approx(row["torch_ms"] / row["ms"]) for row in rows)
    assert all(0 < row["ratio_to_limit"] < 1 for row in rows)
    assert all(row["load"] == 0 for row in rows)
    said, written = capsys.readouterr().out, where[1].read_text()
    assert "sgemm" in said
    assert "| lstm | 3 | 2 | 4 | " in written
    assert "sgemm" in written
    assert "load by other processes: 0% at most" in written


def test_language_model_rows_keep_the_contract(capsys):
    assert main(["bench", "language-model", *TINY, "--vocabulary", "5", "--vocabulary", "9", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row.keys() >= CONTRACT | {"vocabulary"} for row in rows)
    assert [(row["cell"], row["vocabulary"], row["mode"]) for row in rows] == [
        ("lstm", 5, "training"),
        ("lstm", 9, "training"),
    ]


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=tiles)])
def test_language_models_of_several_layers_in_the_type_asked_for(capsys, precision):
    asked = ["--layers", "2", "--precision", precision, "--vocabulary", "5", "--json", "-"]
    assert main(["bench", "language-model", *TINY, *asked]) == 0
    said = capsys.readouterr()
    (row,) = json.loads(said.out)
    assert (row["layers"], row["precision"]) == (2, precision)
    assert row["loss_error"] < (1e-5 if precision == "float32" else 1e-2)
    assert "ours in" in said.err


def test_bfloat16_is_not_measured_where_there_are_no_tiles(monkeypatch, capsys):
    monkeypatch.setattr(devices, "has_bfloat16_tiles", lambda: False)
    assert main(["bench", "language-model", *TINY, "--precision", "bfloat16"]) == 2
    assert "--precision bfloat16: this processor has no" in capsys.readouterr().err


def test_growth_finds_the_exponent(monkeypatch):
    """A cost of 0.001 s times the square of the steps is found out."""

    def found(self, calls, limit):
        return rounds.Measured({name: 0.001 * max(int(name), 1) ** 2 for name in calls}, {}, 0.0, 3)

    monkeypatch.setattr(Sizes, "rounds", found)
    rows = list(growth.measure(Sizes((3,), (2,), ("lstm",))))
    by_steps = [row for row in rows if row["varied"] == "steps"]
    assert [(row["mode"], row["steps"], row["signals"]) for row in by_steps] == [
        (mode, steps, 7 if mode == "recording" else 0) for mode in layers.MODES for steps in growth.STEPS
    ]
    assert all(row["exponent"] == pytest.approx(2) for row in by_steps)
    assert all(row["to_first"] == pytest.approx((row["steps"] / 32) ** 2) for row in by_steps)


def test_growth_keeps_so_many_signals(capsys):
    assert main(["bench", "growth", *TINY, "--cells", "gru", "--json", "-"]) == 0
    said = capsys.readouterr()
    rows = json.loads(said.out)
    assert [row["signals"] for row in rows if row["varied"] == "signals"] == [0, 1, 3, 4]
    assert {row["steps"] for row in rows if row["varied"] == "steps"} == set(growth.STEPS)
    assert "exponent" in said.err


def test_a_figure_under_load_is_marked():
    row = {"cell": "lstm", "hidden": 3, "batch": 2, "steps": 4, "mode": "inference", "peers": {"loop": 0.5}}
    row |= {"ratio_to_torch": 1.5, "ratio_to_limit": 0.25, "gflops": 9.0, "threads": 2}
    quiet, loud = ({**row, "load": load} for load in (0.079, 0.081))
    ours, peers = tables.layers([quiet])
    assert ours.lines == (("lstm", "3", "2", "4", "1.50 (0.25)"),)
    assert (peers.columns[-1], peers.lines) == ("loop, run", (("lstm", "3", "2", "0.50"),))
    assert not any("worth little" in remark for remark in tables.layers([quiet])[0].remarks)
    found = tables.layers([loud])[0]
    assert found.lines[0][4] == "1.50 (0.25)*"
    assert any("worth little" in remark for remark in found.remarks)


def test_ctrl_c_shows_what_was_measured(monkeypatch, capsys):
    def interrupted(sizes, *rest):
        yield from itertools.islice(measure(sizes, *rest), 3)
        raise KeyboardInterrupt

    measure = layers.measure
    monkeypatch.setattr(layers, "measure", interrupted)
    assert main(["bench", "layers", *TINY]) == 130
    said = capsys.readouterr()
    assert "lstm" in said.out
    assert "gru" not in said.out
    assert said.err.endswith("naibu: stopped; what was measured is above, the same command begins anew\n")


def test_all_are_measured_in_order_each_by_its_name(monkeypatch, capsys):
    monkeypatch.setattr(run.recording, "measure", lambda: [{"hidden": 3, "load": 0.0}])
    monkeypatch.setattr(run.writing, "LENGTH", 3)
    monkeypatch.setattr(run.drawing, "LENGTH", 3)
    monkeypatch.setattr(run.tagging, "SENTENCES", 3)
    monkeypatch.setattr(run.tagging, "FORMS", 200)
    monkeypatch.setattr(run.tagging, "ROUNDS", 1)
    for name, tiny in TINY_TRANSLATION.items():
        monkeypatch.setattr(run.translation, name, tiny)
    monkeypatch.setattr(run.vectors, "SENTENCES", 30)
    monkeypatch.setattr(run.vectors, "FORMS", 20)
    monkeypatch.setattr(run.vectors, "ROUNDS", 1)
    monkeypatch.setattr(online, "measure_peak", lambda: peak.measure_peak(seconds=0, sizes=(64,), rounds=2))
    monkeypatch.setattr(online, "SEQUENCES", 1)
    assert main(["bench", *TINY, "--cells", "rnn", "--vocabulary", "5", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "layers",
        "language-model",
        "growth",
        "recording",
        "writing",
        "drawing",
        "tagging",
        "translation",
        "vectors",
        "online",
    ]  # quick leaves memory out
    assert all(found.values())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("layers --hidden 0", "--hidden 0: must be at least 1"),
        ("layers --batch -2", "--batch -2: must be at least 1"),
        ("layers --steps 0", "--steps 0: must be at least 1"),
        ("language-model --layers 0", "--layers 0: must be at least 1"),
        ("growth --layers 2", "--layers 2: is for language-model, not for growth"),
        ("all --precision bfloat16", "--precision bfloat16: is for language-model, not for all"),
        ("layers --threads -1", 'Invalid value "-1" for --threads. Must be >= 0'),
        ("language-model --vocabulary 0", "--vocabulary 0: must be at least 1"),
        ("layers --cells elman", 'Invalid value "elman" for --cells. Choose from: "lstm", "gru", "rnn"'),
        ("memory --hidden 3", "naibu bench memory: has sizes of its own; options are for layers"),
    ],
)
def test_what_is_mistyped_is_said_in_one_line(typed, said, capsys):
    assert main(["bench", *typed.split()]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("naibu: " + said)
    assert (out, err.count("\n")) == ("", 1)


# Tagging


@pytest.mark.parametrize("decode", ["crf", "softmax"])
def test_the_plain_tagger_is_the_same_network(decode):
    """The same loss and the same gradients; the bench itself compares the losses once more."""
    config = TagsConfig(units=6, embedding=7, letters=4, decode=decode)
    ours = Tagger(tagging.SIZES, config).eval()
    theirs = PlainTagger(ours).eval()
    theirs.load_state_dict({**theirs.state_dict(), **ours.state_dict()})
    batch = tagging._batch(np.random.default_rng(1))
    one, other = ours.loss(batch).mean, theirs.loss(batch)
    assert one.item() == pytest.approx(other.item(), rel=1e-5)
    one.backward()
    other.backward()
    named = dict(ours.named_parameters())
    for name, weight in theirs.named_parameters():
        if name in named:
            torch.testing.assert_close(named[name].grad, weight.grad, rtol=1e-4, atol=1e-6)
    assert len(named) >= 20


def test_ours_and_the_plain_tagger_are_compared_on_the_same_words(tmp_path):
    columns(tmp_path)
    (tmp_path / "test.txt").write_text((tmp_path / "names.txt").read_text())
    found = list(tagging.compare(tmp_path / "names.txt", tmp_path / "test.txt", seeds=(1,), steps=60, column="2"))
    assert found[0]["difference"] == found[0]["ours"] - found[0]["plain"]
    assert min(found[0]["ours"], found[0]["plain"]) > 0.8


# Translation


def _pair_of_networks(**options):
    torch.manual_seed(2)
    config = TranslationConfig(units=8, embedding=6, softmax="full", shared_vectors=False, **options)
    ours = TranslationModel(translation.WORDS, translation.WORDS, config)
    theirs = PlainTranslation(ours)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("layers", [1, 2])
def test_the_plain_network_that_translates_is_the_same_network(layers, monkeypatch):
    """The same loss and the same gradients, of pairs of different lengths; with nothing dropped the same in training,
    where labels are smoothed."""
    monkeypatch.setattr(translation, "WORDS", 40)
    ours, theirs = _pair_of_networks(layers=layers, dropout=0.0, symbol_dropout=0.0)
    pairs = translation.drawn_pairs(7, np.random.default_rng(1))
    assert len(set(pairs.lengths.tolist())) > 3
    batch = pairs.batch(np.arange(7))
    for training in (False, True):
        one, other = ours.train(training).loss(batch), theirs.train(training).loss(batch)
        whole = one.mean if one.penalty is None else one.mean + one.penalty
        assert (one.penalty is not None) == training
        assert whole.item() == pytest.approx(other.item(), rel=1e-5)
    whole.backward()
    other.backward()
    named = dict(ours.named_parameters())
    assert set(named) == set(dict(theirs.named_parameters()))
    for name, weight in theirs.named_parameters():
        torch.testing.assert_close(named[name].grad, weight.grad, rtol=1e-4, atol=1e-6)


def test_a_network_that_plain_torch_has_not_is_none_to_compare_with():
    config = TranslationConfig(units=8, embedding=6, softmax="full", shared_vectors=False, attention="dot")
    with pytest.raises(AssertionError, match="dot"):
        PlainTranslation(TranslationModel(9, 9, config))


def test_both_programs_learn_the_same_pairs_and_become_better(monkeypatch):
    """An epoch of each reads every pair once; after some both know the words better than at first."""
    monkeypatch.setattr(translation, "WORDS", 12)
    monkeypatch.setattr(translation, "MEAN", 4.0)
    ours, theirs = _pair_of_networks()
    pairs, seen = translation.drawn_pairs(20, np.random.default_rng(1)), {"ours": [], "plain": []}
    batch, before = pairs.batch(np.arange(20)), ours.eval().loss(pairs.batch(np.arange(20))).mean.item()
    epochs = {
        "ours": translation.our_epoch(ours, pairs, translation.TranslationTraining(precision="float32")),
        "plain": translation.their_epoch(theirs, pairs),
    }
    read, name = pairs.batch, ""
    monkeypatch.setattr(pairs, "batch", lambda which: (seen[name].extend(which.tolist()), read(which))[1])
    for name, epoch in epochs.items():  # noqa: B007
        for _ in range(15):
            epoch()
    assert all(sorted(numbers) == sorted([*range(20)] * 15) for numbers in seen.values())
    assert ours.eval().loss(batch).mean.item() < before - 0.05
    assert theirs.eval().loss(batch).item() < before - 0.05


def test_translation_is_measured_as_words_and_sentences(monkeypatch):
    for name, tiny in TINY_TRANSLATION.items():
        monkeypatch.setattr(translation, name, tiny)
    (row,) = translation.measure()
    assert set(row) == {
        "precision",
        "words_per_second",
        "ratio_to_torch",
        "loss_error",
        "beam",
        "sentences_per_second",
        "load",
    }
    assert min(row["words_per_second"], row["ratio_to_torch"], row["sentences_per_second"]) > 0
    assert row["loss_error"] < 1e-3


# On-line learning


@pytest.mark.parametrize("case", list(online.cases(quick=False))[:6], ids=lambda case: case.task.name)
def test_the_cell_of_1997_in_torch_learns_what_ours_learns(case):
    """One sequence of each trial, the weights of one as those of the other, before and after."""
    tape = case.task.tape(streams(1, "bench", range(LANES)), 1)
    ours = LSTM(case.network, case.learning, 1, range(LANES))
    hidden, output = (torch.tensor(np.moveaxis(part, -1, 0)).contiguous() for part in ours.weights[:2])
    x, target = (torch.tensor(np.moveaxis(part[0], 2, 1)).contiguous() for part in (tape.x, tape.target))
    for lane in range(2):  # one at a time: in a batch of unequal lengths blank steps would count
        begin = int(tape.start[0, lane])
        alone = slice(lane, lane + 1)
        online.cell_of_1997(case, x[begin:, alone], target[:, alone], hidden[alone], output[alone])()
    before = ours.weights.output.copy()
    ours.train(tape)
    for lane in range(2):
        torch.testing.assert_close(
            hidden[lane].detach(), torch.tensor(ours.weights.hidden[..., lane]), atol=2e-6, rtol=0
        )
        torch.testing.assert_close(
            output[lane].detach(), torch.tensor(ours.weights.output[..., lane]), atol=2e-6, rtol=0
        )
    assert (ours.weights.output != before).any()


def test_on_line_rows_keep_their_contract(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(run.writing, "LENGTH", 3)
    monkeypatch.setattr(online, "measure_peak", lambda: peak.measure_peak(seconds=0, sizes=(64,), rounds=2))
    monkeypatch.setattr(online, "SEQUENCES", 1)
    assert main(["bench", "online", "--quick", "--json", str(tmp_path / "rows.json")]) == 0
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert {"task", "weights", "trials", "steps_per_second", "ratio_to_loop", "ratio_to_batched", "load"} <= set(row)
    assert row["ratio_to_loop"] == pytest.approx(row["steps_per_second"] / row["loop_steps_per_second"])
    assert "LSTM of 1997, learning on-line" in capsys.readouterr().out
