"""uvicorn's HTTP/1.1 protocol with our limits and with problem responses for requests that cannot be parsed."""

import logging
import uuid
from asyncio import BaseTransport, TimerHandle
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.config import ConnectionLimits
from api.http.limits import MAX_HEAD_BYTES
from api.http.open_connections import OpenConnections
from api.http.parser import StrictConnection
from api.http.throughput import MinimumThroughput
from api.problems import problem
from errors import BadRequest, HeadTooLarge, RequestTimeout, ServiceError, TargetTooLong, VersionNotSupported
from telemetry import REQUESTS

_FAULTS: Final[dict[int, type[ServiceError]]] = {
    each.status: each for each in (RequestTimeout, TargetTooLong, HeadTooLarge, VersionNotSupported)
}
_quiet = logging.getLogger("api.http.unreadable")  # its own logger, because the level applies to all children
_quiet.setLevel(logging.ERROR)  # uvicorn logs a line for every invalid request


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
        self.timeout_keep_alive = limits.keep_alive_s  # uvicorn's timer, which otherwise has BentoML's 5 s
        self.peer = ""
        self._waiting: TimerHandle | None = None
        self._idle_since = self.loop.time()
        self._read_throughput = MinimumThroughput(limits.pace_bytes_s, limits.pace_window_s)
        self._write_throughput = MinimumThroughput(limits.pace_bytes_s, limits.pace_window_s)

    def connection_made(self, transport: BaseTransport) -> None:
        """Register the connection, or close it if there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn wants less than asyncio promises
        self.peer = self.client[0] if self.client else ""
        if not self.open.admit(self):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the connection."""
        self.open.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came. The time limit of a request starts with its first byte."""
        if self._is_between_requests:
            self._idle_since = self.loop.time()
        super().data_received(data)

    def handle_events(self) -> None:
        """Parse received data. A request above the rate limit waits."""
        if self._waiting is not None:
            return
        wait_s = self.open.wait_s(self, self.loop.time()) if self._begins_request else 0.0
        if wait_s:
            self.flow.pause_reading()
            self._waiting = self.loop.call_later(wait_s, self._resume)
            return
        super().handle_events()
        if self._is_response_due:
            self.open.busy(self)

    @property
    def _begins_request(self) -> bool:
        return self.conn.their_state is h11.IDLE and b"\r\n\r\n" in self.conn.trailing_data[0]

    def _resume(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.handle_events()

    def on_response_complete(self) -> None:
        """No response is due."""
        self._idle_since = self.loop.time()
        self._read_throughput.reset()
        self.open.idle(self)
        super().on_response_complete()

    def shutdown(self) -> None:
        """The service stops: continue only with a completely received request."""
        if not self._is_response_due:
            self.transport.close()
        elif self.cycle.more_body:
            self.abort()
        else:
            self.cycle.keep_alive = False

    @property
    def _is_response_due(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_between_requests(self) -> bool:
        """After an answer, before the first byte of another request."""
        return self.cycle is not None and self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]

    def overdue(self, now: float) -> str | None:
        """Why this connection must be closed, see `Connection.overdue`."""
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            return None if self._write_throughput.is_met(now, self.conn.written - unsent) else "slow reader"
        self._write_throughput.reset()
        if self._is_response_due or self._waiting is not None or self.transport.is_closing():
            return None  # the server is working, or delays a request because of the rate limit
        if self._is_between_requests:
            return None  # the timer of `timeout_keep_alive` closes it
        waited = now - self._idle_since
        if self.conn.their_state is h11.SEND_BODY:
            fast = self._read_throughput.is_met(now, self.conn.received)
            return None if fast and waited < self.open.limits.discard_timeout_s else "slow body"
        return None if waited < self.open.limits.head_timeout_s else "no request"

    def expire(self) -> None:
        """Answer 408 if a request was partly received; otherwise only close."""
        began = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        if began and not self.transport.get_write_buffer_size():
            seconds = f"{self.open.limits.head_timeout_s:g}"
            self._refuse(RequestTimeout(f"The header fields were not complete within {seconds} seconds."))
        else:
            self.abort()

    def abort(self) -> None:
        """Close immediately."""
        self.transport.abort()

    def _should_upgrade(self) -> bool:
        return False  # no upgrades are supported; the request is answered normally

    def send_400_response(self, msg: str) -> None:
        """Answer with an error and close; only close if the request was already answered when its body was invalid."""
        status, detail = self.conn.fault or (400, "")
        if status in _FAULTS:
            self._refuse(_FAULTS[status](detail or f"The header fields exceed the limit of {MAX_HEAD_BYTES} bytes."))
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
        if self._is_response_due:
            self.cycle.disconnected = True  # the response was sent; the application must not send another one
            self.cycle.message_event.set()
        self.transport.close()

    def _write(self, event: h11.Event) -> None:
        self.transport.write(self.conn.send(event) or b"")
