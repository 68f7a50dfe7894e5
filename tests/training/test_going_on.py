"""Schedules, averaging and lengths that vary; going on with a finished run, and with the weights of another."""

from __future__ import annotations

import json
import math
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import naibu
from catalogue_tasks import with_own
from naibu.cli import main, with_task
from naibu.config import ModelConfig, TrainingConfig
from naibu.data.order import pieces_from, windows
from naibu.data.vocabulary import numbered
from naibu.looking.check import compare
from naibu.models.weights import restore, stored
from naibu.runs import Run
from naibu.runs.load import untrained
from naibu.tasks.catalogue import task_named
from naibu.training import averaging, loop
from naibu.training.schedule import learning_rate
from naibu.training.threads import threads
from naibu.training.trainer import Trainer
from naibu.training.validation import mean_loss, validation_part
from random_trees import treebank
from toy_task import WavesOptions

SMALL = ModelConfig(units=6, dropout=0.2)
QUICK = TrainingConfig(steps=12, batch_size=8, validations=6, threads=1, warmup=3, patience=0)


@pytest.fixture(scope="module")
def corpus(small_treebank):
    return naibu.open_corpus(small_treebank, form="tagged")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Trees with a category that the first have not, and without one that they have."""
    path = tmp_path_factory.mktemp("other") / "other.mrg"
    path.write_text(treebank(80, seed=9).replace("(VP", "(XP"))
    return naibu.open_corpus(path, form="tagged")


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    """A run that is done; to be copied."""
    return naibu.train(corpus, out=tmp_path_factory.mktemp("run") / "first", model=SMALL, training=QUICK)


@pytest.fixture
def run(finished, tmp_path):
    return naibu.open_run(shutil.copytree(finished.path, tmp_path / "run"))


class BrokenError(Exception):
    """The end of a process, as far as its files know."""


def broken_at(step, monkeypatch, every=0.0):
    """Return what ends a training after a step; a checkpoint is written after each, or none between validations."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", every - 1)

    def progress(done, total, words=""):
        if done == step:
            raise BrokenError

    return progress


def weights(run):
    return load_file(run.weights)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def curve(run):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in run.metrics()]


def whole(run):
    return not [wrong for _, wrong in compare(run.path) if wrong]


def test_one_cycle_by_hand():
    config = TrainingConfig(learning_rate=2.0, decay="one-cycle", warmup=50)
    rates = [learning_rate(config, step, 10) for step in range(10)]  # three steps up, seven down
    down = [1 + math.cos(math.pi * k / 7) for k in range(7)]
    assert rates == pytest.approx([0.5, 1.0, 1.5, *down])
    assert learning_rate(config, 9_999, 10_000) == pytest.approx(0.002)


def test_a_schedule_may_rise_from_what_the_rate_was():
    config = TrainingConfig(learning_rate=1.0, decay="none", warmup=3)
    assert [learning_rate(config, step, 9, start=0.2) for step in range(5)] == pytest.approx([0.4, 0.6, 0.8, 1.0, 1.0])
    half = replace(config, decay="cosine")
    assert learning_rate(half, 6, 12, start=0.2) == pytest.approx(0.5)


def test_averaging_begins_where_a_validation_is_worse_than_an_older_one():
    losses = [5.0, 4.0, 4.5, 4.2, 4.1]
    told = [averaging.begins(losses[:k], losses[k], patience=2) for k in range(5)]
    assert told == [False, False, False, False, True]  # 4.1 is worse than 4.0, the best of those before 4.5 and 4.2
    assert not averaging.begins(losses, 3.9, patience=2)


WILD = {
    "sgd": replace(QUICK, optimiser="sgd", learning_rate=60.0, clip=math.inf, decay="none"),
    "adam": replace(QUICK, learning_rate=0.7, decay="none", adam_beta2=0.9),
}


