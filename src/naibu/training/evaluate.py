"""How good a trained network is, on its own held-out data or on other files, and what helps it at test time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu import ngrams
from naibu.config import PartName
from naibu.data.batch import Batch
from naibu.data.examples import Examples
from naibu.data.running_text import Text
from naibu.data.text_lanes import TextLanes
from naibu.errors import OptionError
from naibu.models import test_time
from naibu.models.language_model import LanguageModel
from naibu.models.test_time import CACHES, DYNAMICS, Cache, Dynamic
from naibu.ngrams.kneser_ney import check_order
from naibu.progress import Report, silent
from naibu.runs import Run
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.training.threads import threads
from naibu.training.validation import measured, windows_of

Pieces = Sequence[Callable[[], tuple[Batch, bool]]]
Way = Callable[[Pieces], Iterator[test_time.Read]]
FITTED, PASSED = 100_000, 200_000
"""Steps of validation text on which weights at test time are fitted, and of training text that gradients come from."""


def evaluate(
    run: Run,
    files: Sequence[str | Path] = (),
    *,
    part: PartName = "test",
    cache: bool = False,
    dynamic: bool = False,
    ngram: int = 0,
    progress: Report = silent,
) -> dict[str, Any]:
    """Return the scores of a trained network by name: `loss` (nats a predicted step), `examples`, `steps`, the task's.

    files: what it is scored on, by default the test part of what it was trained on. part: "validation" for that. cache,
    dynamic: for text, score with a neural cache, with weights that follow the text, or both, in `cache`, `dynamic` and
    `dynamic_cache`. ngram: for text, the order of an n-gram model of the run's training text, 0 for none: alone in
    `ngram`, mixed with the network in `ngram_mixture`, with each of the others in `ngram_cache`, `ngram_dynamic` and
    `ngram_dynamic_cache`. Weights are fitted on the run's validation part, or where that is what is scored, on its
    first half, the second alone being scored then.

    Raises StoredError for a run that is not finished or is damaged, CorpusError for files that cannot be used,
    OptionError where the task has no such thing.
    """
    task, model = task_named(run.task), load(run)
    helped = bool(cache or dynamic or ngram)
    if ngram:
        check_order(ngram, "--ngram")
    data = None if files and not helped else run.data()
    if files:
        examples: Examples = task.examples_of([Path(file) for file in files], run.options, run.path)
    else:
        assert data is not None
        examples = getattr(data, part)
    windows = windows_of(task, examples, run.training, progress)
    with threads(run.training.threads):
        found = measured(model, windows, task.measures(examples))
        scores = {**found, "examples": len(examples), "steps": int(examples.lengths.sum())}
        scores |= task.scores(examples, found)
        if helped:
            if not isinstance(model, LanguageModel) or not isinstance(examples, Text) or data is None:
                raise OptionError(
                    f"--cache, --dynamic, --ngram: for running text alone; this network learnt {run.task}"
                )
            assert isinstance(data.validation, Text)
            assert isinstance(data.train, Text)
            scores |= _at_test_time(model, data.train, data.validation, examples, run, cache, dynamic, ngram)
    return scores


def _at_test_time(
    model: LanguageModel,
    train: Text,
    validation: Text,
    examples: Text,
    run: Run,
    cache: bool,
    dynamic: bool,
    ngram: int,
) -> dict[str, Any]:
    same = _same(examples, validation)
    lanes = _lane(validation, run)
    half = lanes[: len(lanes) // 2] if same else lanes[: -(-FITTED // run.training.truncation)]
    scored = lanes[len(half) :] if same else _lane(examples, run)
    if not half or not scored:
        raise OptionError("--cache, --dynamic, --ngram: the text is too short for weights to be fitted on a part of it")

    def plain(pieces: Pieces) -> Iterator[test_time.Read]:
        return test_time.read(model, (piece() for piece in pieces))

    ways: dict[str, tuple[Way, dict[str, Any]]] = {"plain": (plain, {})}
    if dynamic:
        rms = test_time.root_mean_squares(model, (piece() for piece in _lane(train, run, PASSED)))

        def following(how: Dynamic, pieces: Pieces) -> Iterator[test_time.Read]:
            return test_time.read_dynamically(model, (piece() for piece in pieces), rms, how)

        tried = [_log_p(partial(following, how), half).sum().item() for how in DYNAMICS]
        best = DYNAMICS[tried.index(max(tried))]
        ways["dynamic"] = partial(following, best), asdict(best)
    told: dict[str, tuple[Callable[[Pieces], Tensor], dict[str, Any]]] = {
        name: (partial(_log_p, way), settings) for name, (way, settings) in ways.items()
    }
    for name, (way, settings) in ways.items() if cache else ():
        chosen = CACHES[test_time.best_of(lambda way=way: test_time.with_cache(way(half), CACHES))]  # type: ignore[misc]
        called = "cache" if name == "plain" else f"{name}_cache"
        told[called] = partial(_log_p, way, cache=chosen), {**settings, **asdict(chosen)}
    rows = {name: log_p(scored) for name, (log_p, _) in told.items()}
    found = {name: {**settings, **_scores(rows[name])} for name, (_, settings) in told.items()}
    found["plain"]["scored"] = "the second half, fitted on the first" if same else "all"
    if ngram:
        grams = ngrams.train(train, ngram)
        fitting = torch.from_numpy(grams.log_probabilities(validation)).float()
        other = torch.from_numpy(grams.log_probabilities(examples)).float()[-len(rows["plain"]) :]
        found["ngram"] = {"order": grams.order, **_scores(other)}
        for name, (log_p, settings) in told.items():
            share = test_time.best_share(log_p(half), fitting)
            called = "ngram_mixture" if name == "plain" else f"ngram_{name}"
            mixture = _scores(test_time.mixed(rows[name], other, share))
            found[called] = {**settings, "order": grams.order, "ngram_share": share, **mixture}
    return found


def _log_p(way: Way, pieces: Pieces, cache: Cache | None = None) -> Tensor:
    """Return ln p of each symbol of windows, float32 [step]."""
    read = way(pieces)
    rows = (part.log_p for part in read) if cache is None else (row[0] for row in test_time.with_cache(read, (cache,)))
    return torch.cat(list(rows))


def _same(one: Text, other: Text) -> bool:
    """Return whether two parts are the same text, wherever they were read from."""
    if one is other or one.steps != other.steps or len(one.ranges) != len(other.ranges):
        return one is other
    for (a, b), (c, d) in zip(one.ranges, other.ranges, strict=True):
        mine, theirs = one.source.ids[one.source.numbers[a:b]], other.source.ids[other.source.numbers[c:d]]
        if not np.array_equal(mine, theirs):
            return False
    return True


def _lane(text: Text, run: Run, most: int | None = None) -> Pieces:
    """Return the windows of a text in its own order, each read when it is asked for."""
    order = TextLanes(text, 1, run.training.truncation)
    pieces = order.beginning(min(most or text.steps, text.steps))
    return [partial(lambda piece: (order.read(piece), piece.start == 0), piece) for piece in pieces]


def _scores(log_p: Tensor) -> dict[str, Any]:
    loss = -log_p.double().mean().item()
    return {"loss": loss, "perplexity": torch.tensor(loss).double().exp().item(), "steps": len(log_p)}
