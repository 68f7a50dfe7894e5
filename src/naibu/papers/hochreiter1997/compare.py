"""A row's trials beside what was published: the experiment that the runner runs, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from naibu.online.trials import Trial
from naibu.papers.hochreiter1997.asked import Asked
from naibu.papers.hochreiter1997.blocks import Stored, blocks_of, digest, stored_by_settings, trials_of
from naibu.papers.hochreiter1997.figures import figures
from naibu.papers.hochreiter1997.learners import learner_of
from naibu.papers.hochreiter1997.rows import Row, all_rows
from naibu.papers.hochreiter1997.verdict import NOT_RUN, verdict
from naibu.papers.runner import Experiment, Figures, Reproduced

STATISTICS = 1
"""Goes up when figures or verdicts are computed otherwise: rows are then made again from their trials."""


def experiments(folder: Path, asked: Asked, quick: bool) -> Iterator[Experiment]:
    """Yield the rows asked for; their trials have to be there when they are obtained."""
    for row in asked.rows(quick):
        yield experiment(folder, row, asked.seed)


def experiment(folder: Path, row: Row, seed: int) -> Experiment:
    """Return a row as the runner takes it."""

    def obtain(quick: bool) -> Figures:
        trials, seconds = trials_of(folder, row, seed)
        if not trials:
            return {"trials": 0, "verdict": NOT_RUN}
        found = figures(row, trials, seconds)
        return {**found, "verdict": verdict(row, trials)}

    def stamp() -> list[Any]:
        return [(block.path.name, len(block.stored().trials)) for block in blocks_of(folder, row, seed)]

    settings = {**row.settings, "seed": seed, "trials": row.trials, "doubtful": list(row.doubtful)}
    settings["files"] = digest(
        {"files": stamp(), "statistics": STATISTICS, "there": learner_of(row.learner) is not None}
    )
    return Experiment(
        table=row.table,
        row=row.row,
        published=dict(row.published),
        source=row.source,
        obtain=obtain,
        judge=lambda _, obtained: str(obtained["verdict"]),
        settings=settings,
    )


class Version(NamedTuple):
    """A row as it was trained with some settings, of which there may be several."""

    row: Row
    found: Reproduced | None
    """None where nothing was trained."""
    trials: list[Trial]
    label: str
    """How the settings differ from those of the full version; "" where they do not."""


def every_stored(folder: Path) -> list[Version]:
    """Return every row with all trials there are of it, the literal full version first."""
    found = []
    for row in all_rows():
        versions = [_version(row, stored) for stored in stored_by_settings(folder, row)]
        found += sorted(versions, key=_literal_first) or [Version(row, None, [], "")]
    return found


def _literal_first(version: Version) -> tuple[int, int, str]:
    """Order versions: without departures and other seeds first, and of those the higher cap."""
    departures = [part for part in version.label.split(", ") if part and not part.startswith("cap ")]
    return len(departures), -version.row.cap, version.label


def _version(row: Row, stored: Stored) -> Version:
    same = {name: stored.asked[name] for name in ("task", "network", "learning", "cap", "tested")}
    trained = replace(row, **same, trials=len(stored.trials))
    obtained = figures(trained, stored.trials, stored.seconds)
    del obtained["trials"], obtained["seconds"]
    made = Reproduced(
        row.table,
        row.row,
        row.published,
        row.source,
        obtained,
        len(stored.trials),
        stored.seconds,
        verdict(trained, stored.trials),
        False,
        stored.asked,
    )
    return Version(trained, made, stored.trials, label(row, stored.asked))


def label(row: Row, asked: dict[str, Any]) -> str:
    """Return in a few words how settings differ from those of the full version of a row; "" where they do not."""
    said = [f"seed {asked['seed']}"] if asked["seed"] != Asked.seed else []
    if asked["cap"] != row.cap:
        said.append(f"cap {asked['cap']:,}")
    said += [f"{name} {value}" for name, value in asked["task"].items() if row.task.get(name) != value]
    words = {
        "gradient": "{} gradient",
        "update": "update per {}",
        "output_bias": "output bias",
        "output_derivative": "no f'(net k)",
    }
    for name, value in {**asked["network"], **asked["learning"]}.items():
        if {**row.network, **row.learning}.get(name) == value or name == "output_range":
            continue
        said.append("ranges of table 10" if name == "cell_range" else words.get(name, name + " {}").format(value))
    return ", ".join(said)
