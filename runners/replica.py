"""One model on one of several runners: its last state, its requests in flight, and whether it responds."""

import asyncio
import time
from collections.abc import Sequence

from errors import RunnerUnavailable
from runners.backend import Pixels
from runners.connection import RunnerConnection
from runners.state import State

POLL_TIMEOUT_S = 1.0
"""Shorter than a client's timeout for the state of the whole fleet."""
_MAX_MISSED_POLLS = 2
"""After this many missed polls in a row, its requests in flight move to another runner."""


class ModelReplica:
    """One model on the runner at one address."""

    def __init__(self, connection: RunnerConnection, model: str, address: str) -> None:
        self.address = address
        self.state: State | None = None
        self.in_flight = 0
        self._connection = connection
        self._model = model
        self._reported_at = 0.0
        self._missed_polls = 0
        self._unreachable = asyncio.Event()
        self._last_sequence = 0

    @property
    def reported(self) -> State | None:
        """The state from the last poll; None if that poll was missed."""
        return None if self._missed_polls else self.state

    @property
    def is_healthy(self) -> bool:
        """Whether the last poll succeeded without a fault."""
        return self.reported is not None and self.reported.fault is None

    def expected_wait(self) -> float:
        """Estimated seconds until the inference of an image sent now would start."""
        if self.state is None:
            return 0.0
        reported_s = self.state.wait_s - (time.monotonic() - self._reported_at)
        return max(reported_s, self.in_flight * self.state.picture_s, 0.0)

    def priority(self) -> tuple[bool, float, int, int]:
        """Sort key: the smallest is the best replica. Equal replicas take turns."""
        return not self.is_healthy, self.expected_wait(), self.in_flight, self._last_sequence

    async def infer(
        self, image: Pixels, *, within_s: float, sequence: int, alternatives: Sequence["ModelReplica"]
    ) -> Pixels:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S].

        Args:
            sequence: increases with each call to the fleet.
            alternatives: the other replicas. If one of them is healthy, the call does not wait for a lost runner.

        Raises:
            RunnerUnavailable: no connection, the connection was lost, or the runner stopped responding.
            Overloaded: the runner cannot finish within this time.
            ProcessingFailed: inference failed on this image.
        """
        self.in_flight, self._last_sequence = self.in_flight + 1, sequence
        call = asyncio.ensure_future(self._connection.infer(self._model, image, within_s=within_s))
        unreachable = asyncio.create_task(self._unreachable.wait())
        try:
            await asyncio.wait({call, unreachable}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done() and any(each.is_healthy for each in alternatives):
                raise RunnerUnavailable("The matting runner does not answer.")
            alpha, state = await call
        except RunnerUnavailable:
            self.state = None
            raise
        finally:
            call.cancel()
            unreachable.cancel()
            self.in_flight -= 1
        self._record(state)
        return alpha

    async def poll(self) -> None:
        """Poll the runner's state."""
        try:
            async with asyncio.timeout(POLL_TIMEOUT_S):
                self._record(await self._connection.state(self._model))
        except (RunnerUnavailable, TimeoutError):
            self._missed_polls += 1
            if self._missed_polls >= _MAX_MISSED_POLLS:
                self.state = None
                self._unreachable.set()

    def _record(self, state: State) -> None:
        self.state, self._reported_at, self._missed_polls = state, time.monotonic(), 0
        self._unreachable.clear()
