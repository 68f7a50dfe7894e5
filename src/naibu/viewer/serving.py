"""Serving the page: a port, a token, and a browser that opens it."""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naibu.errors import OptionError
from naibu.storage import read_text
from naibu.viewer.exhibits import Exhibit

PORT, TRIED = 8642, 50
"""The port where none is asked for, and how many after it are tried."""
SHORTEST = 20
"""Characters of a token, at least."""


@dataclass(frozen=True)
class Door:
    """Where the page is served: a socket that listens, and the address with its token."""

    socket: socket.socket
    host: str
    port: int
    token: str

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{self.named}:{self.port}/{self.token}/"

    @property
    def named(self) -> str:
        """The host as it stands in an address; where all of this machine's are served, the one that others reach."""
        host = _reached(self.host) if _is_every(self.host) else self.host
        return f"[{host}]" if ":" in host else host


def check_installed() -> None:
    """Raise OptionError where what serves the page is not installed."""
    for name in ("starlette", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            raise OptionError(f"naibu view needs {name}: pip install -c constraints.txt -e '.[view]'")


def open_door(
    host: str = "127.0.0.1",
    port: int = PORT,
    token_file: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Door:
    """Return where the page will be served; a taken port is passed over for the next free one, which is said.

    Raises OptionError for a host of another machine without a file of a token, and where nothing can be had.
    """
    if token_file is None and not _is_loopback(host):
        raise OptionError(
            f"--host {host}: others could look too; give --token-file FILE, a text of {SHORTEST} characters or more "
            "that only you and they know, or leave --host away"
        )
    token = secrets.token_urlsafe(24) if token_file is None else _token(token_file)
    if not 0 <= port <= 65535:
        raise OptionError(f"--port {port}: must be from 0 to 65535, 0 for any that is free")
    for tried in range(port, min(port + TRIED, 65535) + 1 if port else 1):
        found = _listening(host, tried)
        if found is not None:
            bound = int(found.getsockname()[1])
            if port and bound != port:
                say(f"port {port} is taken; this is port {bound}")
            return Door(found, host, bound, token)
    raise OptionError(
        f"--port {port}: taken, and the {TRIED - 1} after it too; give another, or 0 for any that is free"
    )


def serve(
    exhibits: Sequence[Exhibit], door: Door, *, framed: bool = False, ready: Callable[[], None] | None = None
) -> Any:
    """Return a server of exhibits, to be `run()`; `ready` is called once it answers."""
    import uvicorn

    from naibu.viewer.guard import LOOPBACK
    from naibu.viewer.questions import Questions
    from naibu.viewer.server import app

    others = () if _is_loopback(door.host) else (socket.gethostname().lower(),)
    hosts = (*LOOPBACK, door.named.lower(), *others)
    config = uvicorn.Config(
        app(Questions(exhibits), door.token, hosts, numbers=_is_every(door.host), framed=framed),
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        ws="none",
        h11_max_incomplete_event_size=2**16,
        timeout_keep_alive=30,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if ready is not None and self.started:
                ready()

    return Server(config)


def open_browser(address: str) -> bool:
    """Return whether a browser was told to open the address."""
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


def run(exhibits: Sequence[Exhibit], door: Door, *, browser: bool, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; the browser is opened once the page is there."""

    def ready() -> None:
        if browser:
            threading.Thread(target=_opened, args=(door.address, say), daemon=True).start()

    with suppress(KeyboardInterrupt):  # uvicorn ends in order, and then says how it was ended
        serve(exhibits, door, ready=ready).run(sockets=[door.socket])


def _opened(address: str, say: Callable[[str], None]) -> None:
    if not open_browser(address):
        say(f"no browser could be opened; open the address yourself: {address}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_every(host: str) -> bool:
    """Return whether it stands for all addresses of this machine: 0.0.0.0, or ::."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _reached(host: str) -> str:
    """Return the address of this machine from which it reaches others, its name where it reaches none; nothing is
    sent to find it."""
    six = ":" in host
    try:
        with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8::1" if six else "192.0.2.1", 9))  # addresses that documents use for examples
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()


def _token(path: Path) -> str:
    token = read_text(path, "--token-file").strip()
    if len(token) < SHORTEST or not token.isascii() or not all(c.isalnum() or c in "-_" for c in token):
        raise OptionError(
            f"--token-file {path}: must hold {SHORTEST} letters, digits, - or _ at least; for example: "
            f"{sys.executable} -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return token


def _listening(host: str, port: int) -> socket.socket | None:
    """Return a socket that listens, None where the port is taken. Raises OptionError where the host cannot be had."""
    try:
        family, kind, proto, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, proto)
    except OSError as error:
        raise OptionError(f"--host {host}: {error.strerror or error}") from None
    try:
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(where)
        found.listen(2048)
        found.setblocking(False)
        return found
    except OSError as error:
        found.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise OptionError(f"--host {host}: {error.strerror or error}") from None
