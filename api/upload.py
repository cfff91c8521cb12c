"""The uploaded picture: size and type are checked by the headers and as it arrives, before any decoding.

Only the beginning of an unpaid picture is kept; a quote needs no more. If the body is the picture itself, no more is
read; in a form, options may follow the picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import body, json_answer
from api.addresses import address_of
from api.bodies import Form, Received, form_of
from api.config import UploadLimits
from api.content_digest import ContentDigest
from api.dialect import OWN, Dialect
from api.form import accepted, check_encoding, declared_format
from api.options import MODEL, Wish
from api.room import SMALL_BYTES, Hold, Room
from errors import BadRequest, InvalidImage, UnknownModel, UploadTooLarge
from imaging import ImageFormat, ImageInfo, Output, judge_beginning, probe
from request_state import StateKey

_MAX_PARAMETERS = 32
"""Limit of query parameters: parsing takes time for each, known or not."""

_ENCODED = 3 / 2
"""Bytes of a body per byte of its picture: Base64 takes 4/3, and escapes in JSON some more."""

_BESIDE_PICTURE = 131_072
"""Bytes of a form besides the picture: fields, boundaries, headers of parts."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The result that a request wants.

    Attributes:
        output: the output that `Accept` chose among those of the options.
        model: the named model; None if the request names none.
        is_acceptable: whether `Accept` allows the output's format or JSON.
    """

    wish: Wish
    output: Output
    model: str | None = None
    is_acceptable: bool = True


@dataclass(frozen=True)
class Upload:
    """The picture of a request and its options.

    Attributes:
        body: the bytes of the picture file, in any form of body.
        declared: the format in Content-Type, otherwise the format by the first bytes.
        is_whole: whether `body` is the whole file or only its beginning.
        url: the picture's URL, if the request has that instead.
        into: receives the fetched picture.
    """

    body: bytes = field(repr=False)
    declared: ImageFormat
    asked: Asked
    max_side: int
    is_whole: bool = True
    url: str | None = field(default=None, repr=False)
    into: Received | None = field(default=None, repr=False)

    @property
    def is_probe(self) -> bool:
        """Whether there is no picture: directories and payment tools send none to learn the price."""
        return not self.body and self.url is None

    @cached_property
    def info(self) -> ImageInfo:
        """Format and size, read from the picture's header.

        Raises:
            InvalidImage: empty, not the type in Content-Type, damaged, or with too many pixels.
        """
        if not self.body:
            raise InvalidImage("The request has no image. Send the bytes of a PNG, JPEG or WebP image.")
        return probe(self.body, self.declared, self.max_side)

    def fetched(self) -> "Upload":
        """The same upload with the fetched picture."""
        body = self.into.picture if self.into else b""
        return replace(self, body=body, declared=declared_format(Headers(), body))

    def validate(self) -> None:
        """Refuse a picture that cannot be processed, by the received bytes. Raises as `info`."""
        if self.is_whole:
            _ = self.info
        else:
            judge_beginning(self.body, self.declared, self.max_side)


UPLOAD = StateKey[Upload]("upload")


def upload_of(scope: Scope) -> Upload:
    """The upload that `UploadMiddleware` put into the request's state."""
    return UPLOAD.of(scope)


