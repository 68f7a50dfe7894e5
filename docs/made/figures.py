"""The figures of the documents, measured anew: each command of their tables of figures, run as it stands there.

    python docs/made/figures.py series [FOLDER]     # make figures TASK=series

The corpora are those of NAIBU_DATA, by their names alone. What a command printed is kept, so that what was broken off
goes on; beside each figure that a document states stands what came out.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[1]
EXAMPLES = DOCS.parent / "examples"
KNOWN = ("naibu ", "python examples/")
"""How the commands begin that are run."""
SHOWN = 30
"""Lines at the end of what a command prints that are shown."""


@dataclass(frozen=True)
class Row:
    """A row of a table of figures: what was measured, the figure that is stated, and the commands behind it."""

    what: str
    stated: str
    commands: tuple[str, ...]


def rows(page: str) -> list[Row]:
    """Return the rows of the table of figures of a page, under "Measured", that have commands in their last column."""
    found = []
    for line in page.partition("\n## Measured\n")[2].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        commands = tuple(each for each in re.findall(r"`([^`]+)`", cells[-1]) if each.startswith(KNOWN))
        if line.startswith("| ") and len(cells) >= 3 and commands:
            found.append(Row(cells[0], " / ".join(cells[1:-1]), commands))
    return found


def tables(task: str, docs: Path = DOCS) -> dict[str, list[Row]]:
    """Return the rows of each page of a task: TASK.md and TASK-*.md."""
    pages = sorted({docs / f"{task}.md", *docs.glob(f"{task}-*.md")})
    return {page.name: rows(page.read_text(encoding="utf-8")) for page in pages if page.exists()}


def link_corpora(folder: Path, corpora: Path) -> None:
    """Put a link to every corpus into a folder, under its own name."""
    for each in corpora.glob("*/*"):
        if not (folder / each.name).exists():
            (folder / each.name).symlink_to(each.resolve())


def run(command: str, folder: Path) -> tuple[int, str]:
    """Return the exit status of a command and what it printed; a command that went well is not run again."""
    kept = folder / "printed" / (re.sub(r"\W+", "-", command)[:150] + ".txt")
    if kept.exists():
        return 0, kept.read_text(encoding="utf-8")
    print(f"$ {command}", flush=True)
    words = [sys.executable, *_arguments(shlex.split(command))]
    done = subprocess.run(words, cwd=folder, text=True, encoding="utf-8", stdout=subprocess.PIPE, check=False)
    if done.returncode == 0:
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(done.stdout, encoding="utf-8")
    return done.returncode, done.stdout


def _arguments(words: list[str]) -> list[str]:
    """Return what follows `python`: the module, or the example where it lies."""
    return ["-m", *words] if words[0] == "naibu" else [str(EXAMPLES / Path(words[1]).name), *words[2:]]


def measured(task: str, folder: Path, docs: Path = DOCS) -> tuple[str, int]:
    """Return a page with each stated figure and what its commands print now, and how many commands failed."""
    shown, failed = [f"# Figures of {task}, measured anew", ""], 0
    for page, found in tables(task, docs).items():
        for row in found:
            shown += [f"## {row.what}", "", f"{page} states: {row.stated}", ""]
            for command in row.commands:
                status, printed = run(command, folder)
                failed += status != 0
                ending = "" if status == 0 else f"\n(failed: exit status {status})"
                shown += ["```", f"$ {command}", *printed.splitlines()[-SHOWN:], f"```{ending}", ""]
    return "\n".join(shown), failed


def main(task: str, folder: Path, docs: Path = DOCS) -> int:
    """Measure the figures of a task into `figures.md` of a folder; return the exit status."""
    known = sorted(page.stem for page in docs.glob("*.md") if rows(page.read_text(encoding="utf-8")))
    if not any(tables(task, docs).values()):
        print(f"TASK={task}: no document of that name states figures by commands; there are {', '.join(known)}")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    corpora = os.environ.get("NAIBU_DATA")
    if corpora:
        link_corpora(folder, Path(corpora))
    page, failed = measured(task, folder, docs)
    (folder / "figures.md").write_text(page + "\n", encoding="utf-8")
    print(f"{folder / 'figures.md'}: {failed or 'no'} commands failed")
    return 1 if failed else 0


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    sys.exit(main(asked, Path(sys.argv[2]) if len(sys.argv) > 2 else Path("figures") / asked))
