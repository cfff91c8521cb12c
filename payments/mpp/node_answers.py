"""The nodes' answers about a payment's transaction, and the conclusion from them.

A node may lag behind, be disconnected or report false data. So one node's answer is accepted only if no other node
contradicts it:

- Paid: a node shows the transfer, and every other node shows it too, or lags so far behind that it cannot.
- Unmoved: all nodes show this.
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
"""Maximum lag of a node behind the others, or behind our clock, that counts as up to date."""


class TransactionState(Enum):
    """State of a transaction on one node."""

    PAID = auto()
    REVERTED = auto()
    """In a block, but reverted: it moved only the payer's gas fee, and cannot be mined again."""
    EXPIRED = auto()
    """In no block, and expired."""
    PENDING = auto()
    """In no block yet."""
    MISMATCHED = auto()
    """In a block as successful, but without the signed transfer."""


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """The answer of one node.

    Attributes:
        block: number of the block with the transaction; of the node's latest block if there is none.
        at: unix seconds of that block; 0 if the node does not return it.
    """

    state: TransactionState
    block: int
    at: int = 0


class NoNodeAnswers(PaymentOutcomeUnknown):
    """No node of the chain responds."""


def answer_with(receipt: TransactionReceipt, payment: Payment) -> NodeAnswer:
    """The answer of a node that has the transaction in a block."""
    if not receipt.succeeded:
        return NodeAnswer(TransactionState.REVERTED, receipt.block)
    transfer = next((log for log in receipt.logs if _pays(log, payment)), None)
    if transfer is None:
        return NodeAnswer(TransactionState.MISMATCHED, receipt.block)
    return NodeAnswer(TransactionState.PAID, receipt.block, transfer.timestamp or 0)


def answer_without(head: Block, payment: Payment) -> NodeAnswer:
    """The answer of a node that has no block with it; `head` is its latest block, read before."""
    # Another node behind the same URL may have returned the block.
    has_expired = head.timestamp >= payment.valid_before + NODE_LAG_S
    state = TransactionState.EXPIRED if has_expired else TransactionState.PENDING
    return NodeAnswer(state, head.number, head.timestamp)


def moved_tokens(receipt: TransactionReceipt, recipient: str, currencies: Collection[str]) -> bool:
    """Whether a transaction moved any amount of these tokens to the recipient."""
    return receipt.succeeded and any(
        log.address in currencies
        and log.topics[:1] in ((TRANSFER_TOPIC,), (TRANSFER_WITH_MEMO_TOPIC,))
        and log.topics[2:3] == (address_topic(recipient),)
        for log in receipt.logs
    )


def agree(answers: Sequence[NodeAnswer], *, now: float) -> NodeAnswer | None:
    """The answer that shows the payment; None if it provably moved no money and never will.

    Args:
        now: unix seconds.

    Raises:
        NoNodeAnswers: there is no answer.
        PaymentOutcomeUnknown: the chain has not decided yet, or its nodes contradict each other.
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
    """Whether a node lags so far behind that it cannot have the block. With a smaller lag it can be asked again."""
    not_found = answer.state in (TransactionState.PENDING, TransactionState.EXPIRED)
    return not_found and answer.block < paid.block and answer.at + NODE_LAG_S < now


def _pays(log: Log, payment: Payment) -> bool:
    """Whether a log is the transfer of the exact amount to the recipient with the payment's memo."""
    addresses = address_topic(payment.payer), address_topic(payment.evidence["recipient"])
    return (
        log.address == payment.evidence["currency"]
        and log.topics == (TRANSFER_WITH_MEMO_TOPIC, *addresses, payment.evidence["memo"])
        and int.from_bytes(log.data) == payment.amount
    )
