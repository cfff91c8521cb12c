"""Resolves in-doubt payments whose buyer does not return, and deletes abandoned claims."""

import asyncio
from contextlib import suppress

import structlog

from errors import PaymentInProgress, PaymentOutcomeUnknown, PaymentSpentElsewhere, ServiceError
from payments.gate import Gate

log = structlog.get_logger(__name__)

AT_MOST = 20
"""Payments per round; those that stay in doubt go to the end of the queue."""


async def resolve_in_doubt(gate: Gate, at_most: int = AT_MOST) -> int:
    """Ask the chain once about the payments that have been in doubt the longest. Returns how many were resolved.

    Raises:
        LedgerUnavailable: the ledger does not answer.
    """
    resolved = 0
    for entry in await gate.in_doubt(at_most):
        try:
            with suppress(PaymentSpentElsewhere):  # this resolves it too
                await gate.resolve(entry)
        except (PaymentInProgress, PaymentOutcomeUnknown):
            continue
        resolved += 1
    return resolved


async def keep_resolving(gate: Gate, *, every_s: float = 5.0) -> None:
    """Repeat until cancelled. Runs in every worker; the ledger gives each payment to one of them at a time."""
    while True:
        await asyncio.sleep(every_s)
        try:
            resolved = await resolve_in_doubt(gate)
            await gate.forget_abandoned()
        except ServiceError as error:
            log.warning("resolve_failed", code=error.code)
            continue
        if resolved:
            log.info("payments_resolved", payments=resolved)
