"""Recording networks: every gate, update, cell and output of every unit at every step.

Names resolve on first use: a recording is opened and read without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from naibu.recording.calls import listen as listen
    from naibu.recording.examples import record_examples as record_examples
    from naibu.recording.modules import record_module as record_module
    from naibu.recording.recorder import record as record
    from naibu.recording.recording import Recording as Recording
    from naibu.recording.recording import Shard as Shard
    from naibu.recording.recording import StoredArray as StoredArray

_HOME = {
    "Recording": "recording",
    "Shard": "recording",
    "StoredArray": "recording",
    "listen": "calls",
    "record": "recorder",
    "record_examples": "examples",
    "record_module": "modules",
}
__all__ = ["Recording", "Shard", "StoredArray", "listen", "record", "record_examples", "record_module"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"naibu.recording.{_HOME[name]}"), name)
    raise AttributeError(f"module 'naibu.recording' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
