"""Child processes that end when closed, and when their parent dies."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
ROOT = DIE_WITH_PARENT.parent.parent


class SandboxError(Exception):
    """A part of the sandbox is missing, did not come up in time or went away; the message says what to do."""


class ManagedProcess:
    """One running command. Its output is kept aside to explain a failed start, unless it is let through.

    Args:
        name: what the command is called in errors.
        command: program and arguments.
        env: the whole environment of the command; ours by default.
        quiet: keep the output aside instead of letting it through.
        output: file descriptor that gets the output of a command that is not quiet.
        patience: seconds between asking the command to end and ending it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        quiet: bool = True,
        output: int | None = None,
        patience: float = 5.0,
    ) -> None:
        self.name = name
        self._patience = patience
        self._output = tempfile.TemporaryFile() if quiet else None  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(  # noqa: S603 - the command is ours
            [sys.executable, "-I", "-S", DIE_WITH_PARENT, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=self._output or output,
            stderr=self._output or output,
            cwd=ROOT,
            env=env,
            start_new_session=True,  # Ctrl-C is for us: we end the children, in order
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float, *, every: float = 0.02) -> None:
        """Ask until it is ready. Raises SandboxError when the command ends first or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            if not self.running():
                raise SandboxError(f"{self.name} ended with code {self._process.returncode}. {self.output()}")
            if ready():
                return
            if time.monotonic() > deadline:
                raise SandboxError(f"{self.name} was not ready after {seconds:g} s. {self.output()}")
            time.sleep(every)

    def wait(self) -> int:
        """Wait for the command to end by itself; its exit code, negative for a signal."""
        return self._process.wait()

    def close(self) -> None:
        """Ask the command to end, and end it when it has not within its patience. May be called again."""
        self._process.terminate()
        try:
            self._process.wait(self._patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._output:
            self._output.close()

    def output(self) -> str:
        """The end of what a quiet command has printed."""
        if not self._output:
            return ""
        self._output.seek(0)
        return self._output.read()[-2000:].decode(errors="replace").strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def choose_port(port: int) -> int:
    """The given TCP port of the loopback address, or a free one for 0. Raises SandboxError when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port is free once its listener is gone
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SandboxError(f"Port {port} is in use by another program. Stop it, or choose another port.") from error
        chosen: int = probe.getsockname()[1]
        return chosen
