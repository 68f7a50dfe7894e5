"""Languages decided by counting; the price on values that are no whole numbers; the machine inside a network."""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from naibu.data.formal.counted import CLOSE, OPEN, Blocks, Brackets, Counted
from naibu.errors import OptionError
from naibu.papers.mochihashi2019 import counter_drawing, counter_machine, counter_scores, counting, discrete
from naibu.papers.mochihashi2019.counter_machine import Machine, Move, Rounded, agreement, extract
from naibu.papers.mochihashi2019.counter_scores import Predicted, legal, right, up_to
from naibu.papers.mochihashi2019.counter_training import Counter, Recipe, Training, train, training_strings
from naibu.papers.mochihashi2019.counting_reproduction import reproduction
from naibu.papers.runner import run

ABC, AB, BRACKETS = Blocks("abc"), Blocks("ab"), Brackets()


# Languages


def test_a_string_by_hand():
    strings = AB.of([2, 1])
    assert strings.ids[:, 0].tolist() == [0, 1, 1, 2, 2]
    assert strings.target[:, 0].tolist() == [1, 1, 2, 2, 3]
    assert strings.target[:, 1].tolist() == [1, 2, 3, -1, -1]
    assert strings.determined[:, 0].tolist() == [True, False, False, True, True]
    assert strings.determined[:, 1].tolist() == [True, False, True, False, False]
    assert strings.depth[:, 0].tolist() == [0, 1, 2, 1, 0]
    assert strings.equally[1, 0].tolist() == [0, 0.5, 0.5, 0]


@pytest.mark.parametrize("letters", ["ab", "abc", "wxyz"])
def test_what_may_follow_is_what_follows_in_some_string(letters):
    """By trying: of all strings up to n = 9, those that begin in the same way say what may follow (n <= 5)."""
    language = Blocks(letters)
    every = [language.string(n) for n in range(1, 10)]
    for n in range(1, 6):
        string = language.string(n)
        for step, allowed in enumerate(language.legal_after(string)[0]):
            head = string[: step + 1]
            assert allowed == {other[step + 1] for other in every if other[: step + 1] == head}


def test_brackets_by_hand():
    strings = BRACKETS.counted([[0, OPEN, OPEN, CLOSE, CLOSE, 3]])
    assert strings.depth[:, 0].tolist() == [0, 1, 2, 1, 0]
    assert strings.determined[:, 0].tolist() == [True, False, False, False, True]
    assert strings.legal[2, 0].tolist() == [False, True, True, False]


def test_drawn_brackets_are_of_the_language_and_equally_likely():
    """Of 4 pairs within one outer pair there are Catalan(3) = 5; each comes a fifth of the times."""
    rng = np.random.default_rng(0)
    drawn = Tally(tuple(BRACKETS.draw(rng, 4)) for _ in range(5000))
    assert len(drawn) == 5
    assert min(drawn.values()) > 850
    for string in drawn:
        BRACKETS.legal_after(string)
    assert BRACKETS.draw(rng, 1) == BRACKETS.nest(1) == [0, OPEN, CLOSE, 3]


def test_what_is_no_string_is_refused():
    with pytest.raises(OptionError, match="n=0"):
        AB.string(0)
    with pytest.raises(OptionError, match="not a string"):
        AB.legal_after([0, 1, 1, 2, 3])
    for wrong in ([0, 1, 2, 1, 2, 3], [0, 1, 1, 2, 3], [0, 2, 1, 3], [1, 1, 2, 3], [0, 3]):
        with pytest.raises(OptionError, match="balanced"):
            BRACKETS.legal_after(wrong)
    with pytest.raises(OptionError, match="all different"):
        Blocks("aa")
    with pytest.raises(OptionError, match="no string"):
        AB.counted([])


# The price


def test_whole_numbers_cost_nothing_and_the_pull_is_towards_the_nearest():
    update = torch.tensor([-1.0, 0.0, 1.0, 0.4, 0.6, -0.9], requires_grad=True)
    distance = discrete.ternary_distance(update)
    assert torch.allclose(distance, torch.tensor([0, 0, 0, 0.4, 0.4, 0.1]))
    distance.sum().backward()
    assert update.grad[3:].tolist() == [1, -1, 1]
    assert discrete.binary_distance(torch.tensor([0.2, 0.9])).tolist() == pytest.approx([0.2, 0.1])


