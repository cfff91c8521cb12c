"""One runner by its address: pictures and questions go to it over HTTP, and only our own errors come back."""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import numpy as np
import structlog

from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.backend import Pixels
from runners.state import CODE, INFER, MODELS, STATE, WITHIN, State

log = structlog.get_logger(__name__)

_KEPT_S = 2.0
"""Shorter than the five seconds after which the runner closes an idle connection: none is used while it is closed."""
_NOT_THERE = "The matting runner does not answer."


class RunnerConnection:
    """A runner at `file:///….sock` (a Unix socket of this machine) or `http://host:port`.

    For use in one event loop, as an asynchronous context manager.

    Args:
        token: what a runner on another host asks for.
    """

    def __init__(self, address: str, *, token: str | None = None) -> None:
        self._address = address
        self._fields = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def __aenter__(self) -> Self:
        """Connect when something is sent, as often as needed."""
        parts = urlsplit(self._address)
        is_socket = parts.scheme == "file"
        self._origin = "http://runner" if is_socket else f"{parts.scheme}://{parts.netloc}"
        connector: aiohttp.BaseConnector
        if is_socket:
            connector = aiohttp.UnixConnector(unquote(parts.path), limit=0, keepalive_timeout=_KEPT_S)
        else:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_S)
        # Every call is bounded by who makes it; the session's own limits would come in between.
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
            headers=self._fields,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._session.close()

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S], and how the runner is afterwards.

        Raises:
            RunnerUnavailable: no connection, or none until the answer.
            Overloaded: the runner cannot do it within this time.
            ProcessingFailed: the network failed on this picture, or the runner does not know the model.
        """
        headers = {WITHIN: f"{within_s:.3f}", "Content-Length": str(image.nbytes)}
        status, fields, body = await self._ask("POST", INFER + quote(model), headers, image)
        if status != 200:
            raise _refusal(fields)
        side = image.shape[0]
        if len(body) != side * side:
            raise ProcessingFailed("The picture could not be cut out.") from ValueError(f"{len(body)} bytes came back")
        return np.frombuffer(body, np.uint8).reshape(side, side), _state(fields)

    async def state(self, model: str) -> State:
        """How the runner is.

        Raises:
            RunnerUnavailable: it does not answer, or does not know the model.
        """
        status, fields, _ = await self._ask("GET", MODELS + quote(model), {}, None)
        if status != 200:
            raise RunnerUnavailable("The matting runner does not run this model.")
        return _state(fields)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], image: Pixels | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        data = None if image is None else _whole(image)
        try:
            async with self._session.request(method, self._origin + path, data=data, headers=headers) as answer:
                if answer.status == 401:
                    log.error(
                        "runner_token_refused", runner=self._address, remedy="give both CLEARCANVAS_RUNNER__TOKEN"
                    )
                    raise RunnerUnavailable(_NOT_THERE)
                return answer.status, answer.headers, await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            raise RunnerUnavailable(_NOT_THERE) from error


async def _whole(image: Pixels) -> AsyncIterator[memoryview]:
    """The pixels without a copy, and in one piece: as plain bytes the library would warn of their size."""
    yield np.ascontiguousarray(image).data.cast("B")


def _refusal(fields: Mapping[str, str]) -> Overloaded | ProcessingFailed | RunnerUnavailable:
    code = fields.get(CODE)
    if code == Overloaded.code:
        return Overloaded(
            "More pictures are waiting than can be cut out in time.", retry_after=int(fields.get("Retry-After", "1"))
        )
    if code == ProcessingFailed.code:
        return ProcessingFailed("The picture could not be cut out.")
    return RunnerUnavailable("The matting runner refuses this picture.")


def _state(fields: Mapping[str, str]) -> State:
    try:
        return State.from_json(fields[STATE])
    except (KeyError, ValueError) as error:
        raise RunnerUnavailable("The matting runner answers in another form.") from error
