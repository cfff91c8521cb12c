"""A rail without a network, whose every word can be scripted."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from errors import (
    DeadlineUnreachable,
    MalformedPayment,
    PaymentOutcomeUnknown,
    PaymentRejected,
    PaymentSpentElsewhere,
    RailUnavailable,
)
from payments.order import Order
from payments.rail import (
    NO_HOLD,
    Challenge,
    Credential,
    Finality,
    HeaderFields,
    Hold,
    Payment,
    PaymentAttempt,
    Receipt,
    values,
)
from payments.transfers import Transfer

PAYER = "0x00000000000000000000000000000000000000aa"


class Outcome(Enum):
    """What a call of a scripted rail comes to."""

    WELL = auto()
    """As a real rail on a healthy chain."""
    REFUSED = auto()
    TOO_LATE = auto()
    SPENT_ELSEWHERE = auto()
    """The chain knows it as used; nothing moved by our hand."""
    OUT = auto()
    """The rail says that it does not answer; nothing moved."""
    UNSENT = auto()
    """In doubt, and nothing moved."""
    REPLY_LOST = auto()
    """In doubt, and the money has moved."""
    BUG = auto()
    """An exception that nobody has mapped; nothing moved."""
    BUG_AFTER = auto()
    """The same after the money has moved."""


MOVING = frozenset({Outcome.WELL, Outcome.REPLY_LOST, Outcome.BUG_AFTER})
"""The outcomes of a settlement in which money moves."""

_ERRORS: dict[Outcome, Callable[[], Exception]] = {
    Outcome.REFUSED: lambda: PaymentRejected("The payment is refused.", reason="refused"),
    Outcome.TOO_LATE: lambda: DeadlineUnreachable("Too little time is left."),
    Outcome.SPENT_ELSEWHERE: lambda: PaymentSpentElsewhere("The payment was used elsewhere.", paid_us=True),
    Outcome.OUT: lambda: RailUnavailable("The chain does not answer."),
    Outcome.UNSENT: PaymentOutcomeUnknown,
    Outcome.REPLY_LOST: PaymentOutcomeUnknown,
    Outcome.BUG: lambda: RuntimeError("not mapped"),
    Outcome.BUG_AFTER: lambda: RuntimeError("not mapped"),
}


class ScriptedRail:
    """`payments.rail.Rail` whose chain is the list `moved`: payment ids, one for each time money moved.

    Unlike a real chain it moves money at every settlement, so that settling twice shows. Outcomes that are put into
    `verifying`, `settling` and `finding` come first, one per call; afterwards all is well. A payment is sent as
    `scripted-payment: ID FINGERPRINT`.
    """

    def __init__(self, name: str = "scripted") -> None:
        self.name = name
        self.moved: list[str] = []
        self.verifying: list[Outcome] = []
        self.settling: list[Outcome] = []
        self.finding: list[Outcome] = []
        self.calls: list[str] = []
        self.may_verify, self.may_settle = asyncio.Event(), asyncio.Event()
        """While one of them is cleared, its calls wait."""
        self.may_verify.set()
        self.may_settle.set()
        self.payer = PAYER
        self.funds: int | None = None
        """What a payer is seen to hold at verification."""
        self.work_by = math.inf
        """Until when the work on a payment may begin."""
        self.hold = NO_HOLD
        """What the last settlement was told."""
        self.finality = Finality.FINAL
        """What the chain says of a settlement later."""
        self.receipts = 1
        """How many header fields a receipt has, all of one name."""
        self.closed = False

    def called(self, verb: str) -> int:
        """How often a method was called."""
        return self.calls.count(verb)

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        return Challenge(
            headers=(("WWW-Authenticate", f'{self.name} price="{order.price}"'),),
            members={self.name: {"url": order.url, "rejection": rejection}},
        )

    def read(self, headers: HeaderFields) -> "ScriptedAttempt | None":
        sent = values(headers, f"{self.name}-payment")
        if not sent:
            return None
        payment_id, _, fingerprint = sent[0].partition(" ")
        if not fingerprint:
            raise MalformedPayment("A scripted payment has an id and a fingerprint.")
        return self.bind(Credential(rail=self.name, payment_id=payment_id, fingerprint=fingerprint))

    def bind(self, credential: Credential) -> "ScriptedAttempt":
        """The attempt to pay with a credential over this rail."""
        return ScriptedAttempt(credential, self)

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        self.calls.append("find_receipt")
        _meet(self.finding)
        return self.receipt(payment) if payment.id in self.moved else None

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        self.calls.append("recheck")
        _meet(self.finding)
        return self.finality

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        return [
            Transfer(self.name, payment_id, f"0x{payment_id}", self.payer, 50_000, 1_800_000_000)
            for payment_id in self.moved
        ]

    async def health(self) -> str | None:
        return None

    async def aclose(self) -> None:
        self.closed = True

    def receipt(self, payment: Payment) -> Receipt:
        """The receipt of a payment that has moved."""
        return Receipt(
            rail=self.name, network="nowhere", transaction=f"0x{payment.id}", payer=payment.payer, at=1_800_000_000
        )


@dataclass(frozen=True)
class ScriptedAttempt(PaymentAttempt):
    """A payment over a scripted rail.

    `FINGERPRINT` is the name of a signer: `claimed` of nobody, `by-NAME` of NAME, anything else of the rail's `payer`.
    """

    rail: ScriptedRail = field(repr=False, compare=False)

    def signer(self) -> str | None:
        fingerprint = self.credential.fingerprint
        if fingerprint == "claimed":
            return None
        return fingerprint.removeprefix("by-") if fingerprint.startswith("by-") else self.rail.payer

    @property
    def work_by(self) -> float:
        return self.rail.work_by

    async def verify(self, order: Order) -> Payment:
        rail, payment_id = self.rail, self.credential.payment_id
        rail.calls.append("verify")
        await rail.may_verify.wait()
        _meet(rail.verifying)
        if payment_id in rail.moved:
            raise PaymentRejected("The payment is spent.", reason="spent")
        return Payment(
            id=payment_id,
            rail=rail.name,
            payer=self.signer() or rail.payer,
            amount=50_000,
            valid_before=1_900_000_000,
            evidence={"memo": payment_id},
            currency="0xcoin",
            funds=rail.funds,
            work_by=rail.work_by,
        )

    async def settle(self, payment: Payment, *, hold: Hold = NO_HOLD) -> Receipt:
        rail = self.rail
        rail.calls.append("settle")
        rail.hold = hold
        await rail.may_settle.wait()
        if not rail.settling or rail.settling[0] in MOVING:
            rail.moved.append(payment.id)
        _meet(rail.settling)
        return rail.receipt(payment)

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self.rail.find_receipt(payment)

    def receipt_headers(self, receipt: Receipt) -> HeaderFields:
        sent = (receipt.transaction, f"{receipt.transaction} again")[: self.rail.receipts]
        return tuple((f"{self.rail.name}-receipt", value) for value in sent)

    def refusal_headers(self, reason: str) -> HeaderFields:
        return ((f"{self.rail.name}-refused", f"{self.credential.payment_id} {reason}"),)


def _meet(script: list[Outcome]) -> None:
    outcome = script.pop(0) if script else Outcome.WELL
    if outcome is not Outcome.WELL:
        raise _ERRORS[outcome]()
