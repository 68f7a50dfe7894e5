"""A run on disk: a folder with settings, what reads its input, metrics, weights and checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from naibu.config import ModelConfig, TrainingConfig
from naibu.data.examples import Data
from naibu.errors import StoredError
from naibu.runs import first_format
from naibu.shown import Row, Shown, drawn
from naibu.storage import (
    DIGEST,
    MALFORMED,
    damaged,
    digest_of,
    digest_of_file,
    from_json,
    plain,
    read_json,
    read_text,
    read_toml,
    seal_of,
    write_toml,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGER = "longer"
"""The key under which settings have the trainings that went on with a finished run."""
FORMAT = 3
"""Version of the layout; a folder written by a newer one is refused, of an older one (2: without checksums) is read."""
SETTINGS, FIRST = "settings.toml", "config.json"
"""What makes a folder a run, and what did in the first format."""


@dataclass(frozen=True)
class Ended:
    """What training ended with; the validation loss is that of the best weights."""

    steps: int
    seconds: float
    tokens: int
    stopped_early: bool
    tokens_per_second: float
    validation_loss: float
    best_step: int
    made_from: str = ""
    """The run's identity."""
    weights: str = ""
    """The checksum of the weights."""
    metrics: str = ""
    """The checksum of `metrics.jsonl`."""


@dataclass(frozen=True)
class Stretch:
    """A training: the step that it began at, and how it was done."""

    begun: int
    training: TrainingConfig


