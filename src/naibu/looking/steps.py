"""Record and intervene: one function each, from disk to disk; `probing` stands between them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from naibu.data.examples import Data, Examples
from naibu.data.own_labels import labelled
from naibu.errors import OptionError, StoredError
from naibu.interventions.hold import hold
from naibu.interventions.results import Holding
from naibu.looking.analyses.following import best_unit, main_correlation
from naibu.looking.analysis import top_layer
from naibu.looking.options import Recorded
from naibu.looking.places import TRAINED, UNTRAINED, Places
from naibu.probes import tables
from naibu.probes.found import Search
from naibu.probes.results import Correlation
from naibu.progress import shown
from naibu.recording import record_examples
from naibu.recording.examples import size_of
from naibu.runs.load import load, untrained
from naibu.tasks.catalogue import task_named
from naibu.training.threads import threads

TEST_TOKENS = 150_000
RECORDED = Recorded()


def labels_kept(data: Data, asked: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the labels a recording of data carries: those of no category, those worth asking, any asked."""
    there = (name for stream in data.test.streams for name in data.test.labels(stream))
    usual = [name for name in there if ":" not in name and name != "position"]
    return tuple(dict.fromkeys([*usual, *data.asks, *asked]))


def sample(examples: Examples, tokens: int, seed: int = 1) -> np.ndarray:
    """Return numbers of whole examples, drawn at random, of about so many steps in all, in order.

    The same for every network, so that networks can be compared step by step.
    """
    lengths = examples.lengths
    if lengths.sum() <= tokens:
        return np.arange(len(examples))
    order = np.random.default_rng((seed, 31)).permutation(len(examples))
    kept = np.cumsum(lengths[order]) <= tokens
    kept[0] = True
    return np.sort(order[kept])


def record_run(
    places: Places, data: Data, asked: Recorded = RECORDED, *, symbols: Mapping[str, int] | None = None
) -> None:
    """Record a network into `recordings/NAME`; the progress says first how much that is.

    Under the usual name the untrained network is recorded too, over the same symbols. `symbols` says how many of which
    parts are recorded at most, in a seeded sample of whole sequences, in place of what is asked for. Raises
    StoredError, before anything is written, where the disk has no room for it.
    """
    run = places.run
    data = labelled(data, asked.labels) if asked.labels else data
    trained = load(run)
    most = symbols or {part: asked.symbols(part) for part in asked.split}
    chosen = {part: sample(getattr(data, part), number) for part, number in most.items()}
    parts: dict[str, Examples] = {part: getattr(data, part).subset(which) for part, which in chosen.items()}
    wanted = labels_kept(data, asked.label)
    networks = {places.recordings / asked.name: trained}
    if asked.name == TRAINED:
        networks[places.recordings / UNTRAINED] = untrained(run)
    size = size_of(trained, parts, asked.keep, asked.dtype)
    _room_for(size, list(networks))
    begun = (places.recordings / asked.name / "manifest.json").exists()
    with places.timed("record", goes_on=begun), threads(run.training.threads):
        for folder, model in networks.items():
            with shown(f"{run.name}: recording {folder.name}, {_in_words(size)}", "symbols") as progress:
                record_examples(
                    model,
                    parts,
                    keep=asked.keep,
                    labels=wanted,
                    out=folder,
                    dtype=asked.dtype,
                    progress=progress,
                )


def _named(places: Places, key: tuple[str, str]) -> dict[str, int]:
    """Return the units of one signal that the page names, by the label each tells best."""
    results = places.stored()
    phrase, search = results.get(Correlation, "phrase"), results.get(Search, "search")
    found = dict[str, int]()
    for one in () if phrase is None else phrase.signals:
        if phrase is not None and (one.layer, one.signal) == key:
            found[phrase.label] = one.pearson_unit
    for named in () if search is None else search.found:
        for best in named.signals:
            if (best.layer, best.signal) == key:
                found[named.label] = best.unit
    return found


def _room_for(size: int, folders: Sequence[Path]) -> None:
    """Raise StoredError where the disk has no room for recordings of a size, counting what is there of them."""
    there = sum(path.stat().st_size for folder in folders for path in folder.rglob("*.npy"))
    home = next(parent for parent in folders[0].absolute().parents if parent.exists())
    free, needed = shutil.disk_usage(home).free, size * len(folders) - there
    if needed > free:
        raise StoredError(
            f"{folders[0].parent}: the disk has {_in_words(free)} free and this takes {_in_words(needed)}; free some "
            "space and run the same command again, or record less (--positions, --keep)"
        )


def _in_words(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def intervene_run(
    places: Places,
    data: Data,
    *,
    unit: int | None = None,
    signal: str | None = None,
    by: str | None = None,
    draws: int = 10,
    test_tokens: int = TEST_TOKENS,
) -> Holding:
    """Hold the best depth unit (or the one asked for) still on the test sequences; leave `holding` in `results/`."""
    recording = places.open_recording()
    correlation = main_correlation(places.stored())
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
        found = hold(
            load(places.run),
            data.test.subset(sample(data.test, test_tokens)),
            recording,
            key=(top, signal),
            unit=chosen,
            label=correlation.label,
            measures=task_named(data.task).measures(data.test),
            named={correlation.label: best_unit(correlation, (top, signal)), **_named(places, (top, signal))},
            by=by,
            draws=draws,
            seed=places.run.training.seed,
            run=places.run.name,
            progress=progress,
        )
        tables.save(found, places.results, "holding", places.made_from())
    return found
