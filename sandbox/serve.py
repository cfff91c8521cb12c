"""The whole sandbox at once: both chains and the service, and what a first-time buyer needs to know about them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from sandbox.accounts import BUYER
from sandbox.chains import BaseChain, Chain, TempoChain
from sandbox.environment import environment
from sandbox.process import Child, choose_port

START_SECONDS = 120.0
STOP_SECONDS = 15.0  # for requests that are being settled
ROUTE = "/v1/remove-background"


@contextmanager
def service(base: Chain, tempo: Chain, port: int = 0) -> Iterator[str]:
    """Run the service on these chains (port 0: any free one); its URL, once it is ready. Raises SandboxError.

    Its log goes to our standard output. Leaving the block ends it; leaving by its own end raises SandboxError.
    """
    port = choose_port(port)
    url = f"http://127.0.0.1:{port}"
    bentoml = Path(sys.executable).with_name("bentoml")
    command = [bentoml, "serve", "service:BackgroundRemoval", "--host", "127.0.0.1", "--port", str(port)]
    env = {**os.environ, **environment(base, tempo, url), "BENTOML_DO_NOT_TRACK": "True"}
    with Child("the service", command, env=env, quiet=False, patience=STOP_SECONDS) as child:
        child.wait_until(lambda: ready(url), START_SECONDS)
        yield url


def ready(url: str) -> bool:
    """Whether the service says that it can sell."""
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False
