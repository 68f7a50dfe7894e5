"""A run on disk: a folder with configuration, metrics, weights, vocabulary and checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naibu import config as configs
from naibu.errors import StoredError
from naibu.storage import read_json, write_json

FORMAT = 1
"""Version of the layout; a folder written by a newer one is refused."""


@dataclass(frozen=True)
class Run:
    """A network trained, or being trained, in a folder of its own.

    `path` is the folder, `model` and `training` the complete configuration, `corpus` what is needed to
    open its corpus again (options, fingerprint, what was found), `symbols` its vocabulary's size.
    """

    path: Path
    model: configs.ModelConfig
    training: configs.TrainingConfig
    corpus: dict[str, Any]
    symbols: int
    versions: dict[str, str]

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.path.name

    @property
    def weights(self) -> Path:
        """The best weights so far, safetensors."""
        return self.path / "weights.safetensors"

    @property
    def checkpoint(self) -> Path:
        """Where training goes on from, safetensors."""
        return self.path / "checkpoint.safetensors"

    @property
    def finished(self) -> bool:
        """Whether training has come to its end."""
        return (self.path / "finished.json").exists()

    def summary(self) -> dict[str, Any]:
        """Return what training ended with: steps, seconds, symbols a second, validation loss."""
        found = read_json(self.path / "finished.json", "the end of a run; train it to its end first")
        assert isinstance(found, dict)
        return found

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`, in the order of steps."""
        path = self.path / "metrics.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        # A line that a full disk cut short has no end; the step it speaks of is trained again.
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def save(self) -> None:
        """Write `config.json`."""
        write_json(
            self.path / "config.json",
            {
                "format": FORMAT,
                "versions": self.versions,
                "corpus": self.corpus,
                "symbols": self.symbols,
                "model": configs.as_json(self.model),
                "training": configs.as_json(self.training),
            },
        )


def open_run(path: str | Path) -> Run:
    """Return the run in a folder. Raises StoredError where there is none, or a newer version wrote it."""
    path = Path(path)
    where = path / "config.json"
    found = read_json(where, "a run's configuration (a run is made by: naibu train)")
    parts = {"format": int, "model": dict, "training": dict, "corpus": dict, "symbols": int, "versions": dict}
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise StoredError(f"{where}: not a run's configuration; remove {path} and train again")
    if found["format"] > FORMAT:
        version = found.get("versions", {}).get("naibu", "unknown")
        raise StoredError(
            f"{where}: written by a newer naibu ({version}, format {found['format']}; "
            f"this one reads up to {FORMAT}); upgrade naibu, or choose another --out"
        )
    for part, kind in parts.items():
        if not isinstance(found.get(part), kind):
            raise StoredError(f"{where}: damaged ({part} is missing); remove {path} and train again")
    return Run(
        path,
        configs.from_json(configs.ModelConfig, found["model"], where),
        configs.from_json(configs.TrainingConfig, found["training"], where),
        found["corpus"],
        found["symbols"],
        found["versions"],
    )


def list_runs(out: str | Path) -> list[Run]:
    """Return the runs in a folder, by name. Raises StoredError where there is none."""
    folders = sorted(folder.parent for folder in Path(out).glob("*/config.json"))
    if not folders:
        raise StoredError(f"{out}: no run here; train one first: naibu train CORPUS --out {out}")
    return [open_run(folder) for folder in folders]
