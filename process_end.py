"""End of a worker process: with its supervisor, within a time limit, and without holding other services' sockets.

BentoML's supervisor gives its workers a day to stop, and passes the listening sockets of all services to each. A worker
that survives the supervisor would keep the port: clients connect and get no response.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread, Timer

import structlog

log = structlog.get_logger(__name__)

_POLL_S = 0.5
_DESCRIPTORS = Path("/proc/self/fd") if sys.platform == "linux" else Path("/dev/fd")


def close_other_listeners(own: int) -> None:
    """Close every inherited listening socket except the descriptor `own`, which this worker serves."""
    for number in [int(each.name) for each in _DESCRIPTORS.iterdir()]:
        if number > 2 and number != own and _listens(number):
            os.close(number)


def _listens(descriptor: int) -> bool:
    try:
        copy = socket.socket(fileno=os.dup(descriptor))
    except OSError:  # not a socket, or the descriptor of the folder that is being read
        return False
    with copy:
        try:
            return bool(copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        except OSError:
            return False


def end_with_supervisor(ended: Callable[[], None]) -> None:
    """Call `ended` in a thread when the parent process has ended. Linux assigns orphans to another parent."""
    supervisor = os.getppid()

    def watch() -> None:
        while os.getppid() == supervisor:
            time.sleep(_POLL_S)
        log.warning("supervisor_died")
        ended()

    Thread(target=watch, daemon=True, name="supervisor watch").start()


def ask_to_end() -> None:
    """Send SIGTERM to this process."""
    os.kill(os.getpid(), signal.SIGTERM)


def end_after(seconds: float, *, unless: Callable[[], bool] = lambda: False, at_most_s: float = 0.0) -> None:
    """Exit this process after `seconds`, whatever it is doing.

    Args:
        unless: delays the exit while it returns True, by at most `at_most_s` more seconds.
    """

    def wait() -> None:
        time.sleep(seconds)
        deadline = time.monotonic() + at_most_s
        while unless() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        log.warning("shutdown_deadline_exceeded", after_s=seconds)
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(1)

    Thread(target=wait, daemon=True, name="end").start()


def on_first_signal(called: Callable[[], None], *, delay_s: float = 0.0) -> None:
    """Call `called` on the first SIGTERM or SIGINT, before the present handlers. Call it in the main thread.

    Args:
        delay_s: delay of the first signal for the present handlers; a second signal ends the delay.
    """
    was_called = False

    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)

        def handle(number: int, frame: object, handler: object = handler) -> None:
            nonlocal was_called
            is_first, was_called = not was_called, True
            if is_first:
                called()
            if is_first and delay_s:
                later = Timer(delay_s, ask_to_end)
                later.daemon = True
                later.start()
            elif callable(handler):
                handler(number, frame)

        signal.signal(number, handle)
