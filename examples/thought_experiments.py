"""Two thought experiments on a trained LSTM: what a cell does when its gates are held open and shut.

    python examples/thought_experiments.py

trains a language model on the brackets of Python's standard library (half a minute), holds the gates of its layer,
and of the one cell that counts the nesting, and says what the network can then still do. A worked example of
`signals(..., edit=...)`, `interventions.edited` and `probes`; docs/thought-experiments.md tells what is found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

import naibu
from naibu import interventions, probes
from naibu.data.batches import pad
from naibu.data.corpus import Corpus
from naibu.data.sequences import Sequences
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import Resampler, ratio
from naibu.reporting.numbers import share
from naibu.reporting.plots.canvas import BLUE, GREEN, GREY, VERMILLION, write_png

LAYER = "lstm.0"


def shut_and_open(units: Sequence[int], steps: range | None = None) -> dict[tuple[str, str], naibu.Clamp]:
    """The first experiment: the input gate shut, the forget gate open."""
    return {
        (LAYER, "input_gate"): naibu.Clamp(units, 0.0, steps),
        (LAYER, "forget_gate"): naibu.Clamp(units, 1.0, steps),
    }


def open_and_shut(units: Sequence[int], steps: range | None = None) -> dict[tuple[str, str], naibu.Clamp]:
    """The second experiment: the input gate open, the forget gate shut."""
    return {
        (LAYER, "input_gate"): naibu.Clamp(units, 1.0, steps),
        (LAYER, "forget_gate"): naibu.Clamp(units, 0.0, steps),
    }


def trained(corpus: Corpus, out: Path, units: int, steps: int) -> tuple[LanguageModel, int]:
    """The network, and the unit whose cell follows the depth of nesting best (chosen on training sequences)."""
    model = naibu.ModelConfig(units=units)
    run = naibu.train(corpus, out=out, model=model, training=naibu.TrainingConfig(steps=steps, threads=1))
    recording = naibu.record(run, corpus, keep=("cell",), labels=["depth"])
    best = probes.correlation(recording, "depth").best()
    print(f"unit {best.pearson_unit} counts: r = {best.pearson.test.value:.3f} of its cell with the depth")
    return naibu.load(run), best.pearson_unit


@torch.no_grad()
def trajectories(model: LanguageModel, ids: torch.Tensor, unit: int, start: int) -> dict[str, np.ndarray]:
    """The cell of one unit along one sequence, as trained and with all gates held from step `start` on."""
    everything, held = range(model.config.units), range(start, len(ids))
    edits = {"as trained": {}, "a": shut_and_open(everything, held), "b": open_and_shut(everything, held)}
    found = {}
    for name, edit in edits.items():
        signals = model.layers.signals(model.embed(ids[:, None]), keep=("cell", "candidate"), edit=edit).signals
        cell, candidate = signals[LAYER, "cell"][:, 0], signals[LAYER, "candidate"][:, 0]
        if name == "a":  # nothing comes in, nothing goes: every cell of the layer stands still
            assert torch.equal(cell[start:], cell[start - 1].expand_as(cell[start:]))
        if name == "b":  # all comes in, nothing stays: every cell is what its candidate says at that step
            assert torch.equal(cell[start:], candidate[start:])
        found[name] = cell[:, unit].numpy()
    return found


@torch.no_grad()
def scores(model: LanguageModel, test: Sequences) -> list[probes.Score]:
    """Loss in nats per symbol; the share of ends (ED) that are foreseen (recall), and of foreseen ends that are ends
    (precision): each with its interval."""
    end = test.vocabulary.index["ED"]
    sums = np.zeros((len(test), 5))  # loss, symbols, ends foreseen, ends, foreseen rightly or not
    for which in np.array_split(np.argsort(test.lengths), max(1, len(test) // 100)):
        ids, lengths = (torch.from_numpy(part) for part in pad(test, which))
        there = torch.arange(len(ids) - 1)[:, None] < lengths - 1
        logits = model.logits(model(ids[:-1])[0])
        loss = cross_entropy(logits.transpose(1, 2), ids[1:], reduction="none")
        ends, foreseen = there & (ids[1:] == end), there & (logits.argmax(-1) == end)
        columns = (loss * there, there, ends & foreseen, ends, foreseen)
        sums[which] = torch.stack([column.double().sum(0) for column in columns], 1)
    resampler = Resampler(1000, seed=1)
    return [resampler.score(ratio, sums[:, pair], len(test)) for pair in ([0, 1], [2, 3], [2, 4])]


@torch.no_grad()
def balance(model: LanguageModel, corpus: Corpus, count: int, longest: int = 300) -> list[float]:
    """Of strings drawn from the network: the share that ends within `longest` symbols; the share that ends with every
    bracket closed, none closed that was not open, and at least one pair; and these's mean length."""
    index, draw = corpus.vocabulary.index, torch.Generator().manual_seed(1)
    ids, state = torch.full((1, count), index["ST"]), None
    depth, sound = torch.zeros(count, dtype=torch.long), torch.ones(count, dtype=torch.bool)
    ended, length = torch.zeros(count, dtype=torch.bool), torch.zeros(count)
    for step in range(longest):
        output, state = model(ids, state)
        ids = torch.multinomial(model.logits(output)[0].softmax(-1), 1, generator=draw).T
        depth = depth + (ids[0] == index["("]).long() - (ids[0] == index[")"]).long()
        sound &= (depth >= 0) | ended
        ends = (ids[0] == index["ED"]) & ~ended
        length += step * (ends & sound & (depth == 0))
        ended |= ends
    balanced = length[length > 0]
    return [ended.float().mean().item(), len(balanced) / count, balanced.mean().item() if len(balanced) else 0.0]


