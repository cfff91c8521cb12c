"""The runner over HTTP: raw pixels in, raw alpha out, and how long the next picture would wait.

    POST /infer/MODEL    body: uint8 RGB [S,S,3]; X-Within-S: seconds within which it has to be done
                         200: uint8 alpha [S,S]
    GET  /models/MODEL   200: how it is
    anything else        404

Every answer about a model carries its state as JSON in `X-State`. BentoML's own routes would unpickle what anybody
posts, so none of them can be reached here, and what comes in is never more than numbers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from errors import BadRequest, NotFound, RunnerUnavailable, ServiceError
from runners.backend import Pixels
from runners.batcher import Batcher
from runners.state import CODE, INFER, MODELS, STATE, WITHIN, State
from telemetry import RUNNER_WAIT_SECONDS, RUNNER_WAITING


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model with its queue.

    Attributes:
        size: S, the side of its square input.
        backend: which one runs it, by name.
        fault: why it cannot be run at present, as a public sentence; None when it can.
        note: what else an operator should know of it.
    """

    size: int
    backend: str
    batcher: Batcher
    fault: Callable[[], str | None] = lambda: None
    note: Callable[[], str | None] = lambda: None

    def state(self) -> State:
        """At this moment."""
        fault, stalled_s = self.fault(), self.batcher.stalled_for()
        if fault is None and stalled_s is not None:
            fault = f"The matting runner is stuck in one inference for {stalled_s:.0f} s."
        return State(
            wait_s=round(self.batcher.expected_wait(), 4),
            picture_s=round(self.batcher.picture_s, 5),
            waiting=self.batcher.waiting,
            batch_limit=self.batcher.limit,
            backend=self.backend,
            fault=fault,
            note=self.note(),
        )


class RunnerApp:
    """An ASGI application over models by name, whatever stands under a name at the moment. It takes no lifespan."""

    def __init__(self, models: Mapping[str, ServedModel]) -> None:
        self._models = models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        response = await self._answer(scope, receive)
        if response is not None:
            await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        method, path = scope["method"], scope["path"]
        for wanted, start, handle in (("POST", INFER, self._infer), ("GET", MODELS, self._state)):
            name = path.removeprefix(start) if path.startswith(start) else ""
            model = self._models.get(name)
            if method == wanted and model:
                RUNNER_WAITING.labels(name).set(model.batcher.waiting)
                RUNNER_WAIT_SECONDS.labels(name).set(model.batcher.expected_wait())
                try:
                    return await handle(model, scope, receive)
                except ServiceError as error:
                    return _refusal(error, model)
                except ClientDisconnect:
                    return None
        return _refusal(NotFound("There is no such model, or no such route."))

    async def _state(self, model: ServedModel, _: Scope, __: Receive) -> Response:
        return Response(headers=_headers(model))

    async def _infer(self, model: ServedModel, scope: Scope, receive: Receive) -> Response:
        if fault := model.fault():
            raise RunnerUnavailable(fault)
        headers = Headers(scope=scope)
        within_s, length = _within(headers), model.size * model.size * 3
        if headers.get("content-length") != str(length):
            raise BadRequest(f"A picture has {length} bytes: uint8 [{model.size}, {model.size}, 3].")
        model.batcher.refuse(within_s)  # before it is read
        body = await Request(scope, receive).body()
        image = np.frombuffer(body, np.uint8).reshape(model.size, model.size, 3)
        alpha = await _unless_gone(receive, lambda: model.batcher.infer(image, within_s=within_s))
        return Response(alpha.tobytes(), headers=_headers(model), media_type="application/octet-stream")


async def _unless_gone(receive: Receive, infer: Callable[[], Awaitable[Pixels]]) -> Pixels:
    """Take the picture out of the queue as soon as whoever sent it has hung up.

    Raises:
        ClientDisconnect: that happened.
    """
    work, gone = asyncio.ensure_future(infer()), asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect()
        return work.result()
    finally:
        work.cancel()
        gone.cancel()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _within(headers: Headers) -> float:
    try:
        within_s = float(headers[WITHIN])
    except (KeyError, ValueError):
        within_s = 0.0
    if not 0 < within_s < float("inf"):
        raise BadRequest(f"{WITHIN} must be a positive number of seconds.")
    return within_s


def _headers(model: ServedModel) -> dict[str, str]:
    return {STATE: model.state().to_json()}


def _refusal(error: ServiceError, model: ServedModel | None = None) -> Response:
    headers: dict[str, Any] = {CODE: error.code, **(_headers(model) if model else {})}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Response(error.detail, status_code=error.status, headers=headers, media_type="text/plain")
