"""Memory that bursts have taken goes back to the system.

glibc keeps what is freed for the next time, in an arena for each thread: after a burst of large pictures that is
hundreds of unused megabytes.
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable, MutableMapping
from functools import cache

ARENAS = "2"
"""Threads share these: with one for each thread, a page that one freed is none that another takes."""

_EVERY_S = 5.0


def bound_arenas(environment: MutableMapping[str, str] = os.environ) -> None:
    """For the processes that this one starts; glibc reads it when it begins."""
    environment.setdefault("MALLOC_ARENA_MAX", ARENAS)


async def keep_giving_back(made: Callable[[], float], *, every_s: float = _EVERY_S) -> None:
    """Give free memory back whenever something was made since the last time, until cancelled.

    Args:
        made: how much has been done so far.
    """
    before = made()
    while True:
        await asyncio.sleep(every_s)
        now = made()
        if now != before:
            before = now
            await asyncio.to_thread(give_back)


def give_back() -> bool:
    """Return free memory to the system; whether there was any. False where the C library cannot."""
    library = _glibc()
    return bool(library and library.malloc_trim(0))


@cache
def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None
