"""What the ledger knows of a payment that came: what a refusal may say about the money."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from errors import InternalError, PaymentState, ServiceError
from payments.ledger import Ledger, State
from payments.rail import Credential, Payment

E = TypeVar("E", bound=ServiceError)

PATIENCE_S = 1.0
"""A refusal waits no longer for the ledger: it can leave without the payment's status."""

_LAST_S = 253_402_300_799
"""The end of the year 9999. Authorizations may be valid until the maximum of a uint256, which is not a useful date."""


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """What is known of a payment.

    Attributes:
        expires_at: unix seconds after which it can no longer move; only where it may still.
    """

    state: PaymentState
    expires_at: int | None = None

    def told_by(self, refusal: E) -> E:
        """The same refusal with this status, unless it knows the payment's state itself."""
        if refusal.payment_state is None:
            return refusal.with_payment(self.state, self.expires_at)
        return refusal.adding()


async def status_of(ledger: Ledger, credential: Credential) -> PaymentStatus:
    """A payment's status; whatever is called unused here is settled by no request that came before.

    The refusal is therefore written down first: a claim whose holder went silent is taken from that holder, and a copy
    that was looked up earlier, and is still being verified, can no longer be claimed.

    Raises:
        LedgerUnavailable: nothing is known.
    """
    entry = await ledger.find(credential.payment_id)
    if entry is None or entry.is_abandoned:
        if await ledger.refuse(credential.payment_id, credential.rail):
            return PaymentStatus(PaymentState.UNUSED)
        entry = await ledger.find(credential.payment_id)  # another process was faster
    if entry is not None and entry.state is State.SETTLED:
        return PaymentStatus(PaymentState.SETTLED)
    return PaymentStatus(PaymentState.IN_FLIGHT, expires_at(entry.payment) if entry else None)


async def status_of_all(ledger: Ledger, credentials: Sequence[Credential]) -> PaymentStatus | None:
    """The status of several payments that came together: that of the one that moved, if one did. None when the ledger
    does not answer in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = [await status_of(ledger, credential) for credential in credentials]
    except (ServiceError, TimeoutError):
        return None
    return min(found, key=lambda each: _WORST_FIRST.index(each.state), default=PaymentStatus(PaymentState.NONE))


_WORST_FIRST = (PaymentState.IN_FLIGHT, PaymentState.SETTLED, PaymentState.UNUSED)


@contextmanager
def failures_report(state: PaymentState, expires_at: int | None = None) -> Iterator[None]:
    """Have every failure in the block report this status of the payment, which is known; a bug of ours, too."""
    known = PaymentStatus(state, expires_at)
    try:
        yield
    except ServiceError as error:
        raise known.told_by(error) from error
    except Exception as error:
        failure = InternalError("Internal error. Send the same payment again; do not pay anew.")
        raise known.told_by(failure) from error


def expires_at(payment: Payment) -> int | None:
    """The payment's own end, unless it is too far away to matter."""
    return payment.valid_before if payment.valid_before <= _LAST_S else None
