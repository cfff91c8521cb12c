"""Finality: settlements are rechecked until the chain can no longer drop them."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

import structlog

from errors import ServiceError
from payments.ledger import Entry
from payments.rail import Finality, Payment, Rail
from telemetry import RECHECKS

log = structlog.get_logger(__name__)

RAW = "raw"
"""Name of the evidence that is the payer's signed transaction, kept until it is final so that it can be sent again."""

AT_MOST = 50
"""Maximum settlements per round."""
PATIENCE_S = 20.0
"""Timeout of one recheck."""


class Settled(Protocol):
    """The ledger's settlements that are not final. Each change is one atomic statement.

    Every method raises `LedgerUnavailable` if the store does not respond.
    """

    async def due(self, rails: Collection[str], limit: int) -> list[Entry]:
        """SETTLED entries of these rails that are not final and due for a recheck, longest due first."""
        ...

    async def begin_recheck(self, payment_id: str) -> bool:
        """Start a recheck, and schedule the next one: the older the settlement, the later. Returns False if another
        process has started it or the settlement is final."""
        ...

    async def final(self, payment: Payment) -> bool:
        """Mark a settlement as final and delete `RAW` from its evidence. Returns False if it was final or is no longer
        SETTLED."""
        ...

    async def lost(self, payment_id: str) -> bool:
        """SETTLED → SETTLING, immediately in doubt. Returns False if it was final or is no longer SETTLED."""
        ...


async def recheck(rails: Mapping[str, Rail], settled: Settled, at_most: int = AT_MOST) -> int:
    """Ask the chains about the settlements that are due. Returns how many were due.

    A settlement that the chain has permanently dropped is in doubt again: before it is released, the resolver or the
    buyer's re-send asks the chain a second time.

    Raises:
        LedgerUnavailable: the ledger does not respond.
    """
    due = await settled.due(rails, at_most)
    for entry in due:
        if await settled.begin_recheck(entry.payment.id):
            await _note(settled, entry, await _ask(rails[entry.payment.rail], entry))
    return len(due)


async def keep_rechecking(rails: Mapping[str, Rail], settled: Settled, *, every_s: float = 5.0) -> None:
    """Recheck until cancelled. Runs in every worker; the ledger gives each recheck to one of them."""
    while True:
        try:
            more = await recheck(rails, settled) == AT_MOST
        except ServiceError as error:
            log.warning("recheck_round_failed", code=error.code)
            more = False
        if not more:
            await asyncio.sleep(every_s)


async def _ask(rail: Rail, entry: Entry) -> Finality | None:
    """The chain's answer; None if it did not respond."""
    if entry.receipt is None:
        return None
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await rail.recheck(entry.payment, entry.receipt)
    except (ServiceError, TimeoutError):
        return None
    except Exception:
        # A settlement that a rail cannot read must not block the others.
        log.exception("recheck_failed", rail=rail.name)
        return None


async def _note(settled: Settled, entry: Entry, finality: Finality | None) -> None:
    if finality is Finality.FINAL:
        await settled.final(entry.payment)
    elif finality is Finality.LOST and await settled.lost(entry.payment.id):
        log.error("settlement_lost", rail=entry.payment.rail, transaction=entry.receipt and entry.receipt.transaction)
    RECHECKS.labels(entry.payment.rail, finality or "unanswered").inc()
