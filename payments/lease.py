"""The heartbeat of a claim: a short lease that is renewed while its holder lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from errors import ServiceError
from payments.ledger import Claim, Ledger


@asynccontextmanager
async def renewed(ledger: Ledger, claim: Claim, *, lease_s: float) -> AsyncIterator[None]:
    """Keep a CLAIMED payment ours while the block runs, however long that takes."""
    heartbeat = asyncio.create_task(_renew(ledger, claim, lease_s))
    try:
        yield
    finally:
        heartbeat.cancel()
        await asyncio.wait({heartbeat})


async def _renew(ledger: Ledger, claim: Claim, lease_s: float) -> None:
    """Several times within a lease, so that one that fails is no loss. Ends when the claim is lost.

    The one who lost it learns that from `begin_settlement`.
    """
    renewing = True
    while renewing:
        await asyncio.sleep(lease_s / 4)
        try:
            renewing = await ledger.renew(claim, lease_s=lease_s)
        except ServiceError:
            continue
