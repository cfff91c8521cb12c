"""What a quote costs the API worker, and how long its asker waits: `make bench-quotes`.

stages    CPU milliseconds of an unpaid request inside the application, called as its server would call it, by stage;
          `time.process_time`, so every thread of the process counts and waiting costs nothing
worker    CPU milliseconds of the worker of a running `bentoml serve`, for each request that it answers on loopback:
          HTTP, BentoML's layers, background work, everything
wait      wall milliseconds at fixed rates, median and 95th percentile, from the moment the request was due

Every asker has an address of its own, so that no limit is met and every counter is a new one. The asker runs on the
same machine: where it has few cores, the waits hold the asker's work as well.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from itertools import count
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

import storage
from api.rate_limit import Counter
from benchmarks.payments import REST, ROUTE, Blank, Meter, sold
from composition import compose
from config import Settings, load
from logs import configure_logging
from models import ModelManifest
from payments.mpp.rail import MppRail
from payments.x402.rail import X402Rail
from runners.client import RunnerClient
from sandbox.chains import BaseChain, TempoChain, base_chain, tempo_chain
from sandbox.environment import environment
from tests.processes import matching
from tests.running_service import run_service

RUNS = 500
ROUNDS = 5
RATES = (50, 100, 200)
PHASE_S = 8.0
CONNECTIONS = 32
TARGET_MS = 1.5
URL = "http://127.0.0.1:3000"

STAGES = {
    "x402 challenge": (X402Rail, "challenge"),
    "MPP challenge": (MppRail, "challenge"),
    "limit": (Counter, "hit"),
}


def addresses() -> Iterator[str]:
    """Addresses that nobody has had yet."""
    for number in count():
        yield f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number & 255}"


async def stages(settings: Settings) -> dict[str, float]:
    """Stage → CPU milliseconds; the median of the rounds' means."""
    await storage.migrate(settings.ledger_url())
    manifest = ModelManifest.load(settings.runner.model)
    client = RunnerClient(Blank(), model=manifest.name, size=manifest.input.size, timeout_s=10)
    await client.poll()
    meter = Meter()
    with metered(meter):
        async with compose(settings, [(manifest, client)]) as app:
            asker = addresses()
            rounds: list[dict[str, float]] = []
            for _ in range(ROUNDS + 1):
                meter.spent.clear()
                for _ in range(RUNS):
                    with meter.inside(REST):
                        status, _, _ = await sold(app, {"x-forwarded-for": next(asker)}, b"")
                    if status != 402:
                        raise RuntimeError(f"not a quote: {status}")
                rounds.append({stage: spent / RUNS for stage, spent in meter.spent.items()})
    return {stage: statistics.median(each[stage] for each in rounds[1:]) for stage in (REST, *STAGES)}


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Count what is spent in STAGES."""
    plain = {(kind, name): getattr(kind, name) for kind, name in STAGES.values()}
    for stage, (kind, name) in STAGES.items():
        setattr(kind, name, meter.around(stage, plain[kind, name]))
    yield
    for (kind, name), work in plain.items():
        setattr(kind, name, work)


class Askers:
    """Ask for quotes over a few kept connections, each in its turn.

    A client library would cost more than the service; this one writes the bytes of one request and reads one answer.
    """

    def __init__(self, url: str) -> None:
        self._host, self._port = str(urlsplit(url).hostname), urlsplit(url).port
        self._idle: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
        self._addresses = addresses()

    async def open(self) -> None:
        """Connect."""
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection(self._host, self._port))

    async def ask(self) -> None:
        """One quote."""
        connection = await self._idle.get()
        try:
            await self._answered(*connection)
        except (asyncio.IncompleteReadError, ConnectionError):  # the service closes what has been idle for seconds
            connection[1].close()
            connection = await asyncio.open_connection(self._host, self._port)
            await self._answered(*connection)
        self._idle.put_nowait(connection)

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            f"POST {ROUTE} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Length: 0\r\n"
            f"X-Forwarded-For: {next(self._addresses)}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 402"):
            raise RuntimeError(head.decode())
        [length] = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(length))

    async def one_after_the_other(self, times: int) -> None:
        """As many as asked for, without a pause."""
        for _ in range(times):
            await self.ask()

    async def at_rate(self, per_s: float) -> list[float]:
        """Wall milliseconds from each request's moment, at random moments, to the end of its answer."""
        draw = Random(0)  # noqa: S311  # the same moments in every run
        moments = sorted(draw.uniform(0, PHASE_S) for _ in range(round(per_s * PHASE_S)))
        start = time.perf_counter()

        async def due(moment: float) -> float:
            await asyncio.sleep(max(0.0, start + moment - time.perf_counter()))
            await self.ask()
            return 1000 * (time.perf_counter() - start - moment)

        return await asyncio.gather(*map(due, moments))


async def on_the_wire(url: str, worker: psutil.Process) -> tuple[float, dict[int, list[float]]]:
    """CPU milliseconds of the worker for each request, and rate → waits."""
    askers = Askers(url)
    await askers.open()
    await askers.one_after_the_other(RUNS)
    each: list[float] = []
    for _ in range(ROUNDS):
        before = _cpu_s(worker)
        await askers.one_after_the_other(RUNS)
        each.append(1000 * (_cpu_s(worker) - before) / RUNS)
    return statistics.median(each), {rate: await askers.at_rate(rate) for rate in RATES}


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _worker(supervisor: int) -> psutil.Process:
    return matching(supervisor, "BackgroundRemoval")[0]


def running(base: BaseChain, tempo: TempoChain, folder: Path) -> tuple[float, dict[int, list[float]]]:
    """`on_the_wire` of a service with one API worker."""
    with run_service(base, tempo, folder, {"CLEARCANVAS_WORKERS": "1"}) as service:
        return asyncio.run(on_the_wire(service.url, _worker(service.process.pid)))


def cost_table(spent: dict[str, float], worker_ms: float) -> Table:
    """CPU by stage."""
    shown = Table(f"CPU ms of a quote, median of {ROUNDS} x {RUNS}", "")
    for stage, ms in spent.items():
        shown.add_row(stage, f"{ms:.2f}")
    shown.add_section()
    shown.add_row("inside the application", f"{sum(spent.values()):.2f}")
    shown.add_row(f"a running worker (target: {TARGET_MS})", f"{worker_ms:.2f}")
    return shown


def wait_table(waits: dict[int, list[float]]) -> Table:
    """Waits by rate."""
    shown = Table("quotes a second", "p50 ms", "p95 ms")
    for rate, each in waits.items():
        ordered = sorted(each)
        shown.add_row(str(rate), f"{statistics.median(ordered):.1f}", f"{ordered[int(len(ordered) * 0.95)]:.1f}")
    return shown


def main() -> None:
    """Measure and print."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        base, tempo = parts.enter_context(base_chain()), parts.enter_context(tempo_chain())
        log = parts.enter_context((folder / "log").open("w"))
        with redirect_stderr(log):
            configure_logging("info")  # every line is made as in service, and goes to a file
        changes = {"CLEARCANVAS_DATABASE_URL": f"sqlite:///{folder}/stages.sqlite3"}
        spent = asyncio.run(stages(load(environment(base.rpc_url, tempo.rpc_url, URL) | changes)))
        worker_ms, waits = running(base, tempo, folder)
        Console().print(cost_table(spent, worker_ms), wait_table(waits))


if __name__ == "__main__":
    main()
