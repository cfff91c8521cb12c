"""Steps for `tests.fuzz` that have the faults which it must find."""

import os
import time

from imaging import ImageFormat


def crashing(body: bytes, declared: ImageFormat) -> str:
    """A codec with a bug in C: the process dies of one file in fifty."""
    if len(body) % 50 == 7:
        os.abort()
    return "decoded"


def raising(body: bytes, declared: ImageFormat) -> str:
    """A bug in Python."""
    if len(body) % 50 == 7:
        raise KeyError("no such chunk")
    return "decoded"


def greedy(body: bytes, declared: ImageFormat) -> str:
    """Takes memory that a file says it needs."""
    if len(body) % 500 == 7:
        bytearray(1_200_000_000)
    return "decoded"


def slow(body: bytes, declared: ImageFormat) -> str:
    """Works on a file for ever, or nearly."""
    until = time.process_time() + (3.2 if len(body) % 500 == 7 else 0)
    while time.process_time() < until:
        pass
    return "decoded"
