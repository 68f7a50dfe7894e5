"""The generated tasks: what each sequence has to be, by its description; streams of numbers; the grammar by a regex."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from naibu.compiling import compiled
from naibu.data import generated
from naibu.data.generated import (
    LETTERS,
    Adding,
    ContinualReber,
    EmbeddedReber,
    LongLag,
    LongLagDistractors,
    Multiplication,
    Tape,
    Task,
    TemporalOrder,
    TwoSequence,
    batch,
    embedded_reber,
    legal_first,
    legal_next,
    reber_sets,
    reber_strings,
    streams,
)
from naibu.data.generated.random import EDGE, TAIL, below, bits, normals, uniform, uniforms
from naibu.data.generated.reber import legal_after
from naibu.data.generated.tape import dense_target, dense_x
from naibu.errors import OptionError

STRINGS = tuple(reber_sets(3, 40)[0])
TASKS: list[Task] = [
    Adding(30),
    Multiplication(30),
    TwoSequence("3a", 30, 3),
    TwoSequence("3b", 30, 1),
    TwoSequence("3c", 30, 3),
    TemporalOrder(2),
    TemporalOrder(3),
    LongLag("2a", 7),
    LongLag("2b", 7),
    LongLagDistractors(5, 9),
    EmbeddedReber(STRINGS),
    EmbeddedReber(STRINGS, "legal"),
]
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{type(task).__name__} {task.name}")


def sequences(task: Task, tape: Tape) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """[lane][sequence]: input [time input], target [when output], without what is blank."""
    x, target = dense_x(task, tape), dense_target(task, tape)

    def cut(number: int, lane: int) -> tuple[np.ndarray, np.ndarray]:
        start = tape.start[number, lane]
        return x[number, start:, :, lane], target[number, start if task.every_step else 0 :, :, lane]

    return [[cut(number, lane) for number in range(len(x))] for lane in range(x.shape[3])]


def drawn(task: Task, count: int, seed: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
    return sequences(task, task.tape(streams(seed, "test", [0]), count))[0]


def same(one: list[tuple[np.ndarray, np.ndarray]], other: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in pairs)


# Random numbers


def test_the_numbers_are_splitmix64s():
    """Its published sequence for the seed 1234567."""
    state = np.array([0, 1234567], np.uint64)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [int(bits(state, 1)) for _ in expected] == expected
    assert state[0] == 0


def test_streams_depend_on_seed_purpose_and_trial_alone():
    assert streams(1, "training", [4, 2])[1] == streams(1, "training", range(3))[2]
    first = [streams(seed, purpose, [trial])[0] for seed in (0, 1) for purpose in ("a", "b") for trial in (0, 1)]
    assert len(set(first)) == 8


def test_uniform_numbers():
    random = streams(0, "test", [0])
    numbers = np.zeros(100_000, np.float32)
    uniforms(random, 0, -1.0, 1.0, numbers)
    assert stats.kstest(numbers.astype(float), stats.uniform(-1, 2).cdf).pvalue > 0.001
    assert numbers.min() >= -1
    assert numbers.max() < 1
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 4 / sqrt(1e5)
    fine = np.array([uniform(random, 0) for _ in range(3000)])
    assert stats.kstest(fine, "uniform").pvalue > 0.001
    assert stats.chisquare(np.bincount([below(random, 0, 7) for _ in range(7000)], minlength=7)).pvalue > 0.001


def test_normal_numbers_with_their_tails():
    """Counted between the layers' edges, where a mistake in a layer's corner shows, and beyond the last."""
    random = streams(0, "test", [0])
    numbers = np.zeros(6_000_000, np.float32)
    normals(random, 0, 2.0, numbers)
    numbers /= 2
    assert stats.kstest(numbers[:200_000].astype(float), "norm").pvalue > 0.001
    size = np.sort(np.abs(numbers))
    counts = np.diff(np.searchsorted(size, EDGE[:0:-1]), append=len(size))
    expected = -np.diff(2 * stats.norm.sf(EDGE[:0:-1]), append=0.0) * len(size)
    assert stats.chisquare(counts, expected).pvalue > 0.001
    tail = size[size > TAIL].astype(float)
    assert stats.kstest(tail, lambda x: 1 - stats.norm.sf(x) / stats.norm.sf(TAIL)).pvalue > 0.001
    assert abs((numbers < 0).mean() - 0.5) < 4 * 0.5 / sqrt(len(numbers))


# All tasks


@every_task
def test_a_trial_is_the_same_in_any_lane_beside_any_others_in_any_portions(task):
    together = sequences(task, task.tape(streams(5, "training", range(6)), 10))
    alone = sequences(task, task.tape(streams(5, "training", [4]), 10))[0]
    turned = sequences(task, task.tape(streams(5, "training", [2, 4, 9]), 10))[1]
    random = streams(5, "training", [4])
    portions = [part for count in (5, 1, 4) for part in sequences(task, task.tape(random, count))[0]]
    assert same(together[4], alone)
    assert same(turned, alone)
    assert same(portions, alone)
    if len({x.tobytes() for x, _ in alone}) > 4:
        assert not same(together[3], alone)


@every_task
def test_the_form_of_a_tape(task):
    tape = task.tape(streams(0, "training", range(3)), 8)
    assert (tape.x is None) == task.symbolic
    assert (tape.target is None) == task.symbolic_target
    x = tape.symbols if tape.x is None else tape.x
    target = tape.target_symbols if tape.target is None else tape.target
    when = tape.time if task.every_step else 1
    assert x.shape == ((8, tape.time, 3) if task.symbolic else (8, tape.time, task.inputs, 3))
    assert target.shape == ((8, when, 3) if task.symbolic_target else (8, when, task.outputs, 3))
    assert tape.start.shape == (8, 3)
    assert tape.start.min() == 0
    assert tape.time <= task.longest
    for array in (tape.start, x, target, *([] if tape.clean is None else [tape.clean])):
        assert array.flags.c_contiguous
        assert array.dtype in (np.int32, np.float32)
    blank = np.arange(tape.time)[:, None] < tape.start[:, None]  # [sequence time lane]
    dense = dense_x(task, tape)
    assert not np.moveaxis(dense, 2, 3)[blank].any()
    assert np.moveaxis(dense, 2, 3)[~blank].any()
    if task.every_step:
        assert not np.moveaxis(dense_target(task, tape), 2, 3)[blank].any()
    assert (tape.lengths == (~blank).sum(1)).all()


@every_task
def test_a_batch_begins_at_step_0_and_holds_the_same(task):
    found = batch(task, 4, 9)
    tape = task.tape(streams(4, "batch", [0]), 9)
    for number, (x, target) in enumerate(sequences(task, tape)[0]):
        length = int(found.lengths[number])
        assert length == len(x)
        assert np.array_equal(found.x[:length, number], x)
        assert not found.x[length:, number].any()
        if task.every_step:
            assert np.array_equal(found.target[:length, number], target)
            assert not found.target[length:, number].any()
        else:
            assert np.array_equal(found.target[number], target[0])
    assert found.x.dtype == found.target.dtype == np.float32
    assert found.every_step == task.every_step
    assert (found.clean is None) == (tape.clean is None)
    again, other = batch(task, 4, 9), batch(task, 5, 9)
    assert np.array_equal(again.x, found.x)
    assert not (other.x.shape == found.x.shape and np.array_equal(other.x, found.x))


@pytest.mark.parametrize("task", [t for t in TASKS if t.wrong_above > 0], ids=lambda task: task.name)
def test_right_is_an_error_below_the_bound_in_every_output_that_is_judged(task):
    tape = task.tape(streams(0, "training", range(4)), 6)
    clean = dense_target(task, tape) if tape.clean is None else tape.clean
    assert not task.wrong(clean, tape).any()
    assert not task.wrong(clean + np.float32(0.99 * task.wrong_above), tape).any()
    assert task.wrong(clean - np.float32(1.01 * task.wrong_above), tape).all()
    one = clean.copy()
    one[2, -1, -1, 3] = np.nan
    assert np.argwhere(task.wrong(one, tape)).tolist() == [[2, 3]]
    if task.every_step:
        early = clean.copy()
        early[4, 2, 0, 1] += 1
        assert task.wrong(early, tape).sum() == (0 if task.judged_at_end else 1)


def test_errors_in_blank_steps_are_no_mistakes():
    task = EmbeddedReber(("BTBTXSETE", "BPBPTVPXVVEPE"))
    tape = task.tape(streams(0, "training", [0]), 8)
    output = legal_sets(tape)
    late = int(tape.start.argmax())
    output[late, 0] = np.nan
    assert tape.start[late, 0] > 0
    assert not task.wrong(output, tape).any()


def test_sizes_that_make_no_task_are_refused():
    for make in (
        lambda: Adding(10),
        lambda: TwoSequence("3d"),  # type: ignore[arg-type]
        lambda: TwoSequence("3a", 5, 6),
        lambda: TwoSequence("3a", 5, 0),
        lambda: TemporalOrder(4),
        lambda: LongLag("2c"),  # type: ignore[arg-type]
        lambda: LongLag("2a", 1),
        lambda: LongLagDistractors(0, 5),
        lambda: EmbeddedReber(()),
        lambda: EmbeddedReber(("BTBTXSETE",), "all"),  # type: ignore[arg-type]
        lambda: batch(Adding(20), 0, 0),
        lambda: Adding(20).tape(np.zeros(2, np.int64), 1),
    ):
        with pytest.raises(OptionError):
            make()


# Experiments 4 and 5


@pytest.mark.parametrize(("task", "least", "neutral"), [(Adding(40), -1, 0.0), (Multiplication(40), 0, 1.0)])
def test_two_pairs_are_marked_and_asked_for(task, least, neutral):
    firsts, lengths, places, numbers = 0, Counter(), Counter(), []
    for x, target in drawn(task, 4000):
        number, marker = x.T
        marked = np.flatnonzero(marker == 1)
        assert len(marked) == 2
        assert marker[-1] == -1
        assert (marker[0] == -1) != (0 in marked)
        assert np.count_nonzero(marker) == (3 if 0 in marked else 4)
        assert marked.min() < 10
        assert marked.max() < 20  # T / 2 - 1 candidates and the one already marked
        if 0 in marked:
            firsts += 1
            assert number[0] == neutral
        a, b = (float(number[place]) for place in marked)
        assert target[0, 0] == pytest.approx(a * b if neutral else 0.5 + (a + b) / 4, abs=1e-6)
        lengths[len(x)] += 1
        places.update(marked.tolist())
        numbers += [number[1:]]
    assert set(lengths) == set(range(40, 45))
    assert stats.chisquare(list(lengths.values())).pvalue > 0.001
    assert max(places) == 19
    # the first pair: as the first of the two 1/10, else as the second one of the 19 still unmarked
    chance = 0.1 + 0.9 / 19
    assert abs(firsts - 4000 * chance) < 4 * sqrt(4000 * chance)
    assert (
        stats.kstest(np.concatenate(numbers)[:20000].astype(float), stats.uniform(least, 1 - least).cdf).pvalue > 1e-3
    )


# Experiment 3


@pytest.mark.parametrize("variant", ["3a", "3b", "3c"])
def test_the_first_inputs_tell_the_class_and_the_rest_is_noise_of_variance_one_fifth(variant):
    task = TwoSequence(variant, 50, 3)
    tape = task.tape(streams(0, "test", [0]), 3000)
    noise, told, classes = [], [], []
    for (x, _), target in zip(sequences(task, tape)[0], tape.target[:, 0, 0, 0], strict=True):
        clean = target if tape.clean is None else tape.clean[len(classes), 0, 0, 0]
        first = clean == np.float32(0.2 if variant == "3c" else 1.0)
        assert first or clean == np.float32(0.8 if variant == "3c" else 0.0)
        classes.append(first)
        noise.append(x[3:, 0])
        told.append(x[:3, 0] - (1 if first else -1))
        assert 50 <= len(x) <= 55
    assert abs(np.mean(classes) - 0.5) < 4 * 0.5 / sqrt(3000)
    assert np.concatenate(noise).var() == pytest.approx(0.2, rel=0.02)
    assert stats.kstest(np.concatenate(noise)[:20000].astype(float), stats.norm(0, sqrt(0.2)).cdf).pvalue > 1e-3
    if variant == "3b":
        assert np.concatenate(told).var() == pytest.approx(0.2, rel=0.1)
    else:
        assert not np.concatenate(told).any()
    assert (tape.clean is not None) == (variant == "3c")
    if tape.clean is not None:
        added = (tape.target - tape.clean)[:, 0, 0, 0].astype(float)
        assert stats.kstest(added, stats.norm(0, sqrt(0.1)).cdf).pvalue > 1e-3


# Experiment 6


@pytest.mark.parametrize("relevant", [2, 3])
def test_the_class_is_the_order_of_the_relevant_symbols(relevant):
    ranges = {2: [(10, 20), (50, 60)], 3: [(10, 20), (33, 43), (66, 76)]}[relevant]
    seen, places = Counter(), [set(), set(), set()]
    for x, target in drawn(TemporalOrder(relevant), 1500):
        assert (x.sum(1) == 1).all()
        string = "".join("abcdXYEB"[k] for k in x.argmax(1))
        assert re.fullmatch("E[abcdXY]{98,108}B", string)
        found = [(place + 1, letter) for place, letter in enumerate(string) if letter in "XY"]
        assert len(found) == relevant
        for number, ((place, _), (first, last)) in enumerate(zip(found, ranges, strict=True)):
            assert first <= place <= last
            places[number].add(place)
        order = "".join(letter for _, letter in found)
        assert target[0].tolist() == [
            float(k == int(order.replace("X", "0").replace("Y", "1"), 2)) for k in range(2**relevant)
        ]
        seen[order] += 1
    assert len(seen) == 2**relevant
    assert stats.chisquare(list(seen.values())).pvalue > 0.001
    for found, (first, last) in zip(places, ranges, strict=False):
        assert found == set(range(first, last + 1))


# Experiment 2


def test_2a_has_two_sequences():
    """p = 4: a1 a2 a3 are 0 1 2, x is 3, y is 4."""
    tape = LongLag("2a", 4).tape(streams(0, "test", [0]), 30)
    pairs = {(tuple(s), tuple(t)) for s, t in zip(tape.symbols[:, :, 0], tape.target_symbols[:, :, 0], strict=True)}
    assert pairs == {((3, 0, 1, 2), (0, 1, 2, 3)), ((4, 0, 1, 2), (0, 1, 2, 4))}


def test_2b_has_a_random_middle():
    tape = LongLag("2b", 8).tape(streams(0, "test", [0]), 2000)
    symbols, target = tape.symbols[:, :, 0], tape.target_symbols[:, :, 0]
    assert (target[:, :-1] == symbols[:, 1:]).all()
    assert (target[:, -1] == symbols[:, 0]).all()
    assert set(symbols[:, 0]) == {7, 8}
    assert stats.chisquare(np.bincount(symbols[:, 1:].ravel(), minlength=7)).pvalue > 0.001
    assert stats.chisquare(np.bincount(symbols[:, 0])[7:]).pvalue > 0.001


def test_2c_has_q_distractors_and_more():
    task = LongLagDistractors(p=6, q=20)
    b, e, x, y = 6, 7, 8, 9
    extra, middle = [], []
    for inputs, target in drawn(task, 3000):
        assert (inputs.sum(1) == 1).all()
        symbols = inputs.argmax(1)
        assert (symbols[0], symbols[-1]) == (b, e)
        assert symbols[1] in (x, y)
        assert target[0].tolist() == [float(symbols[1] == x), float(symbols[1] == y)]
        middle.append(symbols[2:-1])
        extra.append(len(symbols) - 3 - 20)
    assert min(extra) == 0
    assert max(np.concatenate(middle)) == 5
    assert stats.chisquare(np.bincount(np.concatenate(middle))).pvalue > 0.001
    assert (
        stats.chisquare(np.bincount(np.minimum(extra, 10)), [300 * 0.9**k for k in range(10)] + [3000 * 0.9**10]).pvalue
        > 1e-3
    )


# Experiment 1, and the continual grammar

FROM_2 = "T*V(PXT*V)*(PS|V)"
REBER = f"B(TS*X(S|X{FROM_2})|P{FROM_2})E"
EMBEDDED = re.compile(f"BT{REBER}TE|BP{REBER}PE")


def legal_sets(tape: Tape) -> np.ndarray:
    """[sequence time 7 lane]: 1 where a symbol may follow."""
    legal = np.zeros(tape.x.shape, np.float32)
    for number, lane in np.ndindex(tape.start.shape):
        start = tape.start[number, lane]
        string = "".join(LETTERS[k] for k in tape.x[number, start:, :, lane].argmax(1))
        for step, letters in enumerate(legal_next(string)):
            legal[number, start + step, [LETTERS.index(letter) for letter in letters], lane] = 1
    return legal


def test_strings_of_the_grammar():
    rng = np.random.default_rng(0)
    strings = [embedded_reber(rng) for _ in range(4000)]
    after = defaultdict(set)
    for string in strings:
        assert EMBEDDED.fullmatch(string)
        for length in range(1, len(string)):
            after[string[:length]].add(string[length])
    for string in strings[:300]:
        sets = legal_next(string)
        assert len(sets) == len(string)
        assert sets[-1] == set()
        for length, letters in enumerate(sets[:-1], 1):
            assert after[string[:length]] <= letters
    often = [
        prefix for prefix, count in Counter(s[:k] for s in strings for k in range(1, len(s))).items() if count > 40
    ]
    assert len(often) > 30
    assert all(legal_next(prefix)[-1] == after[prefix] for prefix in often)
    # three choices lie on the way of this one, and the outer letter
    assert abs(strings.count("BTBTXSETE") - 250) < 4 * sqrt(250)
    with pytest.raises(OptionError, match="symbol 4 is V, where the grammar has T or P"):
        legal_next("BTBV")


def test_a_string_worked_by_hand():
    expected = ["TP", "B", "TP", "TV", "TV", "PV", "XS", "TV", "PV", "E", "P", "E", ""]
    assert legal_next("BPBPTVPXVVEPE") == [set(letters) for letters in expected]


def test_test_strings_are_not_among_the_training_strings():
    training, test = reber_sets(0)
    assert len(training) == len(test) == 256
    assert not set(training) & set(test)
    assert reber_sets(0) == (training, test)
    assert reber_sets(1) != (training, test)
    assert np.mean([len(s) for s in test]) > np.mean([len(s) for s in training]) + 2


@pytest.mark.parametrize("target", ["next", "legal"])
def test_a_tape_of_strings(target):
    task = EmbeddedReber(STRINGS, target)
    tape = task.tape(streams(0, "test", range(2)), 400)
    picked = Counter()
    for (x, asked), legal in zip(sequences(task, tape)[0], legal_sets(tape)[..., 0], strict=True):
        shown = "".join(LETTERS[k] for k in x.argmax(1))
        picked[shown + "E"] += 1
        following = (shown + "E")[1:]
        wanted = [[float(k == letter) for k in LETTERS] for letter in following]
        assert asked.tolist() == (wanted if target == "next" else legal[-len(x) :].tolist())
    assert set(picked) <= set(STRINGS)
    assert len(picked) > 0.9 * len(set(STRINGS))


def test_a_string_is_right_where_all_that_may_follow_is_above_all_that_may_not():
    task = EmbeddedReber(STRINGS)
    tape = task.tape(streams(0, "test", range(3)), 5)
    output = 0.3 + 0.01 * legal_sets(tape)
    assert not task.wrong(output, tape).any()
    step = tape.start[2, 1] + 1  # after the second symbol B alone may follow
    output[2, step, LETTERS.index("V"), 1] = 0.32
    output[4, -1, LETTERS.index("E"), 0] = 0.3  # as active as the others
    assert np.argwhere(task.wrong(output, tape)).tolist() == [[2, 1], [4, 0]]
    legal = np.array([[True, True, False], [False] * 3])
    assert legal_first(np.array([[0.5, 0.4, 0.3], [0.1, 0.2, 0.3]]), legal).tolist() == [True, True]
    assert legal_first(np.array([[0.5, 0.2, 0.3], [0.1, 0.2, 0.3]]), legal).tolist() == [False, True]


def test_given_strings_for_an_evaluation():
    strings = ["BTBTXSETE", "BPBPTVPXVVEPE"]
    table = reber_strings(strings)
    assert table.start.tolist() == [4, 0]
    for row, string in enumerate(strings):
        start = table.start[row]
        assert "".join(LETTERS[k] for k in table.symbols[row, start:]) == string[:-1]
        assert "".join(LETTERS[k] for k in table.following[row, start:]) == string[1:]
        found = [{LETTERS[k] for k in np.flatnonzero(legal)} for legal in table.legal[row, start:]]
        assert found == legal_next(string)[:-1]
    assert (table.symbols[0, :4] == -1).all()
    assert (table.following[0, :4] == -1).all()
    assert not table.legal[0, :4].any()
    assert not table.x[0, :4].any()
    assert (table.x.argmax(2)[1] == table.symbols[1]).all()
    for bad in ("BTBTXSEPE", "BTBTXSET", ""):
        with pytest.raises(OptionError):
            reber_strings([bad])


def test_a_continual_stream_is_strings_one_after_the_other():
    task, random = ContinualReber(), streams(0, "test", range(3))
    places = task.places(3)
    tape = task.stream(random, places, 3000)
    string = "".join(LETTERS[k] for k in tape.symbols[0, :, 1])
    ends = [found.end() for found in re.finditer(EMBEDDED, string)]
    pieces = [string[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    assert len(pieces) > 150
    assert all(EMBEDDED.fullmatch(piece) for piece in pieces)
    assert len(string) - ends[-1] < 100
    assert np.array_equal(tape.x[0].argmax(1), tape.symbols[0])
    assert (tape.x.sum(2) == 1).all()
    assert np.array_equal(tape.target_symbols[0, :-1], tape.symbols[0, 1:])
    assert np.array_equal(np.moveaxis(tape.target[0], 1, 2), legal_after(tape.symbols[0], endless=True))
    first = legal_next(pieces[0])[:-1]
    assert [{LETTERS[k] for k in np.flatnonzero(row)} for row in tape.target[0, : len(first), :, 1]] == first
    assert LETTERS[tape.target[0, len(first), :, 1].argmax()] == "B"
    assert tape.target[0, len(first), :, 1].sum() == 1


def test_a_continual_stream_goes_on_where_it_stopped_and_begins_again_where_told():
    task = ContinualReber()
    whole = task.stream(streams(0, "test", range(3)), task.places(3), 90)
    random, places = streams(0, "test", [1]), task.places(1)
    parts = [task.stream(random, places, steps) for steps in (1, 50, 39)]
    for name in ("x", "symbols", "target", "target_symbols"):
        together = np.concatenate([getattr(part, name) for part in parts], 1)
        assert np.array_equal(together[..., 0], getattr(whole, name)[..., 1])
    places[:, 0] = task.places(1)[:, 0]
    again = task.stream(random, places, 2)
    assert LETTERS[again.symbols[0, 0, 0]] == "B"
    assert LETTERS[again.symbols[0, 1, 0]] in "TP"


# What lies on disk


def run(code: str, folder: Path, cache: Path) -> str:
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NAIBU_CACHE": str(cache), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_what_is_compiled_is_kept_until_a_source_that_it_uses_changes(tmp_path):
    """A loop in one folder calls a function in another: the compiler alone would not see that it has changed."""
    inner, outer, cache = tmp_path / "inner", tmp_path / "outer", tmp_path / "cache"
    inner.mkdir()
    outer.mkdir()
    head = "from naibu.compiling import compiled, compiled_with\n"
    (outer / "loop.py").write_text(
        f"{head}from inner.called import answer\ndef call(): return 0\ndef twice(): return 2 * call()\n"
        "@compiled\ndef direct(): return answer() + 1\nlooped = compiled_with(twice, call=answer)\n"
    )
    code = "from outer.loop import direct, looped; print(direct(), looped(), bool(looped.stats.cache_hits))"
    answers = []
    for number in (3, 3, 5):
        (inner / "called.py").write_text(f"{head}@compiled\ndef answer(): return {number}\n")
        answers.append(run(code, tmp_path, cache))
    assert answers == ["4 6 False", "4 6 True", "6 10 False"]


def test_corpora_load_no_compiler_until_a_task_is_asked_for():
    code = "import sys, naibu.data; print('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_public_names_are_there():
    assert all(getattr(generated, name) is not None for name in generated.__all__)
    tasks = {type(task).__name__ for task in TASKS}
    assert tasks | {"ContinualReber"} == {
        name for name in generated.__all__ if hasattr(getattr(generated, name), "wrong_above") and name != "Task"
    }


def test_a_function_typed_at_a_prompt_is_compiled_too():
    space = {"__name__": "__main__", "compiled": compiled}
    exec("@compiled\ndef doubled(n): return 2 * n", space)
    assert space["doubled"](21) == 42
