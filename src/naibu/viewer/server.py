"""The server of the page: a few files, and questions that are answered in JSON or float16."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from naibu.errors import NaibuError
from naibu.recording.index import Array
from naibu.viewer.guard import LOOPBACK, Guard
from naibu.viewer.questions import Questions, Room

THREADS = 8
"""Questions that are answered at once; the others wait, so that memory stays bounded."""
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def app(
    questions: Questions,
    token: str,
    hosts: tuple[str, ...] = LOOPBACK,
    *,
    numbers: bool = False,
    framed: bool = False,
) -> Guard:
    """Return what uvicorn serves; see `Guard`."""
    asked: dict[str, Callable[[Room, Any], Any]] = {
        "named": lambda room, _: questions.named(room),
        "units": questions.units,
        "sequences": questions.sequences,
        "sequence": questions.sequence,
        "values": questions.values,
        "find": questions.find,
        "span": questions.span,
        "pair": _pair,
    }
    routes = [
        Route("/", lambda _: _file("index.html")),
        Route("/static/{name}", lambda request: _file(request.path_params["name"])),
        Route("/view.json", _answering(lambda request: questions.page(request.query_params))),
        Route("/view.csv", _answering(lambda request: questions.table(request.query_params))),
        Route("/api/about", _answering(lambda _: questions.about())),
    ]
    for name, ask in asked.items():
        routes.append(Route(f"/api/{{number}}/{name}", _answering(_of_room(questions, ask))))
    for name in ("read", "write", "as_typed", "translate"):
        routes.append(Route(f"/api/{{number}}/{name}", _asking(questions, name), methods=["POST"]))
    return Guard(Starlette(routes=routes, lifespan=_few_threads), token, hosts, numbers=numbers, framed=framed)


@asynccontextmanager
async def _few_threads(_: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def _of_room(questions: Questions, ask: Callable[[Room, Any], Any]) -> Callable[[Request], Any]:
    return lambda request: ask(questions.room(request.path_params["number"]), request.query_params)


def _answering(answer: Callable[[Request], Any]) -> Callable[[Request], Response]:
    """Return an endpoint that answers in a thread; what is wrong with a question is said in a line."""

    def endpoint(request: Request) -> Response:
        try:
            return _response(answer(request))
        except NaibuError as error:
            return _said(error)

    return endpoint


def _pair(room: Room, asked: Any) -> dict[str, Any]:
    from naibu.viewer.pairs import pair  # with torch, which only networks that translate need

    return pair(room, asked)


def _asking(questions: Questions, name: str) -> Callable[[Request], Any]:
    """Return an endpoint that asks the live network, with a question in JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
        except (ValueError, RecursionError):
            return _json({"error": "the question is not JSON"}, 400)
        if not isinstance(asked, dict):
            return _json({"error": "the question is no table"}, 400)
        number = request.path_params["number"]
        return await anyio.to_thread.run_sync(lambda: _live(questions, name, number, asked))

    return endpoint


def _live(questions: Questions, name: str, number: str, asked: dict[str, Any]) -> Response:
    from naibu.viewer.asking_live import as_typed, read, write
    from naibu.viewer.pairs import translate

    ask = {"read": read, "write": write, "as_typed": as_typed, "translate": translate}[name]
    try:
        return _response(ask(questions.room(number), asked))
    except NaibuError as error:
        return _said(error)


def _response(found: Any) -> Response:
    if isinstance(found, str):
        return PlainTextResponse(found, media_type="text/csv")
    if isinstance(found, dict):
        return _json(found)
    values: Array = found
    shape = " ".join(map(str, values.shape))
    return Response(values.tobytes(), media_type="application/octet-stream", headers={"x-shape": shape})


def _json(found: dict[str, Any], status: int = 200) -> Response:
    said = json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(said.encode("utf-8", "replace"), status, media_type="application/json")


def _said(error: NaibuError) -> Response:
    return _json({"error": " ".join(str(error).split())}, 400)


def _file(name: str) -> Response:
    """Return one of the files of the page; nothing else is ever read by name."""
    static = resources.files("naibu.viewer") / "static"
    files = {each.name: each for each in static.iterdir() if each.is_file()}
    ending = "." + name.rpartition(".")[2]
    if name not in files or ending not in KINDS:
        return PlainTextResponse("not found\n", 404)
    return Response(files[name].read_bytes(), media_type=KINDS[ending])
