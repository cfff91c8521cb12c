"""The uploaded picture: size and type are judged from the headers and while it streams in, before any decoding.

Of a picture that comes without a payment only the beginning is taken: it tells what a quote needs to know.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import body
from api.addresses import address_of
from api.config import UploadLimits
from api.content_digest import check_digest
from api.form import accepted, check_encoding, check_type, declared_format, unsupported
from api.options import MODEL, Wish, read_wish
from api.room import SMALL_BYTES, Hold, Room
from errors import BadRequest, InvalidImage, UnknownModel, UploadTooLarge
from imaging import ImageFormat, ImageInfo, Output, judge_beginning, probe
from request_state import StateKey

_MAX_PARAMETERS = 32
"""Each costs time to be read, known or not."""


@dataclass(frozen=True)
class Upload:
    """One request's body and what is to become of it.

    Attributes:
        declared: the format that Content-Type names; None for no body, or JSON in its place.
        wish: what the query asks for.
        output: that of the wish's outputs which `Accept` chose.
        model: the one that the query names, None where it names none.
        is_acceptable: whether `Accept` takes the output's format at all.
        is_whole: whether `body` is all of it, and not only its beginning.
    """

    body: bytes = field(repr=False)
    declared: ImageFormat | None
    wish: Wish
    output: Output
    max_side: int
    model: str | None = None
    is_acceptable: bool = True
    is_whole: bool = True

    @property
    def is_probe(self) -> bool:
        """Whether no picture was sent, as directories and payment tools do to learn the price."""
        return not self.body or self.declared is None

    @cached_property
    def info(self) -> ImageInfo:
        """Format and size, read from the picture's header.

        Raises:
            InvalidImage: empty, not what Content-Type says, damaged, or more pixels than allowed.
            UnsupportedMediaType: JSON.
        """
        if not self.body:
            raise InvalidImage("The body is empty. Send the bytes of a PNG, JPEG or WebP image.")
        if self.declared is None:
            raise unsupported()
        return probe(self.body, self.declared, self.max_side)

    def validate(self) -> None:
        """Refuse what could never be cut out, as far as it has come. Raises as `info`."""
        if self.is_whole or self.declared is None:
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
        models: what `?model=` may name.
        is_paid: whether a request comes with a payment; of others only the beginning of the body is read.
        is_known: whether it is one of somebody who has paid here before.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: UploadLimits,
        models: Sequence[str],
        is_paid: Callable[[Scope], bool],
        is_known: Callable[[Scope], bool],
    ) -> None:
        self.app = app
        self.limits = limits
        self.models = models
        self.is_paid = is_paid
        self.is_known = is_known
        self._room = Room(limits.max_bytes_in_flight, limits.max_bytes_per_address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with an `Upload`, or raise.

        Raises:
            BadRequest, UnknownFormat, InvalidOption, UnknownModel: the query, or a wrong Content-Digest.
            UploadTooLarge, UploadTimeout, UnsupportedMediaType: the body, or its headers.
            Overloaded, UploadsLimited: too many bodies are held already.
            ClientDisconnect: the client hung up.
        """
        request = Request(scope, receive)
        _refuse_long_query(scope["query_string"])
        wish = read_wish(request.query_params)
        output = accepted(request.headers, wish.outputs) if wish.is_open else wish.outputs[0]
        model = _model(request.query_params, self.models)
        check_encoding(request.headers)
        self._refuse_declared_length(request.headers)
        with self._room.hold(address_of(scope), is_known=self.is_known(scope)) as hold:
            content, is_whole = await self._receive(request, hold, is_paid=self.is_paid(scope))
            if is_whole:
                check_digest(request.headers, content)
            upload = Upload(
                content,
                declared_format(request.headers, content) if content else None,
                wish,
                output or wish.outputs[0],
                self.limits.max_side,
                model,
                is_acceptable=output is not None,
                is_whole=is_whole,
            )
            UPLOAD.put(scope, upload)
            await self.app(scope, receive, _counting(send, hold))

    def _refuse_declared_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self.limits.max_bytes:
            raise self._too_large()

    async def _receive(self, request: Request, hold: Hold, *, is_paid: bool) -> tuple[bytes, bool]:
        """The body, and whether it is all of it."""
        pieces: list[bytes] = []
        size = 0

        def take(chunk: bytes) -> bool:
            nonlocal size
            if not pieces:
                check_type(request.headers)
            hold.take(len(chunk))
            size += len(chunk)
            pieces.append(chunk)
            if size > self.limits.max_bytes:
                raise self._too_large()
            return is_paid or size <= SMALL_BYTES

        limits = self.limits
        await body.read(
            request,
            take,
            timeout_s=limits.receive_timeout_s,
            pace_bytes_s=limits.pace_bytes_s,
            pace_window_s=limits.pace_window_s,
        )
        content = b"".join(pieces)
        return (content, True) if is_paid or size <= SMALL_BYTES else (content[:SMALL_BYTES], False)

    def _too_large(self) -> UploadTooLarge:
        return UploadTooLarge(f"A picture may have up to {self.limits.max_bytes} bytes.")


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
