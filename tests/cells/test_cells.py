"""Every cell against its equations, torch's cell, and finite differences; the loop against its promises."""

from __future__ import annotations

import pytest
import torch

import naibu
from catalogue import CELLS, TORCHS, Entry
from naibu.cells.edits import Clamp
from naibu.cells.unroll import unroll

each_torch_cell = pytest.mark.parametrize("entry", TORCHS, ids=lambda entry: entry.name)
each_cell = pytest.mark.parametrize("entry", CELLS, ids=lambda entry: entry.name)


def made(entry: Entry, input_size: int = 3, hidden: int = 4):
    """A cell in float64 whose values start at 1, not 0, so that two swapped gates show."""
    cell = entry.cell(input_size, hidden).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.7)
    state = cell.state_type(*map(torch.ones_like, cell.initial_state(5, torch.zeros(1).double())))
    return cell, state


@each_cell
def test_step_is_its_equations(entry):
    cell, state = made(entry)
    x, seen = torch.randn(5, 3).double(), {}
    new = cell.step(cell.project(x), state, seen.setdefault)
    by_hand = entry.by_hand(cell, x, state._asdict())
    assert tuple(seen) == cell.signals
    for name in cell.signals:
        torch.testing.assert_close(seen[name], by_hand[name], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(new.hidden, by_hand["hidden"])


@each_torch_cell
def test_step_is_torchs(entry):
    cell, state = made(entry)
    twin = entry.torch_cell(3, 4).double()
    twin.load_state_dict(cell.state_dict())
    x = torch.randn(5, 3).double()
    theirs = twin(x, tuple(state) if len(state) == 2 else state[0])
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    for ours, other in zip(cell.step(cell.project(x), state), theirs, strict=True):
        torch.testing.assert_close(ours, other, rtol=1e-12, atol=1e-12)


@each_cell
def test_gradient_is_finite_differences(entry):
    cell, state = made(entry, 2, 3)
    x = torch.randn(4, 5, 2).double().requires_grad_()
    names = [name for name, _ in cell.named_parameters()]

    def through(x, *weights):
        for name, weight in zip(names, weights, strict=True):
            cell._parameters[name] = weight
        done = unroll(cell, x, state, keep=cell.signals)
        return (done.output, *done.state, *done.signals.values())

    weights = [p.detach().clone().requires_grad_() for p in cell.parameters()]
    fast = len(cell.signals) > 10  # along one direction of all, where each by itself would take long
    assert torch.autograd.gradcheck(through, (x, *weights), fast_mode=fast)


@each_cell
def test_chunked_equals_whole_and_rows_are_independent(entry):
    cell, state = made(entry)
    x = torch.randn(7, 5, 3).double()
    whole = unroll(cell, x, state, keep=cell.signals)
    first = unroll(cell, x[:3], state)
    second = unroll(cell, x[3:], first.state, keep=cell.signals)
    torch.testing.assert_close(whole.output[3:], second.output)
    alone = unroll(cell, x[:, 2:3], cell.state_type(*(part[2:3] for part in state)), keep=cell.signals)
    for name in cell.signals:
        torch.testing.assert_close(whole.signals[name][3:], second.signals[name])
        torch.testing.assert_close(whole.signals[name][:, 2:3], alone.signals[name])


@each_cell
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_has_no_effect(entry, reverse):
    cell, state = made(entry)
    lengths = torch.tensor([6, 1, 4, 6, 2])
    x = torch.randn(6, 5, 3).double()
    noisy = torch.where(torch.arange(6)[:, None, None] < lengths[:, None], x, 1e3)
    done = unroll(cell, noisy, state, lengths=lengths, reverse=reverse)
    for b, n in enumerate(lengths.tolist()):
        row = cell.state_type(*(part[b : b + 1] for part in state))
        alone = unroll(cell, x[:n, b : b + 1], row, reverse=reverse)
        torch.testing.assert_close(done.output[:n, b : b + 1], alone.output)
        assert not done.output[n:, b].any()
        torch.testing.assert_close(done.state.hidden[b : b + 1], alone.state.hidden)


@each_cell
def test_clamp_holds_units_and_only_those_at_the_steps_asked(entry):
    cell, state = made(entry)
    x = torch.randn(6, 5, 3).double()
    before = unroll(cell, x, state, keep=cell.signals)
    held = unroll(cell, x, state, keep=cell.signals, edit={"hidden": Clamp([1, 3], [0.25, -2.0], steps=range(2, 6))})
    torch.testing.assert_close(before.output[:2], held.output[:2])
    assert (held.output[2:, :, 1] == 0.25).all()
    assert (held.output[2:, :, 3] == -2).all()
    torch.testing.assert_close(held.output[2, :, 0], before.output[2, :, 0])
    # Other units hear of it from the next step on, where gates read the hidden state.
    assert torch.allclose(held.output[3:, :, 0], before.output[3:, :, 0]) != cell.recurrent


def test_thought_experiments_of_document_c():
    """Input gate shut and forget gate open: the cell never changes. The other way round: it forgets at once."""
    cell, state = made(CELLS[0])
    x, units = torch.randn(6, 5, 3).double(), range(4)
    shut = {"input_gate": Clamp(units, 0.0), "forget_gate": Clamp(units, 1.0)}
    assert (unroll(cell, x, state, keep=("cell",), edit=shut).signals["cell"] == 1).all()
    opened = {"input_gate": Clamp(units, 1.0), "forget_gate": Clamp(units, 0.0)}
    done = unroll(cell, x, state, keep=("cell", "candidate"), edit=opened)
    torch.testing.assert_close(done.signals["cell"], done.signals["candidate"])


def test_unknown_signal_is_named_with_those_that_exist():
    cell, _ = made(CELLS[1])
    with pytest.raises(naibu.OptionError, match="'cell'.*reset_gate, update_gate, candidate, hidden"):
        unroll(cell, torch.randn(2, 1, 3).double(), keep=("cell",))
