"""Counts the ledger's unsettled payments by state, with the age of the oldest, for metrics."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog

from errors import ServiceError
from payments.ledger import State
from telemetry import LEDGER_OLDEST_SECONDS, LEDGER_PAYMENTS

log = structlog.get_logger(__name__)

IN_DOUBT = "in_doubt"
"""SETTLING with an expired lease: only the chain knows whether money moved."""
NOT_FINAL = "not_final"
"""SETTLED, but the chain can still drop it."""
STATES = (State.CLAIMED.value, State.SETTLING.value, IN_DOUBT, NOT_FINAL)


class Standing(NamedTuple):
    """Number of payments in one of `STATES`, and seconds since the oldest one began to settle.

    For NOT_FINAL these are the seconds since it settled, for CLAIMED 0.
    """

    state: str
    payments: int
    oldest_s: float


class States(Protocol):
    """The ledger's counts."""

    async def standings(self) -> Sequence[Standing]:
        """The states that have payments.

        Raises:
            LedgerUnavailable: the store does not respond.
        """
        ...


async def count(states: States) -> None:
    """Count once and set the metrics. Raises as `States.standings`."""
    found = {each.state: each for each in await states.standings()}
    for name in STATES:
        standing = found.get(name, Standing(name, 0, 0.0))
        LEDGER_PAYMENTS.labels(name).set(standing.payments)
        LEDGER_OLDEST_SECONDS.labels(name).set(standing.oldest_s)


async def keep_counting(states: States, *, every_s: float = 15.0) -> None:
    """Count until cancelled. Runs in every worker, because each may serve the metrics."""
    while True:
        try:
            await count(states)
        except ServiceError as error:
            log.warning("ledger_count_failed", code=error.code)
        await asyncio.sleep(every_s)
