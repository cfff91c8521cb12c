"""A codec that does what the file says, as a hostile file may make a real one do. It runs in a decoder process.

What it finds out it says as an `InvalidImage`, which reaches whoever called `DecoderPool.decode`.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from errors import InvalidImage
from imaging import ImageInfo, Picture

_F_SETOWN = 8


def decode(body: bytes, info: ImageInfo) -> Picture:
    """Do what the body says; a picture without alpha, full of 7, where that is possible."""
    order, _, argument = body.decode().partition(" ")
    failure = _failure(order, argument)
    if failure:
        raise InvalidImage(failure)  # not within the handler: an OSError as its cause would be the decoder's own fault
    return Picture(np.full((info.height, info.width, 4), 7, np.uint8), has_alpha=False)


def _failure(order: str, argument: str) -> str | None:
    try:
        _ORDERS[order](argument)
    except OSError as error:
        return f"OSError: {error.strerror}"
    return None


def _segfault(_: str) -> None:
    ctypes.string_at(0)


def _spin(_: str) -> None:
    while True:
        pass


def _eat(megabytes: str) -> None:
    np.ones(int(megabytes) * 1_000_000, np.uint8)


def _leak(megabytes: str) -> None:
    _leaked.append(np.ones(int(megabytes) * 1_000_000, np.uint8))


def _bug(_: str) -> None:
    raise AttributeError("a bug")


def _late_import(_: str) -> None:
    """As `imaging.decode` makes a refusal of whatever a codec raises."""
    try:
        import wave  # noqa: F401, PLC0415  # of the standard library, and nobody else's
    except OSError as error:
        raise InvalidImage("The image file is damaged.") from error


def _look_into(pid: str) -> None:
    """process_vm_readv of the service's memory, by number: libc has a name for it only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.process_vm_readv(int(pid), 0, 0, 0, 0, 0) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _limit(pid: str) -> None:
    import resource  # noqa: PLC0415  # loaded already

    resource.prlimit(int(pid), resource.RLIMIT_CORE, (0, 0))


def _own_the_socket(pid: str) -> None:
    """Let the kernel send the service a signal whenever something comes."""
    import fcntl  # noqa: PLC0415  # loaded already

    fcntl.fcntl(int(sys.argv[1]), _F_SETOWN, int(pid))


def _say_environment(_: str) -> None:
    raise InvalidImage(" ".join(sorted(os.environ)))


_leaked: list[object] = []

_ORDERS: dict[str, Callable[[str], object]] = {
    "nothing": lambda _: None,
    "abort": lambda _: os.abort(),
    "segfault": _segfault,
    "exit": lambda status: os._exit(int(status)),
    "hang": lambda _: time.sleep(600),
    "spin": _spin,
    "eat": _eat,
    "leak": _leak,
    "bug": _bug,
    "late-import": _late_import,
    "read": lambda path: Path(path).read_bytes(),
    "connect": lambda _: socket.create_connection(("127.0.0.1", 9)),
    "socket": lambda _: socket.socket(socket.AF_UNIX),
    "run": lambda _: subprocess.run(["true"], check=True),
    "fork": lambda _: os.fork(),
    "thread": lambda _: threading.Thread(target=time.sleep, args=(0,)).start(),
    "kill": lambda pid: os.kill(int(pid), signal.SIGCONT),
    "look-into": _look_into,
    "limit": _limit,
    "own-the-socket": _own_the_socket,
    "environment": _say_environment,
}
