"""How much memory there is, asked before much of it is taken."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from naibu.errors import OptionError

GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/memory")
"""Where Linux says what a container may use."""

CACHED = ("active_file", "inactive_file", "total_active_file", "total_inactive_file")


def free_memory() -> int:
    """Return the bytes of memory that are free, those of a container where it has a limit; 2**63 where nobody says."""
    found = [2**63]
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        found.append(1024 * int(lines["MemAvailable"].split()[0]))
    except (OSError, ValueError, KeyError):
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for most, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        for group in GROUPS:
            try:
                free = int(Path(group, most).read_text()) - int(Path(group, used).read_text())
                lines = dict(line.split(" ") for line in Path(group, "memory.stat").read_text().splitlines())
                cached = sum(int(lines.get(name, 0)) for name in CACHED)  # given back when memory is asked for
                found.append(free + cached)
            except (OSError, ValueError):
                continue
    return max(0, min(found))


def peak_memory() -> int | None:
    """Return the most memory this process has held, in MB; None where the system does not say, as on Windows."""
    try:
        import resource
    except ImportError:
        return None
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024))


def check_memory(size: int, what: str = "this") -> None:
    """Raise OptionError where so many bytes are not free; asked of small sizes it costs nothing."""
    if size > 2**28 and size > free_memory():
        raise OptionError(f"{what} takes {size / 1e9:,.1f} GB of memory, and {free_memory() / 1e9:,.1f} GB are free")
