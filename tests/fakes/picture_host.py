"""A host of pictures that behaves as it is told: it moves, breaks off, lies and never ends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from threading import Event

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.serving import serving


class PictureHost:
    """Serves `content` at `/photo`; other paths do what their names say.

    Attributes:
        asked: every path that was asked for.
        headers: those of the last request.
        released: `/held` waits for it, and is the picture then.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.url = ""
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        self.released = Event()
        self._app = Starlette(routes=[Route("/{path:path}", self._answer)])

    @property
    def photo(self) -> str:
        """The URL of the picture."""
        return f"{self.url}/photo"

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @contextmanager
    def open(self) -> Iterator["PictureHost"]:
        """Serve on a free port until the block ends."""
        with serving(self._app) as self.url:
            yield self

    async def _answer(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.asked.append(path)
        self.headers = dict(request.headers)
        if path == "to":
            return RedirectResponse(request.query_params["url"], int(request.query_params.get("status", "302")))
        if path == "held":
            await asyncio.to_thread(self.released.wait, 60)
        return self._answers().get(path, Response(status_code=404))

    def _answers(self) -> dict[str, Response]:
        return {
            "photo": Response(self.content, media_type="text/plain"),
            "held": Response(self.content),
            "loop": RedirectResponse(f"{self.url}/loop"),
            "nowhere": Response(status_code=302),
            "page": Response("<html></html>", media_type="text/html"),
            "page-as-picture": Response("<html></html>", media_type="image/jpeg"),
            "gzip": Response(self.content, headers={"Content-Encoding": "gzip"}),
            "slow": StreamingResponse(self._slow()),
            "endless": StreamingResponse(self._endless()),
            "short": Response(self.content[:60]),
            "empty": Response(b""),
        }

    async def _slow(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 10):
            yield self.content[start : start + 10]
            await asyncio.sleep(0.2)

    async def _endless(self) -> AsyncIterator[bytes]:
        yield self.content
        for _ in range(10_000):
            yield bytes(10_000)
