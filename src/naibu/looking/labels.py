"""Labels worth asking about: which is the main one, and what they are called where networks stand side by side."""

from __future__ import annotations

from collections.abc import Iterable

from naibu.data.corpus import DEPTHS
from naibu.reporting.words import label_name


def is_depth(label: str) -> bool:
    """Return whether a label is a depth of nested text, or what stands for it: a number, even where it is 0 and 1."""
    return label.partition(":")[0] in DEPTHS


def of_depth(labels: Iterable[str]) -> bool:
    """Return whether any label is such a depth."""
    return any(map(is_depth, labels))


def called(label: str) -> str:
    """Return what a line of the terminal's table calls a label: alike for all that is a depth."""
    if is_depth(label) and label != "line_position":
        return "phrase's depth" if ":" in label else "depth"
    return "inside" if label.startswith("inside:") else label_name(label)
