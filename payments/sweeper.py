"""The sweeper: ends doubts about payments that no buyer comes back for, and clears away abandoned claims."""

import asyncio
from contextlib import suppress

import structlog

from errors import PaymentInProgress, PaymentOutcomeUnknown, PaymentSpentElsewhere, ServiceError
from payments.gate import Gate

log = structlog.get_logger(__name__)

AT_MOST = 20
"""Payments looked at per round; those that stay in doubt go to the end of the line."""


async def sweep(gate: Gate, at_most: int = AT_MOST) -> int:
    """Ask the chain once about the payments that are longest in doubt; how many are in doubt no more.

    Raises:
        LedgerUnavailable: the ledger does not answer.
    """
    cleared = 0
    for entry in await gate.in_doubt(at_most):
        try:
            with suppress(PaymentSpentElsewhere):  # no doubt either
                await gate.clear_doubt(entry)
        except (PaymentInProgress, PaymentOutcomeUnknown):
            continue
        cleared += 1
    return cleared


async def keep_sweeping(gate: Gate, *, every_s: float = 5.0) -> None:
    """Sweep until cancelled, in every worker: the ledger lets one of them ask about one payment at a time."""
    while True:
        await asyncio.sleep(every_s)
        try:
            cleared = await sweep(gate)
            await gate.forget_abandoned()
        except ServiceError as error:
            log.warning("not_swept", code=error.code)
            continue
        if cleared:
            log.info("doubts_cleared", payments=cleared)