def test_the_reweighted_price_pulls_harder_the_nearer():
    distance = torch.tensor([0.0, 1e-4, 1e-2, 1.0], requires_grad=True)
    price = discrete.reweighted(distance, 1e-4)
    assert price[[0, 3]].tolist() == pytest.approx([0, 1])
    price.sum().backward()
    assert (distance.grad.diff() < 0).all()
    assert discrete.reweighted(distance, None) is distance


def test_the_price_is_a_sum_over_units_and_a_mean_over_steps():
    signals = {"update": torch.full((2, 2, 3), 0.25), "forget_gate": torch.full((2, 2, 3), 0.9)}
    there = torch.tensor([[True, True], [True, False]])
    assert discrete.price_of(signals, there, None).item() == pytest.approx(3 * (0.25 + 0.1))


# Scores


def said_of(strings: Counted, likeliest: np.ndarray) -> Predicted:
    bits = (strings.legal * 2 ** np.arange(strings.legal.shape[2])).sum(-1)
    return Predicted(likeliest, bits, np.zeros(likeliest.shape, np.float32))


def test_only_what_is_determined_is_judged():
    strings = ABC.of([1, 2, 3])
    perfect = np.maximum(strings.target, 0)
    assert right(strings, perfect).all()
    free = perfect.copy()
    free[1, :] = 4  # ED after the first a: not determined, and not legal
    assert right(strings, free).all()
    assert not legal(strings, free).any()
    early = perfect.copy()
    early[3, 1] = 3  # c after the first of two b
    assert right(strings, early).tolist() == [True, False, True]
    assert up_to(right(strings, early)) == 1
    assert up_to(np.ones(4, bool)) == 4


def test_perplexity_and_ends():
    strings = AB.of([1, 3])
    said = said_of(strings, np.zeros_like(strings.target))
    assert counter_scores.ends_found(strings, said) == 0
    assert counter_scores.perplexity(strings, said) == 1
    half = replace(said, missed=np.full(strings.target.shape, np.log(2), np.float32))
    assert counter_scores.perplexity(strings, half) == pytest.approx(2)


def test_side_by_side_is_one_by_one():
    torch.manual_seed(0)
    model = Counter(5, 4, 1.0)
    many, one = ABC.of(range(1, 140)), ABC.of([137])
    found, alone = counter_scores.predict(model, many), counter_scores.predict(model, one)
    steps = len(one.ids)
    np.testing.assert_allclose(found.missed[:steps, 136], alone.missed[:, 0], rtol=1e-5)
    assert (found.possible[:steps, 136] == alone.possible[:, 0]).all()
    assert (found.missed[~many.there] == 0).all()


# The machine


def two_counters(strings: Counted) -> Rounded:
    """What a network does that counts a - b in unit 0 and b - c in unit 2; unit 1 does what nothing decides."""
    up = np.array([[0, 0], [1, 0], [-1, 1], [0, -1]])[strings.ids]
    noise = np.random.default_rng(0).integers(-1, 2, up[..., :1].shape)
    update = np.concatenate([up[..., :1], noise, up[..., 1:]], -1) * strings.there[..., None]
    return Rounded(np.ones_like(update), update, update.cumsum(0))


def test_the_two_counters_of_abc_are_found_and_go_on_beyond():
    near, far = ABC.of(range(1, 9)), ABC.of(range(9, 60))
    machine = extract(two_counters(near), near, said_of(near, near.target))
    assert machine is not None
    assert machine.units == (0, 2)
    assert machine.width == 1
    said = said_of(far, far.target)
    assert agreement(machine, far, said) == (1.0, 51)
    said.possible[5, 3] = 0
    assert agreement(machine, far, said)[1] == 50


def test_a_machine_runs_until_it_has_no_row():
    """One counter, one row: a is read at 0. The second a is read at 1, where there is none."""
    move = Move(0, (0,), (1,), (0,)), Move(1, (0,), (1,), (1,))
    machine = Machine((0,), 1, move, ((0, (0,), 2), (1, (1,), 6)))
    bits, counts = machine.run(AB.of([1, 3]))
    assert bits[:, 1].tolist() == [2, 6, -1, -1, -1, -1, -1]
    assert bits[:3, 0].tolist() == [2, 6, -1]
    assert counts[:2, 0, 0].tolist() == [0, 1]