@pytest.mark.parametrize("name", WILD)
def test_averaging_is_that_of_a_plain_twin(name, corpus, tmp_path):
    """The twin keeps every weight that there was, in float64, and takes their mean when it is asked for."""
    asked = replace(WILD[name], steps=20, validations=20, averaging="non-monotone", averaging_patience=2)
    run = naibu.train(corpus, out=tmp_path / "run", model=SMALL, training=asked)
    twin = Trainer(untrained(run), asked)
    order, judged = task_named("trees").order(corpus.train, asked), validation_part(corpus, asked)
    kept, losses, best = None, [], None
    for step, window in zip(range(20), windows(order, pieces_from(order, asked.seed)), strict=False):
        twin.step(window.batch, step, learning_rate(asked, step, 20))
        own = {name: value.clone() for name, value in stored(twin.model).items()}
        if kept is not None:
            kept.append(own)
            mean = {name: torch.stack([one[name].double() for one in kept]).mean(0).float() for name in own}
            restore(twin.model, mean)
        losses.append(mean_loss(twin.model, judged))
        if losses[-1] == min(losses):
            best = {name: value.clone() for name, value in stored(twin.model).items()}
        restore(twin.model, own)
        if kept is None and len(losses) > 3 and losses[-1] > min(losses[:-3]):
            kept = []
    assert kept is not None
    assert 2 < len(kept) < 18
    assert [line["validation_loss"] for line in run.metrics()] == pytest.approx(losses, rel=1e-5)
    assert [line["averaged"] for line in run.metrics() if "averaged" in line] == [*range(1, len(kept) + 1)]
    for name, value in weights(run).items():
        torch.testing.assert_close(value, best[name], rtol=1e-4, atol=1e-5)


def test_the_last_tenth_of_the_steps_is_averaged(corpus, tmp_path):
    """Of 20 updates the mean is of the weights that the 19th and the 20th left."""
    asked = replace(QUICK, steps=20, validations=1, averaging="last")
    run = naibu.train(corpus, out=tmp_path / "run", model=SMALL, training=asked)
    twin, kept = Trainer(untrained(run), asked), []
    order = task_named("trees").order(corpus.train, asked)
    for step, window in zip(range(20), windows(order, pieces_from(order, asked.seed)), strict=False):
        twin.step(window.batch, step, learning_rate(asked, step, 20))
        kept.append({name: value.clone() for name, value in stored(twin.model).items()})
    for name, value in weights(run).items():
        mean = torch.stack([one[name].double() for one in kept[18:]]).mean(0).float()
        torch.testing.assert_close(value, mean, rtol=1e-5, atol=1e-6)
        assert not torch.equal(value, kept[-1][name])
    assert [line["averaged"] for line in run.metrics()] == [2]


@pytest.mark.parametrize("kind", ["non-monotone", "last"])
@pytest.mark.parametrize("name", WILD)
def test_averaging_resumes_to_the_bit(name, kind, corpus, tmp_path, monkeypatch):
    asked = replace(WILD[name], steps=20, validations=20, averaging=kind, averaging_patience=2)
    at_once = naibu.train(corpus, out=tmp_path / "whole", model=SMALL, training=asked)
    begun = next(line["step"] for line in at_once.metrics() if "averaged" in line)
    for step in (begun - 1, begun + 2):
        out = tmp_path / str(step)
        with pytest.raises(BrokenError):
            naibu.train(corpus, out=out, model=SMALL, training=asked, progress=broken_at(step, monkeypatch))
        run = naibu.train(corpus, out=out, model=SMALL, training=asked)
        assert same(weights(run), weights(at_once))
        assert curve(run) == curve(at_once)


def test_patience_counts_anew_when_averaging_begins(corpus, tmp_path):
    asked = replace(WILD["adam"], steps=20, validations=20, averaging="non-monotone", averaging_patience=2, patience=3)
    without = naibu.train(corpus, out=tmp_path / "without", model=SMALL, training=replace(asked, averaging="none"))
    assert without.ended().stopped_early
    run = naibu.train(corpus, out=tmp_path / "with", model=SMALL, training=asked)
    assert run.ended().steps > without.ended().steps


def test_adams_second_beta_is_torchs():
    from naibu.training.optimisers import optimiser_of

    parameter = [torch.nn.Parameter(torch.ones(2))]
    for name in ("adam", "adamw"):
        made = optimiser_of(parameter, TrainingConfig(optimiser=name, adam_beta2=0.99))
        assert made.param_groups[0]["betas"] == (0.9, 0.99)
    with pytest.raises(naibu.OptionError, match=r"--adam-beta2 0.99: must be left away with --optimiser sgd"):
        TrainingConfig(optimiser="sgd", adam_beta2=0.99)


@pytest.fixture
def waves(monkeypatch):
    with_own(monkeypatch)
    task = task_named("waves")
    return task.open(WavesOptions(rows=18))


