"""The status of a payment in the ledger, and how a refusal reports it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from errors import InternalError, PaymentState, ServiceError
from payments.ledger import Ledger, State
from payments.rail import Credential, Payment

E = TypeVar("E", bound=ServiceError)

PATIENCE_S = 2.0
"""Timeout for the ledger: after it, a refusal omits the payment's status. Buyers prefer waiting to not knowing."""

_LAST_S = 253_402_300_799
"""The end of the year 9999. Authorizations may be valid until the maximum of a uint256, which is not a useful date."""


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """The status of a payment.

    Attributes:
        expires_at: unix seconds after which it can no longer move money; None if it cannot move money now.
    """

    state: PaymentState
    expires_at: int | None = None

    def told_by(self, refusal: E) -> E:
        """A copy of the refusal with this status, unless it already has a payment state."""
        if refusal.payment_state is None:
            return refusal.with_payment(self.state, self.expires_at)
        return refusal.adding()


async def status_of(ledger: Ledger, credential: Credential) -> PaymentStatus:
    """A payment's status. If it is UNUSED, no earlier request can settle the payment afterwards.

    Therefore the refusal is recorded first: it ends the claim of a holder whose lease has expired, and a copy that was
    looked up earlier and is still being verified can no longer claim the payment.

    Raises:
        LedgerUnavailable: the ledger does not respond.
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
    """The status of several payments of one request: that of the one that moved money, if any. None if the ledger does
    not respond in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = [await status_of(ledger, credential) for credential in credentials]
    except (ServiceError, TimeoutError):
        return None
    return min(found, key=lambda each: _WORST_FIRST.index(each.state), default=PaymentStatus(PaymentState.NONE))


_WORST_FIRST = (PaymentState.IN_FLIGHT, PaymentState.SETTLED, PaymentState.UNUSED)


@contextmanager
def failures_report(state: PaymentState, expires_at: int | None = None) -> Iterator[None]:
    """Make every error of the block report this known status of the payment, including unexpected exceptions."""
    known = PaymentStatus(state, expires_at)
    try:
        yield
    except ServiceError as error:
        raise known.told_by(error) from error
    except Exception as error:
        failure = InternalError("Internal error. Send the same payment again, not a new one.")
        raise known.told_by(failure) from error


def expires_at(payment: Payment) -> int | None:
    """The end of the payment's validity; None if it is too far away to be useful."""
    return payment.valid_before if payment.valid_before <= _LAST_S else None
