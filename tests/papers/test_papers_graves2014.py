"""Neural Turing Machines: the tasks are what the paper says, the scores can be worked by hand, the command runs."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Generator
from torch.nn.functional import binary_cross_entropy_with_logits

import naibu
from naibu.cli import main
from naibu.papers.graves2014 import drawing, scores
from naibu.papers.graves2014.asked import Asked
from naibu.papers.graves2014.reproduction import rows_of
from naibu.papers.graves2014.tasks import TASKS, Episodes
from naibu.papers.graves2014.training import Network, Recipe, train
from naibu.reporting.plots.canvas import new_axes

SMALL = Recipe(units=8, locations=10, width=4, updates=3)
each_task = pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))


def drawn(name, size, batch=3):
    return TASKS[name].draw(Generator().manual_seed(4), size, batch)


@each_task
def test_a_task_draws_sizes_within_what_is_trained_and_silence_while_it_is_answered(task):
    rng = Generator().manual_seed(1)
    for _ in range(50):
        size = task.draw_size(rng)
        assert all(1 <= part <= most for part, most in zip(size, task.scored[0], strict=True))
        x, wanted = task.draw(rng, size, 2)
        assert x.shape[1:] == (2, task.channels)
        assert wanted.shape[1:] == (2, task.bits)
        assert not x[-len(wanted) :].any()
        assert x[-len(wanted) - 1].any()
        assert set(wanted.unique().tolist()) <= {0.0, 1.0}


def test_copy_wants_what_was_read():
    x, wanted = drawn("copy", (5,))
    assert len(x) == 11
    assert (x[:5, :, :8] == wanted).all()
    assert x[:, 0, 8].tolist() == [0] * 5 + [1] + [0] * 5


def test_repeat_copy_wants_it_so_often_and_then_the_mark():
    x, wanted = drawn("repeat-copy", (3, 4))
    assert len(wanted) == 13
    for copy in range(4):
        assert (wanted[3 * copy : 3 * copy + 3, :, :8] == x[:3, :, :8]).all()
    assert wanted[:, 1, 8].tolist() == [0] * 12 + [1]
    counts = torch.tensor([drawn("repeat-copy", (1, n))[0][1, 0, 9] for n in range(1, 11)]).double()
    torch.testing.assert_close(counts.mean(), torch.tensor(0.0).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(counts.square().mean(), torch.tensor(1.0).double())


def test_recall_wants_the_item_after_the_one_asked_about():
    x, wanted = drawn("associative-recall", (5,), batch=40)
    for b in range(40):
        items = [x[4 * k + 1 : 4 * k + 4, b, :6] for k in range(5)]
        asked = next(k for k in range(5) if torch.equal(items[k], x[21:24, b, :6]))
        assert asked < 4
        assert torch.equal(items[asked + 1], wanted[:, b])
        assert x[:, b, 6].nonzero()[:, 0].tolist() == [0, 4, 8, 12, 16]
        assert x[:, b, 7].nonzero()[:, 0].tolist() == [20, 24]


class Fixed(Network):
    """A network whose answer and weightings are given."""

    def __init__(self, said, signals):
        super().__init__(TASKS["copy"], SMALL)
        self.said, self.shown = said, signals

    def answer(self, episodes):
        return self.said

    def watched(self, episodes, *keep, edit=None):
        return self.said, {name: self.shown[name] for name in keep}


def test_wrong_bits_and_moves_of_the_heads_are_counted():
    """Heads that write at 9, 0, 1, 2 and read 9, 0, 0, 2: two of three moves by one, three of four found again."""
    episodes = drawn("copy", (4,), batch=2)
    said = episodes.wanted * 2 - 1
    said[1, 0, :3] *= -1
    said[3, 1, 0] *= -1
    write = torch.eye(10)[[9, 0, 1, 2, 5, 5, 5, 5, 5]][:, None].expand(9, 2, 10)
    read = torch.eye(10)[[0, 0, 0, 0, 5, 9, 0, 0, 2]][:, None].expand(9, 2, 10)
    network = Fixed(said, {"write_weighting": write, "read_weighting": read})
    assert scores.wrong_bits(network, episodes).tolist() == [3, 1]
    found = scores.heads(network, episodes)
    assert (found.writes_on, found.reads_written, found.sharpness) == (1.0, 0.75, 1.0)
    assert found.reads_on == pytest.approx(1 / 3)


def test_what_is_held_is_held():
    """A head that stays all the while has written in one place; without an edit the answer is that of the layer."""
    torch.manual_seed(3)
    network = Network(TASKS["copy"], SMALL)
    episodes = drawn("copy", (4,), batch=2)
    torch.testing.assert_close(network.watched(episodes)[0], network.answer(episodes), rtol=1e-4, atol=1e-5)
    found = scores.held(network, episodes, draws=2)
    assert len(found) == 1 + 10 + 2
    assert found[0].wrong == pytest.approx(scores.wrong_bits(network, episodes).double().mean().item())
    assert [one.what for one in found if "staying" in one.what] == [
        "write shift, at staying",
        "read shift, at staying",
    ]


def test_training_repeats_and_learns_and_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    recipe = Recipe(units=16, locations=8, width=4, updates=300, batch=4, rate=1e-2)
    (first, losses), (second, again) = (train(TASKS["copy"], recipe, 5) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert losses.tolist() == again.tolist()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    episodes = drawn("copy", (3,), batch=50)
    with torch.no_grad():
        began, ended = (
            binary_cross_entropy_with_logits(network.answer(episodes), episodes.wanted).item()
            for network in (Network(TASKS["copy"], recipe).eval(), first)
        )
    assert ended < 0.95 * began
    assert rows_of(Asked(tasks=("copy",), seeds=2), True)[0].seeds == (1,)


def test_the_command_leaves_every_seed_and_the_pictures(tmp_path, capsys):
    small = ("--updates", "4", "--units", "6", "--memory-locations", "9", "--memory-width", "3")
    asked = ["papers", "graves2014", "--tasks", "copy", "--seeds", "2", *small, "--workers", "1"]
    kept = tmp_path / "rows.json"
    assert main([*asked, "--out", str(tmp_path), "--json", str(kept)]) == 0, capsys.readouterr().err
    rows = json.loads(kept.read_text())
    assert [(row["table"], row["row"], row["trials"]) for row in rows] == [("copy", "ntm", 2), ("copy", "lstm", 2)]
    assert len(rows[0]["obtained"]["wrong at 120"].split(", ")) == 2
    assert rows[0]["settings"]["recipe"]["locations"] == 9
    folder = tmp_path / "graves2014"
    for name in ("tables.md", "heads.png", "copy-answers.png", "copy-losses.png", "held.json"):
        assert (folder / name).stat().st_size > 0
    assert "4 updates of" in (folder / "tables.md").read_text()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--memory-locations", "0"), "--memory-locations 0: must be at least 1"),
        (("--memory-width", "0"), "--memory-width 0: must be at least 1"),
        (("--seeds", "0"), "--seeds 0: must be at least 1"),
        (("--updates", "-1"), "--updates -1: must be at least 1, or 0"),
    ],
)
def test_bad_input_is_one_line(wrong, said, tmp_path, capsys):
    assert main(["papers", "graves2014", *wrong, "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_weighting_is_drawn_as_it_is():
    weights = torch.eye(4)[[0, 1, 2]].numpy()
    ax = drawing.plot_weighting(weights, "write", new_axes())
    assert (ax.images[0].get_array() == weights.T).all()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "location")
    assert isinstance(drawn("copy", (2,)), Episodes)
    assert issubclass(naibu.OptionError, ValueError)