def draw(figure: Figure, depth: np.ndarray, cells: dict[str, np.ndarray], unit: int, start: int) -> None:
    """Above the depth of nesting, below the counting cell, as trained and in both experiments."""
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
    above.step(range(len(depth)), depth, where="mid", color=GREY)
    above.set_ylabel("depth")
    below.plot(cells["as trained"], color=VERMILLION, label="as trained")
    names = {"a": "input gate 0, forget gate 1: keeps", "b": "input gate 1, forget gate 0: the update alone"}
    for name, colour, dashes in (("a", BLUE, "--"), ("b", GREEN, "-.")):
        steps = range(start - 1, len(depth))
        below.plot(steps, cells[name][start - 1 :], color=colour, linestyle=dashes, label=names[name])
    for ax in (above, below):
        ax.axvline(start - 0.5, color=GREY, linewidth=0.8, linestyle=":")
    above.annotate("gates held from here", (start, depth.max()), xytext=(start, 1.1 * depth.max()), fontsize=8)
    below.set_ylabel(f"cell of unit {unit}")
    below.set_xlabel("symbols read")
    figure.legend(loc="outside lower center", ncols=3)


def main(
    path: str = "standard-library",
    *,
    out: Path = Path("looks/thought-experiments"),
    units: int = 100,
    steps: int = 4000,
    count: int = 500,
) -> list[tuple[str, list[probes.Score], list[float]]]:
    """Train, draw, and return a row for each experiment: its scores, and what becomes of its own strings."""
    torch.set_num_threads(1)
    corpus = naibu.open_corpus(path, form="brackets")
    model, unit = trained(corpus, out, units, steps)

    shown = int(np.argmin(np.abs(corpus.test.lengths - 90)))  # a function that fits the picture
    sequence = corpus.test[shown]
    ids, depth = torch.from_numpy(sequence.ids).long(), np.asarray(sequence.label("depth").values)
    start = max(1, len(ids) * 2 // 5)
    cells = trajectories(model, ids, unit, start)
    write_png(lambda figure: draw(figure, depth, cells, unit, start), out / "thought-experiments.png", size=(7, 4))

    everything = range(units)
    experiments = {
        "as trained": {},
        "whole layer: input 0, forget 1": shut_and_open(everything),
        "whole layer: input 1, forget 0": open_and_shut(everything),
        f"unit {unit}: input 0, forget 1": shut_and_open([unit]),
        f"unit {unit}: input 1, forget 0": open_and_shut([unit]),
    }
    rows = []
    for name, edits in experiments.items():
        with interventions.edited(model, edits):
            rows.append((name, scores(model, corpus.test), balance(model, corpus, count)))
        _, (loss, recall, precision), (ended, balanced, length) = rows[-1]
        print(
            f"{name:31} loss {loss.value:.3f} [{loss.low:.3f}, {loss.high:.3f}]   "
            f"ED recall {share(recall.value)}, precision {share(precision.value)}   "
            f"own strings: {share(ended)} end, {share(balanced)} balanced, of {length:.0f} brackets"
        )
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:2])
