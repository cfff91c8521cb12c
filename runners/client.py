"""The API worker's client for one model: time limits, one retry, our own errors, and the expected wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import numpy as np
import structlog

from errors import ProcessingFailed, RunnerUnavailable, ServiceError
from runners.backend import Pixels
from runners.connection import RunnerConnection
from runners.fleet import RunnerFleet
from runners.state import State

__all__ = ["Runner", "RunnerClient", "RunnerConnection", "RunnerFleet", "State"]

log = structlog.get_logger(__name__)

T = TypeVar("T")

POLL_INTERVAL_S = 1.0
"""Interval between two polls of the runner's state."""
POLL_TIMEOUT_S = 1.5
"""A poll without a response within this time is missed; two missed polls in a row mark the model as down."""
_RETRY_PAUSE_S = 0.5
_STARTING = "The matting runner is starting."


class Runner(Protocol):
    """A runner, see `runners.connection.RunnerConnection`."""

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        """Run inference on one image."""
        ...

    async def state(self, model: str) -> State:
        """The model's state."""
        ...


class RunnerClient:
    """Sends single images to one model of the runner, which batches them.

    Args:
        model: name of the model.
        size: pixels per side of the network's input.
        timeout_s: per image, including the retry.
    """

    def __init__(self, runner: Runner, *, model: str, size: int, timeout_s: float) -> None:
        self._runner = runner
        self._model = model
        self._shape = (size, size, 3)
        self._timeout_s = timeout_s
        self._state: State | None = None
        self._reported_at = 0.0
        self._fault: str | None = _STARTING
        self._missed_polls = 0
        self._in_flight = 0

    def fault(self) -> str | None:
        """Why the model is unavailable, as one public sentence; None when it is available."""
        return self._fault

    async def health(self) -> str | None:
        """Like `fault`, as a check of `/readyz`."""
        return self._fault

    def backend(self) -> str | None:
        """The backend in the last reported state; None before the first report."""
        return self._state.backend if self._state else None

    def description(self) -> str:
        """Backend and note of the last reported state, for operators."""
        if self._state is None:
            return "not known yet"
        return f"{self._state.backend}; {self._state.note}" if self._state.note else self._state.backend

    def expected_wait(self) -> float:
        """Seconds until the inference of an image sent now would start.

        The last reported wait minus the elapsed time, but at least the time that this worker's images in flight
        need. Sends no request.
        """
        if self._state is None:
            return 0.0
        reported_s = self._state.wait_s - (time.monotonic() - self._reported_at)
        return max(reported_s, self._in_flight * self._state.picture_s, 0.0)

    def picture_s(self) -> float:
        """The runner's measured seconds per image under load; 0 before the first report."""
        return self._state.picture_s if self._state else 0.0

    async def infer(self, image: Pixels) -> Pixels:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S].

        Raises:
            RunnerUnavailable: no response in time, or no connection.
            Overloaded: the runner cannot finish in time.
            ProcessingFailed: inference failed twice.
            ValueError: the image has not the network's input size.
        """
        if image.dtype != np.uint8 or image.shape != self._shape:
            raise ValueError(f"the image must be uint8 {self._shape}, not {image.dtype} {image.shape}")
        ends_at = time.monotonic() + self._timeout_s
        self._in_flight += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                return await _retry_once(lambda: self._infer(image, ends_at))
        except TimeoutError as error:
            raise RunnerUnavailable("Background removal did not finish in time.") from error
        finally:
            self._in_flight -= 1

    async def _infer(self, image: Pixels, ends_at: float) -> Pixels:
        left_s = max(0.001, ends_at - time.monotonic())
        alpha, state = await self._runner.infer(self._model, image, within_s=left_s)
        self._record(state)
        return alpha

    async def poll(self) -> None:
        """Poll the model's state: one response marks it as up, two missed polls in a row mark it as down."""
        try:
            async with asyncio.timeout(POLL_TIMEOUT_S):
                self._record(await self._runner.state(self._model))
        except (RunnerUnavailable, TimeoutError) as error:
            self._missed_polls += 1
            if self._missed_polls > 1 and self._state is not None:
                detail = error.detail if isinstance(error, ServiceError) else "The matting runner does not answer."
                self._mark_down(detail)

    async def keep_polling(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.poll()
            except Exception:
                # A runner of another version may send anything; polling must continue.
                log.exception("runner_poll_failed", model=self._model)
            await asyncio.sleep(
                POLL_INTERVAL_S if self._fault is None and not self._missed_polls else POLL_INTERVAL_S / 4
            )

    def _record(self, state: State) -> None:
        self._state, self._reported_at, self._missed_polls = state, time.monotonic(), 0
        if state.fault is not None:
            self._mark_down(state.fault)
        elif self._fault is not None:
            log.info("runner_up", model=self._model, backend=state.backend)
            self._fault = None

    def _mark_down(self, fault: str) -> None:
        if self._fault is None:
            log.warning("runner_down", model=self._model, fault=fault)
        self._fault = fault


async def _retry_once(attempt: Callable[[], Awaitable[T]]) -> T:
    """Inference has no side effects, so a retry is safe; a restarting runner loses its images in flight."""
    try:
        return await attempt()
    except (RunnerUnavailable, ProcessingFailed) as error:
        log.warning("inference_retried", code=error.code, cause=str(error.__cause__ or error.detail)[:200])
    await asyncio.sleep(_RETRY_PAUSE_S)
    return await attempt()
