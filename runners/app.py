"""The runner's HTTP interface: raw pixels in, raw alpha out, plus the expected wait.

    POST /infer/MODEL    body: uint8 RGB [S,S,3]; X-Within-S: deadline in seconds
                         200: uint8 alpha [S,S]
    GET  /models/MODEL   200: the model's state
    GET  /livez, /readyz, /metrics   for the operator: see `runners.probes`
    anything else        404

If a token is configured, both model routes check it before they read the body: other clients than our API can reach a
runner on its own host.

Every response about a model carries its state as JSON in `X-State`. BentoML's own routes unpickle request bodies, so
they are not reachable here; the runner only interprets input as numbers.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from errors import BadRequest, NotFound, RunnerUnavailable, ServiceError
from runners.backend import Pixels
from runners.batcher import Batcher
from runners.probes import PROBES, probe
from runners.state import CODE, INFER, MODELS, STATE, WITHIN, State
from telemetry import RUNNER_WAIT_SECONDS, RUNNER_WAITING
from tracing import request_span, untraced


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model and its queue.

    Attributes:
        size: S, the side of its square input.
        backend: name of the backend that runs the model.
        fault: why the model is unavailable, as a public sentence; None when it is available.
        note: additional information for operators.
    """

    size: int
    backend: str
    batcher: Batcher
    fault: Callable[[], str | None] = lambda: None
    note: Callable[[], str | None] = lambda: None

    def state(self) -> State:
        """The current state."""
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
    """An ASGI application over a mapping of models, which may change at run time. It ignores lifespan events.

    Args:
        versions: short digests of the models' weights, by name. A request for `NAME@VERSION` fails if the runner has
            another version, because the caller reports that version to its buyers.
        token: callers must send it as `Authorization: Bearer TOKEN`.

    Attributes:
        stopping: the runner is shutting down: its state reports a fault, and it still processes requests.
    """

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        *,
        versions: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> None:
        self._models = models
        self._versions = dict(versions or {})
        self._expected = None if token is None else f"Bearer {token}".encode()
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        is_work = scope["path"].startswith(INFER)  # the rest is polled
        with request_span(scope["headers"]) if is_work else untraced() as traced:
            response = await self._answer(scope, receive)
            if response is not None:
                await response(scope, receive, send)
            traced.answered("infer", response.status_code if response else 0)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        method, path = scope["method"], scope["path"]
        if method == "GET" and path in PROBES:
            return await probe(path, self._faults())
        if not self._is_authorized(Headers(scope=scope)):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer", "Connection": "close"})
        for wanted, start, handle in (("POST", INFER, self._infer), ("GET", MODELS, self._state)):
            model = self._model(path.removeprefix(start)) if path.startswith(start) else None
            if method == wanted and model:
                try:
                    return await handle(model, scope, receive)
                except ServiceError as error:
                    return _refusal(error, self._headers(model))
                except ClientDisconnect:
                    return None
        return _refusal(NotFound("No such model or route."))

    def _model(self, wanted: str) -> ServedModel | None:
        name, _, version = wanted.partition("@")
        return self._models.get(name) if version in ("", self._versions.get(name)) else None

    def _faults(self) -> list[str | None]:
        """The fault of every model. Also updates the metrics."""
        states = {name: self._state_of(model) for name, model in self._models.items()}
        for name, state in states.items():
            RUNNER_WAITING.labels(name).set(state.waiting)
            RUNNER_WAIT_SECONDS.labels(name).set(state.wait_s)
        return [state.fault for state in states.values()]

    def _is_authorized(self, headers: Headers) -> bool:
        given = headers.get("authorization", "").encode()
        return self._expected is None or hmac.compare_digest(given, self._expected)

    def _state_of(self, model: ServedModel) -> State:
        state = model.state()
        return replace(state, fault="The matting runner is stopping.") if self.stopping else state

    def _headers(self, model: ServedModel) -> dict[str, str]:
        return {STATE: self._state_of(model).to_json()}

    async def _state(self, model: ServedModel, _: Scope, __: Receive) -> Response:
        self._faults()
        return Response(headers=self._headers(model))

    async def _infer(self, model: ServedModel, scope: Scope, receive: Receive) -> Response:
        if fault := model.fault():
            raise RunnerUnavailable(fault)
        headers = Headers(scope=scope)
        within_s, length = _within(headers), model.size * model.size * 3
        if headers.get("content-length") != str(length):
            raise BadRequest(f"The body must have {length} bytes: uint8 [{model.size}, {model.size}, 3].")
        model.batcher.check_capacity(within_s)  # before the body is read
        body = await Request(scope, receive).body()
        image = np.frombuffer(body, np.uint8).reshape(model.size, model.size, 3)
        alpha = await _cancel_on_disconnect(receive, lambda: model.batcher.infer(image, within_s=within_s))
        return Response(alpha.tobytes(), headers=self._headers(model), media_type="application/octet-stream")


async def _cancel_on_disconnect(receive: Receive, infer: Callable[[], Awaitable[Pixels]]) -> Pixels:
    """Run the inference; cancel it when the client disconnects.

    Raises:
        ClientDisconnect: the client disconnected.
    """
    work, disconnected = asyncio.ensure_future(infer()), asyncio.create_task(_wait_for_disconnect(receive))
    try:
        await asyncio.wait({work, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect()
        return work.result()
    finally:
        work.cancel()
        disconnected.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
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


def _refusal(error: ServiceError, headers: Mapping[str, str] | None = None) -> Response:
    headers = {CODE: error.code, **(headers or {})}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Response(error.detail, status_code=error.status, headers=headers, media_type="text/plain")
