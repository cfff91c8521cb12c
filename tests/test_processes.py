import os
import signal
import subprocess
import sys

import psutil

from tests.processes import command_of, descendants, family, matching, send

_ENDED_BELOW = """
import os, subprocess, sys
kept = subprocess.Popen(["sleep", "60"]), subprocess.Popen(["true"])  # one that is dropped may be waited for
os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
print("ended", flush=True)
sys.stdin.read()
"""


def test_a_zombie_is_no_process_of_the_service() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ENDED_BELOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "ended\n"
        below = psutil.Process(parent.pid).children()
        [zombie] = [each for each in below if each.status() == psutil.STATUS_ZOMBIE]
        assert command_of(zombie) == []
        [sleeper] = descendants(parent.pid)
        assert matching(os.getpid(), "sleep", "60") == [sleeper]
        assert [each.pid for each in family(parent.pid)] == [parent.pid, sleeper.pid]
        send(signal.SIGKILL, below)
        parent.communicate()
    assert family(parent.pid) == []
    assert matching(parent.pid, "sleep") == []
    send(signal.SIGKILL, below)  # of those that have ended nothing is asked
