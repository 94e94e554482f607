"""The page as a web application: five addresses, GET and HEAD, nothing that changes anything."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atta_daq import __version__
from atta_daq.watch.access import Access
from atta_daq.watch.board import Board
from atta_daq.watch.stream import BEAT_S, EventStream, Viewers

log = logging.getLogger(__name__)

REFRESH_S = 0.5
"""The page changes at most so often."""
MOST_VIEWERS = 40
COOKIE_S = 30 * 24 * 3600
LONGEST_TARGET = 1024
"""Bytes of path and query that are looked at."""
LARGEST_HEADERS = 8 * 1024
"""Bytes of all headers. The server itself counts only what comes in pieces."""

SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
    "connection": "close",
}
_FILES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "plot.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_REFUSED = (
    "A token is needed. Open the page once by its link with the token, "
    "http://.../?token=..., or send the header 'Authorization: Bearer ...'.\n"
)


def web_app(
    board: Board,
    access: Access,
    *,
    refresh_s: float = REFRESH_S,
    beat_s: float = BEAT_S,
    viewers: Viewers,
) -> ASGIApp:
    """The application. Everything that it can tell is on the board."""
    folder = files("atta_daq.watch") / "page"
    contents = {name: (folder / name).read_bytes() for name in _FILES}
    environment = Environment(
        loader=PackageLoader("atta_daq.watch", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("index.html.j2").render(
        version=__version__, silent_ms=round(3000.0 * beat_s)
    )

    async def index(request: Request) -> Response:
        if access.asks and "token" in request.query_params:
            # The guard has found it right: the token leaves the address bar and the history.
            answer = RedirectResponse("/", 303)
            answer.set_cookie(
                access.cookie_name, access.cookie, max_age=COOKIE_S, httponly=True, samesite="lax"
            )
            return answer
        return Response(page, media_type="text/html; charset=utf-8")

    async def asset(request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        return Response(contents[name], headers={"content-type": _FILES[name]})

    async def events(request: Request) -> Response | EventStream:
        if viewers.full:
            raise HTTPException(503, "too many viewers; try again later", {"retry-after": "30"})
        headers = {**SECURITY, "content-type": "text/event-stream; charset=utf-8",
                   "x-accel-buffering": "no"}  # fmt: skip
        if request.method == "HEAD":
            return Response(headers=headers)
        return EventStream(board, viewers, headers.items(), beat_s)

    async def refresh() -> None:
        while True:
            if board.refresh():
                viewers.tell()
            await asyncio.sleep(refresh_s)

    @asynccontextmanager
    async def alive(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(refresh())
        try:
            yield
        finally:
            task.cancel()

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/events", events),
            *(Route(f"/{name}", asset) for name in _FILES),
        ],
        exception_handlers={HTTPException: _plain, Exception: _broken},
        lifespan=alive,
    )
    # A path with a slash too many is another path, not a hint.
    app.router.redirect_slashes = False
    return Guard(app, access)


async def _plain(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


async def _broken(_: Request, error: Exception) -> Response:
    log.error("a request failed: %r", error)
    return PlainTextResponse("the page has a fault; the log of `atta-daq watch` says more\n", 500)


class Guard:
    """Before every request: method, length, host, token. After it: the security headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers[name] = value
            await send(message)

        refused = self._refusal(Request(scope))
        await (refused or self._app)(scope, receive, secured)

    def _refusal(self, request: Request) -> Response | None:
        """Why a request is not answered; None when it is."""
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("this page only shows\n", 405, {"allow": "GET, HEAD"})
        target = len(request.scope["raw_path"]) + len(request.scope["query_string"])
        if target > LONGEST_TARGET:
            return PlainTextResponse("the address is too long\n", 414)
        if sum(len(k) + len(v) for k, v in request.scope["headers"]) > LARGEST_HEADERS:
            return PlainTextResponse("the headers are too long\n", 431)
        if request.scope["http_version"] not in ("1.0", "1.1"):
            return PlainTextResponse("this page speaks HTTP/1.1\n", 400)
        if not self._access.host_allowed(request.headers.get("host", "")):
            return PlainTextResponse(
                "ask for this page as http://localhost:PORT/ (an ssh tunnel), or start it with "
                "a token\n",
                421,
            )
        if self._access.asks and not self._allowed(request):
            return PlainTextResponse(_REFUSED, 401, {"www-authenticate": "Bearer"})
        return None

    def _allowed(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        kind, _, token = given.partition(" ")
        if kind.lower() == "bearer":
            return self._access.token_holds(token.strip())
        if request.scope["path"] == "/" and "token" in request.query_params:
            return self._access.token_holds(request.query_params["token"])
        return self._access.cookie_holds(request.cookies.get(self._access.cookie_name, ""))
