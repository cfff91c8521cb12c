"""Returns free memory to the system after bursts.

glibc keeps freed memory for reuse, in an arena for each thread: after a burst of large pictures this is hundreds of
unused megabytes.
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable, MutableMapping
from functools import cache

ARENAS = "2"
"""Threads share these arenas: with one arena per thread, no thread could reuse the memory that another one freed."""

_EVERY_S = 5.0


def bound_arenas(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set it for the child processes; glibc reads the variable at the start of a process."""
    environment.setdefault("MALLOC_ARENA_MAX", ARENAS)


async def keep_giving_back(made: Callable[[], float], *, every_s: float = _EVERY_S) -> None:
    """Return free memory whenever pictures were processed since the last time, until cancelled.

    Args:
        made: number of processed pictures.
    """
    before = made()
    while True:
        await asyncio.sleep(every_s)
        now = made()
        if now != before:
            before = now
            await asyncio.to_thread(give_back)


def give_back() -> bool:
    """Return free memory to the system; returns whether there was any. False if the C library cannot do this."""
    library = _glibc()
    return bool(library and library.malloc_trim(0))


@cache
def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None
