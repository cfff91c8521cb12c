"""The part of BentoML that keeps workers running, in a process of its own, with workers that sleep."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.process import ROOT
from tests.waiting import eventually

_SUPERVISOR = """
import sys
from bentoml._internal.utils.circus import create_standalone_arbiter
from bentoml.serving import create_watcher
from supervisor import replacing_dead_workers
folder, lived_s, workers, delay_s = sys.argv[1:]
sleeper = "import os, pathlib, sys, time; (pathlib.Path(sys.argv[1]) / str(os.getpid())).touch(); time.sleep(600)"
watcher = create_watcher(
    "sleeper", ["-c", sleeper, folder], use_sockets=False, numprocesses=int(workers), warmup_delay=float(delay_s)
)
create = replacing_dead_workers(create_standalone_arbiter, min_lifetime_s=float(lived_s))
create([watcher], check_delay=1000).start()
"""
"""By itself it would look after its workers after a quarter of an hour. Each worker leaves its number in the folder."""


@contextmanager
def _supervisor(folder: Path, lived_s: float = 0.0, workers: int = 1, delay_s: float = 0.0) -> Iterator[None]:
    """Ends with SIGTERM, like a service."""
    command = [sys.executable, "-c", _SUPERVISOR, str(folder), str(lived_s), str(workers), str(delay_s)]
    with subprocess.Popen(command, cwd=ROOT) as supervisor:
        try:
            yield
        finally:
            supervisor.terminate()
            try:
                supervisor.wait(60)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                raise


def _started(folder: Path) -> set[int]:
    return {int(each.name) for each in folder.iterdir()}


def _kill_the_first(folder: Path) -> None:
    assert eventually(lambda: len(_started(folder)) == 1, 60)
    [pid] = _started(folder)
    os.kill(pid, signal.SIGKILL)


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with _supervisor(tmp_path):
        _kill_the_first(tmp_path)
        assert eventually(lambda: len(_started(tmp_path)) == 2, 60)


def test_a_worker_that_was_starting_is_not_replaced_at_once(tmp_path: Path) -> None:
    with _supervisor(tmp_path, lived_s=600):
        _kill_the_first(tmp_path)
        assert not eventually(lambda: len(_started(tmp_path)) > 1, 3)


@pytest.mark.parametrize("replaced", [False, True], ids=["start", "replacement"])
def test_no_stop_is_lost(tmp_path: Path, replaced: bool) -> None:
    """The supervisor takes two seconds for each of two workers, and is told to stop after the first."""
    with _supervisor(tmp_path, workers=2, delay_s=2):
        if replaced:
            assert eventually(lambda: len(_started(tmp_path)) == 2, 60)
            for pid in _started(tmp_path):
                os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: len(_started(tmp_path)) == (3 if replaced else 1), 60)
