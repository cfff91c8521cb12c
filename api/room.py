"""Limits the memory of requests: bodies while they arrive and are processed, responses until they are sent.

One address cannot use all of it, and a part is reserved for payers who have paid here before. Small bodies are always
accepted.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from errors import Overloaded, UploadsLimited

SMALL_BYTES = 65_536
"""Bytes of a body that every request may hold; an unpaid request holds no more."""

_FOR_STRANGERS = 3 / 4
_RETRY_S = 5


class Hold:
    """The bytes of a `Room` that one request holds."""

    def __init__(self, room: "Room", address: str, *, is_known: bool) -> None:
        self._room = room
        self._address = address
        self._limit = room.total if is_known else int(room.total * _FOR_STRANGERS)
        self._bytes = 0
        self._is_released = False

    def take(self, size: int) -> None:
        """Hold more bytes.

        Raises:
            UploadsLimited: the requests of this address are at their limit.
            Overloaded: all requests together are at their limit.
        """
        if self._bytes + size > SMALL_BYTES:
            if self._room.by_address[self._address] + size > self._room.per_address:
                raise UploadsLimited(
                    "This address has too many uploads in progress. Send the request again when one has ended.",
                    retry_after=_RETRY_S,
                )
            self._refuse_over(size, self._limit)
        self._refuse_over(size, self._room.total)
        self.keep(size)

    def keep(self, size: int) -> None:
        """Count bytes that are already in memory, regardless of the limits. Does nothing after `release`, because a
        sale may continue after its request has ended."""
        if self._is_released:
            return
        self._bytes += size
        self._room.held += size
        self._room.by_address[self._address] += size

    def release(self) -> None:
        """Release all bytes."""
        self.keep(-self._bytes)
        self._is_released = True
        if not self._room.by_address[self._address]:
            del self._room.by_address[self._address]

    def _refuse_over(self, size: int, limit: int) -> None:
        if self._room.held + size > limit:
            raise Overloaded("Too many uploads are in progress. Send the request again shortly.", retry_after=_RETRY_S)


class Room:
    """All bytes that the requests of one process hold.

    Args:
        total: limit of all requests together.
        per_address: limit of the requests of one address.

    Attributes:
        held: bytes of all requests.
        by_address: bytes by address.
    """

    def __init__(self, total: int, per_address: int) -> None:
        self.total = total
        self.per_address = per_address
        self.held = 0
        self.by_address: Counter[str] = Counter()

    @contextmanager
    def hold(self, address: str, *, is_known: bool) -> Iterator[Hold]:
        """The share of one request while it is processed.

        Args:
            is_known: whether its payer has paid here before.
        """
        hold = Hold(self, address, is_known=is_known)
        try:
            yield hold
        finally:
            hold.release()
