"""What the server cannot read as HTTP never becomes a request of the application; it is refused in the same form."""

import uuid
from typing import Any, ClassVar

import h11
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.problems import problem
from errors import BadRequest


class ProblemProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 that answers a problem instead of a line of text.

    Attributes:
        straight_to: the application to call in place of the one that the server was given, for the whole process.
    """

    straight_to: ClassVar[tuple[ASGIApp] | None] = None

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        if self.straight_to is not None:
            [self.app] = self.straight_to

    def send_400_response(self, msg: str) -> None:
        """Refuse and hang up; only hang up when this request was answered already and its body turns out broken."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            request_id = uuid.uuid4().hex
            refusal = problem(
                BadRequest("Malformed HTTP/1.1 request, or header fields too large."),
                request_id,
            )
            headers = [*refusal.raw_headers, (b"X-Request-Id", request_id.encode()), (b"Connection", b"close")]
            self._write(h11.Response(status_code=refusal.status_code, headers=headers, reason=b"Bad Request"))
            self._write(h11.Data(data=bytes(refusal.body)))
            self._write(h11.EndOfMessage())
        self.transport.close()

    def _write(self, event: h11.Event) -> None:
        self.transport.write(self.conn.send(event) or b"")
