"""The errors that Naibu raises on purpose; on the command line each is one line and exit status 2.

NaibuError
├── CorpusError      an input file: names the file and, where it can, the line
├── OptionError      an option or an argument: names it as the user typed it
├── ProcessError     a process that did a part of the work and was killed
└── StoredError      what an earlier step left on disk: a run, a recording, a result
    └── DivergedError    a training whose loss is no longer finite
"""

from __future__ import annotations

from pathlib import Path


class NaibuError(Exception):
    """The root of the errors that are the user's to mend; its text is one line that says how."""


class CorpusError(NaibuError):
    """An input file cannot be used; the text begins with the file and, where known, the line."""

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None) -> None:
        place = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(place + message)
        self.path = path
        self.line = line


class OptionError(NaibuError, ValueError):
    """An option has a value that is not allowed; the text names it, its value and what is allowed."""


class ProcessError(NaibuError, RuntimeError):
    """A process that did a part of the work was killed, mostly because memory ran out."""


class StoredError(NaibuError):
    """A run, a recording or a result on disk is missing, damaged, newer, or of another corpus."""


class DivergedError(StoredError):
    """A training came to weights whose loss is not finite; going on from its checkpoint would end the same way."""
