"""CPU and memory of a cut-out but for the model, beside Pillow's default way: `make bench-imaging`.

The picture is made in code: soft shapes under the grain of a sensor, which is what makes files large. A twentieth of
its pixels is half transparent. Each figure is the median CPU time of one process on one core; each way runs in a
process of its own, whose largest resident memory is given. Pillow's default way is what a plain service does: decode,
turn, resize for the model, enlarge the alpha, `putalpha`, save; it takes no background colour out of half transparent
pixels.
"""

import json
import math
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar

import cv2
import numpy as np
import simplejpeg
import typer
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from imaging import ImageFormat, Output, Pixels, decode, probe
from pipeline import AFTER_MODEL, BEFORE_MODEL, CLOSE_UPS, MattingModel, Work, merge_close_ups

T = TypeVar("T")
Figures = dict[str, float]

SIZES = {"2 MP": (1600, 1250), "12 MP": (4000, 3000), "100 MP": (10_000, 10_000)}
OUTPUTS = (ImageFormat.PNG, ImageFormat.WEBP)
MODEL_SIDE = 384
RUNS = 7
_MEGABYTE = 1e6


def photograph(width: int, height: int) -> Pixels:
    """uint8 [height,width,3]: shapes of 64 pixels, enlarged softly, under grain of 4 levels."""
    random = np.random.default_rng(0)
    shapes = random.integers(0, 256, (height // 64, width // 64, 3), dtype=np.uint8)
    soft = np.asarray(cv2.resize(shapes, (width, height), interpolation=cv2.INTER_CUBIC), np.int16)
    grain = np.tile(
        np.rint(random.normal(0, 4, (512, 512, 3))).astype(np.int16), (height // 512 + 1, width // 512 + 1, 1)
    )
    return np.asarray(np.clip(soft + grain[:height, :width], 0, 255), np.uint8)


def matte(radius: float = 0.4) -> Pixels:
    """uint8 alpha [384,384]: a disc with a soft edge."""
    y, x = np.mgrid[:MODEL_SIDE, :MODEL_SIDE] / MODEL_SIDE - 0.5
    return np.asarray(np.clip((radius - np.hypot(x, y)) / 0.02 + 0.5, 0, 1) * 255, np.uint8)


class Stopwatch:
    """CPU milliseconds of each stage, one number for each time that it ran."""

    def __init__(self) -> None:
        self.stages: dict[str, list[float]] = {}

    def __call__(self, stage: str, work: Callable[[], T]) -> T:
        """Do the work, and count it for the stage."""
        start = time.process_time()
        made = work()
        self.stages.setdefault(stage, []).append(1000 * (time.process_time() - start))
        return made

    def figures(self) -> Figures:
        """Medians, and their sum under "all"."""
        medians = {stage: statistics.median(times) for stage, times in self.stages.items()}
        return {**medians, "all": sum(medians.values())}


async def _not_run(image: Pixels) -> Pixels:
    raise NotImplementedError


def ours(body: bytes, output: ImageFormat, watch: Stopwatch) -> bytes:
    """The pipeline's own steps, but for the model."""
    alpha = matte()
    info = watch("probe", lambda: probe(body, ImageFormat.JPEG, 10_000))
    work = Work(body, info, Output(output), MattingModel(_not_run, MODEL_SIDE), decode)
    read, *fit = BEFORE_MODEL["decode"]
    watch("decode", lambda: read(work))
    watch("fit", lambda: [step(work) for step in fit])
    watch("close-up", lambda: _look_again(work))
    work.alpha, work.close_ups, work.close_up_alphas = alpha, (), ()
    watch("compose", lambda: [step(work) for step in AFTER_MODEL["compose"]])
    watch("encode", lambda: [step(work) for step in AFTER_MODEL["encode"]])
    return work.result.body


def _look_again(work: Work) -> None:
    """The steps of a close-up, of a subject that covers a quarter of the picture."""
    work.alpha = matte(0.28)
    for step in CLOSE_UPS["compose"]:
        step(work)
    work.close_up_alphas = (matte(),) * len(work.close_ups)
    merge_close_ups(work)


def pillow(body: bytes, output: ImageFormat, watch: Stopwatch) -> bytes:
    """What a plain service does with Pillow's defaults."""

    def opened() -> Image.Image:
        with Image.open(BytesIO(body)) as image:
            return ImageOps.exif_transpose(image).convert("RGB")

    def cut() -> Image.Image:
        image.putalpha(alpha.resize(image.size, Image.Resampling.LANCZOS))
        return image

    def saved() -> bytes:
        file = BytesIO()
        result.save(file, output.name)
        return file.getvalue()

    alpha = Image.fromarray(matte())
    image = watch("decode", opened)
    watch("fit", lambda: np.asarray(image.resize((MODEL_SIDE, MODEL_SIDE), Image.Resampling.LANCZOS)))
    result = watch("compose", cut)
    return watch("encode", saved)


WAYS = {"ours": ours, "pillow": pillow}


def measure(way: str, body: bytes, output: ImageFormat, runs: int) -> Figures:
    """One way's medians in milliseconds, "MB out", and "MB RSS": the most that this process ever held."""
    watch = Stopwatch()
    for _ in range(runs):
        made = WAYS[way](body, output, watch)
    return {
        **watch.figures(),
        "MB out": len(made) / _MEGABYTE,
        "MB RSS": _peak(),
    }


def _peak() -> float:
    """Megabytes that this process held at most. (`getrusage` would count its parent's before it was started.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
    return int(found[1]) * 1024 / _MEGABYTE if found else math.nan


def _in_a_process(way: str, file: Path, output: ImageFormat, runs: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.imaging", "--only", way, str(file), output.name, str(runs)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own module
    figures: Figures = json.loads(run.stdout)
    return figures


def _compare(size: str, runs: int) -> Iterator[tuple[str, Figures]]:
    with TemporaryDirectory() as directory:
        file = Path(directory, "photograph.jpg")
        file.write_bytes(simplejpeg.encode_jpeg(photograph(*SIZES[size]), quality=92))
        for output in OUTPUTS:
            for way in WAYS:
                yield f"{size} JPEG → {output.name}, {way}", _in_a_process(way, file, output, runs)


def _table(results: dict[str, Figures]) -> Table:
    stages = ["probe", "decode", "fit", "close-up", "compose", "encode", "all", "MB out", "MB RSS"]
    table = Table("CPU ms, one core", *stages)
    for name, figures in results.items():
        table.add_row(name, *(f"{figures[stage]:,.1f}" if stage in figures else "" for stage in stages))
    return table


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures there.")] = None,
    sizes: Annotated[str, typer.Option(help="Which sizes, separated by commas.")] = "2 MP,12 MP",
    runs: Annotated[int, typer.Option(help="How often each; of 100 MP once.")] = RUNS,
    only: Annotated[tuple[str, str, str, int] | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure and print."""
    if only is not None:
        way, file, output, runs = only
        print(json.dumps(measure(way, Path(file).read_bytes(), ImageFormat[output], runs)))  # noqa: T201
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    results = {
        name: figures for size in sizes.split(",") for name, figures in _compare(size, 1 if size == "100 MP" else runs)
    }
    Console(width=140).print(_table(results))
    if json_file:
        document: dict[str, Any] = {"runs": runs, "model_side": MODEL_SIDE, "results": results}
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    typer.run(main)
