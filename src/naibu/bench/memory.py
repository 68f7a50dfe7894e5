"""What memory a big recording and its probes need: sequences read again and again until there are enough."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from naibu import probes
from naibu.bench.held import peak
from naibu.bench.rounds import Load
from naibu.config import ModelConfig
from naibu.data import builtin
from naibu.data.corpus import open_corpus
from naibu.models.language_model import LanguageModel
from naibu.progress import shown
from naibu.recording import Recording, record_examples

CELL = ("lstm.0", "cell")


def measure(positions: int = 5_000_000, units: int = 200, folder: Path | None = None) -> list[dict[str, Any]]:
    """Return a row per stage: its seconds and the most anonymous memory in MB that the process held during it.

    The network is untrained; what it holds does not matter to the memory. Cell and hidden state are recorded,
    float16. Anonymous memory is what the system cannot take back by writing files (RssAnon of /proc); it
    counts Python, torch and the corpus as well.
    """
    corpus = open_corpus(builtin.NAME, form="tagged")
    times = -(-positions // (corpus.train.tokens + corpus.test.tokens))
    parts = {
        name: split.subset(np.tile(np.arange(len(split)), times))
        for name, split in (("train", corpus.train), ("test", corpus.test))
    }
    positions = sum(part.tokens for part in parts.values())
    torch.manual_seed(1)
    model = LanguageModel(len(corpus.vocabulary), ModelConfig(units=units))
    labels = ["depth", f"inside:{corpus.category}"]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=folder) as place:
        out = Path(place) / "recording"

        def record() -> None:
            with shown("recording", "symbols") as progress:
                record_examples(model, parts, keep=("cell", "hidden"), labels=labels, out=out, progress=progress)

        stages: dict[str, Callable[[], object]] = {
            "record": record,
            "correlation": lambda: probes.correlation(Recording.open(out), "depth"),
            "overlap": lambda: probes.overlap(Recording.open(out), labels[1]),
            "regression": lambda: probes.regression(Recording.open(out), "depth", CELL),
            "l1_path": lambda: probes.l1_path(Recording.open(out), labels[1], CELL),
            "confusion": lambda: probes.confusion(Recording.open(out)),
            "distributions": lambda: probes.distributions(Recording.open(out)),
        }
        for stage, run in stages.items():
            began, load = time.perf_counter(), Load()
            with peak() as most:
                run()
            rows.append({"stage": stage, "positions": positions, "units": units})
            rows[-1] |= {"anonymous_mb": round(max(most)), "seconds": round(time.perf_counter() - began, 1)}
            rows[-1]["load"] = load.read()
    return rows
