"""The Neural Turing Machine: what its heads promise, whatever its weights are."""

from __future__ import annotations

import pytest
import torch

import naibu
from naibu.cells.edits import Clamp
from naibu.cells.kernels import explain, ntm_layer
from naibu.cells.ntm import NOTHING, NTMCell, with_memory
from naibu.cells.units import held_unit
from naibu.cells.unroll import unroll
from naibu.cells.variants import LAYERS

WEIGHTINGS = ("read_weighting", "write_weighting")
SMALL = with_memory(NTMCell, 6, 3)
ALL = range(3)


def made(scale: float, kind: type[NTMCell] = SMALL) -> NTMCell:
    cell = kind(3, 4).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(scale * torch.randn_like(parameter))
    return cell


def moved_by(share: dict[int, float], head: str) -> dict[str, Clamp]:
    """Edits that take a head's weighting from the one before alone and shift it, these shares by these moves."""
    shift = Clamp(ALL, [share.get(move, 0.0) for move in (-1, 0, 1)])
    return {f"{head}_gate": Clamp([0], 0.0), f"{head}_shift": shift, f"{head}_sharpening": Clamp([0], 1.0)}


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weightings_are_shares_of_one_and_gradients_finite_however_wild_the_weights(scale, dtype):
    cell, x = made(scale).to(dtype), 3 * torch.randn(40, 5, 3, dtype=dtype)
    done = unroll(cell, x, keep=cell.signals)
    for name in WEIGHTINGS:
        w = done.signals[name]
        assert (w >= 0).all()
        torch.testing.assert_close(w.sum(-1), torch.ones(40, 5, dtype=dtype), rtol=1e-5, atol=1e-6)
    for head in ("read", "write"):
        torch.testing.assert_close(done.signals[f"{head}_shift"].sum(-1), torch.ones(40, 5, dtype=dtype))
        assert (done.signals[f"{head}_sharpening"] >= 1).all()
    (done.output.square().sum() + done.signals["memory"].sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in cell.parameters())
    assert all(value.isfinite().all() for value in done.signals.values())


def test_signals_are_as_wide_as_they_are_said_to_be():
    cell = made(1.0)
    done = unroll(cell, torch.randn(2, 5, 3).double(), keep=cell.signals)
    assert {name: value.shape[-1] for name, value in done.signals.items()} == {
        name: cell.width(name) for name in cell.signals
    }
    assert {cell.width(name) for name in WEIGHTINGS} == {6}
    assert cell.width("memory") == 18


def test_a_head_that_is_told_to_move_walks_round_the_memory():
    cell, x = made(1.0), torch.randn(14, 2, 3).double()
    for head in ("read", "write"):
        on = unroll(cell, x, keep=WEIGHTINGS, edit=moved_by({1: 1.0}, head)).signals[f"{head}_weighting"]
        back = unroll(cell, x, keep=WEIGHTINGS, edit=moved_by({-1: 1.0}, head)).signals[f"{head}_weighting"]
        for t in range(14):
            torch.testing.assert_close(on[t], torch.eye(6).double()[[(t + 1) % 6] * 2])
            torch.testing.assert_close(back[t], torch.eye(6).double()[[-(t + 1) % 6] * 2])
    halves = unroll(cell, x, keep=WEIGHTINGS, edit=moved_by({1: 0.5, 0: 0.5}, "read")).signals["read_weighting"]
    torch.testing.assert_close(halves[1, 0], torch.tensor([0.25, 0.5, 0.25, 0, 0, 0]).double())


def test_what_is_written_at_a_location_stands_there_and_is_read_again():
    """Erase all, add 1, 2, 3 while the write head walks on; the read head, one step behind, finds them."""
    cell, x = made(1.0), torch.randn(3, 2, 3).double()
    wanted = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]]).double()

    def write(value, step):
        return wanted[step].expand_as(value)

    edit = moved_by({1: 1.0}, "write") | moved_by({0: 1.0}, "read") | {"erase": Clamp(ALL, 1.0), "add": write}
    edit["read_weighting"] = lambda value, step: torch.eye(6).double()[[step + 1] * 2]
    done = unroll(cell, x, keep=("memory", "read"), edit=edit)
    memory = done.signals["memory"][-1].view(2, 6, 3)
    torch.testing.assert_close(memory[:, 1:4], wanted.expand(2, 3, 3))
    assert (memory[:, [0, 4, 5]] == NOTHING).all()
    torch.testing.assert_close(done.signals["read"], wanted[:, None].expand(3, 2, 3))


