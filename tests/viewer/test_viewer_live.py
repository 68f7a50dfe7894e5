"""The live network: it reads what was recorded of it; a hold changes what comes after it and nothing before."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import naibu
from naibu.cells.edits import Clamp
from naibu.cells.exchange import edited
from naibu.errors import NaibuError, OptionError, StoredError
from naibu.looking.writing import Asked as Writing
from naibu.models.model import evaluating
from naibu.recording.examples import record_examples
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.viewer import asking_live
from naibu.viewer.exhibits import open_exhibits
from naibu.viewer.given import from_data
from naibu.viewer.holds import in_python, read_holds
from naibu.viewer.live import Network
from naibu.viewer.questions import Questions
from naibu.viewer.windows import window

CELL = ("lstm.0", "cell")


@pytest.fixture(scope="module")
def trees(runs):
    return open_exhibits([runs["trees"]])[0]


@pytest.fixture(scope="module")
def network(trees):
    return Network(trees)


def test_what_is_read_live_is_what_a_recording_has(trees, network, runs):
    text = "( ( ( ) ( ) ) )"
    read = network.read(network.typed(text))
    run = naibu.open_run(runs["trees"])
    examples = task_named("trees").typed(text, run.options, run.path, run.found)
    recorded = record_examples(load(run), {"test": examples}, dtype="float32")
    assert set(read.recording.keys()) == set(recorded.keys())
    for key in recorded.keys():
        np.testing.assert_allclose(read.recording[key][:], recorded[key][:], atol=1e-6)
    np.testing.assert_allclose(read.recording.index.loss, recorded.index.loss, atol=1e-5)
    np.testing.assert_array_equal(read.recording.index.label("depth").values, recorded.index.label("depth").values)


def test_a_recorded_sequence_is_read_again_as_it_was_recorded(trees, network):
    given = network.recorded(window(trees, 3))
    assert given.difference < 0.01
    assert not given.begin
    read, (first, last) = network.read(given), trees.sequences.span(3)
    np.testing.assert_allclose(read.recording.index.loss, trees.recording.index.loss[first:last], atol=1e-5)


def test_a_sequence_that_its_columns_do_not_tell_whole_is_found_in_the_data(trees, network):
    first, last = trees.sequences.span(7)
    found = network._by_data(slice(first, last))
    assert found.difference < 0.01
    np.testing.assert_allclose(
        network.read(found).recording.index.loss, trees.recording.index.loss[first:last], atol=1e-5
    )
    with pytest.raises(OptionError, match="no such sequence"):
        from_data(network.data, trees.recording, slice(first, last - 1))


def test_running_text_goes_on_from_the_state_in_which_it_was_recorded(runs):
    (shown, *_) = open_exhibits([runs["text"]])
    network, number = Network(shown), 4
    given = network.recorded(window(shown, number))
    assert given.begin, "a passage in the middle begins in a state"
    assert given.difference < 0.02
    first, last = shown.sequences.span(number)
    loss = network.read(given).recording.index.loss
    np.testing.assert_allclose(loss, shown.recording.index.loss[first:last], atol=0.02)
    cold = network.read(given._replace(begin={}))
    assert np.nanmax(np.abs(cold.recording.index.loss - shown.recording.index.loss[first:last])) > 0.02


def test_a_hold_changes_what_comes_from_it_on_and_nothing_before(trees, network):
    given = network.typed("( ( ) ( ( ) ) )")
    free = network.read(given).recording
    held = network.read(given, read_holds(["cell:3=2.5@4:7"], trees.recording)).recording
    for key in free.keys():
        np.testing.assert_allclose(held[key][:4], free[key][:4], atol=1e-6)
    np.testing.assert_allclose(held[CELL][4:7, [3]], 2.5)
    assert abs(held[CELL][7:, [3]] - free[CELL][7:, [3]]).max() > 0.01
    assert np.abs(held.index.loss[4:-1] - free.index.loss[4:-1]).max() > 1e-4


def test_holding_every_step_at_its_own_value_changes_nothing(trees, network):
    given = network.typed("( ( ) ( ( ) ) )")
    free = network.read(given)
    own = [f"cell:5={value:.9g}@{step}:{step + 1}" for step, value in enumerate(free.recording[CELL][:, [5]][:, 0])]
    held = network.read(given, read_holds(own, trees.recording))
    np.testing.assert_allclose(held.recording.index.loss, free.recording.index.loss, atol=1e-5)


def test_the_thought_experiments_do_what_they_say(trees, network):
    given = network.typed("( ( ) ( ( ) ) )")
    keep = network.read(given, read_holds(["input_gate:*=0", "forget_gate:*=1"], trees.recording)).recording
    np.testing.assert_allclose(keep[CELL][:], 0, atol=1e-6)  # it began with nothing and takes in nothing
    take = network.read(given, read_holds(["input_gate:*=1", "forget_gate:*=0"], trees.recording)).recording
    np.testing.assert_allclose(take[CELL][:], take["lstm.0", "candidate"][:], atol=1e-6)


def test_the_likeliest_are_probabilities_and_the_first_is_what_is_predicted(trees, network):
    read = network.read(network.typed("( ( ) )"))
    codes, shares = read.likeliest
    there = read.recording.index.predicted >= 0
    np.testing.assert_array_equal(codes[there, 0], read.recording.index.predicted[there])
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)  # of four symbols all are told
    gold, loss = read.recording.index.gold, read.recording.index.loss
    for step in np.flatnonzero(there):
        share = shares[step][codes[step] == gold[step]][0]
        assert -np.log(share) == pytest.approx(loss[step], abs=1e-4)


def test_the_lines_of_python_do_the_same(trees, network):
    holds = read_holds(["cell:3=2.5@4:7", "cell:4=-1@2:", "input_gate:*=0.25@0:3"], trees.recording)
    given = network.typed("( ( ) ( ( ) ) )")
    scope = {"model": network.model, "batch": given.batch}
    with torch.no_grad(), evaluating(network.model):
        exec(in_python(holds, trees.recording), scope)
    expected = network.read(given, holds).recording.index.loss
    np.testing.assert_allclose(scope["outcomes"]["loss"][:, 0], expected, atol=1e-5)


def test_the_untrained_network_is_live_too(runs):
    before = open_exhibits([runs["trees"]])[1]
    assert before.beginning
    network = Network(before)
    assert network.recorded(window(before, 1)).difference < 0.01


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("cell:3", "must be"),
        ("cell:99=1", "units 0 to 7"),
        ("soul:1=1", "not there"),
        ("cell:1=much", "is no number"),
        ("cell:1=1e40", "no value"),
        ("cell:1=1@5:2", "must be larger"),
    ],
)
def test_a_wrong_hold_is_refused_in_a_line(trees, typed, said):
    with pytest.raises(OptionError, match=said):
        read_holds([typed], trees.recording)


def test_what_cannot_be_read_is_refused_in_a_line(trees, network, runs, tmp_path):
    with pytest.raises(NaibuError):
        network.typed("")
    alone = tmp_path / "alone"
    shutil.copytree(runs["trees"] / "recordings" / "trained", alone)
    (shown,) = open_exhibits([alone])
    assert shown.run is None
    with pytest.raises(StoredError, match="no run is at hand"):
        Network(shown).typed("( )")


def test_a_network_that_several_ask_at_once_is_loaded_once(trees, monkeypatch):
    loaded = []

    def slowly(run):
        loaded.append(run)
        time.sleep(0.1)
        return load(run)

    monkeypatch.setattr("naibu.viewer.live.load", slowly)
    network = Network(trees)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda ask: ask(), [lambda: network.model, lambda: network.listeners] * 2))
    assert len(loaded) == 1
    assert found[0] is found[2]
    assert found[1] is found[3]


def test_what_is_written_is_written_under_what_is_held(runs):
    (shown, *_) = open_exhibits([runs["text"]])
    network = Network(shown)
    prime, length = "The cat (", 12
    writing = Writing(prime, length, seed=3)
    free, held = network.written(writing), network.written(writing, read_holds(["cell:2=3@2:5"], shown.recording))
    ids = [network.data.coder.end, *network.data.coder.ids(prime + held["text"]).tolist()]
    first = len(prime)  # the place of the last symbol of the prime behind the mark before it
    steps = {3, 4, 5, *range(first, len(ids))}  # as the page shows it, and on from what is written
    with torch.no_grad(), evaluating(network.model):
        for edits, told, text in ((steps, held, ids), (set(), free, None)):
            text = text or [network.data.coder.end, *network.data.coder.ids(prime + free["text"]).tolist()]
            with edited(network.model, {CELL: Clamp([2], 3.0, edits)}):
                output, _ = network.model(torch.tensor(text)[:, None], None)
            p = network.model.logits(output).softmax(-1)[:, 0]
            expected = [float(p[first + k, text[first + k + 1]]) for k in range(length)]
            np.testing.assert_allclose(told["probabilities"], expected, atol=1e-5)
    assert held["probabilities"] != free["probabilities"]


def test_a_text_is_written_with_all_units_held(runs):
    (shown, *_) = open_exhibits([runs["text"]])
    shut = read_holds(["input_gate:*=0", "forget_gate:*=1"], shown.recording)  # nothing is ever taken in
    told = Network(shown).written(Writing("The cat ", 60, seed=2), shut)
    known = dict(zip(told["symbols"], told["probabilities"], strict=True))
    assert len(known) > 3
    assert [known[symbol] for symbol in told["symbols"]] == pytest.approx(told["probabilities"])


@pytest.mark.parametrize("task", ["series", "strokes"])
def test_a_recorded_sequence_is_typed_as_it_stands_and_read_again(runs, task):
    (shown, *_) = open_exhibits([runs[task]])
    room = Questions([shown]).rooms[0]
    number = len(shown.sequences) - 1
    text = asking_live.as_typed(room, {"sequence": number})["text"]
    said = asking_live.read(room, {"text": text, "holds": ["cell:1=5"]})
    first, last = shown.sequences.span(number)
    assert len(said["text"]) == last - first
    assert said["pinned"]["total"] != said["total"]
    for name in shown.recording.index.input_names:
        column = shown.recording.index.input(name)
        if column.names is None:
            typed = np.array(said["inputs"][name]["numbers"], float)
            np.testing.assert_allclose(typed, column.values[first:last], rtol=1e-5)
    for wrong in ({"sequence": "1"}, {}):
        with pytest.raises(OptionError):
            asking_live.as_typed(room, wrong)


def test_symbols_are_typed_as_they_stand(trees):
    questions = Questions([trees])
    assert questions.about()["exhibits"][0]["typed"] == {"how": "", "drawn": False, "symbols": True}
    with pytest.raises(OptionError, match="as its symbols stand"):
        asking_live.as_typed(questions.rooms[0], {"sequence": 0})


def test_questions_of_the_page(runs, monkeypatch):
    loaded = []
    for module in ("naibu.viewer.live", "naibu.looking.writing"):
        monkeypatch.setattr(f"{module}.load", lambda run: loaded.append(run.path) or load(run))
    questions = Questions(open_exhibits([runs["trees"], runs["text"]]))
    room = questions.room("0")
    said = asking_live.read(room, {"text": "( ( ) )", "holds": ["cell:1=0@1:3"], "series": ["lstm.0/cell:1"]})
    assert said["text"][0] == "ST"
    assert said["pinned"]["total"] != said["total"]
    assert len(said["likeliest"]) == len(said["text"]) == len(said["outcomes"]["loss"]["numbers"])
    values = questions.values(room, {"reading": said["reading"], "key": "lstm.0/cell", "units": "1"})
    assert values.shape == (len(said["text"]), 1)
    np.testing.assert_allclose(values[1:3, 0], 0)
    for asked in (
        {},
        {"text": 3},
        {"sequence": "1"},
        {"text": "( )", "holds": "cell"},
        {"text": "( )", "series": ["x"]},
    ):
        with pytest.raises(OptionError):
            asking_live.read(room, asked)
    text = questions.room(str(next(k for k, each in enumerate(questions.rooms) if each.exhibit.name == "text")))
    told = asking_live.write(text, {"text": "The cat ", "holds": ["cell:2=3"], "length": 12, "seed": 5})
    again = asking_live.write(text, {"text": "The cat ", "holds": [], "length": 12, "seed": 5})
    assert told["free"]["text"] == again["free"]["text"]
    assert again["held"] is None
    assert len(told["held"]["symbols"]) == 12
    with pytest.raises(OptionError, match="text is written by networks of the task text"):
        asking_live.write(room, {"text": "a"})
    assert sorted(loaded) == sorted([runs["trees"], runs["text"]])  # each once, to read and to write
