"""What is asked for of the paper: which tasks and seeds, how long a training, how large a memory."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

from naibu.config import check, check_numbers

TaskName = Literal["copy", "repeat-copy", "associative-recall"]


@dataclass(frozen=True)
class Asked:
    """The tasks, and what may be otherwise than chosen."""

    _: KW_ONLY
    tasks: tuple[TaskName, ...] = get_args(TaskName)
    """A task; repeat it for more. All three when not given."""
    seeds: int = 5
    """Trainings of each network, with the seeds from 1 up."""
    updates: int = 0
    """Steps of training, one update each; 0 takes what the task needs."""
    units: int = 100
    """Units of the controller."""
    memory_locations: int = 128
    """Locations of the memory."""
    memory_width: int = 20
    """Numbers in each location."""

    def __post_init__(self) -> None:
        check_numbers(self)
        known = get_args(TaskName)
        for task in self.tasks:
            check(task in known, "tasks", task, f"one of {', '.join(known)}")
        check(bool(self.tasks), "tasks", "(none)", f"at least one of {', '.join(known)}")
        check(self.updates >= 0, "updates", self.updates, "at least 1, or 0 for what the task needs")
        for name in ("seeds", "units", "memory_locations", "memory_width"):
            check(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
