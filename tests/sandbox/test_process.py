"""Children come up in time or say why not, and never outlive the process that started them."""

import os
import signal
import subprocess
import sys

import pytest

from sandbox.process import ROOT, ManagedProcess, SandboxError
from tests.waiting import eventually

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_leaving_the_block_ends_the_command() -> None:
    with ManagedProcess("sleeper", SLEEPER) as child:
        assert child.running()
    assert not alive(child.pid)


def test_closing_twice_is_harmless() -> None:
    with ManagedProcess("sleeper", SLEEPER) as child:
        child.close()


def test_a_command_deaf_to_sigterm_is_killed() -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    with ManagedProcess("deaf", [sys.executable, "-c", deaf], patience=0.2) as child:
        child.wait_until(lambda: "deaf" in child.output(), seconds=10)
    assert not alive(child.pid)


def test_a_command_that_ends_early_is_quoted() -> None:
    with (
        ManagedProcess("failing", [sys.executable, "-c", "raise SystemExit('port taken')"]) as child,
        pytest.raises(SandboxError, match=r"failing ended with code 1.*port taken"),
    ):
        child.wait_until(lambda: False, seconds=10)


def test_a_command_that_is_never_ready_is_given_up() -> None:
    with (
        ManagedProcess("sleeper", SLEEPER) as child,
        pytest.raises(SandboxError, match=r"sleeper was not ready after 0.1 s"),
    ):
        child.wait_until(lambda: False, seconds=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_parent_takes_its_children_along() -> None:
    """kill -9 leaves the parent no time to end anything."""
    program = f"""
from sandbox.process import ManagedProcess
child = ManagedProcess("sleeper", {SLEEPER!r})
print(child.pid, flush=True)
child.wait()
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(signal.SIGKILL)
    assert eventually(lambda: not alive(child))
