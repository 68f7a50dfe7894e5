"""Beginning with the weights of another run: its network, its symbols kept or grown by those of the new data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from naibu.config import ModelConfig, SymbolsName
from naibu.data.examples import Data
from naibu.errors import OptionError
from naibu.models.model import Model
from naibu.models.weights import stored
from naibu.runs import Run, is_run, open_run
from naibu.runs.load import load, untrained
from naibu.tasks.catalogue import task_named
from naibu.tasks.task import own_kind

SHAPE = ("cell", "units", "layers", "embedding", "tied", "softmax", "cutoffs", "heads", "embedding_kind")
"""Fields of a network that have to be those of the run it begins with; what is left to be chosen is taken over."""
CHOSEN = ("units", "embedding")


@dataclass(frozen=True)
class Origin:
    """Another run as the beginning of one: what data and network become with it, and what settings say of it."""

    run: Run
    data: Data
    model: ModelConfig
    said: dict[str, Any]

    def weights(self, drawn: Model) -> dict[str, Tensor]:
        """Return the weights to begin with, of a model whose own were drawn; the rows of new symbols stay those.

        Raises OptionError where its tensors are not those of the run.
        """
        theirs, ours = stored(load(self.run)), stored(drawn)
        before, after = self.run.sizes, self.data.sizes
        rows = {(before[name], size) for name, size in after.items() if size != before.get(name)}
        for name in ours.keys() | theirs.keys():
            if name not in ours or name not in theirs:
                raise OptionError(f"--from {self.run.path}: its network has other weights ({name})")
            own, other = ours[name], theirs[name]
            grown = (len(other), len(own)) in rows if own.dim() else False
            if own.shape[1:] != other.shape[1:] or (own.shape != other.shape and not grown):
                hint = "; take --from-vocabulary kept" if rows else ""
                raise OptionError(
                    f"--from {self.run.path}: its {name} is {_shape(other)}, that of this network {_shape(own)}{hint}"
                )
            (own[: len(other)] if grown else own).copy_(other)
        return ours


def origin_of(data: Data, model: ModelConfig, begun: str | Path, symbols: SymbolsName, folder: Path) -> Origin:
    """Return what a run in `folder` begins with that takes over the weights of the run in `begun`.

    Its symbols are kept, others of the new data becoming unknown, or grown by those of the data that it has not. A run
    that is in `folder` already has what it began with, whatever became of the other. Raises OptionError where task,
    network or symbols do not fit, StoredError where the run is not there, unfinished or damaged.
    """
    there = open_run(folder) if is_run(folder) else None
    known, task = there is not None and bool(there.origin), task_named(data.task)
    theirs = there if there is not None and known else open_run(begun)
    if theirs.task != data.task:
        raise OptionError(f"--from {begun}: a network of the task {theirs.task}; this is {data.task}")
    levels = theirs.options.get("level"), data.options.get("level")
    if levels[0] != levels[1]:
        raise OptionError(f"--from {begun}: a network of the level {levels[0]}; this is {levels[1]}")
    model = own_kind(task.model, model)
    shape = {name: getattr(theirs.model, name) for name in SHAPE if hasattr(model, name)}
    table = stored(untrained(theirs)).get("embedding.weight")
    if table is not None:
        shape["embedding"] = table.shape[1]  # chosen by the vocabulary, which may grow
    for name, other in shape.items():
        own = getattr(model, name)
        if own != other and own is not None and not (name in CHOSEN and own == 0):
            flag = "--" + name.replace("_", "-")
            raise OptionError(
                f"--from {begun}: its network has {flag} {_typed(other)}, not {_typed(own)}; give the same"
            )
    before = task.symbols(theirs.path)
    grown = symbols == "grown" and not known
    had = {*before}
    new = tuple(symbol for symbol in data.symbols if symbol not in had) if grown else ()
    if new and theirs.model.softmax == "adaptive":
        raise OptionError(f"--from {begun}: an adaptive softmax cannot grow; take --from-vocabulary kept")
    if not before and dict(data.sizes) != theirs.sizes:
        raise OptionError(f"--from {begun}: its network is built for {theirs.sizes}, these data are of {data.sizes}")
    try:
        numbered = data.with_symbols((*before, *new))
    except OptionError as error:
        hint = "; take --from-vocabulary grown" if symbols == "kept" else ""
        raise OptionError(f"--from {begun}: {error}{hint}") from None
    said: dict[str, Any] = {"run": str(Path(begun).resolve()), "vocabulary": symbols}
    if known:
        return Origin(theirs, numbered, replace(model, **shape), {**theirs.origin, **said})
    used = len({*data.symbols} & had)
    said |= {"weights": theirs.ended().weights, "kept": len(before), "used": used, "drawn": len(new)}
    return Origin(theirs, numbered, replace(model, **shape), said)


def said_of(origin: Mapping[str, Any]) -> str:
    """Return a sentence on what a run took over from another, and what was drawn anew."""
    drawn = f"{origin['drawn']:,} new, drawn" if origin["drawn"] else "none drawn anew"
    symbols = f"; {origin['kept']:,} symbols, {origin['used']:,} of them in the new data; {drawn}" * bool(
        origin["kept"]
    )
    return f"begun with all weights of {origin['run']}{symbols}"


def _shape(value: Tensor) -> str:
    return " x ".join(map(str, value.shape))


def _typed(value: object) -> str:
    return " ".join(map(str, value)) or "chosen" if isinstance(value, tuple) else str(value)
