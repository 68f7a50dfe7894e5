"""Any text read through a trained network, and held-out text of its corpus, to be coloured by chosen units."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from naibu.data.examples import Examples
from naibu.data.files import read_file, text_of
from naibu.data.text_coder import TextCoder
from naibu.data.trees import OPEN
from naibu.data.typed import NAME, read_typed
from naibu.data.vocabulary import Vocabulary
from naibu.errors import OptionError
from naibu.looking.analysis import top_layer
from naibu.looking.options import Coloured
from naibu.looking.places import Places
from naibu.probes.found import Best, Found, Search
from naibu.probes.passages import FULL, NamedCell, Passages, cut_out, named_cells, passages
from naibu.recording import Recording, record_examples
from naibu.reporting.coloured import legend, print_coloured
from naibu.reporting.content import spaced
from naibu.reporting.reading import cell_name
from naibu.reporting.words import label_name, layer_name
from naibu.runs.language_models import load
from naibu.training.threads import threads


@dataclass(frozen=True)
class Reading:
    """Text with the values of cells, and how many of its symbols the network does not know and read as `<unk>`."""

    passages: Passages
    unknown: int
    own: bool  # whether somebody gave the text; else it is of the test part


class _Read(NamedTuple):
    examples: Examples
    labels: tuple[str, ...]
    symbols: Callable[[int], Sequence[str]]  # of a sequence, as they were typed
    unknown: tuple[int, ...]  # the numbers of what is read for unknown symbols


def colour_run(places: Places, asked: Coloured, *, file: str | None = None, all_named: bool = False) -> Reading:
    """Return the text with the values of the unit asked for at every symbol, and of all named cells if so asked.

    The text is the one asked for, or that of a `file` ("-": standard input).

    Without a unit, the one that the search named for the label; without a label, that of the label told best.
    Raises OptionError for a unit, signal, layer or label that does not exist, CorpusError for a text that cannot be
    read, StoredError where the run, or the recording of held-out text, is missing.
    """
    if asked.text is not None and file is not None:
        raise OptionError("--text and --file: give one of the two")
    search = places.stored().get(Search, "search")
    if asked.text is None and file is None:
        recording = places.open_recording()
        cells = _cells(recording, search, asked, all_named)
        seed = places.run.training.seed
        return Reading(passages(recording, cells, symbols=asked.symbols, longest=asked.symbols, seed=seed), 0, False)
    sequences, known, texts, unknown_ids = (_running if places.run.task == "text" else _typed)(places, asked, file)
    with threads(places.run.training.threads):
        model = load(places.run)
        labels = [name for name in _labels(search, asked) if name in known]
        signals = model.layers.cell_type.signals
        recording = record_examples(model, {"test": sequences}, keep=signals, labels=labels, dtype="float32")
    rows = np.arange(recording.tokens) < asked.symbols
    numbers = np.unique(np.asarray(recording.index.sequence)[rows]).tolist()
    found = cut_out(recording, _cells(recording, search, asked, all_named), rows, numbers)
    # Shown as they were typed, whatever the network read for them.
    spelled = [replace(each, symbols=tuple(texts(each.sequence)[: len(each.symbols)])) for each in found.passages]
    unknown = np.isin(np.asarray(recording.index.symbol)[rows], unknown_ids)
    return Reading(replace(found, passages=tuple(spelled)), int(np.count_nonzero(unknown)), True)


def print_run(console: Console, places: Places, coloured: Reading) -> list[dict[str, Any]]:
    """Print the passages on the colours of their first cell; return a row for each symbol, with its value."""
    found = coloured.passages
    cell, scale, blanks = found.cells[0], float(found.scales[0]), spaced(places.run.options)
    line = f"{places.run.name}, {layer_name(cell.layer)}, {cell_name(cell)}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(legend(console, scale, cell.signed))
    console.print("your text" if coloured.own else "text of the test part", highlight=False)
    if any(int(value) >= 0 for passage in found.passages for value in passage.holds[0]):
        console.print(f"underlined: {label_name(cell.label)}", markup=False, highlight=False)
    if coloured.unknown:
        console.print(
            f"{coloured.unknown} symbols are unknown to the network, which read <unk>", markup=False, highlight=False
        )
    rows = []
    for passage in found.passages:
        console.print()
        values = passage.values[0] * (scale / FULL)
        held = [int(value) == 1 for value in passage.holds[0]]
        print_coloured(console, passage.symbols, values, held, scale=scale, signed=cell.signed, spaced=blanks)
        rows += [
            {
                "run": places.run.name,
                "sequence": passage.sequence,
                "position": k,
                "layer": cell.layer,
                "signal": cell.signal,
                "unit": cell.unit,
                "symbol": symbol,
                "value": round(float(values[k]), 6),
                "holds": None if passage.holds[0][k] < 0 else held[k],
            }
            for k, symbol in enumerate(passage.symbols)
        ]
    return rows


def _given(asked: Coloured, file: str | None) -> tuple[str, str | bytes]:
    """The name of the text to be read, and the text."""
    if file is None:
        return NAME, asked.text or ""
    name = "standard input" if file == "-" else file
    return name, sys.stdin.buffer.read() if file == "-" else read_file(file, "--file")


def _typed(places: Places, asked: Coloured, file: str | None) -> _Read:
    """The text to be read by a network of trees, as many sequences as are shown."""
    name, given = _given(asked, file)
    reader = places.run.found["reader"]
    sequences = read_typed(
        given,
        name=name,
        reader=reader,
        options=places.run.options,
        vocabulary=Vocabulary.load(places.run.check_file("vocabulary.txt")),
        most=asked.symbols,
    )
    whole = max(1, int(np.searchsorted(sequences.starts, asked.symbols)))
    sequences = sequences.subset(np.arange(1 if reader == "text" else min(whole, len(sequences))))
    # Words of a tree that were typed without any bracket have no label that is known.
    bare = reader != "text" and not (sequences.events[0] == OPEN).any()
    known = () if bare else sequences.label_names
    return _Read(sequences, known, sequences.text, sequences.vocabulary.unknown_ids)


def _running(places: Places, asked: Coloured, file: str | None) -> _Read:
    """The text to be read by a network of running text, its first passages."""
    name, given = _given(asked, file)
    places.run.check_file("vocabulary.txt")
    coder = TextCoder.load(places.run.path, places.run.options)
    given = given if isinstance(given, str) else text_of(given, name)
    text = coder.encode(given, name=name, ends=True)  # so that all of it is read
    whole = int(np.searchsorted(np.cumsum(text.lengths), asked.symbols)) + 1
    unknown = coder.vocabulary.unknown
    return _Read(text.subset(np.arange(min(whole, len(text)))), text.labels("input"), text.symbols_of, (unknown or 0,))


def _labels(search: Search | None, asked: Coloured) -> list[str]:
    named = [found.label for found in search.found] if search is not None else []
    return list(dict.fromkeys([*([] if asked.label is None else [asked.label]), *named]))


def _cells(recording: Recording, search: Search | None, asked: Coloured, all_named: bool) -> list[NamedCell]:
    """The unit asked for, and the named ones after it if they are wanted and were recorded."""
    first = _asked_cell(recording, search, asked)
    more = named_cells(search) if search is not None and all_named else []
    return [first, *(cell for cell in more if cell != first and (cell.layer, cell.signal) in recording)]


def _asked_cell(recording: Recording, search: Search | None, asked: Coloured) -> NamedCell:
    if asked.unit is None:
        found, best = _found(search, asked)
        score = best.scores.unseen or best.scores.test
        return NamedCell(best.layer, best.signal, best.unit, found.label, found.statistic, score.value, best.rises)
    layer = asked.layer or top_layer(recording)
    here = [signal for there, signal in recording.keys() if there == layer]
    if not here:
        layers = dict.fromkeys(there for there, _ in recording.keys())
        raise OptionError(f"--layer {layer}: the network has {', '.join(layers)}")
    signal = asked.signal or ("cell" if "cell" in here else "hidden")
    if signal not in here:
        raise OptionError(f"--signal {signal}: there are {', '.join(here)}")
    units = recording.units((layer, signal))
    if not 0 <= asked.unit < units:
        raise OptionError(f"--unit {asked.unit}: the network has units 0 to {units - 1}")
    if asked.label is not None and asked.label not in recording.index.label_names:
        raise OptionError(f"--label {asked.label}: there are {', '.join(recording.index.label_names) or 'none'}")
    return NamedCell(layer, signal, asked.unit, asked.label or "", "", float("nan"), True)


def _found(search: Search | None, asked: Coloured) -> tuple[Found, Best]:
    """The label to speak of and its unit; the one told best (of two values where there is one) if none was named."""
    if search is None or not search.found:
        raise OptionError("--unit: not given, and no cells have been searched for; give it, or run naibu probe first")
    if asked.label is None:
        found = search.ordered()[0]
    else:
        named = search.label(asked.label)
        if named is None:
            raise OptionError(f"--label {asked.label}: searched were {', '.join(f.label for f in search.found)}")
        found = named
    some = [best for best in found.signals if asked.signal in (None, best.signal) and asked.layer in (None, best.layer)]
    if not some:
        asked_for = f"--signal {asked.signal}" if asked.signal else f"--layer {asked.layer}"
        raise OptionError(f"{asked_for}: searched were {', '.join(f'{b.layer}/{b.signal}' for b in found.signals)}")
    return found, max(some, key=lambda best: best.train)
