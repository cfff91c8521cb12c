"""Watches the ledger as a whole: how many payments are in each unsettled state, and since when."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog

from errors import ServiceError
from payments.ledger import State
from telemetry import LEDGER_OLDEST_SECONDS, LEDGER_PAYMENTS

log = structlog.get_logger(__name__)

IN_DOUBT = "in_doubt"
"""SETTLING without a holder: only the chain knows whether money moved."""
NOT_FINAL = "not_final"
"""SETTLED, and the chain could still drop it."""
STATES = (State.CLAIMED.value, State.SETTLING.value, IN_DOUBT, NOT_FINAL)


class Standing(NamedTuple):
    """How many payments are in one of `STATES`, and the seconds since the settlement of the oldest one began.

    Of NOT_FINAL it is the time since it settled, of CLAIMED 0.
    """

    state: str
    payments: int
    oldest_s: float


class States(Protocol):
    """The ledger, counted."""

    async def standings(self) -> Sequence[Standing]:
        """The states that payments are in.

        Raises:
            LedgerUnavailable: the store does not answer.
        """
        ...


async def count(states: States) -> None:
    """Count once, into the metrics. Raises as `States.standings`."""
    found = {each.state: each for each in await states.standings()}
    for name in STATES:
        standing = found.get(name, Standing(name, 0, 0.0))
        LEDGER_PAYMENTS.labels(name).set(standing.payments)
        LEDGER_OLDEST_SECONDS.labels(name).set(standing.oldest_s)


async def keep_counting(states: States, *, every_s: float = 15.0) -> None:
    """Count until cancelled. In every worker, because each of them is asked for metrics."""
    while True:
        try:
            await count(states)
        except ServiceError as error:
            log.warning("ledger_count_failed", code=error.code)
        await asyncio.sleep(every_s)
