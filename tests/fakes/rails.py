"""A rail without a network, whose every word can be scripted."""

import asyncio
import math
from collections.abc import Callable
from enum import Enum, auto

from errors import (
    DeadlineUnreachable,
    MalformedPayment,
    PaymentOutcomeUnknown,
    PaymentRejected,
    PaymentSpentElsewhere,
    RailUnavailable,
)
from payments.rail import NO_HOLD, Challenge, Credential, Finality, HeaderFields, Hold, Order, Payment, Receipt, values
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
        self.closed = False

    def called(self, verb: str) -> int:
        """How often a method was called."""
        return self.calls.count(verb)

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        return Challenge(
            headers=(("WWW-Authenticate", f'{self.name} price="{order.price}"'),),
            members={self.name: {"url": order.url, "rejection": rejection}},
        )

    def credential(self, headers: HeaderFields) -> Credential | None:
        sent = values(headers, f"{self.name}-payment")
        if not sent:
            return None
        payment_id, _, fingerprint = sent[0].partition(" ")
        if not fingerprint:
            raise MalformedPayment("A scripted payment has an id and a fingerprint.")
        return Credential(rail=self.name, payment_id=payment_id, fingerprint=fingerprint)

    def signer(self, credential: Credential) -> str | None:
        """`FINGERPRINT` is the name of a signer: `claimed` of nobody, `by-NAME` of NAME, anything else of `payer`."""
        if credential.fingerprint == "claimed":
            return None
        return credential.fingerprint.removeprefix("by-") if credential.fingerprint.startswith("by-") else self.payer

    async def verify(self, credential: Credential, order: Order) -> Payment:
        self.calls.append("verify")
        await self.may_verify.wait()
        _meet(self.verifying)
        if credential.payment_id in self.moved:
            raise PaymentRejected("The payment is spent.", reason="spent")
        return Payment(
            id=credential.payment_id,
            rail=self.name,
            payer=self.signer(credential) or self.payer,
            amount=50_000,
            valid_before=1_900_000_000,
            evidence={"memo": credential.payment_id},
            funds=self.funds,
            work_by=self.work_by,
        )

    async def settle(self, payment: Payment, credential: Credential, *, hold: Hold = NO_HOLD) -> Receipt:
        self.calls.append("settle")
        self.hold = hold
        await self.may_settle.wait()
        if not self.settling or self.settling[0] in MOVING:
            self.moved.append(payment.id)
        _meet(self.settling)
        return self._receipt(payment)

    async def find_receipt(self, payment: Payment, credential: Credential | None = None) -> Receipt | None:
        self.calls.append("find_receipt")
        _meet(self.finding)
        return self._receipt(payment) if payment.id in self.moved else None

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        self.calls.append("recheck")
        _meet(self.finding)
        return self.finality

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        return [
            Transfer(self.name, payment_id, f"0x{payment_id}", self.payer, 50_000, 1_800_000_000)
            for payment_id in self.moved
        ]

    def receipt_headers(self, receipt: Receipt, credential: Credential) -> HeaderFields:
        return ((f"{self.name}-receipt", receipt.transaction),)

    def refusal_headers(self, credential: Credential, reason: str) -> HeaderFields:
        return ((f"{self.name}-refused", f"{credential.payment_id} {reason}"),)

    async def health(self) -> str | None:
        return None

    async def aclose(self) -> None:
        self.closed = True

    def _receipt(self, payment: Payment) -> Receipt:
        return Receipt(
            rail=self.name, network="nowhere", transaction=f"0x{payment.id}", payer=payment.payer, at=1_800_000_000
        )


def _meet(script: list[Outcome]) -> None:
    outcome = script.pop(0) if script else Outcome.WELL
    if outcome is not Outcome.WELL:
        raise _ERRORS[outcome]()
