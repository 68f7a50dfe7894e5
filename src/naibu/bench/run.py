"""One bench, or all of them: measured with progress, printed, and written as markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from naibu.bench import (
    drawing,
    growth,
    language_model,
    layers,
    memory,
    online,
    probes,
    recording,
    tables,
    tagging,
    translation,
    vectors,
    writing,
)
from naibu.bench.peak import Peak, measure_peak
from naibu.bench.peers import OPTIONAL, there
from naibu.bench.rounds import QUIET
from naibu.bench.sizes import Row, Sizes
from naibu.errors import OptionError
from naibu.progress import shown
from naibu.storage import deliver_text

SIZED = ("layers", "language-model", "growth")
ALL = (*SIZED, "recording", "writing", "drawing", "tagging", "translation", "vectors", "online", "probes", "memory")
LONG = ("probes", "memory")
"""Left out of all of them with --quick."""
_TABLES: dict[str, Callable[[list[Row]], list[tables.Printed]]] = {
    "layers": tables.layers,
    "language-model": tables.language_model,
    "growth": tables.growth,
    "recording": tables.plain("Recording everything, against the layer's own forward pass"),
    "writing": tables.plain("Characters that a network writes, against a loop in PyTorch"),
    "drawing": tables.plain("Points that a network draws, against a loop in PyTorch"),
    "tagging": tables.plain("Words that a tagger learns, against the same network in plain PyTorch"),
    "translation": tables.plain(
        "Words of translations learnt, against the common program in plain PyTorch; sentences translated"
    ),
    "vectors": tables.plain("Vectors of words, a pass over text on two threads"),
    "online": tables.online,
    "probes": tables.probes,
    "memory": tables.plain("Memory of recording and probing"),
}


def run(what: str, sizes: Sizes, console: Console, markdown: Path | None = None) -> list[Row] | dict[str, list[Row]]:
    """Return the rows of one bench, or for `all` of each by its name; print their tables, and write them.

    What was measured before a Ctrl-C is printed, not written. Raises OptionError where sizes are asked of a
    bench that has its own.
    """
    _refuse(what, sizes)
    names = [what] if what != "all" else [name for name in ALL if not (sizes.quick and name in LONG)]
    peak = None
    said = [_machine()]
    console.print(said[0], highlight=False, markup=False)
    if {"layers", "language-model"} & set(names):
        peak = measure_peak()
        said.append(_products(peak))
        console.print(said[1], highlight=False, markup=False)
    found: dict[str, list[Row]] = {}
    for name in names:
        found[name] = []
        try:
            with shown(name, "s") as progress:
                for row in _rows(name, sizes, peak, progress):
                    found[name].append(row)
        finally:
            printed = _TABLES[name](found[name]) if found[name] else []
            for table in printed:
                console.print(table.terminal())
        said += [table.markdown() for table in printed]
    if markdown is not None:
        deliver_text(markdown, "\n\n".join(part.strip() for part in said) + "\n")
    return found if what == "all" else found[what]


def _refuse(what: str, sizes: Sizes) -> None:
    """Raise OptionError where sizes were asked for that this bench does not take."""
    if what in SIZED and sizes.rows:
        raise OptionError(f"--rows {sizes.rows[0]}: rows of recordings are for probes and all, not for {what}")
    for option, value, usual in (("layers", sizes.layers, 1), ("precision", sizes.precision, "float32")):
        if what != "language-model" and value != usual:
            raise OptionError(f"--{option} {value}: is for language-model, not for {what}")
    taken: dict[str, Any] = {"quick": sizes.quick and what in ("online", "probes")}
    if what == "probes":
        taken |= {"hidden": sizes.hidden, "rows": sizes.rows}
        if sizes != Sizes(**taken):
            raise OptionError("naibu bench probes: takes --hidden, --rows and --quick only")
    if what not in (*SIZED, "probes", "all") and sizes != Sizes(**taken):
        raise OptionError(f"naibu bench {what}: has sizes of its own; options are for {', '.join(SIZED)} and all")


def _rows(name: str, sizes: Sizes, peak: Peak | None, progress: Callable[[float, float, str], None]) -> Iterable[Row]:
    if name == "growth":
        return growth.measure(sizes, progress)
    if name == "recording":
        return recording.measure()
    if name == "writing":
        return writing.measure()
    if name == "drawing":
        return drawing.measure()
    if name == "tagging":
        return tagging.measure()
    if name == "translation":
        return translation.measure()
    if name == "vectors":
        return vectors.measure()
    if name == "online":
        return online.measure(sizes, progress)
    if name == "probes":
        return probes.measure(sizes, progress)
    if name == "memory":
        return memory.measure()
    assert peak is not None
    measure = layers.measure if name == "layers" else language_model.measure
    return measure(sizes, peak, progress)


def _machine() -> str:
    there_are = [name for name in OPTIONAL if there(name)]
    missing = [" with ".join(OPTIONAL[name]) for name in OPTIONAL if name not in there_are]
    peers = f"peers here: {', '.join(there_are) or 'none besides torch'}"
    if missing:
        peers += f" (not installed: {', '.join(missing)})"
    onednn = "on" if torch.backends.mkldnn.is_available() else "off"  # type: ignore[no-untyped-call]
    return (
        f"{_processor()}, {os.cpu_count()} processors, threads: {torch.get_num_threads()}; torch {torch.__version__}, "
        f"oneDNN {onednn}; {peers}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _products(peak: Peak) -> str:
    ways = ", ".join(f"{name} {gflops:.0f}" for name, gflops in peak.gflops.items())
    loud = f" (above {QUIET:.0%}: figures are worth little)" if peak.load > QUIET else ""
    return f"sgemm, GFLOP/s: {ways}; limits are counted in the {peak.best}; load {peak.load:.2f}{loud}"
