"""Looks up earlier purchases, by payment or by idempotency key."""

from collections.abc import Mapping
from dataclasses import dataclass

from errors import IdempotencyKeyUsed, PaymentInProgress, PaymentState, PaymentUsed, ServiceError
from payments.idempotency import name_of
from payments.ledger import Entry, Ledger
from payments.order import Order
from payments.payment_status import expires_at, failures_report
from payments.rail import Credential, Payment, PaymentAttempt, Rail, Receipt, ReceiptFinder
from payments.receipts.sold import Sold
from payments.redelivery import Redelivery
from payments.settlement import Settlement


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A payment that has bought nothing.

    Attributes:
        seen: its abandoned entry; None if the ledger has no entry.
    """

    seen: Entry | None


@dataclass(frozen=True, slots=True)
class AlreadySettled:
    """A settled payment with its receipt.

    Attributes:
        sold: what it bought, if recorded.
        result: digest of the result that it bought, see `Order.result_bought`.
    """

    payment: Payment
    receipt: Receipt
    sold: Sold | None
    result: str


class Purchases:
    """Finds what a request has already paid for."""

    def __init__(
        self, ledger: Ledger, settlement: Settlement, redelivery: Redelivery, rails: Mapping[str, Rail]
    ) -> None:
        self._ledger = ledger
        self._settlement = settlement
        self._redelivery = redelivery
        self._rails = rails

    async def by_payment(self, attempt: PaymentAttempt, order: Order) -> AlreadySettled | Unclaimed:
        """What this payment has bought."""
        credential = attempt.credential
        entry = await self._ledger.find(credential.payment_id)
        if entry is None or entry.is_abandoned:
            return Unclaimed(entry)
        if entry.fingerprint != credential.fingerprint or (result := order.result_bought(entry.order_digest)) is None:
            raise PaymentUsed("This payment belongs to another image or other parameters. Sign a new payment.")
        return await self._bought_by(entry, attempt, result) or await self._freed(entry)

    async def _freed(self, before: Entry) -> Unclaimed:
        """A payment that was in doubt until now, and has moved no money."""
        entry = await self._ledger.find(before.payment.id)
        if entry is not None and not entry.is_abandoned:
            raise PaymentInProgress(expires_at=expires_at(before.payment))
        return Unclaimed(entry)

    async def by_key(self, payment: Payment, credential: Credential, order: Order) -> AlreadySettled | None:
        """What this payer, who must be verified, has bought with another payment under the same idempotency key."""
        purchase = purchase_name(payment, credential, order)
        if purchase is None:
            return None
        entry = await self._ledger.find_purchase(purchase)
        if entry is None or entry.is_abandoned or await self._redelivery.ends(purchase, entry):
            return None
        result = order.result_bought(entry.order_digest)
        if result is None:
            raise IdempotencyKeyUsed(
                "This idempotency key belongs to another image or other parameters. Use a new key."
            )
        try:
            return await self._bought_by(entry, self._rails[entry.payment.rail], result)
        except ServiceError as error:
            raise error.with_payment(None) from error  # it is the state of the other payment

    async def _bought_by(self, entry: Entry, finder: ReceiptFinder, result: str) -> AlreadySettled | None:
        """The purchase of an entry that is not abandoned; None if the payment is now proven unmoved, and free."""
        receipt, ends = entry.receipt, expires_at(entry.payment)
        if receipt is None:
            if entry.lease_runs:
                raise PaymentInProgress(expires_at=ends)
            with failures_report(PaymentState.IN_FLIGHT, ends):
                receipt = await self._settlement.resolve(entry, finder)
        return AlreadySettled(entry.payment, receipt, entry.sold, result) if receipt else None


def purchase_name(payment: Payment, credential: Credential, order: Order) -> str | None:
    """The ledger's key of the purchase; it includes the payer, so that payers cannot use each other's keys."""
    key = name_of(credential, order)
    return None if key is None else f"{payment.rail}:{payment.payer}:{key}"
