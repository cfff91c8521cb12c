"""Where a payment that came stands, by the ledger's word: what a refusal may say about the money."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from errors import InternalError, PaymentState, ServiceError
from payments.ledger import Ledger, State
from payments.rail import Credential, Payment

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


async def standing(ledger: Ledger, credential: Credential) -> Standing:
    """Where a payment stands; whatever is called unused here is settled by no request that came before.

    The refusal is therefore written down first: a claim whose holder went silent is taken from that holder, and a copy
    that was looked up earlier, and is still being verified, can no longer be claimed.

    Raises:
        LedgerUnavailable: nothing is known.
    """
    entry = await ledger.find(credential.payment_id)
    if entry is None or entry.is_abandoned:
        if await ledger.refuse(credential.payment_id, credential.rail):
            return Standing(PaymentState.UNUSED)
        entry = await ledger.find(credential.payment_id)  # somebody was quicker
    if entry is not None and entry.state is State.SETTLED:
        return Standing(PaymentState.SETTLED)
    return Standing(PaymentState.IN_FLIGHT, expiry(entry.payment) if entry else None)


async def standing_of_all(ledger: Ledger, credentials: Sequence[Credential]) -> Standing | None:
    """Where several payments stand that came together: as the one that moved, if one did. None when the ledger does not
    answer in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = [await standing(ledger, credential) for credential in credentials]
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
