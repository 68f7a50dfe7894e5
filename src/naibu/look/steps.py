"""Record, probe and intervene: one function each, from disk to disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np

from naibu import probes
from naibu.corpora.corpus import Corpus
from naibu.corpora.forms import Form
from naibu.corpora.sequences import Sequences
from naibu.errors import OptionError
from naibu.interventions.hold import hold
from naibu.interventions.results import Holding
from naibu.look.of_words import asked_jobs, word_jobs
from naibu.look.places import Places
from naibu.models.load import load, untrained
from naibu.probes import tables
from naibu.probes.found import Search
from naibu.probes.passages import Passages, named_cells, passages
from naibu.probes.results import Correlation, Trajectories
from naibu.probes.search import search
from naibu.probes.timescales import applies, timescales
from naibu.progress import shown
from naibu.recording import Recording
from naibu.recording.language_models import record_language_model
from naibu.training.threads import threads

TRAIN_TOKENS = 100_000
TEST_TOKENS = 150_000
DEPTHS = ("depth", "bracket_depth", "line_position")
"""What a depth is, by order of preference: of trees, of brackets in plain text, of a line."""
COMPARED = ("cell", "hidden", "update", "candidate")
"""Signals of the top layer whose regressions stand side by side, where the cell has them."""

Key = tuple[str, str]
Result = TypeVar("Result")


def depth_label(recording: Recording) -> str:
    """Return the label that counts as depth here: the first that takes more than one value in each part recorded."""
    split = np.asarray(recording.index.split)
    for name in DEPTHS:
        if name in recording.index.label_names:
            values = np.asarray(recording.index.label(name).values)
            if all(np.ptp(values[split == part]) > 0 for part in np.unique(split)):
                return name
    raise OptionError(f"none of the labels {', '.join(recording.index.label_names)} varies; a longer text is needed")


def labels_kept(corpus: Corpus, asked: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the labels a recording of this corpus carries: depth, those of the category probed, and any asked."""
    there = corpus.test.label_names
    usual = [name for name in there if ":" not in name and name != "position"]
    if corpus.category is not None:
        usual += [f"depth:{corpus.category}", f"inside:{corpus.category}"]
    return tuple(dict.fromkeys([*usual, *asked]))


def sample(sequences: Sequences, tokens: int, seed: int = 1) -> np.ndarray:
    """Return numbers of whole sequences, drawn at random, of about so many symbols in all, in order.

    The same for every network, so that networks can be compared symbol by symbol.
    """
    if sequences.tokens <= tokens:
        return np.arange(len(sequences))
    order = np.random.default_rng((seed, 31)).permutation(len(sequences))
    kept = np.cumsum(sequences.lengths[order]) <= tokens
    kept[0] = True
    return np.sort(order[kept])


def record_run(
    places: Places,
    corpus: Corpus,
    *,
    keep: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    train_tokens: int = TRAIN_TOKENS,
    test_tokens: int = TEST_TOKENS,
    dtype: str = "float16",
) -> None:
    """Record the trained network, and the untrained one over the same symbols, into `recordings/`.

    `keep` names the signals (all by default); of training sequences a seeded sample is taken.
    """
    run = places.run
    trained = load(run)
    signals = keep or trained.layers.cell_type.signals
    which = sample(corpus.test, test_tokens)
    parts = {
        "train": corpus.train.subset(sample(corpus.train, train_tokens)),
        "test": corpus.test.subset(which),
    }
    wanted = labels_kept(corpus, labels)
    with places.timed("record"), threads(run.training.threads):
        for title, model, folder in (
            ("recording", trained, places.recording),
            ("recording, untrained", untrained(run), places.untrained),
        ):
            with shown(f"{run.name}: {title}", "symbols") as progress:
                record_language_model(
                    model,
                    parts,
                    keep=signals,
                    labels=wanted,
                    seen=corpus.seen[which],
                    out=folder,
                    dtype=dtype,
                    progress=progress,
                )


def probe_run(
    places: Places,
    category: str | None,
    *,
    label: str | None = None,
    parts: tuple[str, str] | None = None,
    word: str | None = None,
    missing_only: bool = False,
) -> None:
    """Run every probe on the run's recording and leave its tables in `results/`.

    `label` restricts it to the correlation of every unit with that label, `parts` to telling two parts of speech
    apart, `word` to the tokens of one word; `missing_only` leaves results alone that are there.
    """
    recording, control = places.open_recordings()
    jobs = list(_one_label(recording, control, label)) if label is not None else []
    jobs += asked_jobs(recording, control, top_layer(recording), parts, word)
    if label is None and parts is None and word is None:
        jobs = list(_jobs(places, recording, control, category))
    if missing_only:
        jobs = [job for job in jobs if not (places.results / f"{job[0]}.json").exists()]
    if not jobs:
        return
    with places.timed("probe"), shown(f"{places.run.name}: probing", "probes") as progress:
        for done, (name, make) in enumerate(jobs):
            progress(done, len(jobs), name)
            tables.save(make(), places.results, name)
        progress(len(jobs), len(jobs), "")


