"""How good a trained network is, on its own held-out data or on other files, and what helps it at test time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from naibu.data.batch import Batch
from naibu.data.examples import Examples
from naibu.data.running_text import Text
from naibu.data.text_lanes import TextLanes
from naibu.errors import OptionError
from naibu.models import test_time
from naibu.models.language_model import LanguageModel
from naibu.models.test_time import CACHES, DYNAMICS, Dynamic
from naibu.progress import Report, silent
from naibu.runs import Run
from naibu.runs.load import load
from naibu.tasks.catalogue import task_named
from naibu.training.threads import threads
from naibu.training.validation import measured, windows_of

PartName = Literal["test", "validation"]
FITTED, PASSED = 100_000, 200_000
"""Steps of validation text on which weights at test time are fitted, and of training text that gradients come from."""


def evaluate(
    run: Run,
    files: Sequence[str | Path] = (),
    *,
    part: PartName = "test",
    cache: bool = False,
    dynamic: bool = False,
    progress: Report = silent,
) -> dict[str, Any]:
    """Return the scores of a trained network by name: `loss` (nats a predicted step), `examples`, `steps`, the task's.

    files: what it is scored on, by default the test part of what it was trained on. part: "validation" for that. cache,
    dynamic: for text, score with a neural cache, with weights that follow the text, or both, in `cache`, `dynamic` and
    `dynamic_cache`; their weights are fitted on the run's validation part, or where that is what is scored, on its
    first half, the second alone being scored then.

    Raises StoredError for a run that is not finished or is damaged, CorpusError for files that cannot be used,
    OptionError where the task has no such thing.
    """
    task, model = task_named(run.task), load(run)
    data = None if files and not (cache or dynamic) else run.data()
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
        if cache or dynamic:
            if not isinstance(model, LanguageModel) or not isinstance(examples, Text) or data is None:
                raise OptionError(f"--cache, --dynamic: for networks of running text; this one learnt {run.task}")
            assert isinstance(data.validation, Text)
            assert isinstance(data.train, Text)
            scores |= _at_test_time(model, data.train, data.validation, examples, run, cache, dynamic)
    return scores


def _at_test_time(
    model: LanguageModel, train: Text, validation: Text, examples: Text, run: Run, cache: bool, dynamic: bool
) -> dict[str, Any]:
    same = examples.source is validation.source and (examples.ranges == validation.ranges).all()
    lanes = _lane(validation, run)
    half = lanes[: len(lanes) // 2] if same else lanes[: -(-FITTED // run.training.truncation)]
    scored = lanes[len(half) :] if same else _lane(examples, run)
    own: dict[str, Any] = {"scored": "the second half, fitted on the first" if same else "all"}

    def plain(pieces: Sequence[Callable[[], tuple[Batch, bool]]]) -> Iterator[test_time.Read]:
        return test_time.read(model, (piece() for piece in pieces))

    own |= _scores(torch.cat([part.log_p for part in plain(scored)]))
    found: dict[str, Any] = {"plain": own}
    ways: dict[str, Callable[..., Iterator[test_time.Read]]] = {"": plain}
    settings: dict[str, Any] = {"": {}}
    if dynamic:
        rms = test_time.root_mean_squares(model, (piece() for piece in _lane(train, run, PASSED)))

        def following(how: Dynamic, pieces: Sequence[Callable[[], tuple[Batch, bool]]]) -> Iterator[test_time.Read]:
            return test_time.read_dynamically(model, (piece() for piece in pieces), rms, how)

        tried = [sum(part.log_p.sum().item() for part in following(how, half)) for how in DYNAMICS]
        best = DYNAMICS[tried.index(max(tried))]
        ways["dynamic"], settings["dynamic"] = partial(following, best), asdict(best)
        found["dynamic"] = {
            **asdict(best),
            **_scores(torch.cat([part.log_p for part in ways["dynamic"](scored)])),
        }
    if cache:
        for name, way in ways.items():
            chosen = CACHES[test_time.best_of(lambda way=way: test_time.with_cache(way(half), CACHES))]  # type: ignore[misc]
            rows = torch.cat(list(test_time.with_cache(way(scored), (chosen,))), 1)[0]
            found[f"{name}_cache".lstrip("_")] = {**settings[name], **asdict(chosen), **_scores(rows)}
    return found


def _lane(text: Text, run: Run, most: int | None = None) -> list[Callable[[], tuple[Batch, bool]]]:
    """Return the windows of a text in its own order, each read when it is asked for."""
    order = TextLanes(text, 1, run.training.truncation)
    pieces = order.beginning(min(most or text.steps, text.steps))
    return [partial(lambda piece: (order.read(piece), piece.start == 0), piece) for piece in pieces]


def _scores(log_p: Tensor) -> dict[str, float]:
    loss = -log_p.double().mean().item()
    return {"loss": loss, "perplexity": torch.tensor(loss).double().exp().item(), "steps": len(log_p)}