def test_no_machine_where_the_counts_decide_nothing():
    near = ABC.of(range(1, 9))
    inside = two_counters(near)
    blind = Rounded(inside.forget[..., 1:2], inside.update[..., 1:2], inside.count[..., 1:2])
    assert extract(blind, near, said_of(near, near.target)) is None


def test_a_reset_is_found():
    """A counter that is set back instead of lowered: forget 0 is a move of its own."""
    near = BRACKETS.counted([BRACKETS.nest(n) for n in (1, 2, 3)])
    update = np.array([0, 1, -1])[near.ids][..., None] * near.there[..., None]
    count = update.cumsum(0)
    forget = np.ones_like(update)
    forget[0] = 0
    machine = extract(Rounded(forget, update, count), near, said_of(near, near.target))
    assert machine is not None
    assert next(move for move in machine.moves if move.symbol == 0).forget == (0,)


def test_rounded_counts_are_the_recurrence():
    torch.manual_seed(3)
    strings = AB.of([3, 5])
    inside = counter_machine.rounded(Counter(4, 6, 1.0), strings)
    count = np.zeros(inside.count.shape[1:], np.int64)
    for step in range(len(inside.count)):
        count = inside.forget[step] * count + inside.update[step]
        assert (count == inside.count[step]).all()


# Training


def test_the_strings_grow_and_brackets_are_drawn_anew():
    recipe = Recipe(steps=20)
    sizes = [strings.ids.shape for strings in training_strings(AB, 0, recipe)]
    assert sizes[0] == (11, 5)
    assert sizes[-1] == (101, 50)
    one, other = list(training_strings(BRACKETS, 0, recipe))[-2:]
    assert one.ids.shape[1] == 50
    assert not np.array_equal(one.ids, other.ids)
    again = list(training_strings(BRACKETS, 0, recipe))[-1]
    assert np.array_equal(other.ids, again.ids)


def test_the_schedule_ends():
    recipe = Recipe()
    assert recipe.rate_at(0.5) == recipe.rate
    assert recipe.rate_at(1) == 0
    assert [recipe.strength_at(done) for done in (0.29, 0.4, 0.9)] == pytest.approx([0, 0.15, 0.3])
    assert [recipe.longest_at(done) for done in (0, 0.3, 1)] == [5, 50, 50]


def test_a_training_is_learnt_repeated_and_taken_up_again(tmp_path):
    recipe = Recipe(steps=40, units=3)
    training = Training(tmp_path, "ab", 5, recipe)
    assert not training.finished()
    training.run()
    assert training.finished()
    assert not replace(training, recipe=replace(recipe, rate=0.1)).finished()
    strings = torch.from_numpy(AB.of([4]).ids)
    again = train(AB, recipe, 5)
    assert torch.equal(training.model()(strings), again(strings))
    written = training.path.stat().st_mtime_ns
    training.model()
    assert training.path.stat().st_mtime_ns == written


def test_distinct_states_by_hand():
    """With all weights 0 the hidden state stays 0: one state. With a memory it is one after ST and others later."""
    model, strings = Counter(4, 2, 0.0), AB.of([1, 4])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        assert counter_machine.distinct_states(model, strings) == 1
        model.lstm.weight_ih_l0[4:6, 1] = 9.0  # the candidate of both units is 1 where an a is read
    # a: c = .5, .75, .875, .9375 (gates are 1/2); h = tanh(c) / 2, in tenths: 0, 2, 3, 4, 4; then 2, 1, 1, 0
    assert counter_machine.distinct_states(model, strings) == 5


def test_the_price_makes_values_whole():
    """After the same steps, with and without: nearer to whole numbers, by the share within 0.01 of one."""
    near = AB.of(range(1, 51))
    shares = [
        counter_machine.whole(train(AB, Recipe(steps=150, units=4, strength=strength), 7), near)
        for strength in (0.0, 3.0)
    ]
    assert shares[1] > shares[0] + 0.2


# The rows and pictures