def test_keys_find_what_is_like_them():
    """With all of the weighting by content and a great strength, the head stands where the key is stored."""
    cell, x = made(1.0), torch.randn(1, 1, 3).double()
    stored = torch.randn(6, 3).double()
    state = cell.initial_state(1, x)._replace(memory=stored.view(1, 18))
    for at in range(6):
        edit = moved_by({0: 1.0}, "read") | {"read_gate": Clamp([0], 1.0), "read_strength": Clamp([0], 200.0)}
        edit["read_key"] = Clamp(ALL, stored[at].tolist())
        found = unroll(cell, x, state, keep=WEIGHTINGS, edit=edit).signals["read_weighting"][0, 0]
        assert found.argmax() == at
        assert found[at] > 0.9


def test_an_edit_of_one_head_leaves_the_other_where_it_was_in_that_step():
    cell, x = made(1.0), torch.randn(4, 2, 3).double()
    before = unroll(cell, x, keep=cell.signals).signals
    held = unroll(cell, x, keep=cell.signals, edit={"read_shift": Clamp(ALL, [1.0, 0.0, 0.0], steps=[2])}).signals
    for name in cell.signals:
        torch.testing.assert_close(held[name][:2], before[name][:2])
    torch.testing.assert_close(held["write_weighting"][2], before["write_weighting"][2])
    assert (held["read_weighting"][2] - before["read_weighting"][2]).abs().max() > 1e-3
    assert (held["hidden"][2] - before["hidden"][2]).abs().max() > 1e-6  # which shows what is read


def test_units_are_held_by_name_within_each_signals_own_width():
    module = torch.nn.Sequential(LAYERS["ntm"](3, 4))
    assert held_unit("read_weighting:127", module).unit == 127
    for typed, most in (("read_weighting:128", 127), ("read_shift:3", 2), ("hidden:4", 3), ("memory:2560", 2559)):
        with pytest.raises(naibu.OptionError, match=f"{typed}.*has units 0 to {most}$"):
            held_unit(typed, module)


def test_it_has_no_drawing_and_says_so(capsys):
    with pytest.raises(naibu.OptionError, match="NTMCell: no drawing"):
        naibu.draw("ntm")


# ---------------------------------------------------------------- the compiled steps

SIZES = [(6, 3, 4, 2, 9), (20, 5, 7, 3, 12), (2, 1, 2, 1, 3), (1, 1, 2, 1, 3)]
"""Locations, width, units, sequences, steps."""


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_compiled_steps_are_the_plain_ones_in_value_and_gradient(sizes, bias):
    locations, width, units, batch, steps = sizes
    cell = with_memory(NTMCell, locations, width)(3, units, bias=bias)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(steps, batch, 3, requires_grad=True)
    begin = cell.initial_state(batch, x)
    begin = type(begin)(*(torch.rand_like(part).requires_grad_() for part in begin))
    assert ntm_layer.refusal(type(cell), (), {}, None, x, *begin, *cell.parameters()) is None
    outcomes = []
    for reverse in (False, True):
        plain = unroll(cell, x, begin, reverse=reverse)
        compiled = ntm_layer.run(cell, x, begin, keep=("hidden",), reverse=reverse)
        assert compiled.signals["hidden"] is compiled.output
        for done in (plain, compiled):
            values = [done.output, *done.state]
            loss = sum((value * torch.cos(torch.arange(value.numel())).view_as(value)).sum() for value in values)
            gradients = torch.autograd.grad(loss, [x, *begin, *cell.parameters()], allow_unused=False)
            outcomes.append((*values, *gradients))
    for mine, other in zip(outcomes[::2], outcomes[1::2], strict=True):
        for a, b in zip(mine, other, strict=True):
            torch.testing.assert_close(a, b, rtol=2e-4, atol=2e-4)


def test_compiled_steps_are_taken_where_nothing_is_shown_or_edited_and_it_is_said_why_not_otherwise():
    layer, x = LAYERS["ntm"](3, 4), torch.randn(5, 2, 3)
    assert explain(layer, x) == "compiled steps of a Neural Turing Machine"
    assert "plain path: the compiled steps show no signal" in explain(layer, x, keep=("read",))
    assert "plain path: the compiled steps show no signal" in explain(layer, edits={"hidden": Clamp([0], 1.0)})
    assert "float64" in explain(layer.double(), x.double())
    layer = layer.float()
    plain = layer.signals(x, keep=("read",)).output
    torch.testing.assert_close(layer(x)[0], plain, rtol=1e-5, atol=1e-5)
    lengths = torch.tensor([5, 3])
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
    torch.testing.assert_close(layer(packed)[1][0][0, 1], layer(x[:3])[0][-1, 1], rtol=1e-5, atol=1e-5)


def test_wild_weights_leave_the_compiled_steps_finite():
    cell, x = made(30.0).float(), 3 * torch.randn(40, 5, 3)
    done = ntm_layer.run(cell, x, cell.initial_state(5, x), keep=(), reverse=False)
    (done.output.square().sum() + done.state.memory.sum()).backward()
    assert done.output.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in cell.parameters())
