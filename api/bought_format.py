"""Delivers a paid picture again in the format that was bought, whatever `Accept` says then.

Libraries and proxies set `Accept`, so it may differ when a buyer sends the same payment with the same picture again.
The format is part of the order, and the gate compares it.
"""

from dataclasses import replace

from starlette.types import ASGIApp, Receive, Scope, Send

from api.upload import UPLOAD, Upload, upload_of
from errors import IdempotencyKeyUsed, NotAcceptable, PaymentState, PaymentUsed


class BoughtFormatMiddleware:
    """Tries the other formats if a payment bought something else and the query names no format.

    It wraps the payment middleware, which has sent no response and moved no money when it raises these errors.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; raises the refusal of the preferred format."""
        upload = upload_of(scope)
        asked = upload.asked
        others = [each for each in asked.wish.outputs if each is not asked.output]
        try:
            await self._ask(upload, scope, receive, send)
        except (PaymentUsed, IdempotencyKeyUsed) as refusal:
            for output in others:
                try:
                    return await self._ask(replace(upload, asked=replace(asked, output=output)), scope, receive, send)
                except (PaymentUsed, IdempotencyKeyUsed):
                    continue
            raise refusal from refusal.__cause__

    async def _ask(self, upload: Upload, scope: Scope, receive: Receive, send: Send) -> None:
        UPLOAD.put(scope, upload)
        try:
            await self.app(scope, receive, send)
        except NotAcceptable as refusal:
            if refusal.payment_state is not PaymentState.SETTLED:
                raise
            # The bought picture is delivered.
            UPLOAD.put(scope, replace(upload, asked=replace(upload.asked, is_acceptable=True)))
            await self.app(scope, receive, send)
