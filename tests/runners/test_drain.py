"""Shutdown: the runner's socket stays reachable, and the runner stops after its sibling workers."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import psutil
import pytest

from runners.drain import PreservedSocket, sibling_workers

_SUPERVISOR = """
import subprocess, sys
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
worker = ["-m", "_bentoml_impl.worker.service", "service:It", "--service-name"]
children = [subprocess.Popen([*sleep, *arguments]) for arguments in ([*worker, "Api"], [*worker, "Runner"],
            [*worker, "Runner"], ["anvil"])]
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
for child in children:
    child.kill()
    child.wait()
"""


@pytest.fixture
def workers() -> Iterator[list[psutil.Process]]:
    """Under one supervisor: a worker of Api, two of Runner, and a process that is no worker."""
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout
        yield [psutil.Process(int(pid)) for pid in supervisor.stdout.readline().split()]
        supervisor.communicate()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A Unix socket in a folder of its own; names of sockets are short, so not in pytest's."""
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "uds" / "it.sock"
        path.parent.mkdir()
        listener.bind(str(path))
        listener.listen()
        yield listener


def test_a_runner_waits_for_workers_of_other_services_only(workers: list[psutil.Process]) -> None:
    api, runner, _, _ = workers
    assert sibling_workers(runner) == [api]


def test_a_runner_waits_for_running_workers_only(workers: list[psutil.Process]) -> None:
    api, runner, _, _ = workers
    api.kill()
    psutil.wait_procs([api], timeout=5)
    assert sibling_workers(runner) == []


def test_a_removed_socket_can_be_restored(listener: socket.socket) -> None:
    path = Path(listener.getsockname())
    kept = PreservedSocket(path)
    rmtree(path.parent)
    kept.restore()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        listener.accept()[0].close()


def test_remove_leaves_no_files(listener: socket.socket) -> None:
    """A restarted runner reuses the same link."""
    path = Path(listener.getsockname())
    for _ in range(2):
        kept = PreservedSocket(path)
    kept.restore()
    kept.remove()
    assert list(path.parent.parent.iterdir()) == []
