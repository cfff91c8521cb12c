"""What it costs to decode in another process: `make bench-decoders`.

Each picture is decoded in this process and by a pool of one, in turns. A pair's two figures come from the same moment,
so their difference and ratio are given as medians over the pairs: CPU of all processes together, and wall time.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import imagecodecs
import simplejpeg
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.imaging import SIZES, photograph
from imaging import ImageFormat, ImageInfo, Picture, decode, probe
from imaging.isolated.pool import DecoderPool

Figures = dict[str, float]
Decode = Callable[[bytes, ImageInfo], Picture]


def files(size: str) -> Iterator[tuple[ImageFormat, bytes]]:
    """A photograph as a file of each format."""
    pixels = photograph(*SIZES[size])
    yield ImageFormat.JPEG, simplejpeg.encode_jpeg(pixels, quality=92)
    yield ImageFormat.PNG, bytes(imagecodecs.png_encode(pixels, level=1))
    yield ImageFormat.WEBP, bytes(imagecodecs.webp_encode(pixels, level=90, method=0))


def compare(body: bytes, format: ImageFormat, pool: DecoderPool, pairs: int) -> Figures:
    """Medians in milliseconds, and of the ratios."""
    info = probe(body, format, 10_000)
    (other,) = pool.pids
    here, there = [], []
    for _ in range(pairs + 1):  # the first takes memory for all
        here.append(_timed(decode, body, info, other))
        there.append(_timed(pool.decode, body, info, other))
    figures: Figures = {}
    for place, kind in enumerate(("CPU", "wall")):
        mine, its = ([each[place] for each in times[1:]] for times in (here, there))
        figures |= {
            f"{kind} here": statistics.median(mine),
            f"{kind} pool": statistics.median(its),
            f"{kind} more": statistics.median(b - a for a, b in zip(mine, its, strict=True)),
            f"{kind} ratio": statistics.median(b / a for a, b in zip(mine, its, strict=True)),
        }
    return figures


def _timed(work: Decode, body: bytes, info: ImageInfo, other: int) -> tuple[float, float]:
    """CPU and wall milliseconds, until the picture is let go of."""
    clocks = (time.CLOCK_PROCESS_CPUTIME_ID, _clock_of(other))
    start, used = time.perf_counter(), sum(map(time.clock_gettime, clocks))
    work(body, info)
    return 1e3 * (sum(map(time.clock_gettime, clocks)) - used), 1e3 * (time.perf_counter() - start)


def _clock_of(pid: int) -> int:
    """CPU time of another process, as clock_getcpuclockid(3) makes it on Linux."""
    return ~pid << 3 | 2


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures there.")] = None,
    sizes: Annotated[str, typer.Option(help="Which sizes, separated by commas.")] = "2 MP,12 MP",
    pairs: Annotated[int, typer.Option(help="How many of each.")] = 15,
) -> None:
    """Measure and print."""
    results: dict[str, Figures] = {}
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with DecoderPool(1) as pool:
        while not pool.pids:
            time.sleep(0.1)
        for size in sizes.split(","):
            for format, body in files(size):
                results[f"{size} {format.name}"] = compare(body, format, pool, pairs)
    table = Table("ms, one core", *next(iter(results.values())))
    for name, figures in results.items():
        table.add_row(name, *(f"{each:,.2f}" if "ratio" in kind else f"{each:,.1f}" for kind, each in figures.items()))
    Console(width=140).print(table)
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps({"pairs": pairs, "results": results}, indent=1))


if __name__ == "__main__":
    typer.run(main)
