"""The chain's JSON-RPC over one or two URLs: the one that answered last is asked first."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from errors import RailUnavailable
from payments.evm.node import SILENT, Node
from payments.evm.question import Question

T = TypeVar("T")

PROBE_LIMIT_S = 1.5
"""For one node when a rail's health is asked: shorter than `monitor.HEALTH_LIMIT_S`, so that one silent node hides no
other."""


class RpcClient:
    """Asks the URL that answered last, then the other one.

    Args:
        urls: the RPC URL and, where there is one, its fallback.
        chain_id: the chain that all of them must be on; see `Node`.
        timeout_s: for one call on one URL.
    """

    def __init__(self, urls: tuple[str, ...], *, chain_id: int, timeout_s: float) -> None:
        self._nodes = tuple(
            Node(url, place, chain_id=chain_id, timeout_s=timeout_s) for place, url in enumerate(urls, 1)
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every URL's node, the one that answered last first."""
        return self._nodes

    async def ask(self, question: Question[T]) -> T:
        """The result, by the first node that answers; raises as `JsonRpc.ask`."""
        return await self.first(lambda node: node.ask(question))

    async def first(self, work: Callable[[Node], Awaitable[T]]) -> T:
        """What `work` gives for the first node for which it does not raise RailUnavailable: for answers that belong
        together, because two nodes may know different blocks.

        Raises:
            RailUnavailable: it was raised for every node.
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
        """What `work` gives for every node, at the same time, in the order of `nodes`; or why a node gives nothing.
        No node is waited for longer than `limit_s`."""

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
        """Close the connections; later calls get no response."""
        for node in self._nodes:
            await node.aclose()

    def _prefer(self, node: Node) -> None:
        if self._nodes[0] is not node:
            self._nodes = (node, *(other for other in self._nodes if other is not node))
