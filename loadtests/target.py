"""What is loaded: a service and chains that are started for the run, or a sandbox that is running already."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx

from loadtests.payers import ALLOWANCE, PAYERS
from sandbox.accounts import SELLER
from sandbox.chains import BaseChain, TempoChain, base_chain, tempo_chain
from sandbox.environment import BASE_PORT, TEMPO_PORT, environment
from sandbox.process import ManagedProcess, SandboxError, choose_port
from sandbox.rpc import loopback

SERVICE = "service:BackgroundRemoval"
_START_S = 180.0
_STOP_S = 60.0


@dataclass(frozen=True)
class Target:
    """Where it is.

    Attributes:
        pid: the supervisor's process; None of a service that was running already, whose processes are not looked at.
    """

    url: str
    base: BaseChain
    tempo: TempoChain
    pid: int | None

    def fund(self) -> None:
        """Let every payer of the load tests buy."""
        for payer in PAYERS:
            self.base.fund(payer.address, ALLOWANCE)

    def earned(self) -> dict[str, int]:
        """What the seller holds on each rail, in base units; of both tokens on the Tempo-mode chain."""
        tokens = (self.tempo.token, self.tempo.second_token)
        return {
            "x402": self.base.balance_of(SELLER.address),
            "mpp": sum(self.tempo.balance_of(SELLER.address, token) for token in tokens),
        }


@contextmanager
def own(*, workers: int, cpus: set[int] | None, service: str, log: Path) -> Iterator[Target]:
    """Start chains and service on free ports, with a new ledger, until the block ends.

    Args:
        cpus: where the service runs; None: anywhere.
        service: what `bentoml serve` is told; the shipped one, or one that tests have made worse.
        log: what the service logs.

    Raises:
        SandboxError: something did not start.
    """
    with TemporaryDirectory(prefix="clearcanvas-load-") as folder, base_chain() as base, tempo_chain() as tempo:
        port = choose_port(0)
        url = loopback(port)
        settings = environment(base.rpc_url, tempo.rpc_url, url) | {
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_HOME": f"{folder}/bentoml",
            "CLEARCANVAS_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.sqlite3",
            "CLEARCANVAS_TRUSTED_PROXIES": "127.0.0.1",
            "CLEARCANVAS_WORKERS": str(workers),
        }
        with log.open("wb") as output, _served(service, port, settings, cpus, output.fileno()) as process:
            process.wait_until(lambda: _is_ready(url), _START_S, every=0.25)
            yield Target(url, base, tempo, process.pid)


@contextmanager
def running(url: str) -> Iterator[Target]:
    """A service on this machine with the sandbox's chains on their usual ports.

    Raises:
        SandboxError: the URL is not one of this machine: a load test is sent nowhere else.
    """
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise SandboxError(f"{url} is not on this machine. Load tests are sent to loopback addresses only.")
    with BaseChain.connect(loopback(BASE_PORT)) as base, TempoChain.connect(loopback(TEMPO_PORT)) as tempo:
        yield Target(url.rstrip("/"), base, tempo, None)


@contextmanager
def _served(
    service: str, port: int, settings: Mapping[str, str], cpus: set[int] | None, output: int
) -> Iterator[ManagedProcess]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARCANVAS_", "BENTOML_"))}
    command: list[str | Path] = [Path(sys.executable).with_name("bentoml"), "serve", service, "--port", str(port)]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus or before)  # is inherited
    try:
        process = ManagedProcess(
            "the service", command, env=inherited | dict(settings), quiet=False, output=output, patience=_STOP_S
        )
    finally:
        os.sched_setaffinity(0, before)
    with process:
        yield process


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False
