"""Record and intervene: one function each, from disk to disk; `probing` stands between them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from naibu.data.corpus import Corpus
from naibu.data.sequences import Sequences
from naibu.errors import OptionError, StoredError
from naibu.interventions.hold import hold
from naibu.interventions.results import Holding
from naibu.looking.analyses.following import best_unit, main_correlation
from naibu.looking.analysis import Stored, top_layer
from naibu.looking.places import Places
from naibu.models.load import load, untrained
from naibu.probes import tables
from naibu.progress import shown
from naibu.recording import Recording
from naibu.recording.language_models import record_language_model
from naibu.training.threads import threads

TRAIN_TOKENS = 100_000
TEST_TOKENS = 150_000

Result = TypeVar("Result")


def labels_kept(corpus: Corpus, asked: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the labels a recording of this corpus carries: those of no category, those worth asking, any asked."""
    there = corpus.test.label_names
    usual = [name for name in there if ":" not in name and name != "position"]
    return tuple(dict.fromkeys([*usual, *corpus.asks, *asked]))


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
    correlation = main_correlation(Stored(places.results))
    if correlation is None:
        raise StoredError(f"{places.results}: no unit is known that follows a label; it is found by: naibu probe")
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
