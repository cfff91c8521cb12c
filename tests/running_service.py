"""The whole service as buyers meet it: `bentoml serve` with two API workers on the local chains, once for all tests."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from sandbox.accounts import SELLER
from sandbox.chains import BaseChain, TempoChain
from sandbox.environment import environment
from sandbox.process import DIE_WITH_PARENT, ROOT, choose_port
from tests.fakes.serving import TRUST

WORKERS = 2
TESTNET: Final = {
    "CLEARCANVAS_PROFILE": "testnet",
    "CLEARCANVAS_X402__PAY_TO": SELLER.address,
    "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
    "CLEARCANVAS_MPP__SECRET_KEY": "the secret of the tests, long enough",
    "CLEARCANVAS_MPP__CHALLENGE_SECONDS": "25",
}
"""Settings of a service without the sandbox's settlement key: no empty value takes it away."""
_START_S = 120.0
_STOP_S = 45.0
_STEADY = 5


@dataclass(frozen=True)
class RunningService:
    """Where it listens, what it sells on and where it logs.

    It believes X-Forwarded-For from this machine, so that tests can be as many addresses as they like.
    """

    url: str
    base_chain: BaseChain
    tempo_chain: TempoChain
    log_path: Path
    process: subprocess.Popen[bytes]


@contextmanager
def run_service(
    base_chain: BaseChain,
    tempo_chain: TempoChain,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    *,
    bento: str = "service:BackgroundRemoval",
    cwd: Path = ROOT,
    descriptors: int | None = None,
) -> Iterator[RunningService]:
    """Serve until the block ends, with all state in `folder`. `settings` are further environment variables, and
    `descriptors` is how many each process may have open.

    A built bento is named by its tag, looked up in `folder / "bentoml"`, and served from another `cwd` than the
    source's, which would lend it its modules.
    """
    port = choose_port(0)
    url, log_path = f"http://127.0.0.1:{port}", folder / "service.log"
    bentoml = str(Path(sys.executable).with_name("bentoml"))
    command = [bentoml, "serve", bento, "--port", str(port)]
    if descriptors:
        command = ["prlimit", f"--nofile={descriptors}:{descriptors}", *command]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARCANVAS_", "BENTOML_"))}
    env |= environment(base_chain.rpc_url, tempo_chain.rpc_url, url)
    env |= {
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(folder / "bentoml"),  # holds the metrics of all processes
        "CLEARCANVAS_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.sqlite3",
        "CLEARCANVAS_RAIL_HOSTS": '{"x402.example": ["x402"], "mpp.example": ["mpp"]}',
        "CLEARCANVAS_TRUSTED_PROXIES": "127.0.0.1",
        "CLEARCANVAS_WORKERS": str(WORKERS),
    }
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", DIE_WITH_PARENT, str(os.getpid()), *command],
            cwd=cwd,
            env=env | dict(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    service = RunningService(url, base_chain, tempo_chain, log_path, process)
    try:
        _wait_until_ready(service)
        yield service
    finally:
        _stop(process)


@pytest.fixture(scope="session")
def running_service(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """The service with the sandbox's settings."""
    with run_service(base_chain, tempo_chain, tmp_path_factory.mktemp("service")) as service:
        yield service


def _wait_until_ready(service: RunningService) -> None:
    """Several times in a row, because each answer comes from one worker."""
    deadline, steady = time.monotonic() + _START_S, 0
    while steady < _STEADY:
        if service.process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"The service did not come up:\n{service.log_path.read_text()[-4000:]}")
        steady = steady + 1 if _is_ready(service.url) else 0
        time.sleep(0.1)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False, verify=TRUST).is_success
    except httpx.HTTPError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
