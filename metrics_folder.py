"""The metrics folder of one running service.

prometheus_client stores the counts of several processes as files in one folder, and adds up all files in it. So each
start has its own folder, which belongs to the supervisor and is removed when the supervisor ends. A killed supervisor
leaves its folder behind; the next start removes it.

    <parent>/.lock            held while folders are created or removed
    <parent>/<random>.lock    held by a supervisor as long as it runs; the kernel releases it in any case
    <parent>/<random>         the files of its processes
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_LOCK = ".lock"


def own_folder(parent: Path) -> Path:
    """Create an empty folder for the child processes, readable only by this user; it is removed when this process ends.

    Args:
        parent: contains the folders of all services of this user; created if it does not exist.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _exclusive(parent):
        _remove_left_behind(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        lock = _beside(folder).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    atexit.register(_remove_own, folder, lock, os.getpid())
    return folder


@contextmanager
def _exclusive(parent: Path) -> Iterator[None]:
    with (parent / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _beside(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _remove_left_behind(parent: Path) -> None:
    """Remove the folders of ended supervisors, whose locks are free."""
    for path in parent.glob(f"?*{_LOCK}"):
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _remove(path.with_name(path.name.removesuffix(_LOCK)))


def _remove_own(folder: Path, lock: IO[str], owner: int) -> None:
    if os.getpid() == owner:  # and not a process that was forked from it
        _remove(folder)
    lock.close()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _beside(folder).unlink(missing_ok=True)
