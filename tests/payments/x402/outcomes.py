"""What the chain says of a payment."""

import asyncio
from contextlib import suppress

from errors import PaymentOutcomeUnknown
from payments.rail import Payment, Receipt
from payments.x402.rail import X402Rail


async def found_receipt(rail: X402Rail, payment: Payment) -> Receipt | None:
    """What the chain says of a payment, as soon as it does."""
    async with asyncio.timeout(20):
        while True:
            with suppress(PaymentOutcomeUnknown):
                return await rail.find_receipt(payment)
            await asyncio.sleep(0.2)