def test_variable_lengths_scale_the_rate_and_resume_to_the_bit(waves, tmp_path, monkeypatch):
    asked = replace(QUICK, steps=30, batch_size=2, truncation=12, variable_truncation=True, decay="none", warmup=0)
    rates, step_of = [], Trainer.step

    def step(self, batch, number, rate, state=None):
        rates.append((round(rate / asked.learning_rate * 12, 6), len(batch.target)))
        return step_of(self, batch, number, rate, state)

    monkeypatch.setattr(Trainer, "step", step)
    at_once = naibu.train(waves, out=tmp_path / "whole", model=SMALL, training=asked)
    assert len({length for length, _ in rates}) > 4
    assert all(0 <= read - length < 4 for length, read in rates)  # the last window of an epoch is padded
    out = tmp_path / "broken"
    with pytest.raises(BrokenError):
        naibu.train(waves, out=out, model=SMALL, training=asked, progress=broken_at(17, monkeypatch))
    assert same(weights(naibu.train(waves, out=out, model=SMALL, training=asked)), weights(at_once))


def test_lengths_that_vary_are_refused_where_there_are_no_lanes(corpus, tmp_path):
    with pytest.raises(naibu.OptionError, match="--variable-truncation: is for tasks that read lanes"):
        naibu.train(corpus, out=tmp_path / "run", model=SMALL, training=replace(QUICK, variable_truncation=True))


# Going on


MORE = replace(QUICK, learning_rate=0.01, warmup=2, decay="cosine", validations=4)


def longer(corpus, run, amount=8, training=MORE, **options):
    return naibu.train(corpus, out=run.path, model=SMALL, training=training, longer=amount, **options)


def test_a_finished_run_goes_on_from_its_best_weights(corpus, run):
    """Against a plain twin: fresh Adam, the pieces that come next, the rate risen from what it was."""
    before, lines, model = run.ended(), run.metrics(), naibu.load(run)
    went_on = longer(corpus, run)
    assert went_on.metrics()[: len(lines)] == lines
    assert (went_on.ended().steps, went_on.asked_steps) == (20, [12, 8])
    assert went_on.ended().tokens > before.tokens
    assert went_on.identity == run.identity
    assert (went_on.training, went_on.stretch.training) == (QUICK, replace(MORE, steps=8))
    assert whole(went_on)
    twin, order = Trainer(model, MORE), task_named("trees").order(corpus.train, MORE)
    start, losses = lines[-1]["learning_rate"], []
    with threads(1):
        for step, window in zip(range(12, 20), windows(order, pieces_from(order, 1, 12)), strict=False):
            fall = max(0.02, (1 + math.cos(math.pi * (step - 12) / 8)) / 2)
            rise = min(1, (step - 11) / 3)
            twin.step(window.batch, step, (start + (0.01 - start) * rise) * fall)
            losses.append(mean_loss(twin.model, validation_part(corpus, MORE)))
    found = went_on.metrics()[len(lines) :]
    assert [line["step"] for line in found] == [14, 16, 18, 20]
    assert [line["validation_loss"] for line in found] == pytest.approx(losses[1::2], rel=1e-6)
    assert min(losses) < before.validation_loss
    assert went_on.ended().best_step == found[int(np.argmin(losses[1::2]))]["step"]


@pytest.mark.parametrize(("step", "every"), [(13, 1e9), (13, 0.0), (17, 1e9), (18, 0.0)])
def test_going_on_that_is_broken_off_ends_with_the_same_weights(
    step, every, corpus, finished, run, tmp_path, monkeypatch
):
    unbroken = longer(corpus, naibu.open_run(shutil.copytree(finished.path, tmp_path / "whole")))
    with pytest.raises(BrokenError):
        longer(corpus, run, progress=broken_at(step, monkeypatch, every))
    assert not naibu.open_run(run.path).finished
    assert whole(run)
    with pytest.raises(naibu.StoredError, match="begun with steps = 8, now asked for steps = 9"):
        longer(corpus, run, 9)
    again = longer(corpus, run) if step == 13 else naibu.train(corpus, out=run.path, model=SMALL, training=QUICK)
    assert same(weights(again), weights(unbroken))
    assert curve(again) == curve(unbroken)
    assert whole(again)


