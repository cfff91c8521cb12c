"""Reads the outcome of payments from the Tempo chain, and checks the health of its nodes."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.chain_clock import ChainClock
from payments.evm.abi import call_data, checksummed, words
from payments.evm.node import SILENT, Node, WrongChain
from payments.evm.question import CallFailed, Question
from payments.evm.questions import Block, block, call, receipt, send_raw_transaction
from payments.evm.rpc import PROBE_LIMIT_S, RpcClient
from payments.finality import RAW
from payments.mpp.node_answers import (
    NODE_LAG_S,
    NodeAnswer,
    NoNodeAnswers,
    TransactionState,
    agree,
    answer_with,
    answer_without,
    moved_tokens,
)
from payments.mpp.pull import DECIMALS
from payments.mpp.transaction import SignedTransaction
from payments.mpp.wire import RAIL
from payments.rail import Finality, Payment, Receipt

logger = logging.getLogger(__name__)


class Chain:
    """One Tempo chain, asked over JSON-RPC.

    Args:
        clock: `health` reports the newest block to it.
        tokens: the accepted tokens; `health` checks their decimals.
    """

    def __init__(self, rpc: RpcClient, chain_id: int, clock: ChainClock, *, tokens: Collection[str] = ()) -> None:
        self.clock = clock
        self._rpc = rpc
        self._network = f"eip155:{chain_id}"
        self._unchecked_tokens = set(tokens)

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL, the one that responded last first."""
        return tuple(node.url for node in self._rpc.nodes)

    async def ask(self, *questions: Question[Any]) -> tuple[Block, list[Any]]:
        """The latest block of the first node that is up to date, and its answers: results or `JsonRpcError`s.

        Raises:
            RailUnavailable: no node responds, or all of them lag behind.
        """

        async def ask(node: Node) -> tuple[Block, list[Any]]:
            head, *answers = await asyncio.gather(node.ask(block("latest")), *map(node.ask_or_error, questions))
            if head.timestamp + NODE_LAG_S < self.clock.now():
                raise RailUnavailable("The payment chain's node lags behind. Nothing was charged.")
            return head, answers

        return await self._rpc.first(ask)

    def evidence(self, transaction: SignedTransaction) -> Mapping[str, str]:
        """What `find_receipt` and `recheck` need in addition to the payment's fields."""
        return {
            "network": self._network,
            "memo": transaction.transfer.memo,
            "recipient": transaction.transfer.recipient,
            "currency": transaction.transfer.token,
            RAW: transaction.raw,
        }

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """The receipt of a payment; None if it provably moved no money and never will.

        Raises:
            NoNodeAnswers: no node responds.
            PaymentOutcomeUnknown: the chain has not decided yet, or its nodes contradict each other.
        """
        answer = agree(await self._answers(payment), now=self.clock.now())
        if answer is None:
            return None
        try:
            return self.receipt(payment, at=await self._time_of(answer))
        except RailUnavailable:
            raise PaymentOutcomeUnknown() from None

    async def has_paid(self, transaction: str, *, recipient: str, currencies: Collection[str]) -> bool:
        """Whether any node shows a transaction in a block that moved one of these tokens (lower-case addresses) to the
        recipient.

        Raises:
            RailUnavailable: no node responds.
        """
        answers = await self._rpc.each(lambda node: node.ask(receipt(transaction)))
        given = [answer for answer in answers if not isinstance(answer, RailUnavailable)]
        if not given:
            raise RailUnavailable(SILENT)
        return any(answer is not None and moved_tokens(answer, recipient, currencies) for answer in given)

    async def recheck(self, payment: Payment, *, finality_blocks: int) -> Finality:
        """Whether a settled payment is still in the chain, and how deep. A dropped payment is sent again.

        Raises:
            PaymentOutcomeUnknown: no node responds, or none is on the payment's chain.
        """
        answers = await self._answers(payment)
        try:
            answer = agree(answers, now=self.clock.now())
            if answer is None:
                return Finality.LOST
            head = await self._rpc.ask(block("latest"))
            return Finality.FINAL if head.number - answer.block >= finality_blocks else Finality.PENDING
        except NoNodeAnswers:
            raise
        except PaymentOutcomeUnknown:
            if not any(answer.state is TransactionState.PAID for answer in answers):
                await self._send_again(payment)
            return Finality.PENDING
        except RailUnavailable:
            raise PaymentOutcomeUnknown() from None

    def receipt(self, payment: Payment, *, at: int) -> Receipt:
        """The receipt of a payment in a block of this time, unix seconds."""
        return Receipt(
            rail=RAIL,
            network=self._network,
            transaction=payment.transaction or "",
            payer=checksummed(payment.payer),
            at=at,
        )

    async def health(self) -> str | None:
        """None if a node responds and is up to date by our clock, and every node that responds is on the right chain;
        else one public sentence."""
        nodes = self._rpc.nodes
        answers = await self._rpc.each(_probe, limit_s=PROBE_LIMIT_S)
        if any(isinstance(answer, WrongChain) for answer in answers):
            return "An RPC URL of the payment chain leads to another chain than the configured one."
        heads = [
            (answer.timestamp, node)
            for node, answer in zip(nodes, answers, strict=True)
            if not isinstance(answer, RailUnavailable)
        ]
        if not heads:
            return "The payment chain does not respond."
        newest, node = max(heads, key=lambda head: head[0])
        self.clock.saw(newest)
        return self.clock.fault or await self._wrong_token(node)

    async def _wrong_token(self, node: Node) -> str | None:
        """The fault of an accepted token, if any; a valid token is not checked again."""
        for token in sorted(self._unchecked_tokens):
            try:
                decimals = await node.ask(call(token, call_data("decimals()")))
            except (RailUnavailable, CallFailed):
                decimals = b""
            if not decimals:
                return f"There is no TIP-20 token at {token}."
            if words(decimals)[0] != DECIMALS:
                return f"The token {token} does not have {DECIMALS} decimals."
            self._unchecked_tokens.discard(token)
        return None

    async def _answers(self, payment: Payment) -> list[NodeAnswer]:
        """What each node that responds shows of a payment."""
        if payment.evidence["network"] != self._network:
            return []  # the operator has changed the chain; this one has no such payment

        async def ask(node: Node) -> NodeAnswer:
            found = await node.ask(receipt(payment.transaction or ""))
            if found is None:
                # With the time: a transaction that is in no block after its expiry will be in none.
                head, found = await asyncio.gather(
                    node.ask(block("latest")), node.ask(receipt(payment.transaction or ""))
                )
            return answer_without(head, payment) if found is None else answer_with(found, payment)

        answers = await self._rpc.each(ask)
        return [answer for answer in answers if not isinstance(answer, RailUnavailable)]

    async def _send_again(self, payment: Payment) -> None:
        """The next recheck shows whether a node accepted it."""
        with suppress(RailUnavailable, KeyError):  # earlier versions did not store the transaction
            await self._rpc.ask(send_raw_transaction(payment.evidence[RAW]))

    async def _time_of(self, answer: NodeAnswer) -> int:
        """The time of its block, so that the receipt is deterministic."""
        return answer.at or (await self._rpc.ask(block(answer.block))).timestamp  # some nodes omit it


async def _probe(node: Node) -> Block:
    node.recheck()
    return await node.ask(block("latest"))
