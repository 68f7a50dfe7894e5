"""Pages with empty frames in place of drawings, for tests that ask about all else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def empty_frames() -> Iterator[None]:
    """Let every drawing of a page be a frame with its label."""
    from markupsafe import Markup

    from naibu.reporting.plots import canvas

    with pytest.MonkeyPatch.context() as patch:
        frame = Markup('<svg role="img" aria-label="{}"></svg>').format
        patch.setattr(canvas, "drawn", lambda draw, *, label, **_: frame(label))
        yield
