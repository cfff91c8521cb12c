"""Where a payment that came stands, by the ledger's word: what a refusal may say about the money."""

from dataclasses import dataclass

from errors import PaymentState
from payments.ledger import Ledger, State
from payments.rail import Payment

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


def expiry(payment: Payment) -> int | None:
    """The payment's own end, unless it is too far away to matter."""
    return payment.valid_before if payment.valid_before <= _LAST_S else None
