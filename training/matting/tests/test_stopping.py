"""A first signal waits for the picture under way; a second does not wait."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from training.stopping import stoppable

STUBBORN = """
import os, signal
from training.stopping import stoppable
with stoppable():
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
    print("still here")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_remembered_and_not_raised(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stoppable() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_the_process() -> None:
    root = Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", STUBBORN], cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGINT
    assert "still here" not in ended.stdout
