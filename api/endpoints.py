"""The paid route: what is asked for, what is refused, and the picture as an answer. Pictures only, no money."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from admission import Place
from api.addresses import address_of
from api.form import not_acceptable
from api.options import MODEL
from api.pricing import PriceList
from api.upload import Upload, upload_of
from cut_out import CutOut
from payments.rail import Order
from version import VERSION


class RemoveBackgroundEndpoint:
    """`POST /v1/remove-background`, as the till sees it (order, judge, admit) and as the work itself."""

    def __init__(self, cut_out: CutOut, offer: PriceList) -> None:
        self._cut_out = cut_out
        self._offer = offer

    def order(self, scope: Scope) -> Order:
        """What a payment for this request buys.

        A model counts as it was named: a picture paid for before an update, or before another model became the
        default, is still delivered after it.
        """
        upload = upload_of(scope)
        model = () if upload.model is None else ((MODEL, upload.model),)
        options = tuple(each for each in upload.wish.named if each[0] != "format")
        return Order(
            url=self._offer.url((*upload.wish.named, *model), Request(scope).url.hostname),
            method=scope["method"],
            body=upload.body,
            is_whole=upload.is_whole,
            parameters=(("format", upload.output.format.name.lower()), *options, *model),
            price=self._offer.model(upload.model).price,
            media_type=upload.output.format.media_type,
        )

    def offered(self, scope: Scope) -> None:
        """Refuse to quote, and to take a payment for, what cannot be made at present.

        Raises:
            RunnerUnavailable: the model that is asked for cuts nothing out.
        """
        self._cut_out.refuse_when_out(self._offer.model(upload_of(scope).model).name)

    def validate_unpaid(self, scope: Scope) -> None:
        """Refuse an unpaid picture that could never be cut out; a discovery probe carries none.

        Raises:
            InvalidImage: not the image it claims to be, or too many pixels.
            NotAcceptable: `Accept` takes none of our formats.
        """
        upload = upload_of(scope)
        if not upload.is_probe:
            _refuse_unacceptable(upload)
            upload.validate()

    async def admit(self, scope: Scope) -> float:
        """Take a place for a paid picture; the seconds that it will wait. Refuse one that could never be cut out, or
        that would wait too long.

        Raises:
            InvalidImage, UnsupportedMediaType: as `Upload.info`.
            NotAcceptable: `Accept` takes none of our formats.
            RunnerUnavailable, Overloaded: from the pipeline.
        """
        upload = upload_of(scope)
        _refuse_unacceptable(upload)
        self.offered(scope)
        self.release(scope)
        model = self._offer.model(upload.model).name
        place = self._cut_out.admit(upload.info, upload.output, model, frozenset(senders(scope)))
        scope["state"]["place"] = place
        return place.wait_s

    def release(self, scope: Scope) -> None:
        """Give the place back that a request still has."""
        place: Place | None = scope["state"].pop("place", None)
        if place is not None:
            place.release()

    async def remove_background(self, request: Request) -> Response:
        """The cut-out as it was asked for, with the place of the subject in the upright input."""
        upload = upload_of(request.scope)
        model = self._offer.model(upload.model)
        place: Place | None = request.scope["state"].get("place")
        result = await self._cut_out(upload.body, upload.info, upload.output, model.name, place)
        return Response(
            result.body,
            media_type=upload.output.format.media_type,
            headers={
                "Cache-Control": "private",
                "X-Content-Type-Options": "nosniff",
                "X-Width": str(result.width),
                "X-Height": str(result.height),
                "X-Foreground-Left": str(result.subject.left),
                "X-Foreground-Top": str(result.subject.top),
                "X-Foreground-Width": str(result.subject.width),
                "X-Foreground-Height": str(result.subject.height),
                "X-Model": model.label,
                "X-Service-Version": VERSION,
                **({"X-Backend": backend} if (backend := self._cut_out.backend(model.name)) else {}),
                **({"Vary": "Accept"} if upload.wish.is_open else {}),
            },
        )


def senders(scope: Scope) -> Iterator[str]:
    """Who a paid picture is for: the address that it came from, and the payer where that is proven."""
    yield address_of(scope)
    payment = scope["state"].get("payment")
    if payment is not None and payment.payer is not None:
        yield payment.payer


def _refuse_unacceptable(upload: Upload) -> None:
    if not upload.is_acceptable:
        raise not_acceptable(upload.wish.outputs)
