"""The API worker's side of the runner: bounded in time, one retry, and only our own errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import numpy as np
import structlog
from aiohttp import ClientError
from bentoml.exceptions import BentoMLException, ServiceUnavailable

from errors import ProcessingFailed, RunnerUnavailable, ServiceError
from runners.backend import Pixels

log = structlog.get_logger(__name__)

T = TypeVar("T")

TRAINING_BATCHES = 11
"""BentoML's batcher learns from its first eleven batches (8 + 1 + 1 + 1) and holds requests back while it does."""

_HEALTH_TIMEOUT_S = 2
_PAUSE_S = 0.5


class Runner(Protocol):
    """What a BentoML dependency offers of `MattingRunner`: its methods on `to_async`, and `is_ready`."""

    to_async: Any

    async def is_ready(self, timeout: int | None = None) -> bool:  # noqa: ASYNC109  # BentoML's signature
        """Whether the runner answers its readiness probe within `timeout` seconds."""
        ...


def method_of(index: int) -> str:
    """The runner's method for the model at this place: each has its own, so that no batch mixes models."""
    return f"infer_{index}" if index else "infer"


class RunnerClient:
    """Sends single pictures to one model of the runner, which joins what arrives together into one batch.

    Args:
        size: pixels per side of the network's input.
        timeout_s: for one picture, the retry included.
        method: of the runner, see `method_of`.
    """

    def __init__(self, runner: Runner, *, size: int, timeout_s: float, method: str = "infer") -> None:
        self._runner = runner
        self._method = method
        self._shape = (size, size, 3)
        self._timeout_s = timeout_s
        self._warm = False

    async def infer(self, image: Pixels) -> Pixels:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S].

        Raises:
            RunnerUnavailable: no answer in time, no connection, or a runner that is overloaded.
            ProcessingFailed: the runner answered twice that it failed.
            ValueError: not a picture of the network's size; it would spoil the batch it came into.
        """
        if image.dtype != np.uint8 or image.shape != self._shape:
            raise ValueError(f"the runner takes uint8 {self._shape}, not {image.dtype} {image.shape}")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await _twice(lambda: self._infer(image))
        except TimeoutError as error:
            raise RunnerUnavailable("The picture was not cut out in time.") from error

    async def _infer(self, image: Pixels) -> Pixels:
        try:
            alpha: Pixels = (await getattr(self._runner.to_async, self._method)(image[None]))[0]
        except (ClientError, ServiceUnavailable) as error:
            raise RunnerUnavailable("The matting runner does not answer.") from error
        except BentoMLException as error:
            raise ProcessingFailed("The picture could not be cut out.") from error
        return alpha

    async def warm_up(self) -> None:
        """Wait for the runner and lead its batcher through its training, so that no buyer has to."""
        blank = np.zeros(self._shape, np.uint8)
        batches = 0
        while batches < TRAINING_BATCHES:
            try:
                await self.infer(blank)
            except ServiceError:
                await asyncio.sleep(_PAUSE_S)
            else:
                batches += 1
        self._warm = True

    async def health(self) -> str | None:
        """None when pictures can be cut out, else what is out, as one public sentence."""
        try:
            async with asyncio.timeout(_HEALTH_TIMEOUT_S):
                ready = await self._runner.is_ready(_HEALTH_TIMEOUT_S)
        except (ClientError, TimeoutError):
            ready = False
        if not ready:
            return "The matting runner does not answer."
        return None if self._warm else "The matting runner is warming up."


async def _twice(attempt: Callable[[], Awaitable[T]]) -> T:
    """Inference changes nothing, so trying again is safe; a runner that is being restarted loses what it held."""
    try:
        return await attempt()
    except (RunnerUnavailable, ProcessingFailed) as error:
        log.warning("inference_retried", code=error.code, exc_info=error.__cause__)
    await asyncio.sleep(_PAUSE_S)
    return await attempt()
