"""A cache of recent results in memory, so that most re-sent payments need no new work. Limited in bytes."""

from dataclasses import dataclass

from cachetools import LRUCache

from payments.rail import HeaderFields


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result: headers and body of a finished response, without the receipt."""

    headers: HeaderFields
    body: bytes


class ResultCache:
    """Results by order digest, per worker; the least recently used are dropped first. A result larger than the whole
    cache is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._items: LRUCache[str, Delivery] = LRUCache(max(max_bytes, 1), getsizeof=lambda item: len(item.body))

    def get(self, digest: str) -> Delivery | None:
        """The result, if it is in the cache."""
        return self._items.get(digest)

    def put(self, digest: str, delivery: Delivery) -> None:
        """Add a result."""
        if len(delivery.body) <= self._max_bytes:
            self._items[digest] = delivery
