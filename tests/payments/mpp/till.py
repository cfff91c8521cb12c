"""What a rail does with header fields, in one step."""

import pytest

from errors import PaymentRejected
from payments.mpp import MppRail
from payments.mpp.wire import MppCredential
from payments.rail import HeaderFields, Order

PROBLEMS = "https://paymentauth.org/problems/"


async def refusal(rail: MppRail, headers: HeaderFields, order: Order) -> str:
    """The reason for which a payment is refused, whether it is read or verified."""
    with pytest.raises(PaymentRejected) as refused:
        await rail.verify(read(rail, headers), order)
    assert refused.value.type == PROBLEMS + refused.value.reason
    return refused.value.reason


def read(rail: MppRail, headers: HeaderFields) -> MppCredential:
    credential = rail.credential(headers)
    assert credential is not None
    return credential
