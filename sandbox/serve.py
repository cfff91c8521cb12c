"""The whole sandbox at once: both chains and the service, and what a first-time buyer needs to know about them."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from sandbox.accounts import BUYER
from sandbox.chains import Chain, both_chains
from sandbox.environment import environment
from sandbox.process import Child, SandboxError, choose_port

START_SECONDS = 120.0
STOP_SECONDS = 15.0  # for requests that are being settled
ROUTE = "/v1/remove-background"


@contextmanager
def service(base: Chain, tempo: Chain, port: int = 0, **settings: str) -> Iterator[str]:
    """Run the service on these chains (port 0: any free one); its URL, once it is ready. Its log goes to our output.

    Args:
        settings: further environment variables, such as CLEARCANVAS_DATABASE_URL.

    Raises:
        SandboxError: it ended, or was not ready in time.
    """
    with _started(base, tempo, choose_port(port), settings) as (_, url):
        yield url


def serve(port: int, base_port: int, tempo_port: int) -> None:
    """Run everything, say how to buy, and stay until the service ends, which raises SandboxError."""
    console = Console(soft_wrap=True, highlight=False)
    port = choose_port(port)
    console.print("Starting the two local chains and the service ...")
    with both_chains(base_port, tempo_port) as (base, tempo), _started(base, tempo, port, {}) as (child, url):
        _greet(console, url, base, tempo)
        raise SandboxError(f"The service ended by itself with code {child.wait()}.")


@contextmanager
def _started(base: Chain, tempo: Chain, port: int, settings: Mapping[str, str]) -> Iterator[tuple[Child, str]]:
    url = f"http://127.0.0.1:{port}"
    bentoml = Path(sys.executable).with_name("bentoml")
    command: list[str | Path] = [
        bentoml,
        "serve",
        "service:BackgroundRemoval",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    env = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", **environment(base, tempo, url), **settings}
    with Child("the service", command, env=env, quiet=False, patience=STOP_SECONDS) as child:
        child.wait_until(lambda: _ready(url), START_SECONDS)
        yield child, url


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _greet(console: Console, url: str, base: Chain, tempo: Chain) -> None:
    """Print addresses and the lines to paste; none is wrapped, so that each can be copied whole."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("service", url)
    facts.add_row("x402", f"USDC (test token) on a local Base, eip155:{base.chain_id}, RPC {base.rpc_url}")
    facts.add_row("MPP", f"pathUSD on a local Tempo, chain {tempo.chain_id}, RPC {tempo.rpc_url}")
    facts.add_row("buyer's key", f"{BUYER.key} (funded on both rails; public, sandbox only)")
    console.print("\n[bold]ClearCanvas is ready.[/bold] Money here is play money.\n", facts)
    for title, line in _lines(f"{url}{ROUTE}", tempo.rpc_url):
        console.print(f"\n[bold]{title}[/bold]\n{line}")
    console.print("\nCtrl-C stops everything.")


def _lines(endpoint: str, tempo_url: str) -> tuple[tuple[str, str], ...]:
    key = f"BUYER_KEY={BUYER.key}"
    program = ".venv/bin/python examples/python"
    files = f"{endpoint} photo.jpg cutout.png"
    return (
        ("Ask for the price", f"curl -i -X POST {endpoint}"),
        ("Buy with curl, signing with Python", f"PATH=.venv/bin:$PATH {key} examples/curl/buy_x402.sh {files}"),
        ("Buy in Python with x402", f"{key} {program}/buy_x402.py {files}"),
        ("Buy in Python with MPP", f"{key} TEMPO_RPC_URL={tempo_url} {program}/buy_mpp.py {files}"),
        ("Buy on both rails and compare", "make demo IMAGE=photo.jpg"),
    )
