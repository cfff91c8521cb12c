"""Recent results in memory: a re-sent payment is often answered without working again. Bounded in bytes."""

from typing import Generic, TypeVar

from cachetools import LRUCache

T = TypeVar("T")


class ResultCache(Generic[T]):
    """Least-recently-used results by order digest, per worker; an item over the whole bound is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._items: LRUCache[str, tuple[T, int]] = LRUCache(max(max_bytes, 1), getsizeof=lambda item: item[1])

    def get(self, digest: str) -> T | None:
        """The result, if it is still kept."""
        item = self._items.get(digest)
        return item[0] if item else None

    def put(self, digest: str, delivery: T, *, size: int) -> None:
        """Keep a result of `size` bytes."""
        if size <= self._max_bytes:
            self._items[digest] = (delivery, size)
