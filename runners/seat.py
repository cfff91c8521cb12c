"""One model at one runner of several: what it last said, what is in its hands, and whether it still answers."""

import asyncio
import time
from collections.abc import Sequence

from errors import RunnerUnavailable
from runners.backend import Pixels
from runners.connection import RunnerConnection
from runners.state import State

PATIENCE_S = 1.0
"""After which a question counts as not answered; less than a client waits for the answer of the whole fleet."""
_MISSED = 2
"""Questions in a row without an answer after which what it holds is given to another."""


class Seat:
    """One model at the runner of one address."""

    def __init__(self, connection: RunnerConnection, model: str, address: str) -> None:
        self.address = address
        self.state: State | None = None
        self.in_flight = 0
        self._connection = connection
        self._model = model
        self._told_at = 0.0
        self._missed = 0
        self._lost = asyncio.Event()
        self._last_turn = 0

    @property
    def said(self) -> State | None:
        """What it answered the last time; None when it did not."""
        return None if self._missed else self.state

    @property
    def is_well(self) -> bool:
        """It answered the last time, and had no fault."""
        return self.said is not None and self.said.fault is None

    def expected_wait(self) -> float:
        """Seconds until the inference of a picture that is sent now would begin, as far as is known."""
        if self.state is None:
            return 0.0
        told = self.state.wait_s - (time.monotonic() - self._told_at)
        return max(told, self.in_flight * self.state.picture_s, 0.0)

    def load(self) -> tuple[bool, float, int, int]:
        """What to choose by: the smallest is the best. Those that are as good take turns."""
        return not self.is_well, self.expected_wait(), self.in_flight, self._last_turn

    async def infer(self, image: Pixels, *, within_s: float, turn: int, others: Sequence["Seat"]) -> Pixels:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S].

        Args:
            turn: a number that grows with each call to the fleet.
            others: who could do it instead. With one of them well, nobody waits for a runner that answers no more.

        Raises:
            RunnerUnavailable: no connection, none until the answer, or it answers no more.
            Overloaded: the runner cannot do it within this time.
            ProcessingFailed: the network failed on this picture.
        """
        self.in_flight, self._last_turn = self.in_flight + 1, turn
        call = asyncio.ensure_future(self._connection.infer(self._model, image, within_s=within_s))
        lost = asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait({call, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done() and any(each.is_well for each in others):
                raise RunnerUnavailable("The matting runner does not answer.")
            alpha, state = await call
        except RunnerUnavailable:
            self.state = None
            raise
        finally:
            call.cancel()
            lost.cancel()
            self.in_flight -= 1
        self._note(state)
        return alpha

    async def look(self) -> None:
        """Ask how it is."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._note(await self._connection.state(self._model))
        except (RunnerUnavailable, TimeoutError):
            self._missed += 1
            if self._missed >= _MISSED:
                self.state = None
                self._lost.set()

    def _note(self, state: State) -> None:
        self.state, self._told_at, self._missed = state, time.monotonic(), 0
        self._lost.clear()
