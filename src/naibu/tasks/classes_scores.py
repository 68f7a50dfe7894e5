"""How well classes are told: accuracy, F1 by class and its mean, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from naibu.data.classes.examples import ClassExamples
from naibu.data.events import Array
from naibu.models.classifier import Classifier
from naibu.progress import Report, silent

RESAMPLES = 1_000
LEAST = 1e-12
"""Least probability whose logarithm is taken: a simple way may rule a class out."""
LISTED = 12
"""Classes that are listed one by one where scores are printed."""


def probabilities(model: Classifier, examples: ClassExamples, progress: Report = silent) -> Array:
    """Return the probability of every class of every example, float64 [example class]."""
    from naibu.data.order import ByLength

    found = np.zeros((len(examples), len(examples.names)))
    order, done, steps = ByLength(examples, 1, 1), 0, int(examples.lengths.sum())
    for piece in order.beginning(steps):
        batch = order.read(piece).to(model.device)
        found[piece.which] = model.probabilities(batch).double().cpu().numpy()
        done += int(batch.main.lengths.sum())
        progress(done, steps, "")
    return found


def summary_of(told: Array, gold: Array, names: tuple[str, ...]) -> dict[str, Any]:
    """Return accuracy, macro F1 and loss (nats an example) of probabilities `told [example class]`."""
    table = confusion_of(told.argmax(-1), gold, len(names))
    loss = -np.log(np.maximum(told[np.arange(len(gold)), gold], LEAST)).mean()
    return {"accuracy": float(np.trace(table) / table.sum()), "macro_f1": macro_f1(table), "loss": float(loss)}


def confusion_of(predicted: Array, gold: Array, classes: int) -> Array:
    """Return how often each class (row) is told as each (column), int64 [class class]."""
    return np.bincount(gold * classes + predicted, minlength=classes**2).reshape(classes, classes)


def f1_of(table: Array) -> tuple[Array, Array, Array]:
    """Return precision, recall and F1 of each class; NaN where it is never told, never there, or neither."""
    right, told, there = np.diag(table), table.sum(0), table.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / told, right / there, 2 * right / (told + there)


def macro_f1(table: Array) -> float:
    """Return the mean F1 over the classes that are there or told."""
    return float(np.nanmean(f1_of(table)[2]))


def by_class(table: Array, names: tuple[str, ...]) -> dict[str, Any]:
    """Return precision, recall, F1 and examples of every class; a precision of what is never told is null."""
    columns = dict(zip(("precision", "recall", "f1"), f1_of(table), strict=True))
    return {
        name: {key: None if np.isnan(found[k]) else float(found[k]) for key, found in columns.items()}
        | {"examples": int(table[k].sum())}
        for k, name in enumerate(names)
    }


def interval_of(right: Array, seed: int = 1) -> tuple[float, float]:
    """Return the 95 % interval of an accuracy by resampling examples; it knows nothing of other trainings."""
    drawn = np.random.default_rng(seed).binomial(len(right), right.mean(), RESAMPLES) / len(right)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def told_rows(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return scores as rows to be printed: the network and what stands beside it, then each class."""
    rows = {name: value for name, value in scores.items() if not isinstance(value, dict | list)}
    low, high = rows.pop("accuracy_low"), rows.pop("accuracy_high")
    rows["accuracy"] = f"{rows['accuracy']:.4f} [{low:.4f}, {high:.4f}]"
    for name, found in scores.get("baselines", {}).items():
        what = "the largest class" if name == "largest_class" else f"logistic regression on {name}"
        rows[f"{what}: accuracy"] = f"{found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f} ({found['settings']})"
    classes = sorted(scores["by_class"].items(), key=lambda each: -each[1]["examples"])
    for name, found in classes[:LISTED]:
        taken = sorted(scores["confusion"][name].items(), key=lambda each: -each[1])
        others = ", ".join(f"{other} {count}" for other, count in taken if other != name and count)
        said = " ".join(f"{key} {_short(found[key])}" for key in ("precision", "recall", "f1"))
        rows[f"class {name}"] = f"{said}, {found['examples']} examples" + (f"; told as {others}" if others else "")
    if len(classes) > LISTED:
        rows["more classes"] = f"{len(classes) - LISTED}; --json has all"
    return rows


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
