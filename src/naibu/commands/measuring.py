"""Measuring: how the gradient travels, and how fast everything is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts.types import NonNegativeInt

from naibu.bench.sizes import Sizes
from naibu.commands.parts import FLAT, UNTOLD, Runs, Told
from naibu.errors import OptionError
from naibu.looking.options import Gradients

GRADIENTS, SIZES = Gradients(), Sizes()


def gradients(runs: Runs = (), /, *, asked: Annotated[Gradients, FLAT] = GRADIENTS, told: Told = UNTOLD) -> Any:
    """Measure how the gradient travels back through time: its norm against the lag, and clipping at work.

    Without RUNS, trains a network of each of --cells on Python's standard library (form tagged), alike in all but the
    cell; with RUNS, measures those that are there, on their own test sequences. Both before and after training, with
    the bound on Elman networks beside. Leaves gradients.csv and gradients.png under --out, with --clipping in their
    place clipping.csv and clipping.png: an Elman network whose gradient explodes. Under 3 minutes on 2 cores; Ctrl-C
    loses no training, the same command goes on.

    $ naibu gradients
    $ naibu gradients --cells rnn,lstm --units 50 --lags 200 --wrt carousel
    $ naibu gradients looks/mine/tagged-200 --out looks/mine/gradients
    $ naibu gradients --clipping
    """
    if runs and (asked.cells or asked.clipping):
        option = "--cells" if asked.cells else "--clipping"
        raise OptionError(f"{option} and {runs[0]}: {option} trains networks of its own; give one of the two")
    from naibu.looking import gradients as look
    from naibu.looking.places import places_in

    if asked.clipping:
        trainings = look.measure_clipping(asked, told.console)
        told.console.print(look.clipping_table(trainings))
        told.say("Picture", asked.out / "clipping.png")
        return [row for training in trainings for row in training.rows()]
    curves = look.measure_gradients(places_in(runs), asked, told.console)
    told.console.print(look.gradients_table(curves))
    told.say("Picture", asked.out / "gradients.png")
    return [row for curve in curves for row in curve.rows()]


def bench(
    what: Literal[
        "all",
        "layers",
        "language-model",
        "growth",
        "recording",
        "writing",
        "drawing",
        "tagging",
        "translation",
        "vectors",
        "online",
        "probes",
        "memory",
    ] = "all",
    /,
    *,
    sizes: Annotated[Sizes, FLAT] = SIZES,
    threads: NonNegativeInt = 0,
    markdown: Path | None = None,
    told: Told = UNTOLD,
) -> Any:
    """Measure speed against named peers, and what recording costs in time and memory.

    - layers: running, recording and training LSTM, GRU and RNN, against torch's and others; at most 10 minutes.
    - language-model: a training step of the whole model against plain PyTorch's; as long.
    - growth: how the cost grows with the steps of a sequence and with the signals kept; two minutes.
    - recording: keeping all of a torch layer, against its own forward pass.
    - writing: characters a second of a network that writes, against a loop; a minute.
    - drawing: points a second of a network that draws, against a loop; a minute.
    - tagging: training a tagger, against plain PyTorch's; half a minute.
    - translation: learning to translate, against plain PyTorch's; and translating; a minute.
    - vectors: learning vectors of words, against gensim's where it is installed; half a minute.
    - online: the LSTM of 1997 against loops in PyTorch; two minutes.
    - probes: ours against scikit-learn, numpy and scipy; half an hour, and 6 GB of disk meanwhile.
    - memory: what recording and each probe hold at most; minutes, 4 GB of disk.
    - all: all of these, one after the other (with --quick all but probes and memory).

    Everything is measured in rounds by turns, beside the machine's own speed in products of matrices (sgemm): the
    limit says what share of it is reached. While other programs use more than 8 % of the machine ratios are worth
    little; such rounds are repeated, then marked.

    $ naibu bench
    $ naibu bench layers --cells lstm --hidden 200 --batch 1 --batch 32 --quick
    $ naibu bench language-model --json model.json --markdown model.md
    $ naibu bench language-model --layers 2 --hidden 650 --batch 20 --vocabulary 10000 --precision bfloat16
    $ naibu bench probes --rows 20000 --hidden 100

    Args:
        what: What to measure.
        threads: Threads; 0 takes the framework's own number.
        markdown: Write the tables here in markdown too.
    """
    from naibu.bench.run import run
    from naibu.training.threads import threads as on_threads

    try:
        with on_threads(threads):
            return run(what, sizes, told.console, markdown)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; what was measured is above, the same command begins anew") from None
