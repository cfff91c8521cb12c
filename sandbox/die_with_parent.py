"""Runs one command that ends with the process which started it, kill -9 included: python leash.py PARENT_PID COMMAND…

Linux sends the signal (PR_SET_PDEATHSIG, kept across exec) when the *thread* that started the command ends, so commands
are started from a thread that lives as long as they shall. Elsewhere the command outlives a killed parent.
A program of its own, because `preexec_fn` is not safe beside threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == int(parent):  # else the parent was gone before the signal was set
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
