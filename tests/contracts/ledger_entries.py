"""A payment, and the states of its entry in a ledger."""

from typing import Literal

from payments.ledger import Claim, Entry, Ledger
from payments.rail import Payment, Receipt
from payments.receipts.sold import Sold

LEASE_S = 60.0
PAYMENT = Payment(
    id="84532:0xasset:0xpayer:0x01",
    rail="x402",
    payer="0xpayer",
    amount=10**18,
    valid_before=1_900_000_000,
    evidence={"memo": "0xab", "from_block": "17"},
    transaction="0x71",
)
RECEIPT = Receipt(rail="x402", network="eip155:84532", transaction="0x99", payer="0xPayer", at=1_800_000_000)
SOLD = Sold("unguessable", "aa" * 32, "bb" * 32, "0xcoin", {"model": "small", "model_sha256": "cc" * 32})


async def take(
    ledger: Ledger,
    payment: Payment = PAYMENT,
    *,
    seen: Entry | Literal["now"] | None = "now",
    fingerprint: str = "print",
    order_digest: str = "order",
    purchase: str | None = None,
) -> Claim | None:
    """Try to claim a payment as it was `seen`, or as it is now."""
    return await ledger.claim(
        payment,
        seen=await ledger.find(payment.id) if seen == "now" else seen,
        fingerprint=fingerprint,
        order_digest=order_digest,
        lease_s=LEASE_S,
        purchase=purchase,
    )


async def taken(ledger: Ledger, payment: Payment = PAYMENT) -> Claim:
    """A payment that is CLAIMED."""
    claim = await take(ledger, payment)
    assert claim is not None
    return claim


async def settling(ledger: Ledger, payment: Payment = PAYMENT) -> Claim:
    """A payment that is SETTLING."""
    claim = await taken(ledger, payment)
    assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    return claim


async def found(ledger: Ledger, payment_id: str = PAYMENT.id) -> Entry:
    """The entry of a known payment."""
    entry = await ledger.find(payment_id)
    assert entry is not None
    return entry
