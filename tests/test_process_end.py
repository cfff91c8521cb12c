"""When the handlers of a process get its first signal, and its second."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from sandbox.process import ROOT

SCRIPT = """
import signal, sys, time
from process_end import on_first_signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
on_first_signal(lambda: print("called", flush=True), delay_s={delay_s})
print("up", flush=True)
while True:
    time.sleep(0.05)
"""
_ENDED_BY_ITS_HANDLER = 7


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process that has called `on_first_signal` with this delay, and got its first SIGTERM."""
    command = [sys.executable, "-c", SCRIPT.format(delay_s=request.param)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.stdout.readline() == "called\n"
        yield process
        process.kill()


@pytest.mark.parametrize("process", [0.0], indirect=True)
def test_without_a_delay_its_handler_gets_the_first_signal(process: subprocess.Popen[str]) -> None:
    assert process.wait(30) == _ENDED_BY_ITS_HANDLER


@pytest.mark.parametrize("process", [2.0], indirect=True)
def test_with_a_delay_its_handler_gets_the_first_signal_later(process: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    assert process.wait(30) == _ENDED_BY_ITS_HANDLER
    assert time.monotonic() - began > 1.5


@pytest.mark.parametrize("process", [3600.0], indirect=True)
def test_a_second_signal_does_not_wait(process: subprocess.Popen[str]) -> None:
    process.terminate()
    assert process.wait(30) == _ENDED_BY_ITS_HANDLER
