"""The bytes that requests may hold: bodies while they arrive and are worked on, answers until they are read.

One address cannot take all of it, and a part is kept for payers who have paid here before. What is small is let in
whatever others hold.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from errors import Overloaded, UploadsLimited

SMALL_BYTES = 65_536
"""Of a body: the least that every request may hold, and all that an unpaid one does."""

_FOR_STRANGERS = 3 / 4
_RETRY_S = 5


class Hold:
    """What one request holds of a `Room`."""

    def __init__(self, room: "Room", address: str, *, is_known: bool) -> None:
        self._room = room
        self._address = address
        self._limit = room.total if is_known else int(room.total * _FOR_STRANGERS)
        self._bytes = 0
        self._is_released = False

    def take(self, size: int) -> None:
        """Hold so many more bytes.

        Raises:
            UploadsLimited: requests of this address hold enough.
            Overloaded: all requests together do.
        """
        if self._bytes + size > SMALL_BYTES:
            if self._room.by_address[self._address] + size > self._room.per_address:
                raise UploadsLimited(
                    "This address has too many uploads under way. Send the request again when one has ended.",
                    retry_after=_RETRY_S,
                )
            self._refuse_over(size, self._limit)
        self._refuse_over(size, self._room.total)
        self.keep(size)

    def keep(self, size: int) -> None:
        """Hold so many more bytes that are there already, whatever the limits say. Once it is released nothing is held:
        a sale may go on after its request has ended."""
        if self._is_released:
            return
        self._bytes += size
        self._room.held += size
        self._room.by_address[self._address] += size

    def release(self) -> None:
        """Hold nothing any more."""
        self.keep(-self._bytes)
        self._is_released = True
        if not self._room.by_address[self._address]:
            del self._room.by_address[self._address]

    def _refuse_over(self, size: int, limit: int) -> None:
        if self._room.held + size > limit:
            raise Overloaded("Too many uploads are under way. Send the request again shortly.", retry_after=_RETRY_S)


class Room:
    """All bytes that the requests of one process hold.

    Args:
        total: as many as they may hold together.
        per_address: as many as those of one address may hold.

    Attributes:
        held: of all requests.
        by_address: of those of each address.
    """

    def __init__(self, total: int, per_address: int) -> None:
        self.total = total
        self.per_address = per_address
        self.held = 0
        self.by_address: Counter[str] = Counter()

    @contextmanager
    def hold(self, address: str, *, is_known: bool) -> Iterator[Hold]:
        """A request's share while it is answered.

        Args:
            is_known: whether it has a payment of a payer that has paid here before.
        """
        hold = Hold(self, address, is_known=is_known)
        try:
            yield hold
        finally:
            hold.release()
