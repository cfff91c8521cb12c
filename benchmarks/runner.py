"""What the runner costs and how it holds up: `make bench-runner`. One running service with one API worker.

ready       seconds from the start of the service until it can sell, the CPU seconds of its processes until then, and
            seconds until a picture is cut out again after kill -9 of the runner
hop         CPU milliseconds of a picture between pipeline and network, at 384 x 384: the client's share and the
            runner's with a network that does nothing, and all of the real runner's beside the bare network's
lone        milliseconds of single pictures after bursts, beside those of the inference alone
failures    of 1,000 calls at concurrency 16 and at 64, those that failed and those that needed a second attempt, with
            two minutes of patience, so that a slow machine refuses none
memory      resident megabytes of the runner over many pictures

The calls go to the runner's own socket, as an API worker's do. Everything runs on one machine, the callers as well.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import structlog
import typer
import uvicorn
from rich.console import Console
from rich.table import Table
from structlog.testing import LogCapture

from benchmarks.imaging import photograph
from config import load
from errors import ServiceError
from models import ModelManifest, Precision
from runners.app import RunnerApp, ServedModel
from runners.batcher import Batcher
from runners.client import RunnerClient, RunnerConnection
from runners.inference import OrtBackend, Pixels
from sandbox.chains import base_chain, tempo_chain
from tests.processes import command_of, family, matching
from tests.running_service import run_service

HOP_RUNS, BARE_RUNS = 300, 60
BURSTS = (16, 64, 128)
LONE = 10
CALLS = 1000
CONCURRENCIES = (16, 64)
TIMEOUT_S = 120.0
"""Four times what buyers get, and room for as much work in the queue: what fails has not failed for want of time."""
TARGETS = {"hop": 5.0, "lone": 1.5, "ready": 10.0}
STAND_IN = "blank"
SETTINGS = {
    "CLEARCANVAS_WORKERS": "1",
    "CLEARCANVAS_RUNNER__MAX_WAIT_S": str(TIMEOUT_S),
    "CLEARCANVAS_RUNNER__TIMEOUT_S": str(TIMEOUT_S),
}


class Meter:
    """CPU seconds of processes since it was made."""

    def __init__(self, *processes: psutil.Process) -> None:
        self._processes = processes
        self._before = self._now()

    def each(self) -> list[float]:
        """By process, in their order."""
        return [now - before for now, before in zip(self._now(), self._before, strict=True)]

    def _now(self) -> list[float]:
        return [sum(process.cpu_times()[:2]) for process in self._processes]


def serve_stand_in(socket: Path, size: int) -> None:
    """Serve a network that does nothing, as the runner serves its own; until killed."""
    batcher = Batcher(lambda images: np.zeros(images.shape[:3], np.uint8), limit=1, max_wait_s=60)
    app = RunnerApp({STAND_IN: ServedModel(size, STAND_IN, batcher)})
    config = uvicorn.Config(app, uds=str(socket), http="h11", lifespan="off", log_config=None)
    uvicorn.Server(config).run()


async def hop(folder: Path, image: Pixels) -> tuple[float, float]:
    """CPU milliseconds of a picture in the client and in the runner, around a network that does nothing."""
    socket, size = folder / "it.sock", str(image.shape[0])
    command = [sys.executable, "-m", "benchmarks.runner", "--stand-in", str(socket), "--size", size]
    with subprocess.Popen(command) as server:  # noqa: ASYNC220, S603  # ours, and nothing else runs yet
        try:
            async with RunnerConnection(f"file://{socket}") as connection:
                client = RunnerClient(connection, model=STAND_IN, size=image.shape[0], timeout_s=TIMEOUT_S)
                await _until_well(client)
                for _ in range(HOP_RUNS // 10):
                    await client.infer(image)
                meter = Meter(psutil.Process(), psutil.Process(server.pid))
                for _ in range(HOP_RUNS):
                    await client.infer(image)
                mine, its = meter.each()
                return 1000 * mine / HOP_RUNS, 1000 * its / HOP_RUNS
        finally:
            server.terminate()


async def real_cost(
    client: RunnerClient, runner: psutil.Process, manifest: ModelManifest, image: Pixels
) -> list[float]:
    """CPU milliseconds of a picture: the runner's process, and the bare network in this one; in turn, in rounds."""
    precision: Precision = "int8" if (client.backend() or "").endswith("int8") else "fp32"
    bare = OrtBackend(manifest, device="cpu", threads=1, precision=precision)
    bare.infer(image[None])
    costs: list[tuple[float, float]] = []
    for _ in range(3):
        meter = Meter(runner, psutil.Process())
        for _ in range(BARE_RUNS):
            await client.infer(image)
        served = meter.each()[0]
        meter = Meter(psutil.Process())
        for _ in range(BARE_RUNS):
            bare.infer(image[None])
        costs.append((1000 * served / BARE_RUNS, 1000 * meter.each()[0] / BARE_RUNS))
    bare.close()
    return [statistics.median(each) for each in zip(*costs, strict=True)]