Job = tuple[str, Callable[[], Any]]


def _jobs(places: Places, recording: Recording, control: Recording | None, category: str | None) -> Iterator[Job]:
    top = top_layer(recording)
    depth = depth_label(recording)
    if recording.index.predicted is not None:
        yield "confusion", lambda: probes.confusion(recording, untrained=control)
    if recording.index.predicted is not None and Form(places.run.corpus["form"]).brackets:
        yield "bracket_prediction", lambda: probes.bracket_prediction(recording, control)
    yield "distributions", lambda: probes.distributions(recording, untrained=control)
    if applies(recording):
        yield "timescales", lambda: timescales(recording, untrained=control)
    yield "depth", lambda: probes.correlation(recording, depth, untrained=control)
    yield "search", lambda: search(recording, untrained=control)
    yield "passages", lambda: _passages(places, recording)
    for key in [(top, signal) for signal in COMPARED if (top, signal) in recording.keys()]:
        yield f"regression-{key[1]}", partial(probes.regression, recording, depth, key, untrained=control)
    for key in [(top, signal) for signal in ("cell", "hidden") if (top, signal) in recording.keys()]:
        yield f"trajectories-{key[1]}", partial(_trajectories, places, recording, key)
    yield from word_jobs(recording, control, top)
    if category is not None:
        yield "phrase", lambda: probes.correlation(recording, f"depth:{category}", untrained=control)
        yield "overlap", lambda: probes.overlap(recording, f"inside:{category}", untrained=control)
        for key in [(top, signal) for signal in ("cell", "hidden") if (top, signal) in recording.keys()][:1]:
            phrase = partial(probes.regression, recording, f"depth:{category}", key, untrained=control)
            yield "regression-phrase", phrase
            yield "l1", partial(probes.l1_path, recording, f"inside:{category}", key, untrained=control)


def _one_label(recording: Recording, control: Recording | None, label: str) -> Iterator[Job]:
    recording.index.label(label)  # says which labels there are, before anything is computed
    yield f"correlation-{label.replace(':', '-')}", lambda: probes.correlation(recording, label, untrained=control)


def _trajectories(places: Places, recording: Recording, key: Key) -> Trajectories:
    correlation = tables.load(Correlation, places.results, "depth")
    return probes.trajectories(recording, key, [best_unit(correlation, key)], label=correlation.label)


def _passages(places: Places, recording: Recording) -> Passages:
    found = tables.load(Search, places.results, "search")
    cells = named_cells(found)
    if not cells:
        return Passages(found.run, (), np.zeros(0), ())
    return passages(recording, cells, seed=places.run.training.seed)


def top_layer(recording: Recording) -> str:
    """Return the name of the uppermost layer, forward direction."""
    layers = [layer for layer, _ in recording.keys() if not layer.endswith(".reverse")]
    return max(layers, key=lambda layer: int(layer.rsplit(".", 1)[1]))


def best_unit(correlation: Correlation, key: Key) -> int:
    """Return the unit of one signal that follows the label best on training sequences."""
    return next(found.pearson_unit for found in correlation.signals if (found.layer, found.signal) == key)


def intervene_run(
    places: Places,
    corpus: Corpus,
    *,
    unit: int | None = None,
    signal: str | None = None,
    draws: int = 10,
    test_tokens: int = TEST_TOKENS,
) -> Holding:
    """Hold the best depth unit (or the one asked for) still on the test sequences; leave `holding` in `results/`."""
    recording = Recording.open(places.recording)
    correlation = tables.load(Correlation, places.results, "depth")
    top = top_layer(recording)
    signals = {found for layer, found in recording.keys() if layer == top}
    signal = signal or ("cell" if "cell" in signals else "hidden")
    if signal not in signals:
        raise OptionError(f"--signal {signal}: the recording has {', '.join(sorted(signals))}")
    chosen = best_unit(correlation, (top, signal)) if unit is None else unit
    setting = threads(places.run.training.threads)
    with places.timed("intervene"), setting, shown(f"{places.run.name}: holding units still", "runs") as progress:
        which = sample(corpus.test, test_tokens)
        found = hold(
            load(places.run),
            corpus.test.subset(which),
            recording,
            key=(top, signal),
            unit=chosen,
            label=correlation.label,
            seen=corpus.seen[which],
            draws=draws,
            seed=places.run.training.seed,
            run=places.run.name,
            progress=progress,
        )
        tables.save(found, places.results, "holding")
    return found


def load_result(kind: type[Result], places: Places, name: str) -> Result | None:
    """Return a result of the run, None where that probe was not asked for."""
    return tables.load(kind, places.results, name) if (places.results / f"{name}.json").exists() else None
