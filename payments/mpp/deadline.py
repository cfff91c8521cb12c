"""The deadline for broadcasting a signed payment.

A transaction expires at its `valid_before`, a challenge at its `expires`; the earlier time counts. Clients sign for
25 s (mppx) to 60 s (pympp), and the work must finish in the time that remains when the payment arrives.
"""

import math
from datetime import datetime

from errors import DeadlineUnreachable
from payments.mpp.problems import BASE, PAYMENT_EXPIRED, VERIFICATION_FAILED, rejected
from payments.mpp.wire import MppCredential

LATEST_AFTER_EXPIRY_S = 60


def check_term(credential: MppCredential, *, margin_s: float, now: float) -> float:
    """Check a payment's validity before the work. Returns until when the work may begin (unix seconds). Its challenge
    must have been authenticated. `now` is unix seconds.

    Raises:
        PaymentRejected: expired, not valid yet, or valid for too long.
        DeadlineUnreachable: less than `margin_s` seconds are left.
    """
    transaction = credential.transaction
    if transaction.valid_after > now:
        raise rejected(VERIFICATION_FAILED, "The transaction is not valid yet (`validAfter`).")
    if not 0 < transaction.valid_before <= _expires(credential) + LATEST_AFTER_EXPIRY_S:
        # Until then a transaction whose broadcast was lost can still pay, so the payment could stay in doubt.
        raise rejected(VERIFICATION_FAILED, "The transaction must expire (`validBefore`) when the challenge does.")
    if ends_at(credential) <= now:
        raise rejected(PAYMENT_EXPIRED, "The signed transaction has expired. Get a new quote and sign again.")
    check_time(credential, margin_s=margin_s, now=now)
    return ends_at(credential) - margin_s


def check_time(credential: MppCredential, *, margin_s: float, now: float, at_most_s: float = math.inf) -> float:
    """The seconds from `now` (unix seconds) during which the payment may be broadcast: until `margin_s` seconds before
    its end, at most `at_most_s`.

    Raises:
        DeadlineUnreachable: no time is left.
    """
    left_s = min(ends_at(credential) - margin_s - now, at_most_s)
    if left_s < 0:
        raise DeadlineUnreachable(
            "This payment expires too soon to be settled. Nothing was charged; get a new quote and sign again.",
            reason=PAYMENT_EXPIRED,
            type=BASE + PAYMENT_EXPIRED,
        )
    return left_s


def ends_at(credential: MppCredential) -> float:
    """The earlier of the two expiry times, unix seconds."""
    return min(_expires(credential), credential.transaction.valid_before)


def _expires(credential: MppCredential) -> float:
    return datetime.fromisoformat(credential.sent.challenge.expires or "").timestamp()
