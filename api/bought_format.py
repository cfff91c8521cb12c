"""A picture that was paid for comes again in the format that was bought, whatever `Accept` says by then.

`Accept` is set by libraries and proxies, so a buyer who sends the same payment with the same picture again may come
with another one. The format is part of what was bought, and the gate compares it.
"""

from dataclasses import replace

from starlette.types import ASGIApp, Receive, Scope, Send

from api.upload import UPLOAD, Upload, upload_of
from errors import IdempotencyKeyUsed, NotAcceptable, PaymentState, PaymentUsed


class BoughtFormatMiddleware:
    """Asks the gate for the other formats when a payment has bought something else and the query names none.

    Stands right above the payment middleware, which has sent nothing and moved nothing when it raises these errors.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; raises what the format that was wanted is refused for."""
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
            # What it bought is delivered all the same.
            UPLOAD.put(scope, replace(upload, asked=replace(upload.asked, is_acceptable=True)))
            await self.app(scope, receive, send)