def test_a_break_between_its_files_leaves_a_run_as_it_was(corpus, finished, run, monkeypatch):
    def broken(*_):
        raise BrokenError

    with monkeypatch.context() as once:
        once.setattr(Run, "go_on", broken)
        with pytest.raises(BrokenError):
            longer(corpus, run)
    with pytest.raises(naibu.StoredError, match="is not finished; the same command without --longer goes on with it"):
        longer(corpus, run)
    assert whole(run)
    there = naibu.train(corpus, out=run.path, model=SMALL, training=QUICK)
    assert replace(there.ended(), tokens_per_second=0) == replace(finished.ended(), tokens_per_second=0)
    assert same(weights(there), weights(finished))


def test_weights_stay_where_going_on_does_not_help(corpus, run):
    before = weights(run)
    harmful = replace(MORE, learning_rate=1e3, clip=math.inf, optimiser="sgd", patience=2, validations=8)
    went_on = longer(corpus, run, training=harmful)
    assert same(weights(went_on), before)
    assert went_on.ended().best_step <= 12
    assert went_on.ended().stopped_early
    again = longer(corpus, went_on, "0.02min")  # and once more, for minutes
    assert again.asked_steps == [12, 8, again.stretch.training.steps]
    assert again.stretch.training.minutes == 0.02


def test_what_cannot_go_on_is_said(corpus, run, tmp_path):
    for amount in ("many", "-3", "30 h", 0, "0min"):
        with pytest.raises(naibu.OptionError, match=f"--longer {amount}: must be a number of steps, as 20000, or"):
            longer(corpus, run, amount)
    with pytest.raises(naibu.StoredError, match="--longer 5: there is no run in .*/none; train it first"):
        naibu.train(corpus, out=tmp_path / "none", model=SMALL, training=QUICK, longer=5)
    text = (run.path / "settings.toml").read_text()
    (run.path / "settings.toml").write_text(text + "\n[[run.longer]]\nbegun = 12\n[run.longer.training]\nsteps = 8\n")
    with pytest.raises(naibu.StoredError, match="changed since the run began"):
        naibu.open_run(run.path)


# Another run's weights


def test_symbols_kept_are_read_as_they_were(corpus, other, finished, tmp_path):
    run = naibu.train(other, out=tmp_path / "kept", model=SMALL, training=QUICK, begun=finished.path)
    assert run.sizes == finished.sizes
    data = run.data()  # opened again
    theirs = naibu.open_corpus(other.options["corpus"], form="tagged")
    known = corpus.vocabulary
    for number in range(5):
        symbols = theirs.test[number].symbols
        assert data.test[number].ids.tolist() == known.encode(symbols).tolist()
        assert ("(<unk>" in data.test[number].symbols) == ("(XP" in symbols)
    assert data.unknown_share > 0 == theirs.unknown_share
    drawn = load_file(run.path / "beginning.safetensors")
    assert same(drawn, weights(finished))
    assert run.origin["weights"] == finished.ended().weights
    assert whole(run)


def test_symbols_grown_get_weights_of_their_own(corpus, other, finished, tmp_path):
    run = naibu.train(
        other, out=tmp_path / "grown", model=SMALL, training=QUICK, begun=finished.path, begun_symbols="grown"
    )
    before, begun, drawn = weights(finished), load_file(run.path / "beginning.safetensors"), stored(untrained(run))
    old, new = len(corpus.vocabulary), len(corpus.vocabulary) + 2  # (XP and XP)
    assert run.sizes == {"input": new}
    assert run.data().vocabulary.symbols == (*corpus.vocabulary.symbols, "(XP", "XP)")
    for name, value in begun.items():
        taken = value[:old] if len(value) == new else value
        assert torch.equal(taken, before[name])
        if len(value) == new:
            assert torch.equal(value[old:], drawn[name][old:])
    assert {name: run.origin[name] for name in ("kept", "drawn")} == {"kept": old, "drawn": 2}
    assert run.data().unknown_share == 0


