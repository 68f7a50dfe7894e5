"""An L1 term on the state and the gates of networks that read text: what it costs, and how discrete they become."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from naibu import probes
from naibu.config import ModelConfig, SignalName, TrainingConfig
from naibu.data import builtin, files, open_corpus
from naibu.data.corpus import Corpus
from naibu.data.reading import is_builtin
from naibu.looking.look import write_facts
from naibu.looking.places import Places
from naibu.looking.steps import sample
from naibu.papers.mochihashi2019.sweep_measures import discreteness
from naibu.papers.runner import Experiment, Figures
from naibu.probes.results import Controls, Scores
from naibu.progress import Report, silent
from naibu.recording import record_examples
from naibu.runs import Run
from naibu.runs.language_models import load, untrained
from naibu.storage import as_json, read_json, write_json
from naibu.training.threads import threads
from naibu.training.train import train

TABLE = "an L1 term on text"
SOURCE = "document A, future work: an L1-regularised LSTM that works discretely; no published figures"
STRENGTHS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2)
SIGNALS: dict[str, tuple[SignalName, ...]] = {
    "state": ("cell",),
    "state and gates": ("cell", "input_gate", "forget_gate", "output_gate"),
}
"""What the term lies on, by the name of the sweep."""
UNITS = 100
STEPS = 5000
"""Of training, the same for every strength: a minute each."""
TOKENS = 60_000
"""Symbols of training sequences that are recorded, and of test sequences, at most."""
LAYER = "lstm.0"


@dataclass(frozen=True)
class Network:
    """One strength as a job: it leaves the run in `folder/NAME`, its figures in `folder/figures`."""

    folder: Path
    corpus: str
    options: tuple[tuple[str, Any], ...]  # as `open_corpus` takes them, without path and form
    strength: float
    on: str
    steps: int = STEPS
    seed: int = 1

    @property
    def name(self) -> str:
        """brackets-100-l1-0.001-state-5000-1: form, units, strength, on what, steps, seed."""
        on = f"-{self.on.replace(' ', '-')}" if self.strength else ""
        return f"brackets-{UNITS}-l1-{self.strength:g}{on}-{self.steps}-{self.seed}"

    @property
    def training(self) -> TrainingConfig:
        """How it is trained. It never stops early, so that every strength has the same steps."""
        l1 = TrainingConfig.l1_signals if not self.strength else SIGNALS[self.on]
        return TrainingConfig(self.steps, seed=self.seed, patience=0, l1=self.strength, l1_signals=l1, threads=1)

    @property
    def settings(self) -> dict[str, Any]:
        """What the figures depend on, the state of the corpus's files included."""
        paths = [self.corpus, *(value for name, value in self.options if name in ("test", "labels") and value)]
        stamps = [str(builtin.folder()) if is_builtin(Path(path)) else files.stamp(Path(path)) for path in paths]
        return {
            "corpus": self.corpus,
            "options": {name: value if value is None else str(value) for name, value in self.options},
            "stamp": hashlib.sha256(repr(stamps).encode()).hexdigest(),
            "model": as_json(ModelConfig(units=UNITS)),
            "training": as_json(self.training),
            "tokens": TOKENS,
        }

    @property
    def path(self) -> Path:
        """Where the figures lie."""
        return self.folder / "figures" / f"{self.name}.json"

    def finished(self) -> bool:
        """Return whether the figures of these very settings are there."""
        return self.path.exists() and read_json(self.path, "figures of a sweep")["settings"] == self.settings

    def run(self, progress: Report = silent) -> None:
        """Train, or go on training; record in memory, probe, write the figures and the tables of the probes.

        Raises StoredError where the folder holds a run of another corpus by this name.
        """
        settings, corpus = self.settings, open_corpus(self.corpus, form="brackets", **dict(self.options))
        made = train(
            corpus,
            out=self.folder / self.name,
            model=ModelConfig(units=UNITS),
            training=self.training,
            progress=progress,
        )
        places = Places(made)
        write_facts(places, corpus)
        with threads(1):
            figures = measured(made, corpus, places.results)
        write_json(self.path, {"settings": settings, "figures": {"strength": self.strength, "on": self.on, **figures}})

    def figures(self) -> Figures:
        """Return the figures; the network is trained first where they are not there."""
        if not self.finished():
            self.run()
        found: Figures = read_json(self.path, "figures of a sweep")["figures"]
        return found


