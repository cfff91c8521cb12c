"""Every refusal of the paid route states the state of the request's payment.

`charged: false` is a proof, but a refusal for a wrong media type or a full queue proves nothing about a payment that
was sent before. So this middleware queries the ledger, once and for a short time, unless the refusal states it already.
"""

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import refusal_of
from errors import ServiceError
from payments import Gate, PaymentStatus
from payments.middleware import fields


class PaymentStateMiddleware:
    """Completes the errors that are raised below it. If the ledger does not answer in time, or the payment is
    unreadable, the refusal has no `payment_state` and no `charged`."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; raises a `ServiceError` for any exception from below."""
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:
            refusal = refusal_of(error)
            status = await self._status(scope, refusal)
            if status is not None:
                raise status.told_by(refusal) from error
            if refusal is error:
                raise
            raise refusal from error

    async def _status(self, scope: Scope, refusal: ServiceError) -> PaymentStatus | None:
        return await self.gate.status(fields(Request(scope))) if refusal.payment_state is None else None
