"""Runs: a network trained, or being trained, in a folder that holds everything of it."""

from __future__ import annotations

from naibu.runs.run import Run, is_run, list_runs, open_run

__all__ = ["Run", "is_run", "list_runs", "open_run"]
