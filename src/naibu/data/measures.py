"""What is counted of a corpus once it is numbered and divided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from naibu.data.events import Array, Events
from naibu.data.examples import Column
from naibu.data.forms import Form
from naibu.data.sequences import Sequences, Source


def form_lengths(events: Events, form: Form) -> Array:
    """int64 [sentence]: the number of symbols that the form shows of each."""
    shown = np.concatenate([[0], np.cumsum(form.select(events.kinds))])
    return np.diff(shown[events.starts])


def keys_of(events: Events, sentences: Array, form: Form) -> Array:
    """int64 [token]: the keys (see Form) of the chosen sentences, in reading order."""
    chosen = np.zeros(len(events), bool)
    chosen[sentences] = True
    shown = form.select(events.kinds) & np.repeat(chosen, events.lengths)
    return form.keys(events.kinds[shown], events.names[shown], len(events.table))


def seen_in_training(train: Sequences, test: Sequences) -> Array:
    """bool [test sequence]: whether the same symbols, before the vocabulary's limit, occur in training."""
    keys = train.keys
    known = {keys[start:stop].tobytes() for start, stop in zip(train.starts[:-1], train.starts[1:], strict=True)}
    keys = test.keys
    spans = zip(test.starts[:-1], test.starts[1:], strict=True)
    return np.array([keys[start:stop].tobytes() in known for start, stop in spans], bool)


def unknown_share(test: Sequences, source: Source) -> float:
    """The share of test symbols that were replaced; an `<unk>` that the files hold themselves is none."""
    replaced = np.isin(test.ids, np.array(source.vocabulary.unknown_ids, np.int32))
    table = source.events.table
    if "<unk>" in table:
        replaced &= test.keys != 2 * len(table) + table.index("<unk>")
    return float(replaced.mean())


def fingerprint(events: Events, options: Mapping[str, Any], own: Mapping[str, Column]) -> str:
    """A hash of everything read and of the options, the places of the files left out."""
    digest = hashlib.sha256()
    for column in (
        events.kinds,
        events.names,
        events.starts,
        events.documents,
        *(own[name].values for name in own),
    ):
        digest.update(np.ascontiguousarray(column).tobytes())
    digest.update("\n".join(events.table).encode("utf-8", "surrogatepass"))
    # `split_seed` goes by the name that it had in the first runs, so that these are still known.
    kept = {name.removeprefix("split_"): options[name] for name in options if name not in ("corpus", "test", "labels")}
    digest.update(json.dumps([kept, options["test"] is not None, list(own)], sort_keys=True).encode())
    return digest.hexdigest()
