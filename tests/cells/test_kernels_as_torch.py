"""Where programs lean on what torch's layers and losses do besides their values: ours do it too, or say no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.nn.utils import prune
from torch.nn.utils.rnn import PackedSequence

import naibu
from naibu.cells.kernels import lstm_backward, own, packing, steps
from naibu.cells.kernels.scan import linear_scan
from naibu.compiling import folder_of
from naibu.errors import OptionError
from naibu.models.cross_entropy import chunked_cross_entropy

every = pytest.mark.parametrize(
    ("ours", "theirs"), [(naibu.LSTM, nn.LSTM), (naibu.GRU, nn.GRU), (naibu.RNN, nn.RNN)], ids=["lstm", "gru", "rnn"]
)


def pair(ours: Any, theirs: Any) -> tuple[Any, Any]:
    torch.manual_seed(2)
    layer, other = ours(5, 7), theirs(5, 7)
    other.load_state_dict(layer.state_dict())
    return layer, other


@every
def test_each_parameter_has_a_gradient_of_its_own(ours, theirs):
    layer, other = pair(ours, theirs)
    x = torch.randn(6, 3, 5)
    for each in (layer, other):
        for parameter in each.parameters():
            parameter.register_hook(lambda gradient: gradient.mul_(0.5))
    found, expected = (torch.autograd.grad(each(x)[0].sum(), list(each.parameters())) for each in (layer, other))
    for gradient, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, wanted)


@every
def test_output_and_state_may_be_changed_in_place(ours, theirs):
    layer, _ = pair(ours, theirs)
    scale = torch.ones(1, requires_grad=True)
    with torch.no_grad():
        output, state = layer(torch.randn(6, 3, 5))
    for part in (output, *(state if isinstance(state, tuple) else (state,))):
        part.mul_(scale)
    layer(torch.randn(6, 3, 5))[0].detach_()


@every
def test_an_output_that_was_changed_is_seen_by_the_backward_pass(ours, theirs):
    layer, _ = pair(ours, theirs)
    output, _ = layer(torch.randn(6, 3, 5))
    total = output.sum()
    output.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


@every
def test_parameters_of_other_sizes_are_refused(ours, theirs):
    for name, shape in (("bias_hh_l0", (3,)), ("weight_hh_l0", (7, 3)), ("weight_ih_l0", (5, 7))):
        layer, _ = pair(ours, theirs)
        setattr(layer, name, nn.Parameter(torch.randn(shape)))
        with pytest.raises(OptionError, match=r"their shapes .* do not fit"):
            layer(torch.randn(6, 3, 5))


@every
def test_weights_that_are_made_of_others(ours, theirs):
    layer, other = pair(ours, theirs)
    prune.random_unstructured(layer, "weight_hh_l0", 0.5)
    other.load_state_dict({**layer.state_dict(), "weight_hh_l0": layer.weight_hh_l0}, strict=False)
    x = torch.randn(6, 3, 5)
    torch.testing.assert_close(layer(x)[0], other(x)[0])
    torch.testing.assert_close(layer.signals(x, keep=("hidden",)).output, other(x)[0])


@every
def test_another_default_device_changes_nothing(ours, theirs):
    layer, other = pair(ours, theirs)
    steps.dense_steps.cache_clear()
    packing.panels_of.cache_clear()
    x = torch.randn(11, 3, 5)
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([11, 4, 2]))
    with torch.device("meta"):
        found = [layer(each)[0] for each in (x, packed)]
        found[0].sum().backward()
    torch.testing.assert_close(found[0], other(x)[0])
    torch.testing.assert_close(found[1].data, other(packed)[0].data)


def test_tensors_without_memory_are_left_to_the_framework():
    with FakeTensorMode():
        layer = naibu.LSTM(5, 7)
        assert layer(torch.randn(6, 3, 5))[0].shape == (6, 3, 7)
        assert own.refusal(layer.cell_type, *layer.parameters()) is not None


@every
@pytest.mark.parametrize("sizes", [[1, 2], [2, 0], [2, 0, 2]], ids=str)
def test_batch_sizes_that_rise_or_end_in_nothing(ours, theirs, sizes):
    layer, _ = pair(ours, theirs)
    with pytest.raises(OptionError, match="must fall from step to step"):
        layer(PackedSequence(torch.randn(sum(sizes), 5), torch.tensor(sizes)))


def test_symbols_that_are_no_whole_numbers():
    layer, vectors = naibu.LSTM(5, 7), torch.randn(3, 5)
    with pytest.raises(RuntimeError, match=r"(?i)long|int"):
        layer.forward_symbols(torch.tensor([[0.5, 1.0], [2.0, 0.0]]), vectors)
    assert layer.forward_symbols(torch.zeros(2, 0, dtype=torch.int64), vectors[:0])[0].shape == (2, 0, 7)


def test_what_is_compiled_does_not_depend_on_where_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    here = folder_of(lstm_backward.backward.function)
    (tmp_path / "notes.py").write_text("x = 1\n")
    (tmp_path / ".#notes.py").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    assert folder_of(lstm_backward.backward.function) == here


def loss_inputs(symbols: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(4)
    hidden, weight = torch.randn(6, 5, requires_grad=True), torch.randn(symbols, 5, requires_grad=True)
    return hidden, weight, torch.randint(0, symbols, (6,))


@pytest.mark.parametrize("symbols", [9, 200, 1500])
def test_second_derivatives_of_the_loss_are_had_or_refused(symbols):
    hidden, weight, targets = loss_inputs(symbols)
    loss = chunked_cross_entropy(hidden, weight, None, targets)
    with pytest.raises(RuntimeError, match="second derivatives"):
        torch.autograd.grad(loss, hidden, create_graph=True)


@pytest.mark.parametrize("symbols", [9, 1500])
def test_losses_of_sizes_that_do_not_fit_are_refused(symbols):
    hidden, weight, targets = loss_inputs(symbols)
    for wrong in (
        (hidden[:, :3], weight, None, targets),
        (hidden, weight, torch.randn(1), targets),
        (hidden, weight, None, targets[:4]),
    ):
        with pytest.raises(OptionError, match="cross-entropy of hidden"):
            chunked_cross_entropy(*wrong)


@pytest.mark.parametrize("symbols", [9, 200, 1500])
def test_the_loss_of_one_target_alone(symbols):
    hidden, weight, targets = loss_inputs(symbols)
    expected = functional.cross_entropy(weight @ hidden[0], targets[0])
    torch.testing.assert_close(chunked_cross_entropy(hidden[0], weight, None, targets[0]), expected)


def test_targets_that_were_changed_are_seen_by_the_second_backward_pass():
    hidden, weight, targets = loss_inputs(1500)
    loss = chunked_cross_entropy(hidden, weight, None, targets)
    loss.backward(retain_graph=True)
    targets.fill_(7)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("length", [1, 2, 9])
def test_second_derivatives_of_a_scan(length):
    torch.manual_seed(5)
    shapes = [(length, 2, 3), (length, 2, 3), (2, 3)]
    parts = [torch.rand(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradgradcheck(linear_scan, parts)
