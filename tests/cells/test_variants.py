"""The cells that torch does not have, as layers and in models: scan, wrappers, initialisation, the L1 term."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import naibu
from catalogue import CELLS, VARIANTS, entry
from naibu.cells import init
from naibu.cells.base import Cell
from naibu.cells.edits import Clamp
from naibu.cells.gru import GRUCell
from naibu.cells.kernels import explain, fused, held, scan
from naibu.cells.lstm import LSTMCell
from naibu.cells.minimal import MinGRUCell, MinLSTMCell
from naibu.cells.ntm import NTMCell, with_memory
from naibu.cells.slstm import SLSTMCell, SLSTMExponentialCell, block_diagonal
from naibu.cells.unroll import unroll
from naibu.cells.variants import LAYERS, SLSTM, MinGRU, MinLSTM, PeepholeLSTM, layer_of
from naibu.cells.wrappers import variational_dropout, weight_drop, zoneout
from naibu.cli import main
from naibu.config import CELLS as NAMES
from naibu.config import ModelConfig, SignalName, TrainingConfig
from naibu.models.language_model import LanguageModel, recurrent
from naibu.recording import record
from naibu.recording.listeners import SIGNALS
from naibu.storage import as_json
from naibu.training.l1 import l1_norm
from naibu.training.trainer import Trainer
from random_trees import nested

each_variant = pytest.mark.parametrize("entry", VARIANTS, ids=lambda entry: entry.name)
SMALL = {"ntm": {"memory_locations": 6, "memory_width": 3}}
"""What a cell has besides, small."""
LENGTHS = torch.tensor([5, 7, 1, 4])
TIGHT = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return naibu.open_corpus(trees(tmp_path_factory.mktemp("treebank")), form="brackets")


def trees(folder, count=60):
    rng, path = random.Random(5), folder / "trees.mrg"
    path.write_text("\n".join(f"(S {nested(rng)} {nested(rng)})" for _ in range(count)) + "\n")
    return path


def made(cell: type[Cell], *, input_size: int = 3, hidden: int = 4, seed: int = 2):
    torch.manual_seed(seed)
    made = cell(input_size, hidden).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.7)
    return made


def ones(cell: Cell, batch: int):
    return cell.state_type(*(torch.ones(batch, cell.width(part)).double() for part in cell.state_type._fields))


# ---------------------------------------------------------------- layers


def by_hand(entry, layer, x):
    """Output, last state and signals of one sequence `[time input]` by the equations in the catalogue."""
    values, finals, outputs = {}, [], []
    x = x[:, None]
    for number, reverse, name in layer.directions():
        cell = layer.cell(number, reverse=reverse)
        state = cell.before(cell.initial_state(1, x), len(x))._asdict()
        seen: list = [None] * len(x)
        for t in reversed(range(len(x))) if reverse else range(len(x)):
            seen[t] = entry.by_hand(cell, x[t], state)
            state = {part: seen[t].get(part, state[part]) for part in state}
        values.update({(name, signal): torch.cat([step[signal] for step in seen]) for signal in cell.signals})
        finals.append(state["hidden"][0])
        outputs.append(torch.stack([step["hidden"] for step in seen]))
        if reverse:
            x, outputs = torch.cat(outputs, -1), []
    return x[:, 0], torch.stack(finals), values


@each_variant
def test_layer_is_its_equations_sequence_by_sequence(entry):
    """Two layers, both ways, packed: padding and neighbours have no effect, signals are those of the equations."""
    layer = entry.layer(3, 4, 2, bidirectional=True).double()
    x = torch.randn(7, 4, 3).double()
    output, state = layer(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    output = pad_packed_sequence(output)[0]
    watched = layer.signals(x, keep=layer.cell_type.signals, lengths=LENGTHS)
    torch.testing.assert_close(watched.output, output, **TIGHT)
    # The scale of an sLSTM at its first step is any; what is divided by it is not.
    scaled = (
        {"stabiliser", "forget_gate", "cell", "normaliser", "update", "input_gate"} if "slstm" in entry.name else ()
    )
    for b, n in enumerate(LENGTHS.tolist()):
        wanted, final, values = by_hand(entry, layer, x[:n, b])
        torch.testing.assert_close(output[:n, b], wanted, **TIGHT)
        torch.testing.assert_close((state if isinstance(state, torch.Tensor) else state[0])[:, b], final, **TIGHT)
        for (name, signal), value in values.items():
            if signal not in scaled:
                torch.testing.assert_close(watched.signals[name, signal][:n, b], value, **TIGHT)


@each_variant
def test_layer_in_pieces_edited_copied_saved_and_in_float32(entry):
    layer = entry.layer(3, 4, 2, batch_first=True).double()
    x = torch.randn(5, 7, 3).double()
    whole, final = layer(x)
    first, state = layer(x[:, :3])
    second, state = layer(x[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    for mine, other in zip(state, final, strict=True):
        torch.testing.assert_close(mine, other)
    torch.testing.assert_close(layer(x[0])[0], whole[0])  # without a batch
    name = f"{layer.name}.1"
    for signal in layer.cell_type.signals:
        last = layer.cell().width(signal) - 1
        watched = layer.signals(x, keep=(signal,), edit={(name, signal): Clamp([last], 0.5)})
        assert (watched.signals[name, signal][..., last] == 0.5).all()
    copied = copy.deepcopy(layer)
    fresh = entry.layer(3, 4, 2, batch_first=True).double()
    assert not torch.allclose(fresh(x)[0], whole)
    fresh.load_state_dict(layer.state_dict())
    with torch.no_grad():
        layer.weight_ih_l0.add_(1)
    for twin in (copied, fresh):
        torch.testing.assert_close(twin(x)[0], whole)
    torch.testing.assert_close(fresh.float()(x.float())[0], whole.float(), rtol=1e-4, atol=1e-5)


@each_variant
def test_names_of_parameters_are_torchs_where_torch_has_them(entry):
    names = [name.removesuffix("_l0") for name in entry.layer(3, 4).state_dict()]
    torchs = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    assert [name for name in names if name in torchs] == (torchs if entry.cell.recurrent else torchs[::2])
    assert set(names[: len(torchs)]) <= set(torchs)
    assert set(entry.layer(3, 4, bias=False).state_dict()) == {f"{n}_l0" for n in names if not n.startswith("bias")}


def test_every_cell_has_a_name_an_entry_and_its_signals_at_the_door():
    assert tuple(LAYERS) == NAMES
    known = {layer.cell_type for layer in LAYERS.values()}
    assert {next(kind for kind in e.cell.__mro__ if kind in known) for e in CELLS} == known
    assert set(get_args(SignalName)) == set(SIGNALS)


def test_only_the_four_exact_cells_go_to_the_framework():
    for e in VARIANTS:
        assert "no fused layer" in (fused.refusal(e.cell) or "")
        assert held.refusal(e.cell, {"cell": Clamp([0], 0.0)}) is not None
    wrapped = [zoneout(LSTMCell, 0.1), variational_dropout(LSTMCell, 0.1), weight_drop(LSTMCell, 0.1)]
    for cell in wrapped:
        assert fused.refusal(cell) is not None
        assert held.refusal(cell, {"cell": Clamp([0], 0.0)}) is not None
    assert explain(PeepholeLSTM(3, 4)).startswith("plain path: the framework has no fused layer for PeepholeLSTMCell")


@pytest.mark.parametrize("cell", [LSTMCell, MinLSTMCell, SLSTMCell], ids=lambda c: c.__name__)
def test_thought_experiments_of_document_c(cell):
    """Input gate shut and forget gate open: what is held never changes. The other way round: it forgets at once."""
    cell, x, units = made(cell), torch.randn(6, 5, 3).double(), range(4)
    part = "hidden" if cell.state_type._fields == ("hidden",) else "cell"
    shut = {"input_gate": Clamp(units, 0.0), "forget_gate": Clamp(units, 1.0)}
    assert (unroll(cell, x, ones(cell, 5), keep=(part,), edit=shut).signals[part] == 1).all()
    opened = {"input_gate": Clamp(units, 1.0), "forget_gate": Clamp(units, 0.0)}
    done = unroll(cell, x, ones(cell, 5), keep=(part, "candidate"), edit=opened)
    torch.testing.assert_close(done.signals[part], done.signals["candidate"])


# ---------------------------------------------------------------- the parallel scan


@pytest.mark.parametrize("cell", [MinLSTMCell, MinGRUCell], ids=lambda c: c.__name__)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, torch.tensor([11, 1, 4, 9])], ids=["whole", "lengths"])
@pytest.mark.parametrize("large", [0, 10**9], ids=["one chunk", "chunks"])
def test_scan_is_the_loop_in_value_and_gradient(cell, reverse, lengths, large, monkeypatch):
    monkeypatch.setattr(scan, "_LARGE", large)
    cell = made(cell)
    x, state = torch.randn(11, 4, 3).double().requires_grad_(), ones(cell, 4)
    state = state._replace(hidden=state.hidden.requires_grad_())
    there = torch.ones(11, 4, dtype=torch.bool) if lengths is None else torch.arange(11)[:, None] < lengths
    options = {"keep": cell.signals, "lengths": lengths, "reverse": reverse}
    outcomes = []
    for done in (unroll(cell, x, state, **options), scan.run(cell, x, state, **options)):
        values = [done.output, done.state.hidden, *(done.signals[name][there] for name in cell.signals)]
        loss = sum((value * torch.cos(torch.arange(value.numel())).view_as(value)).sum() for value in values)
        gradients = torch.autograd.grad(loss, [x, state.hidden, *cell.parameters()], retain_graph=True)
        outcomes.append((*values, *gradients))
    for mine, other in zip(*outcomes, strict=True):
        torch.testing.assert_close(mine, other, **TIGHT)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 9, 30, 101])
@pytest.mark.parametrize("large", [0, 10**9], ids=["one chunk", "chunks"])
def test_scan_of_any_length_and_with_gates_at_nothing(steps, large, monkeypatch):
    """Gates at 0 and at 1e-30, where the product of all of them is no number any more."""
    monkeypatch.setattr(scan, "_LARGE", large)
    a, u, first = (torch.randn(n, 2, 3).double().requires_grad_() for n in (steps, steps, 1))
    gates = torch.where(torch.rand_like(a) < 0.3, 1e-30 * (torch.rand_like(a) < 0.5), a)
    h, wanted = first[0], []
    for t in range(steps):
        h = gates[t] * h + u[t]
        wanted.append(h)
    found = scan.linear_scan(gates, u, first[0])
    torch.testing.assert_close(found, torch.stack(wanted), **TIGHT)
    weights = torch.randn_like(found)
    theirs = torch.autograd.grad((torch.stack(wanted) * weights).sum(), (a, u, first), retain_graph=True)
    for mine, other in zip(torch.autograd.grad((found * weights).sum(), (a, u, first)), theirs, strict=True):
        torch.testing.assert_close(mine, other, **TIGHT)


def test_scan_gradient_is_finite_differences():
    parts = [torch.randn(n, 2, 3).double().requires_grad_() for n in (9, 9, 1)]
    assert torch.autograd.gradcheck(lambda a, u, first: scan.linear_scan(a, u, first[0]), parts)


def test_the_scan_is_taken_for_the_two_cells_and_says_why_not_otherwise():
    assert explain(MinGRU(3, 4)) == "parallel scan over time"
    layer = MinLSTM(3, 4, 2).double()
    x = torch.randn(40, 2, 3).double()
    same = {(f"min_lstm.{n}", "hidden"): (lambda value, step: value) for n in range(2)}
    assert explain(layer, edits={"hidden": Clamp([0], 1.0)}).startswith("plain path")
    torch.testing.assert_close(layer(x)[0], layer.signals(x, edit=same).output, **TIGHT)
    assert "not linear" in (scan.refusal(zoneout(MinGRUCell, 0.1), {}) or "")


def test_min_lstm_divides_gates_that_are_both_nothing():
    cell = MinLSTMCell(1, 1)
    with torch.no_grad():
        cell.bias_ih.copy_(torch.tensor([-200.0, -201.0, 1.0]))  # sigmoid(-200) is 0 in float32
        cell.weight_ih.zero_()
    seen = {}
    cell.step(cell.project(torch.zeros(1, 1)), cell.initial_state(1, torch.zeros(1)), seen.setdefault)
    assert seen["input_gate"].item() == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-6)
    assert (seen["input_gate"] + seen["forget_gate"]).item() == pytest.approx(1)


# ---------------------------------------------------------------- the sLSTM


@pytest.mark.parametrize("kind", [SLSTMCell, SLSTMExponentialCell], ids=lambda c: c.__name__)
def test_slstm_is_its_unstabilised_equations(kind):
    """c = f c + i g, n = f n + i, h = o c / n with i = exp, f = sigmoid or exp: without m the same h."""
    cell, x = made(kind), torch.randn(9, 5, 3).double()
    done = unroll(cell, x, keep=cell.signals)
    h, c, n = (torch.zeros(5, 4).double() for _ in range(3))
    for t in range(9):
        i, f, g, o = (x[t] @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh).chunk(4, 1)
        i, f = torch.exp(i), torch.sigmoid(f) if kind is SLSTMCell else torch.exp(f)
        c, n = f * c + i * torch.tanh(g), f * n + i
        h = torch.sigmoid(o) * c / n
        torch.testing.assert_close(done.output[t], h, **TIGHT)
        scale = torch.exp(done.signals["stabiliser"][t])
        torch.testing.assert_close(done.signals["cell"][t] * scale, c, **TIGHT)
        torch.testing.assert_close(done.signals["normaliser"][t] * scale, n, **TIGHT)


def test_slstm_stands_gates_that_no_exponential_can_hold():
    layer = SLSTM(1, 2)
    with torch.no_grad():
        layer.bias_ih_l0[:4] = torch.tensor([-500.0, 500.0, 400.0, -400.0])
    x = torch.randn(30, 3, 1, requires_grad=True)
    output, _ = layer(x)
    output.sum().backward()
    assert output.isfinite().all()
    assert (output.abs() <= 1).all()
    assert all(value.grad.isfinite().all() for value in (x, *layer.parameters()))
    shut = layer.signals(x, edit={("slstm.0", "input_gate"): Clamp([0, 1], 0.0)})
    assert (shut.output == 0).all()  # nothing was ever taken in


def test_heads_are_a_dense_matrix_with_zeros_between_them():
    cell = made(block_diagonal(SLSTMCell, 2), hidden=6)
    dense = SLSTMCell(3, 6).double()
    assert cell.weight_hh.shape == (24, 3)
    with torch.no_grad():
        for name in ("weight_ih", "bias_ih", "bias_hh"):
            getattr(dense, name).copy_(getattr(cell, name))
        dense.weight_hh.zero_()
        for row in range(24):
            head = row % 6 // 3
            dense.weight_hh[row, 3 * head : 3 * head + 3] = cell.weight_hh[row]
    x = torch.randn(7, 5, 3).double()
    torch.testing.assert_close(unroll(cell, x).output, unroll(dense, x).output, **TIGHT)
    with pytest.raises(naibu.OptionError, match="hidden_size=5: must be a multiple of the 2 heads"):
        block_diagonal(SLSTMCell, 2)(3, 5)


# ---------------------------------------------------------------- wrappers

KINDS = {
    "zoneout of the lstm": zoneout(LSTMCell, 0.3, 0.5),
    "zoneout of the gru": zoneout(GRUCell, 0.4),
    "variational lstm": variational_dropout(LSTMCell, 0.4, 0.4),
    "variational gru": variational_dropout(GRUCell, 0.4, 0.4),
    "variational peephole": variational_dropout(entry("lstm-peephole", lambda: {}).cell, 0.3, 0.3),
    "variational min-gru": variational_dropout(MinGRUCell, 0.5),
    "weight drop of the gru": weight_drop(GRUCell, 0.5),
    "weight drop of heads": weight_drop(block_diagonal(SLSTMCell, 2), 0.5),
    "all of the lstm": weight_drop(variational_dropout(zoneout(LSTMCell, 0.3, 0.5), 0.4, 0.4), 0.5),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


@each_kind
def test_wrapped_gradient_is_finite_differences(kind):
    cell = made(kind, input_size=2)
    x, state = torch.randn(3, 4, 2).double().requires_grad_(), ones(cell, 4)
    names = [name for name, _ in cell.named_parameters()]

    def through(x, *weights):
        torch.manual_seed(11)  # the same masks each time
        for name, weight in zip(names, weights, strict=True):
            cell._parameters[name] = weight
        done = unroll(cell, x, state, keep=cell.signals)
        return (done.output, *done.state, *done.signals.values())

    weights = [p.detach().clone().requires_grad_() for p in cell.parameters()]
    assert torch.autograd.gradcheck(through, (x, *weights), fast_mode=True)


@each_kind
def test_wrapped_cells_draw_in_training_alone_and_share_their_parameters(kind):
    layer = layer_of(kind, "mine")(3, 4, 2, bidirectional=True).double()
    x = torch.randn(7, 5, 3).double()
    torch.manual_seed(1)
    one, two = layer(x)[0], layer(x)[0]
    torch.manual_seed(1)
    torch.testing.assert_close(layer(x)[0], one)
    assert not torch.allclose(one, two)
    one.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())
    layer.eval()
    torch.testing.assert_close(layer(x)[0], layer(x)[0])
    keep = layer.cell_type.signals
    assert ("mine.1.reverse", "hidden") in layer.signals(x, keep=keep).signals


@pytest.mark.parametrize("entry", CELLS, ids=lambda entry: entry.name)
def test_wrappers_go_around_any_cell_where_they_make_sense(entry):
    """One network that has them all: masks draw, edits hold, gradients reach every parameter."""
    memory = 0.2 if entry.cell.state_type._fields == ("hidden", "cell") else 0.0
    rate = 0.2 if entry.cell.recurrent else 0.0
    kind = weight_drop(variational_dropout(zoneout(entry.cell, 0.1, memory), 0.2, rate), rate)
    layer = layer_of(kind)(3, 8, 2)
    x = torch.randn(6, 5, 3)
    lengths = torch.tensor([6, 1, 4, 6, 2])
    edit = {("recurrent.0", "hidden"): Clamp([1], 0.25)}
    watched = layer.signals(x, keep=kind.signals, lengths=lengths, edit=edit)
    assert (watched.signals["recurrent.0", "hidden"][..., 1] == 0.25).all()
    assert not torch.allclose(watched.output, layer.signals(x, lengths=lengths, edit=edit).output)
    watched.output.square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in layer.parameters())


@pytest.mark.parametrize("cell", [LSTMCell, GRUCell], ids=lambda c: c.__name__)
def test_dropout_wrappers_are_the_plain_cell_in_evaluation(cell):
    layer = layer_of(weight_drop(variational_dropout(cell, 0.4, 0.4), 0.5))(3, 4).double().eval()
    plain = layer_of(cell)(3, 4).double()
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(7, 5, 3).double()
    torch.testing.assert_close(layer(x)[0], plain(x)[0], **TIGHT)


def test_zoneout_is_its_equations():
    """h_t = d_h h_{t-1} + (1 - d_h) o tanh(c~), c_t = d_c c_{t-1} + (1 - d_c) c~, c~ = f c_{t-1} + i g."""
    cell, x = made(KINDS["zoneout of the lstm"]), torch.randn(200, 5, 3).double()
    done, kept = unroll(cell, x, keep=cell.signals), []
    state = cell.initial_state(5, x)
    for t in range(200):
        parts = CELLS[0].by_hand(cell, x[t], state._asdict())
        for part in ("hidden", "cell"):
            old, new, is_now = getattr(state, part), parts[part], done.signals[part][t]
            stayed = is_now == old
            torch.testing.assert_close(is_now, torch.where(stayed, old, new))
            kept.append(stayed.double().mean().item())
        state = type(state)(done.signals["hidden"][t], done.signals["cell"][t])
    torch.testing.assert_close(done.output, done.signals["hidden"])
    assert np.mean(kept[::2]) == pytest.approx(0.3, abs=0.05)
    assert np.mean(kept[1::2]) == pytest.approx(0.5, abs=0.05)
    cell.eval()
    done, state = unroll(cell, x[:1]), cell.initial_state(5, x)
    parts = CELLS[0].by_hand(cell, x[0], state._asdict())
    torch.testing.assert_close(done.state.hidden, 0.7 * parts["hidden"])
    torch.testing.assert_close(done.state.cell, 0.5 * parts["cell"])


@pytest.mark.parametrize("number", [0, 1], ids=["lstm", "gru"])
def test_variational_dropout_has_one_mask_for_all_steps(number):
    """By hand with the masks drawn again: x and the h that gates read are masked, the h that is carried on is not."""
    plain = CELLS[number].cell
    cell, x = made(variational_dropout(plain, 0.4, 0.4)), torch.randn(6, 5, 3).double()
    torch.manual_seed(3)
    done = unroll(cell, x)
    torch.manual_seed(3)
    mask_x, mask_h = (torch.nn.functional.dropout(torch.ones(5, n).double(), 0.4) for n in (3, 4))
    assert len(set(mask_x.flatten().tolist())) == 2
    state = cell.initial_state(5, x)
    for t in range(6):
        masked = {**state._asdict(), "hidden": state.hidden * mask_h}
        parts = CELLS[number].by_hand(cell, x[t] * mask_x, masked)
        if plain is GRUCell:
            z = parts["update_gate"]
            parts["hidden"] = (1 - z) * parts["candidate"] + z * state.hidden
        state = cell.state_type(*(parts[part] for part in state._fields))
        torch.testing.assert_close(done.output[t], state.hidden)


def test_weight_drop_has_one_mask_for_all_steps_and_sequences():
    cell, x = made(weight_drop(LSTMCell, 0.5)), torch.randn(6, 5, 3).double()
    torch.manual_seed(3)
    done = unroll(cell, x)
    torch.manual_seed(3)
    plain = made(LSTMCell)
    plain.load_state_dict(cell.state_dict())
    torch.manual_seed(3)
    with torch.no_grad():
        plain.weight_hh.mul_(torch.nn.functional.dropout(torch.ones_like(plain.weight_hh), 0.5))
    assert 0.2 < (plain.weight_hh == 0).double().mean() < 0.8
    torch.testing.assert_close(done.output, unroll(plain, x).output)
    assert not (cell.weight_hh == 0).any()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: zoneout(GRUCell, 0.1, 0.1), "a GRUCell has none, only its hidden state"),
        (lambda: zoneout(SLSTMCell, 0.1, 0.1), "SLSTMCell is in three parts"),
        (lambda: zoneout(LSTMCell, 1.0), "zoneout 1.0: must be from 0"),
        (lambda: variational_dropout(MinGRUCell, 0.1, 0.1), "no gate of a MinGRUCell reads it"),
        (lambda: weight_drop(MinGRUCell, 0.1), "a MinGRUCell has no recurrent weights"),
        (lambda: weight_drop(LSTMCell, -0.1), "weight drop -0.1: must be"),
        (lambda: block_diagonal(SLSTMCell, 0), "heads=0"),
        (lambda: init.forget_bias_(naibu.GRU(3, 4)), "a GRUCell has no weights of that gate; it has reset_gate"),
        (lambda: init.output_gate_bias_(LAYERS["lstm-no-output-gate"](3, 4), -1), "no weights of that gate"),
        (lambda: init.input_gate_bias_(naibu.LSTM(3, 4, bias=False), -1), "made without biases"),
        (lambda: init.input_gate_bias_(naibu.LSTM(3, 4), [1.0, 2.0]), "2 values for 4 units"),
        (lambda: init.orthogonal_(MinGRU(3, 4)), "a MinGRUCell has no recurrent weights"),
        (lambda: init.orthogonal_(torch.nn.LSTM(3, 4)), "LSTM: no layer of naibu in it"),
        (lambda: LAYERS["gru-reset-before"].of(torch.nn.GRU(3, 4)), "GRUResetBefore.of"),
        (lambda: recurrent(3, ModelConfig("gru", output_gate_bias=-1.0)), "output_gate bias: a GRUCell"),
        (lambda: ModelConfig("lstm", heads=2), "--heads 2: must be 1 with --cell lstm"),
        (lambda: ModelConfig("slstm", 9, heads=2), "--heads 2: must be a divisor of the 9 units"),
        (lambda: ModelConfig("ntm", memory_locations=0), "--memory-locations 0: must be at least 1"),
        (lambda: ModelConfig("ntm", memory_width=-1), "--memory-width -1: must be at least 1"),
        (lambda: ModelConfig("ntm", heads=2), "--heads 2: must be 1 with --cell ntm"),
        (lambda: ModelConfig("ntm", heads=0), "--heads 0: must be at least 1"),
        (lambda: ModelConfig(memory_width=8), "--memory-width 8: must be left away with --cell lstm"),
        (lambda: with_memory(NTMCell, 0, 4), "locations=0: must be at least 1"),
        (lambda: LAYERS["ntm"](3, 4)(torch.randn(2, 1, 3), [torch.zeros(1, 1, 4)] * 6), r"\(1, 1, 20\), got \(1, 1, 4"),
        (lambda: ModelConfig(zoneout=1.5), "--zoneout 1.5"),
        (lambda: ModelConfig("lstm-2000"), "--cell lstm-2000: must be one of lstm, gru"),
        (lambda: TrainingConfig(l1=-1.0), "--l1 -1.0: must be 0 or more"),
    ],
)
def test_wrong_use_is_said_in_one_line(wrong, said):
    with pytest.raises(naibu.OptionError, match=said) as caught:
        wrong()
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- initialisation


def test_orthogonal_keeps_lengths_in_every_gate():
    for layer, size in (
        (naibu.LSTM(3, 6, 2, bidirectional=True), 6),
        (layer_of(block_diagonal(SLSTMCell, 2))(3, 6), 3),
    ):
        before = layer.weight_ih_l0.clone()
        assert init.orthogonal_(layer, 2.0) is layer
        for name, weight in layer.named_parameters():
            for block in weight.split(size) if name.startswith("weight_hh") else ():
                torch.testing.assert_close(block @ block.T, 4 * torch.eye(size), rtol=1e-5, atol=1e-5)
        assert (layer.weight_ih_l0 == before).all()


def test_biases_of_gates_move_those_gates_alone():
    gates = {"forget_gate": init.forget_bias_, "input_gate": init.input_gate_bias_}
    for kind in (naibu.LSTM, LAYERS["lstm-peephole"], LAYERS["min-lstm"], SLSTM):
        for gate, move in gates.items():
            layer = torch.nn.Sequential(kind(3, 4))[0]
            before = layer.bias_ih_l0.clone()
            move(torch.nn.Sequential(layer), [1.0, -2.0, 3.0, 0.5])
            moved = (layer.bias_ih_l0 - before).view(-1, 4)
            at = layer.cell_type.gates.index(gate)
            torch.testing.assert_close(moved[at], torch.tensor([1.0, -2.0, 3.0, 0.5]))
            moved[at] = 0
            assert (moved == 0).all()


def test_a_configuration_starts_its_layers_as_it_says():
    torch.manual_seed(7)
    plain = recurrent(3, ModelConfig(units=4, forget_bias=0.0))
    torch.manual_seed(7)
    shut = recurrent(3, ModelConfig(units=4, output_gate_bias=-2.0, input_gate_bias=-3.0))
    moved = (shut.bias_ih_l0 - plain.bias_ih_l0).view(4, 4)
    torch.testing.assert_close(moved, torch.tensor([-3.0, 1.0, 0.0, -2.0])[:, None].expand(4, 4))
    wild = ModelConfig("slstm", 4, 2, heads=2, orthogonal=True, zoneout=0.1, variational_dropout=0.2, weight_drop=0.3)
    layers = recurrent(3, wild)
    assert layers.weight_hh_l1.shape == (16, 2)
    assert {"_Zoneout", "_Variational", "_WeightDrop"} <= {base.__name__ for base in layers.cell_type.__mro__}
    assert recurrent(3, ModelConfig("min-gru", 4, variational_dropout=0.2)).cell_type is not MinGRUCell
    assert type(recurrent(3, ModelConfig(units=4))) is naibu.LSTM


# ---------------------------------------------------------------- in models


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_trains_in_a_language_model_and_is_recorded(name, corpus):
    torch.manual_seed(4)
    model = LanguageModel(len(corpus.vocabulary), replace(ModelConfig(name, 6, 2), **SMALL.get(name, {})))
    trainer = Trainer(model, TrainingConfig(steps=20, l1=0.001, l1_signals=("hidden",)))
    batch = corpus.train.batch(np.arange(12))
    losses = [trainer.step(batch, step, 3e-3).total for step in range(12)]
    assert losses[-1] < losses[0]
    signals = model.layers.cell_type.signals
    recording = record(model, corpus, keep=signals, dtype="float32")
    ids = torch.from_numpy(corpus.train[3].ids.astype(np.int64))
    a, b = recording.index.starts[3:5]
    with torch.no_grad():
        x = model.eval().embedding(ids)[:, None]
        for layer in range(2):
            plain = unroll(model.layers.cell(layer), x, keep=signals)
            x = plain.output
            for signal in signals:
                found = recording[f"{model.layers.name}.{layer}", signal][a:b]
                np.testing.assert_allclose(found, plain.signals[signal][:, 0], rtol=2e-5, atol=5e-6)


def test_wrapped_layers_train_in_runs_that_can_be_loaded(corpus, tmp_path):
    config = ModelConfig(units=8, zoneout=0.1, zoneout_cell=0.2, variational_dropout=0.2, weight_drop=0.3)
    training = TrainingConfig(steps=6, validations=2, threads=1, l1=0.01, l1_signals=("cell", "hidden"))
    run = naibu.train(corpus, out=tmp_path, model=config, training=training)
    again = naibu.open_run(run.path)
    assert again.model == config
    assert again.training == run.training
    assert again.training.l1_signals == ("cell", "hidden")
    assert as_json(again.training) == json.loads(json.dumps(as_json(training))) | {"steps": 6, "threads": 1}
    ids = torch.from_numpy(corpus.train[0].ids.astype(np.int64))[:, None]
    assert naibu.load(again)(ids)[0].isfinite().all()


@pytest.mark.parametrize(("cell", "signal"), [("slstm", "normaliser"), ("ntm", "write_shift")])
def test_every_command_takes_any_cell(cell, signal, tmp_path, capsys):
    out = tmp_path / "mine"
    small = ("--form", "brackets", "--cell", cell, "--units", "5", "--steps", "8", "--threads", "1")
    unusual = ("--zoneout", "0.1", "--orthogonal", "--l1", "0.01", "--l1-signals", signal)
    steps = [
        ["train", trees(tmp_path), *small, *unusual, "--out", out],
        ["record", out, "--keep", signal],
        ["probe", out],
        ["intervene", out, "--signal", signal, "--unit", "2", "--draws", "2", "--json", out / "held.json"],
        ["report", out, "--out", out / "report.html"],
    ]
    for step in steps:
        assert main([str(word) for word in step]) == 0, capsys.readouterr().err
    assert (out / "report.html").exists()
    assert any(signal in row["what"] for row in json.loads((out / "held.json").read_text()))
    assert naibu.open_run(out).training.l1_signals == (signal,)


def test_a_look_takes_a_network_without_recurrence(tmp_path):
    out, small = tmp_path / "look", ("--units", "5", "--steps", "8", "--threads", "1", "--form", "brackets")
    assert main(["look", str(trees(tmp_path)), "--cell", "one-to-one", *small, "--out", str(out)]) == 0
    assert (out / "report.html").exists()
    assert (out / "brackets-5-one-to-one/recordings/trained/shards/00000/feedforward.0.hidden.npy").exists()


class Tagger(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.output = layer, torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.output(self.layer(x)[0])


def test_variants_are_recorded_in_anybodys_module():
    layer = layer_of(zoneout(PeepholeLSTM.cell_type, 0.2), "lstm")(3, 4)
    x = torch.randn(6, 2, 3)
    with naibu.listen(drawing := Tagger(layer), ("hidden",), dtype="float32") as calls:  # what it drew in that very run
        output = drawing(x)
    hidden = torch.from_numpy(calls.recording["layer.0", "hidden"][:]).view(2, 6, 4).transpose(0, 1)
    torch.testing.assert_close(drawing.output(hidden), output)
    model = Tagger(layer).eval()
    recording = naibu.record(model, [x], keep=("cell", "output_gate"), dtype="float32")
    wanted = unroll(layer.cell(), x, keep=("cell",)).signals["cell"].detach()
    found = recording["layer.0", "cell"][:].reshape(2, 6, 4)
    np.testing.assert_allclose(found, wanted.transpose(0, 1), rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------- the L1 term


def test_l1_gradient_is_finite_differences():
    layer, there = naibu.LSTM(2, 3).double(), torch.arange(5)[:, None] < torch.tensor([5, 2, 4])
    x = torch.randn(5, 3, 2).double()
    names = [name for name, _ in layer.named_parameters()]
    keep = ("cell", "forget_gate")

    def price(*weights):
        for name, weight in zip(names, weights, strict=True):
            layer._parameters[name] = weight
        return l1_norm(layer.signals(x, keep=keep).signals.values(), there)

    weights = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    assert torch.autograd.gradcheck(price, weights)
    signals = layer.signals(x, keep=keep).signals
    by_hand = sum(
        value[t, b].abs().sum() for value in signals.values() for b, n in enumerate((5, 2, 4)) for t in range(n)
    )
    torch.testing.assert_close(price(*weights), by_hand / 11)


@pytest.mark.parametrize("cell", ["lstm", "lstm-coupled"])
def test_l1_makes_the_cells_smaller(cell, corpus):
    batch, sizes = corpus.train.batch(np.arange(24)), []
    for l1 in (0.0, 0.05):
        torch.manual_seed(4)
        model = LanguageModel(len(corpus.vocabulary), ModelConfig(cell, 8, dropout=0.0))
        trainer = Trainer(model, TrainingConfig(steps=40, l1=l1))
        for step in range(40):
            trainer.step(batch, step, 0.01)
        signals = model.watch(batch.main.x, keep=("cell",)).signals
        sizes.append(l1_norm(signals.values(), batch.predicted).item())
    assert sizes[1] < 0.7 * sizes[0]


def test_without_l1_a_step_is_the_same_step(corpus):
    """A term so small that it rounds to nothing changes nothing: the watched path is the unwatched one."""
    batch, weights = corpus.train.batch(np.arange(8)), []
    for l1 in (0.0, 1e-30):
        torch.manual_seed(4)
        model = LanguageModel(len(corpus.vocabulary), ModelConfig(units=8, dropout=0.2))
        Trainer(model, TrainingConfig(steps=5, l1=l1)).step(batch, 0, 3e-3)
        weights.append(model.state_dict())
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-4, atol=1e-5)


def test_l1_on_a_signal_that_is_not_there_leaves_no_run_behind(corpus, tmp_path):
    training = TrainingConfig(steps=5, threads=1, l1=0.1)
    with pytest.raises(naibu.OptionError, match="--l1-signals cell: the network's layers have reset_gate"):
        naibu.train(corpus, out=tmp_path, model=ModelConfig("gru", 6), training=training)
    with pytest.raises(naibu.OptionError, match="output_gate bias: a GRUCell"):
        naibu.train(
            corpus,
            out=tmp_path,
            model=ModelConfig("gru", 6, output_gate_bias=-1.0),
            training=replace(training, l1=0.0),
        )
    assert not list(tmp_path.rglob("*"))
