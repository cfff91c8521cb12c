"""Renews the short leases of all claims of this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from errors import ServiceError
from payments.ledger import Claim, Ledger


class Leases:
    """Renews the leases of all claims together, so that a hundred sales cost the ledger no more than one.

    Args:
        lease_s: duration of each lease; it is renewed several times within it, so that one failure does not lose it.
    """

    def __init__(self, ledger: Ledger, *, lease_s: float) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._claims: set[Claim] = set()
        self._heartbeat: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def keep_claim_alive(self, claim: Claim) -> AsyncIterator[None]:
        """Renew the lease of a CLAIMED payment while the block runs. If it is lost nevertheless, `begin_settlement`
        refuses the claim."""
        self._claims.add(claim)
        if self._heartbeat is None or self._heartbeat.done():
            self._heartbeat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self._claims.discard(claim)
            if not self._claims and self._heartbeat is not None:
                # A claim that arrives while this heartbeat ends needs a new one.
                ending, self._heartbeat = self._heartbeat, None
                ending.cancel()
                await asyncio.wait({ending})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 4)
            claims = frozenset(self._claims)
            try:
                kept = await self._ledger.renew(claims, lease_s=self._lease_s)
            except ServiceError:
                continue
            self._claims -= claims - kept
