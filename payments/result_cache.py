"""Recent results in memory: a re-sent payment is often answered without working again. Bounded in bytes."""

from dataclasses import dataclass

from cachetools import LRUCache

from payments.rail import HeaderFields


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is sold: the headers and the body of a finished answer, without its receipt."""

    headers: HeaderFields
    body: bytes


class ResultCache:
    """Least-recently-used results by order digest, per worker; one whose body is over the whole bound is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._items: LRUCache[str, Delivery] = LRUCache(max(max_bytes, 1), getsizeof=lambda item: len(item.body))

    def get(self, digest: str) -> Delivery | None:
        """The result, if it is still kept."""
        return self._items.get(digest)

    def put(self, digest: str, delivery: Delivery) -> None:
        """Keep a result."""
        if len(delivery.body) <= self._max_bytes:
            self._items[digest] = delivery
