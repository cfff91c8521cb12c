"""The servers that run against each other, each on the same cores and with one thread for the network."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil

from benchmarks.race.weights import wrap
from models import ModelManifest
from sandbox.accounts import BUYER
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import DIE_WITH_PARENT, ROOT, choose_port
from sandbox.wallets import sign_x402
from tests.running_service import run_service

REMBG, PAID, PAID_AUTO, UNPAID = "rembg", "ours, paid, fp32", "ours, paid, auto", "ours, unpaid, fp32"
MODEL = "clearcanvas-matte-6"
ENVIRONMENT = ROOT / ".venv-race"
_PATIENCE_S = 300.0
_START_S = 180.0

_OURS = {
    "CLEARCANVAS_WORKERS": "1",
    "CLEARCANVAS_RATE_LIMIT__UNPAID_PER_MINUTE": "1000000",
    # Buyers sign before a leg and send for minutes; on a busy machine sixteen large pictures wait for long.
    "CLEARCANVAS_X402__MAX_TIMEOUT_SECONDS": "3600",
    "CLEARCANVAS_RUNNER__MAX_WAIT_S": str(_PATIENCE_S),
    "CLEARCANVAS_RUNNER__TIMEOUT_S": str(_PATIENCE_S),
}
_FP32 = {"CLEARCANVAS_RUNNER__PRECISION": "fp32"}


@dataclass(frozen=True, slots=True)
class Order:
    """One request, ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


Orders = Callable[[str], Callable[[list[bytes]], list["Order"]]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A running server.

    Attributes:
        orders: requests for these pictures; whatever has to be signed is signed by then.
    """

    name: str
    process: psutil.Process
    orders: Callable[[list[bytes]], list[Order]]


@contextmanager
def contestants(base: BaseChain, tempo: TempoChain, folder: Path) -> Iterator[list[Contestant]]:
    """All of them, ready."""
    unpaid = "benchmarks.race.unpaid:BackgroundRemoval"
    shipped = "service:BackgroundRemoval"
    ways: tuple[tuple[str, str, dict[str, str], Orders], ...] = (
        (PAID, shipped, _FP32, _paid),
        (PAID_AUTO, shipped, {}, _paid),
        (UNPAID, unpaid, _FP32, _plain),
    )
    with ExitStack() as stack:
        ready = [stack.enter_context(_rembg(folder))]
        for name, bento, settings, orders in ways:
            own = folder / name.replace(", ", "-")
            own.mkdir()
            running = stack.enter_context(run_service(base, tempo, own, _OURS | settings, bento=bento))
            url = f"{running.url}/v1/remove-background"
            ready.append(Contestant(name, psutil.Process(running.process.pid), orders(url)))
        yield ready


def _plain(url: str) -> Callable[[list[bytes]], list[Order]]:
    return lambda pictures: [Order(url, {"Content-Type": "image/jpeg"}, picture) for picture in pictures]


def _paid(url: str) -> Callable[[list[bytes]], list[Order]]:
    """Paid over x402, the dearer rail, with a signature for each picture."""

    def orders(pictures: list[bytes]) -> list[Order]:
        quoted = httpx.post(url, timeout=60, trust_env=False).headers["PAYMENT-REQUIRED"]
        headers = ({"Content-Type": "image/jpeg", **sign_x402(BUYER.key, quoted)} for _ in pictures)
        return [Order(url, each, picture) for each, picture in zip(headers, pictures, strict=True)]

    return orders


@contextmanager
def _rembg(folder: Path) -> Iterator[Contestant]:
    """`rembg s` as it is, with our weights."""
    home = folder / "rembg"
    home.mkdir()
    network = wrap(ModelManifest.load(MODEL).path, home)
    port = choose_port(0)
    command: list[str | Path] = [
        ENVIRONMENT / "bin" / "rembg",
        "s",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-ui",
    ]
    environment = {"U2NET_HOME": str(home), "NUMBA_CACHE_DIR": str(ENVIRONMENT / "numba"), "OMP_NUM_THREADS": "1"}
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603  # what the lock file names
            [sys.executable, "-I", "-S", DIE_WITH_PARENT, str(os.getpid()), *command, "--log_level", "warning"],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/api", server, home / "log")
        url = f"http://127.0.0.1:{port}/api/remove?extras=" + quote(f'{{"model_path":"{network}"}}')
        yield Contestant(REMBG, psutil.Process(server.pid), _forms(url))
    finally:
        server.terminate()
        server.wait()


def _forms(url: str) -> Callable[[list[bytes]], list[Order]]:
    def order(picture: bytes) -> Order:
        files = {"file": ("picture.jpg", picture, "image/jpeg")}
        form = httpx.Request("POST", url, files=files, data={"model": "u2net_custom"})
        return Order(url, {"Content-Type": form.headers["Content-Type"]}, form.read())

    return lambda pictures: [order(picture) for picture in pictures]


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.25)
    raise RuntimeError(f"rembg did not come up: {log.read_text()[-2000:]}")
