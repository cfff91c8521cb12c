"""One `bentoml serve` that is frozen, killed and restarted on the same port."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import httpx
import psutil

from sandbox.process import DIE_WITH_PARENT, SandboxError
from tests.fakes.serving import TRUST
from tests.processes import command_of, family, send

Part = Literal["worker", "runner", "service"]
_START_S = 240.0
_STEADY = 6
_SERVICES: dict[Part, str] = {"worker": "BackgroundRemoval", "runner": "MattingRunner"}


class Host:
    """A supervisor with its API workers and runner. To be used from the main thread (see sandbox/die_with_parent.py).

    Args:
        source: the folder of the source tree that is served.
        env: its settings; nothing else of ours is passed on that it reads.
        journal: where its ports write what they do.
    """

    def __init__(self, name: str, port: int, *, source: Path, env: Mapping[str, str], log: Path, journal: Path) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self.journal = journal
        self._port = port
        self._source = source
        self._env = _outer() | dict(env) | {"FAULTS_JOURNAL": str(journal)}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._whole = 0
        self._frozen: list[psutil.Process] = []

    def start(self) -> None:
        """Start the supervisor; it does not wait for it."""
        bentoml = str(Path(sys.executable).with_name("bentoml"))
        command = [bentoml, "serve", "service:BackgroundRemoval", "--port", str(self._port), "--host", "127.0.0.1"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", DIE_WITH_PARENT, str(os.getpid()), *command],
                cwd=self._source,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def until_up(self, *, ready: bool = False) -> bool:
        """Wait until it answers several times in a row, with `ready` until it says that it can sell; False: it ended.

        Raises:
            SandboxError: it did neither in time.
        """
        deadline, steady = time.monotonic() + _START_S, 0
        async with httpx.AsyncClient(trust_env=False, verify=TRUST, timeout=3) as client:
            while steady < _STEADY:
                if not self.alive():
                    return False
                if time.monotonic() > deadline:
                    raise SandboxError(f"{self.name} did not come up. See {self._log}")
                steady = steady + 1 if await self._answers(client, ready) else 0
                await asyncio.sleep(0.1)
        self._whole = max(self._whole, len(self.members()))
        return True

    async def _answers(self, client: httpx.AsyncClient, ready: bool) -> bool:
        with suppress(httpx.HTTPError):
            answer = await client.get(f"{self.url}/readyz", headers={"Connection": "close"})
            return answer.is_success or not ready
        return False

    def alive(self) -> bool:
        """Whether the supervisor runs."""
        return self._process is not None and self._process.poll() is None

    def whole(self) -> bool:
        """Whether as many workers and runners run as after the first start."""
        return self.alive() and len(self.members()) >= self._whole

    def frozen(self) -> bool:
        """Whether some of its processes are stopped."""
        return bool(self._frozen)

    def members(self, part: Part | None = None) -> list[psutil.Process]:
        """The living processes of a part; without one, of all parts."""
        names = [_SERVICES[part]] if part in _SERVICES else list(_SERVICES.values())
        return [child for child in self._family()[1:] if any(name in command_of(child) for name in names)]

    def choose(self, part: Part, choice: int) -> list[psutil.Process]:
        """One process of a part, or all of them for "service", the supervisor first; empty when there is none."""
        if part == "service":
            return self._family()
        found = self.members(part)
        return [found[choice % len(found)]] if found else []

    def kill(self, part: Part, choice: int) -> int:
        """kill -9 one process of a part, or all of them for "service"; how many were hit."""
        assert self._process is not None
        # The supervisor first, so that it starts no others; its workers are in sessions of their own.
        victims = self.choose(part, choice)
        send(signal.SIGKILL, victims)
        if part == "service":
            self._process.wait()
            psutil.wait_procs(victims[1:], timeout=5)
        return len(victims)

    def freeze(self, processes: Sequence[psutil.Process]) -> None:
        """Stop processes of this host until `thaw`."""
        self._frozen += processes
        send(signal.SIGSTOP, processes)

    def thaw(self, processes: Sequence[psutil.Process] | None = None) -> None:
        """Resume these processes, or all that are stopped."""
        chosen = list(self._frozen) if processes is None else list(processes)
        send(signal.SIGCONT, chosen)
        self._frozen = [each for each in self._frozen if each not in chosen]

    def close(self) -> None:
        """Kill it without waiting for its work in progress."""
        self._frozen = []
        if self._process is not None:
            self.kill("service", 0)

    def _family(self) -> list[psutil.Process]:
        """The supervisor and all below it; empty when it has ended."""
        assert self._process is not None
        return family(self._process.pid)


def _outer() -> dict[str, str]:
    kept_out = ("CLEARCANVAS_", "BENTOML_", "FAULTS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(kept_out)}