@dataclass(frozen=True)
class Run(Shown):
    """A network trained, or being trained, in a folder of its own.

    `path` is the folder; `task` and `options` say what data it learns, `fingerprint` which they were; `model` and
    `training` are the complete configuration, `sizes` what the model is built from. `found` are facts of the data as
    plain values: its name, `train_tokens` (steps that training examples have), and what `Data.facts` adds. `files` are
    the checksums of what else was written when it began, `digest` that of the settings, `format` the version of the
    layout. `longer` are the trainings that went on when it was finished, `origin` is the run whose weights it began
    with, and what of them; empty where they were drawn.
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
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    longer: tuple[Stretch, ...] = ()
    origin: dict[str, Any] = field(default_factory=dict)
    digest: str = field(default="", compare=False)

    def __repr__(self) -> str:
        state = "finished" if self.finished else "unfinished"
        return f"Run({str(self.path)!r}, task {self.task}, {self.model.cell} of {self.model.units} units, {state})"

    def rows(self) -> list[Row]:
        """Return the learning curve, a row for each line of `metrics.jsonl`. Raises as `metrics`."""
        return list(self.metrics())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the learning curve; return the axes."""
        return drawn("naibu.reporting.plots.prediction:plot_learning_curve", self.metrics(), ax)

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

    @property
    def stretch(self) -> Stretch:
        """The training that is done now, or was done last."""
        return self.longer[-1] if self.longer else Stretch(0, self.training)

    @property
    def asked_steps(self) -> list[int]:
        """The steps that each training was to take, the first one's and those of what went on."""
        return [each.steps or 0 for each in (self.training, *(longer.training for longer in self.longer))]

    def go_on(self, begun: int, training: TrainingConfig) -> Run:
        """Return the run with one more training from a step on, which is written into its settings.

        The identity stays: what was made from the run before is still of this run.
        """
        written = read_toml(self.path / SETTINGS, "a run's settings")
        written["run"].setdefault(LONGER, []).append(plain(asdict(Stretch(begun, training))))
        del written["run"][DIGEST]
        written["run"][DIGEST] = _seal(written, self.task)
        write_toml(self.path / SETTINGS, written)
        return open_run(self.path)

    def as_read(self, data: Data) -> Data:
        """Return data numbered as the run's network reads them, which another run's symbols may say."""
        from naibu.tasks.catalogue import task_named

        return data.with_symbols(task_named(self.task).symbols(self.path)) if self.origin else data

    def data(self) -> Data:
        """Return the data that it was trained on, opened again; StoredError where they have changed since."""
        from naibu.tasks.catalogue import task_named

        task = task_named(self.task)
        data = task.open_beside(task.options(**self.options), self.path.parent)
        if data.fingerprint != self.fingerprint:
            raise StoredError(
                f"{self.path}: what it was trained on, {data.name}, has changed since training; "
                "train again with another --out"
            )
        return self.as_read(data)

    @property
    def identity(self) -> str:
        """The checksum of all that the run was begun with, wherever its data lie now."""
        return self.digest or _identity(self._written(), self.task)

    def summary(self) -> dict[str, Any]:
        """Return what training ended with: steps, seconds, tokens a second, validation loss. Raises as `ended`."""
        return {name: value for name, value in asdict(self.ended()).items() if not isinstance(value, str)}

    def ended(self) -> Ended:
        """Return what training ended with. Raises StoredError where it has not, or is damaged or of another run."""
        path, what = self.path / "finished.json", "the end of a run; train it to its end first"
        found = read_json(path, what, sealed=lambda _: self.format > 2)
        try:
            ended: Ended = from_json(Ended, found)
        except MALFORMED as error:
            raise damaged(path, what, error) from None
        if self.format > 2 and ended.made_from != self.identity:
            raise StoredError(f"{path}: of another run than {self.path / SETTINGS}; remove {self.path} and train again")
        return ended

    def check_weights(self, made_from: str | None, digest: str) -> None:
        """Raise ValueError where weights, made from a run and with a checksum, are not those of this one."""
        if self.format > 2:
            if made_from != self.identity:
                raise ValueError("they are of another run")
            if self.finished and digest != self.ended().weights:
                raise ValueError("they are not those that training ended with")

    def check_file(self, name: str) -> Path:
        """Return the path of what was written when the run began; StoredError where it is not as it was."""
        path = self.path / name
        if name in self.files and digest_of_file(path) != self.files[name]:
            raise StoredError(f"{path}: not as it was when the run began; remove {self.path} and train again")
        return path

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`, in the order of steps.

        Raises StoredError where they are damaged, or not those that training ended with.
        """
        path, what = self.path / "metrics.jsonl", "the learning curve of a run"
        text = read_text(path, what) if path.exists() else ""
        if self.format > 2 and self.finished and digest_of(text) != self.ended().metrics:
            raise StoredError(
                f"{path}: not the learning curve that training ended with; remove {self.path} and train again"
            )
        # A line that a full disk cut short has no end; the step it speaks of is trained again.
        try:
            found = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
            for line in found:
                int(line["step"]), float(line["validation_loss"]), float(line["loss"]), float(line["seconds"])
        except MALFORMED as error:
            raise damaged(path, what, error) from None
        return found

    def save(self) -> None:
        """Write `settings.toml`: what was asked for, so that it can be asked for again, and as `run` what was found."""
        written = self._written()
        written["run"][DIGEST] = _seal(written, self.task)
        write_toml(self.path / SETTINGS, written)

    def _written(self) -> dict[str, Any]:
        known: dict[str, Any] = {"format": FORMAT, "fingerprint": self.fingerprint, "sizes": self.sizes}
        known |= {"origin": self.origin} if self.origin else {}
        known |= {LONGER: [plain(asdict(each)) for each in self.longer]} if self.longer else {}
        found: dict[str, Any] = plain(
            {
                "task": self.task,
                "data": self.options,
                "model": asdict(self.model),
                "training": asdict(self.training),
                "run": {**known, "found": self.found, "versions": self.versions, "files": self.files},
            }
        )
        return found


def _seal(written: Mapping[str, Any], task: str) -> str:
    """Return the checksum of settings without their paths: data may be moved, and have a fingerprint."""
    from naibu.tasks.catalogue import task_named

    hints = get_type_hints(task_named(task).options)
    data = {name: value for name, value in written["data"].items() if Path not in (hints[name], *get_args(hints[name]))}
    return seal_of(SETTINGS, {**written, "data": data}, ordered=False)


def _identity(written: Mapping[str, Any], task: str) -> str:
    """Return the checksum of settings as they were when the run began, whatever training went on since."""
    begun = {name: value for name, value in written["run"].items() if name != LONGER}
    return _seal({**written, "run": begun}, task)


def open_run(path: str | Path) -> Run:
    """Return the run in a folder. Raises StoredError where there is none, or a newer version wrote it."""
    from naibu.tasks.catalogue import task_named

    path = Path(path)
    where = path / (FIRST if (path / FIRST).exists() and not (path / SETTINGS).exists() else SETTINGS)
    what = "a run's settings (a run is made by: naibu train)"
    found = first_format.read(where) if where.name == FIRST else read_toml(where, what)
    known = found.get("run") if isinstance(found, dict) else None
    if not isinstance(known, dict) or not isinstance(known.get("format"), int):
        raise StoredError(f"{where}: damaged, or not a run's settings; remove {path} and train again")
    if known["format"] > FORMAT:
        versions = known.get("versions")
        version = versions.get("naibu", "unknown") if isinstance(versions, dict) else "unknown"
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
    if not all(type(size) is int and 0 < size < 2**31 for size in known["sizes"].values()):
        raise StoredError(f"{where}: damaged (the sizes are {known['sizes']}); remove {path} and train again")
    for part in ("files", "origin"):
        if not isinstance(known.get(part, {}), dict):
            raise StoredError(f"{where}: damaged ({part} is no table); remove {path} and train again")
    task = task_named(found["task"])
    digest = known.pop(DIGEST, "")
    options, model = _read(task.options, found["data"], where), _read(task.model, found["model"], where)
    training = _read(task.training, found["training"], where)
    if known["format"] > 2 and digest != _seal(found, task.name):
        raise StoredError(f"{where}: changed since the run began; put it back, or remove {path} and train again")
    try:
        longer = tuple(
            Stretch(int(each["begun"]), _read(task.training, each["training"], where)) for each in known.get(LONGER, [])
        )
    except MALFORMED as error:
        raise StoredError(f"{where}: damaged ({LONGER}: {error}); put it back as it was") from None
    return Run(
        path,
        task.name,
        {each.name: found["data"].get(each.name, getattr(options, each.name)) for each in fields(options)},
        model,
        training,
        **{part: known[part] for part in more},
        files=known.get("files", {}),
        format=known["format"],
        longer=longer,
        origin=known.get("origin", {}),
        digest=_identity(found, task.name) if known["format"] > 2 else digest,
    )


def _read(kind: type[Any], written: dict[str, Any], where: Path) -> Any:
    """Return settings of one table; what is missing is as when nothing is given, so the default of a new field is what
    was done before there was one."""
    for key in {*written} - {each.name for each in fields(kind)}:
        raise StoredError(f"{where}: unknown setting {key!r}; it was written by another version")
    try:
        return from_json(kind, written)
    except MALFORMED as error:
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
