"""A load balancer over several runners: least loaded first, with failover."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Self
from urllib.parse import urlsplit

import structlog

from concurrency import in_background
from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.backend import Pixels
from runners.connection import RunnerConnection
from runners.replica import ModelReplica
from runners.state import State

log = structlog.get_logger(__name__)


class RunnerFleet:
    """The runners at all addresses of some URLs, behind the interface of one runner (`runners.client.Runner`).

    An asynchronous context manager for one event loop.

    Args:
        urls: `http://host:port`; every address of a name is a runner. `https://` URLs are not resolved, because a
            certificate belongs to a name.
        token: the secret that the runners require.
        resolve: resolves one URL to the URLs of its addresses.
        resolve_every_s: interval between two DNS look-ups.
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
        self._resolve_url = resolve or addresses
        self._resolve_every_s = resolve_every_s
        self._connections: dict[str, RunnerConnection] = {}
        self._replicas: dict[str, dict[str, ModelReplica]] = {}
        self._sequence = 0

    async def __aenter__(self) -> Self:
        """Resolve the names, now and periodically."""
        self._stack = AsyncExitStack()
        await self._resolve()
        await self._stack.enter_async_context(in_background(self._keep_resolving()))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._stack.aclose()
        for connection in self._connections.values():
            await connection.__aexit__(None, None, None)

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S], and the fleet's state. Each runner is tried once.

        Raises:
            RunnerUnavailable, Overloaded, ProcessingFailed: the error of the last runner.
        """
        ends_at = asyncio.get_running_loop().time() + within_s
        untried = list(self._replicas_of(model))
        failure: RunnerUnavailable | Overloaded | ProcessingFailed = RunnerUnavailable(
            "No matting runner is available."
        )
        while untried:
            replica = min(untried, key=ModelReplica.priority)
            untried.remove(replica)
            self._sequence += 1
            left_s = max(0.001, ends_at - asyncio.get_running_loop().time())
            try:
                alpha = await replica.infer(image, within_s=left_s, sequence=self._sequence, alternatives=untried)
            except (RunnerUnavailable, Overloaded, ProcessingFailed) as error:
                log.warning(
                    "runner_failed", runner=replica.address, model=model, code=error.code, alternatives=len(untried)
                )
                failure = error
            else:
                return alpha, self._summary(model)
        raise failure

    async def state(self, model: str) -> State:
        """Poll every runner. Returns the best replica's state with the combined speed of all healthy replicas.

        Raises:
            RunnerUnavailable: no runner responds.
        """
        await asyncio.gather(*(replica.poll() for replica in self._replicas_of(model)))
        return self._summary(model)

    def _summary(self, model: str) -> State:
        reported = [(replica, replica.reported) for replica in self._replicas_of(model) if replica.reported is not None]
        if not reported:
            raise RunnerUnavailable("The matting runner does not answer.")
        best, report = min(reported, key=lambda each: each[0].priority())
        if report.fault is not None:
            return report
        healthy = [state for _, state in reported if state.fault is None]
        rates = [1 / state.picture_s for state in healthy if state.picture_s > 0]
        return replace(
            report,
            wait_s=best.expected_wait(),
            picture_s=1 / sum(rates) if rates else 0.0,
            waiting=sum(state.waiting for state in healthy),
            backend=", ".join(sorted({state.backend for state in healthy})),
        )

    def _replicas_of(self, model: str) -> list[ModelReplica]:
        replicas = self._replicas.setdefault(model, {})
        for address, connection in self._connections.items():
            if address not in replicas:
                replicas[address] = ModelReplica(connection, model, address)
        return [replica for address, replica in replicas.items() if address in self._connections]

    async def _keep_resolving(self) -> None:
        while True:
            await asyncio.sleep(self._resolve_every_s)
            await self._resolve()

    async def _resolve(self) -> None:
        """Add new runners; remove those that are no longer resolved when they have no request in progress."""
        try:
            wanted = set().union(*await asyncio.gather(*(self._resolve_url(url) for url in self._urls)))
        except OSError as error:
            log.warning("runner_lookup_failed", error=str(error))
            return
        for address in wanted - self._connections.keys():
            log.info("runner_added", runner=address)
            self._connections[address] = await RunnerConnection(address, token=self._token).__aenter__()
        for address in self._connections.keys() - wanted:
            if not self._has_work(address):
                log.info("runner_removed", runner=address)
                await self._connections.pop(address).__aexit__(None, None, None)
                for replicas in self._replicas.values():
                    replicas.pop(address, None)

    def _has_work(self, address: str) -> bool:
        return any(replicas[address].in_flight for replicas in self._replicas.values() if address in replicas)


async def addresses(url: str) -> Iterable[str]:
    """One URL per address of this URL's host name.

    Raises:
        OSError: the name cannot be resolved.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname is None:
        return [url]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    hosts = {f"[{place[0]}]" if family == socket.AF_INET6 else str(place[0]) for family, _, _, _, place in found}
    return [f"http://{host}:{parts.port or 80}" for host in hosts]
