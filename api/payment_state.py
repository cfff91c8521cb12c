"""Every refusal of the paid route states what became of the payment that came with it, whatever it refuses.

`charged: false` is a proof, and a refusal for a wrong media type or a full queue proves nothing about a payment that
was sent before. So for every refusal that does not state it already the ledger is asked here, once and for a short
while.
"""

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import refusal_of
from errors import ServiceError
from payments import Gate, PaymentStatus
from payments.middleware import fields


class PaymentStateMiddleware:
    """Completes what is raised below it; when the ledger does not answer in time, or the payment cannot be read, the
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
            status = await self._status(scope, refusal)
            if status is not None:
                raise status.told_by(refusal) from error
            if refusal is error:
                raise
            raise refusal from error

    async def _status(self, scope: Scope, refusal: ServiceError) -> PaymentStatus | None:
        return await self.gate.status(fields(Request(scope))) if refusal.payment_state is None else None
