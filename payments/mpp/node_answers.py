"""What the nodes of one chain show of a payment's transaction, and what follows when they differ.

A node may be late, cut off or lying, so one node's answer settles a payment only where no other one contradicts it:

- Paid, when a node shows the transfer and every other one shows it too, or is so late that it cannot know.
- Unmoved, when all of them say so.
- Everything else is in doubt.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from mpp.methods.tempo.intents import TRANSFER_TOPIC, TRANSFER_WITH_MEMO_TOPIC

from errors import PaymentOutcomeUnknown
from payments.evm.abi import address_topic
from payments.evm.questions import Block, Log, TransactionReceipt
from payments.rail import Payment

logger = logging.getLogger(__name__)

NODE_LAG_S = 15
"""How far a node may be behind the others, or behind our clock, and still count as up to date."""


class TransactionState(Enum):
    """What one node shows of a transaction."""

    PAID = auto()
    REVERTED = auto()
    """In a block, and moved nothing but the payer's gas; it cannot be mined again."""
    EXPIRED = auto()
    """In no block, and too old for the next one."""
    PENDING = auto()
    """In no block yet."""
    MISMATCHED = auto()
    """In a block as successful, without the transfer that was signed."""


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What one node shows.

    Attributes:
        block: number of the block with the transaction; of the node's latest one where there is none.
        at: unix seconds of that block; 0 where the node does not tell.
    """

    state: TransactionState
    block: int
    at: int = 0


class NoNodeAnswers(PaymentOutcomeUnknown):
    """No node of the chain answers."""


def answer_with(receipt: TransactionReceipt, payment: Payment) -> NodeAnswer:
    """The answer of a node that has the transaction in a block."""
    if not receipt.succeeded:
        return NodeAnswer(TransactionState.REVERTED, receipt.block)
    transfer = next((log for log in receipt.logs if _pays(log, payment)), None)
    if transfer is None:
        return NodeAnswer(TransactionState.MISMATCHED, receipt.block)
    return NodeAnswer(TransactionState.PAID, receipt.block, transfer.timestamp or 0)


def answer_without(head: Block, payment: Payment) -> NodeAnswer:
    """The answer of a node that does not have it; `head` is its latest block, read before it was asked."""
    # Another node behind the same URL may have given the block.
    has_expired = head.timestamp >= payment.valid_before + NODE_LAG_S
    state = TransactionState.EXPIRED if has_expired else TransactionState.PENDING
    return NodeAnswer(state, head.number, head.timestamp)


def moved_tokens(receipt: TransactionReceipt, recipient: str, currencies: Collection[str]) -> bool:
    """Whether a transaction moved one of these tokens to the recipient, whatever it was for."""
    return receipt.succeeded and any(
        log.address in currencies
        and log.topics[:1] in ((TRANSFER_TOPIC,), (TRANSFER_WITH_MEMO_TOPIC,))
        and log.topics[2:3] == (address_topic(recipient),)
        for log in receipt.logs
    )


def agree(answers: Sequence[NodeAnswer], *, now: float) -> NodeAnswer | None:
    """The answer that shows the payment; None when it is proven that it moved nothing and never will.

    Args:
        now: unix seconds.

    Raises:
        NoNodeAnswers: there is no response.
        PaymentOutcomeUnknown: the chain can still go either way, or its nodes contradict each other.
    """
    if not answers:
        raise NoNodeAnswers
    paid = [answer for answer in answers if answer.state is TransactionState.PAID]
    if paid and all(answer in paid or _is_behind(answer, paid[0], now) for answer in answers):
        return paid[0]
    if paid or any(answer.state is TransactionState.MISMATCHED for answer in answers):
        logger.error("the nodes contradict each other, or the transaction that was signed")
    elif all(answer.state in (TransactionState.REVERTED, TransactionState.EXPIRED) for answer in answers):
        return None
    raise PaymentOutcomeUnknown


def _is_behind(answer: NodeAnswer, paid: NodeAnswer, now: float) -> bool:
    """Whether a node cannot know the block yet; one that is only a moment late can be asked again."""
    not_found = answer.state in (TransactionState.PENDING, TransactionState.EXPIRED)
    return not_found and answer.block < paid.block and answer.at + NODE_LAG_S < now


def _pays(log: Log, payment: Payment) -> bool:
    """Whether a log is the transfer of the whole amount to the recipient under the payment's own memo."""
    addresses = address_topic(payment.payer), address_topic(payment.evidence["recipient"])
    return (
        log.address == payment.evidence["currency"]
        and log.topics == (TRANSFER_WITH_MEMO_TOPIC, *addresses, payment.evidence["memo"])
        and int.from_bytes(log.data) == payment.amount
    )
