"""A payment on MPP: verified by the SDK and the chain, broadcast when the work is done."""

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Never

from errors import PaymentRejected, PaymentSpentElsewhere
from payments.chain_clock import ChainClock
from payments.mpp.broadcast import broadcast_until_final
from payments.mpp.chain import Chain
from payments.mpp.deadline import check_term, check_time, ends_at
from payments.mpp.engines import Engines, ValidatedCredential
from payments.mpp.node_answers import NoNodeAnswers
from payments.mpp.preflight import SPENT, check_on_chain
from payments.mpp.problems import INVALID_CHALLENGE, VERIFICATION_FAILED, rejected
from payments.mpp.transaction import signer_of
from payments.mpp.wire import RAIL, MppCredential, PushedCredential, write_receipt
from payments.order import Order
from payments.rail import NO_HOLD, HeaderFields, Hold, Payment, PaymentAttempt, Receipt
from tracing import span


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an MPP rail that verify and settle.

    Attributes:
        recipients, currencies: addresses, lower case.
        work_margin_s, broadcast_margin_s: as `MppRail`.
    """

    chain: Chain
    engines: Engines
    clock: ChainClock
    recipients: tuple[str, ...]
    currencies: tuple[str, ...]
    work_margin_s: float
    broadcast_margin_s: float

    async def refuse_if_paid(self, transaction: str) -> None:
        """Raise PaymentSpentElsewhere if a transaction has paid us."""
        for recipient in self.recipients:
            if await self.chain.has_paid(transaction, recipient=recipient, currencies=self.currencies):
                raise PaymentSpentElsewhere(SPENT, paid_us=True)


@dataclass(frozen=True)
class MppAttempt(PaymentAttempt):
    """`payments.rail.PaymentAttempt` over MPP: a signed transaction (pull mode)."""

    credential: MppCredential
    parts: Parts = field(repr=False, compare=False)

    def signer(self) -> str | None:
        return signer_of(self.credential.transaction)

    @property
    def work_by(self) -> float:
        with suppress(ValueError, OverflowError):  # the challenge is not authenticated yet
            return ends_at(self.credential) - self.parts.work_margin_s
        return -math.inf

    async def verify(self, order: Order) -> Payment:
        self.parts.clock.check()
        transaction = self.credential.transaction
        try:
            return await self._judge(order)
        except PaymentRejected:
            # A payment that has paid us must not be reported as unused, whatever else is wrong with it.
            if transaction.transfer.recipient in self.parts.recipients:
                await self.parts.refuse_if_paid(transaction.hash)
            raise

    async def settle(self, payment: Payment, *, hold: Hold = NO_HOLD) -> Receipt:
        """Broadcast and ask the chain; repeat while the outcome is unclear and time is left.

        Raises:
            DeadlineUnreachable: too little time is left; nothing was sent.
            PaymentRejected, PaymentOutcomeUnknown: see `PaymentAttempt.settle`.
        """
        parts, begun = self.parts, asyncio.get_running_loop().time()
        left_s = check_time(
            self.credential, margin_s=parts.broadcast_margin_s, now=parts.clock.now(), at_most_s=hold.limit - begun
        )
        receipt = await broadcast_until_final(
            lambda url: self._broadcast(payment, url), parts.chain.urls, until=begun + left_s
        )
        if receipt is None:
            raise rejected(VERIFICATION_FAILED, "The chain did not execute the transfer. Nothing was charged.")
        return receipt

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self.parts.chain.find_receipt(payment)

    def receipt_headers(self, receipt: Receipt) -> HeaderFields:
        return write_receipt(receipt, self.credential.transaction.transfer.token)

    def refusal_headers(self, reason: str) -> HeaderFields:
        return ()  # the problem's type has the reason

    async def _judge(self, order: Order) -> Payment:
        parts, credential = self.parts, self.credential
        judged = await parts.engines.validate(credential, order)
        payment = self._payment(judged)
        if not judged.is_for_this_ledger:
            await self._refuse_another_ledgers(payment)
        work_by = check_term(credential, margin_s=parts.work_margin_s, now=parts.clock.now())
        funds = await check_on_chain(parts.chain, credential.transaction, judged.payer, currencies=parts.currencies)
        return replace(payment, funds=funds, work_by=work_by)

    def _payment(self, judged: ValidatedCredential) -> Payment:
        transaction = self.credential.transaction
        return Payment(
            id=self.credential.payment_id,
            rail=RAIL,
            payer=judged.payer,
            amount=transaction.transfer.amount,
            valid_before=transaction.valid_before,
            evidence=self.parts.chain.evidence(transaction),
            transaction=transaction.hash,
            currency=transaction.transfer.token,
        )

    async def _refuse_another_ledgers(self, payment: Payment) -> Never:
        """Refuse a payment for another service with our secret and its own ledger, or for a lost ledger of ours. That
        service may be settling the payment, so no new quote is sent before the chain has decided.

        Raises:
            PaymentSpentElsewhere, PaymentRejected: it has paid, or never will.
            PaymentOutcomeUnknown: the chain has not decided yet.
        """
        if await self.parts.chain.find_receipt(payment) is not None:
            raise PaymentSpentElsewhere(SPENT, paid_us=True)
        raise rejected(INVALID_CHALLENGE, "The challenge was issued for another ledger. Get a new quote.")

    async def _broadcast(self, payment: Payment, url: str) -> Receipt | None:
        """One broadcast, and its outcome on the chain; None: it moved no money and never will."""
        parts = self.parts
        with span("broadcast", is_call=True):
            reported_at = await parts.engines.broadcast(self.credential, url)
        try:
            return await parts.chain.find_receipt(payment)
        except NoNodeAnswers:
            if reported_at is None:
                raise
            return parts.chain.receipt(payment, at=reported_at)


@dataclass(frozen=True)
class PushedAttempt(PaymentAttempt):
    """The hash of a transaction that the payer sent (push mode). It is never accepted, so it never settles."""

    credential: PushedCredential
    parts: Parts = field(repr=False, compare=False)

    def signer(self) -> str | None:
        return None

    async def verify(self, order: Order) -> Never:
        await self.parts.refuse_if_paid(self.credential.hash)
        raise self._refusal()

    async def settle(self, payment: Payment, *, hold: Hold = NO_HOLD) -> Never:
        raise self._refusal()

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self.parts.chain.find_receipt(payment)

    def receipt_headers(self, receipt: Receipt) -> HeaderFields:
        return ()

    def refusal_headers(self, reason: str) -> HeaderFields:
        return ()

    def _refusal(self) -> PaymentRejected:
        return rejected(
            VERIFICATION_FAILED,
            "Only pull mode is accepted: send the signed transaction, not the hash of a sent one.",
        )