async def lone_after(client: RunnerClient, image: Pixels, burst: int) -> tuple[list[float], float]:
    """Milliseconds of single pictures after so many at once, and those of an inference, as the runner measured it."""
    await asyncio.gather(*(client.infer(image) for _ in range(burst)), return_exceptions=True)
    took = []
    for _ in range(LONE):
        began = time.perf_counter()
        await client.infer(image)
        took.append(1000 * (time.perf_counter() - began))
    return took, 1000 * client.picture_s()


async def failures(client: RunnerClient, image: Pixels, concurrency: int, calls: int) -> tuple[int, int, float]:
    """How many calls failed, how many needed a second attempt, and pictures per second."""
    seen = LogCapture()
    structlog.configure(processors=[seen])
    failed, began = 0, time.perf_counter()
    left = iter(range(calls))

    async def keep_calling() -> None:
        nonlocal failed
        for _ in left:
            try:
                await client.infer(image)
            except ServiceError:
                failed += 1

    await asyncio.gather(*(keep_calling() for _ in range(concurrency)))
    retried = sum(entry["event"] == "inference_retried" for entry in seen.entries)
    return failed, retried, calls / (time.perf_counter() - began)


async def memory(client: RunnerClient, runner: psutil.Process, image: Pixels, pictures: int) -> list[float]:
    """Resident megabytes of the runner before, and after each tenth of the pictures; 16 at a time."""
    sizes = [runner.memory_info().rss / 1e6]
    for _ in range(10):
        await failures(client, image, 16, max(1, pictures // 10))
        sizes.append(runner.memory_info().rss / 1e6)
    return sizes


async def replaced(client: RunnerClient, runner: psutil.Process, image: Pixels) -> float:
    """Seconds from kill -9 until a picture is cut out again."""
    began = time.perf_counter()
    runner.kill()
    await client.infer(image)
    return time.perf_counter() - began


@asynccontextmanager
async def _connected(address: str, manifest: ModelManifest) -> AsyncIterator[RunnerClient]:
    async with RunnerConnection(address) as connection:
        client = RunnerClient(connection, model=manifest.name, size=manifest.input.size, timeout_s=TIMEOUT_S)
        await _until_well(client)
        yield client


async def _until_well(client: RunnerClient) -> None:
    while client.fault() is not None:
        await client.poll()
        await asyncio.sleep(0.05)


def _runner(supervisor: int) -> psutil.Process:
    return matching(supervisor, "MattingRunner")[0]


def _cpu_by_role(supervisor: int) -> dict[str, float]:
    """CPU seconds that each process of the service has spent so far."""
    spent: dict[str, float] = {}
    for process in family(supervisor):
        command = command_of(process)
        role = command[command.index("--service-name") + 1] if "--service-name" in command else "the supervisor"
        spent[role] = spent.get(role, 0.0) + sum(process.cpu_times()[:2])
    return spent


def _address(supervisor: int) -> str:
    """Where its API worker finds the runner."""
    return str(json.loads(_runner(supervisor).environ()["BENTOML_RUNNER_MAP"])["MattingRunner"])


class Bench:
    """The parts by name, against a service that is ready; each gives its table."""

    def __init__(self, supervisor: int, folder: Path, ready_s: float, pictures: int) -> None:
        self.manifest = ModelManifest.load(load({}).runner.model)
        self.image = photograph(self.manifest.input.size, self.manifest.input.size)
        self._started = _cpu_by_role(supervisor)
        self._runner, self._address = _runner(supervisor), _address(supervisor)
        self._folder, self._ready_s, self._pictures = folder, ready_s, pictures
        self.parts = {
            "hop": self._hop,
            "lone": self._lone,
            "failures": self._failures,
            "memory": self._memory,
            "ready": self._ready,
        }

    async def run(self, only: Sequence[str]) -> AsyncIterator[Table]:
        """One table after the other."""
        async with _connected(self._address, self.manifest) as client:
            for name in only or self.parts:
                yield await self.parts[name](client)

    async def _hop(self, client: RunnerClient) -> Table:
        client_ms, runner_ms = await hop(self._folder, self.image)
        served_ms, bare_ms = await real_cost(client, self._runner, self.manifest, self.image)
        costs = {
            f"hop, client and runner (target: {TARGETS['hop']:.0f})": client_ms + runner_ms,
            "  of that client": client_ms,
            "  of that runner": runner_ms,
            "runner with its network": served_ms,
            "the bare network": bare_ms,
        }
        return _two("CPU ms a picture", {name: f"{ms:.1f}" for name, ms in costs.items()})

    async def _lone(self, client: RunnerClient) -> Table:
        return _lone_table({burst: await lone_after(client, self.image, burst) for burst in BURSTS})

    async def _failures(self, client: RunnerClient) -> Table:
        return _failure_table({each: await failures(client, self.image, each, CALLS) for each in CONCURRENCIES})

    async def _memory(self, client: RunnerClient) -> Table:
        sizes = await memory(client, self._runner, self.image, self._pictures)
        return _two(f"runner's memory over {self._pictures} pictures", _memory_rows(sizes))

    async def _ready(self, client: RunnerClient) -> Table:
        replaced_s = await replaced(client, self._runner, self.image)
        rows = {
            f"service ready (target: {TARGETS['ready']:.0f})": f"{self._ready_s:.1f} s",
            **{f"  CPU of {name}": f"{spent_s:.1f} s" for name, spent_s in self._started.items()},
            "picture after kill -9 of the runner": f"{replaced_s:.1f} s",
        }
        return _two("starting", rows)


def _two(title: str, rows: dict[str, str]) -> Table:
    table = Table(title, "")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _memory_rows(sizes: list[float]) -> dict[str, str]:
    return {
        "before": f"{sizes[0]:.0f} MB",
        "after a tenth": f"{sizes[1]:.0f} MB",
        "at the end": f"{sizes[-1]:.0f} MB",
        "most": f"{max(sizes):.0f} MB",
    }


def _lone_table(lone: dict[int, tuple[list[float], float]]) -> Table:
    table = Table(
        "after a burst of", "lone p50 ms", "lone max ms", "inference ms", f"p50 ratio (target: {TARGETS['lone']})"
    )
    for burst, (took, inference) in lone.items():
        middle = statistics.median(took)
        table.add_row(str(burst), f"{middle:.0f}", f"{max(took):.0f}", f"{inference:.0f}", f"{middle / inference:.2f}")
    return table


def _failure_table(failed: dict[int, tuple[int, int, float]]) -> Table:
    table = Table("concurrency", "calls", "failed (target: 0)", "second attempts", "pictures/s")
    for concurrency, (count, retried, rate) in failed.items():
        table.add_row(str(concurrency), str(CALLS), str(count), str(retried), f"{rate:.1f}")
    return table


def main(
    pictures: Annotated[int, typer.Option(min=10, help="Pictures over which memory is watched.")] = 1000,
    only: Annotated[list[str] | None, typer.Option(help="hop, lone, failures, memory or ready; all.")] = None,
    stand_in: Annotated[Path | None, typer.Option(hidden=True)] = None,
    size: Annotated[int, typer.Option(hidden=True)] = 384,
) -> None:
    """Measure and print."""
    if stand_in:
        serve_stand_in(stand_in, size)
        return
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        base, tempo = parts.enter_context(base_chain()), parts.enter_context(tempo_chain())
        began = time.perf_counter()
        service = parts.enter_context(run_service(base, tempo, folder, SETTINGS))
        ready_s = time.perf_counter() - began
        asyncio.run(_show(Bench(service.process.pid, folder, ready_s, pictures), only or []))


async def _show(bench: Bench, only: Sequence[str]) -> None:
    async for table in bench.run(only):
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
