"""uvicorn's HTTP/1.1 with our limits, and with problems for what never becomes a request of the application."""

import logging
import uuid
from asyncio import BaseTransport, TimerHandle
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.config import ConnectionLimits
from api.http.limits import MAX_HEAD_BYTES
from api.http.open_connections import OpenConnections
from api.http.pace import Pace
from api.http.parser import StrictConnection
from api.problems import problem
from errors import BadRequest, HeadTooLarge, RequestTimeout, ServiceError, TargetTooLong, VersionNotSupported
from telemetry import REQUESTS

_FAULTS: Final[dict[int, type[ServiceError]]] = {
    each.status: each for each in (RequestTimeout, TargetTooLong, HeadTooLarge, VersionNotSupported)
}
_quiet = logging.getLogger("api.http.unreadable")  # for nobody else: the level holds for all below a name
_quiet.setLevel(logging.ERROR)  # uvicorn would write a line for whatever anybody sends that is no HTTP


class ClientProtocol(H11Protocol):
    """One client's connection.

    Attributes:
        open: all connections of this process.
    """

    open: ClassVar[OpenConnections] = OpenConnections(ConnectionLimits())

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.logger = _quiet
        self.conn: StrictConnection = StrictConnection()
        limits = self.open.limits
        self.peer = ""
        self._waiting: TimerHandle | None = None
        self._idle_since = self.loop.time()
        self._reading_pace = Pace(limits.pace_bytes_s, limits.pace_window_s)
        self._writing_pace = Pace(limits.pace_bytes_s, limits.pace_window_s)

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, unless there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn wants less than asyncio promises
        self.peer = self.client[0] if self.client else ""
        if not self.open.admit(self):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.open.remove(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read what came; a request that begins is owed an answer. One too many waits."""
        if self._waiting is not None:
            return
        wait_s = self.open.wait_s(self, self.loop.time()) if self._begins_request else 0.0
        if wait_s:
            self.flow.pause_reading()
            self._waiting = self.loop.call_later(wait_s, self._go_on)
            return
        super().handle_events()
        if self._owes_answer:
            self.open.busy(self)

    @property
    def _begins_request(self) -> bool:
        return self.conn.their_state is h11.IDLE and b"\r\n\r\n" in self.conn.trailing_data[0]

    def _go_on(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.handle_events()

    def on_response_complete(self) -> None:
        """Nothing is owed until the next request, whose time begins now."""
        self._idle_since = self.loop.time()
        self._reading_pace.rest()
        self.open.idle(self)
        super().on_response_complete()

    def shutdown(self) -> None:
        """The service stops: go on only with a request that has come whole."""
        if not self._owes_answer:
            self.transport.close()
        elif self.cycle.more_body:
            self.abort()
        else:
            self.cycle.keep_alive = False

    @property
    def _owes_answer(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def overdue(self, now: float) -> str | None:
        """Why this connection should end, see `Connection.overdue`."""
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            return None if self._writing_pace.is_kept(now, self.conn.written - unsent) else "slow reader"
        self._writing_pace.rest()
        if self._owes_answer or self._waiting is not None or self.transport.is_closing():
            return None  # it is our turn, also where a request that has come must wait for the address's rate
        waited = now - self._idle_since
        if self.conn.their_state is h11.SEND_BODY:
            fast = self._reading_pace.is_kept(now, self.conn.received)
            return None if fast and waited < self.open.limits.discard_timeout_s else "slow body"
        return None if waited < self.open.limits.head_timeout_s else "no request"

    def expire(self) -> None:
        """Answer 408 where a request had begun to arrive; otherwise only end."""
        began = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        if began and not self.transport.get_write_buffer_size():
            seconds = f"{self.open.limits.head_timeout_s:g}"
            self._refuse(RequestTimeout(f"The header fields were not complete within {seconds} seconds."))
        else:
            self.abort()

    def abort(self) -> None:
        """End at once."""
        self.transport.abort()

    def _should_upgrade(self) -> bool:
        return False  # nobody here talks over anything else; the request is answered as if it had not asked

    def send_400_response(self, msg: str) -> None:
        """Refuse and hang up; only hang up when this request was answered already and its body turns out broken."""
        status, detail = self.conn.fault or (400, "")
        if status in _FAULTS:
            self._refuse(_FAULTS[status](detail or f"Header fields may have up to {MAX_HEAD_BYTES} bytes in all."))
        else:
            self._refuse(BadRequest(detail or "Malformed HTTP/1.1 request."))

    def _refuse(self, error: ServiceError) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            request_id = uuid.uuid4().hex
            refusal = problem(error, request_id)
            headers = [*refusal.raw_headers, (b"X-Request-Id", request_id.encode()), (b"Connection", b"close")]
            self._write(h11.Response(status_code=refusal.status_code, headers=headers, reason=error.title.encode()))
            self._write(h11.Data(data=bytes(refusal.body)))
            self._write(h11.EndOfMessage())
            REQUESTS.labels("unknown", "other", str(error.status)).inc()
        if self._owes_answer:
            self.cycle.disconnected = True  # this was the answer; the application's would be one too many
            self.cycle.message_event.set()
        self.transport.close()

    def _write(self, event: h11.Event) -> None:
        self.transport.write(self.conn.send(event) or b"")
