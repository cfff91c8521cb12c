"""What buyers and probes notice when chains fail: `make bench-outage`. One running service, two API workers, SQLite.

health          wall milliseconds of `/healthz` and `/readyz`, each asked on a new connection as probes do, while all is
                well, while every RPC URL of both rails hangs, and while each refuses connections; buyers try to pay
independence    the stage "settle" of other buyers' sales, from `Server-Timing`: in calm, and while the chain call that
                broadcasts one buyer's transaction is held for eight seconds; a ratio of 1 is the aim

Everything runs on one machine, so the figures hold its other work as well: chains, model and buyers.
"""

import asyncio
import re
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from sandbox.accounts import BUYER
from sandbox.chains import base_chain, tempo_chain
from sandbox.rpc_proxy import Control, shim
from sandbox.wallets import sign_mpp, sign_x402
from tests.running_service import run_service

PHASE_S = 10.0
PROBES_PER_S = 10
BUYERS = 6
HELD_S = 8.0
ROUNDS = 3
TARGET_MS = 200
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # none is made for every probe: reading certificates takes a while
ROUTE = "/v1/remove-background"
RAILS = ("x402", "mpp")
SEND = {"x402": "eth_sendRawTransaction", "mpp": "eth_sendRawTransactionSync"}


@dataclass(frozen=True)
class WholeService:
    """A running service and what it reaches its chains by.

    Attributes:
        url: of the service.
        tempo_url: where buyers reach the Tempo chain, whatever the service meets.
        nodes: rail → controls of the proxies before its RPC URLs, the first one first.
    """

    url: str
    tempo_url: str
    nodes: dict[str, list[Control]]

    def hang(self) -> None:
        """From now on no RPC URL gives an answer."""
        for controls in self.nodes.values():
            for control in controls:
                control.inject("hang")

    async def pay(self, client: httpx.AsyncClient, rail: str) -> dict[str, str]:
        """A quote, paid."""
        quote = await client.post(self.url + ROUTE)
        if rail == "mpp":
            return await sign_mpp(BUYER.key, quote.headers["WWW-Authenticate"], self.tempo_url)
        return sign_x402(BUYER.key, quote.headers["PAYMENT-REQUIRED"])

    async def send(self, client: httpx.AsyncClient, payment: dict[str, str]) -> httpx.Response:
        return await client.post(self.url + ROUTE, content=PICTURE, headers={"Content-Type": "image/jpeg", **payment})


def _picture() -> bytes:
    file = BytesIO()
    image = Image.new("RGB", (128, 128), (24, 30, 36))
    ImageDraw.Draw(image).ellipse((24, 24, 104, 104), fill=(230, 210, 160))
    image.save(file, "JPEG")
    return file.getvalue()


PICTURE = _picture()


async def health(
    service: WholeService, client: httpx.AsyncClient, payments: list[dict[str, str]], begin: Callable[[], None]
) -> dict[str, list[float]]:
    """Path → milliseconds of each answer during a phase in which buyers try to pay; `begin` brings about its fault."""
    await asyncio.to_thread(begin)
    end = time.monotonic() + PHASE_S
    buyers = [asyncio.create_task(_keep_sending(service, client, payment, end)) for payment in payments]
    took: dict[str, list[float]] = {"/healthz": [], "/readyz": []}
    probes: list[asyncio.Task[None]] = []
    while time.monotonic() < end:
        probes += [asyncio.create_task(_probe(service.url, path, times)) for path, times in took.items()]
        await asyncio.sleep(1 / PROBES_PER_S)
    await asyncio.gather(*probes, *buyers)
    return took


async def _keep_sending(service: WholeService, client: httpx.AsyncClient, payment: dict[str, str], end: float) -> None:
    while time.monotonic() < end:
        answer = await service.send(client, payment)
        await asyncio.sleep(0.2 if answer.status_code == 200 else 0.5)


async def _probe(url: str, path: str, times: list[float]) -> None:
    start = time.perf_counter()
    async with httpx.AsyncClient(timeout=30, trust_env=False, verify=PLAIN) as client:
        await client.get(url + path)
    times.append(1000 * (time.perf_counter() - start))


