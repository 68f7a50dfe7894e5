"""`naibu train` and `naibu look`: a sub-command for every task of the catalogue, with the task's own options."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from naibu.commands.parts import UNTOLD, Told, added, flat, unfolded
from naibu.config import SymbolsName, TrainingConfig
from naibu.data import builtin
from naibu.errors import CorpusError, OptionError
from naibu.storage import copied, read_json, written_beside
from naibu.tasks import settings as files
from naibu.tasks.catalogue import TASKS, task_named

GROUP = Group("Training", sort_key=3)
ABOUT = {
    "train": "Train a network; the first of the five steps of naibu look.",
    "look": "Train networks, look inside, and write a report that shows which unit learnt what.",
}
TASK = """{about}

Which task is learnt comes first, and has options of its own: naibu {name} TASK --help. Without a task the content says
which, where only one fits; a file of settings (TOML) says it itself.

$ naibu {name} trees treebank.mrg --form tagged --minutes 10
$ naibu {name} standard-library
$ naibu {name} mine.toml --units 300"""


def _train(task: str) -> Callable[..., Any]:
    def train(
        data: Any,
        *,
        model: Any = None,
        training: Any = None,
        seeds: int = 1,
        out: Path | None = None,
        longer: Annotated[str | None, Parameter(group=GROUP)] = None,
        begun: Annotated[Path | None, Parameter(name="--from", group=GROUP)] = None,
        begun_symbols: Annotated[SymbolsName, Parameter(name="--from-vocabulary", group=GROUP)] = "kept",
        settings: Path | None = None,
        told: Told = UNTOLD,
    ) -> Any:
        """Train a network that is {about}.

        Leaves everything of the network in --out: configuration, weights (safetensors), metrics. Stop it with Ctrl-C
        whenever you like: the same command goes on from there, and ends with the same weights. naibu train RUN
        is the command that began RUN; with --longer 20000 it goes on when that is finished.

        {examples}

        Args:
            seeds: Trainings that differ in their seed alone, each in a folder of its own, --out with -seed-N behind it;
                what they score on test data is said as mean, spread and each.
            out: The folder of the network; when not given runs/NAME, its name as in tagged-200.
            longer: Go on with a finished network for so many more steps, 20000, or minutes, 30min; the options of
                training are those of what is added.
            begun: The folder of another network, with whose weights this one begins.
            begun_symbols: What becomes of its symbols: kept, so that others are unknown, or grown by those of the new
                data, for which weights are drawn.
            settings: A file of settings (TOML); what is typed goes over what it says.
        """
        training = training or task_named(task).training()
        if longer is None:
            _once(training)
        if seeds > 1 and (longer is not None or begun is not None):
            raise OptionError(f"--seeds {seeds}: --longer and --from are for one network; leave --seeds away")
        from naibu.looking.look import name_of, show_data, train_seeds_shown, train_shown
        from naibu.looking.showing import training_told
        from naibu.training.origin import origin_of

        shape = model or task_named(task).model()
        corpus = task_named(task).open_beside(data, Path("runs") if out is None else out.parent)
        folder = out or Path("runs") / name_of(corpus, list(task_named(task).each(data))[-1], shape, training)
        as_read = corpus if begun is None else origin_of(corpus, shape, begun, begun_symbols, folder).data
        show_data(as_read, told.console)
        if seeds == 1:
            run = train_shown(
                corpus,
                shape,
                training,
                folder,
                told.console,
                longer=longer,
                begun=begun,
                begun_symbols=begun_symbols,
            )
            told.say("Run", run.path)
            return {"run": str(run.path), **run.summary(), **training_told(run)}
        found = train_seeds_shown(corpus, seeds, shape, training, folder, told.console)
        for run in found.runs:
            told.say("Run", run.path)
        return {"runs": [str(run.path) for run in found.runs], **found.numbers()}

    return _of_task(train, task)


def _look(task: str) -> Callable[..., Any]:
    def look(
        data: Any,
        *,
        model: Any = None,
        training: Any = None,
        seeds: int = 1,
        out: Path = Path("looks/mine"),
        settings: Path | None = None,
        told: Told = UNTOLD,
    ) -> Any:
        """Look into networks that are {about}.

        All five steps in order: train, record, probe, intervene, report. Stop it with Ctrl-C whenever you like; the
        same command goes on from there, and shows at once what is there when all is done.

        {examples}

        Args:
            seeds: Trainings of each network that differ in their seed alone, all looked into, each in a folder of its
                own; what they score on test data is said as mean, spread and each.
            out: Holds a folder for each network, report.html to look at, and summary.json for scripts.
            settings: A file of settings (TOML); what is typed goes over what it says.
        """
        training = _once(training or task_named(task).training())
        from naibu.looking.asked import Look, summary_if_finished, table_of

        asked = Look(task, data, model or task_named(task).model(), training, out, seeds)
        summary = summary_if_finished(asked)
        if summary is None:
            from naibu.looking.look import look_into

            look_into(asked, told.console, command=told.command, workers=0)
            summary = read_json(out / "summary.json", "the main numbers")
        told.console.print(table_of(summary))
        told.say("Report", out / "report.html")
        told.console.print(summary.get("finding", ""), markup=False, highlight=False)
        told.console.print(f"Walk through it: naibu view {shlex.quote(str(out))}", markup=False, highlight=False)
        return summary

    return _of_task(look, task)


def _of_task(command: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a command with the options and the help of its task."""
    task = task_named(name)
    titles = {"data": (task.options, "Data"), "model": (task.model, "Network"), "training": (task.training, "Training")}
    places = enumerate(titles.items(), 1)
    options = {name: Annotated[kind, flat(title, place)] for place, (name, (kind, title)) in places}
    command.__annotations__.update(options)
    if all(each.default is not MISSING for each in fields(task.options)):
        command.__defaults__ = (task.options(),)  # then nothing has to be typed
    examples = "\n        ".join(f"$ naibu {command.__name__} {name} {words}" for words in task.examples)
    command.__doc__ = (command.__doc__ or "").format(about=task.about, examples=examples)
    return command


