"""The chain's nodes as witnesses: where money depends on the answer, every configured node is asked by itself."""

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
"""How far apart two nodes may be. A sale waits for the later one, so beyond this the rail is out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a payment.

    Attributes:
        is_final: no transaction of ours can change it any more.
    """

    status: AuthorizationStatus
    is_final: bool


class Witnesses:
    """One or two nodes. A node that does not answer is left out; those that answer must agree, or nothing is known."""

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
        """What became of a payment.

        `progress` is asked first, and of the same node: what is final at a block is read on that block.

        Raises:
            Undecided: a node does not decide it, or two contradict each other.
            RailUnavailable: no node answers.
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
        """How many blocks came after a transaction's, by the node that is furthest behind; raises as `outcome`."""
        return min(await self._all(lambda node: AuthorizationReader(node).blocks_on_top(transaction)))

    async def newest(self) -> int:
        """The number of the newest block that any node has; raises as `outcome`."""
        return max(await self._all(lambda node: AuthorizationReader(node).newest()))

    async def block_of(self, transaction: str) -> int:
        """The number of the block that a transaction is in, by the node that says the highest; raises as `outcome`."""
        return max(await self._all(lambda node: AuthorizationReader(node).block_of(transaction)))

    async def health(self, terms: QuoteTerms, clock: ChainClock) -> str | None:
        """None when the nodes are on the right chain and at about the same block, of now by our clock; else one public
        sentence. The clock is told of the newest block.

        Raises:
            RailUnavailable: no node answers.
        """

        async def check(node: Node) -> tuple[str | None, bool, Block | None]:
            sentence, head = await asyncio.gather(check_chain(node, terms), _head(node))
            return sentence, node.other_chain is None, head

        checked = await self._all(check, limit_s=PROBE_LIMIT_S)
        # A URL that leads to another chain is not used, so it puts nothing out as long as the other one is right.
        used = [sentence for sentence, on_our_chain, _ in checked if on_our_chain]
        wrong = next(filter(None, used or [sentence for sentence, _, _ in checked]), None)
        if wrong:
            return wrong
        heads = [head for *_, head in checked if head is not None]
        if not heads:
            raise RailUnavailable("The chain does not answer.")
        clock.saw(max(head.timestamp for head in heads))
        numbers = [head.number for head in heads]
        apart = max(numbers) - min(numbers)
        return f"The chain's two nodes are {apart} blocks apart." if apart > MAX_APART_BLOCKS else clock.fault

    async def _all(self, work: Callable[[Node], Awaitable[T]], *, limit_s: float | None = None) -> list[T]:
        """The answers of the nodes that gave one; a node's "I cannot tell" is passed on."""
        answers = await self._rpc.each(work, limit_s=limit_s)
        for answer in answers:
            if isinstance(answer, Undecided):
                raise answer
        given = [answer for answer in answers if not isinstance(answer, RailUnavailable)]
        if not given:
            raise RailUnavailable("The chain does not answer.")
        return given


async def _head(node: Node) -> Block | None:
    try:
        return await node.ask(block("latest"))
    except RailUnavailable:
        return None
