"""The uploaded picture: size and type are judged from the headers and while it streams in, before any decoding."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.form import (
    accepted,
    check_encoding,
    check_type,
    declared_format,
    unsupported,
)
from api.options import MODEL, Wish, read_wish
from errors import (
    InvalidImage,
    Overloaded,
    UnknownModel,
    UploadTimeout,
    UploadTooLarge,
)
from imaging.formats import ImageFormat
from imaging.output import Output
from imaging.probe import ImageInfo, probe


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What may be sent.

    Attributes:
        max_bytes, max_side: of one picture, in bytes and in pixels per side.
        max_bytes_in_flight: of all bodies that one process holds at a time.
        receive_timeout_s: within which a body has to arrive.
    """

    max_bytes: int = 25_000_000
    max_side: int = 10_000
    max_bytes_in_flight: int = 500_000_000
    receive_timeout_s: float = 60.0


@dataclass(frozen=True)
class Upload:
    """One request's body and what is to become of it.

    Attributes:
        declared: the format that Content-Type names; None for no body, or JSON in its place.
        wish: what the query asks for.
        output: that of the wish's outputs which `Accept` chose.
        model: the one that the query names, None where it names none.
        is_acceptable: whether `Accept` takes the output's format at all.
    """

    body: bytes = field(repr=False)
    declared: ImageFormat | None
    wish: Wish
    output: Output
    max_side: int
    model: str | None = None
    is_acceptable: bool = True

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


def upload_of(scope: Scope) -> Upload:
    """The upload that `UploadMiddleware` put into the request's state."""
    upload: Upload = scope["state"]["upload"]
    return upload


class UploadMiddleware:
    """Reads the body once, within the limits, and leaves it in the request's state as an `Upload`.

    Args:
        models: what `?model=` may name.
    """

    def __init__(self, app: ASGIApp, *, limits: UploadLimits, models: Sequence[str]) -> None:
        self.app = app
        self.limits = limits
        self.models = models
        self._bytes_in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with an `Upload`, or raise.

        Raises:
            BadRequest, UnknownFormat, InvalidOption, UnknownModel: the query.
            UploadTooLarge, UploadTimeout, UnsupportedMediaType: the body, or its headers.
            Overloaded: too many bodies are held already.
            ClientDisconnect: the client hung up.
        """
        request = Request(scope, receive)
        wish = read_wish(request.query_params)
        output = accepted(request.headers, wish.outputs) if wish.is_open else wish.outputs[0]
        model = _model(request.query_params, self.models)
        check_encoding(request.headers)
        self._refuse_declared_length(request.headers)
        with self._room() as take:
            body = await self._receive(request, take)
            scope["state"]["upload"] = Upload(
                body,
                declared_format(request.headers, body) if body else None,
                wish,
                output or wish.outputs[0],
                self.limits.max_side,
                model,
                is_acceptable=output is not None,
            )
            await self.app(scope, receive, send)

    def _refuse_declared_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self.limits.max_bytes:
            raise self._too_large()

    async def _receive(self, request: Request, take: Callable[[int], None]) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self.limits.receive_timeout_s):
                async for chunk in request.stream():
                    if chunk and not body:
                        check_type(request.headers)
                    take(len(chunk))
                    body += chunk
                    if len(body) > self.limits.max_bytes:
                        raise self._too_large()
        except TimeoutError as error:
            seconds = f"{self.limits.receive_timeout_s:g}"
            raise UploadTimeout(f"The body did not arrive within {seconds} seconds.") from error
        return bytes(body)

    @contextmanager
    def _room(self) -> Iterator[Callable[[int], None]]:
        """Counts one request's bytes as they arrive, and lets go of all of them at its end."""
        held = 0

        def take(size: int) -> None:
            nonlocal held
            if self._bytes_in_flight + size > self.limits.max_bytes_in_flight:
                raise Overloaded("Too many uploads are under way. Send the request again shortly.")
            self._bytes_in_flight += size
            held += size

        try:
            yield take
        finally:
            self._bytes_in_flight -= held

    def _too_large(self) -> UploadTooLarge:
        return UploadTooLarge(f"A picture may have up to {self.limits.max_bytes} bytes.")


def _model(query: QueryParams, served: Sequence[str]) -> str | None:
    """The model that `?model=` names."""
    wanted = query.getlist(MODEL)
    if not wanted:
        return None
    if len(wanted) > 1 or wanted[0] not in served:
        raise UnknownModel(f"'model' names one of: {', '.join(served)}.")
    return wanted[0]
