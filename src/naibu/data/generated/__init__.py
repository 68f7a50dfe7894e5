"""Generated sequences: the tasks of Hochreiter and Schmidhuber (1997), the continual embedded Reber grammar, and
languages that are decided by counting (`Blocks`, `Brackets`).

The tasks are drawn by compiled functions, for many trials side by side (`Task.tape`) or as arrays for any model
(`batch`).
"""

from __future__ import annotations

from naibu.data.formal.counted import Blocks, Brackets, Counted
from naibu.data.generated.adding import Adding, Multiplication
from naibu.data.generated.continual_reber import ContinualReber
from naibu.data.generated.embedded_reber import EmbeddedReber, Strings, reber_strings
from naibu.data.generated.long_lag import LongLag, LongLagDistractors
from naibu.data.generated.random import Random, streams
from naibu.data.generated.reber import LETTERS, embedded_reber, legal_first, legal_next, reber_sets
from naibu.data.generated.tape import Batch, Tape, Task, batch
from naibu.data.generated.temporal_order import TemporalOrder
from naibu.data.generated.two_sequence import TwoSequence

__all__ = [
    "LETTERS",
    "Adding",
    "Batch",
    "Blocks",
    "Brackets",
    "ContinualReber",
    "Counted",
    "EmbeddedReber",
    "LongLag",
    "LongLagDistractors",
    "Multiplication",
    "Random",
    "Strings",
    "Tape",
    "Task",
    "TemporalOrder",
    "TwoSequence",
    "batch",
    "embedded_reber",
    "legal_first",
    "legal_next",
    "reber_sets",
    "reber_strings",
    "streams",
]
