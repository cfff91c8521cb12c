"""Where a payment that came stands, by the ledger's word: what a refusal may say about the money."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from errors import InternalError, PaymentState, ServiceError
from payments.ledger import Ledger, State
from payments.rail import Payment

PATIENCE_S = 1.0
"""A refusal waits no longer for the ledger: it can leave without saying where the payment stands."""

_LAST_S = 253_402_300_799
"""The end of the year 9999. Authorizations may be valid for as long as a uint256 lasts, which tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a payment.

    Attributes:
        expires_at: unix seconds after which it can no longer move; only where it may still.
    """

    state: PaymentState
    expires_at: int | None = None

    def tell(self, refusal: ServiceError) -> None:
        """Have a refusal say it that does not know better itself."""
        if refusal.payment_state is None:
            refusal.payment_state, refusal.payment_expires_at = self.state, self.expires_at


async def standing(ledger: Ledger, payment_id: str) -> Standing:
    """Where a payment stands; whatever is called unused here is settled by no request that had it before.

    A claim whose holder went silent is therefore taken from that holder first.

    Raises:
        LedgerUnavailable: nothing is known.
    """
    entry = await ledger.find(payment_id)
    if entry is None or (entry.is_abandoned and await ledger.discard(payment_id)):
        return Standing(PaymentState.UNUSED)
    if entry.state is State.SETTLED:
        return Standing(PaymentState.SETTLED)
    return Standing(PaymentState.IN_FLIGHT, expiry(entry.payment))


async def standing_of_all(ledger: Ledger, payment_ids: Sequence[str]) -> Standing | None:
    """Where several payments stand that came together: as the one that moved, if one did. None when the ledger does not
    answer in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = [await standing(ledger, payment_id) for payment_id in payment_ids]
    except (ServiceError, TimeoutError):
        return None
    return min(found, key=lambda each: _WORST_FIRST.index(each.state), default=Standing(PaymentState.NONE))


_WORST_FIRST = (PaymentState.IN_FLIGHT, PaymentState.SETTLED, PaymentState.UNUSED)


@contextmanager
def stands(state: PaymentState, expires_at: int | None = None) -> Iterator[None]:
    """It is known where the payment stands: every failure in here says so, and a bug of ours, too."""
    known = Standing(state, expires_at)
    try:
        yield
    except ServiceError as error:
        known.tell(error)
        raise
    except Exception as error:
        failure = InternalError("Internal error. Send the same payment again; do not pay anew.")
        known.tell(failure)
        raise failure from error


def expiry(payment: Payment) -> int | None:
    """The payment's own end, unless it is too far away to matter."""
    return payment.valid_before if payment.valid_before <= _LAST_S else None
