"""h11 with our own strictness, and counts of what passed."""

from typing import Any

import h11

from api.http.head import Refused, check_lines, checked, refused
from api.http.limits import MAX_HEAD_BYTES

_FREE_PIECES = 1000
_LEAST_PIECE_BYTES = 256
"""Each piece of a body costs some ten microseconds, a byte as much as a megabyte."""


class StrictConnection(h11.Connection):
    """One connection's server side.

    Attributes:
        fault: why the last request was refused, with the status of the answer.
        written: bytes that were put on their way to the client.
        received: bytes that came.
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD_BYTES)
        self.fault: tuple[int, str] | None = None
        self.written = 0
        self.received = 0
        self._pieces = 0
        self._piece_bytes = 0

    def receive_data(self, data: bytes) -> None:
        """Take what came; b"" is the end."""
        self.received += len(data)
        super().receive_data(data)

    def send(self, event: Any) -> Any:
        """As h11's: the bytes to write for an event."""
        data = super().send(event)
        self.written += len(data or b"")
        return data

    def next_event(self) -> Any:
        """As h11's; raises RemoteProtocolError also for what `head` refuses, and for a body in crumbs."""
        try:
            if self.their_state is h11.IDLE:
                check_lines(self.trailing_data[0])
            event = super().next_event()
            return checked(event) if isinstance(event, h11.Request) else self._counted(event)
        except h11.RemoteProtocolError as error:
            self.fault = error.error_status_hint, str(error) if isinstance(error, Refused) else ""
            raise

    def _counted(self, event: Any) -> Any:
        if isinstance(event, h11.EndOfMessage):
            self._pieces = self._piece_bytes = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            self._piece_bytes += len(event.data)
            if self._pieces > _FREE_PIECES and self._piece_bytes < _LEAST_PIECE_BYTES * self._pieces:
                raise refused("The body comes in too many small pieces. Send it in larger ones.")
        return event