def test_a_run_goes_on_whatever_becomes_of_its_origin(other, run, tmp_path, monkeypatch):
    asked = {"model": SMALL, "training": QUICK, "begun": run.path, "begun_symbols": "grown"}
    unbroken = naibu.train(other, out=tmp_path / "whole", **asked)
    with pytest.raises(BrokenError):
        naibu.train(other, out=tmp_path / "new", **asked, progress=broken_at(1, monkeypatch, 1e9))
    shutil.rmtree(run.path)
    again = naibu.train(other, out=tmp_path / "new", **asked)
    assert same(weights(again), weights(unbroken))
    with pytest.raises(naibu.StoredError, match="begun with from_vocabulary = grown, now asked for from_vocabulary"):
        naibu.train(other, out=tmp_path / "new", **{**asked, "begun_symbols": "kept"})
    with pytest.raises(naibu.StoredError, match="begun with from = .*, now asked for from = None"):
        naibu.train(other, out=tmp_path / "new", model=replace(SMALL, embedding=again.model.embedding), training=QUICK)
    (again.path / "beginning.safetensors").write_bytes(b"")
    with pytest.raises(naibu.StoredError, match="not as it was when the run began"):
        naibu.load(again)


def test_another_network_or_task_is_refused(other, finished, waves, small_treebank, tmp_path):
    for wrong, said in (
        ({"units": 7}, "--units 6, not 7"),
        ({"cell": "gru"}, "--cell lstm, not gru"),
        ({"layers": 2}, "--layers 1, not 2"),
    ):
        with pytest.raises(naibu.OptionError, match=f"--from .*: its network has {said}; give the same"):
            naibu.train(other, out=tmp_path / "new", model=replace(SMALL, **wrong), training=QUICK, begun=finished.path)
    with pytest.raises(naibu.OptionError, match="a network of the task trees; this is waves"):
        naibu.train(waves, out=tmp_path / "new", training=QUICK, begun=finished.path)
    words = naibu.open_corpus(small_treebank, form="words")
    with pytest.raises(naibu.OptionError, match="form 'words' has the symbol '<unk>', which is not among those given"):
        naibu.train(words, out=tmp_path / "new", model=SMALL, training=QUICK, begun=finished.path)
    with pytest.raises(naibu.StoredError, match="not found"):
        naibu.train(other, out=tmp_path / "new", model=SMALL, training=QUICK, begun=tmp_path / "none")
    assert not (tmp_path / "new").exists()


def test_numbers_without_symbols_need_the_same_sizes(waves, tmp_path):
    first = naibu.train(waves, out=tmp_path / "first", model=SMALL, training=QUICK)
    second = naibu.train(waves, out=tmp_path / "second", model=SMALL, training=QUICK, begun=first.path)
    assert same(load_file(second.path / "beginning.safetensors"), weights(first))
    with pytest.raises(
        naibu.OptionError, match="its network is built for {'input': 1}, these data are of {'input': 2}"
    ):
        naibu.train(
            replace(waves, sizes={"input": 2}), out=tmp_path / "third", model=SMALL, training=QUICK, begun=first.path
        )


