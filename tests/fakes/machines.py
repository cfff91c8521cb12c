"""A device for the batcher that works only when it is let, and remembers every batch."""

import threading
from collections.abc import Callable

import numpy as np

from runners.backend import Pixels


class Machine:
    """`Backend.infer` whose batches each wait for `let_go`; a picture's alpha is its first colour.

    Attributes:
        batches: the sizes of all batches so far.
        fails: called with a batch before it is worked on; raises what is to go wrong.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[int] = []
        self.seen: list[int] = []
        """The first value of every picture, in the order in which they came."""
        self.fails: Callable[[Pixels], None] = lambda images: None
        self._begun = threading.Semaphore(0)
        self._let = threading.Semaphore(0)
        self._held = held

    def run(self, images: Pixels) -> Pixels:
        """Work on one batch."""
        self.batches.append(len(images))
        self.seen += [int(image.flat[0]) for image in images]
        self._begun.release()
        if self._held:
            assert self._let.acquire(timeout=30)
        self.fails(images)
        return np.ascontiguousarray(images[..., 0])

    def wait_until_begun(self) -> None:
        """Block this thread, an event loop's too, until one more batch has begun: no timer of that loop can help."""
        assert self._begun.acquire(timeout=10), "no batch has begun"

    def let_go(self, batches: int = 1) -> None:
        """Let this many batches end."""
        self._let.release(batches)

    def hold(self) -> None:
        """From now on batches wait."""
        self._held = True

    def release(self) -> None:
        """From now on none does."""
        self._held = False
        self._let.release(1000)
