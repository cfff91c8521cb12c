"""The chain's JSON-RPC over one or two URLs, with failover: the one that responded last is tried first."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from errors import RailUnavailable
from payments.evm.node import SILENT, Node
from payments.evm.question import Question

T = TypeVar("T")

PROBE_LIMIT_S = 1.5
"""Timeout for one node in a health check: shorter than `monitor.HEALTH_LIMIT_S`, so that a node that does not respond
cannot hide another one."""


class RpcClient:
    """Calls the URL that responded last, then the other one.

    Args:
        urls: the RPC URL and its fallback, if any.
        chain_id: the required chain of all URLs; see `Node`.
        timeout_s: for one call on one URL.
    """

    def __init__(self, urls: tuple[str, ...], *, chain_id: int, timeout_s: float) -> None:
        self._nodes = tuple(
            Node(url, place, chain_id=chain_id, timeout_s=timeout_s) for place, url in enumerate(urls, 1)
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The node of every URL, the one that responded last first."""
        return self._nodes

    async def ask(self, question: Question[T]) -> T:
        """The result of the first node that responds; raises as `JsonRpc.ask`."""
        return await self.first(lambda node: node.ask(question))

    async def first(self, work: Callable[[Node], Awaitable[T]]) -> T:
        """The result of `work` for the first node for which it does not raise RailUnavailable. For calls that belong
        together, because two nodes may have different blocks.

        Raises:
            RailUnavailable: `work` raised it for every node.
        """
        for node in self._nodes:
            with suppress(RailUnavailable):
                answer = await work(node)
                self._prefer(node)
                return answer
        raise RailUnavailable(SILENT)

    async def each(
        self, work: Callable[[Node], Awaitable[T]], *, limit_s: float | None = None
    ) -> list[T | RailUnavailable]:
        """The result of `work` for every node, concurrently, in the order of `nodes`; or the node's RailUnavailable.
        `limit_s` is the timeout for each node."""

        async def attempt(node: Node) -> T | RailUnavailable:
            try:
                async with asyncio.timeout(limit_s):
                    return await work(node)
            except RailUnavailable as outage:
                return outage
            except TimeoutError:
                return RailUnavailable(SILENT)

        return await asyncio.gather(*map(attempt, self._nodes))

    async def aclose(self) -> None:
        """Close the connections; later calls raise RailUnavailable."""
        for node in self._nodes:
            await node.aclose()

    def _prefer(self, node: Node) -> None:
        if self._nodes[0] is not node:
            self._nodes = (node, *(other for other in self._nodes if other is not node))
