"""The heartbeat of all claims: short leases that are renewed while their holders live."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from errors import ServiceError
from payments.ledger import Claim, Ledger


class Leases:
    """Renews the leases of all claims together, so that a hundred sales cost the ledger no more than one does.

    Args:
        lease_s: of each claim; it is renewed several times within that, so that a single failure does not lose it.
    """

    def __init__(self, ledger: Ledger, *, lease_s: float) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._claims: set[Claim] = set()
        self._heartbeat: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def keep_claim_alive(self, claim: Claim) -> AsyncIterator[None]:
        """Renew the lease of a CLAIMED payment while the block runs, however long that takes. A claim that is lost all
        the same is refused by `begin_settlement`."""
        self._claims.add(claim)
        if self._heartbeat is None or self._heartbeat.done():
            self._heartbeat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self._claims.discard(claim)
            if not self._claims and self._heartbeat is not None:
                # A claim that arrives while this heartbeat ends needs one of its own.
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
