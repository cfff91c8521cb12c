"""What a rail does with header fields, in one step."""

import pytest

from errors import PaymentRejected
from payments.mpp.attempt import MppAttempt
from payments.mpp.rail import MppRail
from payments.mpp.wire import MppCredential
from payments.order import Order
from payments.rail import HeaderFields, Payment

PROBLEMS = "https://paymentauth.org/problems/"


async def refusal(rail: MppRail, headers: HeaderFields, order: Order) -> str:
    """The reason for which a payment is refused, whether it is read or verified."""
    with pytest.raises(PaymentRejected) as refused:
        await judge(rail, headers, order)
    assert refused.value.type == PROBLEMS + refused.value.reason
    return refused.value.reason


async def judge(rail: MppRail, headers: HeaderFields, order: Order) -> Payment:
    attempt = rail.read(headers)
    assert attempt is not None
    return await attempt.verify(order)


def read(rail: MppRail, headers: HeaderFields) -> MppCredential:
    attempt = rail.read(headers)
    assert isinstance(attempt, MppAttempt)
    return attempt.credential
