"""A built image and containers of it; `make image-replay` builds it and names it by CLEARCANVAS_IMAGE."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from sandbox.accounts import SELLER, SETTLER
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import choose_port

_START_S = 120.0


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Podman to its end."""
    return subprocess.run(["podman", *arguments], capture_output=True, text=True, check=check, timeout=120)


@dataclass(frozen=True)
class Container:
    """A running service. Has what `tests.clients.purchase_client.PurchaseClient` takes of a service."""

    name: str
    url: str
    base_chain: BaseChain
    tempo_chain: TempoChain

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        return podman("exec", self.name, *command, check=False)

    def logs(self) -> str:
        ended = podman("logs", self.name, check=False)
        return ended.stdout + ended.stderr


@dataclass(frozen=True)
class Image:
    """The image under test, with chains to sell on."""

    name: str
    base_chain: BaseChain
    tempo_chain: TempoChain

    def run(self, *command: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run one command in a container of its own."""
        return podman("run", "--rm", *flags, self.name, *command, check=False)

    @contextmanager
    def serve(self, state: str, port: int = 0, settings: Mapping[str, str] | None = None) -> Iterator[Container]:
        """Sell until the block ends; `state` is the name of the volume with the ledger."""
        port = port or choose_port(0)
        url = f"http://127.0.0.1:{port}"
        environment = {
            "BENTOML_PORT": str(port),
            "CLEARCANVAS_PROFILE": "testnet",
            "CLEARCANVAS_PUBLIC_URL": url,
            "CLEARCANVAS_X402__RPC_URL": self.base_chain.rpc_url,
            "CLEARCANVAS_X402__PAY_TO": SELLER.address,
            "CLEARCANVAS_X402__SETTLEMENT_KEY": SETTLER.key,
            "CLEARCANVAS_MPP__RPC_URL": self.tempo_chain.rpc_url,
            "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
            "CLEARCANVAS_MPP__SECRET_KEY": "a secret for nothing but this test",
            "CLEARCANVAS_MPP__CHALLENGE_SECONDS": "25",  # the local chain mines nothing that is valid for longer
            **(settings or {}),
        }
        with self._started(url, environment, f"--volume={state}:/var/lib/clearcanvas") as container:
            yield container

    @contextmanager
    def serve_runner(self, host: str, token: str) -> Iterator[Container]:
        """Run a runner on an address of its own until the block ends."""
        port = choose_port(0)
        environment = {
            "BENTOML_PORT": str(port),
            "CLEARCANVAS_RUNNER__HOST": host,
            "CLEARCANVAS_RUNNER__TOKEN": token,
        }
        command = ("bentoml", "serve", "runner_service:MattingRunner")
        with self._started(f"http://{host}:{port}", environment, command=command) as container:
            yield container

    @contextmanager
    def _started(
        self, url: str, environment: Mapping[str, str], *flags: str, command: tuple[str, ...] = ()
    ) -> Iterator[Container]:
        """A container whose root is read-only, from its readiness to the end of the block."""
        name = f"clearcanvas-test-{uuid4().hex[:8]}"
        variables = [f"--env={key}={value}" for key, value in environment.items()]
        fixed = ["--network=host", "--read-only", "--tmpfs=/tmp", *flags]
        podman("run", "--detach", f"--name={name}", *variables, *fixed, self.name, *command)
        container = Container(name, url, self.base_chain, self.tempo_chain)
        try:
            _wait_until_ready(container)
            yield container
        finally:
            podman("rm", "--force", "--volumes", name, check=False)


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> Image:
    name = os.environ.get("CLEARCANVAS_IMAGE")
    if name is None:
        pytest.skip("no image was built: make image-replay")
    return Image(name, request.getfixturevalue("base_chain"), request.getfixturevalue("tempo_chain"))


@pytest.fixture
def state(image: Image) -> Iterator[str]:
    """A volume for the ledger."""
    name = f"clearcanvas-test-{uuid4().hex[:8]}"
    podman("volume", "create", name)
    yield name
    podman("volume", "rm", "--force", name)


def volume_folder(name: str) -> Path:
    """Where a volume lies on this machine."""
    return Path(podman("volume", "inspect", "--format", "{{.Mountpoint}}", name).stdout.strip())


def _wait_until_ready(container: Container) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{container.url}/readyz", timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail(f"The service did not come up:\n{container.logs()[-4000:]}")
