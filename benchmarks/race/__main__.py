"""Our service and `rembg s` 2.0.86 with the same weights: `make race`.

Four servers stand side by side on the same core: rembg; ours selling over x402 with the fp32 weights, and with those
that `auto` takes; ours without payments. Each has one thread for the network. Whoever sends, and the chains, have the
other cores. Legs take turns, the whole course is run twice, and pictures, their order and the number at a time are the
same for all. The figure is the CPU time of the servers alone: it depends least on what else runs on the machine.
Waits of paid requests contain a block of the chain, a second on the sandbox's.
"""

import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.race import legs
from benchmarks.race.contestants import ENVIRONMENT, REMBG, Contestant, contestants
from benchmarks.race.mattes import differences
from benchmarks.race.meter import load_average
from benchmarks.race.pictures import SIZES, Pictures
from benchmarks.race.report import summary, table
from sandbox.chains import base_chain, tempo_chain

COURSE = {"2 MP": {1: 6, 4: 12, 16: 24}, "2 MP, no grain": {4: 12}, "12 MP": {1: 3, 4: 6, 16: 16}}
"""How many requests, by size and how many at a time."""

WARM_UP = 2


@contextmanager
def _on(cpus: set[int]) -> Iterator[None]:
    """Have this process, and what it starts meanwhile, run there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _round(servers: list[Contestant], pictures: dict[str, Pictures], say: Console) -> Iterator[legs.Leg]:
    for size, of_size in pictures.items():
        for server in servers:
            legs.cut_out(server, of_size.unique(WARM_UP))
        for concurrency, requests in COURSE[size].items():
            for server in servers:
                leg = legs.run(server, size, of_size, concurrency, requests)
                waits = f"{leg.requests_s:6.2f}/s, p50 {float(np.median(leg.latencies_s)):6.2f} s"
                say.print(f"{size:14}  x{concurrency:<3} {server.name:19} {leg.cpu_s:6.3f} CPU s, {waits}")
                yield leg


def main(
    json_file: Annotated[Path, typer.Option("--json", help="Write the figures there.")] = Path("results/race.json"),
    rounds: Annotated[int, typer.Option(min=1, help="How often the whole course is run.")] = 2,
    plots: Annotated[Path | None, typer.Option(help="Folder of the plots, as SVG.")] = None,
) -> None:
    """Run, print, and write after each round."""
    say = Console(width=160, highlight=False)
    *_, servers_cpu = sorted(cpus := os.sched_getaffinity(0))
    began, load = time.time(), load_average()
    run: list[legs.Leg] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(_on(cpus - {servers_cpu} or cpus))
        base, tempo = stack.enter_context(base_chain()), stack.enter_context(tempo_chain())
        with _on({servers_cpu}):
            servers = stack.enter_context(contestants(base, tempo, folder))
        pictures = {size: Pictures.of(size) for size in SIZES}
        for number in range(1, rounds + 1):
            run += _round(servers, pictures, say)
            document = {
                "machine": {"cpu": _cpu_name(), "cpus": sorted(cpus), "servers_cpu": servers_cpu},
                "load": {"before": load, "after": load_average()},
                "took_s": round(time.time() - began),
                "course": COURSE,
                "rounds": number,
                # Large pictures only now: what they leave behind would be in the small ones' memory.
                "results": {size: _results(servers, of_size) for size, of_size in pictures.items()},
                "summary": summary(run),
                "legs": [asdict(leg) for leg in run],
            }
            json_file.parent.mkdir(parents=True, exist_ok=True)
            json_file.write_text(json.dumps(document, indent=1))
    say.print(table(document))
    if plots is not None:
        drawing = [ENVIRONMENT / "bin" / "python", Path(__file__).with_name("plots.py"), json_file, plots]
        subprocess.run(drawing, check=True)  # noqa: S603  # our own


def _results(servers: list[Contestant], pictures: Pictures) -> dict[str, dict[str, float]]:
    """Of each server: megabytes of a result, and how far its alphas are from rembg's."""
    found = {server.name: legs.cut_out(server, pictures.unique(len(pictures.files))) for server in servers}
    return {
        name: {"mb": round(sum(map(len, answers)) / len(answers) / 1e6, 3), **differences(found[REMBG], answers)}
        for name, answers in found.items()
    }


def _cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    typer.run(main)
