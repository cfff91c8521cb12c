"""The runner stops last, because the API workers need it for their requests in progress.

On shutdown, BentoML's supervisor removes the folder with the runner's socket and sends SIGTERM to all workers at once;
Ctrl-C in a terminal reaches all of them too. The runner therefore keeps a second hard link to its socket, restores the
first one when it is removed, and serves until no worker of another service is left, or until the time limit.
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

DRAIN_TIMEOUT_S = 35.0
"""By then the API workers have stopped, or are settling payments and no longer need the runner."""

EXIT_GRACE_S = 5.0
_POLL_S = 0.05
_WORKER, _SERVICE = "_bentoml_impl.worker.service", "--service-name"

Handler = Callable[[int, Any], Any]


def stop_service(reason: str) -> NoReturn:
    """Stop this worker and its supervisor, because a restart would fail for the same reason."""
    log.critical("cannot_serve", reason=reason)
    os.kill(os.getppid(), signal.SIGTERM)
    sys.exit(reason)


def stop_after_dependents(url: str | None, *, announce: Callable[[], None] = lambda: None) -> None:
    """Defer SIGTERM and SIGINT. Call it in the main thread of a BentoML worker, after the server has set its handlers.

    Args:
        url: this worker's URL as BentoML reports it: `file:///…` for a Unix socket; other URLs need no second link.
        announce: called in a thread before this worker stops; the worker stops when it returns.
    """
    parts = urlsplit(url or "")
    socket = PreservedSocket(Path(unquote(parts.path))) if parts.scheme == "file" else None
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, partial(_defer_signal, socket, announce, handler))
    end_with_supervisor(ask_to_end)


class PreservedSocket:
    """A listening Unix socket whose path can be restored after its folder was removed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spare = path.parent.with_name(f"{path.parent.name}.kept") / path.name
        self._spare.parent.mkdir(mode=0o700, exist_ok=True)
        if not self._spare.exists():
            os.link(path, self._spare)

    def restore(self) -> None:
        """Restore the path, for new connections."""
        if not self._path.exists():
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            os.link(self._spare, self._path)

    def remove(self) -> None:
        """Remove both folders."""
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
    Thread(target=_end_after_siblings, args=(socket, announce, handler, number), daemon=True).start()


def _end_after_siblings(
    socket: PreservedSocket | None, announce: Callable[[], None], handler: Handler, number: int
) -> None:
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    siblings = sibling_workers(
        psutil.Process()
    )  # only once: without the supervisor, every orphan would look like a sibling
    while time.monotonic() < deadline and any(_is_serving(each) for each in siblings):
        if socket:
            socket.restore()
        time.sleep(_POLL_S)
    announce()
    if socket:
        socket.remove()
    handler(number, None)
    end_after(EXIT_GRACE_S)


def _is_serving(worker: psutil.Process) -> bool:
    return worker.is_running() and _service(worker) is not None


def _service(process: psutil.Process) -> str | None:
    """The BentoML service of a worker process; None for other and for ended processes."""
    try:
        command = process.cmdline()
    except psutil.Error:
        return None
    if _WORKER not in command or _SERVICE not in command:
        return None
    return command[command.index(_SERVICE) + 1]
