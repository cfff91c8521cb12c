"""The part of BentoML that keeps workers running, in a process of its own, with a worker that sleeps."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from sandbox.process import ROOT
from tests.waiting import eventually

_SUPERVISOR = """
import sys
from bentoml._internal.utils.circus import create_standalone_arbiter
from bentoml.serving import create_watcher
from respawn import quick
watcher = create_watcher("sleeper", ["-c", "import time; time.sleep(600)"], use_sockets=False)
create = quick(create_standalone_arbiter, lived_s=float(sys.argv[1]))
create([watcher], check_delay=1000).start()
"""
"""By itself it would look after its worker after a quarter of an hour."""


@contextmanager
def _supervisor(lived_s: float) -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", _SUPERVISOR, str(lived_s)], cwd=ROOT) as supervisor:
        try:
            yield psutil.Process(supervisor.pid)
        finally:
            supervisor.terminate()


def _workers(supervisor: psutil.Process, age_s: float = 0.0) -> list[int]:
    """Those that have lived so long; one that is killed while it is spawned counts as a start that failed."""
    children = [child for child in supervisor.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child.pid for child in children if time.time() - child.create_time() >= age_s]


@pytest.mark.parametrize(("lived_s", "replaced"), [(0.0, True), (600.0, False)], ids=["grown", "starting"])
def test_a_worker_that_dies_is_replaced_unless_it_was_starting(lived_s: float, replaced: bool) -> None:
    with _supervisor(lived_s) as supervisor:
        assert eventually(lambda: bool(_workers(supervisor, age_s=2)), 60)
        [pid] = _workers(supervisor)
        psutil.Process(pid).kill()
        patience_s = 60 if replaced else 3
        seen = eventually(lambda: bool(_workers(supervisor)) and pid not in _workers(supervisor), patience_s)
        assert seen == replaced
