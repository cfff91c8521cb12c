"""Resolves in-doubt payments whose buyer does not return, and deletes abandoned claims."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from errors import PaymentInProgress, PaymentOutcomeUnknown, PaymentSpentElsewhere, ServiceError
from payments.ledger import Ledger
from payments.policy import SalePolicy
from payments.rail import Rail
from payments.settlement import Settlement

log = structlog.get_logger(__name__)

AT_MOST = 20
"""Maximum payments per round; those that stay in doubt go to the end of the queue."""


class Resolver:
    """Asks the chains about payments whose settlement began and that no request is processing.

    Args:
        rails: by name; payments on other rails are ignored.
    """

    def __init__(self, rails: Mapping[str, Rail], ledger: Ledger, policy: SalePolicy | None = None) -> None:
        self._rails = rails
        self._ledger = ledger
        self._policy = policy or SalePolicy()
        self._settlement = Settlement(ledger, lease_s=self._policy.settle_lease_s)

    async def resolve(self, at_most: int = AT_MOST) -> int:
        """Ask once about the payments that have been in doubt the longest. Returns how many were resolved.

        Raises:
            LedgerUnavailable: the ledger does not respond.
        """
        resolved = 0
        for entry in await self._ledger.in_doubt(self._rails, at_most):
            try:
                with suppress(PaymentSpentElsewhere):  # this resolves it too
                    await self._settlement.resolve(entry, self._rails[entry.payment.rail])
            except (PaymentInProgress, PaymentOutcomeUnknown):
                continue
            resolved += 1
        return resolved

    async def keep_resolving(self, *, every_s: float = 5.0) -> None:
        """Repeat until cancelled. Runs in every worker; the ledger gives each payment to one of them at a time."""
        while True:
            await asyncio.sleep(every_s)
            try:
                resolved = await self.resolve()
                await self._ledger.forget_abandoned(silent_s=self._policy.abandoned_s)
            except ServiceError as error:
                log.warning("resolve_failed", code=error.code)
                continue
            if resolved:
                log.info("payments_resolved", payments=resolved)
