"""One program of the fleet on a host of its own, which is started, killed, frozen, stopped and restarted."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import psutil

from sandbox.process import DIE_WITH_PARENT, SandboxError
from tests.fleet.proof.network import NetHost
from tests.processes import family, is_living, send

START_S = 300.0
STOP_S = 130.0
"""More than an API worker takes at the longest (docs/availability.md, Stops)."""
_STEADY = 3

Ready = Callable[[], Awaitable[bool]]


class Member:
    """A program on a host. To be used from the main thread (see sandbox/die_with_parent.py).

    Args:
        command: absolute path of the program, and its arguments.
        cwd: the folder in which it starts.
        ready: whether it works as it should, asked from outside of its host.
        stop_signal: what tells it to end its work and itself.
    """

    def __init__(
        self,
        host: NetHost,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        ready: Ready,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.host = host
        self.name = host.name
        self.log = log
        self._command = list(command)
        self._env = dict(env)
        self._cwd = cwd
        self._ready = ready
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; this does not wait for it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.host.command([sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(os.getpid()), *self._command]),
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9 all its processes, as if the host lost its power; the disk keeps what was written."""
        process = self._running()
        while found := self._processes():
            send(signal.SIGKILL, found)
            psutil.wait_procs(found, timeout=1)
        process.wait()

    def freeze(self) -> None:
        """SIGSTOP all its processes: the host accepts connections and answers nothing."""
        self._running()
        send(signal.SIGSTOP, self._processes())

    def thaw(self) -> None:
        """Take `freeze` back."""
        send(signal.SIGCONT, self._processes())

    def _processes(self) -> list[psutil.Process]:
        """The processes of the host, orphans included, and those below them that have a network of their own."""
        found = [each for each in self.host.processes() if is_living(each)]
        return list({each.pid: each for one in found for each in family(one.pid)}.values())

    async def stop(self) -> float:
        """Tell it to end, and wait; seconds that it took. Raises SandboxError when it does not end in time."""
        process, began = self._running(), time.monotonic()
        process.send_signal(self._stop_signal)
        try:
            await asyncio.to_thread(process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            raise SandboxError(f"{self.name} has not ended after {STOP_S:g} s. See {self.log}") from None
        return time.monotonic() - began

    async def until_ready(self) -> float:
        """Wait until it answers well several times in a row; seconds that it took.

        Raises:
            SandboxError: it ended, or did not come up in time.
        """
        began, steady = time.monotonic(), 0
        while steady < _STEADY:
            if not self.is_running():
                raise SandboxError(f"{self.name} has ended. See {self.log}:\n{self.log.read_text()[-3000:]}")
            if time.monotonic() - began > START_S:
                raise SandboxError(f"{self.name} was not ready after {START_S:g} s. See {self.log}")
            steady = steady + 1 if await self._ready() else 0
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise SandboxError(f"{self.name} has ended. See {self.log}:\n{self.log.read_text()[-3000:]}")
        return self._process