def test_rows_resume_and_pictures_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "Recipe", partial(Recipe, steps=3, units=3))
    monkeypatch.setattr(counting, "SWEPT", counting.SWEPT[:1])
    monkeypatch.setattr(counting, "FARTHEST", 200)
    rows, _ = run(reproduction(seeds=(1,)), tmp_path, "Counting")
    assert [row.row for row in rows][:3] == ["a^n b^n c^n", "a^n b^n", "brackets"]
    assert rows[0].obtained["right_to_200"] == 0
    assert rows[0].trials == 1
    lines = (tmp_path / "counting.md").read_text().splitlines()
    assert lines[2].startswith("| | trainings | all n to 50 | to 200 |")
    assert lines[4].startswith("| a^n b^n c^n | 1 | 0 | 0 |")
    monkeypatch.setattr(counting, "scored", lambda *_: pytest.fail("a finished row was run again"))
    assert run(reproduction(seeds=(1,)), tmp_path, "Counting")[0] == rows


def test_quick_counts_as_long_as_the_full_version(tmp_path):
    (row,) = counting.rows_of(quick=True)
    full = counting.rows_of(quick=False)[0]
    assert (row.language, row.recipe, row.seeds) == ("abc", full.recipe, full.seeds[: counting.QUICK_SEEDS])
    assert set(counting.trainings(tmp_path, quick=True)) < set(counting.trainings(tmp_path, quick=False))


def test_figures_of_several_trainings():
    one = {"trained_right": 1.0, "beyond_right": 1.0, "right_up_to": 1000, "counters": 2, "same_strings_beyond": 1.0}
    other = {"trained_right": 1.0, "beyond_right": 0.5, "right_up_to": 300}
    found = counting.together([one, other], 1000)
    assert (found["right_to_50"], found["right_to_200"], found["right_to_1000"]) == (2, 2, 1)
    assert (found["machine_found"], found["machine_is_network_beyond"], found["median_counters"]) == (1, 1, 2)
    assert found["each_right_up_to"] == "1000, 300"
    assert counting.verdict({}, found).startswith("all n to 200 in 2; all n to 1000 in 1; machine equal")


def test_every_training_is_a_job_once(tmp_path):
    jobs = counting.trainings(tmp_path, False)
    assert len(jobs) == len(set(jobs)) == 30 + 3 * (len(counting.SWEPT) - 1)  # the strength chosen is swept too
    assert len({job.path for job in jobs}) == len(jobs)


def hand_made() -> tuple[Machine, Counted]:
    near = ABC.of(range(1, 9))
    machine = extract(two_counters(near), near, said_of(near, near.target))
    assert machine is not None
    return machine, near


def test_the_machine_is_spelled_out():
    machine, _ = hand_made()
    header, rows = counter_drawing.spelled(machine, ABC)
    assert header == ["reading", "cell 0", "cell 2", "each then", "possible next"]
    assert ["a", "0", "0", "+1, keep", "a, b"] in rows
    assert ["b", "≥ 1", "≥ 1", "-1, +1", "c at 0 ≥1; b at ≥1 ≥1"] in rows
    assert ["c", "0", "≥ 1", "keep, -1", "ED at 0 0; c at 0 ≥1"] in rows


def test_the_pictures_show_cells_counts_and_moves():
    machine, near = hand_made()
    cells = np.array([[0.0, 0.0], [0.9, 0.1], [0.0, 1.1]])
    ax = counter_drawing.plot_counters(cells, cells.round(), machine.units)
    assert [line.get_label() for line in ax.lines if line.get_label()[0] != "_"] == ["cell 0", "cell 2"]
    assert ax.lines[1].get_ydata().tolist() == cells[:, 0].tolist()
    figure = Figure()
    counter_drawing.draw_machine(figure, machine, ABC, "two")
    assert len(figure.axes[0].tables[0].get_celld()) == 5 * (len(machine.moves) + 1)
    torch.manual_seed(0)
    figure = Figure()
    counter_drawing.draw_counters(figure, Counter(5, 4, 1.0), machine, [ABC.of([2]), ABC.of([4])])
    assert [ax.get_title() for ax in figure.axes] == ["7 symbols", "13 symbols"]
    assert near.ids.shape[1] == 8
