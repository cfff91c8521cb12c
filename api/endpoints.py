"""The paid route: the order of a request, its validation, and the response with the processed picture. It does not
handle payments; it only knows the payer."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from admission import Place
from api.addresses import address_of
from api.dialect import OWN, Dialect
from api.fetching import Fetcher
from api.form import not_acceptable
from api.json_call import JSON_CALL
from api.options import MODEL
from api.pricing import PriceList
from api.upload import UPLOAD, Upload, upload_of
from cut_out import CutOut
from payments import Order
from payments.middleware import PAYMENT
from request_state import StateKey
from telemetry import stage
from version import VERSION

_PLACE = StateKey[Place]("place")
_REFERENCE = b"image_url "
"""Prefix of a URL in an order's body; no picture starts with it."""


class RemoveBackgroundEndpoint:
    """A paid route: a `payments.middleware.PaidResource` that also processes the picture."""

    def __init__(self, cut_out: CutOut, offer: PriceList, fetcher: Fetcher, dialect: Dialect = OWN) -> None:
        self._cut_out = cut_out
        self._offer = offer
        self._fetcher = fetcher
        self._dialect = dialect

    def order(self, scope: Scope) -> Order:
        """The order of this request.

        The model counts as the request names it, so a picture paid before an update or a change of the default model
        is still delivered afterwards.
        """
        upload, asked = upload_of(scope), upload_of(scope).asked
        model = () if asked.model is None else ((MODEL, asked.model),)
        sold = self._offer.model(asked.model)
        options = tuple(each for each in asked.wish.named if each[0] != "format")
        in_url = asked.wish.named if self._dialect.quotes_options else ()
        return Order(
            url=self._offer.url((*in_url, *model), Request(scope).url.hostname, self._dialect.path),
            method=scope["method"],
            body=upload.body if upload.url is None else _REFERENCE + upload.url.encode(),
            is_reference=upload.url is not None,
            content=upload.body or None if upload.url is not None else None,
            is_whole=upload.is_whole,
            parameters=(("format", asked.output.format.name.lower()), *options, *model),
            price=sold.price,
            previous_price=sold.previous_price,
            media_type=asked.output.format.media_type,
            product=sold.name,
            facts={"model": sold.name, "model_sha256": sold.sha256},
            json_call=JSON_CALL,
        )

    def check_available(self, scope: Scope) -> None:
        """Refuse a quote or payment for a model that is not available now.

        Raises:
            RunnerUnavailable: the runner of the requested model does not answer.
        """
        self._cut_out.check_available(self._offer.model(upload_of(scope).asked.model).name)

    def validate_unpaid(self, scope: Scope) -> None:
        """Refuse an unpaid picture that cannot be processed; a discovery probe has none.

        Raises:
            InvalidImage: not the declared format, or too many pixels.
            ImageNotFetched: the URL is not allowed.
            NotAcceptable: `Accept` allows none of our formats.
        """
        upload = upload_of(scope)
        if upload.is_probe:
            return
        _refuse_unacceptable(upload)
        if upload.url is not None:
            self._fetcher.check(upload.url)
        else:
            upload.validate()

    async def admit(self, scope: Scope) -> float:
        """Reserve capacity for a paid picture; returns its expected wait in seconds. Refuses one that cannot be
        processed or would wait too long. A picture that must be fetched reserves nothing yet: see `complete`.

        Raises:
            InvalidImage: as `Upload.info`.
            ImageNotFetched: the URL is not allowed.
            NotAcceptable: `Accept` allows none of our formats.
            RunnerUnavailable, Overloaded: from the pipeline.
        """
        upload = upload_of(scope)
        _refuse_unacceptable(upload)
        self.check_available(scope)
        if upload.url is not None and not upload.body:
            self._fetcher.check(upload.url)
            return 0.0
        self.release(scope)
        model = self._offer.model(upload.asked.model).name
        place = self._cut_out.admit(upload.info, upload.asked.output, model, frozenset(senders(scope)))
        _PLACE.put(scope, place)
        return place.wait_s

    async def complete(self, scope: Scope) -> Order:
        """Fetch and admit the picture of a paid request with a URL; returns the order with the picture.

        Raises:
            ImageNotFetched, UploadTooLarge, UploadsLimited, Overloaded: from fetching.
            ServiceError: as `admit`.
        """
        upload = upload_of(scope)
        if upload.url is not None and upload.into is not None and not upload.body:
            into, url = upload.into, upload.url
            with stage("fetch"):
                await self._fetcher.fetch(url, lambda piece: into.add(url, piece))
            UPLOAD.put(scope, upload.fetched())
            _ = upload_of(scope).info
            await self.admit(scope)
        return self.order(scope)

    def release(self, scope: Scope) -> None:
        """Release the capacity that a request still holds."""
        place = _PLACE.take(scope)
        if place is not None:
            place.release()

    async def remove_background(self, request: Request) -> Response:
        """The requested cut-out, with the subject's position in the upright input."""
        upload = upload_of(request.scope)
        model = self._offer.model(upload.asked.model)
        place = _PLACE.get(request.scope)
        result = await self._cut_out(upload.body, upload.info, upload.asked.output, model.name, place)
        return Response(
            result.body,
            media_type=upload.asked.output.format.media_type,
            headers={
                "Cache-Control": "private",
                "X-Content-Type-Options": "nosniff",
                "X-Width": str(result.width),
                "X-Height": str(result.height),
                "X-Foreground-Left": str(result.subject.left),
                "X-Foreground-Top": str(result.subject.top),
                "X-Foreground-Width": str(result.subject.width),
                "X-Foreground-Height": str(result.subject.height),
                "X-Foreground-Haze": f"{result.haze:.2f}",
                "X-Model": model.label,
                "X-Service-Version": VERSION,
                **({"X-Backend": backend} if (backend := self._cut_out.backend(model.name)) else {}),
                **({"Vary": "Accept"} if upload.asked.wish.is_open else {}),
            },
        )


def senders(scope: Scope) -> Iterator[str]:
    """The request's client: its address, and the payer if a signature proves it."""
    yield address_of(scope)
    payment = PAYMENT.get(scope)
    if payment is not None and payment.payer is not None:
        yield payment.payer


def _refuse_unacceptable(upload: Upload) -> None:
    if not upload.asked.is_acceptable:
        raise not_acceptable(upload.asked.wish.outputs)
