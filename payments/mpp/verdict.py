"""What the nodes of one chain say about a payment's transaction, and what follows when they differ.

A node may be late, cut off or lying, so one node's word closes a payment only where no other one speaks against it:

- Paid, when a node shows the transfer and every other one shows it too, or is so late that it cannot know.
- Unmoved, when all of them say so.
- Everything else is a doubt.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from mpp.methods.tempo.intents import TRANSFER_TOPIC, TRANSFER_WITH_MEMO_TOPIC

from errors import PaymentOutcomeUnknown
from payments.mpp.abi import number, topic
from payments.rail import Payment

logger = logging.getLogger(__name__)

NODE_LAG_S = 15
"""How far a node may be behind the others, or behind our clock, and still count as one that knows the present."""


class Said(Enum):
    """One node's word."""

    PAID = auto()
    REVERTED = auto()
    """In a block, and moved nothing but the payer's gas; it cannot be mined again."""
    OVER = auto()
    """In no block, and too old for the next one."""
    OPEN = auto()
    """In no block yet."""
    ABSURD = auto()
    """In a block as successful, without the transfer that was signed."""


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What one node sees.

    Attributes:
        block: number of the block with the transaction; of the node's latest one where there is none.
        at: unix seconds of that latest block; of no meaning where the transaction was found.
        receipt: as the node gave it.
    """

    said: Said
    block: int
    at: int = 0
    receipt: Mapping[str, Any] | None = None


class NobodyAnswers(PaymentOutcomeUnknown):
    """No node of the chain says anything."""


def seen(receipt: Mapping[str, Any], payment: Payment) -> NodeAnswer:
    """The answer of a node that has the transaction in a block."""
    block = number(receipt["blockNumber"])
    if number(receipt["status"]) != 1:
        return NodeAnswer(Said.REVERTED, block, receipt=receipt)
    paid = any(_pays(log, payment) for log in receipt["logs"])
    return NodeAnswer(Said.PAID if paid else Said.ABSURD, block, receipt=receipt)


def unseen(head: Mapping[str, Any], payment: Payment) -> NodeAnswer:
    """The answer of a node that does not have it; `head` is its latest block, told before it looked."""
    now = number(head["timestamp"])
    # Another node behind the same URL may have told the time.
    over = now >= payment.valid_before + NODE_LAG_S
    return NodeAnswer(Said.OVER if over else Said.OPEN, number(head["number"]), now)


def moved(receipt: Mapping[str, Any], recipient: str, currencies: Collection[str]) -> bool:
    """Whether a transaction moved one of these tokens to the recipient, whatever it was for."""
    return number(receipt["status"]) == 1 and any(
        log["address"].lower() in currencies
        and log["topics"][0].lower() in (TRANSFER_TOPIC, TRANSFER_WITH_MEMO_TOPIC)
        and log["topics"][2].lower() == topic(recipient)
        for log in receipt["logs"]
    )


def judge(answers: Sequence[NodeAnswer], *, now: float) -> NodeAnswer | None:
    """The answer that shows the payment; None when it is proven that it moved nothing and never will.

    Args:
        now: unix seconds.

    Raises:
        NobodyAnswers: there is no answer.
        PaymentOutcomeUnknown: the chain can still go either way, or its nodes contradict each other.
    """
    if not answers:
        raise NobodyAnswers
    paid = [answer for answer in answers if answer.said is Said.PAID]
    if paid and all(answer in paid or _is_behind(answer, paid[0], now) for answer in answers):
        return paid[0]
    if paid or any(answer.said is Said.ABSURD for answer in answers):
        logger.error("the nodes contradict each other, or the transaction that was signed")
    elif all(answer.said in (Said.REVERTED, Said.OVER) for answer in answers):
        return None
    raise PaymentOutcomeUnknown


def _is_behind(answer: NodeAnswer, paid: NodeAnswer, now: float) -> bool:
    """Whether a node cannot know the block yet; one that is merely a moment late can be asked again."""
    return answer.said in (Said.OPEN, Said.OVER) and answer.block < paid.block and answer.at + NODE_LAG_S < now


def _pays(log: Mapping[str, Any], payment: Payment) -> bool:
    """Whether a log is the transfer of the whole amount to the recipient under the payment's own memo."""
    topics = [TRANSFER_WITH_MEMO_TOPIC, topic(payment.payer), topic(payment.evidence["recipient"])]
    return (
        log["address"].lower() == payment.evidence["currency"]
        and [each.lower() for each in log["topics"]] == [*topics, payment.evidence["memo"]]
        and number(log["data"]) == payment.amount
    )