@dataclass(eq=False, kw_only=True)
class UploadMiddleware:
    """Reads the body once, within the limits, and puts an `Upload` into the request's state.

    Args:
        models: values of `model`.
        is_paid: whether a request has a payment; otherwise only the beginning of the picture is kept.
        is_known: whether its payer has paid here before.
        room: memory for the bodies of all routes together.
        dialect: request format of the route.
    """

    app: ASGIApp = field(kw_only=False)
    limits: UploadLimits
    models: Sequence[str]
    is_paid: Callable[[Scope], bool]
    is_known: Callable[[Scope], bool]
    room: Room
    dialect: Dialect = OWN

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with an `Upload`, or raise.

        Raises:
            BadRequest, UnknownFormat, InvalidOption, UnknownModel: the query, a form or Content-Digest is wrong.
            InvalidImage, UploadTooLarge, UploadTimeout, UnsupportedMediaType: the body or its headers are wrong.
            Overloaded, UploadsLimited: too many bodies are in memory.
            ClientDisconnect: the client disconnected.
        """
        request = Request(scope, receive)
        _refuse_long_query(scope["query_string"])
        check_encoding(request.headers)
        is_paid = self.is_paid(scope)
        with self.room.hold(address_of(scope), is_known=self.is_known(scope)) as hold:
            received = self._received(hold, is_paid=is_paid)
            form = form_of(request.headers, received, self.dialect.forms)
            if not form.has_fields:
                self._asked(request)
            self._refuse_declared_length(request.headers, form)
            await self._read(request, form)
            UPLOAD.put(scope, self._upload(request, form, received, is_paid=is_paid))
            await self.app(scope, receive, _counting(send, hold))

    def _received(self, hold: Hold, *, is_paid: bool) -> Received:
        kept = None if is_paid else SMALL_BYTES
        return Received(hold.take, max_bytes=self.limits.max_bytes, kept_bytes=kept)

    def _upload(self, request: Request, form: Form, received: Received, *, is_paid: bool) -> Upload:
        body = received.picture
        fields = received.fields
        if not body and not received.url and not is_paid:
            fields = [each for each in fields if each[0] in self.dialect.names]
        declared = (
            ImageFormat.of(body) or ImageFormat.PNG if form.has_fields else declared_format(request.headers, body)
        )
        return Upload(
            body,
            declared,
            self._asked(request, fields),
            self.limits.max_side,
            received.is_whole,
            received.url,
            received,
        )

    def _asked(self, request: Request, fields: Sequence[tuple[str, str]] = ()) -> Asked:
        """The options of the query and of a form. Raises as `Dialect.read`, and UnknownModel."""
        named = QueryParams([*request.query_params.multi_items(), *fields]) if fields else request.query_params
        wish = self.dialect.read(named)
        output = accepted(request.headers, wish.outputs) if wish.is_open else wish.outputs[0]
        is_acceptable = output is not None or json_answer.is_wanted(request.headers)
        return Asked(wish, output or wish.outputs[0], _model(named, self.models), is_acceptable)

    def _max_body(self, form: Form) -> int:
        """Limit of a whole body in bytes."""
        most = self.limits.max_bytes
        return int(most * _ENCODED) + _BESIDE_PICTURE if form.has_fields else most

    def _refuse_declared_length(self, headers: Headers, form: Form) -> None:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_body(form):
            raise self._too_large()

    async def _read(self, request: Request, form: Form) -> None:
        """Read as much of the body as is needed."""
        digest = ContentDigest(request.headers)
        size, is_enough = 0, False

        def take(piece: bytes) -> bool:
            nonlocal size, is_enough
            size += len(piece)
            if size > self._max_body(form):
                raise self._too_large()
            digest.update(piece)
            is_enough = not form.feed(piece)
            return not is_enough

        limits = self.limits
        await body.read(
            request,
            take,
            timeout_s=limits.receive_timeout_s,
            pace_bytes_s=limits.pace_bytes_s,
            pace_window_s=limits.pace_window_s,
        )
        if not is_enough:
            digest.check()
        if size and not is_enough:
            form.close()

    def _too_large(self) -> UploadTooLarge:
        return UploadTooLarge(f"The image exceeds the limit of {self.limits.max_bytes} bytes.")


def _counting(send: Send, hold: Hold) -> Send:
    """Hold the bytes of a response until it has been sent."""

    async def counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            hold.keep(int(Headers(raw=message["headers"]).get("content-length", "0")))
        await send(message)

    return counted


def _refuse_long_query(query: bytes) -> None:
    if query.count(b"&") >= _MAX_PARAMETERS:
        raise BadRequest(f"The query exceeds the limit of {_MAX_PARAMETERS} parameters.")


def _model(query: QueryParams, served: Sequence[str]) -> str | None:
    """The model that `?model=` names."""
    wanted = query.getlist(MODEL)
    if not wanted:
        return None
    if len(wanted) > 1 or wanted[0] not in served:
        raise UnknownModel(f"'model' must be one of: {', '.join(served)}.")
    return wanted[0]
