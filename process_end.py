"""How a worker process ends: with its supervisor, within a bounded time, and without holding other services' sockets.

BentoML's supervisor gives its workers a day to end, and hands each of them the listening sockets of all. A worker that
outlives the supervisor would keep the port: clients connect, and nobody answers.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

import structlog

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.5
_DESCRIPTORS = Path("/proc/self/fd") if sys.platform == "linux" else Path("/dev/fd")


def close_other_listeners(own: int) -> None:
    """Close every inherited socket that listens, apart from the descriptor that this worker was told to serve."""
    for number in [int(each.name) for each in _DESCRIPTORS.iterdir()]:
        if number > 2 and number != own and _listens(number):
            os.close(number)


def _listens(descriptor: int) -> bool:
    try:
        copy = socket.socket(fileno=os.dup(descriptor))
    except OSError:  # no socket, or the descriptor of the folder that was being read
        return False
    with copy:
        try:
            return bool(copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        except OSError:
            return False


def end_with_supervisor(ended: Callable[[], None]) -> None:
    """Call `ended`, in a thread, when the process that started this one is gone. Linux gives orphans another parent."""
    supervisor = os.getppid()

    def watch() -> None:
        while os.getppid() == supervisor:
            time.sleep(_LOOK_EVERY_S)
        log.warning("supervisor_died")
        ended()

    Thread(target=watch, daemon=True, name="supervisor watch").start()


def ask_to_end() -> None:
    """Send this process the signal that supervisors send."""
    os.kill(os.getpid(), signal.SIGTERM)


def end_after(seconds: float, *, unless: Callable[[], bool] = lambda: False, at_most_s: float = 0.0) -> None:
    """End this process at once when the time is over, whatever it is doing.

    Args:
        unless: what is worth waiting for; asked again until `at_most_s` more seconds have passed.
    """

    def wait() -> None:
        time.sleep(seconds)
        last = time.monotonic() + at_most_s
        while unless() and time.monotonic() < last:
            time.sleep(_LOOK_EVERY_S)
        log.warning("shutdown_deadline_exceeded", after_s=seconds)
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(1)

    Thread(target=wait, daemon=True, name="end").start()


def on_first_signal(called: Callable[[], None]) -> None:
    """Call `called` with the first SIGTERM or SIGINT, besides the handlers that are set now. For the main thread."""
    told = False

    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)

        def heard(number: int, frame: object, handler: object = handler) -> None:
            nonlocal told
            if not told:
                told = True
                called()
            if callable(handler):
                handler(number, frame)

        signal.signal(number, heard)
