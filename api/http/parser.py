"""h11 with additional checks and byte counts."""

from typing import Any

import h11

from api.http.head import RejectedRequest, check_lines, checked, rejected
from api.http.limits import MAX_HEAD_BYTES

_UNCHECKED_CHUNKS = 1000
_MIN_CHUNK_BYTES = 256
"""Each chunk of a body costs about ten microseconds, whatever its size."""


class StrictConnection(h11.Connection):
    """The server side of one connection.

    Attributes:
        fault: status and reason of the last rejected request.
        written: bytes that were passed to the transport.
        received: received bytes.
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD_BYTES)
        self.fault: tuple[int, str] | None = None
        self.written = 0
        self.received = 0
        self._chunks = 0
        self._chunk_bytes = 0

    def receive_data(self, data: bytes) -> None:
        """Receive data; b"" is the end."""
        self.received += len(data)
        super().receive_data(data)

    def send(self, event: Any) -> Any:
        """As h11's: the bytes to write for an event."""
        data = super().send(event)
        self.written += len(data or b"")
        return data

    def next_event(self) -> Any:
        """As h11's; also raises RemoteProtocolError for heads that `head` rejects and for bodies in tiny chunks."""
        try:
            if self.their_state is h11.IDLE:
                check_lines(self.trailing_data[0])
            event = super().next_event()
            return checked(event) if isinstance(event, h11.Request) else self._counted(event)
        except h11.RemoteProtocolError as error:
            self.fault = error.error_status_hint, str(error) if isinstance(error, RejectedRequest) else ""
            raise

    def _counted(self, event: Any) -> Any:
        if isinstance(event, h11.EndOfMessage):
            self._chunks = self._chunk_bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += 1
            self._chunk_bytes += len(event.data)
            if self._chunks > _UNCHECKED_CHUNKS and self._chunk_bytes < _MIN_CHUNK_BYTES * self._chunks:
                raise rejected("The body arrives in too many small chunks. Send larger ones.")
        return event
