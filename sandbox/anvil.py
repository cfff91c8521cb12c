"""The anvil binary that `make setup` brings by npm, started directly: neither Node.js nor its launcher is needed."""

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.process import ManagedProcess, SandboxError, choose_port
from sandbox.rpc import LOOPBACK, Rpc, loopback

PACKAGES = Path(__file__).parent.parent / "node_modules" / "@foundry-rs"
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
START_SECONDS = 20.0


def binary(packages: Path = PACKAGES) -> Path:
    """The anvil for this machine. Raises SandboxError when it is not installed."""
    machine = platform.machine().lower()
    package = packages / f"anvil-{sys.platform}-{MACHINES.get(machine, machine)}"
    path = package / "bin" / "anvil"
    if not path.is_file():
        raise SandboxError(f"The local chain is not installed ({package.name} is missing). Run: make setup")
    return path


@contextmanager
def anvil(chain_id: int, *options: str, port: int = 0, host: str = LOOPBACK) -> Iterator[Rpc]:
    """Run a chain on the loopback address (port 0: any free one), or on a `host` that includes it; it answers when this
    yields. Raises SandboxError."""
    port = choose_port(port)
    node = ["--host", host, "--port", str(port), "--chain-id", str(chain_id), "--silent"]
    with ManagedProcess(f"anvil on port {port}", [binary(), *node, *options]) as child, Rpc(loopback(port)) as rpc:
        child.wait_until(lambda: rpc.answers(chain_id), START_SECONDS)
        yield rpc
