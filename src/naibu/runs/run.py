"""A run on disk: a folder with settings, what reads its input, metrics, weights and checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.examples import Data
from naibu.errors import StoredError
from naibu.runs import first_format
from naibu.storage import from_json, read_json, read_toml, write_toml

FORMAT = 2
"""Version of the layout; a folder written by a newer one is refused."""
SETTINGS, FIRST = "settings.toml", "config.json"
"""What makes a folder a run, and what did in the first format."""


@dataclass(frozen=True)
class Run:
    """A network trained, or being trained, in a folder of its own.

    `path` is the folder; `task` and `options` say what data it learns, `fingerprint` which they were; `model` and
    `training` are the complete configuration, `sizes` what the model is built from. `found` are facts of the data as
    plain values: its name, `train_tokens` (steps that training examples have), and what `Data.facts` adds.
    """

    path: Path
    task: str
    options: dict[str, Any]
    model: ModelConfig
    training: TrainingConfig
    sizes: dict[str, int]
    fingerprint: str
    found: dict[str, Any]
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

    def data(self) -> Data:
        """Return the data that it was trained on, opened again; StoredError where they have changed since."""
        from naibu.tasks.catalogue import task_named

        task = task_named(self.task)
        data = task.open(task.options(**self.options))
        if data.fingerprint != self.fingerprint:
            raise StoredError(
                f"{self.path}: what it was trained on, {data.name}, has changed since training; "
                "train again with another --out"
            )
        return data

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
        """Write `settings.toml`: what was asked for, so that it can be asked for again, and as `run` what was found."""
        known = {"format": FORMAT, "fingerprint": self.fingerprint, "sizes": self.sizes}
        write_toml(
            self.path / SETTINGS,
            {
                "task": self.task,
                "data": self.options,
                "model": asdict(self.model),
                "training": asdict(self.training),
                "run": {**known, "found": self.found, "versions": self.versions},
            },
        )


def open_run(path: str | Path) -> Run:
    """Return the run in a folder. Raises StoredError where there is none, or a newer version wrote it."""
    from naibu.tasks.catalogue import task_named

    path = Path(path)
    where = path / (FIRST if (path / FIRST).exists() and not (path / SETTINGS).exists() else SETTINGS)
    what = "a run's settings (a run is made by: naibu train)"
    found = first_format.read(where) if where.name == FIRST else read_toml(where, what)
    known = found.get("run") if isinstance(found, dict) else None
    if not isinstance(known, dict) or not isinstance(known.get("format"), int):
        raise StoredError(f"{where}: not a run's settings; remove {path} and train again")
    if known["format"] > FORMAT:
        version = known.get("versions", {}).get("naibu", "unknown")
        raise StoredError(
            f"{where}: written by a newer naibu ({version}, format {known['format']}; "
            f"this one reads up to {FORMAT}); upgrade naibu, or choose another --out"
        )
    parts = dict.fromkeys(("data", "model", "training"), dict)
    more = {"fingerprint": str, "sizes": dict, "found": dict, "versions": dict}
    for table, kinds in ((found, {"task": str, **parts}), (known, more)):
        for part, kind in kinds.items():
            if not isinstance(table.get(part), kind):
                raise StoredError(f"{where}: damaged ({part} is missing); remove {path} and train again")
    task = task_named(found["task"])
    options = _read(task.options, found["data"], where)
    return Run(
        path,
        task.name,
        {field.name: found["data"].get(field.name, getattr(options, field.name)) for field in fields(options)},
        _read(task.model, found["model"], where),
        _read(TrainingConfig, found["training"], where),
        **{part: known[part] for part in more},
    )


def _read(kind: type[Any], written: dict[str, Any], where: Path) -> Any:
    """Return settings of one table; what is missing is as when nothing is given, so the default of a new field is what
    was done before there was one."""
    for key in {*written} - {field.name for field in fields(kind)}:
        raise StoredError(f"{where}: unknown setting {key!r}; it was written by another version")
    try:
        return from_json(kind, written)
    except (KeyError, TypeError, ValueError) as error:
        raise StoredError(f"{where}: damaged ({error}); put it back as it was") from None


def is_run(folder: Path) -> bool:
    """Return whether a run was begun in a folder."""
    return any((folder / name).exists() for name in (SETTINGS, FIRST))


def list_runs(out: str | Path) -> list[Run]:
    """Return the runs in a folder, by name. Raises StoredError where there is none."""
    folders = sorted(folder for folder in Path(out).glob("*") if is_run(folder))
    if not folders:
        raise StoredError(f"{out}: no run here; train one first: naibu train CORPUS --out {out}")
    return [open_run(folder) for folder in folders]
