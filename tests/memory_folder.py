"""Temporary files of the tests are in memory, where the machine has a folder for that.

Each durable statement of a ledger waits some milliseconds for the disk, and no test needs its files after a power cut.
Set TMPDIR to have the files elsewhere, and to keep them.
"""

import os
import shutil
import tempfile
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Final

import pytest

IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 # the folder of this run is made by mkdtemp
ENOUGH_BYTES: Final = 4 * 1024**3
"""Free space below which the disk is used; a container often has 64 MB."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Once per run: the other processes of pytest-xdist inherit the variable."""
    if "TMPDIR" in os.environ or config.option.basetemp or not is_usable(IN_MEMORY):
        return
    folder = _new_folder()
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    # By this process alone, not by what a test forks; after pytest, and after multiprocessing (-100).
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=-101)


def is_usable(folder: Path) -> bool:
    """Whether programs can be run from a folder, and whether it has room."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(folder)
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= ENOUGH_BYTES


def _new_folder() -> str:
    """One that other users may pass through: PostgreSQL is not run as root. Its path is short: that of a Unix socket in
    it has 107 characters at most."""
    parent = IN_MEMORY / f"cc-{os.getuid()}"
    parent.mkdir(mode=0o711, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="", dir=parent)
    for each in (parent, Path(folder)):
        each.chmod(0o711)  # fails where the folder is somebody else's
    return folder
