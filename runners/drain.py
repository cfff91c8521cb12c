"""The runner ends last: what the API workers have in hand when the service is stopped still needs it.

Told to stop, BentoML's supervisor removes the folder with the runner's socket and sends SIGTERM to all workers at once;
Ctrl-C in a terminal goes to all of them anyway. So the runner keeps a second link to its socket, puts the first one
back when it is gone, and serves on until no worker of another service is left, or until the time for that is over.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import psutil
import structlog

from process_end import ask_to_end, end_after, end_with_supervisor

log = structlog.get_logger(__name__)

PATIENCE_S = 35.0
"""The API workers have ended by then, or are settling and need no runner any more."""

_LAST_S = 5.0
_POLL_S = 0.05
_WORKER, _SERVICE = "_bentoml_impl.worker.service", "--service-name"

Handler = Callable[[int, Any], Any]


def end_service(reason: str) -> NoReturn:
    """End this worker and its supervisor, which would start the next one, for a reason that no restart cures."""
    log.critical("cannot_serve", reason=reason)
    os.kill(os.getppid(), signal.SIGTERM)
    sys.exit(reason)


def stop_after_dependents(url: str | None, *, announce: Callable[[], None] = lambda: None) -> None:
    """Put off SIGTERM and SIGINT. For the main thread of a BentoML worker, once the server's own handlers are set.

    Args:
        url: where this worker listens, as BentoML tells: `file:///…` for a Unix socket; others need no keeping.
        announce: called in a thread when this worker is about to end; it ends when that returns.
    """
    parts = urlsplit(url or "")
    socket = PreservedSocket(Path(unquote(parts.path))) if parts.scheme == "file" else None
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, partial(_defer_signal, socket, announce, handler))
    end_with_supervisor(ask_to_end)


class PreservedSocket:
    """A listening Unix socket whose name can be restored after somebody has removed it with its folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spare = path.parent.with_name(f"{path.parent.name}.kept") / path.name
        self._spare.parent.mkdir(mode=0o700, exist_ok=True)
        if not self._spare.exists():
            os.link(path, self._spare)

    def restore(self) -> None:
        """Have the name again, for new connections."""
        if not self._path.exists():
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            os.link(self._spare, self._path)

    def remove(self) -> None:
        """Leave nothing behind."""
        for folder in (self._path.parent, self._spare.parent):
            shutil.rmtree(folder, ignore_errors=True)


def sibling_workers(worker: psutil.Process) -> list[psutil.Process]:
    """The living workers of other services under the same supervisor."""
    supervisor, own = worker.parent(), _service(worker)
    siblings = supervisor.children() if supervisor else []
    return [each for each in siblings if _service(each) not in (None, own)]


def _defer_signal(
    socket: PreservedSocket | None, announce: Callable[[], None], handler: Handler, number: int, _: Any
) -> None:
    Thread(target=_end_when_alone, args=(socket, announce, handler, number), daemon=True).start()


def _end_when_alone(
    socket: PreservedSocket | None, announce: Callable[[], None], handler: Handler, number: int
) -> None:
    last = time.monotonic() + PATIENCE_S
    waited_for = sibling_workers(
        psutil.Process()
    )  # once: when the supervisor is gone, all orphans of the host look like ours
    while time.monotonic() < last and any(_serves(each) for each in waited_for):
        if socket:
            socket.restore()
        time.sleep(_POLL_S)
    announce()
    if socket:
        socket.remove()
    handler(number, None)
    end_after(_LAST_S)


def _serves(worker: psutil.Process) -> bool:
    return worker.is_running() and _service(worker) is not None


def _service(process: psutil.Process) -> str | None:
    """Which BentoML service a process works for; None when it is no worker, or none any more."""
    try:
        command = process.cmdline()
    except psutil.Error:
        return None
    if _WORKER not in command or _SERVICE not in command:
        return None
    return command[command.index(_SERVICE) + 1]