def _once(training: TrainingConfig) -> TrainingConfig:
    if training.steps is not None and training.minutes is not None:
        raise OptionError(f"--steps {training.steps} and --minutes {training.minutes}: give one of the two")
    return training


def with_standard_input(words: list[str]) -> list[str]:
    """Return the words with a file in place of the - that `naibu train -` and `naibu look -` read standard input by.

    What is read is written beside the run, where later steps find it again, under a name that says its content. Raises
    OptionError where standard input is a terminal, StoredError where it cannot be written.
    """
    place = 2 if words[1:2] and words[1] in TASKS else 1
    if words[:1] not in (["train"], ["look"]) or words[place : place + 1] != ["-"]:
        return words
    if sys.stdin is None or sys.stdin.isatty():
        raise OptionError("-: standard input is a terminal; pipe a text into it, or give the name of a file")
    out = Path(words[words.index("--out") + 1]) if "--out" in words[:-1] else None
    folder = (out or Path("looks/mine")) if words[0] == "look" else (out or Path("runs/-")).parent
    spooled = folder / "standard-input"
    with written_beside(spooled) as beside:
        digest = copied(sys.stdin.buffer, beside)
    named = folder / f"standard-input-{digest[:12]}"
    os.replace(spooled, named)
    return [*words[:place], str(named), *words[place + 1 :]]


def with_task(words: list[str]) -> tuple[list[str], str]:
    """Return the words with the task that `naibu train X` and `naibu look X` leave to X, and a line that says so.

    A file of settings says its task itself. Raises CorpusError where X does not exist, OptionError naming the tasks
    where several of them fit.
    """
    command, *rest = words or [""]
    if command == "train" and rest and (run := _own_words(Path(rest[0]))):
        rest = [*run, *rest[1:]]
    if command not in ("train", "look") or not rest or {"--help", "-h"} & {*rest}:
        return words, ""
    named = [rest.pop(0)] if rest[0] in TASKS else []
    if rest and rest[0].endswith(".toml"):
        rest = ["--settings", *rest]
    if named:
        return [command, *named, *rest], ""
    if "--settings" in rest[:-1]:
        return [command, files.read(Path(rest[rest.index("--settings") + 1]))[0], *rest], ""
    there = [word for word in rest if Path(word).exists() or word == builtin.NAME]
    if not rest[0].startswith("-") and rest[0] not in there:
        raise CorpusError(f"there is no such file or folder (always there: {builtin.NAME}), and no such task", rest[0])
    if not there:
        return [command, TASKS[0], *rest], ""
    # Where none fits, the first says what is wrong with it.
    fitting = [task for task in TASKS if task_named(task).fits(Path(there[0]))] or [TASKS[0]]
    if len(fitting) > 1:
        choices = ", ".join(f"naibu {command} {task}" for task in fitting)
        raise OptionError(f"{there[0]}: which task is not clear from the content; choose one of {choices}")
    return [command, fitting[0], *rest], f"{there[0]}: learnt as {fitting[0]} (naibu {command} {fitting[0]})"


def _own_words(folder: Path) -> list[str]:
    """Return the words in place of a run's folder: its task, settings and place; none where it is no run."""
    if str(folder) in TASKS or not (folder / "settings.toml").exists():
        return []
    from naibu.runs.run import SETTINGS, open_run

    run = open_run(folder)
    begun = ["--from", run.origin["run"], "--from-vocabulary", run.origin["vocabulary"]] if run.origin else []
    return [run.task, "--settings", str(folder / SETTINGS), "--out", str(folder), *begun]


USAGE = "Usage: naibu {name} [TASK] FILE [OPTIONS]"
output, tasks = Group("Output", sort_key=4), Group("Tasks")
train, look = (
    App(name, help=unfolded(TASK.format(about=about, name=name)), usage=USAGE.format(name=name), group_commands=tasks)
    for name, about in ABOUT.items()
)
for each in TASKS:
    added(train, _train(each), each, group_parameters=output)
    added(look, _look(each), each, group_parameters=output)
