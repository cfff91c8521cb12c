"""Finality: settlements are looked at again until the chain can no longer drop them."""

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
"""Evidence under this name is the payer's signed transaction, kept for sending it again until it is final."""

AT_MOST = 50
"""Settlements looked at per round."""
PATIENCE_S = 20.0
"""For one look."""


class Settled(Protocol):
    """What the ledger knows of settlements that are not final. Each change is one atomic statement.

    Every method raises `LedgerUnavailable` when the store does not answer.
    """

    async def due(self, rails: Collection[str], limit: int) -> list[Entry]:
        """SETTLED entries of these rails that are not final and are due for a look, longest due first."""
        ...

    async def begin_recheck(self, payment_id: str) -> bool:
        """Take the turn to look, and put the next look off, the longer the older the settlement is; False when another
        process has it or the settlement is final."""
        ...

    async def final(self, payment: Payment) -> bool:
        """Mark a settlement as final and delete `RAW` from its evidence; False when it was final, or is not SETTLED any
        more."""
        ...

    async def lost(self, payment_id: str) -> bool:
        """SETTLED → SETTLING, in doubt at once; False when it was final, or is not SETTLED any more."""
        ...


async def recheck(rails: Mapping[str, Rail], settled: Settled, at_most: int = AT_MOST) -> int:
    """Ask the chains about the settlements that are due; how many were due.

    A settlement that the chain has dropped for good is in doubt again: whoever asks next, the resolver or the buyer's
    re-send, hears the chain a second time before anything is forgotten.

    Raises:
        LedgerUnavailable: the ledger does not answer.
    """
    due = await settled.due(rails, at_most)
    for entry in due:
        if await settled.begin_recheck(entry.payment.id):
            await _note(settled, entry, await _ask(rails[entry.payment.rail], entry))
    return len(due)


async def keep_rechecking(rails: Mapping[str, Rail], settled: Settled, *, every_s: float = 5.0) -> None:
    """Recheck until cancelled, in every worker: the ledger gives each look to one of them."""
    while True:
        try:
            more = await recheck(rails, settled) == AT_MOST
        except ServiceError as error:
            log.warning("recheck_round_failed", code=error.code)
            more = False
        if not more:
            await asyncio.sleep(every_s)


async def _ask(rail: Rail, entry: Entry) -> Finality | None:
    """None: the chain did not answer; the next look asks again."""
    if entry.receipt is None:
        return None
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await rail.recheck(entry.payment, entry.receipt)
    except (ServiceError, TimeoutError):
        return None
    except Exception:
        # One settlement that a rail cannot read must not keep the others from becoming final.
        log.exception("recheck_failed", rail=rail.name)
        return None


async def _note(settled: Settled, entry: Entry, finality: Finality | None) -> None:
    if finality is Finality.FINAL:
        await settled.final(entry.payment)
    elif finality is Finality.LOST and await settled.lost(entry.payment.id):
        log.error("settlement_lost", rail=entry.payment.rail, transaction=entry.receipt and entry.receipt.transaction)
    RECHECKS.labels(entry.payment.rail, finality or "unanswered").inc()