async def independence(
    service: WholeService, client: httpx.AsyncClient, rail: str
) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of the others' settlements in calm and while one is held, and of the held ones' whole requests."""
    calm: list[float] = []
    held: list[float] = []
    victims: list[float] = []
    for _ in range(ROUNDS):
        calm += await _settled(service, client, rail)
        control = service.nodes[rail][0]
        victim = await service.pay(client, rail)
        others = [await service.pay(client, rail) for _ in range(BUYERS)]
        before = _calls(control, rail)
        await asyncio.to_thread(control.inject, "slow", methods=[SEND[rail]], count=1, seconds=HELD_S)
        start = time.perf_counter()
        waiting = asyncio.create_task(service.send(client, victim))
        await asyncio.to_thread(_wait_for_call, control, rail, before)
        held += await _settled(service, client, rail, others)
        await waiting
        victims.append(1000 * (time.perf_counter() - start))
        await asyncio.to_thread(control.clear)
    return calm, held, victims


def _wait_for_call(control: Control, rail: str, before: int) -> None:
    while _calls(control, rail) == before:
        time.sleep(0.02)


def _calls(control: Control, rail: str) -> int:
    return control.calls()[SEND[rail]]


async def _settled(
    service: WholeService, client: httpx.AsyncClient, rail: str, payments: list[dict[str, str]] | None = None
) -> list[float]:
    """Milliseconds of the stage "settle" of sales at the same time; a sale that failed counts as its whole time."""
    payments = payments or [await service.pay(client, rail) for _ in range(BUYERS)]
    start = time.perf_counter()
    answers = await asyncio.gather(*(service.send(client, payment) for payment in payments))
    whole = 1000 * (time.perf_counter() - start)
    timings = [re.search(r"settle;dur=([0-9.]+)", answer.headers.get("Server-Timing", "")) for answer in answers]
    return [float(timing[1]) if timing else whole for timing in timings]


async def measure(service: WholeService, refuse: Callable[[], None]) -> None:
    """Run all phases and print; `refuse` ends the proxies, so it comes last."""
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        for rail in RAILS:  # the first sale of each worker loads and connects
            await _settled(service, client, rail)
        _print_independence({rail: await independence(service, client, rail) for rail in RAILS})
        phases: dict[str, Callable[[], None]] = {"all well": lambda: None, "hanging": service.hang, "refusing": refuse}
        # All are signed before, for a rail that is out is not quoted. Those of MPP are over before the last phase is.
        ready = [[await service.pay(client, rail) for rail in RAILS * (BUYERS // 2)] for _ in phases]
        took = {
            name: await health(service, client, payments, begin)
            for payments, (name, begin) in zip(ready, phases.items(), strict=True)
        }
        _print_health(took)


def _print_independence(rails: dict[str, tuple[list[float], list[float], list[float]]]) -> None:
    """Medians; of the held ones the whole request."""
    shown = Table("settlement of others, ms", "sales", "calm", "one held", "ratio", "longest")
    for rail, (calm, held, victims) in rails.items():
        medians = statistics.median(calm), statistics.median(held)
        cells = (*(f"{ms:.0f}" for ms in medians), f"{medians[1] / medians[0]:.2f}", f"{max(held):.0f}")
        shown.add_row(rail, str(len(held)), *cells)
        shown.add_row("  the one held", str(len(victims)), "", f"{statistics.median(victims):.0f}", "", "")
    Console().print(shown)


def _print_health(phases: dict[str, dict[str, list[float]]]) -> None:
    shown = Table(f"probes, ms (target: p99 < {TARGET_MS})", "answers", "p50", "p99", "longest")
    for phase, paths in phases.items():
        for path, times in paths.items():
            ordered = sorted(times)
            figures = statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1]
            shown.add_row(f"{phase}: {path}", str(len(ordered)), *(f"{ms:.0f}" for ms in figures))
    Console().print(shown)


def main() -> None:
    """Start everything, measure and print."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        base, tempo = parts.enter_context(base_chain()), parts.enter_context(tempo_chain())
        proxies = parts.enter_context(ExitStack())
        urls = {
            rail: [proxies.enter_context(shim(chain.rpc_url, chain.chain_id)).url for _ in range(2)]
            for rail, chain in (("x402", base), ("mpp", tempo))
        }
        settings = {"CLEARCANVAS_RATE_LIMIT__UNPAID_PER_MINUTE": "1000000"}
        for rail, (first, second) in urls.items():
            settings |= {f"CLEARCANVAS_{rail.upper()}__RPC_URL": first}
            settings |= {f"CLEARCANVAS_{rail.upper()}__FALLBACK_RPC_URL": second}
        service = parts.enter_context(run_service(base, tempo, folder, settings))
        nodes = {rail: [Control(url) for url in both] for rail, both in urls.items()}
        asyncio.run(measure(WholeService(service.url, tempo.rpc_url, nodes), proxies.close))


if __name__ == "__main__":
    main()
