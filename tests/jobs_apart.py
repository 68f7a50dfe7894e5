"""What the tests run in a process of its own; light to import."""

from __future__ import annotations

import os
import time


def busy(seconds: float, megabytes: int) -> int:
    """Hold so much memory, and compute for so long."""
    held = b"x" * (megabytes * 2**20)
    until = time.process_time() + seconds
    while time.process_time() < until:
        len(held)
    time.sleep(0.2)
    return os.getpid()


def failing() -> None:
    raise ValueError("no such thing")
