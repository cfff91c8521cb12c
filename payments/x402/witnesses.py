"""The chain's nodes as witnesses: where money depends on the answer, every configured node is asked by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from web3.eth import AsyncEth

from errors import RailUnavailable
from payments.chain_clock import ChainClock
from payments.rail import Payment
from payments.x402.chain import AuthorizationReader, AuthorizationStatus, Undecided, check_chain
from payments.x402.requirements import QuoteTerms
from payments.x402.rpc import ANSWERS, Rpc

T = TypeVar("T")

MAX_APART_BLOCKS = 10
"""How far apart two nodes may be. A sale waits for the later one, so beyond this the rail is out."""


class Witnesses:
    """One or two nodes. A node that does not answer has no say; those that do must agree, or nothing is known.

    Args:
        rpcs: each with one URL, closed with this object.
    """

    def __init__(self, rpcs: tuple[Rpc, ...]) -> None:
        self._rpcs = rpcs
        self.several = len(rpcs) > 1

    async def fate(
        self, payment: Payment, *, done_by: Callable[[Rpc], Awaitable[int | None]], searches: int | None = None
    ) -> tuple[AuthorizationStatus, bool]:
        """What became of a payment, and whether no transaction of ours can change that any more.

        `done_by` is asked first, and of the same node: what is over by a block is seen on that block.

        Raises:
            Undecided: a node gives no verdict, or two contradict each other.
            RailUnavailable: no node answers.
        """

        async def ask(rpc: Rpc) -> tuple[AuthorizationStatus, bool]:
            block = await done_by(rpc)
            return await AuthorizationReader(rpc).fate(
                payment, at_least=block or 0, searches=searches
            ), block is not None

        heard = await self._all(ask)
        fates = {fate for fate, _ in heard}
        if len(fates) > 1:
            raise Undecided("The chain's nodes do not agree about the payment yet.")
        return fates.pop(), all(over for _, over in heard)

    async def blocks_on_top(self, transaction: str) -> int:
        """How many blocks came after a transaction's, by the node that is furthest behind; raises as `fate` does."""
        return min(await self._all(lambda rpc: AuthorizationReader(rpc).blocks_on_top(transaction)))

    async def newest(self) -> int:
        """The number of the newest block that any node has; raises as `blocks_on_top`."""
        return max(await self._all(lambda rpc: AuthorizationReader(rpc).newest()))

    async def block_of(self, transaction: str) -> int:
        """The number of the block that a transaction is in, by the node that says the highest; raises as `fate`."""
        return max(await self._all(lambda rpc: AuthorizationReader(rpc).block_of(transaction)))

    async def health(self, terms: QuoteTerms, clock: ChainClock) -> str | None:
        """None when the nodes are on the right chain and at about the same block, of now by our clock; else one public
        sentence. The clock is told of the newest block.

        Raises:
            RailUnavailable: no node answers.
        """

        async def check(rpc: Rpc) -> tuple[str | None, bool, tuple[int, int] | None]:
            sentence, head = await asyncio.gather(check_chain(rpc, terms), _head(rpc))
            return sentence, rpc.stray is None, head

        checked = await self._all(check)
        # A URL that leads to another chain is not used, so it puts nothing out as long as the other one is right.
        used = [sentence for sentence, on_our_chain, _ in checked if on_our_chain]
        wrong = next(filter(None, used or [sentence for sentence, _, _ in checked]), None)
        if wrong:
            return wrong
        heads = [head for *_, head in checked if head is not None]
        if not heads:
            raise RailUnavailable("The chain does not answer.")
        clock.saw(max(time for _, time in heads))
        apart = max(heads)[0] - min(heads)[0]
        return f"The chain's two nodes are {apart} blocks apart." if apart > MAX_APART_BLOCKS else clock.fault

    async def aclose(self) -> None:
        """Close the connections."""
        for rpc in self._rpcs:
            await rpc.aclose()

    async def _all(self, question: Callable[[Rpc], Coroutine[Any, Any, T]]) -> list[T]:
        """The answers of the nodes that gave one; a node's "I cannot tell" is passed on."""
        answers = await asyncio.gather(*(_or_silence(question(rpc)) for rpc in self._rpcs))
        heard = [answer for answer in answers if not isinstance(answer, RailUnavailable)]
        if not heard:
            raise RailUnavailable("The chain does not answer.")
        return heard


async def _head(rpc: Rpc) -> tuple[int, int] | None:
    """Number and time (unix seconds) of the latest block; None without an answer."""

    async def ask(eth: AsyncEth) -> tuple[int, int]:
        latest = await eth.get_block("latest")
        return latest["number"], latest["timestamp"]

    try:
        return await rpc.ask(ask)
    except (RailUnavailable, *ANSWERS):
        return None


async def _or_silence(answer: Coroutine[Any, Any, T]) -> T | RailUnavailable:
    try:
        return await answer
    except Undecided:
        raise
    except RailUnavailable as silence:
        return silence
