"""Asks every configured node of the chain separately, where money depends on the answer, and compares the answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from errors import RailUnavailable
from payments.chain_clock import ChainClock
from payments.evm.node import Node
from payments.evm.question import JsonRpc
from payments.evm.questions import Block, block
from payments.evm.rpc import PROBE_LIMIT_S, RpcClient
from payments.rail import Payment
from payments.x402.chain import AuthorizationReader, AuthorizationStatus, Undecided, check_chain
from payments.x402.facilitator import FinalAt, InFlight
from payments.x402.requirements import QuoteTerms

T = TypeVar("T")

MAX_APART_BLOCKS = 10
"""Maximum distance of two nodes. A sale waits for the later one, so with a larger distance the rail is down."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a payment.

    Attributes:
        is_final: no transaction of ours can change it any more.
    """

    status: AuthorizationStatus
    is_final: bool


class Witnesses:
    """One or two nodes. A node that does not respond is ignored; those that respond must agree."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self.several = len(rpc.nodes) > 1

    async def outcome(
        self,
        payment: Payment,
        *,
        progress: Callable[[JsonRpc], Awaitable[InFlight | FinalAt]],
        searches: int | None = None,
    ) -> Outcome:
        """The outcome of a payment.

        `progress` is asked first, on the same node: a state that is final at a block is read at that block.

        Raises:
            Undecided: a node has no outcome yet, or two nodes contradict each other.
            RailUnavailable: no node responds.
        """

        async def ask(node: Node) -> Outcome:
            ours = await progress(node)
            at_least = ours.block if isinstance(ours, FinalAt) else 0
            status = await AuthorizationReader(node).status(payment, at_least=at_least, searches=searches)
            return Outcome(status, isinstance(ours, FinalAt))

        outcomes = await self._all(ask)
        statuses = {outcome.status for outcome in outcomes}
        if len(statuses) > 1:
            raise Undecided("The chain's nodes do not agree about the payment yet.")
        return Outcome(statuses.pop(), all(outcome.is_final for outcome in outcomes))

    async def blocks_on_top(self, transaction: str) -> int:
        """The number of blocks after a transaction's block, the lowest of all nodes; raises as `outcome`."""
        return min(await self._all(lambda node: AuthorizationReader(node).blocks_on_top(transaction)))

    async def newest(self) -> int:
        """The number of the newest block of any node; raises as `outcome`."""
        return max(await self._all(lambda node: AuthorizationReader(node).newest()))

    async def block_of(self, transaction: str) -> int:
        """The number of a transaction's block, the highest of all nodes' answers; raises as `outcome`."""
        return max(await self._all(lambda node: AuthorizationReader(node).block_of(transaction)))

    async def health(self, terms: QuoteTerms, clock: ChainClock) -> str | None:
        """None if the nodes are on the right chain, at about the same block, and up to date by our clock; else one
        public sentence. Reports the newest block to the clock.

        Raises:
            RailUnavailable: no node responds.
        """

        async def check(node: Node) -> tuple[str | None, bool, Block | None]:
            sentence, head = await asyncio.gather(check_chain(node, terms), _head(node))
            return sentence, node.other_chain is None, head

        checked = await self._all(check, limit_s=PROBE_LIMIT_S)
        # A URL that leads to another chain is not used, so it causes no outage while the other one is right.
        used = [sentence for sentence, on_our_chain, _ in checked if on_our_chain]
        wrong = next(filter(None, used or [sentence for sentence, _, _ in checked]), None)
        if wrong:
            return wrong
        heads = [head for *_, head in checked if head is not None]
        if not heads:
            raise RailUnavailable("The chain does not respond.")
        clock.saw(max(head.timestamp for head in heads))
        numbers = [head.number for head in heads]
        apart = max(numbers) - min(numbers)
        return f"The chain's two nodes are {apart} blocks apart." if apart > MAX_APART_BLOCKS else clock.fault

    async def _all(self, work: Callable[[Node], Awaitable[T]], *, limit_s: float | None = None) -> list[T]:
        """The answers of the nodes that respond. Raises the first node's `Undecided`, if any."""
        answers = await self._rpc.each(work, limit_s=limit_s)
        for answer in answers:
            if isinstance(answer, Undecided):
                raise answer
        given = [answer for answer in answers if not isinstance(answer, RailUnavailable)]
        if not given:
            raise RailUnavailable("The chain does not respond.")
        return given


async def _head(node: Node) -> Block | None:
    try:
        return await node.ask(block("latest"))
    except RailUnavailable:
        return None
