"""A page on anybody's torch module: recorded, probed beside the same module untrained, and shown."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from naibu.cells.names import recurrent_parts
from naibu.errors import OptionError
from naibu.looking.analyses.catalogue import ANALYSES
from naibu.looking.analysis import Probed
from naibu.looking.report import told, write_report
from naibu.models.model import evaluating
from naibu.progress import shown
from naibu.recording import Recording, record
from naibu.reporting.content import Report, Subject

R = TypeVar("R")


class Kept:
    """The results of one network, held by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def get(self, kind: type[R], name: str, /) -> R | None:
        """Return a result, None where there is none of that name."""
        found = self.by_name.get(name)
        return found if isinstance(found, kind) else None


def report_module(
    module: nn.Module,
    inputs: Any,
    labels: Mapping[str, Any],
    page: Path,
    *,
    keep: Collection[str] = (),
    lengths: Any = None,
    symbols: Any = None,
    split: Any = None,
) -> Report:
    """Record a module in eval mode, ask of it all that its labels allow, and write the page; see `naibu.report`."""
    if not labels:
        raise OptionError("labels: none; give what is known of each step, name -> values: {'depth': depth}")
    given: dict[str, Any] = {"keep": keep, "labels": labels, "lengths": lengths, "symbols": symbols, "split": split}
    with evaluating(module):
        recording = record(module, inputs, **given)
        bare = redrawn(module)
        control = None if bare is None else record(bare, inputs, **given)
    subject, kept = _subject(module, recording, tuple(labels)), Kept()
    probed = Probed(recording, control, subject, kept)
    asked = [analysis for analysis in ANALYSES if analysis.suits(subject)]
    with shown(f"{subject.name}: probing", "questions") as progress:
        for done, analysis in enumerate(asked):
            progress(done, len(asked), analysis.name)
            for ask in analysis.asks(probed):
                kept.by_name[ask.name] = ask.make()
        progress(len(asked), len(asked), "")
    part = told(subject, kept, "network-1")
    return write_report(f"Inside {subject.name}", [part], [kept], page, "naibu.report")


def redrawn(module: nn.Module, seed: int = 1) -> nn.Module | None:
    """Return the module with all parameters drawn anew, None where it has some that it does not say how to draw."""
    bare, drawn = copy.deepcopy(module), set[int]()
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        for part in bare.modules():
            if callable(reset := getattr(part, "reset_parameters", None)):
                reset()
                drawn |= {id(parameter) for parameter in part.parameters(recurse=False)}
    return bare if all(id(parameter) in drawn for parameter in bare.parameters()) else None


def _subject(module: nn.Module, recording: Recording, labels: tuple[str, ...]) -> Subject:
    layers = ", ".join(f"{name}: {part}" for name, part in recurrent_parts(module))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    sequences = len(recording.index.starts) - 1
    return Subject(
        name=type(module).__name__,
        about="somebody's own, read as it is",
        source="data of one's own",
        asks=labels,
        singled_out=None,
        categorical=False,
        found=[("sequences", f"{sequences:,}"), ("steps", f"{recording.tokens:,}"), ("labels", ", ".join(labels))],
        training={"layers": layers, "parameters": parameters},
    )
