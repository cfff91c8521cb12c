"""Every refusal of the paid route says where the payment stands that came with it, whoever refuses for what.

`charged: false` is a proof, and a refusal for a wrong media type or a full queue proves nothing about a payment that
was sent before. So whatever leaves without knowing better is held against the ledger here, once and for a short while.
"""

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import refusal_of
from payments.gate import Gate
from payments.middleware import fields


class PaymentStateMiddleware:
    """Completes what is raised below it; where the ledger does not answer in time, or the payment cannot be read, the
    refusal leaves without `payment_state` and `charged`."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; raises `ServiceError` for whatever was raised below."""
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:
            refusal = refusal_of(error)
            if refusal.payment_state is None:
                standing = await self.gate.standing(fields(Request(scope)))
                if standing is not None:
                    standing.tell(refusal)
            if refusal is error:
                raise
            raise refusal from error
