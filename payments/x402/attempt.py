"""A payment on x402: verified and settled in the specification's order for `exact`."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from x402.schemas import PaymentPayload

from errors import PaymentOutcomeUnknown, PaymentRejected
from payments.chain_clock import ChainClock
from payments.evm.abi import checksummed
from payments.evm.question import JsonRpc
from payments.order import Order
from payments.rail import NO_HOLD, HeaderFields, Hold, Payment, PaymentAttempt, Receipt
from payments.x402.chain import evidence, evidence_of_unknown
from payments.x402.checks import check_deadline, check_locally, check_signature, could_have_paid
from payments.x402.confirmation import OUTAGES, Confirmation
from payments.x402.facilitator import Facilitator, SettleAnswer
from payments.x402.funds import Funds
from payments.x402.refusals import INSUFFICIENT_FUNDS, refuse
from payments.x402.requirements import USDC_DECIMALS, QuoteTerms, base_units
from payments.x402.wire import RAIL, X402Credential, write_receipt, write_refusal


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an x402 rail that verify and settle.

    Attributes:
        previous_terms: the terms of quotes with our previous address.
        min_validity_s: as `X402Rail`.
    """

    terms: QuoteTerms
    previous_terms: QuoteTerms | None
    rpc: JsonRpc
    funds: Funds
    clock: ChainClock
    facilitator: Facilitator
    confirmation: Confirmation
    min_validity_s: float

    def receipt(self, payment: Payment, transaction: str) -> Receipt:
        """The receipt for a transaction that the chain shows."""
        return Receipt(
            rail=RAIL,
            network=self.terms.network.caip2,
            transaction=transaction,
            payer=checksummed(payment.payer),
            at=int(time.time()),
        )

    async def find_receipt(
        self, payment: Payment, resend: Callable[[], Awaitable[Receipt]] | None = None
    ) -> Receipt | None:
        """As `Rail.find_receipt`. `resend` settles again with a facilitator that may have lost the first request."""
        try:
            outcome = await self.confirmation.our_outcome(payment)
        except OUTAGES:
            raise PaymentOutcomeUnknown() from None
        if outcome.status.transaction is not None:
            return self.receipt(payment, outcome.status.transaction)
        if outcome.status.refusal or outcome.is_final:
            return None
        if resend is None or not self.facilitator.is_service:
            raise PaymentOutcomeUnknown()
        try:
            return await resend()
        except PaymentRejected:
            return None


@dataclass(frozen=True)
class X402Attempt(PaymentAttempt):
    """`payments.rail.PaymentAttempt` over x402."""

    credential: X402Credential
    parts: Parts = field(repr=False, compare=False)

    @property
    def terms(self) -> QuoteTerms:
        """The terms that were quoted, determined by the recipient."""
        earlier = self.parts.previous_terms
        is_earlier = earlier is not None and self.credential.signed.authorization.to == earlier.pay_to.lower()
        return earlier if earlier is not None and is_earlier else self.parts.terms

    def signer(self) -> str | None:
        signed = self.credential.signed
        return signed.authorization.payer if signed.signed_by_payer(self.terms) else None

    @property
    def work_by(self) -> float:
        return self.credential.signed.authorization.valid_before - self.parts.min_validity_s

    async def verify(self, order: Order) -> Payment:
        parts, signed = self.parts, self.credential.signed
        parts.clock.check()
        units, now = self._units(order), parts.clock.now()
        payment = self._payment(now)
        # A payment that the chain shows as used must not be reported as unused: it may have paid us elsewhere.
        unknown = replace(payment, evidence=evidence_of_unknown(signed.authorization, self.terms, now=now))
        try:
            await self._check(units, now)
            funds = await self._judge(units)
        except PaymentRejected:
            if could_have_paid(signed, self.terms):
                await parts.confirmation.refuse_if_spent(unknown)
            raise
        if parts.facilitator.is_service:  # its answer may be false, or its node may lag behind
            await parts.confirmation.refuse_if_spent(unknown)
        return replace(payment, funds=funds)

    async def settle(self, payment: Payment, *, hold: Hold = NO_HOLD) -> Receipt:
        return await self._settle(payment, hold, first=True)

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self.parts.find_receipt(payment, resend=lambda: self._settle(payment, NO_HOLD, first=False))

    def receipt_headers(self, receipt: Receipt) -> HeaderFields:
        return write_receipt(receipt, self.credential, self.terms)

    def refusal_headers(self, reason: str) -> HeaderFields:
        return write_refusal(reason, self.credential, self.terms)

    def _units(self, order: Order) -> int:
        return base_units(order.price_for(self.credential.signed.authorization.value, USDC_DECIMALS))

    def _payment(self, now: float) -> Payment:
        authorization = self.credential.signed.authorization
        return Payment(
            id=self.credential.payment_id,
            rail=RAIL,
            payer=authorization.payer,
            amount=authorization.value,
            valid_before=authorization.valid_before,
            work_by=self.work_by,
            evidence=evidence(authorization, self.terms, now=now),
            currency=self.terms.asset,
        )

    async def _check(self, units: int, now: float) -> None:
        parts, signed = self.parts, self.credential.signed
        check_locally(self.credential, self.terms, units, now=now)
        await check_signature(signed, self.terms, parts.rpc)
        check_deadline(signed.authorization, now, parts.min_validity_s)

    async def _judge(self, units: int) -> int | None:
        """Check the payer's balance, then let the facilitator verify the payment. Returns the balance, if the chain
        responds in time."""
        parts = self.parts
        funds = await parts.funds.of(self.credential.signed.authorization.payer, needed=units)
        if funds is not None and funds < units:
            raise refuse(INSUFFICIENT_FUNDS)
        await parts.facilitator.verify(self._payload(units), self.terms.requirements(units))
        return funds

    async def _settle(self, payment: Payment, hold: Hold, *, first: bool) -> Receipt:
        parts, payload = self.parts, self._payload(payment.amount)
        requirements = self.terms.requirements(payment.amount)

        async def call() -> SettleAnswer:
            return await parts.facilitator.settle(payload, requirements, reference=payment.id, hold=hold)

        return parts.receipt(payment, await parts.confirmation.settle(payment, call, limit=hold.limit, first=first))

    def _payload(self, units: int) -> PaymentPayload:
        return PaymentPayload(payload=self.credential.signed.as_payload(), accepted=self.terms.requirements(units))