def test_other_symbols_number_a_corpus_as_its_own_do(corpus):
    """With its own vocabulary given back every key has the number it had; turned around, every symbol its own."""
    source = corpus.train.source
    _, again = numbered(corpus.symbols, source.form, source.events.table)
    used = np.unique(np.concatenate([part.keys for part in (corpus.train, corpus.validation, corpus.test)]))
    assert (again[used] == source.numbers[used]).all()
    turned = corpus.with_symbols(corpus.symbols[::-1])
    assert turned.test[0].symbols == corpus.test[0].symbols
    assert (turned.test.ids == len(corpus.symbols) - 1 - corpus.test.ids).all()


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Two texts of words; the second has words that the first has not."""
    folder, draw = tmp_path_factory.mktemp("texts"), np.random.default_rng(1)
    for name, words in (("one", "a b c d"), ("two", "b c d e f")):
        lines = (" ".join(draw.choice(words.split(), 6)) for _ in range(120))
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    return [naibu.open_text(folder / f"{name}.txt", level="word") for name in ("one", "two")]


@pytest.mark.parametrize("symbols", ["kept", "grown"])
def test_a_network_of_text_begins_with_anothers_weights(symbols, texts, tmp_path):
    one, two = texts
    asked = replace(QUICK, steps=6, truncation=7, variable_truncation=True, averaging="non-monotone")
    first = naibu.train(one, out=tmp_path / "one", model=SMALL, training=asked)
    run = naibu.train(two, out=tmp_path / "two", model=SMALL, training=asked, begun=first.path, begun_symbols=symbols)
    data, new = run.data(), ("e", "f") if symbols == "grown" else ()
    assert data.symbols[: len(one.symbols)] == one.symbols
    assert {*data.symbols[len(one.symbols) :]} == {*new}
    assert dict(data.found)["vocabulary"].startswith(f"{len(data.symbols)} symbols")
    assert (data.counts["unknown_test"] > 0) == (symbols == "kept")
    window = data.train.batch(np.arange(2)).main.x.T
    theirs = two.train.batch(np.arange(2)).main.x.T
    known = {*one.symbols, *new}
    for ours, other in zip(window.flatten().tolist(), theirs.flatten().tolist(), strict=True):
        symbol = two.symbols[other]
        assert data.symbols[ours] == (symbol if symbol in known else "<unk>")
    rows = load_file(run.path / "beginning.safetensors")["embedding.weight"]
    assert torch.equal(rows[: len(one.symbols)], weights(first)["embedding.weight"])
    again = naibu.train(
        two, out=run.path, model=SMALL, training=asked, begun=first.path, begun_symbols=symbols, longer=4
    )
    assert type(again.stretch.training) is type(run.training)
    assert whole(again)


def test_another_level_is_refused(texts, tmp_path):
    first = naibu.train(texts[0], out=tmp_path / "one", model=SMALL, training=replace(QUICK, steps=1))
    letters = naibu.open_text(texts[1].options["files"], level="character")
    with pytest.raises(naibu.OptionError, match="a network of the level word; this is character"):
        naibu.train(letters, out=tmp_path / "two", model=SMALL, training=QUICK, begun=first.path)


# The command line


def test_naibu_train_of_a_run_is_the_command_that_began_it(run):
    words, note = with_task(["train", str(run.path), "--longer", "9"])
    assert words == [
        "train",
        "trees",
        "--settings",
        f"{run.path}/settings.toml",
        "--out",
        str(run.path),
        "--longer",
        "9",
    ]
    assert not note


def test_a_training_cut_short_is_said_wherever_it_is_reported(small_treebank, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    out, short = tmp_path / "run", f"naibu train {tmp_path / 'run'} --longer 30"
    options = ("--units", "8", "--steps", "30", "--validations", "2", "--learning-rate", "0.02", "--threads", "1")
    words = ["train", "trees", str(small_treebank), "--form", "brackets", *options, "--out", str(out)]
    told, shown = tmp_path / "told.json", tmp_path / "shown.json"
    assert main([*words, "--json", str(told)]) == 0
    assert "was cut short: the loss on validation sequences was still falling" in (said := capsys.readouterr().out)
    assert short in said
    assert short in json.loads(told.read_text())["cut_short"]
    assert main(["show", str(out), "--json", str(shown)]) == 0
    assert short in capsys.readouterr().out
    assert short in shown.read_text()
    assert main([*short.split()[1:], "--decay", "none"]) == 0
    assert "60 steps" in capsys.readouterr().out
    assert main(["show", str(out)]) == 0
    assert "asked for 30 and 30 steps" in capsys.readouterr().out
    assert main([*words, "--longer", "5", "--seeds", "2"]) == 2
    assert "--seeds 2: --longer and --from are for one network" in capsys.readouterr().err


def test_the_report_of_a_run_that_went_on_says_what_was_done(corpus, other, run, tmp_path):
    from naibu.looking.look import write_facts
    from naibu.looking.places import Places
    from naibu.looking.subject import trained_subject
    from naibu.looking.summary import summary_of

    new = naibu.train(other, out=tmp_path / "new", model=SMALL, training=QUICK, begun=run.path)
    new = longer(other, new, begun=run.path)
    places = Places(new)
    write_facts(places, new.data())
    subject = trained_subject(places)
    typed = subject.commands["train"]
    assert f"--from {run.path} --from-vocabulary kept --out {new.path} && naibu train {new.path} --longer 8 " in typed
    assert "--learning-rate 0.01" in typed.partition("&&")[2]
    again, _ = with_task(shlex.split(typed.partition("&&")[0])[1:])
    assert main([*again[:-1], str(tmp_path / "again")]) == 0  # typed once more, elsewhere
    assert same(load_file(tmp_path / "again" / "beginning.safetensors"), weights(run))
    assert subject.training["from step 12"].startswith("Adam, learning rate 0.01, cosine decay")
    falls = summary_of(replace(subject, metrics=[{"validation_loss": 2.0}, {"validation_loss": 1.0}]), places.stored())
    assert falls["cut_short"] == {"fall": 0.5, "command": f"naibu train {new.path} --longer 8"}