def measured(run: Run, corpus: Corpus, results: Path) -> Figures:
    """Return the figures of one trained network, and leave the tables of its probes in `results`.

    Scores are of unseen test sequences, those that do not occur in training; `scored_on` says test where there are
    none. Unit and weights of a probe come from training sequences. The weights are those of the best validation, which
    knows nothing of the L1 term: `best_step` says when that was. `ends_found`, the recall of ED, means nothing without
    `ends_right`, its precision: an untrained network may say ED everywhere.
    """
    which = sample(corpus.test, TOKENS, run.training.seed)
    parts = {
        "train": corpus.train.subset(sample(corpus.train, TOKENS, run.training.seed)),
        "test": corpus.test.subset(which),
    }
    recorded, bare = (
        record_examples(model, parts, keep=("cell", "update", "hidden"), labels=["depth"], dtype="float32")
        for model in (load(run), untrained(run))
    )
    confusion = probes.confusion(recorded, untrained=bare)
    depth = probes.correlation(recorded, "depth", untrained=bare, keys=((LAYER, "cell"), (LAYER, "hidden")))
    linear = probes.regression(recorded, "depth", (LAYER, "cell"), untrained=bare)
    for name, table in (("confusion", confusion), ("depth", depth), ("regression-cell", linear)):
        probes.save(table, results, name)
    cell, hidden = depth.signals
    inside = discreteness(recorded, LAYER)
    found: Figures = {
        **_scored("perplexity", confusion.perplexity),
        **_scored("ends_found", confusion.end_recall, confusion.end_recall_controls),
        **_scored("ends_right", confusion.end_precision, confusion.end_precision_controls),
        **_scored("depth_r", cell.pearson, cell.pearson_controls),
        "depth_unit": cell.pearson_unit,
        **_scored("depth_r_hidden", hidden.pearson, hidden.pearson_controls),
        **_scored("depth_r2", linear.models[0].r2, linear.models[0].r2_controls),
        **{k: v for k, v in asdict(inside).items() if not isinstance(v, dict)},
        "in_use_share": inside.in_use / inside.units,
        **_scored("whole", Scores(inside.whole, None)),
    }
    if inside.whole_in_use is not None:
        found |= _scored("whole_in_use", Scores(inside.whole_in_use, None))
    end = run.summary()
    return found | {"best_step": end["best_step"], "seconds": end["seconds"]}


def _scored(name: str, scores: Scores | None, controls: Controls | None = None) -> Figures:
    if scores is None:
        return {}
    score = scores.unseen or scores.test
    found: Figures = {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
    for control in ("untrained", "position"):
        there: Scores | None = getattr(controls, control, None)
        if there is not None:
            found[f"{name}_{control}"] = (there.unseen or there.test).value
    return found


def jobs(folder: Path, corpus_path: str, corpus_options: Mapping[str, Any], seed: int = 1) -> list[Network]:
    """Return the networks of the sweep for `run_parallel`, each once; strength 0 serves both kinds of term.

    `corpus_options` are those of `open_corpus`, without path and form.
    """
    make = partial(Network, folder, corpus_path, tuple(sorted(corpus_options.items())), seed=seed)
    return [make(0.0, next(iter(SIGNALS)))] + [make(strength, on) for on in SIGNALS for strength in STRENGTHS[1:]]


def rows(folder: Path, corpus_path: str, corpus_options: Mapping[str, Any], seed: int = 1) -> list[Experiment]:
    """Return a row for each strength, for the runner; a network that is not trained yet is trained when asked."""
    return [
        Experiment(
            TABLE,
            f"{network.strength:g} on {network.on}" if network.strength else "none",
            {},
            SOURCE,
            partial(_obtain, network),
            verdict,
            network.settings,
        )
        for network in jobs(folder, corpus_path, corpus_options, seed)
    ]


def _obtain(network: Network, quick: bool) -> Figures:
    return network.figures()


def verdict(published: Figures, found: Figures) -> str:
    """Say in a few words what the term costs and what is left."""
    depth = f"r {float(found['depth_r'] or 0):.3f} (untrained {float(found.get('depth_r_untrained') or 0):.3f})"
    of = f"{found['in_use']:.0f} of {found['units']:.0f} units in use"
    states = f"{found['states']:.0f} states of {found['histories']:.0f} histories"
    return f"perplexity {found['perplexity']:.3f}; {depth}; {of}; {states}"


def chosen(figures: Sequence[Figures], on: str) -> list[Figures]:
    """Return the figures of one sweep by strength, that of no term included."""
    own = [one for one in figures if one["on"] == on or not one["strength"]]
    return sorted(own, key=lambda one: float(one["strength"] or 0))
