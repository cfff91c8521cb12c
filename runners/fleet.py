"""Several runners as one: the least loaded gets the picture, and another one gets it when that one fails."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import structlog

from concurrency import in_background
from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.backend import Pixels
from runners.connection import RunnerConnection
from runners.seat import Seat
from runners.state import State

log = structlog.get_logger(__name__)


class RunnerFleet:
    """The runners at all addresses of some URLs, in the form of one runner (`runners.client.Runner`).

    For use in one event loop, as an asynchronous context manager.

    Args:
        urls: `http://host:port`; of a name every address is a runner. `https://` is asked as it stands, for a
            certificate is for a name.
        token: what the runners ask for.
        resolve: gives the addresses behind one URL.
        resolve_every_s: pause between two look-ups of the names, under which runners come and go.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        token: str | None = None,
        resolve: Callable[[str], Awaitable[Iterable[str]]] | None = None,
        resolve_every_s: float = 5.0,
    ) -> None:
        self._urls = tuple(urls)
        self._token = token
        self._addresses = resolve or addresses
        self._resolve_every_s = resolve_every_s
        self._connections: dict[str, RunnerConnection] = {}
        self._seats: dict[str, dict[str, Seat]] = {}
        self._turn = 0

    async def __aenter__(self) -> Self:
        """Look the names up, now and from time to time."""
        self._stack = AsyncExitStack()
        await self._resolve()
        await self._stack.enter_async_context(in_background(self._keep_resolving()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._stack.aclose()
        for connection in self._connections.values():
            await connection.__aexit__(None, None, None)

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S], and how the fleet is afterwards. Each runner is tried once.

        Raises:
            RunnerUnavailable, Overloaded, ProcessingFailed: what the last one tried said.
        """
        ends_at = asyncio.get_running_loop().time() + within_s
        left = list(self._of(model))
        failure: RunnerUnavailable | Overloaded | ProcessingFailed = RunnerUnavailable("There is no matting runner.")
        while left:
            seat = min(left, key=Seat.load)
            left.remove(seat)
            self._turn += 1
            left_s = max(0.001, ends_at - asyncio.get_running_loop().time())
            try:
                alpha = await seat.infer(image, within_s=left_s, turn=self._turn, others=left)
            except (RunnerUnavailable, Overloaded, ProcessingFailed) as error:
                log.warning("runner_failed", runner=seat.address, model=model, code=error.code, others=len(left))
                failure = error
            else:
                return alpha, self._summary(model)
        raise failure

    async def state(self, model: str) -> State:
        """Ask every runner how it is: the best one's word, with the speed of all that are well.

        Raises:
            RunnerUnavailable: none answers.
        """
        await asyncio.gather(*(seat.look() for seat in self._of(model)))
        return self._summary(model)

    def _summary(self, model: str) -> State:
        said = [(seat, seat.said) for seat in self._of(model) if seat.said is not None]
        if not said:
            raise RunnerUnavailable("The matting runner does not answer.")
        best, word = min(said, key=lambda each: each[0].load())
        if word.fault is not None:
            return word
        well = [state for _, state in said if state.fault is None]
        rates = [1 / state.picture_s for state in well if state.picture_s > 0]
        return replace(
            word,
            wait_s=best.expected_wait(),
            picture_s=1 / sum(rates) if rates else 0.0,
            waiting=sum(state.waiting for state in well),
            backend=", ".join(sorted({state.backend for state in well})),
        )

    def _of(self, model: str) -> list[Seat]:
        seats = self._seats.setdefault(model, {})
        for address, connection in self._connections.items():
            if address not in seats:
                seats[address] = Seat(connection, model, address)
        return [seat for address, seat in seats.items() if address in self._connections]

    async def _keep_resolving(self) -> None:
        while True:
            await asyncio.sleep(self._resolve_every_s)
            await self._resolve()

    async def _resolve(self) -> None:
        """Take in the runners that came; let go of those that went, once nothing is in their hands."""
        try:
            wanted = set().union(*await asyncio.gather(*(self._addresses(url) for url in self._urls)))
        except OSError as error:
            log.warning("runner_name_not_resolved", error=str(error))
            return
        for address in wanted - self._connections.keys():
            log.info("runner_added", runner=address)
            self._connections[address] = await RunnerConnection(address, token=self._token).__aenter__()
        for address in self._connections.keys() - wanted:
            if not self._busy(address):
                log.info("runner_removed", runner=address)
                await self._connections.pop(address).__aexit__(None, None, None)
                for seats in self._seats.values():
                    seats.pop(address, None)

    def _busy(self, address: str) -> bool:
        return any(seats[address].in_flight for seats in self._seats.values() if address in seats)


async def addresses(url: str) -> Iterable[str]:
    """One URL for each address that the name of this one has.

    Raises:
        OSError: the name is not known.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname is None:
        return [url]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    hosts = {f"[{place[0]}]" if family == socket.AF_INET6 else str(place[0]) for family, _, _, _, place in found}
    return [f"http://{host}:{parts.port or 80}" for host in hosts]
