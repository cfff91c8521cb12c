"""The whole sandbox at once: both chains and the service, and what a first-time buyer needs to know about them."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from rich.console import Console

from sandbox.accounts import BUYER
from sandbox.environment import environment
from sandbox.process import ManagedProcess, SandboxError, choose_port
from sandbox.rpc import loopback

if TYPE_CHECKING:
    from sandbox.chains import Chain

START_SECONDS = 120.0
STOP_SECONDS = 90.0  # the service ends by itself; see docs/availability.md
ROUTE = "/v1/remove-background"


def serve(port: int, base_port: int, tempo_port: int) -> None:
    """Run everything, say how to buy, and stay until the service ends, which raises SandboxError."""
    console = Console(soft_wrap=True, highlight=False)
    console.print("Starting the two local chains and the service ...")
    port, base_port, tempo_port = choose_port(port), base_port or choose_port(0), tempo_port or choose_port(0)
    url = loopback(port)
    # Both take seconds to come up and need each other only at the end. The service outlives no chain: it ends first.
    with ExitStack() as chains, _service(port, environment(loopback(base_port), loopback(tempo_port), url)) as service:
        from sandbox.chains import both_chains  # noqa: PLC0415 - most of a second, in which the service starts

        base, tempo = chains.enter_context(both_chains(base_port, tempo_port))
        service.wait_until(lambda: _ready(url), START_SECONDS, every=0.25)
        _greet(console, url, base, tempo)
        raise SandboxError(f"The service ended by itself with code {service.wait()}.")


def _service(port: int, settings: dict[str, str]) -> ManagedProcess:
    bentoml = Path(sys.executable).with_name("bentoml")
    command: list[str | Path] = [bentoml, "serve", "service:BackgroundRemoval", "--port", str(port)]
    env = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", **settings}
    return ManagedProcess("the service", command, env=env, quiet=False, patience=STOP_SECONDS)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _greet(console: Console, url: str, base: "Chain", tempo: "Chain") -> None:
    """Print addresses and the lines to paste; none is wrapped, so that each can be copied whole."""
    console.print("\n[bold]ClearCanvas is ready.[/bold] Money here is play money.\n")
    for name, fact in _facts(url, base, tempo):
        console.print(f"{name:12} {fact}")
    for title, line in _lines(f"{url}{ROUTE}", tempo.rpc_url):
        console.print(f"\n[bold]{title}[/bold]\n{line}")
    console.print("\nCtrl-C stops everything.")


def _facts(url: str, base: "Chain", tempo: "Chain") -> tuple[tuple[str, str], ...]:
    return (
        ("service", url),
        ("x402", f"USDC on a local Base, eip155:{base.chain_id}, RPC {base.rpc_url}"),
        ("MPP", f"pathUSD on a local Tempo, chain {tempo.chain_id}, RPC {tempo.rpc_url}"),
        ("buyer's key", f"{BUYER.key} (funded on both rails, known to everybody)"),
    )


def _lines(endpoint: str, tempo_url: str) -> tuple[tuple[str, str], ...]:
    key = f"BUYER_KEY={BUYER.key}"
    program = ".venv/bin/python examples/python"
    files = f"{endpoint} photo.jpg cutout.png"
    return (
        ("Ask for the price", f"curl -i -X POST {endpoint}"),
        ("Buy with curl, signing with Python", f"{key} examples/curl/buy_x402.sh {files}"),
        ("Buy in Python with x402", f"{key} {program}/buy_x402.py {files}"),
        ("Buy in Python with MPP", f"{key} TEMPO_RPC_URL={tempo_url} {program}/buy_mpp.py {files}"),
        ("Buy on both rails and compare", "make demo IMAGE=photo.jpg"),
    )
