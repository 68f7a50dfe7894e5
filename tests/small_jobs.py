"""Jobs that another process can run without importing anything heavy, and the options of a small network."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from naibu.errors import OptionError

SMALL = ("--units", "8", "--steps", "20", "--threads", "1")


@dataclass(frozen=True)
class Small:
    folder: Path
    name: str
    ends: str = "well"

    def finished(self):
        return (self.folder / self.name).exists()

    def run(self, progress):
        with (self.folder / "begun").open("a") as file:
            file.write(self.name)
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


@dataclass(frozen=True)
class Endless:
    """Runs until it is interrupted, and then leaves a checkpoint, slowly; `told` or without a word of how far it is."""

    folder: Path
    name: str
    told: bool = True

    def finished(self):
        return False

    def run(self, progress):
        try:
            (self.folder / f"{self.name}.pid").write_text(str(os.getpid()))
            while True:
                time.sleep(0.01)
                if self.told:
                    progress(1, 4, "")
        except KeyboardInterrupt:
            (self.folder / f"{self.name}.interrupted").touch()
            time.sleep(1)
            (self.folder / f"{self.name}.checkpoint").touch()
            raise
