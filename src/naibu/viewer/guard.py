"""Who may ask: only who knows the token, from this machine's browser, from our own page."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import PlainTextResponse, RedirectResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
LOCAL = "http://127.0.0.1:* http://localhost:* https://127.0.0.1:* https://localhost:*"
"""Pages that may show ours in a frame, where a notebook wants it."""
LARGEST = 2**20
"""Bytes of a request's body, at most."""
_PORT = re.compile(r":\d{1,5}$")


class Guard:
    """The door before the app: it refuses, and says on every answer what a browser may do with it.

    The token is the first part of the path, so that every address within the page has it and none outside. Names that
    a browser resolves to this machine (DNS rebinding) are refused by the Host header, other sites' scripts by Origin
    and Sec-Fetch-Site; frames of other sites by the policy.
    """

    def __init__(
        self, app: App, token: str, hosts: tuple[str, ...] = LOOPBACK, *, numbers: bool = False, framed: bool = False
    ) -> None:
        """`hosts`: the names, without port, that are ours; `numbers`: so is whatever is a number, which no name can be
        rebound to; `framed`: a notebook on this machine may show the page."""
        self._app, self._token, self._hosts, self._numbers = app, token.encode(), hosts, numbers
        policy = POLICY.format(ancestors=LOCAL if framed else "'none'")
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]
        self._headers += [] if framed else [(b"x-frame-options", b"DENY")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websocket is served

        async def sealed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(refusal[1] + "\n", refusal[0])(scope, receive, sealed)
            return
        token, slash, _ = scope["path"].lstrip("/").partition("/")
        if not slash:  # addresses within the page are relative to what ends in a slash
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"{token}/" + (f"?{query}" if query else ""))(scope, receive, sealed)
            return
        scope = {**scope, "path": "/" + scope["path"].lstrip("/").partition("/")[2]}
        await self._app(scope, receive, sealed)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and a word why a request is refused, None where it is not."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        hosts = [value.decode("latin-1") for value in headers.get(b"host", [])]
        if len(hosts) != 1 or not self._is_ours(_PORT.sub("", hosts[0]).lower()):
            return 421, "not for this host: open the address that naibu view printed"
        origins = [value.decode("latin-1") for value in headers.get(b"origin", [])]
        if any(origin not in (f"http://{hosts[0]}", f"https://{hosts[0]}") for origin in origins):
            return 403, "refused: the request comes from another site"
        site = headers.get(b"sec-fetch-site", [b"none"])[0]
        navigates = headers.get(b"sec-fetch-mode", [b""])[0] == b"navigate" and scope["method"] == "GET"
        if site in (b"cross-site", b"same-site") and not navigates:
            return 403, "refused: the request comes from another site"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "refused: only reading and asking"
        if scope["method"] == "POST":
            if headers.get(b"content-type", [b""])[0].partition(b";")[0].strip() != b"application/json":
                return 415, "refused: questions are JSON"
            length = headers.get(b"content-length", [b""])[0]
            if not length.isdigit() or int(length) > LARGEST:
                return 413, f"refused: a question has {LARGEST} bytes at most, and says how many"
        given = scope["path"].lstrip("/").partition("/")[0].encode()
        if not hmac.compare_digest(given, self._token):
            return 403, "refused: the address lacks its token; open the one that naibu view printed"
        return None

    def _is_ours(self, host: str) -> bool:
        if host in self._hosts:
            return True
        try:
            ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return self._numbers
