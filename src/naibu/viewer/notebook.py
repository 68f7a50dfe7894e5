"""The page in a notebook's cell, or from a program: a server in a thread of this process."""

from __future__ import annotations

import threading
import weakref
from html import escape
from pathlib import Path
from typing import Any

from naibu.recording.recording import Recording
from naibu.runs import Run
from naibu.viewer.exhibits import Exhibit, open_exhibits
from naibu.viewer.serving import open_browser, open_door, serve

HEIGHT = 760
"""Pixels of the frame in a notebook."""


class Shown:
    """A page that is served for as long as this object is held, or until `close`; what it shows is freed with it.

    In a notebook whose kernel runs on the machine of the browser the page shows inside the cell.
    """

    def __init__(self, exhibits: list[Exhibit], *, height: int = HEIGHT) -> None:
        door = open_door(port=0)
        self.address, self.height = door.address, height
        ready = threading.Event()
        self._server: Any = serve(exhibits, door, framed=True, ready=ready.set)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [door.socket]}, name="naibu-view", daemon=True
        )
        self._thread.start()
        ready.wait(20)
        self._ended = weakref.finalize(self, _end, self._server)  # it holds the server alone, so that this may go

    def open(self) -> bool:
        """Open the page in a browser; return whether one could be told to."""
        return open_browser(self.address)

    def close(self) -> None:
        """Stop serving."""
        self._ended()
        self._thread.join(5)

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _repr_html_(self) -> str:
        """Return the page in a frame."""
        where = escape(self.address, quote=True)
        return (
            f'<iframe src="{where}" title="Naibu" width="100%" height="{self.height}" style="border:0"></iframe>'
            f'<p><a href="{where}" target="_blank" rel="noopener">open in a window of its own</a></p>'
        )

    def __repr__(self) -> str:
        return f"Shown({self.address})"


def _end(server: Any) -> None:
    server.should_exit = True


def view(*what: Recording | Run | str | Path, height: int = HEIGHT) -> Shown:
    """Return a page on recordings, runs or their folders, served on this machine; in a notebook it shows itself.

    With several, they can be seen side by side. Raises StoredError where a folder is neither run nor recording.
    """
    exhibits: list[Exhibit] = []
    for each in what:
        if isinstance(each, Recording):
            exhibits.append(Exhibit("recording" if each.path is None else each.path.name, each))
        else:
            exhibits += open_exhibits([each.path if isinstance(each, Run) else Path(each)])
    return Shown(exhibits, height=height)
