"""The API worker's side of one model: bounded in time, one retry, our own errors only, and how long a picture waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import numpy as np
import structlog

from errors import ProcessingFailed, RunnerUnavailable, ServiceError
from runners.backend import Pixels
from runners.state import State

log = structlog.get_logger(__name__)

T = TypeVar("T")

EVERY_S = 1.0
"""Pause between two questions how the runner is."""
PATIENCE_S = 1.5
"""After which a question counts as not answered; the second one in a row takes the model out."""
_PAUSE_S = 0.5
_STARTING = "The matting runner is starting."


class Runner(Protocol):
    """A runner, see `runners.connection.RunnerConnection`."""

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        """Cut one picture out."""
        ...

    async def state(self, model: str) -> State:
        """How the model is."""
        ...


class RunnerClient:
    """Sends single pictures to one model of the runner, which joins what waits into batches.

    Args:
        model: its name.
        size: pixels per side of the network's input.
        timeout_s: for one picture, the retry included.
    """

    def __init__(self, runner: Runner, *, model: str, size: int, timeout_s: float) -> None:
        self._runner = runner
        self._model = model
        self._shape = (size, size, 3)
        self._timeout_s = timeout_s
        self._state: State | None = None
        self._told_at = 0.0
        self._fault: str | None = _STARTING
        self._missed = 0
        self._in_flight = 0

    def fault(self) -> str | None:
        """Why no picture can be cut out now, as one public sentence; None when it can."""
        return self._fault

    async def health(self) -> str | None:
        """The same, in the form of a check of `/readyz`."""
        return self._fault

    def backend(self) -> str | None:
        """Which backend cuts out, as the runner has last said; None before it has."""
        return self._state.backend if self._state else None

    def described(self) -> str:
        """The same for operators, with what the runner adds."""
        if self._state is None:
            return "not known yet"
        return f"{self._state.backend}; {self._state.note}" if self._state.note else self._state.backend

    def expected_wait(self) -> float:
        """Seconds until the inference of a picture that is sent now would begin; 0 when that is at once.

        It is the runner's last word, less the time that has gone by, but not less than the pictures of this worker
        that are with the runner need. Nothing is asked for it.
        """
        if self._state is None:
            return 0.0
        told = self._state.wait_s - (time.monotonic() - self._told_at)
        return max(told, self._in_flight * self._state.picture_s, 0.0)

    def picture_s(self) -> float:
        """Measured seconds of the runner per picture when it is busy; 0 before it has told."""
        return self._state.picture_s if self._state else 0.0

    async def infer(self, image: Pixels) -> Pixels:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S].

        Raises:
            RunnerUnavailable: no answer in time, or no connection.
            Overloaded: the runner cannot do it in time.
            ProcessingFailed: the runner answered twice that it failed.
            ValueError: not a picture of the network's size.
        """
        if image.dtype != np.uint8 or image.shape != self._shape:
            raise ValueError(f"the runner takes uint8 {self._shape}, not {image.dtype} {image.shape}")
        ends_at = time.monotonic() + self._timeout_s
        self._in_flight += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                return await _twice(lambda: self._infer(image, ends_at))
        except TimeoutError as error:
            raise RunnerUnavailable("The picture was not cut out in time.") from error
        finally:
            self._in_flight -= 1

    async def _infer(self, image: Pixels, ends_at: float) -> Pixels:
        left_s = max(0.001, ends_at - time.monotonic())
        alpha, state = await self._runner.infer(self._model, image, within_s=left_s)
        self._note(state)
        return alpha

    async def look(self) -> None:
        """Ask how the model is: one good answer is enough to be in, two missing ones in a row make it out."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._note(await self._runner.state(self._model))
        except (RunnerUnavailable, TimeoutError) as error:
            self._missed += 1
            if self._missed > 1 and self._state is not None:
                detail = error.detail if isinstance(error, ServiceError) else "The matting runner does not answer."
                self._out(detail)

    async def keep_looking(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                # Whatever a runner of another version says, it is asked again.
                log.exception("runner_not_asked", model=self._model)
            await asyncio.sleep(EVERY_S if self._fault is None and not self._missed else EVERY_S / 4)

    def _note(self, state: State) -> None:
        self._state, self._told_at, self._missed = state, time.monotonic(), 0
        if state.fault is not None:
            self._out(state.fault)
        elif self._fault is not None:
            log.info("runner_in", model=self._model, backend=state.backend)
            self._fault = None

    def _out(self, fault: str) -> None:
        if self._fault is None:
            log.warning("runner_out", model=self._model, fault=fault)
        self._fault = fault


async def _twice(attempt: Callable[[], Awaitable[T]]) -> T:
    """Inference changes nothing, so trying again is safe; a runner that is being restarted loses what it held."""
    try:
        return await attempt()
    except (RunnerUnavailable, ProcessingFailed) as error:
        log.warning("inference_retried", code=error.code, cause=str(error.__cause__ or error.detail)[:200])
    await asyncio.sleep(_PAUSE_S)
    return await attempt()
