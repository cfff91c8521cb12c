"""The uploaded picture: size and type are judged from the headers and while it streams in, before any decoding.

Of a picture that comes without a payment only the beginning is kept: it tells what a quote needs to know. Where the
picture is the body itself, no more is read; in a form, options may follow it.
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
"""Each costs time to be read, known or not."""

_ENCODED = 3 / 2
"""Bytes of a body for each byte of the picture in it: Base64 takes 4/3, and escapes in JSON some more."""

_BESIDE_PICTURE = 131_072
"""Bytes of a form for everything else: fields, boundaries, headers of parts."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        output: that of the wish's outputs which `Accept` chose.
        model: the one that is named, None where none is.
        is_acceptable: whether `Accept` takes the output's format, or JSON, at all.
    """

    wish: Wish
    output: Output
    model: str | None = None
    is_acceptable: bool = True


@dataclass(frozen=True)
class Upload:
    """One request's picture and what is to become of it.

    Attributes:
        body: the bytes of the picture's file, whatever form they came in.
        declared: the format that Content-Type names, else that of the first bytes.
        is_whole: whether `body` is all of it, and not only its beginning.
        url: where the picture is, when it was not sent itself.
        into: takes what is fetched from there.
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
        """Whether no picture was sent, as directories and payment tools do to learn the price."""
        return not self.body and self.url is None

    @cached_property
    def info(self) -> ImageInfo:
        """Format and size, read from the picture's header.

        Raises:
            InvalidImage: empty, not what Content-Type says, damaged, or more pixels than allowed.
        """
        if not self.body:
            raise InvalidImage("No image came. Send the bytes of a PNG, JPEG or WebP image.")
        return probe(self.body, self.declared, self.max_side)

    def fetched(self) -> "Upload":
        """The same, with what `into` has taken."""
        body = self.into.picture if self.into else b""
        return replace(self, body=body, declared=declared_format(Headers(), body))

    def validate(self) -> None:
        """Refuse what could never be cut out, as far as it has come. Raises as `info`."""
        if self.is_whole:
            _ = self.info
        else:
            judge_beginning(self.body, self.declared, self.max_side)


UPLOAD = StateKey[Upload]("upload")


def upload_of(scope: Scope) -> Upload:
    """The upload that `UploadMiddleware` put into the request's state."""
    return UPLOAD.of(scope)


class UploadMiddleware:
    """Reads the body once, within the limits, and leaves it in the request's state as an `Upload`.

    Args:
        models: what `model` may name.
        is_paid: whether a request comes with a payment; of others only the beginning of the picture is kept.
        is_known: whether its client has paid here before.
        room: for the bodies of all routes together.
        dialect: of the route.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: UploadLimits,
        models: Sequence[str],
        is_paid: Callable[[Scope], bool],
        is_known: Callable[[Scope], bool],
        room: Room,
        dialect: Dialect = OWN,
    ) -> None:
        self.app = app
        self.limits = limits
        self.models = models
        self.is_paid = is_paid
        self.is_known = is_known
        self.dialect = dialect
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with an `Upload`, or raise.

        Raises:
            BadRequest, UnknownFormat, InvalidOption, UnknownModel: the query or a form, or a wrong Content-Digest.
            InvalidImage, UploadTooLarge, UploadTimeout, UnsupportedMediaType: the body, or its headers.
            Overloaded, UploadsLimited: too many bodies are held already.
            ClientDisconnect: the client hung up.
        """
        request = Request(scope, receive)
        _refuse_long_query(scope["query_string"])
        check_encoding(request.headers)
        is_paid = self.is_paid(scope)
        with self._room.hold(address_of(scope), is_known=self.is_known(scope)) as hold:
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
        """What the query asks for, and the fields of a form. Raises as `Dialect.read`, and UnknownModel."""
        named = QueryParams([*request.query_params.multi_items(), *fields]) if fields else request.query_params
        wish = self.dialect.read(named)
        output = accepted(request.headers, wish.outputs) if wish.is_open else wish.outputs[0]
        is_acceptable = output is not None or json_answer.is_wanted(request.headers)
        return Asked(wish, output or wish.outputs[0], _model(named, self.models), is_acceptable)

    def _max_body(self, form: Form) -> int:
        """Bytes of a whole body."""
        most = self.limits.max_bytes
        return int(most * _ENCODED) + _BESIDE_PICTURE if form.has_fields else most

    def _refuse_declared_length(self, headers: Headers, form: Form) -> None:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_body(form):
            raise self._too_large()

    async def _read(self, request: Request, form: Form) -> None:
        """Read the body, as far as it is needed."""
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
        return UploadTooLarge(f"An image may have up to {self.limits.max_bytes} bytes.")


def _counting(send: Send, hold: Hold) -> Send:
    """An answer is held until it has been sent."""

    async def counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            hold.keep(int(Headers(raw=message["headers"]).get("content-length", "0")))
        await send(message)

    return counted


def _refuse_long_query(query: bytes) -> None:
    if query.count(b"&") >= _MAX_PARAMETERS:
        raise BadRequest(f"A query may have up to {_MAX_PARAMETERS} parameters.")


def _model(query: QueryParams, served: Sequence[str]) -> str | None:
    """The model that `?model=` names."""
    wanted = query.getlist(MODEL)
    if not wanted:
        return None
    if len(wanted) > 1 or wanted[0] not in served:
        raise UnknownModel(f"'model' names one of: {', '.join(served)}.")
    return wanted[0]
