"""What helps a language model of text at test time: a cache, weights that follow the text, n-grams mixed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from naibu import ngrams
from naibu.data.batch import Batch
from naibu.data.running_text import Text
from naibu.data.text_lanes import TextLanes
from naibu.errors import OptionError
from naibu.models import test_time
from naibu.models.language_model import LanguageModel
from naibu.models.test_time import CACHES, DYNAMICS, Cache, Dynamic

Pieces = Sequence[Callable[[], tuple[Batch, bool]]]
Way = Callable[[Pieces], Iterator[test_time.Read]]
FITTED, PASSED = 100_000, 200_000
"""Steps of validation text on which weights at test time are fitted, and of training text that gradients come from."""


def at_test_time(
    model: LanguageModel,
    train: Text,
    validation: Text,
    examples: Text,
    truncation: int,
    *,
    cache: bool,
    dynamic: bool,
    ngram: int,
) -> dict[str, Any]:
    """Return the scores of a text by what helps: `plain`, `cache`, `dynamic`, `dynamic_cache`, `ngram` and mixtures.

    truncation: steps of a window. cache, dynamic: whether these are tried. ngram: the order of an n-gram model of the
    training text, 0 for none. Raises OptionError for a text that is too short for weights to be fitted on a part of it.
    """
    same = _same(examples, validation)
    lanes = _lane(validation, truncation)
    half = lanes[: len(lanes) // 2] if same else lanes[: -(-FITTED // truncation)]
    scored = lanes[len(half) :] if same else _lane(examples, truncation)
    if not half or not scored:
        raise OptionError("--cache, --dynamic, --ngram: the text is too short for weights to be fitted on a part of it")

    def plain(pieces: Pieces) -> Iterator[test_time.Read]:
        return test_time.read(model, (piece() for piece in pieces))

    ways: dict[str, tuple[Way, dict[str, Any]]] = {"plain": (plain, {})}
    if dynamic:
        rms = test_time.root_mean_squares(model, (piece() for piece in _lane(train, truncation, PASSED)))

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


def _lane(text: Text, truncation: int, most: int | None = None) -> Pieces:
    """Return the windows of a text in its own order, each read when it is asked for."""
    order = TextLanes(text, 1, truncation)
    pieces = order.beginning(min(most or text.steps, text.steps))
    return [partial(lambda piece: (order.read(piece), piece.start == 0), piece) for piece in pieces]


def _scores(log_p: Tensor) -> dict[str, Any]:
    loss = -log_p.double().mean().item()
    return {"loss": loss, "perplexity": torch.tensor(loss).double().exp().item(), "steps": len(log_p)}
