"""What the Tempo chain itself says: what became of a payment, and whether its nodes are well."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from eth_utils.address import to_checksum_address

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.chain_clock import ChainClock
from payments.finality import RAW
from payments.mpp.abi import UNREADABLE, UNREADABLE_ANSWER, call_data, number
from payments.mpp.pull import DECIMALS
from payments.mpp.rpc import Question, Rpc, WrongChain
from payments.mpp.transaction import SignedTransaction
from payments.mpp.verdict import NODE_LAG_S, NobodyAnswers, NodeAnswer, Said, judge, moved, seen, unseen
from payments.mpp.wire import RAIL
from payments.rail import Finality, Payment, Receipt

logger = logging.getLogger(__name__)

_PROBE_S = 1.5
"""For each URL, all at the same time: shorter than what `RailMonitor` waits, so that one silent URL hides no other."""
_LATEST: Question = ("eth_getBlockByNumber", "latest", False)


class Chain:
    """One Tempo chain, asked over JSON-RPC.

    Args:
        clock: is told of the newest block by `health`.
        tokens: those that are accepted; `health` looks at their decimals.
    """

    def __init__(self, rpc: Rpc, chain_id: int, clock: ChainClock, *, tokens: Collection[str] = ()) -> None:
        self.clock = clock
        self._rpc = rpc
        self._network = f"eip155:{chain_id}"
        self._unknown_tokens = set(tokens)

    async def ask(self, *questions: Question) -> tuple[Mapping[str, Any], list[Any]]:
        """The latest block of the first node that is up to date, and its answers: results, or each a `NodeError`.

        Raises:
            RailUnavailable: no node answers, or all of them are late.
        """
        for url in self._rpc.urls:
            with suppress(RailUnavailable):
                head, *answers = await self._rpc.answers_at(url, _LATEST, *questions)
                if _time(head) + NODE_LAG_S >= self.clock.now():
                    self._rpc.prefer(url)
                    return head, answers
        raise RailUnavailable("The payment chain does not answer, or is late. Nothing was charged.")

    def evidence(self, transaction: SignedTransaction) -> Mapping[str, str]:
        """What `find_receipt` and `recheck` need beside the payment's own fields."""
        return {
            "network": self._network,
            "memo": transaction.transfer.memo,
            "recipient": transaction.transfer.recipient,
            "currency": transaction.transfer.token,
            RAW: transaction.raw,
        }

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """The receipt of a payment; None when it is proven that it moved nothing and never will.

        Raises:
            NobodyAnswers: no node does.
            PaymentOutcomeUnknown: the chain can still go either way, or its nodes contradict each other.
        """
        answer = judge(await self._answers(payment), now=self.clock.now())
        try:
            return None if answer is None else await self._dated(answer.receipt, payment)
        except (RailUnavailable, *UNREADABLE):
            raise PaymentOutcomeUnknown() from None

    async def has_paid(self, transaction: str, *, recipient: str, currencies: Collection[str]) -> bool:
        """Whether a transaction is in a block and moved one of these tokens (lower-case addresses) to the recipient,
        by the word of any node.

        Raises:
            RailUnavailable: no node answers.
        """
        look: Question = ("eth_getTransactionReceipt", transaction)
        answers = await asyncio.gather(*(self._rpc.ask_at(url, look) for url in self._rpc.urls), return_exceptions=True)
        receipts = [answer[0] for answer in answers if not isinstance(answer, BaseException)]
        if not receipts:
            raise RailUnavailable(UNREADABLE_ANSWER)
        try:
            return any(moved(receipt, recipient, currencies) for receipt in receipts if receipt is not None)
        except UNREADABLE:
            raise RailUnavailable(UNREADABLE_ANSWER) from None

    async def recheck(self, payment: Payment, *, finality_blocks: int) -> Finality:
        """Whether a settled payment is still in the chain, and how deep; one that has vanished is sent once more.

        Raises:
            PaymentOutcomeUnknown: no node answers, or none is on the chain that was paid on.
        """
        answers = await self._answers(payment)
        try:
            answer = judge(answers, now=self.clock.now())
            if answer is None:
                return Finality.LOST
            (head,) = await self._rpc.ask(_LATEST)
            deep = number(head["number"]) - answer.block >= finality_blocks
            return Finality.FINAL if deep else Finality.PENDING
        except NobodyAnswers:
            raise
        except PaymentOutcomeUnknown:
            if not any(answer.said is Said.PAID for answer in answers):
                await self._send_again(payment)
            return Finality.PENDING
        except (RailUnavailable, *UNREADABLE):
            raise PaymentOutcomeUnknown() from None

    def receipt(self, payment: Payment, *, at: int) -> Receipt:
        """The receipt of a payment that is known to be in a block of this time, in unix seconds."""
        return Receipt(
            rail=RAIL,
            network=self._network,
            transaction=payment.transaction or "",
            payer=to_checksum_address(payment.payer),
            at=at,
        )

    async def health(self) -> str | None:
        """None when a node answers and is up to date by our clock, and every one that answers is of the right chain;
        else one public sentence."""
        urls = self._rpc.urls
        answers = await asyncio.gather(*(self._probe(url) for url in urls))
        if any(isinstance(answer, WrongChain) for answer in answers):
            return "An RPC URL of the payment chain leads to another chain than the one that is configured."
        times = [answer for answer in answers if isinstance(answer, int)]
        if not times:
            return "The payment chain does not answer."
        newest = max(times)
        self.clock.saw(newest)
        return self.clock.fault or await self._wrong_token(urls[answers.index(newest)])

    async def _wrong_token(self, url: str) -> str | None:
        """What is wrong with the tokens that are accepted; once each is found in order, it is not asked about again."""
        for token in sorted(self._unknown_tokens):
            try:
                question: Question = ("eth_call", {"to": token, "data": call_data("decimals()")}, "latest")
                (answer,) = await self._rpc.ask_at(url, question)
                if number(answer) != DECIMALS:
                    return f"The token {token} counts in other units than dollars of {DECIMALS} decimals."
            except RailUnavailable:
                return f"There is no TIP-20 token at {token}."
            self._unknown_tokens.discard(token)
        return None

    async def _probe(self, url: str) -> int | RailUnavailable:
        """The time of a node's latest block, unix seconds."""
        try:
            async with asyncio.timeout(_PROBE_S):
                await self._rpc.check(url)
                (head,) = await self._rpc.answers_at(url, _LATEST)
                return _time(head)
        except RailUnavailable as outage:
            return outage
        except TimeoutError:
            return RailUnavailable("The payment chain does not answer.")

    async def _answers(self, payment: Payment) -> list[NodeAnswer]:
        """What each node that answers sees of a payment."""
        if payment.evidence["network"] != self._network:
            return []  # the operator has moved to another chain; this one knows nothing of it
        answers = await asyncio.gather(*(self._answer(url, payment) for url in self._rpc.urls))
        return [answer for answer in answers if answer is not None]

    async def _answer(self, url: str, payment: Payment) -> NodeAnswer | None:
        look: Question = ("eth_getTransactionReceipt", payment.transaction)
        try:
            (receipt,) = await self._rpc.ask_at(url, look)
            if receipt is None:
                # With the time: what is in no block of a chain past its end will be in none.
                head, receipt = await self._rpc.ask_at(url, _LATEST, look)
            return unseen(head, payment) if receipt is None else seen(receipt, payment)
        except (RailUnavailable, *UNREADABLE):
            return None

    async def _send_again(self, payment: Payment) -> None:
        """Whether a node took it shows at the next look."""
        with suppress(RailUnavailable, KeyError):  # payments of an earlier version were kept without their transaction
            await self._rpc.call("eth_sendRawTransaction", payment.evidence[RAW])

    async def _dated(self, receipt: Any, payment: Payment) -> Receipt:
        """Dated by the block, so that it is the same receipt whoever asks and whenever."""
        stamp = receipt["logs"][0].get("blockTimestamp")  # not every node puts it there
        if stamp is None:
            stamp = (await self._rpc.call("eth_getBlockByNumber", receipt["blockNumber"], False))["timestamp"]
        return self.receipt(payment, at=number(stamp))


def _time(head: Any) -> int:
    """Of a block, unix seconds. Raises RailUnavailable for what is not a block."""
    try:
        return number(head["timestamp"])
    except UNREADABLE:
        raise RailUnavailable(UNREADABLE_ANSWER) from None
