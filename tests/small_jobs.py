"""Jobs that another process can run without importing anything heavy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from naibu.errors import OptionError


@dataclass(frozen=True)
class Small:
    folder: Path
    name: str
    ends: str = "well"

    def finished(self):
        return (self.folder / self.name).exists()

    def run(self, progress):
        progress(1, 2, "")
        if self.ends == "mistake":
            raise OptionError("--this: is wrong")
        if self.ends == "error":
            raise ZeroDivisionError
        if self.ends == "stopped":
            raise KeyboardInterrupt
        if self.ends == "killed":
            os._exit(1)
        (self.folder / self.name).write_text(str(os.getpid()))
