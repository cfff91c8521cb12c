"""The HTTP client of one runner. Raises our own errors only."""

from collections.abc import AsyncIterator, Mapping
from typing import Self
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import numpy as np
import structlog

from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.backend import Pixels
from runners.state import CODE, INFER, MODELS, STATE, WITHIN, State
from tracing import own_headers, span

log = structlog.get_logger(__name__)

_KEEPALIVE_S = 2.0
"""Shorter than the runner's five seconds, so that the client never reuses a connection that the runner is closing."""
_NO_ANSWER = "The matting runner does not answer."


class RunnerConnection:
    """A runner at `file:///….sock` (a Unix socket) or `http://host:port`.

    An asynchronous context manager for one event loop.

    Args:
        token: the secret that a runner on another host requires.
    """

    def __init__(self, address: str, *, token: str | None = None) -> None:
        self._address = address
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def __aenter__(self) -> Self:
        """Create the session; connections are opened on demand."""
        parts = urlsplit(self._address)
        is_socket = parts.scheme == "file"
        self._origin = "http://runner" if is_socket else f"{parts.scheme}://{parts.netloc}"
        connector: aiohttp.BaseConnector
        if is_socket:
            connector = aiohttp.UnixConnector(unquote(parts.path), limit=0, keepalive_timeout=_KEEPALIVE_S)
        else:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S)
        # The caller bounds every call; the session must not add its own limits.
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
            headers=self._headers,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._session.close()

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S], and the model's state.

        Raises:
            RunnerUnavailable: no connection, or it was lost before the response.
            Overloaded: the runner cannot finish within this time.
            ProcessingFailed: inference failed on this image.
        """
        with span("runner", is_call=True):
            headers = {WITHIN: f"{within_s:.3f}", "Content-Length": str(image.nbytes), **own_headers()}
            status, fields, body = await self._request("POST", INFER + quote(model), headers, image)
        if status != 200:
            raise _refusal(fields)
        side = image.shape[0]
        if len(body) != side * side:
            raise ProcessingFailed("The background could not be removed from this image.") from ValueError(
                f"unexpected length: {len(body)} bytes"
            )
        return np.frombuffer(body, np.uint8).reshape(side, side), _state(fields)

    async def state(self, model: str) -> State:
        """The model's state.

        Raises:
            RunnerUnavailable: the runner does not respond, or does not serve the model.
        """
        status, fields, _ = await self._request("GET", MODELS + quote(model), {}, None)
        if status != 200:
            raise RunnerUnavailable("The matting runner does not serve this model.")
        return _state(fields)

    async def _request(
        self, method: str, path: str, headers: dict[str, str], image: Pixels | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        data = None if image is None else _stream(image)
        try:
            async with self._session.request(method, self._origin + path, data=data, headers=headers) as answer:
                if answer.status == 401:
                    log.error(
                        "runner_token_refused", runner=self._address, remedy="give both CLEARCANVAS_RUNNER__TOKEN"
                    )
                    raise RunnerUnavailable(_NO_ANSWER)
                return answer.status, answer.headers, await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            raise RunnerUnavailable(_NO_ANSWER) from error


async def _stream(image: Pixels) -> AsyncIterator[memoryview]:
    """Sends the pixels without a copy. The library warns of large bodies that are plain bytes."""
    yield np.ascontiguousarray(image).data.cast("B")


def _refusal(fields: Mapping[str, str]) -> Overloaded | ProcessingFailed | RunnerUnavailable:
    code = fields.get(CODE)
    if code == Overloaded.code:
        return Overloaded("The matting queue is full.", retry_after=int(fields.get("Retry-After", "1")))
    if code == ProcessingFailed.code:
        return ProcessingFailed("The background could not be removed from this image.")
    return RunnerUnavailable("The matting runner rejected the image.")


def _state(fields: Mapping[str, str]) -> State:
    try:
        return State.from_json(fields[STATE])
    except (KeyError, ValueError) as error:
        raise RunnerUnavailable("The matting runner sent an invalid response.") from error
