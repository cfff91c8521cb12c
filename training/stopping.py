"""Ctrl-C between two steps or pictures. It must not be raised inside of a render: Cycles swallows it and hangs."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Yields what says whether a signal asked to stop. A second one ends the process at once."""
    stopped: list[int] = []

    def stop(number: int, _frame: object) -> None:
        if stopped:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stopped.append(number)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield lambda: bool(stopped)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
