"""The runner ends last: what the API workers have in hand when the service is stopped still needs it.

BentoML's supervisor sends SIGTERM to all workers at once, and Ctrl-C in a terminal goes to all of them anyway.
"""

import signal
import time
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import psutil

_POLL_S = 0.1
_WORKER, _SERVICE = "_bentoml_impl.worker.service", "--service-name"

Handler = Callable[[int, Any], Any]


def end_last() -> None:
    """Put off SIGTERM and SIGINT until no worker of another service is left. For the main thread of a BentoML worker,
    when the server's own handlers are in place."""
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, partial(_put_off, handler))


def _put_off(handler: Handler, number: int, _: Any) -> None:
    Thread(target=_end_when_alone, args=(handler, number), daemon=True).start()


def _end_when_alone(handler: Handler, number: int) -> None:
    while others(psutil.Process()):
        time.sleep(_POLL_S)
    handler(number, None)


def others(worker: psutil.Process) -> list[psutil.Process]:
    """The living workers of other services under the same supervisor."""
    supervisor = worker.parent()
    own = _service(worker)
    siblings = supervisor.children() if supervisor else []
    return [each for each in siblings if _service(each) not in (None, own)]


def _service(process: psutil.Process) -> str | None:
    """Which BentoML service a process works for; None when it is no worker, or none any more."""
    try:
        command = process.cmdline()
    except psutil.Error:
        return None
    if _WORKER not in command or _SERVICE not in command:
        return None
    return command[command.index(_SERVICE) + 1]
