"""How the gradient travels: against finite differences, closed forms and bounds; clipping; the worked example."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import random
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import Tensor

import naibu
from naibu.cells.base import State
from naibu.cells.layers import GRU, LSTM, RNN, Recurrent
from naibu.cells.unroll import unroll
from naibu.cells.variants import LSTM1997, NoForgetGateLSTM, PeepholeLSTM
from naibu.cli import main
from naibu.gradients import clipping, elman_bound, gradient_curve, norms_against_lag
from naibu.gradients.clipping import exploding
from naibu.looking.gradients import beginnings, lags_to
from naibu.reporting.plots.canvas import new_axes, write_png
from naibu.reporting.plots.gradients import plot_clipping_loss, plot_clipping_norms, plot_gradients, power
from random_trees import nested

ROOT = Path(__file__).parents[2]
LAYERS = {
    "rnn": RNN,
    "gru": GRU,
    "lstm": LSTM,
    "no-forget": NoForgetGateLSTM,
    "1997": LSTM1997,
    "peephole": PeepholeLSTM,
}


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    draw = random.Random(3)
    path = tmp_path_factory.mktemp("treebank") / "trees.mrg"
    path.write_text("".join(f"(S {nested(draw)} {nested(draw)})\n" for _ in range(120)))
    return path


def made(name: str, layers: int = 1, hidden: int = 5) -> tuple[Recurrent, Tensor]:
    torch.manual_seed(4)
    return LAYERS[name](3, hidden, layers).double(), torch.randn(9, 4, 3).double()


def wiggled(layers: Recurrent, x: Tensor, sequence: int, lag: int, of: str) -> Tensor:
    """d of_T / d of_t by central differences, `[row column]`, of one sequence of a layer that stands alone."""
    cell, x = layers.cell(), x[:, sequence : sequence + 1]
    with torch.no_grad():
        start = unroll(cell, x[: len(x) - lag]).state if lag < len(x) else cell.initial_state(1, x)

    def after(change: Tensor) -> Tensor:
        names = type(start)._fields if of == "state" else (of,)
        parts, state = dict(zip(type(start)._fields, start, strict=True)), change.chunk(len(names))
        moved: State = type(start)(**{**parts, **{n: parts[n] + s for n, s in zip(names, state, strict=True)}})
        end = unroll(cell, x[len(x) - lag :], moved).state
        return torch.cat([getattr(end, n)[0] for n in names])

    width = layers.hidden_size * (len(type(start)._fields) if of == "state" else 1)
    with torch.no_grad():
        steps = 1e-5 * torch.eye(width).double()
        return torch.stack([(after(step) - after(-step)) / 2e-5 for step in steps], 1)


@pytest.mark.parametrize(
    ("name", "wrt"),
    [
        (name, wrt)
        for name in LAYERS
        for wrt in ("hidden", "cell", "state")
        if wrt != "cell" or "cell" in LAYERS[name](1, 1).cell_type.state_type._fields
    ],
)
@pytest.mark.parametrize("kind", ["spectral", "frobenius"])
def test_the_norms_are_those_of_finite_differences(name, wrt, kind):
    layers, x = made(name)
    lags = (1, 2, 5, 9)
    found = norms_against_lag(layers, x, lags=lags, wrt=wrt, kind=kind)
    order = 2 if kind == "spectral" else "fro"
    for k, lag in enumerate(lags):
        for sequence in range(x.shape[1]):
            expected = torch.linalg.matrix_norm(wiggled(layers, x, sequence, lag, wrt), order)
            assert found[k, sequence].item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-9)


def test_a_linear_elman_network_gives_the_power_of_its_matrix():
    """With ReLU, positive weights and inputs no unit is ever cut off: the Jacobian is W^lag exactly."""
    layers = RNN(3, 4, nonlinearity="relu").double()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.abs_()
    lags = list(range(8))
    found = norms_against_lag(layers, torch.rand(7, 2, 3).double(), lags=lags)
    weight = layers.cell().weight_hh.detach()
    powers = [torch.linalg.matrix_norm(torch.linalg.matrix_power(weight, lag), 2) for lag in lags]
    torch.testing.assert_close(found, torch.stack(powers)[:, None].expand(-1, 2), rtol=1e-12, atol=0)


def test_gates_held_as_in_the_first_thought_experiment_keep_cell_and_gradient():
    layers, x = made("lstm")
    everything = range(5)
    held = {
        ("lstm.0", "input_gate"): naibu.Clamp(everything, 0.0),
        ("lstm.0", "forget_gate"): naibu.Clamp(everything, 1.0),
    }
    for wrt in ("cell", "carousel"):
        found = norms_against_lag(layers, x, lags=(0, 1, 4, 9), wrt=wrt, edit=held)
        torch.testing.assert_close(found, torch.ones(4, 4).double(), rtol=1e-12, atol=0)
    swapped = {("lstm.0", "forget_gate"): naibu.Clamp(everything, 0.0, range(5, 6))}  # one step forgets all
    found = norms_against_lag(layers, x, lags=(3, 4), wrt="carousel", edit=swapped)
    assert (found[0] > 0).all()
    assert (found[1] == 0).all()


@pytest.mark.parametrize("name", ["no-forget", "1997"])
def test_without_a_forget_gate_the_carousel_is_one_and_the_rest_is_not(name):
    layers, x = made(name)
    lags = (1, 5, 9)
    assert (norms_against_lag(layers, x, lags=lags, wrt="carousel") == 1).all()
    assert (norms_against_lag(layers, x, lags=lags, wrt="cell") != 1).any()


def test_the_carousel_is_the_product_of_the_forget_gates():
    layers, x = made("lstm")
    gates = layers.signals(x, keep=("forget_gate",)).signals["lstm.0", "forget_gate"].detach()
    found = norms_against_lag(layers, x, lags=(1, 4, 9), wrt="carousel")
    expected = torch.stack([gates[-lag:].prod(0).amax(-1) for lag in (1, 4, 9)])
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)


def test_an_upper_layer_is_measured_on_what_the_lower_one_gave():
    layers, x = made("lstm", layers=2)
    alone = LSTM(5, 5).double()
    alone.load_state_dict({k.replace("_l1", "_l0"): v for k, v in layers.state_dict().items() if k.endswith("_l1")})
    below = layers.signals(x, keep=("hidden",)).signals["lstm.0", "hidden"].detach()
    found = norms_against_lag(layers, x, lags=(1, 5), layer=1)
    torch.testing.assert_close(found, norms_against_lag(alone, below, lags=(1, 5)), rtol=1e-9, atol=0)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_elman_bound_holds_for_every_sequence(nonlinearity, scale):
    torch.manual_seed(5)
    layers = RNN(3, 12, nonlinearity=nonlinearity)
    with torch.no_grad():
        layers.cell().weight_hh *= scale
    x = 2 * torch.randn(20, 6, 3)
    for kind in ("spectral", "frobenius"):
        curve = gradient_curve(layers, x, lags=range(21), kind=kind)
        assert curve.bound is not None
        assert curve.bound_met is not None
        for greatest, met, bound in zip(curve.greatest, curve.bound_met, curve.bound, strict=True):
            assert greatest <= met * (1 + 1e-9)
            assert met <= bound
    found = elman_bound(layers, x)
    assert found is not None
    assert found.radius <= found.weight


def test_the_slope_that_was_met_is_below_one_where_every_unit_saturates():
    layers = RNN(1, 2)
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.zero_()
        layers.cell().bias_ih += torch.tensor([2.0, -3.0])
    found = elman_bound(layers, torch.zeros(4, 1, 1))
    assert found is not None
    assert found.slope == 1
    assert found.slope_met == pytest.approx(1 - math.tanh(2) ** 2, rel=1e-6)
    assert elman_bound(LSTM(1, 2), torch.zeros(4, 1, 1)) is None


@pytest.mark.parametrize("wrt", ["hidden", "state"])
def test_the_estimate_agrees_with_the_exact_norm_and_is_unbiased_in_the_square(wrt):
    layers, x = made("lstm", hidden=12)
    lags = (1, 4)
    exact = norms_against_lag(layers, x, lags=lags, wrt=wrt, kind="frobenius")
    estimated = norms_against_lag(layers, x, lags=lags, wrt=wrt, kind="frobenius", vectors=4000)
    torch.testing.assert_close(estimated, exact, rtol=0.08, atol=0)
    few = [norms_against_lag(layers, x, lags=lags, wrt=wrt, kind="frobenius", vectors=2, seed=s) for s in range(400)]
    mean = torch.stack(few).square().mean(0)
    torch.testing.assert_close(mean, exact.square(), rtol=0.2, atol=0)


def test_tiny_norms_do_not_become_zero_and_the_layer_is_left_as_it_was():
    layers, x = RNN(2, 3), torch.randn(100, 2, 2)
    with torch.no_grad():
        layers.cell().weight_hh *= 1e-2
    before = {name: value.clone() for name, value in layers.state_dict().items()}
    found = norms_against_lag(layers, x, lags=(100,))
    assert ((found > 0) & (found < 1e-180)).all()
    assert all(torch.equal(value, before[name]) for name, value in layers.state_dict().items())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in layers.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lags": (10,)}, "lag 10: the sequences have 9 steps"),
        ({"lags": (3, 1)}, "must ascend"),
        ({"lags": ()}, "must ascend"),
        ({"layer": 1}, "layer 1: there are layers 0 to 0"),
        ({"wrt": "gate"}, "wrt 'gate': must be one of hidden, state, cell, carousel"),
        ({"wrt": "cell"}, "a GRUCell has no cell"),
        ({"kind": "nuclear"}, "norm 'nuclear': must be one of spectral, frobenius"),
        ({"vectors": 3}, "vectors 3: 0 for exact norms"),
        ({"edit": {("gru.0", "cell"): naibu.Clamp([0], 1.0)}}, "signal 'cell'"),
    ],
)
def test_what_cannot_be_measured_is_said(change, said):
    layers, x = made("gru")
    with pytest.raises(naibu.OptionError, match=said.replace("(", r"\(")):
        norms_against_lag(layers, x, **{"lags": (1,), **change})


def test_two_directions_are_refused():
    with pytest.raises(naibu.OptionError, match="bidirectional"):
        norms_against_lag(GRU(2, 3, bidirectional=True), torch.zeros(4, 1, 2), lags=(1,))


def test_the_interval_holds_the_median_and_one_sequence_has_none():
    layers, x = made("gru")
    curve = gradient_curve(layers, x, lags=(1, 3), run="r", cell="gru", trained=False)
    assert all(low <= norm <= high for low, norm, high in zip(curve.lower, curve.norm, curve.upper, strict=True))
    assert {"run", "layer", "lag", "norm", "lower", "upper", "bound"} <= curve.rows()[0].keys()
    assert curve.rows()[1]["lag"] == 3
    assert all(math.isnan(v) for v in gradient_curve(layers, x[:, :1], lags=(1,)).lower)


def test_lags_are_all_at_first_and_end_at_the_last():
    assert lags_to(1) == [0, 1]
    assert lags_to(5) == [0, 1, 2, 3, 4, 5]
    long = lags_to(300)
    assert long[:13] == list(range(13))
    assert long[-1] == 300
    assert len(long) < 60


# Clipping


def test_clipping_lets_an_exploding_network_learn(treebank):
    corpus = naibu.open_corpus(treebank, form="brackets")
    free, clipped = clipping(corpus.train, clips=(None, 0.25), units=40, steps=120)
    assert free.norm[0] == clipped.norm[0]  # the same weights and batch
    assert free.loss[0] == clipped.loss[0]
    assert clipped.last_loss() < 0.8 * clipped.loss[0]
    assert clipped.last_loss() < free.last_loss()
    assert len(clipped.rows()) == 120
    with pytest.raises(naibu.OptionError, match="clip -1"):
        clipping(corpus.train, clips=(-1.0,))


def test_the_exploding_network_has_the_radius_asked_for():
    weight = exploding(5, 30, 1.7, seed=1).layers.cell().weight_hh.detach()
    assert torch.linalg.eigvals(weight.double()).abs().max().item() == pytest.approx(1.7, rel=1e-5)


# Plots and the command


def test_plots_draw_what_the_results_hold(tmp_path):
    layers, x = made("rnn")
    curve = gradient_curve(layers, x, lags=(0, 1, 3), cell="rnn")
    before = dict(mpl.rcParams)
    ax = plot_gradients([curve], new_axes(), title="t")
    by_label = {line.get_label(): line for line in ax.get_lines()}
    assert by_label["rnn"].get_ydata().tolist() == list(curve.norm)
    assert by_label["rnn: bound of eq. 13"].get_ydata().tolist() == list(curve.bound or ())
    assert ax.get_yscale() == "log"
    corpus_free = naibu.gradients.ClippingRun("not clipped", None, 2.0, 1.0, (1.0, math.inf, 2.0), (1.0, math.nan, 3.0))
    assert np.isnan(plot_clipping_norms([corpus_free]).get_lines()[0].get_ydata()[1])
    assert plot_clipping_loss([corpus_free]).get_lines()[1].get_ydata()[0] == 2.0
    assert dict(mpl.rcParams) == before
    for name in ("a.png", "b.png"):
        write_png(lambda figure: plot_gradients([curve], figure.subplots()), tmp_path / name, size=(3, 2))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_powers_of_ten_are_written_as_such():
    assert [power(x) for x in (1e-12, 0.1, 1.0, 10.0, 1e3, 2e3)] == ["10⁻¹²", "0.1", "1", "10", "10³", ""]


@pytest.fixture(scope="module")
def run(treebank, tmp_path_factory):
    corpus = naibu.open_corpus(treebank, form="tagged")
    config = naibu.ModelConfig("lstm", 6, layers=2)
    return naibu.train(
        corpus, out=tmp_path_factory.mktemp("runs"), model=config, training=naibu.TrainingConfig(steps=5, threads=1)
    )


def test_the_command_measures_runs_and_leaves_table_and_picture(run, tmp_path, capsys):
    command = ["gradients", str(run.path), "--lags", "8", "--sequences", "5", "--out", str(tmp_path)]
    assert main([*command, "--json", str(tmp_path / "rows.json")]) == 0
    with (tmp_path / "gradients.csv").open() as file:
        rows = list(csv.DictReader(file))
    written = json.loads((tmp_path / "rows.json").read_text())
    assert len(written) == len(rows) == 2 * 2 * 3 * 9  # trained or not, layers, derivatives, lags
    names = ["run", "cell", "units", "trained", "layer", "wrt", "kind", "vectors", "sequences", "lag", "norm"]
    assert list(rows[0]) == [*names, "lower", "upper", "greatest", "bound", "bound_met"]
    assert all(float(row["norm"]) == pytest.approx(1) for row in rows if row["lag"] == "0")
    assert (tmp_path / "gradients.png").read_bytes().startswith(b"\x89PNG")
    assert "lstm, lstm.1" in capsys.readouterr().out
    first = (tmp_path / "gradients.csv").read_bytes()
    assert main(command) == 0
    assert (tmp_path / "gradients.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--cells rnn,lsmt", 'Invalid value "lsmt" for --cells. Choose from: "lstm", "gru", "rnn"'),
        ("--lags 0", "--lags 0: must be at least 1"),
        ("--sequences 1", "--sequences 1: must be at least 2"),
        ("--wrt gate", 'Invalid value "gate" for --wrt. Choose from: "hidden"'),
        ("nowhere", "nowhere: no run here"),
        ("nowhere --cells rnn", "--cells and nowhere: --cells trains networks of its own"),
        ("--clipping --cells rnn", "--clipping: trains an Elman network of its own"),
    ],
)
def test_what_is_mistyped_is_said_in_one_line(typed, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["gradients", *typed.split()]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("naibu: " + said)
    assert (out, err.count("\n")) == ("", 1)
    assert not list(tmp_path.iterdir())


def test_lags_longer_than_every_test_sequence_are_refused(run, tmp_path, capsys):
    assert main(["gradients", str(run.path), "--lags", "5000", "--out", str(tmp_path)]) == 2
    assert "--lags 5000: 0 test sequences are longer than that" in capsys.readouterr().err


def test_beginnings_are_the_first_symbols_of_long_sequences(treebank):
    test = naibu.open_corpus(treebank, form="tagged").test
    ids = beginnings(test, 10, 4, seed=1)
    assert ids.shape[0] == 10
    starts = {tuple(test[s].ids[:10].tolist()) for s in range(len(test)) if len(test[s]) >= 10}
    assert {tuple(column) for column in ids.T.tolist()} <= starts


# The worked example


def test_the_thought_experiments_run_as_they_stand(treebank, tmp_path):
    """The example asserts itself that cells stand still in the first, and are their candidates in the second."""
    spec = importlib.util.spec_from_file_location("thought_experiments", ROOT / "examples" / "thought_experiments.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    rows = example.main(str(treebank), out=tmp_path, units=8, steps=60, count=20)
    assert len(rows) == 5
    assert (tmp_path / "thought-experiments.png").exists()
    losses = [scores[0].value for _, scores, _ in rows]
    assert losses[1] > losses[0]  # what takes nothing in cannot know what it has read
    assert (tmp_path / "weights.safetensors").exists()


def test_the_document_shows_the_code_of_the_example():
    told = (ROOT / "docs" / "thought-experiments.md").read_text(encoding="utf-8")
    code = (ROOT / "examples" / "thought_experiments.py").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in told.split("```python\n")[1:]]
    assert blocks
    assert all(block.strip() in code for block in blocks)
